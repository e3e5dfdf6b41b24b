"""Runs and marks after a split: a stored price from before it is read per new unit."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from execution.engine.planning.market import Quote
from execution.engine.vocabulary import Code, Mode, Refusal
from execution.models import RefusedPrice
from execution.prices import PriceChain
from execution.prices.mark_to_market import find_marks, mark_to_market
from execution.prices.sources.database import DatabaseSource
from execution.prices.sources.given import GivenSource
from execution.prices.store import screen_quotes
from execution.services import accept_price, execute
from tests.portfolios.ledger.actions import rename, split, stored_price
from tests.scenes import NOW, Desk, assert_books_balance, line, outcomes

pytestmark = pytest.mark.django_db

TOMORROW = NOW + timedelta(days=1, hours=2)
BAND = Decimal(25)


def stored_prices_only() -> PriceChain:
    """Return a chain that knows nothing but what is stored."""
    return PriceChain((DatabaseSource(TOMORROW),), now=TOMORROW)


@pytest.fixture
def held(desk: Desk) -> Desk:
    """Return a desk that holds a fifth of 100,000 in MSFT, bought at 120."""
    desk.run([line("MSFT", "BUY", 20)], prices={"MSFT": "120"})
    return desk


def mark(desk: Desk) -> Decimal:
    """Mark everything at the stored prices; return what the account is worth."""
    later = TOMORROW + timedelta(minutes=1)
    mark_to_market(prices=stored_prices_only(), accepted=(), band_percent=BAND, as_of=TOMORROW, now=later)
    assert_books_balance(desk.account)
    return desk.account.total_value


def test_an_account_is_worth_the_same_after_a_split_of_six_for_five(held: Desk):
    split("MSFT", "6:5", on=1)
    assert held.position("MSFT").quantity == Decimal("199.99")
    assert held.account.total_value == 100_000
    assert mark(held) == 100_000  # at the old price it was 104,000


def test_the_band_expects_a_new_price_per_new_unit(held: Desk):
    split("MSFT", "4:1", on=1)
    assert held_back("31") == set()
    assert held_back("120") == {"MSFT"}


def held_back(price: str) -> set[str]:
    """Return what would keep its mark if a file said that price today."""
    said = GivenSource("file", {"MSFT": Quote(Decimal(price), "file", TOMORROW)})
    found = find_marks(prices=PriceChain((said,), now=TOMORROW), accepted=(), band_percent=BAND)
    return set(found.screened.held_back)


def test_planning_again_after_a_split_trades_nothing(held: Desk):
    split("MSFT", "4:1", on=1)
    report = held.run([line("MSFT", "BUY", 19.9992)], prices={"MSFT": "30"}, mode=Mode.TARGET, now=TOMORROW)
    assert report.orders == []


def test_a_holding_that_has_a_new_symbol_is_marked_at_the_prices_of_the_old_one(held: Desk):
    rename("MSFT", "MSFX", on=1)
    found = find_marks(prices=stored_prices_only(), accepted=(), band_percent=BAND)
    assert {symbol: quote.price for symbol, quote in found.screened.quotes.items()} == {"MSFX": 120}
    assert mark(held) == 100_000
    report = held.run([line("MSFX", "SELL")], prices={"MSFX": "125"}, now=TOMORROW + timedelta(hours=1))
    assert outcomes(report) == ["EXECUTED"]
    assert_books_balance(held.account)


def test_a_stored_close_from_before_the_split_is_in_the_band_of_the_close_before_it(held: Desk):
    """Both are read per unit of today; in old units one would hold the other back on the day of a split."""
    stored_price("MSFT", "121", on=0)
    split("MSFT", "4:1", on=1)
    found = find_marks(prices=stored_prices_only(), accepted=(), band_percent=BAND)
    assert {symbol: quote.price for symbol, quote in found.screened.quotes.items()} == {"MSFT": Decimal("30.25")}


def test_a_quote_from_before_the_split_prices_nothing_after_it(held: Desk):
    """It is per old unit, and as near to the last close of its time as ever."""
    split("MSFT", "4:1", on=1)
    said = GivenSource("file", {"MSFT": Quote(Decimal(120), "file", NOW + timedelta(hours=9))})
    chain = PriceChain((said, DatabaseSource(TOMORROW)), now=TOMORROW)
    found = find_marks(prices=chain, accepted=(), band_percent=BAND)
    assert {symbol: quote.price for symbol, quote in found.screened.quotes.items()} == {"MSFT": 30}
    alone = PriceChain((said,), now=TOMORROW).ask(frozenset({"MSFT"}))
    assert alone.unpriced["MSFT"].code == Code.PRICE_STALE
    assert "is from before a split" in alone.reasons["MSFT"]


def test_a_refused_price_from_before_the_split_is_not_accepted_after_it(held: Desk):
    evening = NOW + timedelta(hours=9)
    said = GivenSource("file", {"MSFT": Quote(Decimal(180), "file", evening)})
    mark_to_market(
        prices=PriceChain((said,), now=evening), accepted=(), band_percent=BAND, as_of=evening, now=evening
    )
    split("MSFT", "4:1", on=1)
    found = accept_price(RefusedPrice.objects.get().pk, actor="bob", reason="it is so", now=TOMORROW)
    assert isinstance(found, Refusal)
    assert "is from before a split" in found.message
    assert held.account.total_value == 100_000


def test_a_split_that_is_booked_while_a_run_has_its_prices_refuses_the_run(
    held: Desk, monkeypatch: pytest.MonkeyPatch
):
    """Minutes lie between them where many requests are executed at once."""
    stored_price("MSFT", "121", on=0)
    morning = NOW + timedelta(days=1, minutes=30)
    asked = replace(
        held.execution_request(held.inbox.put([line("MSFT", "BUY", 1)]), now=morning),
        prices=PriceChain((DatabaseSource(morning),), now=morning),
    )

    def screened(*args: Any, **options: Any) -> Any:
        found = screen_quotes(*args, **options)
        split("MSFT", "4:1", on=1)  # half an hour later
        return found

    monkeypatch.setattr("execution.runs.prepare.screen_quotes", screened)
    refusal = execute(asked)
    assert isinstance(refusal, Refusal)
    assert (refusal.code, held.account.total_value) == (Code.PLAN_CHANGED, Decimal(100_000))
