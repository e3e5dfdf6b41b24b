"""The order of the sources, what each of them says, and how a run takes it."""

import ast
import json
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from execution.engine.planning.market import Unpriced
from execution.engine.vocabulary import Code, Refusal
from execution.prices import PriceChain, build_chain, price_settings
from execution.runs.prepare import Prepared, prepare
from portfolios.models import Price
from tests.execution.prices.conftest import Chained, with_options
from tests.execution.prices.service import Reply, Service, quote, quotes
from tests.folios.test_settings import in_a_process
from tests.scenes import NOW, Desk, line, security

SETTINGS = price_settings()


def chain_of(*sources: str, default_price: Decimal | None = None, **options: Mapping[str, object]) -> PriceChain:
    given = replace(with_options(SETTINGS, **options), sources=sources)
    chain = build_chain(configured=given, given={}, from_file={}, default_price=default_price, now=NOW)
    assert isinstance(chain, PriceChain), chain
    return chain


def store(symbol: str, price: str, *, hours_ago: float = 0, currency: str = "USD") -> None:
    held = security(symbol)
    held.currency = currency
    held.save()
    as_of = NOW - timedelta(hours=hours_ago)
    Price.objects.create(security=held, price=Decimal(price), currency=currency, source="close", as_of=as_of)


@pytest.mark.django_db
def test_a_stored_price_is_taken_up_to_the_limit_of_age_and_in_the_currency_of_the_books():
    store("MSFT", "450", hours_ago=108.5)  # Wednesday's close: Thursday was a holiday, Friday has closed
    store("KO", "69.80", hours_ago=109)
    store("SAP", "240", currency="EUR")
    answer = chain_of("database").ask(frozenset({"MSFT", "KO", "SAP", "PEP"}))
    assert {symbol: (found.price, found.source) for symbol, found in answer.quotes.items()} == {
        "MSFT": (Decimal(450), "database:close")
    }
    assert answer.reasons == {
        "KO": "database: price of 2025-12-31 20:30 UTC is older than 2 sessions",
        "SAP": "database: currency is 'EUR', the books are in USD",
        "PEP": "database: no stored price",
    }


@pytest.mark.django_db
def test_a_later_source_is_asked_where_an_earlier_one_has_nothing_usable(tmp_path: Path):
    store("KO", "69.80", hours_ago=109)
    store("MSFT", "450")
    file = tmp_path / "prices.csv"
    file.write_text("symbol,price,as_of\nKO,70,2025-12-31\nMSFT,460,\nPEP,150,2025-12-30\n")
    answer = chain_of("database", "file", file={"path": str(file)}).ask(frozenset({"KO", "MSFT", "PEP"}))
    assert {symbol: (str(found.price), found.source) for symbol, found in answer.quotes.items()} == {
        "MSFT": ("450.0000", "database:close"),
        "KO": ("70.0000", "file"),
    }
    assert answer.reasons == {
        "PEP": "database: no stored price; file: price of 2025-12-30 21:00 UTC is older than 2 sessions"
    }


def test_the_default_price_has_no_age_and_marks_its_quotes():
    answer = chain_of("simulation").ask(frozenset({"KO"}))
    assert (answer.quotes["KO"].price, answer.quotes["KO"].simulated) == (Decimal(100), True)
    named = chain_of("simulation", default_price=Decimal(60))
    assert (named.ask(frozenset({"KO"})).quotes["KO"].price, named.default_price_asked_for) == (Decimal(60), True)


@pytest.mark.django_db
def test_the_default_price_takes_the_place_of_a_refused_price_only_where_it_was_asked_for():
    store("KO", "69.80", hours_ago=109)
    answer = chain_of("database", "simulation").ask(frozenset({"KO", "PEP"}))
    assert answer.quotes["PEP"].simulated
    assert answer.reasons == {
        "KO": "database: price of 2025-12-31 20:30 UTC is older than 2 sessions; "
        "simulation: the default price does not replace a price that was refused"
    }
    assert answer.unpriced["KO"].code is Code.PRICE_STALE
    asked_for = chain_of("database", "simulation", default_price=Decimal(60)).ask(frozenset({"KO"}))
    assert asked_for.quotes["KO"].price == Decimal(60)


