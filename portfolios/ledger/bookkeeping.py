"""The only writer of the books. Every change of cash or holdings is one ledger entry and what follows from it.

All functions here want an open transaction, and all but the two that open an account its lock (`lock_account`):
what is read, decided and written under the lock is true together. The number of statements does not depend on the
number of orders.

The database checks the writer: triggers let cash and holdings change only together with a ledger entry
(`portfolios.ledger.triggers`), so the entries are written first.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from common.money import (
    CASH_LIMIT,
    QUANTITY_STEP,
    ZERO,
    AmountOutOfRangeError,
    notional,
    quantize_average,
    quantize_cash,
    quantize_price,
    quantize_quantity,
)
from portfolios.domain.accounting import (
    Action,
    Fill,
    Holding,
    ImpossibleFillError,
    Side,
    apply_fill,
    restate_holding,
    split_holding,
)
from portfolios.domain.opening_history import CashStated, Deposited, HoldingStated, PastEvent, PastOrder, Traded
from portfolios.domain.order_states import ORDER_TRANSITIONS
from portfolios.domain.projection import StillNeededError, holding_without
from portfolios.models import LedgerEntry, Order, PortfolioAccount, Position, Valuation
from portfolios.selectors import books as queries
from portfolios.valuation import summaries

Kind = LedgerEntry.Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditContext:
    """Who changes the books, when, for which run and why; goes onto every entry."""

    actor: str
    now: datetime
    run_id: uuid.UUID | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A filled order on its way into the books. `limit_price` is the price per unit that sized it."""

    fill: Fill
    limit_price: Decimal
    client_order_id: str
    is_simulated: bool
    metadata: Mapping[str, Any]
    order_id: uuid.UUID = field(default_factory=uuid.uuid4)
    placed_at: datetime | None = None  # where it was placed before it was filled


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedOrder:
    """An order as a person types it: units and a price per unit above zero."""

    action: Action
    symbol: str
    quantity: Decimal
    price: Decimal


@dataclass(frozen=True, slots=True)
class Booked:
    """One order as it stands in the books: the position it touched, and how."""

    order: Order
    position_id: uuid.UUID
    effect: str  # "opened", "increased", "reduced", "closed"


class CannotBookError(Exception):
    """A change that people asked for and that the books do not take: the field, its value and the rule."""


@contextmanager
def _range_is_a_rule() -> Iterator[None]:
    """What people typed may be more than the books hold; that is refused like any other rule."""
    try:
        yield
    except AmountOutOfRangeError as error:
        raise CannotBookError(str(error)) from error


def lock_account(*, strategy_id: uuid.UUID, provider: str) -> PortfolioAccount | None:
    """Return the account, locked until the transaction ends, or None where there is none yet.

    On PostgreSQL the row is locked against other writers, while rows that refer to it may still be inserted; on
    SQLite the transaction itself holds the one write lock from its first statement on.
    """
    rows = PortfolioAccount.objects.select_for_update(no_key=True, of=("self",))
    return rows.filter(strategy_id=strategy_id, provider=provider).first()


def lock_accounts(ids: Sequence[uuid.UUID]) -> list[PortfolioAccount]:
    """Return the accounts, all locked with one call and in one order, so that two callers cannot deadlock."""
    rows = PortfolioAccount.objects.select_for_update(no_key=True, of=("self",))
    return list(rows.filter(pk__in=ids).order_by("pk"))


def open_account(
    *, strategy_id: uuid.UUID, provider: str, initial_balance: Decimal, context: AuditContext
) -> PortfolioAccount:
    """Write a new account with its DEPOSIT of `initial_balance` > 0. The new row is the caller's alone.

    Raises IntegrityError where another transaction opened the account first: leave the block and look again.
    """
    account = PortfolioAccount.objects.create(strategy_id=strategy_id, provider=provider)
    deposit(account, amount=initial_balance, context=replace(context, reason=context.reason or "Initial balance"))
    return account


@_range_is_a_rule()
def deposit(account: PortfolioAccount, *, amount: Decimal, context: AuditContext) -> None:
    """Book cash > 0 that comes in from outside. Raises CannotBookError."""
    _move_cash(account, Kind.DEPOSIT, _positive(amount, "amount"), context)


