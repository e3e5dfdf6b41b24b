"""What a plan is made at: prices, securities, and what is the same for every line."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from common.money import CENT, ZERO
from execution.engine.planning.costs import BASIS_POINT
from execution.engine.planning.policy import Costs, Policy
from execution.engine.vocabulary import Code, Mode, TradingState
from portfolios.domain.accounting import Side
from portfolios.domain.snapshot import AccountSnapshot


@dataclass(frozen=True, slots=True)
class Quote:
    """A price per unit with where and when it comes from. `simulated` marks a default price.

    `reduce_only` marks the last mark of a holding for which no source had a price: good enough to get out at, not
    to get in.
    """

    price: Decimal
    source: str
    as_of: datetime
    simulated: bool = False
    reduce_only: bool = False


@dataclass(frozen=True, slots=True)
class Unpriced:
    """Why a symbol has no price that it could be traded at: a code, and what the sources said."""

    code: Code
    reason: str


@dataclass(frozen=True, slots=True)
class Successor:
    """The symbol that a security has instead of a former one, and the first day on which it had it."""

    symbol: str
    since: date

    @property
    def words(self) -> str:
        """What a person has to know of it."""
        return f"it is {self.symbol} since {self.since}; confirm the line only where another security is meant"


@dataclass(frozen=True, slots=True)
class Instrument:
    """What the planner knows of a security: sector (empty where unknown), quantity step, smallest quantity.

    One that is not `active` is no longer traded: what is held of it may only be reduced.
    """

    symbol: str
    sector: str = ""
    step: Decimal = Decimal("0.01")
    minimum: Decimal = ZERO
    active: bool = True


@dataclass(frozen=True, slots=True)
class Settling:
    """What a plan of weights to reach takes into account so that planning again right after it gives no orders.

    The symbols in `awake` are traded although their drift may be noise: what the other orders cost would take them
    out of it. `lost` is what the orders cost in all, where the weights have to be those of what is left.
    """

    awake: frozenset[str] = frozenset()
    lost: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Market:
    """What is the same for every line of a plan. `snapshot` is marked at this run's prices; `total_value` is its
    value, frozen before the first trade, `noise` how much of it means nothing (see `noise_of`), and `rounding` the
    part of that which whole cents explain. The symbols in `held_back` have a price that a person has to confirm
    first, `unpriced` says why a symbol has none; the lines in `confirmed` go ahead although the research is too old
    or its target has been reached, or their symbol is one of the `former` ones of a security.
    """

    snapshot: AccountSnapshot
    quotes: Mapping[str, Quote]
    instruments: Mapping[str, Instrument]
    policy: Policy
    mode: Mode
    state: TradingState
    total_value: Decimal
    noise: Decimal
    held_back: Collection[str] = ()
    unpriced: Mapping[str, Unpriced] = field(default_factory=dict)
    is_too_old: bool = False
    confirmed: Collection[int] = ()
    former: Collection[str] = ()
    settling: Settling = Settling()
    rounding: Decimal = ZERO

    def instrument(self, symbol: str) -> Instrument:
        """Return what is known of `symbol`, or the defaults for an unknown one."""
        return self.instruments.get(symbol) or Instrument(symbol)

    def step(self, symbol: str, side: Side) -> Decimal:
        """Return what orders of `symbol` on `side` are multiples of: whole units where the policy says so."""
        step = self.instrument(symbol).step
        return max(step, Decimal(1)) if side is Side.SHORT and self.policy.whole_share_shorts else step

    @property
    def has_equity(self) -> bool:
        """Whether the account is worth anything: a percentage of nothing, or of debts, is no size."""
        return self.total_value > 0


def noise_of(snapshot: AccountSnapshot, quotes: Mapping[str, Quote], costs: Costs) -> Decimal:
    """Return by how much a run just before may have moved the account's total value, in cash.

    Two fills a symbol round to the cent and may pay a fixed fee; two turnovers of the account pay the rest.
    """
    fixed = CENT + max(costs.commission_per_order, costs.commission_minimum)
    rate = (costs.commission_bps + costs.slippage_bps) * BASIS_POINT
    units = sum((holding.quantity for holding in snapshot.holdings.values()), ZERO)
    turnover = snapshot.cash_balance + snapshot.gross_exposure
    return 2 * (len(quotes) * fixed + rate * turnover + costs.commission_per_share * units)
