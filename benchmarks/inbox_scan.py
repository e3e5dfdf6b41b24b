"""Scanning the inbox again: seconds for many unchanged requests, and as a multiple of only listing their files.

`python -m benchmarks.inbox_scan 10000` measures with ten thousand requests; `make bench` with fewer.
"""

import json
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

_Result = TypeVar("_Result")


def main() -> None:
    """Print what the first scan, the second one and the bare listing took."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    with tempfile.TemporaryDirectory() as directory:
        os.environ.update(ENV_FILE=os.devnull, DJANGO_SETTINGS_MODULE="folios.settings")
        os.environ.setdefault("DATABASE_URL", f"sqlite:///{directory}/db.sqlite3")
        import django  # noqa: PLC0415  # the settings come from the environment

        django.setup()
        measure(Path(directory) / "artifacts", count)


def measure(root: Path, count: int) -> None:
    """Print the figures for `count` requests below `root`. Raises AssertionError where a file is read twice."""
    from django.core.management import call_command  # noqa: PLC0415  # after the set-up

    from execution.engine.vocabulary import Refusal  # noqa: PLC0415  # after the set-up
    from execution.research.scan import ScanReport, scan_inbox  # noqa: PLC0415  # after the set-up

    def scan() -> ScanReport | Refusal:
        return scan_inbox(root, now=datetime.now(UTC))

    call_command("migrate", verbosity=0)
    fill(root, count)
    first, report = timed(scan)
    assert isinstance(report, ScanReport)
    assert report.new == count
    again, report = timed(scan)
    assert isinstance(report, ScanReport)
    assert report.new == report.changed == 0
    bare, _ = timed(lambda: list_files(root))
    print(f"{count} requests: first scan {first:.2f} s, again {again:.2f} s, bare listing {bare:.2f} s")
    print(f"again as a multiple of the bare listing: {again / bare:.2f}")


def fill(root: Path, count: int) -> None:
    """Write `count` requests of two files each."""
    content = json.dumps({"recommendations": [{"symbol": "MSFT", "action": "BUY", "allocation_percent": 10}]})
    for _ in range(count):
        task = root / str(uuid.uuid4()) / str(uuid.uuid4())
        task.mkdir(parents=True)
        (task / "structured.json").write_text(content)
        (task / "response.json").write_text(content)


def list_files(root: Path) -> int:
    """Look at every file below `root`, and do nothing with it."""
    return sum(
        entry.stat(follow_symlinks=False).st_size
        for request in os.scandir(root)
        for task in os.scandir(request)
        for entry in os.scandir(task)
    )


def timed(act: Callable[[], _Result]) -> tuple[float, _Result]:
    """Return the seconds that `act` takes, and what it returns."""
    start = time.perf_counter()
    result = act()
    return time.perf_counter() - start, result


if __name__ == "__main__":
    main()