@_range_is_a_rule()
def withdraw(account: PortfolioAccount, *, amount: Decimal, context: AuditContext) -> None:
    """Book cash > 0 that goes out. Raises CannotBookError where it is more than the account has."""
    _move_cash(account, Kind.WITHDRAWAL, -_positive(amount, "amount"), context)


@_range_is_a_rule()
def correct_cash(account: PortfolioAccount, *, balance: Decimal, context: AuditContext) -> None:
    """Book the difference to the cash balance that a person says is right. Raises CannotBookError."""
    amount = quantize_cash(balance) - account.cash_balance
    if not amount:
        raise CannotBookError(f"cash_balance is {account.cash_balance} already: nothing to correct")
    _move_cash(account, Kind.CORRECTION, amount, context)


@_range_is_a_rule()
def pay_dividend(account: PortfolioAccount, *, symbol: str, per_share: Decimal, context: AuditContext) -> Decimal:
    """Book a cash dividend > 0 per unit on the open position in `symbol` and return the cash: shorts pay it.

    Raises CannotBookError where nothing is held, where it comes to less than a cent, or where a short costs more
    than the account has.
    """
    books = _Books.of(account, context)
    position = books.held(symbol)
    _require_above_zero(per_share, "dividend per unit")
    amount = notional(quantity=position.as_holding().signed_quantity, price=per_share)
    if not amount:
        raise CannotBookError(f"dividend is {per_share} per unit: comes to less than a cent")
    books.enter(Kind.DIVIDEND, amount, position=position)
    books.touch(position)
    books.write()
    return amount


@_range_is_a_rule()
def split_position(account: PortfolioAccount, *, symbol: str, ratio: Decimal, context: AuditContext) -> Holding:
    """Book a split of the open position in `symbol`, `ratio` new units for one old, and return the new holding.

    The cost stays. Raises CannotBookError where nothing is held, the ratio is not above zero, or the split leaves a
    quantity or a price that rounds to nothing.
    """
    books = _Books.of(account, context)
    position = books.held(symbol)
    _require_above_zero(ratio, "ratio")
    after = split_holding(position.as_holding(), ratio)
    if not (after.quantity and after.average_price and after.mark_price):
        raise CannotBookError(f"ratio is {ratio}: leaves {after.quantity} {symbol} @ {after.average_price}")
    books.restate(Kind.SPLIT, position, after)
    books.write()
    return after


@_range_is_a_rule()
def correct_position(
    account: PortfolioAccount,
    *,
    symbol: str,
    side: Side,
    quantity: Decimal,
    average_price: Decimal,
    context: AuditContext,
) -> None:
    """Book what a person says is held of `symbol`: a new position, another size, side or average, or nothing (0).

    Cash does not move and no profit is realized; the cost becomes quantity * average. Raises CannotBookError.
    """
    books = _Books.of(account, context)
    position = books.find(symbol)
    before = position.as_holding() if position else Holding(symbol, side, ZERO, ZERO, ZERO)
    after = _corrected(before, side=side, quantity=quantity, average_price=average_price)
    if after == before or not (position or quantity):
        raise CannotBookError(f"{symbol} is held as {before.side} {before.quantity} already: nothing to correct")
    if position is None and symbol not in queries.securities([symbol]):
        raise CannotBookError(f"symbol is {symbol}: not a known security")
    books.restate(Kind.CORRECTION, position or books.new_position(symbol, side), after)
    books.write()


def book_orders(
    account: PortfolioAccount,
    tickets: Sequence[Ticket],
    *,
    positions: Sequence[Position],
    marks: Mapping[str, Decimal],
    context: AuditContext,
) -> list[Booked]:
    """Write filled orders, in their order, with ledger, positions, marks, balances and a valuation.

    `positions` are all open positions of the account, read under its lock; `marks` are prices per unit by symbol.
    The account object is brought up to date. Raises ImpossibleFillError for a sale of more than is held,
    CannotBookError for a cash balance outside its range, IntegrityError for a used client_order_id; the caller's
    transaction rolls back then, and nothing was written.
    """
    books = _Books(account, positions, context)
    booked = [books.fill(ticket) for ticket in tickets]
    books.mark(marks)
    books.write()
    value_account(account, now=context.now)
    return booked


