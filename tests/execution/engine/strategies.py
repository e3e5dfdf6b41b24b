"""Random situations for the planner: documents, accounts, prices and policies that people might really have."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from execution.engine.parsing.artifact import Problem, Recommendation
from execution.engine.planning.market import Instrument, Quote
from execution.engine.planning.plan import PlanInput
from execution.engine.planning.policy import Costs, Policy
from execution.engine.vocabulary import Mode, OnBreach, TradingState
from portfolios.domain.accounting import Side
from portfolios.domain.snapshot import AccountSnapshot
from tests.builders import AS_OF, artifact_of, doubtful, holding, rec, unreadable

# Three of one sector, one of another, two of none.
SECTORS = {
    "AAPL": "Technology",
    "MSFT": "Technology",
    "NVDA": "Technology",
    "XOM": "Energy",
    "JPM": "",
    "BRK.B": "",
}
SYMBOLS = sorted(SECTORS)
STEPS = [Decimal("0.01"), Decimal(1), Decimal("0.000001"), Decimal("0.1")]


def amounts(least: str, most: str, *, places: int = 2) -> st.SearchStrategy[Decimal]:
    """Return decimals with at most `places` places, both ends included."""
    return st.decimals(Decimal(least), Decimal(most), places=places, allow_nan=False, allow_infinity=False)


percents = st.one_of(
    st.sampled_from([Decimal(number) for number in (0, 5, 10, 20, 25, 30, 50, 100)]),
    amounts("0", "100", places=4),
)
prices = st.one_of(amounts("0.01", "1000"), amounts("0.000001", "1", places=6), amounts("1", "700000", places=4))

lines: st.SearchStrategy[Recommendation | Problem] = st.one_of(
    st.builds(rec, st.sampled_from(SYMBOLS), st.sampled_from(["BUY", "SELL_SHORT"]), percents),
    st.builds(rec, st.sampled_from(SYMBOLS), st.just("BUY"), percents),
    st.builds(
        rec, st.sampled_from(SYMBOLS), st.sampled_from(["SELL", "BUY_TO_COVER", "HOLD"]), st.none() | percents
    ),
    st.builds(unreadable, st.sampled_from(["", *SYMBOLS])),
)

# Mostly one line a symbol: lines that contradict each other are quarantined, and little else happens then.
documents = st.lists(lines, min_size=1, max_size=6, unique_by=lambda item: item.symbol or id(item)) | st.lists(
    lines, min_size=1, max_size=4
)

costs = st.builds(
    Costs,
    commission_per_order=amounts("0", "5"),
    commission_per_share=amounts("0", "0.02", places=4),
    commission_bps=amounts("0", "50"),
    commission_minimum=amounts("0", "5"),
    slippage_bps=amounts("0", "100"),
)
no_costs = st.just(Costs())

# Every policy draws these; of the rest only a few at a time, so that a case stays quick to make and to read.
_USUAL = {
    "allow_short": st.booleans(),
    "max_position_percent": st.sampled_from([Decimal(20), Decimal(100)]) | percents,
    "max_sector_percent": st.sampled_from([Decimal(40), Decimal(100)]) | percents,
    "costs": no_costs | costs,
}
_SPECIAL = {
    "max_gross_exposure_percent": st.sampled_from([Decimal(100), Decimal(1000)]),
    "max_net_exposure_percent": st.sampled_from([Decimal(0), Decimal(10), Decimal(60)]) | percents,
    "max_short_exposure_percent": st.just(Decimal(30)),
    "max_single_short_percent": st.just(Decimal(100)),
    "max_orders_per_run": st.integers(1, 3),
    "drift_band_percent": st.just(Decimal(1)),
    "whole_share_shorts": st.just(True),  # the value of a field
    "cash_reserve_percent": st.just(Decimal(5)) | percents,
    "min_order_value": st.just(Decimal(50)),
    "max_order_value": amounts("1", "50000"),
    "restricted_symbols": st.frozensets(st.sampled_from(SYMBOLS), max_size=2),
    "short_margin_percent": st.just(Decimal(0)) | percents,
    "on_breach": st.just(OnBreach.REJECT),
    "rounding": st.just("ROUND_DOWN"),
}


@st.composite
def any_policies(draw: st.DrawFn) -> Policy:
    """Return a policy with the usual limits and a few of the others."""
    special = draw(st.lists(st.sampled_from(sorted(_SPECIAL)), max_size=3, unique=True))
    chosen: dict[str, Any] = {name: draw(values) for name, values in _USUAL.items()}
    chosen |= {name: draw(_SPECIAL[name]) for name in special}
    return Policy(**chosen)


policies = any_policies()


@st.composite
def accounts(draw: st.DrawFn, marks: Mapping[str, Decimal], steps: Mapping[str, Decimal]) -> AccountSnapshot:
    """Return an account with cash and a few holdings in whole steps, marked at `marks`."""
    holdings = {}
    for symbol in draw(st.lists(st.sampled_from(SYMBOLS), unique=True, max_size=4)):
        most = max(int(min(60_000 / marks[symbol], Decimal(10**8)) / steps[symbol]), 1)
        quantity = draw(st.integers(1, most)) * steps[symbol]
        paid = draw(st.sampled_from([marks[symbol], marks[symbol] * 2]))
        holdings[symbol] = holding(draw(st.sampled_from(Side)), symbol, quantity, paid, marks[symbol])
    return AccountSnapshot(draw(st.just(Decimal(100_000)) | amounts("0", "200000")), holdings)


# Hundredths everywhere, whole units everywhere, or one of each.
step_sizes = st.sampled_from([[STEPS[0]] * 6, [STEPS[1]] * 6, [*STEPS, *STEPS[:2]]])


@st.composite
def situations(draw: st.DrawFn, /, policy: st.SearchStrategy[Policy] = policies, **fixed: Any) -> PlanInput:
    """Return what a plan depends on; `fixed` replaces fields of it."""
    steps = dict(
        zip(SYMBOLS, draw(st.sampled_from([[STEPS[0]] * 6, [STEPS[1]] * 6, [*STEPS, *STEPS[:2]]])), strict=True)
    )
    marks = {symbol: draw(prices) for symbol in SYMBOLS}
    none = [""] * 6
    unpriced, doubted, marked, gone = (draw(st.sampled_from(none + SYMBOLS)) for _ in range(4))
    priced = [symbol for symbol in SYMBOLS if symbol not in (unpriced, doubted)]
    situation = PlanInput(
        artifact=artifact_of(*draw(documents)),
        snapshot=draw(accounts(marks, steps)),
        quotes={symbol: Quote(marks[symbol], "test", AS_OF, reduce_only=symbol == marked) for symbol in priced},
        instruments={
            symbol: Instrument(symbol, SECTORS[symbol], steps[symbol], active=symbol != gone) for symbol in SYMBOLS
        },
        policy=draw(policy),
        mode=draw(st.sampled_from(Mode)),
        close_unlisted=draw(st.booleans()),
        state=draw(st.sampled_from([TradingState.ACTIVE] * 8 + [TradingState.REDUCING, TradingState.HALTED])),
        held_back={doubted: doubtful()} if doubted else {},
    )
    return replace(situation, **fixed)
