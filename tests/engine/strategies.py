"""Random situations for the planner: documents, accounts, prices and policies that people might really have."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from execution.engine.artifact import Problem, Recommendation
from execution.engine.planning import PlanInput
from execution.engine.policy import Costs, Policy
from execution.engine.routing import Instrument, Quote
from execution.engine.vocabulary import Mode, OnBreach, TradingState
from portfolios.accounting import Side
from portfolios.snapshot import AccountSnapshot
from tests.builders import AS_OF, artifact_of, holding, rec, unreadable

# Three of one sector, one of another, two of none.
SECTORS = {"AAPL": "Technology", "MSFT": "Technology", "NVDA": "Technology", "XOM": "Energy", "JPM": "", "BRK.B": ""}
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

costs = st.builds(
    Costs,
    commission_per_order=amounts("0", "5"),
    commission_per_share=amounts("0", "0.02", places=4),
    commission_bps=amounts("0", "50"),
    commission_minimum=amounts("0", "5"),
    slippage_bps=amounts("0", "100"),
)
no_costs = st.just(Costs())

policies = st.builds(
    Policy,
    max_position_percent=st.sampled_from([Decimal(20), Decimal(100)]) | percents,
    max_sector_percent=st.sampled_from([Decimal(40), Decimal(100)]) | percents,
    max_gross_exposure_percent=st.sampled_from([Decimal(200), Decimal(100), Decimal(1000)]),
    cash_reserve_percent=st.sampled_from([Decimal(0), Decimal(0), Decimal(5)]) | percents,
    min_order_value=st.sampled_from([Decimal(0), Decimal(0), Decimal(50)]),
    max_order_value=st.none() | amounts("1", "50000"),
    restricted_symbols=st.just(frozenset[str]()) | st.frozensets(st.sampled_from(SYMBOLS), max_size=2),
    allow_short=st.booleans(),
    short_margin_percent=st.sampled_from([Decimal(50), Decimal(0)]) | percents,
    on_breach=st.sampled_from(OnBreach),
    rounding=st.sampled_from(["ROUND_HALF_EVEN", "ROUND_DOWN"]),
    costs=no_costs | costs,
)


@st.composite
def accounts(draw: st.DrawFn, marks: Mapping[str, Decimal], steps: Mapping[str, Decimal]) -> AccountSnapshot:
    """Return an account with cash and a few holdings in whole steps, marked at `marks`."""
    holdings = {}
    for symbol in draw(st.lists(st.sampled_from(SYMBOLS), unique=True, max_size=5)):
        most = max(int(Decimal(60_000) / marks[symbol] / steps[symbol]), 1)
        quantity = draw(st.integers(1, most)) * steps[symbol]
        paid = draw(st.sampled_from([marks[symbol], marks[symbol] * 2]))
        holdings[symbol] = holding(draw(st.sampled_from(Side)), symbol, quantity, paid, marks[symbol])
    return AccountSnapshot(draw(st.just(Decimal(100_000)) | amounts("0", "200000")), holdings)


@st.composite
def situations(draw: st.DrawFn, policy: st.SearchStrategy[Policy] = policies, **fixed: Any) -> PlanInput:
    """Return what a plan depends on; `fixed` replaces fields of it."""
    steps = {symbol: draw(st.sampled_from(STEPS[:1]) | st.sampled_from(STEPS)) for symbol in SYMBOLS}
    marks = {symbol: draw(prices) for symbol in SYMBOLS}
    priced = [symbol for symbol in SYMBOLS if draw(st.integers(0, 9))]
    situation = PlanInput(
        artifact=artifact_of(*draw(st.lists(lines, min_size=1, max_size=7))),
        snapshot=draw(accounts(marks, steps)),
        quotes={symbol: Quote(marks[symbol], "test", AS_OF) for symbol in priced},
        instruments={symbol: Instrument(symbol, SECTORS[symbol], steps[symbol]) for symbol in SYMBOLS},
        policy=draw(policy),
        mode=draw(st.sampled_from(Mode)),
        close_unlisted=draw(st.booleans()),
        state=draw(st.sampled_from([TradingState.ACTIVE] * 8 + [TradingState.REDUCING, TradingState.HALTED])),
    )
    return replace(situation, **fixed)
