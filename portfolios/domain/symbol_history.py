"""What an account holds of one symbol, worked out from its entries in the order of the days they belong to. Pure.

A split acts on what was held at the close before its day, whenever it is booked. So the history of the symbol is
told again with the split in its place: what was held then is multiplied, and what was traded since, in new units
already, keeps its quantity, its cash and its price. Reversing it is the same history told without it. Cost and
realized profit follow from average cost as everywhere (`portfolios.domain.accounting`), so the cash flows of the
symbol always equal its realized profits less what its holdings cost, to the cent.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from common.money import ZERO
from portfolios.domain.accounting import Action, Fill, Holding, ImpossibleFillError, Side, apply_fill
from portfolios.domain.projection import Entry, steps
from portfolios.domain.split import Rest, Split, divided, split_units

_FILLS = frozenset(Action)
_AT_THE_OPEN, _DURING_THE_DAY = 0, 1


class HistoryError(Exception):
    """A history that cannot be told that way: what contradicts what, in words."""


@dataclass(frozen=True, slots=True)
class SymbolHistory:
    """What the entries of one symbol come to.

    `holding` is what is held now, None for nothing; `position_id` is the position that has it, or had it last.
    `realized` is the realized profit by position. `held_then` is what a split that was added found, None where it
    found nothing; `rest` what it left below a step; `stated_since` whether a person has stated the holding since.
    """

    holding: Holding | None
    position_id: UUID | None
    realized: Mapping[UUID, Decimal]
    held_then: Holding | None = None
    rest: Rest | None = None
    stated_since: bool = False


@dataclass(slots=True)
class _Told:
    """The history while it is told."""

    held: Holding | None = None
    position_id: UUID | None = None
    realized: dict[UUID, Decimal] = field(default_factory=dict)
    held_then: Holding | None = None
    rest: Rest | None = None
    stated_since: bool = False

    def earn(self, position_id: UUID, profit: Decimal) -> None:
        self.realized[position_id] = self.realized.get(position_id, ZERO) + profit


@dataclass(frozen=True, slots=True)
class _Event:
    """An entry in its place. `after` is the holding that the books had after it, for what states a holding."""

    entry: Entry
    position_id: UUID
    after: Holding | None
    changes: bool

    @property
    def place(self) -> tuple[date, int, int]:
        entry = self.entry
        return entry.effective_on, _AT_THE_OPEN if entry.at_the_open else _DURING_THE_DAY, entry.sequence


def tell(
    entries: Sequence[Entry],
    *,
    ratios: Mapping[int, Fraction],
    adding: Split | None = None,
    leaving_out: int | None = None,
) -> SymbolHistory:
    """Return what the entries of one symbol of one account, in the order of their sequence, come to.

    `ratios` are those of the splits that the entries name. `adding` puts one more split in its place; `leaving_out`
    tells the history without the action of that key. What was reversed is not told. Raises HistoryError where a
    later trade is impossible that way.
    """
    told = _Told()
    events = [event for event in _standing(entries) if event.entry.action_id != leaving_out or leaving_out is None]
    waiting = adding
    for event in sorted(events, key=lambda each: each.place):
        if waiting is not None and event.place >= (waiting.on, _DURING_THE_DAY, 0):
            _split(told, waiting)
            waiting = None
        _apply(told, event, ratios)
        told.stated_since |= adding is not None and waiting is None and _states(event)
    if waiting is not None:
        _split(told, waiting)
    held = told.held if told.held is not None and told.held.is_open else None
    return SymbolHistory(held, told.position_id, told.realized, told.held_then, told.rest, told.stated_since)


def units_at_close_before(entries: Sequence[Entry], day: date) -> Decimal:
    """Return the signed units that were held at the close before `day`, in units of that time."""
    return sum((entry.quantity for entry in entries if entry.effective_on < day), ZERO)


def _standing(entries: Sequence[Entry]) -> Iterator[_Event]:
    """The entries that nothing has reversed, each with what the books made of it when it was booked."""
    gone = {entry.order_id for entry in entries if entry.reverses_its_order}
    undone = {entry.reverses for entry in entries if entry.kind == "REVERSAL"}
    for step in steps(entries):
        entry = step.entry
        is_gone = entry.order_id is not None and entry.order_id in gone
        if entry.position_id is None or entry.kind == "REVERSAL" or entry.sequence in undone or is_gone:
            continue
        yield _Event(entry, entry.position_id, step.after, step.before != step.after)


def _states(event: _Event) -> bool:
    return event.entry.kind == "CORRECTION" and event.changes


def _apply(told: _Told, event: _Event, ratios: Mapping[int, Fraction]) -> None:
    entry = event.entry
    if entry.kind in _FILLS:
        _fill(told, event)
    elif entry.kind == "FEE":
        told.earn(event.position_id, entry.amount)
    elif entry.kind == "SPLIT":
        _booked_split(told, event, ratios)
    elif entry.kind == "CASH_IN_LIEU":
        _booked_rest(told, event)
    elif entry.kind in ("CORRECTION", "TRANSFER") and event.changes:
        told.held, told.position_id = event.after, event.position_id
        told.realized.setdefault(event.position_id, ZERO)


def _fill(told: _Told, event: _Event) -> None:
    entry = event.entry
    fill = Fill(entry.symbol, Action(entry.kind), abs(entry.quantity), entry.price or ZERO)
    held = told.held if told.held is not None and told.held.is_open else None
    try:
        result = apply_fill(held, fill)
    except ImpossibleFillError as error:
        raise HistoryError(
            f"{entry.kind} of {entry.symbol} on {entry.effective_on}: {_words(fill, held)}"
        ) from error
    told.held, told.position_id = result.holding, event.position_id
    told.earn(event.position_id, result.realized_pnl)


def _words(fill: Fill, held: Holding | None) -> str:
    have = "nothing" if held is None else f"{held.side} {held.quantity.normalize():f}"
    return f"{fill.quantity.normalize():f} units were traded, and {have} was held by then"


def _booked_split(told: _Told, event: _Event, ratios: Mapping[int, Fraction]) -> None:
    """A split that stands in the books: of an action, in its place; an older one, as it was booked."""
    entry, held = event.entry, told.held
    if not entry.quantity:  # it only gives a closed position its profit, which is told anew
        return
    if held is None or not held.is_open:
        raise HistoryError(f"the split of {entry.symbol} on {entry.effective_on} finds nothing")
    ratio = ratios[entry.action_id] if entry.at_the_open and entry.action_id is not None else None
    average = (entry.price or held.average_price) if ratio is None else divided(held.average_price, ratio)
    size = abs(held.signed_quantity + entry.quantity)
    told.held = replace(held, quantity=size, average_price=average)


def _booked_rest(told: _Told, event: _Event) -> None:
    entry, held, stated = event.entry, told.held, event.after
    if held is None or stated is None:
        raise HistoryError(f"the cash in lieu of {entry.symbol} on {entry.effective_on} finds nothing")
    sign = 1 if held.side is Side.LONG else -1
    cost = sign * (entry.amount - entry.owed - entry.realized_pnl)
    told.held = replace(held, quantity=held.quantity - abs(entry.quantity), cost_basis=held.cost_basis - cost)
    told.earn(event.position_id, entry.realized_pnl)


def _split(told: _Told, split: Split) -> None:
    held = told.held
    if held is None or not held.is_open:
        return
    units = split_units(held, split)
    told.held_then, told.rest = held, units.rest
    left = held.cost_basis - (units.rest.cost if units.rest else ZERO)
    told.held = replace(
        held,
        quantity=units.quantity,
        average_price=divided(held.average_price, split.ratio),
        cost_basis=left,
    )
