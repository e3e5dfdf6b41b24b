"""What people do with the books by hand, for the tests of each subject: short words, and what must hold after."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from portfolios import ledger
from portfolios.domain.accounting import Action, Side
from portfolios.ledger import AuditContext, CannotBookError, TypedOrder, check_books
from portfolios.models import LedgerEntry, Order, PortfolioAccount, Position, Strategy
from tests.scenes import NOW, security, whole_database

BY_HAND = AuditContext(actor="bob", now=NOW, reason="statement of January")


def dec(text: str | int) -> Decimal:
    """Return a Decimal; short, as these tests are full of them."""
    return Decimal(text)


def hold(account: PortfolioAccount, symbol: str, side: Side, quantity: str, average: str, **context: Any) -> None:
    """Correct a position to what is given."""
    ledger.correct_position(
        account,
        symbol=symbol,
        side=side,
        quantity=dec(quantity),
        average_price=dec(average),
        context=replace(BY_HAND, **context),
    )


def last_entry(account: PortfolioAccount) -> LedgerEntry:
    """Return the newest entry."""
    return LedgerEntry.objects.filter(account=account).latest("sequence")


def stored(account: PortfolioAccount) -> PortfolioAccount:
    """Return the account as the database has it; its books must be right."""
    row = PortfolioAccount.objects.get(pk=account.pk)
    assert check_books(row) == []
    return row


def refused(change: Callable[[], object], words: str) -> None:
    """The change must be refused with these words, and nothing be written."""
    before = whole_database()
    with pytest.raises(CannotBookError, match=words), transaction.atomic():
        change()
    assert whole_database() == before


def position(account: PortfolioAccount, symbol: str = "AAPL") -> Position:
    """Return the newest position in a symbol."""
    return Position.objects.filter(account=account, security_id=symbol).latest("book_version")


def typed(text: str) -> TypedOrder:
    """Return `BUY 10 MSFT @ 100` as an order."""
    action, quantity, symbol, _, price = text.split()
    return TypedOrder(action=Action(action), symbol=symbol, quantity=Decimal(quantity), price=Decimal(price))


def record(account: PortfolioAccount, text: str, fee: str = "0") -> Order:
    """Book an order as filled."""
    return ledger.record_order(account, typed=typed(text), fee=Decimal(fee), context=BY_HAND)


def reverse(account: PortfolioAccount, order: Order) -> LedgerEntry:
    """Reverse an order."""
    return ledger.reverse_order(account, order=order, context=BY_HAND)


def books(account: PortfolioAccount) -> tuple[Any, ...]:
    """Return cash, what is open, and all realized profit; the books are right."""
    account.refresh_from_db()
    assert check_books(account) == []
    rows = Position.objects.filter(account=account)
    held = [f"{row.side} {row.quantity:f} {row.security_id} @ {row.average_price:f} cost {row.cost_basis}"
            for row in rows.filter(status="open").order_by("security_id")]  # fmt: skip
    return account.cash_balance, held, sum((row.realized_pnl for row in rows), Decimal(0))


def open_with_cash(strategy: Strategy) -> PortfolioAccount:
    """Return an account with 10,000 in cash; MSFT and KO are known."""
    security("MSFT")
    security("KO")
    return ledger.open_account(
        strategy_id=strategy.pk, provider="anthropic", initial_balance=Decimal(10_000), context=BY_HAND
    )
