"""Whether the New York Stock Exchange is open, and when it opens next.

Regular hours are 09:30 to 16:00 in New York, 13:00 on the days of an early close. The days without a session are a
table that `make calendar` writes: the library behind it takes a second to start, which is more than a command may.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from execution.engine.calendar.nyse import EARLY_CLOSES, HOLIDAYS

NEW_YORK = ZoneInfo("America/New_York")
OPEN = time(9, 30)
CLOSE = time(16)
EARLY_CLOSE = time(13)

_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class MarketSession:
    """The session that is on, or else the next one, in UTC. Open from the minute it opens to the one it closes.

    `is_open` is None where the table does not have the year; the times are None where the next session is unknown.
    """

    is_open: bool | None
    opens_at: datetime | None = None
    closes_at: datetime | None = None


class NaiveTimeError(ValueError):
    """A time without a zone, which could be any."""


def market_session(now: datetime) -> MarketSession:
    """Return the session at `now`, an aware time in any zone, or else the next. Raises NaiveTimeError."""
    if now.utcoffset() is None:
        raise NaiveTimeError(f"now is {now.isoformat()}: must have a time zone")
    today = now.astimezone(NEW_YORK).date()
    if today.year not in HOLIDAYS:
        return MarketSession(is_open=None)
    for day in _days_from(today):
        opens_at, closes_at = _in_utc(day, OPEN), _in_utc(day, _close_of(day))
        if _has_session(day) and now < closes_at:
            return MarketSession(opens_at <= now, opens_at, closes_at)
    return MarketSession(is_open=False)


def close_of(day: date) -> datetime:
    """Return when `day` closes in New York, in UTC: 16:00 there, 13:00 on an early close that the table knows.

    A day without a session, and one of a year that the table does not have, closes at 16:00 as well.
    """
    return _in_utc(day, _close_of(day))


def _days_from(day: date) -> Iterator[date]:
    """Yield the days from `day` to the end of the table."""
    while day.year in HOLIDAYS:
        yield day
        day += timedelta(days=1)


def _has_session(day: date) -> bool:
    return day.weekday() < _SATURDAY and f"{day:%m%d}" not in HOLIDAYS[day.year]


def _close_of(day: date) -> time:
    return EARLY_CLOSE if f"{day:%m%d}" in EARLY_CLOSES.get(day.year, "") else CLOSE


def _in_utc(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, NEW_YORK).astimezone(UTC)
