"""import_prices, fetch_prices and mark_to_market, as they are typed."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import transaction
from pytest_django import Settings

from execution.models import RefusedPrice
from execution.prices import PriceChain
from execution.prices.sources.constant import ConstantSource
from execution.services import fetch_prices
from portfolios import ledger
from portfolios.ledger import AuditContext
from portfolios.models import Price, Security, Valuation
from tests.scenes import NOW, Desk, line, mark_all, security, whole_database

pytestmark = pytest.mark.django_db


def typed(*arguments: Any) -> str:
    """Type a command and return what it prints."""
    out = io.StringIO()
    call_command(*[str(argument) for argument in arguments], stdout=out)
    return out.getvalue()


def refused(*arguments: Any) -> str:
    """Type a command that must be refused with one line and change nothing; return the line."""
    before = whole_database()
    with pytest.raises(CommandError) as caught:
        typed(*arguments)
    assert caught.value.returncode == 1
    assert "\n" not in str(caught.value)
    assert whole_database() == before
    return str(caught.value)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file of closing prices."""
    path = tmp_path / "closes.csv"
    path.write_text("symbol,price,as_of\nMSFT,450.5,2026-01-05\nMSFT,455,2026-01-06\nbrk-b,482.5,2026-01-06\n")
    return path


def stored() -> list[tuple[str, Decimal, str]]:
    """Return the stored prices, oldest first."""
    return [
        (row.security_id, row.price, f"{row.as_of:%d}") for row in Price.objects.order_by("as_of", "security_id")
    ]


# --- import_prices ---


def test_a_file_of_closes_is_stored_with_its_days(file: Path):
    assert typed("import_prices", file) == f"Stored 3 prices from {file}\n"
    assert stored() == [
        ("MSFT", Decimal("450.5"), "05"),
        ("BRK.B", Decimal("482.5"), "06"),
        ("MSFT", Decimal(455), "06"),
    ]
    assert not Security.objects.get(symbol="BRK.B").is_verified


def test_the_same_file_again_changes_nothing_and_a_correction_replaces(file: Path):
    typed("import_prices", file)
    before = stored()
    typed("import_prices", file)
    assert stored() == before
    file.write_text("symbol,price,as_of\nMSFT,456,2026-01-06\n")
    typed("import_prices", file)
    assert stored()[-1] == ("MSFT", Decimal(456), "06")


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("MSFT,0,2026-01-06", "line 5: price of MSFT is '0': a price is above zero"),
        ("MSFT,-1,2026-01-06", "a price is above zero"),
        ("MSFT,NaN,2026-01-07", "not a finite number"),
        ("MSFT,abc,2026-01-07", "price of MSFT is 'abc': not a number"),
        ("toolong99x,4,2026-01-07", "symbol 'toolong99x' is not a symbol"),
        ("MSFT,4,yesterday", "as_of 'yesterday' is not an ISO 8601 time"),
        ("MSFT,4,2999-01-01", "as_of '2999-01-01' is in the future"),
        ("MSFT,4,2026-01-05", "symbol MSFT stands twice for the same time"),
    ],
)
def test_one_bad_row_refuses_the_file_by_name_line_and_rule(file: Path, row: str, says: str):
    file.write_text(file.read_text() + row + "\n")
    message = refused("import_prices", file)
    assert says in message
    assert f"{file}: line 5" in message


def test_rows_are_stored_whole_or_not_at_all(tmp_path: Path):
    path = tmp_path / "closes.csv"
    path.write_text("symbol,price\nKO,60\nNVR,8,123.45\n")
    assert "line 3 has 3 cells, the header has 2 (symbol,price)" in refused("import_prices", path)


@pytest.mark.parametrize("column", ["date", "timestamp", "as of"])
def test_a_price_by_day_is_stored_as_of_the_close_of_that_day(tmp_path: Path, column: str):
    path = tmp_path / "closes.csv"
    path.write_text(f"symbol,price,{column},ccy\nMSFT,450,2024-12-24,USD\n")
    typed("import_prices", path)
    assert Price.objects.get().as_of == datetime(2024, 12, 24, 18, tzinfo=UTC)  # a short session


def test_a_typed_price_that_marks_nothing_is_refused_by_name(desk: Desk):
    desk.run([line("ORCL", "BUY", 10)])
    says = "[BAD_PRICE] the price of OCRL prices nothing: is ORCL meant? Symbols of the books: ORCL"
    assert refused("mark_to_market", "--price", "OCRL=220") == says
    assert "Valued 1 account" in typed("mark_to_market", "--price", "ORCL.US=101")


def test_a_price_in_another_currency_is_refused(tmp_path: Path):
    path = tmp_path / "closes.csv"
    path.write_text("symbol,price,currency\nMSFT,450,EUR\n")
    assert "line 2: currency of MSFT is 'EUR': the books are in USD" in refused("import_prices", path)


