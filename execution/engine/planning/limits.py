"""Limits. Each one only shrinks what would be bought or shorted, and records what it saw before and after.

Every limit has the same form: it puts entries into groups, says how much each entry loads its group, and how much
room a group has once the whole basket's exits are done. Where the loads of a group exceed its room, its entries are
scaled by one factor (or, under `reject`, what does not fit is refused). A new limit is a new row of LIMITS, and no
limit can stop a trade that reduces a position: exits are never among the entries.

The sequence is part of the contract: order size, position, shorts, sector, gross, cash, number of orders. What
binds fewer lines goes first, so that a later limit does not free room that an earlier one has shared out. Scaling
keeps the proportions that the research asked for.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_DOWN, Context, Decimal
from itertools import groupby

from common.money import CASH_LIMIT, CENT, HUNDRED, ZERO, notional, plain, quantize_cash, quantize_quantity
from execution.engine.planning.costs import commission, fill_price
from execution.engine.planning.policy import Costs, Policy
from execution.engine.vocabulary import Code, OnBreach
from portfolios.domain.accounting import Action, Fill
from portfolios.domain.snapshot import AccountSnapshot

# The last digit of a quotient is noise: 4/9 of 2,250 comes out a hair below 1,000 and would round down to a step
# less, 20 % of an account a hair above 20 %. Scaled sizes keep fewer digits, and a breach starts here, in cash.
_SIZE = Context(prec=24)
_BREACH = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one limit said of one entry: its load before and after and the room, in cash."""

    code: Code
    result: str  # "passed", "clamped", "rejected", "unverified"
    before: Decimal
    after: Decimal
    room: Decimal | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A planned purchase or short on its way through the limits.

    `wanted` is the exact quantity asked for, `quantity` its rounded form once rounding is done. `anchor` is the
    holding that a target is measured from: the sum of both is what gets rounded. `price` is the mark; what a fill
    pays is `fill_price`.
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

    @property
    def clamped(self) -> bool:
        """Whether a limit made the entry smaller."""
        return any(verdict.result in ("clamped", "rejected") for verdict in self.verdicts)


@dataclass(frozen=True, slots=True)
class RiskContext:
    """What the limits are measured against: the account after the basket's exits, at this run's marks.

    `total_value` is the account's value before the first trade, frozen for the whole run. `sectors` names the
    sector of each held symbol, empty where it is unknown. `at_target` are entries that ask for nothing more.
    `exit_count` is how many orders the exits take of what a run may make. `noise` is how much of the total value
    means nothing, in cash.
    """

    total_value: Decimal
    after_exits: AccountSnapshot
    sectors: Mapping[str, str]
    policy: Policy
    at_target: tuple[Entry, ...] = ()
    exit_count: int = 0
    noise: Decimal = ZERO

    def percent_of_total(self, percent: Decimal) -> Decimal:
        """Return `percent` of the frozen total value in cash, never below zero."""
        return max(self.total_value * percent / HUNDRED, ZERO)


@dataclass(frozen=True, slots=True)
class Limit:
    """One rule: group of an entry (None: the rule cannot tell), load of a quantity, room of a group.

    Where `scales` is off, the entries that do not fit are refused one by one, whatever the policy does on a breach.

    `fixed` is the part of the load that a smaller order does not lose, as a minimum commission. `charge` is the
    load of a rounded quantity as the books will charge it: in whole cents where it is cash.
    """

    code: Code
    group: "_Group"
    load: Callable[[Entry, Decimal, RiskContext], Decimal]
    charge: Callable[[Entry, Decimal, RiskContext], Decimal]
    room: Callable[[str, RiskContext], Decimal]
    fixed: Callable[[Entry, RiskContext], Decimal]
    scales: bool = True


_Group = Callable[[Entry, RiskContext], str | None]

DOES_NOT_APPLY = ""  # the group of an entry that a limit has nothing to say of


def _value(entry: Entry, quantity: Decimal, context: RiskContext) -> Decimal:
    return quantity * entry.price


def _nothing_fixed(entry: Entry, context: RiskContext) -> Decimal:
    return ZERO


def _cash_load(entry: Entry, quantity: Decimal, context: RiskContext) -> Decimal:
    """Available cash that an entry takes, before its notional is rounded to cents."""
    return _cash_taken(entry, quantity, context, flow=quantity * _paid(entry, context))


def _cash_charge(entry: Entry, quantity: Decimal, context: RiskContext) -> Decimal:
    flow = notional(quantity=quantity, price=_paid(entry, context))
    return _cash_taken(entry, quantity, context, flow=flow)


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


