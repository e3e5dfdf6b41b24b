"""How old a price is, in sessions of the exchange."""

from bisect import bisect_right
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.engine.calendar.hours import NEW_YORK, NaiveTimeError
from execution.engine.calendar.sessions import age_in_words, closes_between, oldest_close
from tests.make_market_table import published_sessions

MOMENT = timedelta(microseconds=1)
CLOSES = [session.closes_at for session in published_sessions()]


def new_york(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


@pytest.mark.parametrize(
    ("priced", "now", "closes"),
    [
        ("2026-01-02 16:00", "2026-01-05 12:00", 0),  # Friday's close, on Monday before the close
        ("2026-01-02 16:00", "2026-01-05 16:00", 1),  # and once Monday has closed
        ("2026-01-02 15:59", "2026-01-05 12:00", 1),  # a price before Friday's close
        ("2026-01-16 16:00", "2026-01-20 12:00", 0),  # Monday was a holiday: on Tuesday, Friday's is the last close
        ("2026-01-16 16:00", "2026-01-20 18:00", 1),
        ("2026-01-16 16:00", "2026-01-21 18:00", 2),
        ("2026-11-27 13:00", "2026-11-27 15:00", 0),  # the close of a shortened day
        ("2026-11-27 12:59", "2026-11-27 13:00", 1),
        ("2026-01-05 12:00", "2026-01-02 12:00", 0),  # not later
        ("1999-12-31 16:00", "2000-01-04 12:00", 1),  # beyond the table every weekday counts
    ],
)
def test_a_price_is_as_old_as_the_closes_since_it(priced: str, now: str, closes: int):
    assert closes_between(new_york(priced), new_york(now)) == closes


def test_the_closes_are_the_published_ones():
    first, last = CLOSES[0] - timedelta(hours=3), CLOSES[-1] + timedelta(hours=3)
    assert closes_between(first, last) == len(CLOSES)


@given(
    st.datetimes(datetime(2015, 1, 20), datetime(2035, 12, 20), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(1, 10),
)
def test_the_oldest_close_is_the_first_time_that_is_young_enough(now: datetime, sessions: int):
    oldest = oldest_close(now, sessions=sessions)
    assert oldest == CLOSES[bisect_right(CLOSES, now) - sessions]
    assert closes_between(oldest, now) < sessions
    assert closes_between(oldest - MOMENT, now) >= sessions


def test_a_time_without_a_zone_has_no_age():
    with pytest.raises(NaiveTimeError):
        closes_between(datetime(2026, 1, 5), datetime(2026, 1, 6))  # noqa: DTZ001


def test_a_time_before_every_calendar_is_only_old():
    assert closes_between(datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5))), CLOSES[0]) > 500_000


@pytest.mark.parametrize(
    ("priced", "words"),
    [
        ("2026-01-05 12:00", "now"),
        ("2026-01-05 11:59", "1 minute"),
        ("2026-01-05 09:30", "2 hours"),
        ("2026-01-02 16:00", "2 days"),
        ("2025-12-31 16:00", "4 days, 1 session"),
        ("2025-12-30 16:00", "5 days, 2 sessions"),
    ],
)
def test_an_age_is_said_in_days_and_in_sessions(priced: str, words: str):
    assert age_in_words(new_york(priced), new_york("2026-01-05 12:00")) == words
