"""What the ledger says: cash and holdings worked out from the entries alone. Pure.

The ledger is the truth; balances and positions are its projections. This is a second way from the entries to the
projections, beside the one that writes them, so that each can be checked against the other.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from uuid import UUID

from common.money import ZERO, AmountOutOfRangeError
from portfolios.domain.accounting import Action, Fill, Holding, ImpossibleFillError, Side, apply_fill

_FILLS = frozenset(Action)
_ABOUT_WHAT_IS_HELD = ("SPLIT", "CASH_IN_LIEU", "TRANSFER", "DIVIDEND", "CORRECTION")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One ledger entry as the projection sees it.

    `quantity` is the signed change of the holding. A SPLIT, CASH_IN_LIEU, TRANSFER or CORRECTION of a holding
    states what it is afterwards: `price` its average price, `cost_basis` its cost (both None for an entry of cash
    alone) and `realized_pnl` the profit that it adds. A REVERSAL names in `reverses` the sequence of the entry that
    it reverses: the last of its position that still stands, or one of a corporate action (`action_id`); a split
    that is reversed is stated like a split. A CORRECTION that names an order reverses the order; its profit goes
    with it.

    `effective_on` is the day that the entry belongs to; `at_the_open`: it comes before the trades of that day,
    however late it was booked. `owed` the change of what the account owes beside its cash.
    """

    sequence: int
    kind: str
    amount: Decimal
    balance_after: Decimal
    symbol: str = ""
    position_id: UUID | None = None
    quantity: Decimal = ZERO
    price: Decimal | None = None
    cost_basis: Decimal | None = None
    reverses: int | None = None
    order_id: UUID | None = None
    effective_on: date = date.min
    action_id: int | None = None
    at_the_open: bool = False
    owed: Decimal = ZERO
    realized_pnl: Decimal = ZERO

    @property
    def reverses_its_order(self) -> bool:
        """Whether the entry undoes what its order did."""
        return self.kind == "CORRECTION" and self.order_id is not None


@dataclass(frozen=True, slots=True)
class _Step:
    """One entry of a position that still stands, and what was held before it."""

    entry: Entry
    before: Holding | None


@dataclass(frozen=True, slots=True)
class EntryStep:
    """One entry, and what its position held before and after it; None where there was no position."""

    entry: Entry
    before: Holding | None
    after: Holding | None


@dataclass(frozen=True, slots=True)
class Projected:
    """One position as the ledger makes it, and the sequence of the last entry that changed it."""

    holding: Holding
    book_version: int


