"""What people say that cash or a holding really is: the difference is booked, with their name and their reason."""

from decimal import Decimal

from common.money import QUANTITY_STEP, ZERO, quantize_average, quantize_cash, quantize_quantity
from portfolios.domain.accounting import Holding, Side, restate_holding
from portfolios.ledger.account_books import AccountBooks
from portfolios.ledger.audit_context import AuditContext
from portfolios.ledger.refusals import CannotBookError, range_is_a_rule, require_above_zero
from portfolios.models import LedgerEntry, PortfolioAccount
from portfolios.selectors import books as queries

Kind = LedgerEntry.Kind


@range_is_a_rule()
def correct_cash(account: PortfolioAccount, *, balance: Decimal, context: AuditContext) -> None:
    """Book the difference to the cash balance that a person says is right. Raises CannotBookError.

    A correction states a fact, so it may leave less than stands behind the shorts: then the account is below its
    margin, and needs attention from that moment on. Cash that leaves is a withdrawal, which may not.
    """
    amount = quantize_cash(balance) - account.cash_balance
    if not amount:
        raise CannotBookError(f"cash_balance is {account.cash_balance} already: nothing to correct")
    books = AccountBooks.of(account, context)
    books.enter(Kind.CORRECTION, amount)
    books.write()


@range_is_a_rule()
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
    books = AccountBooks.of(account, context)
    position = books.find(symbol)
    before = position.as_holding() if position else Holding(symbol, side, ZERO, ZERO, ZERO)
    after = corrected_holding(before, side=side, quantity=quantity, average_price=average_price)
    if after == before or not (position or quantity):
        raise CannotBookError(f"{symbol} is held as {before.side} {before.quantity} already: nothing to correct")
    if position is None and symbol not in queries.securities([symbol]):
        raise CannotBookError(f"symbol is {symbol}: not a known security")
    books.restate(Kind.CORRECTION, position or books.new_position(symbol, side), after)
    books.write()


def corrected_holding(before: Holding, *, side: Side, quantity: Decimal, average_price: Decimal) -> Holding:
    """Return the holding as a person says it is. Nothing held keeps its side and average as a record.

    Raises CannotBookError.
    """
    if quantity == 0:
        return restate_holding(before, side=side, quantity=ZERO, average_price=average_price)
    require_above_zero(quantity, "quantity")
    require_above_zero(average_price, "average price")
    average = quantize_average(average_price)
    if quantize_quantity(quantity, step=QUANTITY_STEP) != quantity or not average:
        raise CannotBookError(f"quantity is {quantity} @ {average_price}: the books keep 6 places")
    return restate_holding(before, side=side, quantity=quantity, average_price=average)
