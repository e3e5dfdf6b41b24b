"""Cash that people bring in or take out."""

from decimal import Decimal

from portfolios.ledger.account_books import AccountBooks
from portfolios.ledger.audit_context import AuditContext
from portfolios.ledger.refusals import CannotBookError, positive_cash, range_is_a_rule
from portfolios.models import LedgerEntry, PortfolioAccount

Kind = LedgerEntry.Kind


@range_is_a_rule()
def deposit(account: PortfolioAccount, *, amount: Decimal, context: AuditContext) -> None:
    """Book cash > 0 that comes in from outside; what the account owes is paid out of it. Raises CannotBookError."""
    _move_cash(account, Kind.DEPOSIT, positive_cash(amount, "amount"), context)


@range_is_a_rule()
def withdraw(account: PortfolioAccount, *, amount: Decimal, context: AuditContext) -> None:
    """Book cash > 0 that goes out. Raises CannotBookError where the account has less, or owes of it."""
    cash = positive_cash(amount, "amount")
    if account.payable and cash > account.cash_balance - account.payable:
        raise CannotBookError(
            f"WITHDRAWAL of {cash}: of the cash balance of {account.cash_balance}, {account.payable} is owed"
        )
    _move_cash(account, Kind.WITHDRAWAL, -cash, context)


def _move_cash(account: PortfolioAccount, kind: LedgerEntry.Kind, amount: Decimal, context: AuditContext) -> None:
    books = AccountBooks.of(account, context)
    books.enter(kind, amount)
    books.settle(context)
    books.write()
