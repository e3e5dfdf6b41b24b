"""How old a price may be, in the settings, and how its time is written in a file."""

from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from execution.engine.vocabulary import Refusal
from execution.prices.ages import DEFAULT_MAX_AGE, parse_as_of, parse_max_age, usable_max_age
from execution.prices.backends import check_backends
from tests.scenes import Desk, line, whole_database

NOW = datetime(2026, 1, 5, 18, tzinfo=UTC)  # Monday, three hours before the close


# --- PRICE_MAX_AGE ---


@pytest.mark.parametrize(
    ("value", "sessions"), [("2", 2), ("1 session", 1), (" 10 sessions ", 10), ("3sessions", 3), (2, 2)]
)
def test_the_age_is_a_whole_number_of_sessions(value: object, sessions: int):
    assert parse_max_age(value) == sessions


@pytest.mark.parametrize(
    "value",
    ["24", "95", "97", "96h", "96 hours", "4 days", "0", "-2", "1.5", "2.0", 96.0, "", "11", "two", "٢", "9" * 9],
)
def test_hours_are_refused_and_never_read_as_sessions(value: object):
    refusal = parse_max_age(value)
    assert isinstance(refusal, Refusal)
    assert refusal.message.endswith(
        ": not a whole number of sessions of the stock exchange, 1 to 10"
        " (2 sessions mean the last two closes); hours no longer count"
    )


def test_a_system_check_names_an_age_in_hours(settings: Settings):
    settings.PRICE_MAX_AGE = "48"
    (found,) = check_backends()
    assert (found.id, found.msg.startswith("PRICE_MAX_AGE is '48': not a whole number of sessions")) == (
        "prices.E002", True,
    )  # fmt: skip
    assert usable_max_age() == DEFAULT_MAX_AGE


def test_the_default_of_the_time_of_hours_is_the_default_of_now(settings: Settings):
    settings.PRICE_MAX_AGE = "96"
    assert parse_max_age(settings.PRICE_MAX_AGE) == usable_max_age() == DEFAULT_MAX_AGE
    (found,) = check_backends()
    assert (found.id, found.hint) == ("prices.W002", "Write PRICE_MAX_AGE=2 sessions, or take the line out.")


def test_a_bare_number_that_may_have_been_hours_is_warned_of(settings: Settings):
    settings.PRICE_MAX_AGE = "8"
    (found,) = check_backends()
    assert (found.id, found.hint) == ("prices.W001", "Write PRICE_MAX_AGE=8 sessions where that is meant.")
    settings.PRICE_MAX_AGE = "8 sessions"
    assert check_backends() == []


@pytest.mark.django_db
def test_a_call_that_needs_prices_is_refused_until_the_age_is_read(desk: Desk, settings: Settings):
    settings.PRICE_MAX_AGE, settings.ARTIFACTS_ROOT = "48", desk.inbox.root
    request, before = desk.inbox.put([line("MSFT", "BUY", 10)]), whole_database()
    with pytest.raises(CommandError, match=r"\[BAD_OPTION\] PRICE_MAX_AGE is '48': not a whole number"):
        call_command("execute_recommendations", request, str(desk.strategy.pk), stdout=StringIO())
    assert whole_database() == before


# --- the time of a price ---


@pytest.mark.parametrize(
    ("text", "as_of"),
    [
        ("2026-01-02", "2026-01-02T21:00+00:00"),  # the close of that day
        (" 2025-12-24 ", "2025-12-24T18:00+00:00"),  # an early one
        ("2026-01-03", "2026-01-03T21:00+00:00"),  # a Saturday
        ("2026-01-05T12:59:00-05:00", "2026-01-05T17:59+00:00"),
        ("2026-01-05T18:00:00Z", "2026-01-05T18:00+00:00"),
        ("1999-12-31", "1999-12-31T21:00+00:00"),  # a year that the calendar does not have
    ],
)
def test_a_day_is_its_close_and_a_time_has_a_zone(text: str, as_of: str):
    assert parse_as_of(text, now=NOW) == datetime.fromisoformat(as_of)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("2026-01-05", "in the future: a day means its close, at 2026-01-05 21:00 UTC. Until then, write the time"),
        ("2026-01-05T18:00:01Z", "in the future"),
        ("2026-01-05T12:00:00", "without a time zone"),
        ("2026-01-02 00:00:00", "without a time zone"),
        ("0001-01-01", "before the year 1900"),
        ("0001-01-01T00:00:00+05:00", "before the year 1900"),
        ("9999-12-31T23:59:59-12:00", "in the future"),
        ("yesterday", "not an ISO 8601 time or day"),
    ],
)
def test_what_is_no_time_of_a_price_is_refused(text: str, says: str):
    refusal = parse_as_of(text, now=NOW)
    assert isinstance(refusal, Refusal)
    assert says in refusal.message


@given(st.datetimes() | st.datetimes(timezones=st.timezones()) | st.dates() | st.text())
def test_every_text_is_a_time_until_now_or_refused(written: object):
    text = written.isoformat() if isinstance(written, date) else str(written)  # a datetime is a date
    found = parse_as_of(text, now=NOW)
    assert isinstance(found, Refusal) or (found <= NOW and found.utcoffset() == timedelta(0))
