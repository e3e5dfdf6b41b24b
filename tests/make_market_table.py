"""Write the table behind `execution/engine/calendar/hours.py`: `python -m tests.make_market_table`.

It comes from exchange-calendars, which is a development dependency.
"""

import sys
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from execution.engine.calendar.hours import CLOSE, EARLY_CLOSE, NEW_YORK, OPEN

FIRST_YEAR, LAST_YEAR = 2015, 2035
TABLE = Path(__file__).parent.parent / "execution" / "engine" / "calendar" / "nyse.py"

_HEADER = '''"""The weekdays of the New York Stock Exchange without a session, and those that close early, as MMDD.

Written by `make calendar`. Holidays of coming years follow the rules of today.
"""
'''


@dataclass(frozen=True, slots=True)
class Session:
    """When a session opens and closes, in UTC."""

    opens_at: datetime
    closes_at: datetime


class UnusualHoursError(Exception):
    """A session does not open at the regular time, or closes at one that the table has no place for."""


def published_sessions() -> list[Session]:
    """Return every session from the first year to the last, as exchange-calendars has them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library's own, about the pandas below it
        import exchange_calendars  # noqa: PLC0415  # takes a second

        calendar = exchange_calendars.get_calendar("XNYS", start=f"{FIRST_YEAR}-01-01", end=f"{LAST_YEAR}-12-31")
        schedule = calendar.schedule
    return [
        Session(opens_at.to_pydatetime().astimezone(UTC), closes_at.to_pydatetime().astimezone(UTC))
        for opens_at, closes_at in zip(schedule["open"], schedule["close"], strict=True)
    ]


def table_of(sessions: Sequence[Session]) -> str:
    """Return the module. Raises UnusualHoursError where the table cannot say what a session is like."""
    early = [_day(session) for session in sessions if _closes_early(session)]
    held = {_day(session) for session in sessions}
    holidays = [day for day in _weekdays() if day not in held]
    return "\n".join([_HEADER, *_dictionary("HOLIDAYS", holidays), "", *_dictionary("EARLY_CLOSES", early), ""])


def _day(session: Session) -> date:
    return session.opens_at.astimezone(NEW_YORK).date()


def _closes_early(session: Session) -> bool:
    opens, closes = (time.astimezone(NEW_YORK).time() for time in (session.opens_at, session.closes_at))
    if opens != OPEN or closes not in (CLOSE, EARLY_CLOSE):
        raise UnusualHoursError(f"{_day(session)}: {opens} to {closes} in New York")
    return closes == EARLY_CLOSE


def _weekdays() -> list[date]:
    days = (date(LAST_YEAR, 12, 31) - date(FIRST_YEAR, 1, 1)).days + 1
    every = (date(FIRST_YEAR, 1, 1) + timedelta(days=number) for number in range(days))
    return [day for day in every if day.weekday() < 5]


def _dictionary(name: str, days: Iterable[date]) -> list[str]:
    lines = {year: list[str]() for year in range(FIRST_YEAR, LAST_YEAR + 1)}
    for day in days:
        lines[day.year].append(f"{day:%m%d}")
    return [f"{name} = {{", *(f'    {year}: "{" ".join(found)}",' for year, found in lines.items()), "}"]


def main() -> int:
    """Write the table."""
    TABLE.write_text(table_of(published_sessions()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