@dataclass(slots=True)
class Projection:
    """What the entries add up to. `faults` are entries that contradict those before them, by sequence.

    `standing` are the entries of each position that nothing has reversed.
    """

    cash: Decimal = ZERO
    owed: Decimal = ZERO
    book_version: int = 0
    positions: dict[UUID, Projected] = field(default_factory=dict)
    faults: list[tuple[int, str]] = field(default_factory=list)
    standing: dict[UUID, list[_Step]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def fault(self, entry: Entry, message: str) -> None:
        """Note that an entry contradicts those before it."""
        self.faults.append((entry.sequence, message))


def project(entries: Iterable[Entry]) -> Projection:
    """Return the cash and the positions that `entries`, in the order of their sequence, add up to.

    Never raises on what stands in the entries: an impossible one is reported as a fault and passed over.
    """
    books = Projection()
    for entry in entries:
        if entry.sequence != books.book_version + 1:
            books.fault(entry, f"follows {books.book_version}: entries are missing or stand twice")
        books.book_version = entry.sequence
        books.cash += entry.amount
        books.owed += entry.owed
        if books.cash != entry.balance_after:
            books.fault(entry, f"balance is {entry.balance_after}, the entries add up to {books.cash}")
        if books.owed < 0:
            books.fault(entry, f"{-books.owed} more is paid than was owed")
        if entry.position_id is not None:
            _apply(books, entry, entry.position_id)
    return books


def project_positions(entries: Iterable[Entry]) -> Projection:
    """Return what `entries` of some positions, in the order of their sequence, make of them. Cash stays zero.

    As in `project`, an entry that contradicts those before it is reported as a fault and passed over.
    """
    books = Projection()
    for entry in entries:
        if entry.position_id is not None:
            _apply(books, entry, entry.position_id)
    return books


def steps(entries: Iterable[Entry]) -> Iterator[EntryStep]:
    """Yield each entry with what its position held before and after it. A contradicting entry changes nothing."""
    books = Projection()
    for entry in entries:
        if entry.position_id is None:
            yield EntryStep(entry, None, None)
            continue
        before = books.positions.get(entry.position_id)
        _apply(books, entry, entry.position_id)
        after = books.positions.get(entry.position_id)
        yield EntryStep(entry, before.holding if before else None, after.holding if after else None)


class StillNeededError(Exception):
    """An order that cannot be reversed: the entry of that sequence needs what it did."""

    def __init__(self, sequence: int, why: str) -> None:
        super().__init__(f"entry {sequence} of the ledger needs it: {why}")
        self.sequence = sequence


def holding_without(entries: Sequence[Entry], order_id: UUID) -> Holding | None:
    """Return what the entries of one position come to without an order, None where it was the only one.

    Orders that were reversed before are left out as well. Later fills are worked out again. Raises
    StillNeededError where one of them is impossible then, and for a split, a dividend or a correction after the
    order, which was for what it left behind.
    """
    gone = {order_id, *(entry.order_id for entry in entries if entry.reverses_its_order)}
    undone = {entry.reverses for entry in entries if entry.kind == "REVERSAL"}
    first = min(entry.sequence for entry in entries if entry.order_id == order_id)
    held: Holding | None = None
    for entry in entries:
        if entry.order_id in gone or entry.kind == "REVERSAL" or entry.sequence in undone:
            continue
        if entry.sequence > first and entry.kind in _ABOUT_WHAT_IS_HELD:
            raise StillNeededError(entry.sequence, f"a {entry.kind} of what was held")
        try:
            held = _after(entry, held)
        except ImpossibleFillError as error:
            raise StillNeededError(entry.sequence, str(error)) from error
    return held


def _apply(books: Projection, entry: Entry, position_id: UUID) -> None:
    known = books.positions.get(position_id)
    held = known.holding if known else None
    if held is not None and held.symbol != entry.symbol and not _may_rename(entry, held):
        books.fault(entry, f"{entry.kind} of {entry.symbol} names a position in {held.symbol}")
        return
    standing = books.standing.setdefault(position_id, [])
    try:
        after = _reversed(entry, held, standing) if entry.kind == "REVERSAL" else _after(entry, held)
    except (ImpossibleFillError, AmountOutOfRangeError) as error:
        books.fault(entry, str(error))
        return
    if after is None:
        books.fault(entry, f"{entry.kind} names a position that nothing opened")
        return
    if entry.kind != "REVERSAL":
        standing.append(_Step(entry, held))
    books.positions[position_id] = Projected(after, entry.sequence)


def _may_rename(entry: Entry, held: Holding) -> bool:
    """Whether the entry gives a position another symbol: what was transferred out under the old one comes back."""
    return entry.kind in ("TRANSFER", "REVERSAL") and entry.action_id is not None and not held.is_open


def _reversed(entry: Entry, held: Holding | None, standing: list[_Step]) -> Holding | None:
    """The holding once `entry` has reversed what it names, which does not stand any more then."""
    if held is None or not standing:
        return None
    step = _named(entry, standing)
    former = step.entry
    mirrored = (-entry.amount, -entry.quantity, -entry.owed)
    if (former.amount, former.quantity, former.owed) != mirrored:
        raise ImpossibleFillError(f"reverses {entry.amount} and {entry.quantity} of entry {former.sequence}")
    standing.remove(step)
    if entry.cost_basis is not None:
        return _stated(entry, held)
    if former.kind == "DIVIDEND":
        return held
    # What nothing was held before is closed.
    return step.before or replace(held, quantity=ZERO, cost_basis=ZERO, realized_pnl=ZERO)


def _named(entry: Entry, standing: list[_Step]) -> _Step:
    """The step that a reversal names. A fill or a fee must be the last one that changed the holding."""
    if entry.action_id is not None:
        for step in standing:
            if step.entry.sequence == entry.reverses and step.entry.action_id == entry.action_id:
                return step
        raise ImpossibleFillError(f"reverses entry {entry.reverses}, which does not stand")
    last = next((step for step in reversed(standing) if step.entry.kind != "DIVIDEND"), standing[-1])
    if last.entry.sequence != entry.reverses:
        raise ImpossibleFillError(f"reverses entry {entry.reverses}, the last that stands is {last.entry.sequence}")
    return last


def _after(entry: Entry, held: Holding | None) -> Holding | None:
    if entry.kind in _FILLS:
        return _filled(entry, held)
    if entry.cost_basis is not None:
        return _stated(entry, held)
    if held is None:
        return None
    if entry.kind == "FEE":
        return replace(held, realized_pnl=held.realized_pnl + entry.amount)
    return held


def _filled(entry: Entry, held: Holding | None) -> Holding:
    fill = Fill(entry.symbol, Action(entry.kind), abs(entry.quantity), entry.price or ZERO)
    if held is not None and not held.is_open:
        raise ImpossibleFillError(f"{fill} trades in a position that is closed")
    if fill.cash_delta != entry.amount or fill.signed_quantity != entry.quantity:
        raise ImpossibleFillError(f"{fill} moves {fill.cash_delta} of cash, the entry says {entry.amount}")
    return apply_fill(held, fill).holding


def _stated(entry: Entry, held: Holding | None) -> Holding:
    """A holding that an entry states anew: its size, average and cost. Its profits stay, but for what it adds."""
    signed = (held.signed_quantity if held else ZERO) + entry.quantity
    unchanged = held.side if held else Side.LONG
    side = unchanged if not signed else (Side.LONG if signed > 0 else Side.SHORT)
    average = entry.price if entry.price is not None else (held.average_price if held else ZERO)
    # A mark from before a split, or none at all, would value the holding wrongly: the average stands in.
    start = held if held and entry.kind not in ("SPLIT", "REVERSAL") else None
    after = Holding(
        entry.symbol,
        side,
        quantity=abs(signed),
        average_price=average,
        cost_basis=entry.cost_basis or ZERO,
        realized_pnl=(held.realized_pnl if held else ZERO) + entry.realized_pnl,
        mark_price=start.mark_price if start else average,
    )
    if not entry.reverses_its_order:
        return after
    # Of the cash that comes back, what is not the cost of the holding was profit.
    earned = entry.amount + after.signed_cost - (held.signed_cost if held else ZERO)
    return replace(after, realized_pnl=after.realized_pnl + earned)