@pytest.mark.django_db
def test_the_default_price_is_the_last_resort_wherever_its_source_stands():
    store("KO", "69.80")
    for default in (None, Decimal(60)):
        answer = chain_of("simulation", "database", default_price=default).ask(frozenset({"KO", "PEP"}))
        assert answer.quotes["KO"].price == Decimal("69.80")
        assert answer.quotes["PEP"].simulated


def test_without_sources_there_is_a_reason_too():
    assert chain_of().ask(frozenset({"KO"})).reasons == {"KO": "no source has a price"}


@pytest.mark.parametrize(
    ("source", "options", "says"),
    [
        ("oracle", {}, "PRICE_SOURCES names 'oracle': not one of simulation, file, database, yahoo, alpaca, "),
        ("", {}, "PRICE_SOURCES names '': not one of"),
        ("file", {}, "PRICE_SOURCES names 'file': PRICE_FILE is empty"),
        (
            "file",
            {"file": {"path": "/nowhere/prices.csv"}},
            "PRICE_SOURCES names 'file': /nowhere/prices.csv does not exist",
        ),
        ("yahoo", {"yahoo": {"url": "ftp://quotes"}}, "'ftp://quotes' is not an address of the form https://host"),
        ("yahoo", {"yahoo": {"url": "http://["}}, "'http://[' is not an address of the form https://host"),
    ],
)
def test_a_source_that_cannot_work_refuses_the_call(source: str, options: dict[str, dict[str, object]], says: str):
    given = replace(with_options(SETTINGS, **options), sources=("simulation", source))
    refusal = build_chain(configured=given, given={}, from_file={}, default_price=None, now=NOW)
    assert isinstance(refusal, Refusal)
    assert says in refusal.message


def test_a_broken_price_file_of_the_settings_is_refused_by_file_line_and_rule(tmp_path: Path):
    file = tmp_path / "prices.csv"
    file.write_text("symbol,price\nMSFT,450\nKO,free\n")
    given = replace(with_options(SETTINGS, file={"path": str(file)}), sources=("file",))
    refusal = build_chain(configured=given, given={}, from_file={}, default_price=None, now=NOW)
    assert isinstance(refusal, Refusal)
    assert f"{file}: line 3: price of KO is 'free': not a number" in refusal.message


def test_a_reason_is_one_clean_line_of_bounded_length(service: Service, chained: Chained):
    service.replies = [Reply("no\x1b[31m\u202e\n" * 1_000, 404)]
    reason = chained("alpaca").ask(frozenset({"KO"})).reasons["KO"]
    assert reason.isprintable()
    assert len(reason) < 220


# The way of a run

PROVIDED = {"PRICE_SOURCES": ["yahoo"], "PRICE_MAX_AGE": "2 sessions", "PRICE_TIMEOUT": 5.0}


@pytest.fixture
def yahoo_is_configured(service: Service, settings: Any) -> None:
    """Make Yahoo, which is the service of the test, the only source."""
    for name, value in PROVIDED.items():
        setattr(settings, name, value)
    settings.PRICE_BACKENDS = with_options(SETTINGS, yahoo={"url": service.url}).backends


def ran(desk: Desk, request: str, *options: str) -> dict[str, Any]:
    out = StringIO()
    call_command(
        "execute_recommendations", request, str(desk.strategy.pk), *options, "--format", "json", stdout=out
    )
    report: dict[str, Any] = json.loads(out.getvalue())
    return report


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("yahoo_is_configured")
def test_a_run_asks_the_network_once_for_all_symbols_and_outside_of_its_transaction(desk: Desk, service: Service):
    at = datetime.now(UTC).timestamp() - 60
    held = quote("BRK-B", 482.5, at=at)
    service.replies = [quotes(held), quotes(held, quote("MSFT", 528.5700073242188, at=at))]
    ran(desk, desk.inbox.put([line("BRK.B", "BUY", 10)]))
    report = ran(desk, desk.inbox.put([line("MSFT", "BUY", 10), line("KO", "BUY", 10)]))
    assert [(order["symbol"], order["limit_price"]) for order in report["orders"]] == [("MSFT", "528.57")]
    assert [decision["codes"] for decision in report["decisions"]] == [["SECTOR_UNVERIFIED"], ["NO_PRICE"]]
    assert not report["run"]["simulated"]
    assert service.symbols == [["BRK-B"], ["BRK-B", "KO", "MSFT"]]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("yahoo_is_configured")
