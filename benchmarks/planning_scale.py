"""What a recommendation costs the planner in a large request, as a multiple of what it costs in a small one.

The ratio of one run: medians of several turns, small and large in turn, so that a slower machine slows both.
"""

import statistics
import time
from datetime import UTC, datetime
from decimal import Decimal

from execution.engine.parsing.artifact import Artifact, Claims, Recommendation
from execution.engine.planning.market import Instrument, Quote
from execution.engine.planning.plan import Plan, PlanInput, make_plan
from execution.engine.planning.policy import Policy
from execution.engine.vocabulary import RecommendedAction
from portfolios.domain.accounting import Holding, Side
from portfolios.domain.snapshot import AccountSnapshot

SMALL, LARGE = 10, 1_000
TURNS = 15
NOW = datetime(2026, 1, 5, tzinfo=UTC)
SECTORS = ("Energy", "Financials", "Health Care", "Information Technology", "")


def situation(count: int) -> PlanInput:
    """Return a request of `count` lines: three of four buy, one of four sells what is held."""
    symbols = [f"S{number}" for number in range(count)]
    price = Decimal("123.45")
    held = {
        symbol: Holding(symbol, Side.LONG, Decimal(1), price, price, mark_price=price) for symbol in symbols[::4]
    }
    lines = tuple(
        Recommendation(
            line=number + 1,
            symbol=symbol,
            action=RecommendedAction.SELL if symbol in held else RecommendedAction.BUY,
            allocation_percent=Decimal(100) / count,
            confidence=None,
            confidence_raw="",
            rationale="",
            current_price=None,
            target_price=None,
            raw=None,
        )
        for number, symbol in enumerate(symbols)
    )
    return PlanInput(
        artifact=Artifact("", lines, (), "", Claims()),
        snapshot=AccountSnapshot(Decimal(10_000_000), held),
        quotes={symbol: Quote(price, "benchmark", NOW) for symbol in symbols},
        instruments={symbol: Instrument(symbol, SECTORS[at % len(SECTORS)]) for at, symbol in enumerate(symbols)},
        policy=Policy(),
    )


def seconds_per_line(given: PlanInput, repeats: int) -> float:
    """Return the process time of planning, per recommendation."""
    start = time.process_time()
    for _ in range(repeats):
        assert isinstance(make_plan(given), Plan)
    return (time.process_time() - start) / repeats / given.artifact.line_count


def main() -> None:
    """Print the cost per recommendation at both sizes and their ratio."""
    small, large = situation(SMALL), situation(LARGE)
    pairs = [(seconds_per_line(small, LARGE // SMALL), seconds_per_line(large, 1)) for _ in range(TURNS)]
    few, many = (statistics.median(column) * 1e6 for column in zip(*pairs, strict=True))
    ratio = statistics.median(b / a for a, b in pairs)
    print(f"planning: {few:.0f} µs a recommendation at {SMALL}, {many:.0f} µs at {LARGE:,}")
    print(f"ratio: {ratio:.2f}, at most 1.2")


if __name__ == "__main__":
    main()
