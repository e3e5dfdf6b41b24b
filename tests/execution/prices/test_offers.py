"""What becomes of what a source says: a price that can be used, or the reason why not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.money import quantize_price
from execution.engine.calendar.sessions import closes_between
from execution.engine.planning.market import Quote, Unpriced
from execution.engine.vocabulary import Code
from execution.prices.source import CLOCK_SKEW, Offer, check_offer
from tests.scenes import NOW

DAY = timedelta(days=1)
GOOD = Offer(Decimal("528.57"), "USD", NOW - timedelta(hours=1), "market")


def checked(offer: Offer, max_age: int | None = 2) -> Quote | str:
    """Return the quote, or the reason why there is none."""
    answer = check_offer(offer, now=NOW, max_age=max_age)
    return answer if isinstance(answer, Quote) else answer.reason


def test_a_good_offer_is_a_quote_with_its_source_and_its_time():
    assert checked(GOOD) == Quote(Decimal("528.57"), "market", NOW - timedelta(hours=1))


@pytest.mark.parametrize(
    ("price", "kept"),
    [
        (528.5700073242188, "528.5700"),
        (Decimal("528.5700073242188"), "528.5700"),
        (0.1 + 0.2, "0.300000"),
        (450, "450.0000"),
    ],
)
def test_the_noise_of_floats_is_dropped(price: object, kept: str):
    quote = checked(replace(GOOD, price=price))
    assert isinstance(quote, Quote)
    assert str(quote.price) == kept


@pytest.mark.parametrize(
    ("price", "says"),
    [
        (0, "a price is above zero"),
        (-0.0, "a price is above zero"),
        (-1.5, "a price is above zero"),
        (1e-9, "a price is above zero"),
        (float("nan"), "'nan': not a finite number"),
        (float("inf"), "'inf': not a finite number"),
        (Decimal("-Infinity"), "'-Infinity': not a finite number"),
        (1e30, "outside the books' range"),
        ("450.00", "'450.00': not a number"),
        ("N/A", "'N/A': not a number"),
        (None, "'None': not a number"),
        (True, "'True': not a number"),
        ({"raw": 450}, "not a number"),
    ],
)
def test_what_is_no_price_is_refused(price: object, says: str):
    answer = checked(replace(GOOD, price=price))
    assert isinstance(answer, str)
    assert says in answer


@pytest.mark.parametrize("currency", ["EUR", "GBp", "GBP", "usd", "", None, ["USD"]])
def test_another_currency_than_the_books_is_refused(currency: object):
    answer = checked(replace(GOOD, currency=currency))
    assert isinstance(answer, str)
    assert answer.endswith(", the books are in USD")


def test_a_price_without_a_time_or_its_zone_is_refused():
    assert checked(replace(GOOD, as_of=None)) == "price without a time and its zone"
    assert checked(replace(GOOD, as_of=datetime(2026, 1, 5))) == "price without a time and its zone"  # noqa: DTZ001


def test_the_last_two_closes_are_good_and_what_is_older_is_not():
    before_the_holiday = datetime(2025, 12, 31, 21, tzinfo=UTC)  # Friday closed since, and Thursday was a holiday
    assert isinstance(checked(replace(GOOD, as_of=before_the_holiday)), Quote)
    older = replace(GOOD, as_of=before_the_holiday - timedelta(seconds=1))
    assert checked(older) == "price of 2025-12-31 20:59 UTC is older than 2 sessions"
    assert (
        checked(replace(GOOD, as_of=before_the_holiday), 1)
        == "price of 2025-12-31 21:00 UTC is older than 1 session"
    )
    assert isinstance(checked(older, None), Quote)
    assert isinstance(checked(replace(older, ages=False)), Quote)


def test_a_price_that_is_only_too_old_says_so_by_its_code():
    codes = [
        answer.code
        for offer in (replace(GOOD, as_of=NOW - 9 * DAY), replace(GOOD, price="free"))
        if isinstance(answer := check_offer(offer, now=NOW, max_age=2), Unpriced)
    ]
    assert codes == [Code.PRICE_STALE, Code.NO_PRICE]


def test_a_clock_may_run_ahead_by_two_minutes_and_the_quote_is_of_now():
    ahead = checked(replace(GOOD, as_of=NOW + CLOCK_SKEW))
    assert isinstance(ahead, Quote)
    assert ahead.as_of == NOW
    late = replace(GOOD, as_of=NOW + CLOCK_SKEW + timedelta(seconds=1), ages=False)
    assert checked(late) == "price of 2026-01-05 09:32 UTC is in the future"


anything = st.one_of(
    st.floats(),
    st.decimals(),
    st.integers(),
    st.text(),
    st.none(),
    st.booleans(),
    st.floats(min_value=0.000001, max_value=999_999),
)
offers = st.builds(
    Offer,
    price=anything,
    currency=st.sampled_from(["USD", "USD", "USD", "EUR", "GBp", None]),
    as_of=st.none()
    | st.datetimes(timezones=st.none() | st.just(UTC))
    | st.timedeltas(-5 * DAY, DAY).map(NOW.__add__),
    source=st.just("market"),
    ages=st.booleans(),
    simulated=st.booleans(),
)


@given(offers)
def test_whatever_a_source_says_ends_as_a_usable_quote_or_as_one_line(offer: Offer):
    answer = checked(offer)
    if isinstance(answer, str):
        assert answer
        assert len(answer.splitlines()) == 1
        return
    assert answer.price > 0
    assert answer.price == quantize_price(Decimal(str(offer.price)))
    assert offer.currency == "USD"
    assert offer.as_of is not None
    assert answer.as_of == min(offer.as_of, NOW)
    assert not offer.ages or closes_between(answer.as_of, NOW) < 2
    assert answer.simulated == offer.simulated


@given(
    price=st.decimals(min_value="0.000001", max_value="999999999", places=6),
    age=st.timedeltas(timedelta(0), 4 * DAY),  # since Wednesday's close, two sessions ago
)
def test_every_price_above_zero_that_is_young_enough_is_taken(price: Decimal, age: timedelta):
    assert isinstance(checked(replace(GOOD, price=price, as_of=NOW - age)), Quote)
