"""What the commands on the books read from the command line."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime

from django.core.management.base import CommandError

from common.actor import os_user
from common.identifiers import read_declared_symbol
from portfolios.ledger import AuditContext, CannotBookError
from portfolios.selectors import corporate_actions


@contextmanager
def refusals_as_errors() -> Iterator[None]:
    """Turn what the books do not take into one line and exit code 1."""
    try:
        yield
    except CannotBookError as error:
        raise CommandError(str(error), returncode=1) from error


def symbol(text: str) -> str:
    """Return the symbol in canonical form; what is none in capitals, for the ledger to refuse as not known."""
    found = read_declared_symbol(text)
    return found if isinstance(found, str) else text.strip().upper()


def day(text: str) -> date:
    """Return the day in ISO form. Raises CannotBookError."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise CannotBookError(f"--date is {text!r}: not a day such as 2026-01-05") from error


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
