"""How old a price may be, and how the time of a price is written."""

import re
from datetime import UTC, date, datetime

from django.conf import settings

from common.text import counted, one_line
from execution.engine.calendar.hours import close_of
from execution.engine.vocabulary import Code, Refusal

DEFAULT_MAX_AGE = 2  # sessions: the last two closes are good
MOST_SESSIONS = 10
FORMER_DEFAULT = "96"  # hours: it stands in every .env from that time, though nobody chose it

_SESSIONS = re.compile(r"(\d{1,6})(?:\s*sessions?)?", re.ASCII)
_FIRST_YEAR = 1900  # a time before it is a mistake, and the zones know none for it


def parse_max_age(value: object) -> int | Refusal:
    """Return the sessions in PRICE_MAX_AGE ("2", "2 sessions"), or why they are none.

    The setting once counted hours. What can only have been hours is refused and never read as sessions, but for the
    default of that time: it means the default of now, so that an upgrade leaves nothing to do.
    """
    if str(value).strip() == FORMER_DEFAULT:
        return DEFAULT_MAX_AGE
    written = _SESSIONS.fullmatch(str(value).strip())
    if written and 1 <= int(written[1]) <= MOST_SESSIONS:
        return int(written[1])
    rule = f"a whole number of sessions of the stock exchange, 1 to {MOST_SESSIONS}"
    usual = f"{counted(DEFAULT_MAX_AGE, 'session')} mean the last two closes"
    message = f"PRICE_MAX_AGE is {one_line(value)}: not {rule} ({usual}); hours no longer count"
    return Refusal(Code.BAD_OPTION, message)


def usable_max_age() -> int:
    """Return the sessions of the settings, the default where they cannot be read: for what only shows ages."""
    found = parse_max_age(settings.PRICE_MAX_AGE)
    return DEFAULT_MAX_AGE if isinstance(found, Refusal) else found


def parse_as_of(text: str, *, now: datetime) -> datetime | Refusal:
    """Return the time of a price as a file writes it, or what is wrong with it.

    A day is the close of that day in New York. A time needs its zone: without one it could be any. What is in the
    future is refused, and so is a day that has not closed yet: its close cannot be known.
    """
    written = text.strip()
    day = _day(written)
    try:
        as_of = close_of(day) if day is not None and day.year >= _FIRST_YEAR else datetime.fromisoformat(written)
    except ValueError:
        return _bad(text, "not an ISO 8601 time or day")
    if as_of.year < _FIRST_YEAR:
        return _bad(text, f"before the year {_FIRST_YEAR}")
    if as_of.utcoffset() is None:
        return _bad(text, "without a time zone: write 2026-01-05T16:00-05:00, or the day alone for its close")
    if as_of > now:
        return _bad(text, f"in the future{_until_close(as_of) if day is not None else ''}")
    return as_of.astimezone(UTC)


def _day(written: str) -> date | None:
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None


def _until_close(close: datetime) -> str:
    return f": a day means its close, at {close:%Y-%m-%d %H:%M} UTC. Until then, write the time with its zone"


def _bad(text: str, rule: str) -> Refusal:
    return Refusal(Code.BAD_PRICE, f"{one_line(text)} is {rule}")
