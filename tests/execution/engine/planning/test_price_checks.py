"""Prices that are too far from what was known: held back until a person confirms them."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.engine.parsing.artifact import Recommendation
from execution.engine.planning.market import Quote, Unpriced
from execution.engine.planning.price_checks import (
    CLAIM,
    LAST_CLOSE,
    Screened,
    refuse_defaults,
    screen,
    waiting_prices,
)
from execution.engine.vocabulary import Code
from tests.builders import AS_OF, Number, account, marked, rec


def screened(price: Number, *, simulated: bool = False, **options: Any) -> Screened:
    """Screen one price of MSFT."""
    asked: dict[str, Any] = {"closes": {}, "lines": [], "accepted": (), "band_percent": Decimal(25)}
    quote = Quote(Decimal(price), "yahoo", AS_OF, simulated=simulated)
    return screen({"MSFT": quote}, **(asked | options))


@pytest.mark.parametrize(
    ("price", "passes"),
    [("100", True), ("125", True), ("125.0001", False), ("75", True), ("74.9999", False), ("1000", False)],
)
def test_a_price_may_be_as_far_from_the_last_close_as_the_band_and_no_farther(price: str, passes: bool):
    found = screened(price, closes={"MSFT": Decimal(100)})
    assert ("MSFT" in found.quotes, "MSFT" in found.held_back) == (passes, not passes)


def test_a_price_may_be_only_so_far_from_what_the_research_claims():
    far, near = rec("MSFT", "BUY", 5, current_price=Decimal(300)), rec("MSFT", "BUY", 5, current_price=Decimal(460))
    assert "MSFT" in screened("450", lines=[far]).held_back
    assert "MSFT" in screened("450", lines=[near]).quotes
    assert "MSFT" in screened("450", lines=[near], closes={"MSFT": Decimal(45)}).held_back


def test_the_words_say_which_price_which_source_and_which_reference():
    held = screened("45.5", closes={"MSFT": Decimal(450)}).held_back["MSFT"]
    assert held.words == "45.50 from yahoo is more than 25 % from the last close, 450.00"
    claimed = screened("45.5", lines=[rec("MSFT", "SELL", current_price=Decimal(450))]).held_back["MSFT"]
    assert claimed.words == "45.50 from yahoo is more than 25 % from the price that the research names, 450.00"


def test_a_confirmed_price_passes_and_so_does_a_stand_in():
    closes = {"MSFT": Decimal(450)}
    assert "MSFT" in screened("45", closes=closes, accepted={"MSFT"}).quotes
    assert "MSFT" in screened("45", closes=closes, simulated=True).quotes


def test_without_anything_to_compare_with_a_price_passes():
    assert "MSFT" in screened("45", closes={"AAPL": Decimal(450)}, lines=[rec("MSFT", "BUY", 5)]).quotes


@pytest.mark.parametrize("accepted", [{"AAPL"}, set[str]()])
def test_a_symbol_that_needs_no_look_leaves_the_prices_of_the_others_to_be_looked_at(accepted: set[str]):
    quotes = {symbol: Quote(Decimal(45), "yahoo", AS_OF) for symbol in sorted({*accepted, "MSFT"})}
    closes = {"AAPL": Decimal(450), "MSFT": Decimal(450)}  # without a quote, or accepted: AAPL comes first
    found = screen(quotes, closes=closes, lines=[], accepted=accepted, band_percent=Decimal(25))
    assert found.quotes.keys() == accepted
    assert found.held_back.keys() == {"MSFT"}


def test_a_line_whose_symbol_waits_already_leaves_the_claims_of_the_others_to_be_looked_at():
    quotes = {symbol: Quote(Decimal(45), "yahoo", AS_OF) for symbol in ("AAPL", "MSFT")}
    lines = [rec(symbol, "BUY", 5, current_price=Decimal(450)) for symbol in ("AAPL", "MSFT")]
    found = screen(quotes, closes={"AAPL": Decimal(450)}, lines=lines, accepted=(), band_percent=Decimal(25))
    assert {symbol: each.basis for symbol, each in found.held_back.items()} == {"AAPL": LAST_CLOSE, "MSFT": CLAIM}


@given(
    price=st.decimals("0.01", "10000", places=2),
    close=st.decimals("0.01", "10000", places=2),
    band=st.decimals("0", "200", places=1),
)
def test_every_price_is_either_used_or_held_back_and_never_both(price: Decimal, close: Decimal, band: Decimal):
    found = screened(price, closes={"MSFT": close}, band_percent=band)
    assert found.quotes.keys() ^ found.held_back.keys() == {"MSFT"}
    assert ("MSFT" in found.quotes) == (abs(price / close - 1) * 100 <= band)


# --- default prices that nobody asked for ---

DEFAULTS = {"MSFT": Quote(Decimal(100), "simulation", AS_OF, simulated=True)}


def refused(*lines: Recommendation, stored: Mapping[str, str] | None = None) -> dict[str, Unpriced]:
    return refuse_defaults(DEFAULTS, stored=stored or {}, lines=lines, band_percent=Decimal(25))


@pytest.mark.parametrize(
    ("claims", "passes"),
    [
        ({}, True),
        ({"current_price": Decimal(80)}, True),  # exactly at the band
        ({"current_price": Decimal("79.99")}, False),
        ({"target_price": Decimal("133.33")}, True),
        ({"target_price": Decimal("133.34")}, False),
        ({"current_price": Decimal(100), "target_price": Decimal(200)}, False),
    ],
)
def test_a_default_price_passes_where_the_research_names_nothing_far_from_it(claims: dict[str, Any], passes: bool):
    found = refused(replace(rec("MSFT", "BUY", 10), **claims), rec("KO", "BUY", 10, current_price=Decimal(450)))
    assert not found if passes else found["MSFT"].code is Code.PRICE_OUT_OF_BAND


def test_a_default_price_never_passes_beside_a_stored_one():
    found = refused(rec("MSFT", "BUY", 10), stored={"MSFT": "it is 450", "KO": "it is 70"})
    reason = "it is 450; a default price that nobody asked for does not take its place"
    assert found == {"MSFT": Unpriced(Code.PRICE_STALE, reason)}


def test_a_price_of_a_market_is_no_default():
    real = {"MSFT": Quote(Decimal(100), "yahoo", AS_OF)}
    lines = [rec("MSFT", "BUY", 10, current_price=Decimal(450))]
    assert refuse_defaults(real, stored={"MSFT": "it is 450"}, lines=lines, band_percent=Decimal(25)) == {}


def test_a_holding_whose_price_is_held_back_waits_unless_it_is_marked_at_it_already():
    far = screened("36", closes={"MSFT": Decimal(100)}).held_back
    held = account(long={"MSFT": (10, 100), "KO": (10, 36)}).holdings
    (waiting,) = waiting_prices(held.values(), far)
    assert (waiting.symbol, waiting.mark_price, waiting.difference_percent) == (
        "MSFT", Decimal(100), Decimal(-64),
    )  # fmt: skip
    assert waiting_prices(marked(account(long={"MSFT": (10, 100)}), {"MSFT": 36}).holdings.values(), far) == []
    assert waiting_prices([held["KO"]], far) == []
