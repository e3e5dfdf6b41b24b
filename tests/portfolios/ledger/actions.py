"""Corporate actions for the tests, by days: day 0 is that of NOW."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from portfolios import ledger
from portfolios.ledger import ActionReport, AuditContext
from tests.scenes import NOW


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
