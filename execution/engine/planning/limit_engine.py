"""The machine that holds a basket to the limits: each only shrinks what would be bought or shorted.

A limit puts entries into groups, says how much each entry loads its group, and how much headroom a group has once
the whole basket's exits are done. Where the loads of a group exceed its headroom, its entries are scaled by one
factor (or, under `reject`, what does not fit is refused). No limit can stop a trade that reduces a position: exits
are never among the entries. Scaling keeps the proportions that the research asked for.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import ROUND_DOWN, Decimal
from itertools import groupby

from common.money import CASH_LIMIT, CENT, HUNDRED, ZERO, quantize_cash, quantize_quantity
from execution.engine.planning.limits import (
    LIMITS,
    SIZE,
    Entry,
    RiskContext,
    RunLimit,
    Verdict,
    smallest_lot,
    steps_worth,
)
from execution.engine.planning.policy import Policy
from execution.engine.planning.steps import whole_part
from execution.engine.vocabulary import OnBreach
from portfolios.domain.headroom import DOES_NOT_APPLY
from portfolios.domain.limit import Kind, Measure

_BREACH = Decimal("0.000001")  # noise of a division below it, in cash


def apply_limits(entries: Sequence[Entry], context: RiskContext) -> tuple[Entry, ...]:
    """Return the entries with quantities that break no limit together, each limit's verdict recorded. What the
    rounding leaves over, and what becomes too small for an order, is for `baskets` to deal with.

    Sizes are scaled first, exactly; then rounded (a clamped one down, another in the policy's mode); then what the
    rounding itself put over a limit takes one step less. Raises AmountOutOfRangeError where a size or its cash does
    not fit the books; a plan refuses such a request as a whole.
    """
    current = tuple(entries)
    for limit in LIMITS:
        current = _shrink(limit, current, context)
        if limit.rule.offset_by:
            current = _balanced(limit, current, context)
    for limit in _OFFSETTING:  # what a later limit took from one side, the other side had counted on
        current = _balanced(limit, current, context)
    rounded = tuple(round_size(entry, context.policy) for entry in current)
    for limit in LIMITS:
        rounded = _trim(limit, rounded, context)
    return _trim_until_balanced(rounded, context)


_OFFSETTING = tuple(limit for limit in LIMITS if limit.rule.offset_by)


def _balanced(limit: RunLimit, entries: Sequence[Entry], context: RiskContext) -> tuple[Entry, ...]:
    """Hold both sides to the limit until neither counts on what the other lost. Sizes only fall, so this ends."""
    current = tuple(entries)
    while limit.value(context) is not None:
        judged = _shrink(limit, current, context)
        settled = tuple(map(_with_one_verdict, current, judged))
        if settled == current:
            break
        current = settled
    return current


def _with_one_verdict(before: Entry, judged: Entry) -> Entry:
    """Return the entry as it was judged again, with one verdict for both passes."""
    if judged.wanted == before.wanted:
        return before
    *_, last = judged.verdicts
    verdicts = tuple(
        replace(last, before=each.before, beside=(), factor=None) if each.code is last.code else each
        for each in before.verdicts
    )
    return replace(judged, verdicts=verdicts)


def _trim_until_balanced(entries: Sequence[Entry], context: RiskContext) -> tuple[Entry, ...]:
    current = tuple(entries)
    while True:
        trimmed = current
        for limit in _OFFSETTING:
            trimmed = _trim(limit, trimmed, context)
        if trimmed == current:
            return current
        current = trimmed


def _shrink(limit: RunLimit, entries: Sequence[Entry], context: RiskContext) -> tuple[Entry, ...]:
    judged: dict[int, Entry] = {}
    for group, positions in _groups(limit, entries, context):
        members = [entries[position] for position in positions]
        if group == DOES_NOT_APPLY:
            result = members
        elif group is None:
            result = [_with_verdict(limit, entry, entry.wanted, "unverified", None, context) for entry in members]
        else:
            beside = _beside(limit, group, entries, context)
            offset = sum((limit.load(entry, entry.wanted, context) for entry in beside), ZERO)
            headroom = limit.headroom(group, context) + offset
            result = _fit(limit, members, headroom=headroom, context=context)
        judged.update(zip(positions, result, strict=True))
    return tuple(judged[position] for position in range(len(entries)))


def _beside(limit: RunLimit, group: str, entries: Sequence[Entry], context: RiskContext) -> list[Entry]:
    """Return the entries of the other side of the basket, which make headroom for `group`."""
    other = limit.rule.offset_by.get(group)
    return [] if other is None else [entry for entry in entries if limit.group(entry, context) == other]


def _groups(
    limit: RunLimit, entries: Sequence[Entry], context: RiskContext
) -> Iterable[tuple[str | None, list[int]]]:
    keyed = [(limit.group(entry, context), position) for position, entry in enumerate(entries)]
    keyed.sort(key=lambda item: (item[0] is None, item[0] or "", item[1]))
    for group, items in groupby(keyed, key=lambda item: item[0]):
        yield group, [position for _, position in items]


def _fit(limit: RunLimit, members: Sequence[Entry], *, headroom: Decimal, context: RiskContext) -> list[Entry]:
    """Hold a group to its headroom: entries to which it may be left over rest, the others share it.

    None rests where the wish is the limit itself, to the last digit.
    """
    load = sum((limit.load(entry, entry.wanted, context) for entry in members), ZERO)
    is_exact = abs(load - headroom) <= _BREACH
    rested = [
        _rest(limit, entry, headroom, context)
        if not is_exact and _is_left_over(limit, entry, headroom=headroom, beside=len(members), context=context)
        else None
        for entry in members
    ]
    awake = [entry for entry, resting in zip(members, rested, strict=True) if resting is None]
    judged = iter(_shared_out(limit, awake, headroom=headroom, context=context))
    return [resting or next(judged) for resting in rested]


def _is_left_over(limit: RunLimit, entry: Entry, *, headroom: Decimal, beside: int, context: RiskContext) -> bool:
    """Whether `headroom` may be what an earlier run left because it was less than an order of this entry takes.

    Only where sizes are weights to reach: to share such a headroom out again would trade with every plan.
    """
    if not context.are_weights or entry.symbol in context.awake or not limit.rule.scales or not entry.wanted:
        return False
    least = limit.charge(entry, smallest_lot(entry, context.policy), context)
    return headroom < least + beside * CENT + _drift(limit, context)


def _drift(limit: RunLimit, context: RiskContext) -> Decimal:
    """By how much an earlier run may have moved the headroom without trading on it: marks and the total value are
    rounded to cents, and what a run costs lowers the total value, and with it the reserve.
    """
    if limit.rule.measure is Measure.CASH:
        freed = context.noise * context.policy.cash_reserve_percent / HUNDRED
        return freed + context.rounding * (1 + context.short_margin)
    if limit.row.kind is Kind.PERCENT:
        return Decimal(context.rounding * (1 + limit.value(context) / HUNDRED))
    return ZERO


def _rest(limit: RunLimit, entry: Entry, headroom: Decimal, context: RiskContext) -> Entry:
    result = "rejected" if context.policy.on_breach is OnBreach.REJECT else "clamped"
    return replace(_with_verdict(limit, entry, ZERO, result, headroom, context), resting=True)


def _shared_out(
    limit: RunLimit, members: Sequence[Entry], *, headroom: Decimal, context: RiskContext
) -> list[Entry]:
    """Hold a group that is too large, or has just lost a member, to its headroom."""
    load = sum((limit.load(entry, entry.wanted, context) for entry in members), ZERO)
    if load - headroom <= _BREACH:
        return [_with_verdict(limit, entry, entry.wanted, "passed", headroom, context) for entry in members]
    if context.policy.on_breach is OnBreach.REJECT or not limit.rule.scales:
        return _admit_in_order(limit, members, headroom=headroom, context=context)
    factor = _factor(limit, members, load=load, headroom=headroom, context=context)
    sizes = [SIZE.multiply(entry.wanted, factor) for entry in members]
    judged = [
        _with_verdict(limit, entry, size, "clamped", headroom, context)
        for entry, size in zip(members, sizes, strict=True)
    ]
    return _with_shares(judged, members, factor=factor)


def _with_shares(judged: Sequence[Entry], members: Sequence[Entry], *, factor: Decimal) -> list[Entry]:
    """Say in the verdicts with which other orders the headroom was shared, and what part each got."""
    sharing = [at for at, entry in enumerate(members) if entry.wanted]
    if len(sharing) < 2:  # one order shares with nobody
        return list(judged)
    shared = list(judged)
    for at in sharing:
        *others, verdict = judged[at].verdicts
        beside = tuple(members[other].action for other in sharing if other != at)
        shared[at] = replace(judged[at], verdicts=(*others, replace(verdict, beside=beside, factor=factor)))
    return shared


def _factor(
    limit: RunLimit, members: Sequence[Entry], *, load: Decimal, headroom: Decimal, context: RiskContext
) -> Decimal:
    """One factor for all, between 0 and 1. Fixed fees do not shrink with the order, so they are set aside first;
    commissions are convex in the size, so what the factor leaves never costs more than the headroom.
    """
    fixed = sum((limit.fixed(context) for entry in members if entry.wanted), ZERO)
    if headroom <= fixed:
        return ZERO
    return min((headroom - fixed) / (load - fixed), Decimal(1))


def _admit_in_order(
    limit: RunLimit, members: Sequence[Entry], *, headroom: Decimal, context: RiskContext
) -> list[Entry]:
    judged = []
    for entry in members:
        load = limit.load(entry, entry.wanted, context)
        fits = load - headroom <= _BREACH
        result = "passed" if fits else "rejected"
        judged.append(_with_verdict(limit, entry, entry.wanted if fits else ZERO, result, headroom, context))
        headroom -= load if fits else ZERO
    return judged


def _with_verdict(
    limit: RunLimit, entry: Entry, wanted: Decimal, result: str, headroom: Decimal | None, context: RiskContext
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
        headroom=quantize_cash(headroom) if headroom is not None and abs(headroom) < CASH_LIMIT else None,
    )
    return replace(entry, wanted=wanted, verdicts=(*entry.verdicts, verdict))


def round_size(entry: Entry, policy: Policy) -> Entry:
    """Return the entry with its quantity: whole steps, in the policy's mode, or down where a limit made it smaller.

    What is held off the step stays there: the steps are those of the order. Raises AmountOutOfRangeError.
    """
    mode = ROUND_DOWN if entry.clamped else policy.rounding
    anchor = ZERO if entry.clamped else whole_part(entry.anchor, step=entry.step)
    target = quantize_quantity(anchor + entry.wanted, step=entry.step, rounding=mode)
    return replace(entry, quantity=max(target - anchor, ZERO))


def _trim(limit: RunLimit, entries: Sequence[Entry], context: RiskContext) -> tuple[Entry, ...]:
    trimmed = list(entries)
    for group, positions in _groups(limit, entries, context):
        if group and limit.rule.scales:
            beside = _beside(limit, group, trimmed, context)
            offset = sum((limit.charge(entry, entry.quantity, context) for entry in beside), ZERO)
            headroom = limit.headroom(group, context) + offset
            _trim_group(limit, trimmed, positions, headroom=headroom, context=context)
    return tuple(trimmed)


def _trim_group(
    limit: RunLimit, entries: list[Entry], positions: list[int], *, headroom: Decimal, context: RiskContext
) -> None:
    """Take steps off until the group fits: one each from what was rounded up, and then, for the cents that are
    left, what is needed. The last symbol gives first, so that the order of the lines makes no difference.
    """
    order = sorted(positions, key=lambda at: entries[at].symbol, reverse=True)
    excess = sum((limit.charge(entries[at], entries[at].quantity, context) for at in positions), ZERO) - headroom
    for at in order:
        if excess > 0 and entries[at].quantity > entries[at].wanted:
            excess -= _take(limit, entries, at, less=entries[at].step, context=context)
    for at in order:
        less = ZERO
        while excess > 0 and entries[at].quantity:
            # A short's fee may fall by a cent only after many steps: each try takes twice the one before.
            less = max(2 * less, steps_worth(excess, price=entries[at].price, step=entries[at].step))
            excess -= _take(limit, entries, at, less=less, context=context)


def _take(limit: RunLimit, entries: list[Entry], at: int, *, less: Decimal, context: RiskContext) -> Decimal:
    entry = entries[at]
    smaller = max(entry.quantity - less, ZERO)
    freed = limit.charge(entry, entry.quantity, context) - limit.charge(entry, smaller, context)
    entries[at] = replace(entry, quantity=smaller, rounded_down=True)
    return freed
