"""What the triggers cost: one execution of 200 recommendations with them, as a multiple of one without.

In turn, in one run, each on a new account of the same SQLite file. Run it with `make bench`.
"""

import json
import os
import statistics
import tempfile
import time
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

LINES = 200
TURNS = 9


def main() -> None:
    """Print the medians and their ratio."""
    with tempfile.TemporaryDirectory() as directory:
        os.environ.update(
            ENV_FILE=os.devnull,
            DATABASE_URL=f"sqlite:///{directory}/db.sqlite3",
            DJANGO_SETTINGS_MODULE="folios.settings",
        )
        import django  # noqa: PLC0415  # the settings come from the environment

        django.setup()
        measure(Path(directory))


def measure(root: Path) -> None:
    """Execute in turn with and without triggers and print what each took."""
    from django.core.management import call_command  # noqa: PLC0415  # after the set-up
    from django.db import connection  # noqa: PLC0415  # after the set-up

    from portfolios.ledger.triggers import install_triggers, remove_triggers  # noqa: PLC0415  # after the set-up

    call_command("migrate", verbosity=0)
    guarded: list[float] = []
    bare: list[float] = []
    for _ in range(TURNS):
        for times, prepare in ((guarded, install_triggers), (bare, remove_triggers)):
            prepare(connection)
            execute_once(root)  # the first one after a change of the schema pays for it
            times.append(execute_once(root))
    ratio = statistics.median(a / b for a, b in zip(guarded, bare, strict=True))
    print(f"{LINES} recommendations: {statistics.median(guarded) * 1000:.0f} ms guarded, ", end="")
    print(f"{statistics.median(bare) * 1000:.0f} ms without triggers, ratio {ratio:.2f}")


def execute_once(root: Path) -> float:
    """Return the seconds of one execution in a new account. Raises AssertionError where it is refused."""
    from execution.prices import PriceChain  # noqa: PLC0415  # after the set-up
    from execution.prices.sources.constant import ConstantSource  # noqa: PLC0415  # after the set-up
    from execution.reports.types import RunReport  # noqa: PLC0415  # after the set-up
    from execution.services import ExecutionRequest, execute  # noqa: PLC0415  # after the set-up

    request, strategy = str(uuid.uuid4()), str(uuid.uuid4())
    directory = root / "artifacts" / request / str(uuid.uuid4())
    directory.mkdir(parents=True)
    lines = [{"symbol": f"S{n}", "action": "BUY", "allocation_percent": 0.3} for n in range(LINES)]
    (directory / "structured.json").write_text(json.dumps({"recommendations": lines}))
    now = datetime.now(UTC)
    execution_request = ExecutionRequest(
        request_id=request,
        strategy_id=strategy,
        provider="anthropic",
        initial_balance=Decimal(100_000),
        prices=PriceChain((ConstantSource(Decimal(7), now),), now=now),
        artifacts_root=root / "artifacts",
        actor="benchmark",
        source="service",
        now=now,
        create_strategy=strategy,
    )
    start = time.perf_counter()
    report = execute(execution_request)
    seconds = time.perf_counter() - start
    assert isinstance(report, RunReport)
    return seconds


if __name__ == "__main__":
    main()
