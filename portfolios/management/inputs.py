"""What the commands on the books read from the command line."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from django.core.management.base import CommandError

from common.actor import os_user
from common.identifiers import normalize_symbol
from portfolios.ledger import AuditContext, CannotBookError
from portfolios.selectors import corporate_actions


@contextmanager
def refusals_as_errors() -> Iterator[None]:
    """Turn what the books do not take into one line and exit code 1."""
    try:
        yield
    except CannotBookError as error:
        raise CommandError(str(error), returncode=1) from error


def number(text: str, *, name: str) -> Decimal:
    """Return the number in `text`. Raises CannotBookError for anything else; its range is the books' to check."""
    try:
        value = Decimal(text.strip())
    except InvalidOperation as error:
        raise CannotBookError(f"{name} is {text!r}: not a number") from error
    if not value.is_finite():
        raise CannotBookError(f"{name} is {text!r}: not a finite number")
    return value


def ratio(text: str) -> Fraction:
    """Return new units for one old from `4`, `4:1` or `1:10`, exactly. Raises CannotBookError."""
    new, colon, old = text.partition(":")
    divisor = Fraction(number(old, name="ratio")) if colon else Fraction(1)
    if divisor <= 0:
        raise CannotBookError(f"ratio is {text!r}: must be above zero")
    return Fraction(number(new, name="ratio")) / divisor


def day(text: str) -> date:
    """Return the day in ISO form. Raises CannotBookError."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise CannotBookError(f"--date is {text!r}: not a day such as 2026-01-05") from error


def symbol(text: str) -> str:
    """Return a symbol in its canonical form: `brk-b` is BRK.B. What is none is returned as it is, to be refused."""
    return normalize_symbol(text) or text.strip().upper()


def standing_action(kind: str, symbol: str, date_text: str) -> int:
    """Return the key of the action that stands for a symbol and a day. Raises CannotBookError."""
    on = day(date_text)
    key = corporate_actions.find_standing(kind, symbol, on=on)
    if key is None:
        raise CannotBookError(f"no {kind.replace('_', ' ')} of {symbol} on {on} is booked")
    return key


def context(now: datetime, *, reason: str = "") -> AuditContext:
    """Return who types, when and why."""
    return AuditContext(actor=os_user(), now=now, reason=reason.strip())