def open_with_history(
    *,
    account_id: uuid.UUID,
    strategy_id: uuid.UUID,
    provider: str,
    events: Sequence[PastEvent],
    unfilled: Sequence[PastOrder],
    context: AuditContext,
) -> PortfolioAccount:
    """Write a new account with what happened to it elsewhere, and what it is worth at `context.now`.

    Each entry has the time and the reason of its event and the context's actor; `unfilled` orders have none. The
    new row is the caller's alone. Raises IntegrityError where the account or an order is there already,
    ImpossibleFillError and CannotBookError for a history that contradicts itself: roll back then.
    """
    account = PortfolioAccount.objects.create(id=account_id, strategy_id=strategy_id, provider=provider)
    books = _Books(account, [], context)
    for event in events:
        books.relive(event, replace(context, now=event.at, reason=event.reason))
    for order in unfilled:
        books.keep(order)
    books.write()
    value_account(account, now=context.now)
    return account


@_range_is_a_rule()
def reverse_entries(
    account: PortfolioAccount,
    entries: Sequence[LedgerEntry],
    *,
    positions: Sequence[Position],
    before: Mapping[uuid.UUID, Holding | None],
    context: AuditContext,
) -> None:
    """Take back fills and fees of `entries`: a REVERSAL for each, at its price, that names it.

    `positions` are all that the entries changed, open or closed; `before` says what each was before them (None:
    nothing), and is what it is afterwards, at its last mark. The entries must be the last of their positions
    that still stand. Values the account. Raises CannotBookError where the cash would leave its range.
    """
    books = _Books.of(account, context)
    taken = {
        position.pk: [entry for entry in entries if entry.position_id == position.pk] for position in positions
    }
    # What brings cash in comes first, so that the balance does not pass below zero on its way.
    for position in sorted(positions, key=lambda each: sum(entry.amount for entry in taken[each.pk])):
        books.take_back(position, taken[position.pk], before[position.pk])
    books.write()
    value_account(account, now=context.now)


@_range_is_a_rule()
def record_order(account: PortfolioAccount, *, typed: TypedOrder, fee: Decimal, context: AuditContext) -> Order:
    """Book an order that was filled elsewhere, as a person types it, at its price and with its fee in cash (>= 0).

    What is held keeps its mark. Raises CannotBookError for what the books do not take.
    """
    books = _Books.of(account, context)
    order, fill = _placed(account, typed, context), _typed_fill(typed, fee)
    return _book_fill(books, order, fill, context=context, book=books.fill_new)


@_range_is_a_rule()
def fill_order(
    account: PortfolioAccount, *, order: Order, price: Decimal, fee: Decimal, context: AuditContext
) -> Order:
    """Book a pending order of the account as filled, all of it, at a price per unit and with a fee (>= 0).

    Raises CannotBookError for an order that cannot be filled, and for what the books do not take.
    """
    books = _Books.of(account, context)
    _require_next(order, Order.Status.FILLED)
    typed = TypedOrder(action=Action(order.action), symbol=order.security_id, quantity=order.quantity, price=price)
    return _book_fill(books, order, _typed_fill(typed, fee), context=context, book=books.fill_waiting)


@_range_is_a_rule()
def place_order(account: PortfolioAccount, *, typed: TypedOrder, context: AuditContext) -> Order:
    """Write a pending order, as a person types it. It moves nothing until it is filled. Raises CannotBookError."""
    _require_signed(context)
    _typed_fill(typed, ZERO)
    order = _placed(account, typed, context)
    order.save(force_insert=True)
    return order


@_range_is_a_rule()
def change_order(order: Order, *, quantity: Decimal, limit_price: Decimal) -> None:
    """Write another quantity or price on a pending order of a locked account. Raises CannotBookError."""
    _require_next(order, Order.Status.FILLED)
    fill = _typed_fill(
        TypedOrder(action=Action(order.action), symbol=order.security_id, quantity=quantity, price=limit_price),
        ZERO,
    )
    order.quantity, order.limit_price = fill.quantity, fill.price
    order.save(update_fields=["quantity", "limit_price"])


def cancel_order(order: Order) -> None:
    """Cancel an order of a locked account that has not been filled. Raises CannotBookError."""
    _require_next(order, Order.Status.CANCELED)
    order.status = Order.Status.CANCELED
    order.save(update_fields=["status"])


