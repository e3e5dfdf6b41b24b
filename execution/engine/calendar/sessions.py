"""How old a price is, counted in sessions of the New York Stock Exchange.

A price is as good as the closes since it are few: over a weekend or a holiday it does not age. Hours would say that
a Friday's close is too old on the Tuesday after a holiday, and that a Monday's open is as good as Tuesday's close.
Years that the table of holidays does not have are counted by their weekdays, each with a close at 16:00.
"""

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta

from common.text import counted
from execution.engine.calendar.hours import NEW_YORK, NaiveTimeError, close_of
from execution.engine.calendar.nyse import HOLIDAYS

_HOLIDAYS = sorted(
    date(year, int(day[:2]), int(day[2:])).toordinal() for year, days in HOLIDAYS.items() for day in days.split()
)
_WEEK, _WORKDAYS = 7, 5
_DAY = timedelta(days=1)
_EARLIEST = datetime(2, 1, 1, tzinfo=UTC)  # earlier times leave the calendar on their way to New York


def closes_between(earlier: datetime, later: datetime) -> int:
    """Return how many sessions closed after `earlier` and until `later`, 0 where `later` is not later.

    The age of a price of `earlier` at `later`: 0 for the last close, 1 for the close before it. Both times are
    aware. Raises NaiveTimeError.
    """
    return max(_closes_until(later) - _closes_until(earlier), 0)


def oldest_close(now: datetime, *, sessions: int) -> datetime:
    """Return the close of the session that is `sessions` back, in UTC: 1 is the last one that has closed by `now`.

    `closes_between(time, now) < sessions` holds from that time on. Raises NaiveTimeError.
    """
    wanted = _closes_until(now) - sessions + 1
    day = _new_york_day(now)
    while not (_is_session(day) and _sessions_through(day) == wanted):
        day -= _DAY
    return close_of(day)


def age_in_words(as_of: datetime, now: datetime) -> str:
    """Return how old a price is: in days, hours or minutes, and in sessions, "3 days, 1 session"."""
    closes, elapsed = closes_between(as_of, now), max(now - as_of, timedelta(0))
    minutes = elapsed // timedelta(minutes=1)
    if elapsed >= _DAY:
        words = counted(elapsed.days, "day")
    elif minutes >= 60:
        words = counted(minutes // 60, "hour")
    else:
        words = counted(minutes, "minute") if minutes else "now"
    return f"{words}, {counted(closes, 'session')}" if closes else words


def _closes_until(moment: datetime) -> int:
    """Count the closes until `moment`, from the first day that the calendar can say."""
    day = _new_york_day(moment)
    is_closed = moment >= close_of(day)
    return _sessions_through(day) - (_is_session(day) and not is_closed)


def _new_york_day(moment: datetime) -> date:
    if moment.utcoffset() is None:
        raise NaiveTimeError(f"time is {moment.isoformat()}: must have a time zone")
    return max(moment, _EARLIEST).astimezone(NEW_YORK).date()


def _sessions_through(day: date) -> int:
    """Count the sessions from Monday, 1 January of the year 1, to `day`, both included."""
    number = day.toordinal()
    weeks, rest = divmod(number, _WEEK)
    return weeks * _WORKDAYS + min(rest, _WORKDAYS) - bisect_right(_HOLIDAYS, number)


def _is_session(day: date) -> bool:
    return _sessions_through(day) > _sessions_through(day - _DAY)
