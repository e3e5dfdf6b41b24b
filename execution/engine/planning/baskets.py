"""Shares a basket's limits out among the lines that can trade, to the last step.

What is too small by its own wish leaves before the limits are looked at. What a limit makes too small leaves after
them, and the others are judged again from their own wishes, so that its share reaches them. What rounding leaves
over is given out in the order of the artifact until no line can take another step.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Decimal

from common.money import ZERO, quantize_cash, quantize_quantity
from execution.engine.planning.limit_engine import apply_limits, round_size
from execution.engine.planning.limits import (
    LIMITS,
    Entry,
    RiskContext,
    RunLimit,
    Verdict,
    least_value,
    smallest_lot,
)
from execution.engine.planning.policy import Policy
from execution.engine.vocabulary import Code, OnBreach

_ROUNDS = 1_000  # far more than any basket needs: the sides of a net limit could make room for each other for long
_ALIKE = Decimal("0.01")  # a size within one percent of its share still is its share
_BY_CODE: Mapping[Code, RunLimit] = {limit.code: limit for limit in LIMITS}


@dataclass(frozen=True, slots=True)
class Basket:
    """The entries by line as the limits leave them, and why some of them are too small to be traded."""

    judged: Mapping[int, Entry]
    short_of: Mapping[int, Code]


def fill_basket(wanted: Sequence[Entry], context: RiskContext) -> Basket:
    """Return the largest basket in whole steps that breaks no limit: no line of it can take another step.

    Raises AmountOutOfRangeError where a size or its cash does not fit the books.
    """
    wishes = {entry.line: round_size(entry, context.policy) for entry in wanted}
    short_of = _too_small_of(wishes.values(), context.policy)
    judged = {line: replace(wishes[line], quantity=ZERO) for line in short_of}
    staying = [entry for entry in wanted if entry.line not in short_of]
    while staying:
        fitted = apply_limits(staying, context)
        judged |= {entry.line: entry for entry in fitted}
        small = _too_small_of(fitted, context.policy)
        short_of |= small
        if not small:
            break
        staying = [entry for entry in staying if entry.line not in small]
    able = [entry for entry in wanted if judged[entry.line].verdicts and not judged[entry.line].resting]
    quantities = {entry.line: ZERO if entry.line in short_of else judged[entry.line].quantity for entry in able}
    _Sharing(able, wishes, quantities, context).give_out()
    for entry in able:
        if quantities[entry.line] != judged[entry.line].quantity and quantities[entry.line]:
            judged[entry.line] = _grown(judged[entry.line], entry, wishes, quantities, context)
            short_of.pop(entry.line, None)
    return Basket({entry.line: judged[entry.line] for entry in wanted}, short_of)


def _too_small_of(entries: Iterable[Entry], policy: Policy) -> dict[int, Code]:
    return {entry.line: code for entry in entries if (code := _too_small(entry, policy)) is not None}


def _too_small(entry: Entry, policy: Policy) -> Code | None:
    if not entry.quantity:
        return next((verdict.code for verdict in reversed(entry.verdicts) if verdict.cut), Code.BELOW_STEP)
    if entry.quantity < entry.minimum:
        return Code.BELOW_MINIMUM_QUANTITY
    return Code.BELOW_MINIMUM_ORDER if entry.quantity * entry.price < least_value(policy) else None


class _Sharing:
    """Quantities while they grow, and what each limit still leaves its groups."""

    def __init__(
        self,
        entries: Sequence[Entry],
        wishes: Mapping[int, Entry],
        quantities: dict[int, Decimal],
        context: RiskContext,
    ) -> None:
        self._entries = entries
        self._wishes = wishes
        self._quantities = quantities
        self._context = context
        self._left: dict[tuple[Code, str], Decimal] = {}
        self._groups: dict[int, list[tuple[RunLimit, str]]] = {}

    def give_out(self) -> None:
        """Let the quantities grow in place until no line can take more."""
        if all(self._missing(entry) <= 0 for entry in self._entries):
            return
        self._measure()
        share = self._admit if self._context.policy.on_breach is OnBreach.REJECT else self._grow
        for _ in range(_ROUNDS):
            if not share():
                return

    def _missing(self, entry: Entry) -> Decimal:
        return self._wishes[entry.line].quantity - self._quantities[entry.line]

    def _measure(self) -> None:
        for entry in self._entries:
            grouped = [(limit, limit.group(entry, self._context)) for limit in LIMITS]
            self._groups[entry.line] = [(limit, group) for limit, group in grouped if group]
        for entry in self._entries:
            for limit, group in self._groups[entry.line]:
                if (limit.code, group) not in self._left:
                    self._left[limit.code, group] = limit.headroom(group, self._context)
        for entry in self._entries:
            if self._quantities[entry.line]:
                self._charge(entry, ZERO, self._quantities[entry.line])

    def _charge(self, entry: Entry, before: Decimal, after: Decimal) -> None:
        for limit, group in self._groups[entry.line]:
            more = self._more(limit, entry, before, after)
            self._left[limit.code, group] -= more
            for gaining, other in limit.rule.offset_by.items():
                if other == group and (limit.code, gaining) in self._left:
                    self._left[limit.code, gaining] += more

    def _more(self, limit: RunLimit, entry: Entry, before: Decimal, after: Decimal) -> Decimal:
        return limit.charge(entry, after, self._context) - limit.charge(entry, before, self._context)

    def _take(self, entry: Entry, more: Decimal) -> bool:
        """Let the entry grow by `more` where that fits its wish and every limit."""
        before = self._quantities[entry.line]
        if not self._fits(entry, more):
            return False
        self._charge(entry, before, before + more)
        self._quantities[entry.line] = before + more
        return True

    def _fits(self, entry: Entry, more: Decimal) -> bool:
        before = self._quantities[entry.line]
        if more <= 0 or more > self._missing(entry):
            return False
        return all(
            self._more(limit, entry, before, before + more) <= max(self._left[limit.code, group], ZERO)
            for limit, group in self._groups[entry.line]
        )

    def _admit(self) -> bool:
        """Under `reject`, what does not trade at all may now fit: as it was asked for, or a rounding less."""
        admitted = [self._take_whole(entry) for entry in self._entries if not self._quantities[entry.line]]
        return any(admitted)

    def _take_whole(self, entry: Entry) -> bool:
        down = quantize_quantity(entry.wanted, step=entry.step, rounding=ROUND_DOWN)
        is_order = down >= smallest_lot(entry, self._context.policy)
        return self._take(entry, self._missing(entry)) or (is_order and self._take(entry, down))

    def _grow(self) -> bool:
        """Share out in proportion what can be, then a step a line; return whether anything was left for it."""
        poured = self._pour()
        stepped = [self._take(entry, self._least(entry)) for entry in self._entries]
        return poured or any(stepped)

    def _least(self, entry: Entry) -> Decimal:
        return entry.step if self._quantities[entry.line] else smallest_lot(entry, self._context.policy)

    def _pour(self) -> bool:
        """Let every line that trades grow by the same part of what it misses, rounded down."""
        growing = [
            entry for entry in self._entries if self._quantities[entry.line] and self._fits(entry, entry.step)
        ]
        parts = self._parts(growing)
        poured = False
        for entry in growing:
            more = _steps_down(self._missing(entry) * parts[entry.line], entry.step)
            while more and not self._take(entry, more):
                more = _steps_down(more / 2, entry.step)
            poured |= bool(more)
        return poured

    def _parts(self, growing: Sequence[Entry]) -> dict[int, Decimal]:
        missing: dict[tuple[Code, str], Decimal] = {}
        for entry in growing:
            for limit, group in self._groups[entry.line]:
                wish, has = self._wishes[entry.line].quantity, self._quantities[entry.line]
                key = (limit.code, group)
                missing[key] = missing.get(key, ZERO) + self._more(limit, entry, has, wish)
        parts = {key: min(self._left[key] / load, Decimal(1)) for key, load in missing.items() if load > 0}
        return {
            entry.line: min(
                (
                    max(parts.get((limit.code, group), Decimal(1)), ZERO)
                    for limit, group in self._groups[entry.line]
                ),
                default=Decimal(1),
            )
            for entry in growing
        }


def _steps_down(quantity: Decimal, step: Decimal) -> Decimal:
    return (quantity // step) * step


def _grown(
    judged: Entry,
    entry: Entry,
    wishes: Mapping[int, Entry],
    quantities: Mapping[int, Decimal],
    context: RiskContext,
) -> Entry:
    """Return a judged entry with the quantity that it has grown to, its verdicts with the size that it has now."""
    quantity = quantities[entry.line]
    is_whole = quantity == wishes[entry.line].quantity
    size = entry.wanted if is_whole else quantity
    return replace(
        judged,
        wanted=size,
        quantity=quantity,
        verdicts=_revised(judged, size, context),
        rounded_down=judged.rounded_down and not is_whole,
    )


def _revised(judged: Entry, size: Decimal, context: RiskContext) -> tuple[Verdict, ...]:
    """Return the verdicts on an entry that has grown to `size`: what a limit gave back, it did not take."""
    revised: list[Verdict] = []
    is_cut = False
    for verdict in reversed(judged.verdicts):
        load = quantize_cash(_BY_CODE[verdict.code].load(judged, size, context))
        if is_cut:
            revised.append(verdict)
        elif verdict.cut and load < verdict.before:
            is_cut = True
            shares = abs(load - verdict.after) <= _ALIKE * verdict.after
            kept = verdict if shares else replace(verdict, beside=(), factor=None)
            revised.append(replace(kept, result="clamped", after=load))
        else:
            result = "passed" if verdict.cut else verdict.result
            revised.append(replace(verdict, result=result, before=load, after=load, beside=(), factor=None))
    return tuple(reversed(revised))