def _fixed_fee(entry: Entry, context: RiskContext) -> Decimal:
    costs = context.policy.costs
    return max(costs.commission_per_order, costs.commission_minimum)


def _maximum_order_room(group: str, context: RiskContext) -> Decimal:
    return context.policy.max_order_value or ZERO


def _position_room(symbol: str, context: RiskContext) -> Decimal:
    held = context.after_exits.holdings.get(symbol)
    ceiling = context.percent_of_total(context.policy.max_position_percent)
    return ceiling - (abs(held.market_value) if held else ZERO)


def _sector_room(sector: str, context: RiskContext) -> Decimal:
    held = sum(
        (
            abs(holding.market_value)
            for symbol, holding in context.after_exits.holdings.items()
            if context.sectors.get(symbol) == sector
        ),
        ZERO,
    )
    return context.percent_of_total(context.policy.max_sector_percent) - held


def _gross_room(group: str, context: RiskContext) -> Decimal:
    ceiling = context.percent_of_total(context.policy.max_gross_exposure_percent)
    return ceiling - context.after_exits.gross_exposure


def _short_room(group: str, context: RiskContext) -> Decimal:
    return context.percent_of_total(context.policy.max_short_exposure_percent) - context.after_exits.short_value


def _single_short_room(symbol: str, context: RiskContext) -> Decimal:
    held = context.after_exits.holdings.get(symbol)
    ceiling = context.percent_of_total(context.policy.max_single_short_percent)
    return ceiling - (abs(held.market_value) if held else ZERO)


def _one_order(entry: Entry, quantity: Decimal, context: RiskContext) -> Decimal:
    return Decimal(1) if quantity else ZERO


def _orders_room(group: str, context: RiskContext) -> Decimal:
    return Decimal((context.policy.max_orders_per_run or 0) - context.exit_count)


def _cash_room(group: str, context: RiskContext) -> Decimal:
    policy = context.policy
    available = context.after_exits.available_cash(short_margin=policy.short_margin)
    return available - context.percent_of_total(policy.cash_reserve_percent)


def _itself(entry: Entry, context: RiskContext) -> str:
    return DOES_NOT_APPLY if context.policy.max_order_value is None else f"{entry.line}/{entry.symbol}"


def _symbol(entry: Entry, context: RiskContext) -> str:
    return entry.symbol


def _sector(entry: Entry, context: RiskContext) -> str | None:
    return entry.sector or None


def _account(entry: Entry, context: RiskContext) -> str:
    return "account"


def _shorts(entry: Entry, context: RiskContext) -> str:
    return "shorts" if entry.action is Action.SELL_SHORT else DOES_NOT_APPLY


def _short_symbol(entry: Entry, context: RiskContext) -> str:
    return entry.symbol if entry.action is Action.SELL_SHORT else DOES_NOT_APPLY


def _counted(entry: Entry, context: RiskContext) -> str:
    return DOES_NOT_APPLY if context.policy.max_orders_per_run is None else "account"


def _of_value(code: Code, group: _Group, room: Callable[[str, RiskContext], Decimal]) -> Limit:
    return Limit(code, group, load=_value, charge=_value, room=room, fixed=_nothing_fixed)


LIMITS: tuple[Limit, ...] = (
    _of_value(Code.MAXIMUM_ORDER, _itself, _maximum_order_room),
    _of_value(Code.POSITION_LIMIT, _symbol, _position_room),
    _of_value(Code.SINGLE_SHORT_LIMIT, _short_symbol, _single_short_room),
    _of_value(Code.SHORT_EXPOSURE_LIMIT, _shorts, _short_room),
    _of_value(Code.SECTOR_LIMIT, _sector, _sector_room),
    _of_value(Code.GROSS_LIMIT, _account, _gross_room),
    Limit(
        Code.INSUFFICIENT_CASH,
        _account,
        load=_cash_load,
        charge=_cash_charge,
        room=_cash_room,
        fixed=_fixed_fee,
    ),
    Limit(
        Code.ORDERS_PER_RUN,
        _counted,
        load=_one_order,
        charge=_one_order,
        room=_orders_room,
        fixed=_nothing_fixed,
        scales=False,
    ),
)


def apply_limits(entries: Sequence[Entry], context: RiskContext) -> tuple[Entry, ...]:
    """Return the entries with quantities that break no limit together, each limit's verdict recorded.

    Sizes are scaled first, exactly; then rounded (a clamped one down, another in the policy's mode); then what the
    rounding itself put over a limit takes one step less. Raises AmountOutOfRangeError where a size or its cash does
    not fit the books; a plan refuses such a request as a whole.
    """
    current = tuple(entries)
    for limit in LIMITS:
        current = _shrink(limit, current, context)
    rounded = tuple(_round(entry, context.policy) for entry in current)
    for limit in LIMITS:
        rounded = _trim(limit, rounded, context)
    return rounded