# --- fetch_prices ---


@pytest.fixture
def source(tmp_path: Path, settings: Settings) -> Path:
    """Configure a file as the source of prices."""
    path = tmp_path / "market.csv"
    file = {**settings.PRICE_BACKENDS["file"], "OPTIONS": {"path": str(path)}}
    settings.PRICE_SOURCES = ["database", "file", "simulation"]
    settings.PRICE_BACKENDS = {**settings.PRICE_BACKENDS, "file": file}
    path.write_text("symbol,price\nMSFT,450\nKO,60\n")
    return path


def test_the_sources_are_asked_and_what_they_say_is_stored(source: Path):
    printed = typed("fetch_prices", "--symbols", "MSFT", "brk-b")
    assert printed == ("MSFT 450.0000\nBRK.B not stored: no source has a price\nStored 1 price\n")
    assert [(row.security_id, row.source) for row in Price.objects.all()] == [("MSFT", "file")]


def test_held_means_what_any_account_holds(source: Path, desk: Desk):
    desk.run([line("KO", "BUY", 5)], prices={"KO": "61"})
    data = json.loads(typed("fetch_prices", "--held", "--format", "json"))
    assert data["stored"] == {"KO": "60.0000"}


def test_a_price_out_of_the_band_is_not_stored_until_it_is_accepted(source: Path):
    Security.objects.create(symbol="KO")
    Price.objects.create(security_id="KO", price=100, source="yahoo", as_of=datetime.now(UTC) - timedelta(days=1))
    printed = typed("fetch_prices", "--symbols", "KO")
    assert "KO not stored: 60.00 from file is more than 25 % from the last close, 100.00" in printed
    assert Price.objects.count() == 1
    typed("fetch_prices", "--symbols", "KO", "--accept-price", "KO")
    assert Price.objects.latest("as_of").price == Decimal(60)


def test_what_a_source_says_without_a_market_is_not_stored():
    prices = PriceChain((ConstantSource(Decimal(7), NOW),), now=NOW)
    report = fetch_prices(prices=prices, symbols=frozenset({"KO", "PEP"}), accepted=(), actor="alice")
    assert (report.stored, report.unpriced) == ({}, dict.fromkeys(["KO", "PEP"], "only a default price"))
    assert not Price.objects.exists()
    assert not Security.objects.exists()


def test_a_default_price_and_the_table_itself_are_nothing_to_fetch_from(settings: Settings):
    settings.PRICE_SOURCES = ["database", "simulation"]
    says = "PRICE_SOURCES names nothing to fetch from: one of file, yahoo, alpaca"
    assert refused("fetch_prices", "--symbols", "KO").endswith(says)


@pytest.mark.parametrize("option", ["--symbols", "--accept-price"])
def test_what_is_no_symbol_is_refused(source: Path, option: str):
    arguments = {"--symbols": ["KO"], option: ["toolong99x"]}
    typed_out = [word for name, words in arguments.items() for word in (name, *words)]
    assert f"{option} 'toolong99x': not a symbol" in refused("fetch_prices", *typed_out)


# --- --accept-price ---


def test_a_price_in_doubt_is_explained_and_the_way_on_is_shown(desk: Desk, settings: Settings):
    settings.ARTIFACTS_ROOT = desk.inbox.root
    request = desk.inbox.put([line("MSFT", "BUY", 10, current_price=300.0), line("KO", "HOLD")])
    call = ["execute_recommendations", request, desk.strategy.pk, "--price", "MSFT=450"]
    printed = typed(*call)
    assert "  Quarantined [PRICE_OUT_OF_BAND]: " in printed
    assert "  To trade at this price, run it again with --accept-price MSFT\n" in printed
    printed = typed(*call, "--accept-price", "msft")
    assert printed.startswith("Follow-up run 2 of the request: the lines that were undecided\n")
    assert "  Created BUY order: 22.22 shares @ $450.0 = $9,999.00\n" in printed
    assert typed(*call).startswith(f"Replay: request {request} was executed before")


# --- mark_to_market ---


def test_a_mark_to_market_prints_what_it_valued_and_what_kept_its_mark(desk: Desk):
    desk.run([line("MSFT", "BUY", 10), line("KO", "BUY", 5)], prices={"MSFT": "450", "KO": "60"})
    printed = typed("mark_to_market", "--price", "MSFT=460")
    assert printed.startswith(
        "KO not repriced (last price kept): database: price of 2026-01-05 09:30 UTC is older than 2 sessions; "
        "simulation: the default price does not replace a price that was refused\nValued 1 account as of "
    )
    assert printed.endswith("1 position marked at the prices of 1 symbol\n")
    assert desk.position("MSFT").mark_price == Decimal(460)