@_range_is_a_rule()
def take_back_order(account: PortfolioAccount, *, order: Order, context: AuditContext) -> LedgerEntry:
    """Book a CORRECTION that undoes what a filled order of the account did, and return it. The order stays.

    Its cash and its fee come back, what is held becomes what it would be without the order, and its profit goes.
    Raises CannotBookError for an order that moved nothing or was taken back before, where a later entry needs what
    it did, and where the cash that has to be given back is not there.
    """
    books = _Books.of(account, context)
    entries = queries.ledger_of_orders([order.pk]).get(order.pk, [])
    if not entries:
        raise CannotBookError(f"order is {order.status}: it moved nothing that could be taken back")
    if any(entry.kind in (Kind.CORRECTION, Kind.REVERSAL) for entry in entries):
        raise CannotBookError(f"order {order.pk} was taken back before, by entry {entries[-1].sequence}")
    position = _position_of(books, entries[0])
    after = _without(position, order)
    books.restate(
        Kind.CORRECTION, position, after, amount=-sum((entry.amount for entry in entries), ZERO), order=order
    )
    books.write()
    return books.last_entry


def value_account(account: PortfolioAccount, *, now: datetime) -> None:
    """Write what the locked account is worth at its marks, what came in from outside since the last time, and the
    summary that pages show of it.
    """
    Valuation.objects.create(
        account=account,
        as_of=now,
        cash=account.cash_balance,
        equity=account.equity_value,
        total=account.cash_balance + account.equity_value,
        external_flow=queries.external_flows([account.pk]).get(account.pk, ZERO),
        book_version=account.book_version,
    )
    summaries.summarize_locked(account, now=now)


def _corrected(before: Holding, *, side: Side, quantity: Decimal, average_price: Decimal) -> Holding:
    """Return the holding as a person says it is. Nothing held keeps its side and average as a record."""
    if quantity == 0:
        return restate_holding(before, side=side, quantity=ZERO, average_price=average_price)
    _require_above_zero(quantity, "quantity")
    _require_above_zero(average_price, "average price")
    average = quantize_average(average_price)
    if quantize_quantity(quantity, step=QUANTITY_STEP) != quantity or not average:
        raise CannotBookError(f"quantity is {quantity} @ {average_price}: the books keep 6 places")
    return restate_holding(before, side=side, quantity=quantity, average_price=average)


def _typed_fill(typed: TypedOrder, fee: Decimal) -> Fill:
    """Return what a person typed as a fill. Raises CannotBookError for what no order can be."""
    _require_above_zero(typed.quantity, "quantity")
    _require_above_zero(typed.price, "price")
    if quantize_quantity(typed.quantity, step=QUANTITY_STEP) != typed.quantity:
        raise CannotBookError(f"quantity is {typed.quantity}: the books keep 6 places")
    if quantize_price(typed.price) != typed.price:
        raise CannotBookError(f"price is {typed.price}: the books keep 4 places, and 6 below 1")
    if not fee.is_finite() or fee < 0 or quantize_cash(fee) != fee:
        raise CannotBookError(f"fee is {fee}: must be zero or more, in cents")
    if typed.symbol not in queries.securities([typed.symbol]):
        raise CannotBookError(f"symbol is {typed.symbol}: not a known security")
    return Fill(typed.symbol, typed.action, typed.quantity, typed.price, fee)


def _placed(account: PortfolioAccount, typed: TypedOrder, context: AuditContext) -> Order:
    """Return a pending order that is still to be written; its id from outside says that a person typed it."""
    key = uuid.uuid4()
    return Order(
        id=key,
        account=account,
        security_id=typed.symbol,
        action=typed.action.value,
        quantity=typed.quantity,
        limit_price=typed.price,
        client_order_id=f"by-hand-{key}",
        placed_at=context.now,
        metadata={"entered_by": context.actor, "reason": context.reason},
    )


def _book_fill(
    books: "_Books", order: Order, fill: Fill, *, context: AuditContext, book: Callable[[Order, Fill], Booked]
) -> Order:
    """Fill a pending order and bring everything up to date."""
    held = books.find(order.security_id)
    marks = {order.security_id: held.mark_price} if held else {}
    order.status, order.filled_at = Order.Status.FILLED, context.now
    order.filled_quantity, order.average_fill_price, order.fee = fill.quantity, fill.price, fill.fee
    try:
        book(order, fill)
    except ImpossibleFillError as error:
        raise CannotBookError(f"{fill.action} of {fill.quantity} {fill.symbol}: {_held_words(held)}") from error
    books.mark(marks)
    books.write()
    return order