def _shrink(limit: Limit, entries: Sequence[Entry], context: RiskContext) -> tuple[Entry, ...]:
    judged: dict[int, Entry] = {}
    for group, positions in _groups(limit, entries, context):
        members = [entries[position] for position in positions]
        if group == DOES_NOT_APPLY:
            result = members
        elif group is None:
            result = [_with_verdict(limit, entry, entry.wanted, "unverified", None, context) for entry in members]
        else:
            room = limit.room(group, context)
            if limit.scales and _is_left_over(limit, group, members, room=room, context=context):
                result = _refuse(limit, members, room=room, context=context)
            else:
                result = _fit(limit, members, room=room, context=context)
        judged.update(zip(positions, result, strict=True))
    return tuple(judged[position] for position in range(len(entries)))


def _groups(limit: Limit, entries: Sequence[Entry], context: RiskContext) -> Iterable[tuple[str | None, list[int]]]:
    keyed = [(limit.group(entry, context), position) for position, entry in enumerate(entries)]
    keyed.sort(key=lambda item: (item[0] is None, item[0] or "", item[1]))
    for group, items in groupby(keyed, key=lambda item: item[0]):
        yield group, [position for _, position in items]


def _is_left_over(
    limit: Limit, group: str, members: Sequence[Entry], *, room: Decimal, context: RiskContext
) -> bool:
    """Whether `room` may be what the rounding of an earlier run's sizes left: less than one step for each line.

    Only where targets are measured from holdings: to share such a room out again would trade with every plan.
    """
    lines = [*members, *(entry for entry in context.at_target if limit.group(entry, context) == group)]
    if not any(entry.anchor for entry in lines):
        return False
    # What a run costs lowers the total value, and with it the reserve: that room is none either.
    freed = context.noise * context.policy.cash_reserve_percent / HUNDRED
    return room < sum((limit.load(entry, entry.step, context) + CENT for entry in lines), freed)


def _refuse(limit: Limit, members: Sequence[Entry], *, room: Decimal, context: RiskContext) -> list[Entry]:
    result = "rejected" if context.policy.on_breach is OnBreach.REJECT else "clamped"
    return [_with_verdict(limit, entry, ZERO, result, room, context) for entry in members]


def _fit(limit: Limit, members: Sequence[Entry], *, room: Decimal, context: RiskContext) -> list[Entry]:
    load = sum((limit.load(entry, entry.wanted, context) for entry in members), ZERO)
    if load - room <= _BREACH:
        return [_with_verdict(limit, entry, entry.wanted, "passed", room, context) for entry in members]
    if context.policy.on_breach is OnBreach.REJECT or not limit.scales:
        return _admit_in_order(limit, members, room=room, context=context)
    factor = _factor(limit, members, load=load, room=room, context=context)
    sizes = [_SIZE.multiply(entry.wanted, factor) for entry in members]
    return [
        _with_verdict(limit, entry, size, "clamped", room, context)
        for entry, size in zip(members, sizes, strict=True)
    ]


def _factor(
    limit: Limit, members: Sequence[Entry], *, load: Decimal, room: Decimal, context: RiskContext
) -> Decimal:
    """One factor for all, between 0 and 1. Fixed fees do not shrink with the order, so they are set aside first;
    commissions are convex in the size, so what the factor leaves never costs more than the room.
    """
    fixed = sum((limit.fixed(entry, context) for entry in members if entry.wanted), ZERO)
    if room <= fixed:
        return ZERO
    return min((room - fixed) / (load - fixed), Decimal(1))


def _admit_in_order(limit: Limit, members: Sequence[Entry], *, room: Decimal, context: RiskContext) -> list[Entry]:
    judged = []
    for entry in members:
        load = limit.load(entry, entry.wanted, context)
        fits = load - room <= _BREACH
        result = "passed" if fits else "rejected"
        judged.append(_with_verdict(limit, entry, entry.wanted if fits else ZERO, result, room, context))
        room -= load if fits else ZERO
    return judged


