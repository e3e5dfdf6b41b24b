"""What a company does to one open position: it pays a dividend, or splits its shares."""

from decimal import Decimal

from common.money import notional
from portfolios.domain.accounting import Holding, split_holding
from portfolios.ledger.account_books import AccountBooks
from portfolios.ledger.audit_context import AuditContext
from portfolios.ledger.refusals import CannotBookError, range_is_a_rule, require_above_zero
from portfolios.models import LedgerEntry, PortfolioAccount

Kind = LedgerEntry.Kind


@range_is_a_rule()
def pay_dividend(account: PortfolioAccount, *, symbol: str, per_share: Decimal, context: AuditContext) -> Decimal:
    """Book a cash dividend > 0 per unit on the open position in `symbol` and return the cash: shorts pay it.

    Raises CannotBookError where nothing is held, where it comes to less than a cent, or where a short costs more
    than the account has.
    """
    books = AccountBooks.of(account, context)
    position = books.held(symbol)
    require_above_zero(per_share, "dividend per unit")
    amount = notional(quantity=position.as_holding().signed_quantity, price=per_share)
    if not amount:
        raise CannotBookError(f"dividend is {per_share} per unit: comes to less than a cent")
    books.enter(Kind.DIVIDEND, amount, position=position)
    books.touch(position)
    books.write()
    return amount


@range_is_a_rule()
def split_position(account: PortfolioAccount, *, symbol: str, ratio: Decimal, context: AuditContext) -> Holding:
    """Book a split of the open position in `symbol`, `ratio` new units for one old, and return the new holding.

    The cost stays. Raises CannotBookError where nothing is held, the ratio is not above zero, or the split leaves a
    quantity or a price that rounds to nothing.
    """
    books = AccountBooks.of(account, context)
    position = books.held(symbol)
    require_above_zero(ratio, "ratio")
    after = split_holding(position.as_holding(), ratio)
    if not (after.quantity and after.average_price and after.mark_price):
        raise CannotBookError(f"ratio is {ratio}: leaves {after.quantity} {symbol} @ {after.average_price}")
    books.restate(Kind.SPLIT, position, after)
    books.write()
    return after
