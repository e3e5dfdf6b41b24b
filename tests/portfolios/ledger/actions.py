"""Corporate actions for the tests, by days: day 0 is that of NOW."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from portfolios import ledger
from portfolios.ledger import ActionReport, AuditContext, CannotBookError, TypedOrder
from portfolios.models import PortfolioAccount, Position, Price
from tests.portfolios.ledger.by_hand import BY_HAND, books, typed
from tests.scenes import NOW, whole_database


def day(number: int) -> date:
    """Return the day of that number."""
    return NOW.date() + timedelta(days=number)


def on_day(number: int, reason: str = "notice of the company") -> AuditContext:
    """Return who books on that day, an hour after the trades of the day."""
    return AuditContext(actor="bob", now=NOW + timedelta(days=number, hours=1), reason=reason)


def split(symbol: str, ratio: str, *, on: int, booked: int | None = None, price: str | None = None) -> ActionReport:
    """Book a split: `4:1`."""
    return ledger.apply_split(
        symbol=symbol,
        ratio=_ratio(ratio),
        on=day(on),
        price=None if price is None else Decimal(price),
        context=on_day(on if booked is None else booked),
    )


def dividend(symbol: str, per_share: str, *, on: int, booked: int | None = None) -> ActionReport:
    """Book a dividend."""
    context = on_day(on if booked is None else booked)
    return ledger.record_dividend(symbol=symbol, per_share=Decimal(per_share), on=day(on), context=context)


def rename(old: str, new: str, *, on: int, booked: int | None = None) -> ActionReport:
    """Book a change of symbol."""
    context = on_day(on if booked is None else booked)
    return ledger.change_symbol(old=old, new=new, on=day(on), context=context)


def undo(report: ActionReport, *, booked: int = 30) -> ActionReport:
    """Reverse an action."""
    assert report.action_id is not None
    return ledger.reverse_action(report.action_id, context=on_day(booked, "it was another ratio"))


def _ratio(text: str) -> Fraction:
    new, _, old = text.partition(":")
    return Fraction(Decimal(new)) / Fraction(Decimal(old or 1))


def trade(account: PortfolioAccount, text: str, *, on: int = 0, fee: str = "0") -> None:
    """Book `BUY 10 MSFT @ 100` on a day."""
    account.refresh_from_db()
    order: TypedOrder = typed(text)
    context = replace(BY_HAND, now=NOW + timedelta(days=on))
    ledger.record_order(account, typed=order, fee=Decimal(fee), context=context)


def held(account: PortfolioAccount) -> list[str]:
    """Return what is held; the books are right."""
    return list(books(account)[1])


def units(account: PortfolioAccount, symbol: str = "MSFT") -> Decimal:
    """Return the signed units held."""
    books(account)
    found = Position.objects.filter(account=account, security_id=symbol, status="open").first()
    return found.as_holding().signed_quantity if found else Decimal(0)


def stored_price(symbol: str, price: str, *, on: int) -> None:
    """Store a price of noon on a day."""
    Price.objects.create(security_id=symbol, price=price, source="test", as_of=NOW + timedelta(days=on, hours=8))


def refused(change: Callable[[], object], words: str) -> None:
    """The change must be refused with these words, and nothing be written."""
    before = whole_database()
    with pytest.raises(CannotBookError, match=words):
        change()
    assert whole_database() == before
