"""Stored prices are read in units of today: by the price source, the band, the benchmark and the charts."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from execution.prices.source import Offer
from execution.prices.sources.database import DatabaseSource
from portfolios import ledger
from portfolios.models import PortfolioAccount, Price, Security, Strategy
from portfolios.selectors import overview, stored_prices
from portfolios.valuation.metrics import account_performance
from tests.portfolios.ledger.actions import dividend, rename, split, undo
from tests.portfolios.ledger.by_hand import BY_HAND
from tests.scenes import NOW, security

pytestmark = pytest.mark.django_db


def stored(symbol: str, price: str, *, on: int, hour: int = 8) -> None:
    """Store a price on a day; day 0 is that of NOW."""
    as_of = NOW + timedelta(days=on, hours=hour)
    Price.objects.create(security_id=symbol, price=price, source="test", as_of=as_of)


@pytest.fixture(autouse=True)
def known() -> None:
    """Let MSFT and the fund VOO be known, and a second symbol."""
    security("MSFT")
    security("KO")
    Security.objects.create(symbol="VOO", asset_class="fund")


def latest(symbol: str, *, on: int) -> Decimal | None:
    """Return the newest price as it is read at the end of a day."""
    found = stored_prices.latest_prices([symbol], until=NOW + timedelta(days=on, hours=14))
    return found[symbol].price if symbol in found else None


def test_the_database_source_offers_a_price_per_unit_of_today():
    stored("MSFT", "120", on=0)
    split("MSFT", "6:5", on=1)
    assert offered("MSFT", NOW + timedelta(days=1, hours=10)) == (100, NOW + timedelta(hours=8))
    assert offered("MSFT", NOW + timedelta(hours=10)) == (120, NOW + timedelta(hours=8))


def offered(symbol: str, now: datetime) -> tuple[object, datetime | None]:
    """Return the price and the time that the `database` source offers."""
    offer = DatabaseSource(now).ask(frozenset({symbol}))[symbol]
    assert isinstance(offer, Offer)
    return offer.price, offer.as_of


def test_a_price_of_the_split_day_is_in_new_units():
    stored("MSFT", "400", on=0)
    split("MSFT", "4:1", on=1)
    assert latest("MSFT", on=1) == 100
    stored("MSFT", "101", on=1, hour=9)
    assert latest("MSFT", on=1) == 101


def test_the_day_of_a_price_is_that_of_the_exchange():
    """01:30 UTC of the split day is the evening before in New York: still old units."""
    stored("MSFT", "400", on=0, hour=16)
    split("MSFT", "4:1", on=1)
    assert latest("MSFT", on=2) == 100


def test_several_splits_multiply_and_one_that_was_reversed_does_not_count():
    stored("MSFT", "900", on=0)
    split("MSFT", "3:2", on=1)
    second = split("MSFT", "4:1", on=2)
    assert latest("MSFT", on=3) == 150
    undo(second)
    assert latest("MSFT", on=3) == 600


def test_the_band_compares_with_the_last_close_in_new_units():
    stored("MSFT", "400", on=0)
    split("MSFT", "4:1", on=1)
    quoted = {"MSFT": (NOW + timedelta(days=1, hours=9), "typed")}
    assert stored_prices.last_closes(quoted) == {"MSFT": 100}


def test_a_benchmark_that_was_split_rose_by_two_percent(strategy: Strategy):
    account = valued(strategy)
    stored("VOO", "400", on=0, hour=0)
    stored("VOO", "102", on=2, hour=0)
    split("VOO", "4:1", on=1)
    found = account_performance(account.pk, since=None, until=None, benchmark="VOO")
    assert found is not None
    assert found.benchmark_return == Decimal("0.02")
    charted = overview.benchmark_prices("VOO", since=NOW.date())
    assert [point.price for point in charted] == [100, 102]


def valued(strategy: Strategy) -> PortfolioAccount:
    """Return an account that was valued on days 0 and 2."""
    account = ledger.open_account(
        strategy_id=strategy.pk, provider="anthropic", initial_balance=Decimal(1000), context=BY_HAND
    )
    for number in (0, 2):
        account = PortfolioAccount.objects.get(pk=account.pk)
        ledger.value_account(account, now=NOW + timedelta(days=number))
    return account


def test_a_dividend_changes_no_price():
    stored("MSFT", "400", on=0)
    dividend("MSFT", "4", on=1)
    assert latest("MSFT", on=2) == 400


def test_before_a_change_of_symbol_the_prices_are_those_of_the_former_one():
    stored("MSFT", "400", on=0)
    stored("KO", "7", on=0, hour=9)  # another company, by that name then
    split("MSFT", "2:1", on=1)
    stored("MSFT", "210", on=2)
    rename("MSFT", "KO", on=3)
    stored("MSFT", "1", on=4)  # nobody trades under that name any more
    assert latest("KO", on=5) == 210
    split("KO", "3:1", on=4)
    assert latest("KO", on=5) == 70
    series = stored_prices.price_series("KO", since=None, until=None)
    assert [price for _, price in series] == [Decimal("66.666667"), 70]
    stored("KO", "71", on=5)
    assert latest("KO", on=6) == 71
    quoted = {"KO": (NOW + timedelta(days=4, hours=9), "typed")}
    assert stored_prices.last_closes(quoted) == {"KO": 70}


def test_a_former_symbol_that_is_quoted_on_says_nothing_of_the_security_that_left_it():
    stored("MSFT", "400", on=0)
    rename("MSFT", "KO", on=1)
    stored("MSFT", "1", on=2)
    for asked in (["KO"], ["KO", "MSFT"]):
        assert stored_prices.latest_prices(asked, until=NOW + timedelta(days=3))["KO"].price == 400


def test_two_changes_of_one_day_are_told_in_their_order():
    stored("MSFT", "400", on=0)
    security("COKE")
    rename("MSFT", "COKE", on=1)
    rename("COKE", "KO", on=1)
    assert stored_prices.symbols_of("KO") == ["KO", "COKE", "MSFT"]
    assert latest("KO", on=2) == 400


def test_a_price_in_another_currency_is_none():
    Price.objects.create(security_id="MSFT", price=400, currency="EUR", source="test", as_of=NOW)
    assert latest("MSFT", on=1) is None
