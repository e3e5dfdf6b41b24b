"""Splits and dividends: every open position of every account, in the books, once.

The action itself is a row with a unique key, written in the same transaction as what it does to the accounts. So a
second call finds it and changes nothing, and a call that fails leaves neither.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from django.db import transaction

from common.money import UNIT_LIMIT, ZERO, plain, quantize_average
from portfolios.ledger.audit_context import AuditContext
from portfolios.ledger.locks import lock_accounts
from portfolios.ledger.positions import pay_dividend, split_position
from portfolios.ledger.refusals import CannotBookError
from portfolios.models import CorporateAction, PortfolioAccount
from portfolios.selectors import books

_Kind = CorporateAction.Kind


@dataclass(frozen=True, slots=True)
class BookedAction:
    """What was done: in how many accounts, with how much signed cash; `repeated` where it had been done before."""

    accounts: int
    cash: Decimal
    repeated: bool = False


def apply_split(*, symbol: str, ratio: Decimal, on: date, context: AuditContext) -> BookedAction:
    """Split every open position in `symbol`, `ratio` new units for one old. Cash and costs stay.

    Raises CannotBookError for an unknown symbol, a ratio that is none, or another ratio booked for the same day.
    """

    def split(account: PortfolioAccount, context: AuditContext) -> Decimal:
        split_position(account, symbol=symbol, ratio=ratio, context=context)
        return ZERO

    reason = f"Split {plain(ratio, places=0)}:1 on {on}"
    return _book_once(_Kind.SPLIT, symbol, ratio, on=on, context=replace(context, reason=reason), book=split)


def record_dividend(*, symbol: str, per_share: Decimal, on: date, context: AuditContext) -> BookedAction:
    """Pay `per_share` of cash on every open position in `symbol`; shorts pay it.

    Raises CannotBookError for an unknown symbol, an amount that is none, another amount booked for the same day, or
    an account whose short costs more than its cash: nothing is booked for anybody then.
    """

    def pay(account: PortfolioAccount, context: AuditContext) -> Decimal:
        return pay_dividend(account, symbol=symbol, per_share=per_share, context=context)

    reason = f"Dividend {plain(per_share)} per unit on {on}"
    return _book_once(_Kind.DIVIDEND, symbol, per_share, on=on, context=replace(context, reason=reason), book=pay)


def _book_once(
    kind: CorporateAction.Kind,
    symbol: str,
    value: Decimal,
    *,
    on: date,
    context: AuditContext,
    book: Callable[[PortfolioAccount, AuditContext], Decimal],
) -> BookedAction:
    if symbol not in books.securities([symbol]):
        raise CannotBookError(f"symbol is {symbol}: not a known security")
    stored = _stored(kind, value)
    with transaction.atomic(durable=True):
        action, created = CorporateAction.objects.get_or_create(
            security_id=symbol,
            kind=kind,
            effective_on=on,
            defaults={"value": stored, "account_count": 0, "actor": context.actor, "booked_at": context.now},
        )
        if not created:
            return _repeated(action, stored)
        accounts = lock_accounts(books.accounts_holding(symbol))
        # A run that sold between the look and the lock has left nothing there to split, or to pay on.
        holding = [account for account in accounts if symbol in books.held_symbols(account)]
        cash = sum((_named(book, account, context) for account in holding), ZERO)
        action.account_count = len(holding)
        action.save(update_fields=["account_count"])
    return BookedAction(len(holding), cash)


def _stored(kind: CorporateAction.Kind, value: Decimal) -> Decimal:
    """The value as the action keeps it, in 6 places; a ratio such as 1:3 is applied exactly all the same."""
    if not value.is_finite() or not 0 < value < UNIT_LIMIT:
        raise CannotBookError(f"{kind} is {value}: must be above zero and below {UNIT_LIMIT:,}")
    stored = quantize_average(value)
    if not stored or (kind is _Kind.DIVIDEND and stored != value):
        raise CannotBookError(f"{kind} is {value}: at most 6 places")
    return stored


def _repeated(action: CorporateAction, value: Decimal) -> BookedAction:
    if action.value != value:
        raise CannotBookError(
            f"{action.security_id} has a {action.kind} of {plain(action.value)} on {action.effective_on} already, "
            f"now {plain(value)} is asked for"
        )
    return BookedAction(action.account_count, ZERO, repeated=True)


def _named(
    book: Callable[[PortfolioAccount, AuditContext], Decimal], account: PortfolioAccount, context: AuditContext
) -> Decimal:
    try:
        return book(account, context)
    except CannotBookError as error:
        raise CannotBookError(f"account {account.pk}: {error}") from error
