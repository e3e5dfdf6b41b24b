"""What a price and a security are where nobody says more: a market price to trade at, a security that is traded."""

from dataclasses import replace
from decimal import Decimal

import pytest

from execution.engine.planning.market import Instrument, Quote
from execution.engine.vocabulary import Mode
from tests.builders import AS_OF, account, artifact_of, endings, given, orders, planned, rec

QUOTE = Quote(Decimal(100), "test", AS_OF)


def bought(quote: Quote = QUOTE, **known: Instrument) -> tuple[list[str], list[str]]:
    """The orders and the ending of a BUY at 10 % whose research names a target of 100."""
    situation = given(rec("MSFT", "BUY", 10))
    wish = replace(rec("MSFT", "BUY", 10), target_price=Decimal(100))
    plan = planned(replace(situation, artifact=artifact_of(wish), quotes={"MSFT": quote}, instruments=known))
    return orders(plan), endings(plan)


def test_a_market_price_that_has_reached_the_target_waits_for_a_person():
    assert bought() == ([], ["QUARANTINED TARGET_PASSED"])


def test_a_default_price_says_nothing_of_a_target():
    assert bought(replace(QUOTE, simulated=True))[0] == ["BUY 100 MSFT @ 100"]


@pytest.mark.parametrize("known", [{}, {"MSFT": Instrument("MSFT")}])
def test_a_security_of_which_nothing_is_said_is_bought_in_hundredths_and_any_quantity(known: dict[str, Instrument]):
    below = replace(QUOTE, price=Decimal("99.99"))
    assert bought(below, **known) == (["BUY 100.01 MSFT @ 99.99"], ["EXECUTED SECTOR_UNVERIFIED"])


def test_at_the_last_mark_and_of_an_inactive_security_nothing_is_bought():
    below = replace(QUOTE, price=Decimal(99))
    assert bought(replace(below, reduce_only=True)) == ([], ["DEFERRED NO_PRICE"])
    assert bought(below, MSFT=Instrument("MSFT", active=False)) == ([], ["DENIED SECURITY_INACTIVE"])


@pytest.mark.parametrize("mode", Mode)
def test_what_is_held_may_be_sold_at_the_last_mark(mode: Mode):
    situation = replace(given(rec("MSFT", "SELL"), on=account(long={"MSFT": (10, 100)})), mode=mode)
    plan = planned(replace(situation, quotes={"MSFT": replace(QUOTE, reduce_only=True)}))
    assert (orders(plan), endings(plan)) == (["SELL 10 MSFT @ 100"], ["EXECUTED LAST_MARK"])
