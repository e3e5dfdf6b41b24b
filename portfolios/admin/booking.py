"""Actions on the books that ask first: cash in and out, orders filled, canceled, reversed, positions ended."""

from uuid import UUID

from common.admin.confirm import Call
from common.money import ZERO, format_cash
from portfolios import ledger
from portfolios.admin.base import BooksAction, context_of
from portfolios.admin.forms import AmountForm, FillForm
from portfolios.domain.accounting import Side
from portfolios.models import Order, PortfolioAccount, Position


class _AccountAction(BooksAction):
    permission = "portfolios.change_portfolioaccount"
    form = AmountForm

    def account_id(self, row: PortfolioAccount) -> UUID:
        return row.pk


class Deposit(_AccountAction):
    """Cash from outside."""

    name = "deposit"
    title = "Deposit cash"
    button = "Deposit cash"
    explanation = "A DEPOSIT enters the ledger. It moves the account's value, not its performance."

    def book(self, call: Call, account: PortfolioAccount) -> str:
        ledger.deposit(account, amount=call.values["amount"], context=context_of(call))
        return f"{format_cash(call.values['amount'])} was deposited in {account}."


class Withdraw(_AccountAction):
    """Cash that goes out."""

    name = "withdraw"
    title = "Withdraw cash"
    button = "Withdraw cash"
    explanation = "A WITHDRAWAL enters the ledger. It moves the account's value, not its performance."

    def book(self, call: Call, account: PortfolioAccount) -> str:
        ledger.withdraw(account, amount=call.values["amount"], context=context_of(call))
        return f"{format_cash(call.values['amount'])} was withdrawn from {account}."


class FillOrder(BooksAction):
    """A pending order that was filled outside."""

    name = "fill"
    title = "Fill the order"
    button = "Fill"
    permission = "portfolios.change_order"
    form = FillForm
    explanation = "The order is filled, all of it. Its fill and its fee enter the ledger."

    def applies(self, row: Order) -> bool:
        return row.status == Order.Status.PENDING

    def initial(self, rows: object) -> dict[str, str]:
        """Return no fee; the price is to be typed."""
        return {"fee": "0"}

    def book(self, call: Call, account: PortfolioAccount) -> str:
        order = ledger.fill_order(
            account,
            order=call.rows[0],
            price=call.values["price"],
            fee=call.values["fee"],
            context=context_of(call),
        )
        return f"{order.action} {order.security_id} was filled."


class CancelOrder(BooksAction):
    """A pending order that will not be filled."""

    name = "cancel"
    title = "Cancel the order"
    button = "Cancel order"
    permission = "portfolios.change_order"
    explanation = "The order is canceled. It has moved nothing, and nothing enters the ledger."
    is_dangerous = True

    def applies(self, row: Order) -> bool:
        return row.status == Order.Status.PENDING

    def book(self, call: Call, account: PortfolioAccount) -> str:
        order: Order = call.rows[0]
        ledger.cancel_order(order)
        return f"{order.action} {order.security_id} was canceled."


class ReverseOrder(BooksAction):
    """What deleting an order means: the order stays, what it did is reversed."""

    name = "delete"
    title = "Delete the order"
    button = "Reverse"
    explanation = (
        "The order stays in the record. One CORRECTION reverses what it did: its cash and its fee come back, and "
        "the position becomes what it would be without it. An order that still waits is canceled."
    )
    is_dangerous = True

    def book(self, call: Call, account: PortfolioAccount) -> str:
        """Reverse a filled order, cancel a pending one."""
        order: Order = call.rows[0]
        if order.status == Order.Status.PENDING:
            ledger.cancel_order(order)
            return f"{order.action} {order.security_id} was canceled."
        entry = ledger.reverse_order(account, order=order, context=context_of(call))
        return f"{order.action} {order.security_id} was reversed by entry {entry.sequence} of the ledger."


class EndPosition(BooksAction):
    """What deleting a position means: nothing is held any more, and the ledger says who said so."""

    name = "delete"
    title = "Delete the position"
    button = "Delete"
    explanation = (
        "One CORRECTION states that nothing is held. Cash does not move and no profit is realized: to sell, make "
        "an order. The closed position stays in the record."
    )
    is_dangerous = True

    def book(self, call: Call, account: PortfolioAccount) -> str:
        position: Position = call.rows[0]
        ledger.correct_position(
            account,
            symbol=position.security_id,
            side=Side(position.side),
            quantity=ZERO,
            average_price=position.average_price,
            context=context_of(call),
        )
        return f"{position.security_id} is no longer held by {account}."
