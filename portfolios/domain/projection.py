"""What the ledger says: cash and holdings worked out from the entries alone. Pure.

The ledger is the truth; balances and positions are its projections. This is a second way from the entries to the
projections, beside the one that writes them, so that each can be checked against the other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from uuid import UUID

from common.money import ZERO, AmountOutOfRangeError
from portfolios.domain.accounting import Action, Fill, Holding, ImpossibleFillError, Side, apply_fill

_FILLS = frozenset(Action)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One ledger entry as the projection sees it.

    `quantity` is the signed change of the holding. A SPLIT or CORRECTION of a holding states what it is afterwards:
    `price` its average price and `cost_basis` its cost (both None for an entry of cash alone). A REVERSAL names in
    `reverses` the sequence of the entry that it reverses, the last of its position that still stands. A
    CORRECTION that names an order reverses the order; its profit goes with it.
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
        if books.cash != entry.balance_after:
            books.fault(entry, f"balance is {entry.balance_after}, the entries add up to {books.cash}")
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
        if entry.sequence > first and entry.kind in ("SPLIT", "DIVIDEND", "CORRECTION"):
            raise StillNeededError(entry.sequence, f"a {entry.kind} of what was held")
        try:
            held = _after(entry, held)
        except ImpossibleFillError as error:
            raise StillNeededError(entry.sequence, str(error)) from error
    return held


def _apply(books: Projection, entry: Entry, position_id: UUID) -> None:
    known = books.positions.get(position_id)
    held = known.holding if known else None
    if held is not None and held.symbol != entry.symbol:
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
    if entry.kind == "REVERSAL":
        standing.pop()
    else:
        standing.append(_Step(entry, held))
    books.positions[position_id] = Projected(after, entry.sequence)


def _reversed(entry: Entry, held: Holding | None, standing: list[_Step]) -> Holding | None:
    """The holding as it was before the entry that is reversed; what nothing was held before is closed."""
    if held is None or not standing:
        return None
    last, before = standing[-1].entry, standing[-1].before
    if last.sequence != entry.reverses:
        raise ImpossibleFillError(f"reverses entry {entry.reverses}, the last that stands is {last.sequence}")
    if (last.amount, last.quantity) != (-entry.amount, -entry.quantity):
        raise ImpossibleFillError(f"reverses {entry.amount} and {entry.quantity} of entry {last.sequence}")
    return before or replace(held, quantity=ZERO, cost_basis=ZERO, realized_pnl=ZERO)


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
    """A holding restated by a split or a correction: its new size, average and cost; its profits stay."""
    signed = (held.signed_quantity if held else ZERO) + entry.quantity
    unchanged = held.side if held else Side.LONG
    side = unchanged if not signed else (Side.LONG if signed > 0 else Side.SHORT)
    average = entry.price if entry.price is not None else (held.average_price if held else ZERO)
    # A mark from before a split, or none at all, would value the holding wrongly: the average stands in.
    start = held if held and entry.kind != "SPLIT" else None
    after = Holding(
        entry.symbol,
        side,
        quantity=abs(signed),
        average_price=average,
        cost_basis=entry.cost_basis or ZERO,
        realized_pnl=held.realized_pnl if held else ZERO,
        mark_price=start.mark_price if start else average,
    )
    if not entry.reverses_its_order:
        return after
    # Of the cash that comes back, what is not the cost of the holding was profit.
    earned = entry.amount + after.signed_cost - (held.signed_cost if held else ZERO)
    return replace(after, realized_pnl=after.realized_pnl + earned)
