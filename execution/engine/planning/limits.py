"""What goes through the limits: entries, what each limit said of them, and what an entry loads a limit with.

The limits themselves are rows of `portfolios.domain.risk_limits`; the machine that applies them is `limit_engine`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal
from typing import Any

from common.money import CENT, HUNDRED, ZERO, notional, plain
from execution.engine.planning.costs import commission, fill_price
from execution.engine.planning.policy import Policy
from execution.engine.vocabulary import Code
from portfolios.domain import risk_limits
from portfolios.domain.accounting import Action
from portfolios.domain.headroom import DOES_NOT_APPLY
from portfolios.domain.limit import Limit, Measure, Rule
from portfolios.domain.snapshot import AccountSnapshot

# The last digit of a quotient is noise: 4/9 of 2,250 comes out a hair below 1,000 and would round down to a step
# less, 20 % of an account a hair above 20 %. Scaled sizes keep fewer digits.
SIZE = Context(prec=24)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one limit said of one entry: its load before and after, and the headroom of its group.

    `beside` are the other orders that were scaled by the same `factor`, to share the headroom.
    """

    code: Code
    result: str  # "passed", "clamped", "rejected", "unverified"
    before: Decimal
    after: Decimal
    headroom: Decimal | None
    beside: tuple[Action, ...] = ()
    factor: Decimal | None = None

    @property
    def cut(self) -> bool:
        """Whether the limit made the entry smaller."""
        return self.result in ("clamped", "rejected")


@dataclass(frozen=True, slots=True)
class Entry:
    """A planned purchase or short on its way through the limits.

    `wanted` is the exact quantity asked for, `quantity` its rounded form once rounding is done. `anchor` is the
    holding that a target is measured from: the sum of both is what gets rounded. `price` is the mark; what a fill
    pays is `fill_price`. One that is `resting` is left alone: a limit leaves it no more than what rounding may have
    left before.
    """

    line: int
    symbol: str
    action: Action
    sector: str
    price: Decimal
    step: Decimal
    wanted: Decimal
    anchor: Decimal = ZERO
    quantity: Decimal = ZERO
    verdicts: tuple[Verdict, ...] = ()
    rounded_down: bool = False
    minimum: Decimal = ZERO
    resting: bool = False

    @property
    def clamped(self) -> bool:
        """Whether a limit made the entry smaller."""
        return any(verdict.cut for verdict in self.verdicts)


@dataclass(frozen=True, slots=True)
class RiskContext:
    """What the limits are measured against: the account after the basket's exits, at this run's marks.

    `total_value` is the account's value before the first trade, frozen for the whole run. `sectors` names the
    sector of each held symbol, empty where it is unknown. `exit_count` is how many orders the exits take of what a
    run may make, `owed` the cash that exits still wait for. Where sizes are weights to reach (`are_weights`),
    `noise` is how much of the total value means nothing, in cash, `rounding` the part of it that whole cents
    explain, and `awake` are the symbols that are traded all the same.
    """

    total_value: Decimal
    after_exits: AccountSnapshot
    sectors: Mapping[str, str]
    policy: Policy
    exit_count: int = 0
    owed: Decimal = ZERO
    are_weights: bool = False
    noise: Decimal = ZERO
    rounding: Decimal = ZERO
    awake: frozenset[str] = frozenset()

    @property
    def short_margin(self) -> Decimal:
        """The margin on shorts as a fraction of their value."""
        return self.policy.short_margin

    def percent_of_total(self, percent: Decimal) -> Decimal:
        """Return `percent` of the frozen total value in cash, never below zero."""
        return max(self.total_value * percent / HUNDRED, ZERO)


@dataclass(frozen=True, slots=True)
class RunLimit:
    """A limit with its value in one run. Where the policy sets none, the limit says nothing of any entry."""

    row: Limit
    rule: Rule
    code: Code

    def group(self, entry: Entry, context: RiskContext) -> str | None:
        """Return the group that the entry loads, None where the rule cannot tell."""
        return DOES_NOT_APPLY if self.value(context) is None else self.rule.group(entry)

    def value(self, context: RiskContext) -> Any:
        """Return what the policy sets."""
        return getattr(context.policy, self.row.field)

    def headroom(self, group: str, context: RiskContext) -> Decimal:
        """Return what the limit leaves a group before the first of its entries; below zero where it is broken."""
        return self.rule.headroom(self.value(context), group, context)

    def load(self, entry: Entry, quantity: Decimal, context: RiskContext) -> Decimal:
        """Return what `quantity` of the entry loads its group with, before anything is rounded to cents."""
        match self.rule.measure:
            case Measure.VALUE:
                return quantity * entry.price
            case Measure.CASH:
                return _cash_taken(entry, quantity, context, flow=quantity * _paid(entry, context))
            case Measure.ORDERS:
                return Decimal(1) if quantity else ZERO

    def charge(self, entry: Entry, quantity: Decimal, context: RiskContext) -> Decimal:
        """Return the load of a rounded quantity as the books will charge it: cash in whole cents."""
        if self.rule.measure is not Measure.CASH:
            return self.load(entry, quantity, context)
        flow = notional(quantity=quantity, price=_paid(entry, context))
        return _cash_taken(entry, quantity, context, flow=flow)

    def fixed(self, context: RiskContext) -> Decimal:
        """Return the part of a load that a smaller order does not lose, as a minimum commission."""
        if self.rule.measure is not Measure.CASH:
            return ZERO
        costs = context.policy.costs
        return max(costs.commission_per_order, costs.commission_minimum)


def _paid(entry: Entry, context: RiskContext) -> Decimal:
    return fill_price(action=entry.action, price=entry.price, costs=context.policy.costs)


def _cash_taken(entry: Entry, quantity: Decimal, context: RiskContext, *, flow: Decimal) -> Decimal:
    """A buy takes its cost; a short takes its margin, as its proceeds stay behind as collateral."""
    if not quantity:
        return ZERO
    fee = commission(quantity=quantity, price=_paid(entry, context), costs=context.policy.costs)
    if entry.action is Action.BUY:
        return flow + fee
    return quantity * entry.price * (1 + context.policy.short_margin) - flow + fee


# Those that a basket is held to, in the sequence that is part of the contract.
LIMITS: tuple[RunLimit, ...] = tuple(
    RunLimit(row, row.rule, Code(row.code)) for row in risk_limits.LIMITS if row.rule is not None
)


def least_value(policy: Policy) -> Decimal:
    """Return the smallest order in cash: below a cent the books would give the quantity away for nothing."""
    return max(policy.min_order_value, CENT)


def smallest_lot(entry: Entry, policy: Policy) -> Decimal:
    """Return the smallest quantity of the entry that can be an order, in whole steps: at least one, the security's
    minimum, and the smallest order value.
    """
    least = max(entry.minimum, least_value(policy) / entry.price)
    return max((least / entry.step).to_integral_value(rounding=ROUND_CEILING), Decimal(1)) * entry.step


def steps_worth(cash: Decimal, *, price: Decimal, step: Decimal) -> Decimal:
    """Return the quantity, in whole steps and at least one, that is worth at least `cash` > 0."""
    return (cash / (price * step)).to_integral_value(rounding=ROUND_CEILING) * step


def verdict_as_data(verdict: Verdict) -> dict[str, str | None]:
    """Return a verdict as JSON-ready values, amounts as strings in cash. The headroom keeps its published name."""
    return {
        "code": verdict.code,
        "result": verdict.result,
        "before": plain(verdict.before),
        "after": plain(verdict.after),
        "room": plain(verdict.headroom) if verdict.headroom is not None else None,
    }
