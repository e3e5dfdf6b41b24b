"""Alpaca's market data, through alpaca-py and a real connection."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from execution.engine.planning.market import Quote
from execution.engine.vocabulary import Refusal
from execution.prices import PriceSettings, build_chain
from tests.execution.prices.conftest import Chained, with_options
from tests.execution.prices.service import KEY, SECRET, Reply, Service, trade, trades
from tests.scenes import NOW

AN_HOUR_AGO = "2026-01-05T08:30:00.123456789Z"


def test_all_symbols_are_asked_for_in_one_request_with_the_feed_and_the_currency(
    service: Service, chained: Chained
):
    service.replies = [trades(MSFT=trade(528.5700073242188, at=AN_HOUR_AGO), BRK_B=trade(482.5, at=AN_HOUR_AGO))]
    answer = chained("alpaca").ask(frozenset({"MSFT", "BRK.B"}))
    as_of = datetime(2026, 1, 5, 8, 30, 0, 123456, tzinfo=UTC)
    assert answer.quotes == {
        "MSFT": Quote(Decimal("528.5700"), "alpaca", as_of),
        "BRK.B": Quote(Decimal("482.5000"), "alpaca", as_of),
    }
    assert answer.reasons == {}
    assert service.asked == [{"symbols": "BRK.B,MSFT", "feed": "iex", "currency": "USD"}]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (trade(None, at=AN_HOUR_AGO), "no trade"),
        (None, "no trade"),
        ("69.8", "no trade"),
        (trade(float("nan"), at=AN_HOUR_AGO), "price is 'nan': not a finite number"),
        (trade(float("inf"), at=AN_HOUR_AGO), "price is 'inf': not a finite number"),
        (trade(0, at=AN_HOUR_AGO), "price is '0': a price is above zero"),
        (trade(-3.5, at=AN_HOUR_AGO), "price is '-3.5': a price is above zero"),
        (trade("69.8", at=AN_HOUR_AGO), "price is '69.8': not a number"),
        (trade(69.8, at="2025-12-31T20:59:00Z"), "price of 2025-12-31 20:59 UTC is older than 2 sessions"),
        (trade(69.8, at="2026-01-05T10:30:00Z"), "price of 2026-01-05 10:30 UTC is in the future"),
        (trade(69.8, at="2026-01-05T08:30:00"), "price without a time and its zone"),
        (trade(69.8, at="today"), "price without a time and its zone"),
        ({"p": 69.8}, "price without a time and its zone"),
    ],
)
def test_an_unusable_trade_is_refused_with_its_reason_and_the_others_are_taken(
    service: Service, chained: Chained, given: object, says: str
):
    service.replies = [trades(KO=given, MSFT=trade(450, at=AN_HOUR_AGO))]
    answer = chained("alpaca").ask(frozenset({"KO", "MSFT"}))
    assert set(answer.quotes) == {"MSFT"}
    assert answer.reasons == {"KO": f"alpaca: {says}"}
    assert len(service.asked) == 1


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (trades(), "no price in the answer"),
        (Reply('{"trades": {"KO": {"p": 69.8, "t": "2026-01-05T08:30:00Z"}}, "currency": "CAD"}'),
         "currency is 'CAD', the books are in USD"),
        (Reply(""), "the answer holds no trades"),
        (Reply("[]"), "the answer holds no trades"),
        (Reply('{"trades": null}'), "the answer holds no trades"),
        (Reply("<html>"), "the answer is not JSON"),
        (Reply('{"message": "endpoint not found."}', 404), """HTTP 404, '{"message": "endpoint not found."}'"""),
    ],
)  # fmt: skip
def test_an_empty_or_garbled_answer_is_a_reason_and_not_asked_for_again(
    service: Service, chained: Chained, reply: Reply, says: str
):
    service.replies = [reply]
    answer = chained("alpaca").ask(frozenset({"KO"}))
    assert (answer.quotes, answer.reasons) == ({}, {"KO": f"alpaca: {says}"})
    assert len(service.asked) == 1


def test_a_symbol_that_the_service_refuses_does_not_cost_the_others_their_price(service: Service, chained: Chained):
    service.replies = [
        Reply('{"message": "invalid symbol: XX.YYY"}', 400),
        trades(MSFT=trade(450, at=AN_HOUR_AGO)),
    ]
    answer = chained("alpaca").ask(frozenset({"XX.YYY", "MSFT", "KO"}))
    assert set(answer.quotes) == {"MSFT"}
    assert answer.reasons == {"XX.YYY": "alpaca: not a symbol there", "KO": "alpaca: no price in the answer"}
    assert service.symbols == [["KO", "MSFT", "XX.YYY"], ["KO", "MSFT"]]


def test_refused_keys_are_a_reason_that_does_not_show_them(service: Service, chained: Chained):
    service.replies = [trades()]
    answer = chained("alpaca", alpaca={"secret": "wrong"}).ask(frozenset({"KO"}))
    assert answer.reasons == {"KO": "alpaca: HTTP 403"}
    assert len(service.asked) == 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"key": ""}, "PRICE_SOURCES names 'alpaca': ALPACA_API_KEY is empty"),
        ({"secret": ""}, "PRICE_SOURCES names 'alpaca': ALPACA_SECRET_KEY is empty"),
        ({"feed": "gold"}, "PRICE_SOURCES names 'alpaca': ALPACA_FEED is 'gold': not one of iex, sip, "),
        ({"url": "data.example"}, "'data.example' is not an address of the form https://host"),
    ],
)
def test_without_keys_a_feed_or_an_address_the_call_is_refused(
    configured: PriceSettings, changes: dict[str, str], says: str
):
    given = replace(with_options(configured, alpaca=changes), sources=("alpaca",))
    refusal = build_chain(configured=given, given={}, from_file={}, default_price=None, now=NOW)
    assert isinstance(refusal, Refusal)
    assert says in refusal.message


def test_the_keys_are_not_part_of_what_is_logged_of_the_settings_and_the_sources(
    configured: PriceSettings, chained: Chained
):
    for logged in (repr(configured), repr(chained("alpaca"))):
        assert KEY not in logged
        assert SECRET not in logged