def _held_words(held: Position | None) -> str:
    return "nothing is held" if held is None else f"held is {held.side} {held.quantity}"


def _require_next(order: Order, status: Order.Status) -> None:
    if status not in ORDER_TRANSITIONS[order.status] or order.filled_quantity:
        raise CannotBookError(f"order is {order.status}: only a pending one can still be changed")


def _position_of(books: "_Books", fill: LedgerEntry) -> Position:
    """Return the position that a fill changed, unless another one has been opened in its security since."""
    position = Position.objects.get(ledger=fill)
    current = books.find(position.security_id)
    if current is not None and current.pk != position.pk:
        raise CannotBookError(
            f"the position in {position.security_id} was closed and another one opened since: correct that one"
        )
    return current or position


def _without(position: Position, order: Order) -> Holding:
    """Return the position as it would be without one of its orders. Raises CannotBookError."""
    entries = [entry.as_entry() for entry in LedgerEntry.objects.filter(position=position).order_by("sequence")]
    before = position.as_holding()
    try:
        after = holding_without(entries, order.pk)
    except StillNeededError as error:
        raise CannotBookError(f"order {order.pk} cannot be taken back: {error}") from error
    if after is None or not after.is_open:
        realized = after.realized_pnl if after else ZERO
        return replace(before, quantity=ZERO, cost_basis=ZERO, realized_pnl=realized)
    return replace(after, mark_price=before.mark_price)


def _require_signed(context: AuditContext) -> None:
    if not context.reason.strip() or not context.actor.strip():
        raise CannotBookError("a change by hand needs an actor and a reason")


def _require_above_zero(value: Decimal, name: str) -> None:
    if not value.is_finite() or value <= 0:
        raise CannotBookError(f"{name} is {value}: must be above zero")


def _positive(amount: Decimal, name: str) -> Decimal:
    cents = quantize_cash(amount)
    if cents <= 0:
        raise CannotBookError(f"{name} is {amount}: must be above zero")
    return cents


def _move_cash(account: PortfolioAccount, kind: LedgerEntry.Kind, amount: Decimal, context: AuditContext) -> None:
    books = _Books.of(account, context)
    books.enter(kind, amount)
    books.write()


