"""Cash that people bring in or take out."""

from decimal import Decimal

from portfolios.ledger.account_books import AccountBooks
from portfolios.ledger.audit_context import AuditContext
from portfolios.ledger.margins import require_available
from portfolios.ledger.refusals import CannotBookError, positive_cash, range_is_a_rule
from portfolios.models import LedgerEntry, PortfolioAccount

Kind = LedgerEntry.Kind


@range_is_a_rule()
def deposit(account: PortfolioAccount, *, amount: Decimal, context: AuditContext) -> None:
    """Book cash > 0 that comes in from outside; what the account owes is paid out of it. Raises CannotBookError."""
    _move_cash(account, Kind.DEPOSIT, positive_cash(amount, "amount"), context)


@range_is_a_rule()
def withdraw(account: PortfolioAccount, *, amount: Decimal, context: AuditContext) -> None:
    """Book cash > 0 that goes out of the locked account.

    Raises CannotBookError where it is more than the account has, or takes of what it owes or of what stands
    behind its shorts: the proceeds of a short are collateral until it is covered, with the margin of the policy in
    force on top.
    """
    cents = positive_cash(amount, "amount")
    if account.payable and cents > account.cash_balance - account.payable:
        raise CannotBookError(
            f"WITHDRAWAL of {cents}: of the cash balance of {account.cash_balance}, {account.payable} is owed"
        )
    require_available(account, AccountBooks.of(account, context).snapshot, cents)
    _move_cash(account, Kind.WITHDRAWAL, -cents, context)


def _move_cash(account: PortfolioAccount, kind: LedgerEntry.Kind, amount: Decimal, context: AuditContext) -> None:
    books = AccountBooks.of(account, context)
    books.enter(kind, amount)
    books.settle(context)
    books.write()