def _with_verdict(
    limit: Limit, entry: Entry, wanted: Decimal, result: str, room: Decimal | None, context: RiskContext
) -> Entry:
    before = limit.load(entry, entry.wanted, context)
    # An entry that is already at zero is not made smaller.
    settled = "passed" if result in ("clamped", "rejected") and not entry.wanted else result
    verdict = Verdict(
        code=limit.code,
        result=settled,
        before=quantize_cash(before),
        after=quantize_cash(limit.load(entry, wanted, context)),
        # A ceiling far above the account may be more than the books can hold: there it is no limit.
        room=quantize_cash(room) if room is not None and abs(room) < CASH_LIMIT else None,
    )
    return replace(entry, wanted=wanted, verdicts=(*entry.verdicts, verdict))


def _round(entry: Entry, policy: Policy) -> Entry:
    mode = ROUND_DOWN if entry.clamped else policy.rounding
    target = quantize_quantity(entry.anchor + entry.wanted, step=entry.step, rounding=mode)
    quantity = max(target - entry.anchor, ZERO)
    if quantity > entry.wanted and entry.clamped:  # an anchor off the step may round past the clamp
        quantity = quantize_quantity(entry.wanted, step=entry.step, rounding=ROUND_DOWN)
    return replace(entry, quantity=quantity)


def _trim(limit: Limit, entries: Sequence[Entry], context: RiskContext) -> tuple[Entry, ...]:
    trimmed = list(entries)
    for group, positions in _groups(limit, entries, context):
        if group and limit.scales:
            _trim_group(limit, trimmed, positions, room=limit.room(group, context), context=context)
    return tuple(trimmed)


def _trim_group(
    limit: Limit, entries: list[Entry], positions: list[int], *, room: Decimal, context: RiskContext
) -> None:
    """Take steps off until the group fits: one each from what was rounded up, and then, for the cents that are
    left, what is needed. The last symbol gives first, so that the order of the lines makes no difference.
    """
    order = sorted(positions, key=lambda at: entries[at].symbol, reverse=True)
    excess = sum((limit.charge(entries[at], entries[at].quantity, context) for at in positions), ZERO) - room
    for at in order:
        if excess > 0 and entries[at].quantity > entries[at].wanted:
            excess -= _take(limit, entries, at, less=entries[at].step, context=context)
    for at in order:
        less = ZERO
        while excess > 0 and entries[at].quantity:
            # A short's fee may fall by a cent only after many steps: each try takes twice the one before.
            less = max(2 * less, _steps_worth(excess, price=entries[at].price, step=entries[at].step))
            excess -= _take(limit, entries, at, less=less, context=context)


def _take(limit: Limit, entries: list[Entry], at: int, *, less: Decimal, context: RiskContext) -> Decimal:
    entry = entries[at]
    smaller = max(entry.quantity - less, ZERO)
    freed = limit.charge(entry, entry.quantity, context) - limit.charge(entry, smaller, context)
    entries[at] = replace(entry, quantity=smaller, rounded_down=True)
    return freed


def _steps_worth(cash: Decimal, *, price: Decimal, step: Decimal) -> Decimal:
    """Return the quantity, in whole steps and at least one, that is worth at least `cash` > 0."""
    return (cash / (price * step)).to_integral_value(rounding=ROUND_CEILING) * step


def affordable_quantity(fill: Fill, *, step: Decimal, cash: Decimal, costs: Costs) -> Decimal:
    """Return the largest quantity up to the fill's that `cash` pays for, in whole steps, 0 where none is.

    For exits: no limit stops them, yet cash never goes below zero. Covering a short costs its price; a sale costs
    only where its fee is above its proceeds, and selling less of it would cost more.
    """
    if fill.fee - fill.cash_delta <= cash:
        return fill.quantity
    if fill.action.cash_sign > 0:
        return ZERO
    fixed = max(costs.commission_per_order, costs.commission_minimum)
    if cash <= fixed:
        return ZERO
    scale = (cash - fixed) / (fill.notional + fill.fee - fixed)
    quantity = quantize_quantity(_SIZE.multiply(fill.quantity, scale), step=step, rounding=ROUND_DOWN)
    while quantity > 0 and (excess := _cost(quantity, price=fill.price, costs=costs) - cash) > 0:
        quantity = max(quantity - _steps_worth(excess, price=fill.price, step=step), ZERO)
    return quantity


def _cost(quantity: Decimal, *, price: Decimal, costs: Costs) -> Decimal:
    return notional(quantity=quantity, price=price) + commission(quantity=quantity, price=price, costs=costs)


def verdict_as_data(verdict: Verdict) -> dict[str, str | None]:
    """Return a verdict as JSON-ready values, amounts as strings in cash."""
    return {
        "code": verdict.code,
        "result": verdict.result,
        "before": plain(verdict.before),
        "after": plain(verdict.after),
        "room": plain(verdict.room) if verdict.room is not None else None,
    }
