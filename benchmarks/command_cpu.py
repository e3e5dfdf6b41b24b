"""CPU of the published command, a fresh process on SQLite, in units of a fixed loop.

One unit is the process time of `sum(i * i % 7 for i in range(200_000))`, best of three: a figure in units can be
compared between machines and days, seconds cannot. Run it with `make bench`.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUEST, TASK = "79b9930c-3a6f-4f41-ae9b-a3fa8ec37ef2", "5f1f84b5-424f-4f6d-a66a-9784bf9e6604"
REFERENCE_UNITS = 75.0  # the public system that the specification comes from, the same job
RUNS = 9


def unit_seconds() -> float:
    """Return the process time of the fixed loop, in seconds."""
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        sum(i * i % 7 for i in range(200_000))
        best = min(best, time.process_time() - start)
    return best


def child_cpu(arguments: list[str], env: dict[str, str]) -> float:
    """Return the CPU seconds, user and system, of manage.py with `arguments`. Raises CalledProcessError."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def write_published_request(root: Path) -> None:
    """Write the published request's artifact below `root`."""
    directory = root / REQUEST / TASK
    directory.mkdir(parents=True)
    lines = [("MSFT", "BUY", 10.0), ("AAPL", "HOLD", 6.0)]
    document = {"recommendations": [{"symbol": s, "action": a, "allocation_percent": p} for s, a, p in lines]}
    (directory / "structured.json").write_text(json.dumps(document))


def main() -> None:
    """Print units and the ratio to the reference, median of the runs."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        write_published_request(root / "artifacts")
        env = {
            **os.environ,
            "ENV_FILE": os.devnull,
            "DATABASE_URL": f"sqlite:///{root / 'db.sqlite3'}",
            "ARTIFACTS_ROOT": str(root / "artifacts"),
        }
        child_cpu(["migrate", "--verbosity", "0"], env)
        figures = []
        for number in range(RUNS + 1):
            strategy = ["--create-strategy", f"Benchmark {number}"]
            arguments = ["execute_recommendations", REQUEST, str(uuid.uuid4()), "--default-price", "450", *strategy]
            unit = unit_seconds()
            figures.append(child_cpu(arguments, env) / unit)
    counted = figures[1:]  # the first one warms the file cache
    median = statistics.median(counted)
    print(f"published command: {median:.1f} units of CPU (min {min(counted):.1f}, max {max(counted):.1f})")
    print(f"ratio to the reference ({REFERENCE_UNITS:.0f} units): {median / REFERENCE_UNITS:.2f}, at most 0.55")


if __name__ == "__main__":
    main()