def test_a_run_is_simulated_only_where_a_default_price_was_asked_for(desk: Desk, service: Service):
    service.replies = [Reply("", 404)]
    request = desk.inbox.put([line("KO", "BUY", 10)])
    report = ran(desk, request, "--default-price", "60", "--dry-run")
    assert (report["orders"][0]["limit_price"], report["run"]["simulated"]) == ("60.00", True)
    service.replies = [quotes()]
    report = ran(desk, request, "--dry-run")
    assert (report["orders"], report["run"]["simulated"]) == ([], False)


@pytest.mark.django_db(transaction=True)
def test_what_every_source_said_of_a_symbol_reaches_the_plan(desk: Desk, service: Service, chained: Chained):
    service.replies = [quotes()]
    request = desk.inbox.put([line("KO", "BUY", 10)])
    prepared = prepare(replace(desk.execution_request(request), prices=chained("yahoo", "database")))
    assert isinstance(prepared, Prepared)
    said = "yahoo: no price in the answer; database: no stored price"
    assert prepared.unpriced == {"KO": Unpriced(Code.NO_PRICE, said)}


@pytest.mark.django_db
def test_a_missing_key_is_one_line_for_the_caller(desk: Desk, settings: Any):
    settings.PRICE_SOURCES = ["alpaca"]
    request = desk.inbox.put([line("KO", "BUY", 10)])
    with pytest.raises(CommandError, match="PRICE_SOURCES names 'alpaca': ALPACA_API_KEY is empty"):
        ran(desk, request)


# Settings


def test_the_settings_of_prices_are_one_value(settings: Any):
    settings.PRICE_SOURCES, settings.PRICE_MAX_AGE, settings.PRICE_TIMEOUT = ["yahoo", "database"], 3, 3.0
    given = price_settings()
    assert (given.sources, given.max_age, given.timeout) == (("yahoo", "database"), 3, 3.0)
    assert given.backends is settings.PRICE_BACKENDS


@pytest.mark.slow
def test_what_the_providers_need_comes_from_the_environment():
    code = """
from execution.prices import price_settings
backends = price_settings().backends
print([backends[name]["OPTIONS"] for name in ("file", "yahoo", "alpaca")])
"""
    environment = {
        "PRICE_FILE": "closes.csv",
        "YAHOO_URL": "https://quotes.example",
        "ALPACA_API_KEY": "the-key",
        "ALPACA_SECRET_KEY": "the-secret",
        "ALPACA_FEED": "sip",
        "ALPACA_DATA_URL": "https://data.example",
    }
    done = in_a_process(code, **environment)
    assert ast.literal_eval(done.stdout) == [
        {"path": "closes.csv"},
        {"url": "https://quotes.example"},
        {"key": "the-key", "secret": "the-secret", "feed": "sip", "url": "https://data.example"},
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "value"),
    [("PRICE_TIMEOUT", "0"), ("PRICE_TIMEOUT", "10 seconds"), ("PRICE_TIMEOUT", "nan"), ("PRICE_TIMEOUT", "inf")],
)
def test_a_limit_that_is_none_stops_every_command(name: str, value: str):
    done = in_a_process("import folios.settings", **{name: value})
    assert f"{name} is {value!r}: not a number above 0" in done.stderr


@pytest.mark.slow
def test_a_command_starts_without_the_libraries_of_the_providers():
    code = """
import runpy, sys
sys.argv = ["manage.py", "execute_recommendations", "--help"]
try:
    runpy.run_path("manage.py", run_name="__main__")
except SystemExit:
    pass
from datetime import UTC, datetime
from execution.management.options import prices_of
chain = prices_of({"price": [], "prices": None, "default_price": None}, now=datetime.now(UTC))
heavy = {"yfinance", "curl_cffi", "alpaca", "pandas", "numpy", "requests"}
print([source.name for source in chain.sources], sorted(heavy & set(sys.modules)))
"""
    done: subprocess.CompletedProcess[str] = in_a_process(
        code,
        DJANGO_SETTINGS_MODULE="folios.command_settings",
        PRICE_SOURCES="yahoo, alpaca",
        ALPACA_API_KEY="key",
        ALPACA_SECRET_KEY="secret",
    )
    assert done.stdout.splitlines()[-1] == "['given', 'file', 'yahoo', 'alpaca'] []", done.stderr
