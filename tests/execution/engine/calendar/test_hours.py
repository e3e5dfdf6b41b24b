from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import pytest

from execution.engine.calendar.hours import NEW_YORK, MarketSession, NaiveTimeError, close_of, market_session
from tests.make_market_table import TABLE, Session, UnusualHoursError, published_sessions, table_of

MINUTE = timedelta(minutes=1)
MOMENT = timedelta(microseconds=1)


def new_york(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def session(opens: str, closes: str, *, is_open: bool) -> MarketSession:
    """A session by its times in New York."""
    return MarketSession(is_open, new_york(opens), new_york(closes))


@pytest.fixture(scope="module")
def exchange_sessions() -> list[Session]:
    return published_sessions()


def test_on_a_weekday_the_market_is_open_from_half_past_nine_to_four():
    assert market_session(new_york("2026-01-05 12:00")) == MarketSession(
        is_open=True, opens_at=utc("2026-01-05 14:30"), closes_at=utc("2026-01-05 21:00")
    )


def test_the_minute_of_the_open_is_open_and_the_minute_of_the_close_is_not():
    opens, closes = new_york("2026-01-05 09:30"), new_york("2026-01-05 16:00")
    asked = [opens - MOMENT, opens, closes - MOMENT, closes]
    assert [market_session(now).is_open for now in asked] == [False, True, True, False]


def test_before_the_open_the_next_session_is_that_of_the_day():
    assert market_session(new_york("2026-01-05 04:00")) == session(
        "2026-01-05 09:30", "2026-01-05 16:00", is_open=False
    )


def test_from_the_close_on_the_next_session_is_that_of_the_next_day():
    assert market_session(new_york("2026-01-05 16:00")) == session(
        "2026-01-06 09:30", "2026-01-06 16:00", is_open=False
    )


def test_on_a_saturday_the_next_session_is_on_monday():
    assert market_session(new_york("2026-01-10 12:00")) == session(
        "2026-01-12 09:30", "2026-01-12 16:00", is_open=False
    )


def test_thanksgiving_is_followed_by_half_a_day():
    assert market_session(new_york("2026-11-26 12:00")) == session(
        "2026-11-27 09:30", "2026-11-27 13:00", is_open=False
    )


def test_half_a_day_ends_at_one():
    assert market_session(new_york("2026-11-27 12:59")).is_open
    assert market_session(new_york("2026-11-27 13:00")) == session(
        "2026-11-30 09:30", "2026-11-30 16:00", is_open=False
    )


@pytest.mark.parametrize("day_of_mourning", ["2018-12-05", "2025-01-09"])
def test_the_days_of_mourning_had_no_session(day_of_mourning: str):
    now = new_york(f"{day_of_mourning} 12:00")
    found = market_session(now)
    assert not found.is_open
    assert found.opens_at == now + timedelta(days=1, hours=-2.5)


@pytest.mark.parametrize(
    ("day", "opens", "closes"),
    [
        ("2026-03-06", "14:30", "21:00"),  # the Friday before the clocks go forward
        ("2026-03-09", "13:30", "20:00"),
        ("2026-10-30", "13:30", "20:00"),  # the Friday before they go back
        ("2026-11-02", "14:30", "21:00"),
    ],
)
def test_the_hours_are_those_of_new_york_in_summer_and_in_winter(day: str, opens: str, closes: str):
    assert market_session(new_york(f"{day} 12:00")) == MarketSession(
        is_open=True, opens_at=utc(f"{day} {opens}"), closes_at=utc(f"{day} {closes}")
    )


def test_a_time_in_any_zone_is_the_same_time():
    tokyo = timezone(timedelta(hours=9))
    early_on_tuesday = datetime(2026, 1, 6, 4, tzinfo=tokyo)  # Monday, 14:00 in New York
    assert market_session(early_on_tuesday) == market_session(early_on_tuesday.astimezone(UTC))
    assert market_session(early_on_tuesday).is_open


def test_the_times_are_given_in_utc():
    found = market_session(new_york("2026-01-05 12:00"))
    assert found.opens_at is not None
    assert found.closes_at is not None
    assert (found.opens_at.tzinfo, found.closes_at.tzinfo) == (UTC, UTC)


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(NaiveTimeError, match="2026-01-05T12:00:00: must have a time zone"):
        market_session(datetime(2026, 1, 5, 12))  # noqa: DTZ001  # naive on purpose


@pytest.mark.parametrize("now", ["2014-12-31 23:59", "2036-01-01 00:00", "2099-06-01 12:00"])
def test_outside_the_table_nobody_says_open_or_closed(now: str):
    assert market_session(new_york(now)) == MarketSession(is_open=None, opens_at=None, closes_at=None)


def test_after_the_last_session_of_the_table_the_market_is_closed_and_the_next_one_unknown():
    assert market_session(new_york("2035-12-31 15:59")).is_open
    assert market_session(new_york("2035-12-31 16:00")) == MarketSession(is_open=False)


def test_every_session_is_the_published_one(exchange_sessions: list[Session]):
    """Asked at each open and each close: no session is missing, none too many, none has other hours."""
    assert market_session(new_york("2015-01-01 00:00")).opens_at == exchange_sessions[0].opens_at
    for this, following in pairwise(exchange_sessions):
        assert market_session(this.opens_at) == MarketSession(True, this.opens_at, this.closes_at)
        assert market_session(this.closes_at) == MarketSession(False, following.opens_at, following.closes_at)
    assert len(exchange_sessions) > 21 * 249


def test_the_table_is_what_the_generator_writes(exchange_sessions: list[Session]):
    assert TABLE.read_text(encoding="utf-8") == table_of(exchange_sessions)


@pytest.mark.parametrize(("later", "earlier"), [(MINUTE, MINUTE * 0), (MINUTE * 0, MINUTE)])
def test_the_generator_refuses_hours_that_the_table_cannot_say(
    exchange_sessions: list[Session], later: timedelta, earlier: timedelta
):
    unusual = Session(exchange_sessions[0].opens_at + later, exchange_sessions[0].closes_at - earlier)
    with pytest.raises(UnusualHoursError, match="2015-01-02"):
        table_of([unusual])


@pytest.mark.parametrize(
    ("day", "closes"),
    [
        ("2026-01-05", "2026-01-05 21:00"),  # winter
        ("2026-07-06", "2026-07-06 20:00"),  # summer
        ("2026-11-27", "2026-11-27 18:00"),  # the day after Thanksgiving
        ("2026-01-03", "2026-01-03 21:00"),  # a Saturday
        ("1999-12-31", "1999-12-31 21:00"),  # before the table
    ],
)
def test_a_day_closes_at_four_in_new_york_or_at_one_where_it_is_shortened(day: str, closes: str):
    assert close_of(date.fromisoformat(day)) == utc(closes)


def test_the_close_of_every_published_session_is_the_published_one(exchange_sessions: list[Session]):
    wrong = [
        each for each in exchange_sessions if close_of(each.closes_at.astimezone(NEW_YORK).date()) != each.closes_at
    ]
    assert not wrong
