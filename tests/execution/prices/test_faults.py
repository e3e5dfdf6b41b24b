"""What a network source does when its service is slow, busy, broken or gone. Both providers, real connections."""

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import format_datetime

import pytest
from django.db import transaction

from execution.prices import network
from execution.prices.network import SourceError, TemporaryError, status_error, usable
from tests.execution.prices.conftest import Chained
from tests.execution.prices.service import Reply, Service, quote, quotes, trade, trades
from tests.scenes import NOW

KO, BOTH = frozenset({"KO"}), frozenset({"KO", "MSFT"})


@dataclass(frozen=True)
class Provider:
    """One of the providers: its name, and its answer with a price of 69.80 for each of some symbols."""

    name: str
    answer: Callable[..., Reply]


def from_yahoo(*symbols: str) -> Reply:
    return quotes(*(quote(symbol, 69.8, at=NOW.timestamp()) for symbol in symbols))


def from_alpaca(*symbols: str) -> Reply:
    return trades(**{symbol: trade(69.8, at=NOW.isoformat()) for symbol in symbols})


@pytest.fixture(
    params=[Provider("yahoo", from_yahoo), Provider("alpaca", from_alpaca)], ids=lambda given: given.name
)
def provider(request: pytest.FixtureRequest) -> Provider:
    """Return each provider in turn."""
    given: Provider = request.param
    return given


@pytest.mark.parametrize("reply", [Reply("", 429), Reply("", 503), Reply("x", hang_up=True)])
def test_after_a_passing_fault_the_price_comes_with_the_next_attempt(
    service: Service, chained: Chained, provider: Provider, reply: Reply
):
    service.replies = [reply, provider.answer("KO")]
    answer = chained(provider.name).ask(KO)
    assert (set(answer.quotes), answer.reasons) == ({"KO"}, {})
    assert len(service.asked) == 2


@pytest.mark.slow
def test_a_lasting_fault_ends_after_three_attempts_and_the_source_is_not_asked_again(
    service: Service, chained: Chained, provider: Provider
):
    service.replies = [Reply("", 429), Reply("", 500), Reply("", 429)]
    chain = chained(provider.name)
    fault = "HTTP 429 (asked 3 times)"
    assert chain.ask(KO).reasons == {"KO": f"{provider.name}: {fault}"}
    assert len(service.asked) == 3
    requests = len(service.paths)
    assert chain.ask(BOTH).reasons == dict.fromkeys(BOTH, f"{provider.name}: not asked again after: {fault}")
    assert len(service.paths) == requests


def test_a_lasting_refusal_is_not_asked_for_again_either(service: Service, chained: Chained, provider: Provider):
    service.replies = [Reply("", 404), provider.answer("KO")]
    chain = chained(provider.name)
    assert chain.ask(KO).reasons == {"KO": f"{provider.name}: HTTP 404"}
    assert chain.ask(KO).reasons == {"KO": f"{provider.name}: not asked again after: HTTP 404"}
    assert len(service.asked) == 1


def test_a_symbol_that_is_unknown_does_not_break_the_circuit(
    service: Service, chained: Chained, provider: Provider
):
    service.replies = [provider.answer("MSFT"), provider.answer("PEP")]
    chain = chained(provider.name)
    assert chain.ask(BOTH).reasons == {"KO": f"{provider.name}: no price in the answer"}
    assert set(chain.ask(frozenset({"PEP"})).quotes) == {"PEP"}


@pytest.mark.slow
def test_an_order_to_wait_is_followed_where_there_is_time(service: Service, chained: Chained, provider: Provider):
    service.replies = [Reply("", 429, {"Retry-After": "1"}), provider.answer("KO")]
    started = time.monotonic()
    assert set(chained(provider.name).ask(KO).quotes) == {"KO"}
    assert time.monotonic() - started >= 1


def test_an_order_to_wait_for_longer_than_there_is_time_ends_the_attempts_at_once(
    service: Service, chained: Chained, provider: Provider
):
    service.replies = [Reply("", 429, {"Retry-After": "60"})]
    started = time.monotonic()
    reasons = chained(provider.name).ask(KO).reasons
    assert reasons == {
        "KO": f"{provider.name}: HTTP 429, to be asked again in 60 s; there is no time left for that"
    }
    assert time.monotonic() - started < 4
    assert len(service.asked) == 1


@pytest.mark.slow
@pytest.mark.parametrize("reply", [Reply("{}", wait=5.0), Reply(" " * 1_000, drip=True)], ids=["slow", "dripping"])
def test_a_service_that_takes_too_long_is_given_up_when_its_time_is_over(
    service: Service, chained: Chained, provider: Provider, reply: Reply
):
    service.replies = [provider.answer("KO")]
    chained(provider.name).ask(KO)  # the library is imported: it does not count as waiting, yet it takes a second
    service.replies = [reply]
    chain = chained(provider.name, timeout=0.8)
    started = time.monotonic()
    answer = chain.ask(KO)
    assert time.monotonic() - started < 2.5
    assert answer.quotes == {}
    assert "no answer within" in answer.reasons["KO"]