class _Books:
    """One account while it changes: everything is worked out in memory and written once."""

    def __init__(self, account: PortfolioAccount, positions: Sequence[Position], context: AuditContext) -> None:
        self._account = account
        self._context = context
        self._open = {position.security_id: position for position in positions}
        self._touched: dict[uuid.UUID, Position] = {}
        self._orders: list[Order] = []
        self._waiting: list[Order] = []
        self._entries: list[LedgerEntry] = []

    @classmethod
    def of(cls, account: PortfolioAccount, context: AuditContext) -> "_Books":
        """Return the books of a locked account for a change that people asked for, and that needs a reason."""
        _require_signed(context)
        return cls(account, queries.open_positions(account), context)

    def find(self, symbol: str) -> Position | None:
        """Return the open position in `symbol`, or None."""
        return self._open.get(symbol)

    def held(self, symbol: str) -> Position:
        """Return the open position in `symbol`. Raises CannotBookError."""
        position = self._open.get(symbol)
        if position is None:
            raise CannotBookError(f"{symbol} is not held by account {self._account.pk}")
        return position

    def new_position(self, symbol: str, side: Side) -> Position:
        """Return a position that is still to be written."""
        return Position(account=self._account, security_id=symbol, side=side.value, opened_at=self._context.now)

    def fill(self, ticket: Ticket) -> Booked:
        """Book one filled order: the order, its entries, the position and the cash."""
        return self.fill_new(self._order(ticket), ticket.fill)

    def fill_new(self, order: Order, fill: Fill) -> Booked:
        """Book the fill of an order that is still to be written."""
        self._orders.append(order)
        return self._fill_as(order, fill)

    def fill_waiting(self, order: Order, fill: Fill) -> Booked:
        """Book the fill of an order that is written already, and waits with its columns up to date."""
        self._waiting.append(order)
        return self._fill_as(order, fill)

    def _fill_as(self, order: Order, fill: Fill) -> Booked:
        held = self._open.get(fill.symbol)
        result = apply_fill(held.as_holding() if held else None, fill)
        position = held or self.new_position(fill.symbol, fill.action.side)
        self.enter(
            Kind(fill.action),
            result.cash_delta,
            position=position,
            order=order,
            quantity=fill.signed_quantity,
            price=fill.price,
        )
        if result.fee:
            self.enter(Kind.FEE, -result.fee, position=position, order=order)
        self._settle(position, result.holding)
        return Booked(order, position.id, _effect(held is None, fill, result.holding))

    def relive(self, event: PastEvent, context: AuditContext) -> None:
        """Book an event of the past under its own context."""
        self._context = context
        if isinstance(event, Deposited):
            self.enter(Kind.DEPOSIT, event.amount)
        elif isinstance(event, Traded):
            self.fill(_ticket(event.order))
        elif isinstance(event, CashStated):
            self.enter(Kind.CORRECTION, event.balance - self._account.cash_balance)
        else:
            self._state(event)

    def _state(self, event: HoldingStated) -> None:
        position = self._open.get(event.symbol)
        before = position.as_holding() if position else Holding(event.symbol, event.side, ZERO, ZERO, ZERO)
        after = _corrected(before, side=event.side, quantity=event.quantity, average_price=event.average_price)
        self.restate(Kind.CORRECTION, position or self.new_position(event.symbol, event.side), after)

    def keep(self, order: PastOrder) -> None:
        """Keep an order that was not filled: a record without an entry."""
        self._orders.append(
            Order(
                id=order.order_id,
                account=self._account,
                security_id=order.symbol,
                action=order.action.value,
                quantity=order.quantity,
                limit_price=order.limit_price,
                status=order.status,
                client_order_id=order.client_order_id,
                is_simulated=order.is_simulated,
                placed_at=order.placed_at,
                metadata=dict(order.metadata),
            )
        )

    @property
    def last_entry(self) -> LedgerEntry:
        """The entry that was made last."""
        return self._entries[-1]

    def restate(
        self,
        kind: LedgerEntry.Kind,
        position: Position,
        after: Holding,
        *,
        amount: Decimal = ZERO,
        order: Order | None = None,
    ) -> None:
        """Book what a holding is from now on: the entry keeps its new average and cost, and the cash that moves."""
        before = ZERO if position.quantity is None else position.as_holding().signed_quantity
        self.enter(
            kind,
            amount,
            position=position,
            order=order,
            # From a long to a short the change is larger than either.
            quantity=quantize_quantity(after.signed_quantity - before, step=QUANTITY_STEP),
            price=after.average_price,
            cost_basis=after.cost_basis,
        )
        self._settle(position, after)

    def take_back(self, position: Position, entries: Sequence[LedgerEntry], before: Holding | None) -> None:
        """Book the opposite of each entry, the newest first; the position is what it was before them."""
        for entry in sorted(entries, key=lambda entry: -entry.sequence):
            self.enter(
                Kind.REVERSAL,
                -entry.amount,
                position=position,
                order=entry.order,
                quantity=-entry.quantity,
                price=entry.price,
                reverses=entry.sequence,
            )
        now, marked_at = position.as_holding(), position.marked_at
        nothing = replace(now, quantity=ZERO, cost_basis=ZERO, realized_pnl=ZERO)
        self._settle(position, replace(before or nothing, mark_price=_mark_without(entries, now)))
        # Taking back says nothing new about what the security is worth.
        position.marked_at = marked_at

    def touch(self, position: Position) -> None:
        """Note that the last entry concerns `position`."""
        position.book_version = self._account.book_version
        self._touched[position.id] = position

    def mark(self, marks: Mapping[str, Decimal]) -> None:
        """Mark the open positions at the prices that are known."""
        for symbol, position in self._open.items():
            if symbol in marks:
                position.mark_price = marks[symbol]
                position.marked_at = self._context.now
                self._touched[position.id] = position

    def enter(
        self,
        kind: LedgerEntry.Kind,
        amount: Decimal,
        *,
        position: Position | None = None,
        order: Order | None = None,
        quantity: Decimal = ZERO,
        price: Decimal | None = None,
        cost_basis: Decimal | None = None,
        reverses: int | None = None,
    ) -> None:
        """Add one entry and move the cash. Raises CannotBookError where the cash would leave its range."""
        account, context = self._account, self._context
        if account.cash_balance + amount < 0:
            raise CannotBookError(f"{kind} of {amount} is more than the cash balance of {account.cash_balance}")
        if account.cash_balance + amount >= CASH_LIMIT:
            raise CannotBookError(f"{kind} of {amount} brings the cash balance to more than the books hold")
        account.cash_balance += amount
        account.book_version += 1
        self._entries.append(
            LedgerEntry(
                account=account,
                sequence=account.book_version,
                kind=kind,
                amount=amount,
                balance_after=account.cash_balance,
                security_id=position.security_id if position else None,
                position=position,
                quantity=quantity,
                price=price,
                cost_basis=cost_basis,
                reverses=reverses,
                order=order,
                run_id=context.run_id,
                actor=context.actor,
                reason=context.reason,
                occurred_at=context.now,
            )
        )

    def write(self) -> None:
        """Write everything: orders, the entries that name them, then what follows from the entries."""
        account = self._account
        equity = sum((held.as_holding().market_value for held in self._open.values()), ZERO)
        account.equity_value = quantize_cash(equity)
        account.updated_at = self._context.now
        if self._orders:
            Order.objects.bulk_create(self._orders)
        for order in self._waiting:
            order.save()
        if self._entries:
            LedgerEntry.objects.bulk_create(self._entries)
        if self._touched:
            self._write_positions()
        account.save(update_fields=["cash_balance", "equity_value", "book_version", "updated_at"])

    def _write_positions(self) -> None:
        # A closed position goes before the one that was opened after it in the same security.
        rows = sorted(self._touched.values(), key=lambda position: position.status != Position.Status.CLOSED)
        changing = [column.name for column in Position._meta.concrete_fields if not column.primary_key]
        Position.objects.bulk_create(rows, update_conflicts=True, unique_fields=["id"], update_fields=changing)

    def _order(self, ticket: Ticket) -> Order:
        fill = ticket.fill
        return Order(
            id=ticket.order_id,
            account=self._account,
            security_id=fill.symbol,
            action=fill.action.value,
            quantity=fill.quantity,
            limit_price=ticket.limit_price,
            status=Order.Status.FILLED,
            filled_quantity=fill.quantity,
            average_fill_price=fill.price,
            fee=fill.fee,
            client_order_id=ticket.client_order_id,
            is_simulated=ticket.is_simulated,
            placed_at=ticket.placed_at or self._context.now,
            filled_at=self._context.now,
            metadata=dict(ticket.metadata),
        )

    def _settle(self, position: Position, after: Holding) -> None:
        """Bring the position up to what its last entry made of it."""
        position.side = after.side.value
        position.quantity = after.quantity
        position.average_price = after.average_price
        position.cost_basis = after.cost_basis
        position.realized_pnl = after.realized_pnl
        position.mark_price = after.mark_price
        position.marked_at = self._context.now
        self.touch(position)
        if after.is_open:
            # A reversal may open again what was closed.
            position.status = Position.Status.OPEN
            position.closed_at = None
            self._open[after.symbol] = position
            return
        position.status = Position.Status.CLOSED
        position.closed_at = self._context.now
        # Taken back, a flip leaves the other leg's position open under the same symbol.
        if self._open.get(after.symbol) == position:
            del self._open[after.symbol]


def _mark_without(entries: Sequence[LedgerEntry], now: Holding) -> Decimal:
    """The mark of a holding after its entries are taken back: its own, or that of the order that closed it.

    What is closed keeps the price of its last fill, which the slippage has moved; the order has the market's.
    """
    prices = [entry.order.limit_price for entry in entries if entry.order is not None]
    return now.mark_price if now.is_open or not prices else prices[-1]


def _ticket(order: PastOrder) -> Ticket:
    return Ticket(
        fill=order.fill,
        limit_price=order.limit_price,
        client_order_id=order.client_order_id,
        is_simulated=order.is_simulated,
        metadata=order.metadata,
        order_id=order.order_id,
        placed_at=order.placed_at,
    )


def _effect(is_new: bool, fill: Fill, after: Holding) -> str:  # noqa: FBT001  # a fact, not a switch
    if fill.action.increases:
        return "opened" if is_new else "increased"
    return "reduced" if after.is_open else "closed"
