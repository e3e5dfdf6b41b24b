"""How the time of a price is written."""

from datetime import UTC, date, datetime

from common.text import one_line
from execution.engine.calendar.hours import close_of
from execution.engine.vocabulary import Code, Refusal

_FIRST_YEAR = 1900  # a time before it is a mistake, and the zones know none for it


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