@pytest.mark.slow
def test_a_service_that_is_slow_once_answers_the_next_attempt(
    service: Service, chained: Chained, provider: Provider
):
    service.replies = [Reply("{}", wait=5.0), provider.answer("KO")]
    assert set(chained(provider.name, timeout=2.0).ask(KO).quotes) == {"KO"}


@pytest.mark.slow
def test_a_service_that_is_not_there_is_a_reason(chained: Chained, provider: Provider):
    with socket.socket() as unused:  # bound and not listening: a connection is refused
        unused.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{unused.getsockname()[1]}"
        answer = chained(provider.name, yahoo={"url": nowhere}, alpaca={"url": nowhere}).ask(KO)
    assert answer.reasons == {"KO": f"{provider.name}: no connection (ConnectionError) (asked 3 times)"}


def test_what_came_before_a_fault_is_kept_and_only_the_rest_is_asked_for_again(
    service: Service, chained: Chained, provider: Provider
):
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    symbols = sorted(a + b for a in letters for b in letters)
    first, second = symbols[: network.BATCH], symbols[network.BATCH :]
    service.replies = [provider.answer(*first), Reply("", 503), provider.answer(*second)]
    answer = chained(provider.name).ask(frozenset(symbols))
    assert set(answer.quotes) == set(symbols)
    assert service.symbols == [first, second, second]


def test_what_came_before_a_lasting_fault_is_kept_too(service: Service, chained: Chained, provider: Provider):
    symbols = [f"A{n}" for n in range(network.BATCH + 1)]
    service.replies = [provider.answer(*sorted(symbols)[:-1]), Reply("", 404)]
    answer = chained(provider.name).ask(frozenset(symbols))
    assert len(answer.quotes) == network.BATCH
    assert answer.reasons == {sorted(symbols)[-1]: f"{provider.name}: HTTP 404"}


def test_the_next_source_is_asked_for_what_the_first_could_not_say(service: Service, chained: Chained):
    service.replies = [Reply("", 404), from_alpaca("KO")]
    answer = chained("yahoo", "alpaca", "simulation").ask(BOTH)
    assert {symbol: quote.source for symbol, quote in answer.quotes.items()} == {"KO": "alpaca"}
    assert answer.reasons["MSFT"].endswith(
        "simulation: the default price does not replace that of a source which could not be asked"
    )
    assert answer.unreachable == {"MSFT"}
    assert service.symbols == [["KO", "MSFT"], ["KO", "MSFT"]]


@pytest.mark.django_db(transaction=True)
def test_inside_a_transaction_a_network_source_is_not_asked(service: Service, chained: Chained, provider: Provider):
    service.replies = [provider.answer("KO")]
    chain = chained(provider.name)
    with transaction.atomic(), pytest.raises(RuntimeError, match=f"{provider.name} was asked inside a transaction"):
        chain.ask(KO)
    assert service.paths == []
    assert set(chain.ask(KO).quotes) == {"KO"}


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 599])
def test_what_may_pass_is_a_temporary_fault(status: int):
    assert isinstance(status_error(status), TemporaryError)


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 410, 422])
def test_what_will_not_pass_is_none(status: int):
    error = status_error(status, says="no\nsuch thing")
    assert not isinstance(error, TemporaryError)
    assert str(error) == f"HTTP {status}, 'no such thing'"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("", 0.0), ("soon", 0.0), ("-1", 0.0), ("nan", 0.0), ("9" * 30, 0.0), (format_datetime(NOW), 0.0)],
)
def test_the_time_to_wait_is_read_from_the_header(header: str, seconds: float):
    error = status_error(429, retry_after=header)
    assert isinstance(error, TemporaryError)
    assert error.retry_after == seconds


def test_the_time_to_wait_may_be_a_date():
    error = status_error(503, retry_after="Wed, 21 Oct 2900 07:28:00 GMT")
    assert isinstance(error, TemporaryError)
    assert error.retry_after > 1e9


def test_a_library_that_is_not_installed_is_refused_with_what_brings_it():
    refusal = usable(package="no_such_library", url="")
    assert refusal is not None
    assert (
        "the package no_such_library is not installed; pip install -r requirements/production.txt"
        in refusal.message
    )
    assert usable(package="json", url="https://prices.example/base") is None


def test_a_library_that_cannot_be_loaded_is_a_reason():
    class Market(network.NetworkSource):
        name = "market"

        def connect(self) -> network.Fetch:
            raise ImportError("libcurl is missing")

    assert {str(found) for found in Market(timeout=1.0).ask(KO).values()} == {
        "Missing(reason='cannot be loaded: libcurl is missing', again=True)"
    }
    assert issubclass(TemporaryError, SourceError)
