"""The account before and after a plan, and what a person should know before executing it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from common.money import ZERO
from execution.engine.planning.market import Instrument
from execution.engine.vocabulary import Outcome, TradingState
from execution.services import Preview
from portfolios.domain.snapshot import AccountSnapshot
from portfolios.selectors.overview import fraction


@dataclass(frozen=True, slots=True)
class Change:
    """One amount before and after, in cash or as a fraction of the total value."""

    label: str
    before: Decimal
    after: Decimal

    @property
    def difference(self) -> Decimal:
        """After minus before."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class PositionChange:
    """One holding before and after: signed quantities, and signed weights as fractions of the total value."""

    symbol: str
    quantity_before: Decimal
    quantity_after: Decimal
    weight_before: Decimal | None
    weight_after: Decimal | None


@dataclass(frozen=True, slots=True)
class BeforeAfter:
    """The account before and after a plan, at the same prices."""

    cash: Change
    amounts: tuple[Change, ...]
    exposures: tuple[Change, ...]
    positions: tuple[PositionChange, ...]
    policy_version: str


def compare(found: Preview) -> BeforeAfter:
    """Return the account before and after the plan of a preview."""
    before, after = found.plan.before, found.plan.after
    cash = Change("Cash", before.cash_balance, after.cash_balance)
    return BeforeAfter(
        cash=cash,
        amounts=(
            cash,
            Change("Equity", before.equity_value, after.equity_value),
            Change("Total value", before.total_value, after.total_value),
        ),
        exposures=tuple(_exposures(before, after, found.plan_input.instruments)),
        positions=tuple(
            _position(symbol, before, after) for symbol in sorted(before.holdings.keys() | after.holdings.keys())
        ),
        policy_version=found.plan_input.policy.version,
    )


def _position(symbol: str, before: AccountSnapshot, after: AccountSnapshot) -> PositionChange:
    return PositionChange(
        symbol, _quantity(before, symbol), _quantity(after, symbol), _weight(before, symbol), _weight(after, symbol)
    )


def _quantity(snapshot: AccountSnapshot, symbol: str) -> Decimal:
    held = snapshot.holdings.get(symbol)
    return held.signed_quantity if held else ZERO


def _weight(snapshot: AccountSnapshot, symbol: str) -> Decimal | None:
    held = snapshot.holdings.get(symbol)
    return fraction(held.market_value if held else ZERO, snapshot.total_value)


def _exposures(
    before: AccountSnapshot, after: AccountSnapshot, instruments: Mapping[str, Instrument]
) -> Iterator[Change]:
    """Yield gross and net exposure and each sector, as fractions of the total value."""
    if before.total_value <= 0 or after.total_value <= 0:
        return
    yield Change(
        "Gross exposure", before.gross_exposure / before.total_value, after.gross_exposure / after.total_value
    )
    yield Change("Net exposure", before.net_exposure / before.total_value, after.net_exposure / after.total_value)
    was, becomes = _sectors(before, instruments), _sectors(after, instruments)
    for sector in sorted(was.keys() | becomes.keys()):
        yield Change(
            f"Sector: {sector}",
            was.get(sector, ZERO) / before.total_value,
            becomes.get(sector, ZERO) / after.total_value,
        )


def _sectors(snapshot: AccountSnapshot, instruments: Mapping[str, Instrument]) -> dict[str, Decimal]:
    values: dict[str, Decimal] = {}
    for symbol, held in snapshot.holdings.items():
        known = instruments.get(symbol)
        sector = known.sector if known and known.sector else "unknown"
        values[sector] = values.get(sector, ZERO) + abs(held.market_value)
    return values


def warnings_of(found: Preview) -> list[tuple[str, str]]:
    """Return what speaks against executing now, as (level, sentence): "error" blocks, "warning" does not."""
    return [*_blockers(found), *_warnings(found)]


def _blockers(found: Preview) -> Iterator[tuple[str, str]]:
    given = found.plan_input
    if given.policy.require_open_market and not found.report.run.market_open:
        yield "error", "The policy requires the market to be open, and it is closed: executing will be refused."


def _warnings(found: Preview) -> Iterator[tuple[str, str]]:
    given = found.plan_input
    if given.state is TradingState.REDUCING:
        yield "warning", "Trading is limited to what reduces a position."
    if found.report.run.simulated:
        yield (
            "warning",
            "At least one price is a default price, not a market's: the run will be marked as simulated.",
        )
    doubted = ", ".join(sorted(given.held_back))
    if doubted:
        yield (
            "warning",
            f"Price in doubt: {doubted}. Until somebody accepts it, lines wait and holdings keep their last mark.",
        )
    missing = ", ".join(row.symbol for row in found.prices if row.price is None)
    if missing:
        yield "warning", f"No price to trade at: {missing}. The lines are deferred; type one below, or wait."
    if any(decision.outcome == Outcome.QUARANTINED for decision in found.report.decisions):
        yield "warning", "Some lines are quarantined: they trade nothing and wait for a person."
    if not found.report.orders:
        yield "warning", "Nothing would be traded. Executing records the decisions."