def test_a_valuation_of_the_past_takes_the_prices_of_then(desk: Desk, settings: Settings, tmp_path: Path):
    settings.PRICE_SOURCES = ["database"]
    desk.run([line("MSFT", "BUY", 10)], prices={"MSFT": "450"})
    path = tmp_path / "closes.csv"
    path.write_text("symbol,price,as_of\nMSFT,455,2026-01-06T21:00:00+00:00\nMSFT,470,2026-01-07T21:00:00+00:00\n")
    typed("import_prices", path)
    data = json.loads(typed("mark_to_market", "--as-of", "2026-01-06", "--format", "json"))
    assert (data["accounts"], data["positions"]) == (1, 1)
    valuation = Valuation.objects.latest("as_of")
    assert (f"{valuation.as_of:%Y-%m-%d %H:%M}", valuation.equity) == ("2026-01-06 23:59", Decimal("10110.10"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("2999-01-01", "in the future"),
        ("someday", "not an ISO 8601 time"),
        ("2026-01-05T16:00", "a time without a zone"),
        ("2999-01-01T00:00:00Z", "in the future"),
    ],
)
def test_a_time_that_is_none_or_not_yet_is_refused(text: str, says: str):
    assert says in refused("mark_to_market", "--as-of", text)


def test_a_price_in_doubt_keeps_the_last_mark_until_it_is_accepted(desk: Desk):
    recently = datetime.now(UTC) - timedelta(hours=1)
    desk.run([line("MSFT", "BUY", 10)], prices={"MSFT": "450"}, now=recently)
    Price.objects.filter(as_of=NOW).update(as_of=recently)
    printed = typed("mark_to_market", "--price", "MSFT=45")
    assert (
        "MSFT not repriced (last price kept): 45.00 from given is more than 25 % from the last close, 450.00"
        in printed
    )
    typed("mark_to_market", "--price", "MSFT=45", "--accept-price", "MSFT")
    assert desk.position("MSFT").mark_price == Decimal(45)


def test_an_account_out_of_range_ends_the_command_with_1_after_the_others_are_valued(desk: Desk, file: Path):
    desk.run([line("MSFT", "BUY", 10)], prices="450")
    poor = replace(desk, provider="openai")
    poor.run([line("MSFT", "BUY", 10)], prices="450", initial_balance=Decimal(1000))
    with transaction.atomic():
        (account,) = ledger.lock_accounts([desk.account.pk])
        context = AuditContext(actor="bob", now=NOW, reason="wire")
        ledger.correct_cash(account, balance=Decimal("9999999990000.00"), context=context)
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 account was not valued, out of the books' range") as caught:
        call_command("mark_to_market", "--price", "MSFT=990", stdout=out)
    assert caught.value.returncode == 1
    assert "Not valued (last marks kept): Large caps / Anthropic: amount" in out.getvalue()
    assert "Valued 1 account" in out.getvalue()
    assert poor.position("MSFT").mark_price == 990


# --- accept_price ---


def test_a_refused_price_is_accepted_by_its_symbol(desk: Desk):
    desk.run([line("MSFT", "BUY", 10)], prices={"MSFT": "100"})
    mark_all({"MSFT": "36"}, at=NOW + timedelta(hours=6))
    said = typed("accept_price", "msft", "--reason", "a spin-off")
    assert said == "MSFT 36.00 (file, 2026-01-05 15:30) accepted: 1 position of 1 account marked at it\n"
    assert desk.position("MSFT").mark_price == 36
    assert RefusedPrice.objects.get().reason == "a spin-off"
    assert "PRICE_NOT_FOUND" in refused("accept_price", "MSFT", "--reason", "again")
    assert "BAD_OPTION" in refused("accept_price", "M$FT", "--reason", "what")
    assert "REASON_MISSING" in again_without_a_reason(desk)


def again_without_a_reason(desk: Desk) -> str:
    """Refuse a price again, and return what is said to who accepts it without a reason."""
    mark_all({"MSFT": "99"}, at=NOW + timedelta(hours=7))
    return refused("accept_price", "MSFT", "--reason", " ")


@pytest.mark.parametrize(("claim", "code"), [(450, "PRICE_OUT_OF_BAND"), (None, "PRICE_STALE")])
def test_a_line_that_no_known_price_could_trade_says_how_to_name_one(desk: Desk, claim: int | None, code: str):
    if claim is None:
        Price.objects.create(security=security("MSFT"), price=450, source="close", as_of=NOW)
    request = desk.inbox.put([line("MSFT", "BUY", 10, current_price=claim)])
    call = ("execute_recommendations", request, desk.strategy.pk)
    printed = typed(*call)
    assert f"  Deferred [{code}]: " in printed
    assert "--accept-price" not in printed
    assert "  To trade at a price that you know, run it again with --price MSFT=PRICE\n" in printed
    assert "  Created BUY order: 22.22 shares @ $450.0 = $9,999.00\n" in typed(*call, "--price", "MSFT=450")
