"""Orders: those that a run has filled, and those that people type, change, fill and cancel."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from common.money import QUANTITY_STEP, ZERO, quantize_cash, quantize_price, quantize_quantity
from portfolios.domain.accounting import Action, Fill, ImpossibleFillError
from portfolios.domain.order_states import Cause, may_go
from portfolios.ledger.account_books import AccountBooks
from portfolios.ledger.audit_context import AuditContext
from portfolios.ledger.order_tickets import BookedOrder, Ticket, TypedOrder
from portfolios.ledger.refusals import CannotBookError, range_is_a_rule, require_above_zero, require_signed
from portfolios.ledger.valuations import value_account
from portfolios.models import Order, PortfolioAccount, Position
from portfolios.selectors import books as queries


def book_orders(
    account: PortfolioAccount,
    tickets: Sequence[Ticket],
    *,
    positions: Sequence[Position],
    marks: Mapping[str, Decimal],
    context: AuditContext,
) -> list[BookedOrder]:
    """Write filled orders, in their order, with ledger, positions, marks, balances and a valuation.

    `positions` are all open positions of the account, read under its lock; `marks` are prices per unit by symbol.
    The account object is brought up to date. Raises ImpossibleFillError for a sale of more than is held,
    CannotBookError for a cash balance outside its range, IntegrityError for a used client_order_id; the caller's
    transaction rolls back then, and nothing was written.
    """
    books = AccountBooks(account, positions, context)
    booked = [books.fill(ticket) for ticket in tickets]
    books.mark(marks)
    books.write()
    value_account(account, now=context.now)
    return booked


@range_is_a_rule()
def record_order(account: PortfolioAccount, *, typed: TypedOrder, fee: Decimal, context: AuditContext) -> Order:
    """Book an order that was filled elsewhere, as a person types it, at its price and with its fee in cash (>= 0).

    What is held keeps its mark. Raises CannotBookError for what the books do not take.
    """
    books = AccountBooks.of(account, context)
    order, fill = _placed(account, typed, context), _typed_fill(typed, fee)
    return _book_fill(books, order, fill, context=context, book=books.fill_new)


@range_is_a_rule()
def fill_order(
    account: PortfolioAccount, *, order: Order, price: Decimal, fee: Decimal, context: AuditContext
) -> Order:
    """Book a pending order of the account as filled, all of it, at a price per unit and with a fee (>= 0).

    Raises CannotBookError for an order that cannot be filled, and for what the books do not take.
    """
    books = AccountBooks.of(account, context)
    _require_next(order, Order.Status.FILLED)
    typed = TypedOrder(action=Action(order.action), symbol=order.security_id, quantity=order.quantity, price=price)
    return _book_fill(books, order, _typed_fill(typed, fee), context=context, book=books.fill_waiting)


@range_is_a_rule()
def place_order(account: PortfolioAccount, *, typed: TypedOrder, context: AuditContext) -> Order:
    """Write a pending order, as a person types it. It moves nothing until it is filled. Raises CannotBookError."""
    require_signed(context)
    _typed_fill(typed, ZERO)
    order = _placed(account, typed, context)
    order.save(force_insert=True)
    return order


@range_is_a_rule()
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


def _typed_fill(typed: TypedOrder, fee: Decimal) -> Fill:
    """Return what a person typed as a fill. Raises CannotBookError for what no order can be."""
    require_above_zero(typed.quantity, "quantity")
    require_above_zero(typed.price, "price")
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
    books: AccountBooks,
    order: Order,
    fill: Fill,
    *,
    context: AuditContext,
    book: Callable[[Order, Fill], BookedOrder],
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
    if not may_go(order.status, status, cause=Cause.PERSON):
        raise CannotBookError(f"order is {order.status}: only a pending one can still be changed")
