"""Yahoo Finance, through yfinance and a real connection."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from execution.engine.planning.market import Quote
from execution.prices.sources.yahoo import yahoo_symbol
from tests.execution.prices.conftest import Chained
from tests.execution.prices.service import QUOTES, Reply, Service, quote, quotes
from tests.scenes import NOW

AN_HOUR_AGO = (NOW - timedelta(hours=1)).timestamp()


def test_all_symbols_are_asked_for_in_one_request_and_written_as_yahoo_writes_them(
    service: Service, chained: Chained
):
    service.replies = [
        quotes(
            quote("MSFT", 528.5700073242188, at=AN_HOUR_AGO),
            quote("BRK-B", 482.5, at=AN_HOUR_AGO),
            quote("KO", 69, at=AN_HOUR_AGO),
        )
    ]
    answer = chained("yahoo").ask(frozenset({"MSFT", "BRK.B", "KO"}))
    as_of = datetime(2026, 1, 5, 8, 30, tzinfo=UTC)
    assert answer.quotes == {
        "MSFT": Quote(Decimal("528.5700"), "yahoo", as_of),
        "BRK.B": Quote(Decimal("482.5000"), "yahoo", as_of),
        "KO": Quote(Decimal("69.0000"), "yahoo", as_of),
    }
    assert answer.reasons == {}
    assert service.symbols == [["BRK-B", "KO", "MSFT"]]
    assert set(service.paths) == {"/", "/v1/test/getcrumb", QUOTES}


@pytest.mark.parametrize(
    ("symbol", "written"),
    [("MSFT", "MSFT"), ("BRK.B", "BRK-B"), ("MC.PA", "MC.PA"), ("BTC.USD", "BTC.USD")],
)
def test_only_a_share_class_is_written_with_a_hyphen(symbol: str, written: str):
    assert yahoo_symbol(symbol) == written


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (quote("KO", 69.8, at=AN_HOUR_AGO, currency="GBp"), "currency is 'GBp', the books are in USD"),
        (quote("KO", 69.8, at=AN_HOUR_AGO, currency=None), "currency is 'None', the books are in USD"),
        (quote("KO", None, at=AN_HOUR_AGO), "no market price"),
        (quote("KO", float("nan"), at=AN_HOUR_AGO), "price is 'NaN': not a finite number"),
        (quote("KO", float("-inf"), at=AN_HOUR_AGO), "price is '-Infinity': not a finite number"),
        (quote("KO", 0, at=AN_HOUR_AGO), "price is '0': a price is above zero"),
        (quote("KO", -3.5, at=AN_HOUR_AGO), "price is '-3.5': a price is above zero"),
        (quote("KO", "69.8", at=AN_HOUR_AGO), "price is '69.8': not a number"),
        (quote("KO", 69.8, at=AN_HOUR_AGO - 108 * 3600), "price of 2025-12-31 20:30 UTC is older than 2 sessions"),
        (quote("KO", 69.8, at=AN_HOUR_AGO + 2 * 3600), "price of 2026-01-05 10:30 UTC is in the future"),
        (quote("KO", 69.8, at=0, regularMarketTime=None), "price without a time and its zone"),
        (quote("KO", 69.8, at=0, regularMarketTime="today"), "price without a time and its zone"),
        (quote("KO", 69.8, at=1e18), "price without a time and its zone"),
        (quote("PEP", 69.8, at=AN_HOUR_AGO), "no price in the answer"),
        ({"regularMarketPrice": 69.8}, "no price in the answer"),
        ({"symbol": ["KO"]}, "no price in the answer"),
        ("KO", "no price in the answer"),
    ],
)
def test_an_unusable_quote_is_refused_with_its_reason_and_the_others_are_taken(
    service: Service, chained: Chained, given: object, says: str
):
    service.replies = [quotes(given, quote("MSFT", 450, at=AN_HOUR_AGO))]
    answer = chained("yahoo").ask(frozenset({"KO", "MSFT"}))
    assert set(answer.quotes) == {"MSFT"}
    assert answer.reasons == {"KO": f"yahoo: {says}"}
    assert len(service.asked) == 1


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (quotes(), "no price in the answer"),
        (Reply("Edge: Too busy"), "the answer is not JSON"),
        (Reply(""), "the answer is not JSON"),
        (Reply("[" * 100_000), "the answer is not JSON"),
        (Reply('{"quoteResponse": {"result": [{"symbol": "KO", "regularMarketPrice": 1e' + "9" * 30 + "}]}}"),
         "the answer is not JSON"),
        (Reply("[]"), "the answer holds no list of quotes"),
        (Reply('{"quoteResponse": null}'), "the answer holds no list of quotes"),
        (Reply(json.dumps({"finance": {"error": {"code": "Bad"}}})), "the answer holds no list of quotes"),
    ],
)  # fmt: skip
def test_an_empty_or_garbled_answer_is_a_reason_and_not_asked_for_again(
    service: Service, chained: Chained, reply: Reply, says: str
):
    service.replies = [reply]
    answer = chained("yahoo").ask(frozenset({"KO"}))
    assert (answer.quotes, answer.reasons) == ({}, {"KO": f"yahoo: {says}"})
    assert len(service.asked) == 1


def test_a_refused_crumb_is_fetched_again_by_another_way_and_then_given_up(service: Service, chained: Chained):
    service.replies = [Reply("{}", 401)]
    answer = chained("yahoo").ask(frozenset({"KO"}))
    assert answer.reasons == {"KO": "yahoo: HTTP 401"}
    assert "/consent" in service.paths


def test_neither_a_cache_in_the_home_directory_nor_a_line_on_stderr_is_left(
    service: Service, chained: Chained, capfd: pytest.CaptureFixture[str]
):
    from yfinance.cache import get_cookie_cache  # noqa: PLC0415  # imported when first asked, as always

    service.replies = [Reply("", 404)]
    chained("yahoo").ask(frozenset({"KO"}))
    assert get_cookie_cache().lookup("curlCffi") is None
    assert get_cookie_cache().dummy
    assert capfd.readouterr() == ("", "")
