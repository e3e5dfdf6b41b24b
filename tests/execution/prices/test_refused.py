"""Refused prices of what is held: they are kept until somebody accepts them, or a later price is used."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from execution.engine.planning.market import Quote
from execution.engine.vocabulary import Code, Refusal
from execution.models import RefusedPrice
from execution.prices import PriceChain
from execution.prices.sources.given import GivenSource
from execution.reports.text import render_text
from execution.reports.types import RunReport
from execution.services import AcceptedPrice, accept_price, execute, fetch_prices, preview
from portfolios.models import Position, Price, Valuation
from tests.scenes import NOW, Desk, line, mark_all, report_of, whole_database

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
LATER = NOW + 6 * HOUR


@pytest.fixture
def held(desk: Desk) -> Desk:
    """Return a desk that holds 100 MSFT, marked at 100 of its 10,000 + 90,000."""
    desk.run([line("MSFT", "BUY", 10)], prices={"MSFT": "100"})
    return desk


def run_at(desk: Desk, lines: list[object], prices: dict[str, str], *, at: datetime, **changes: Any) -> RunReport:
    """Execute new research at what a file says of that time; nobody stands by a price."""
    quotes = {symbol: Quote(Decimal(price), "file", at) for symbol, price in prices.items()}
    asked = desk.execution_request(desk.inbox.put(lines), now=at)
    chain = PriceChain((GivenSource("file", quotes),), now=at)
    return report_of(execute(replace(asked, prices=chain, **({"accepted_prices": frozenset()} | changes))))


def waiting() -> list[tuple[str, Decimal, Decimal]]:
    """Return symbol, price and reference of what waits."""
    rows = RefusedPrice.objects.filter(resolved_at=None).order_by("security_id")
    return [(row.security_id, row.price, row.reference) for row in rows]


def resolutions() -> list[tuple[str, str]]:
    """Return what became of every refused price, and through whom."""
    return [(row.resolution, row.resolved_by) for row in RefusedPrice.objects.order_by("pk")]


def accepted(**changes: Any) -> AcceptedPrice | Refusal:
    """Accept the price that waits, as bob."""
    row = RefusedPrice.objects.latest("pk")
    asked: dict[str, Any] = {"actor": "bob", "reason": "a spin-off", "now": LATER + HOUR}
    return accept_price(row.pk, **(asked | changes))


def refusal(**changes: Any) -> Code:
    """Return why nothing was accepted; nothing was written."""
    before = whole_database()
    answer = accepted(**changes)
    assert whole_database() == before
    assert isinstance(answer, Refusal)
    return answer.code


# --- what waits ---


def test_a_mark_that_is_refused_waits_for_a_person(held: Desk):
    report = mark_all({"MSFT": "36"}, at=LATER)
    assert report.held_back == {"MSFT": "36.00 from file is more than 25 % from the last close, 100.00"}
    row = RefusedPrice.objects.get()
    assert (row.security_id, row.price, row.source, row.as_of) == ("MSFT", 36, "file", LATER)
    assert (row.reference, row.basis, row.band_percent) == (100, "last close", 25)
    assert (row.refused_at, row.difference_percent, row.resolution) == (LATER, Decimal(-64), "")
    assert held.position("MSFT").mark_price == 100


def test_what_nobody_holds_and_what_is_marked_so_already_waits_for_nobody(held: Desk):
    held.run([line("MSFT", "SELL")], prices={"MSFT": "100"}, now=NOW + HOUR)
    mark_all({"MSFT": "36"}, at=LATER)
    assert waiting() == []
    held.run([line("MSFT", "BUY", 10)], prices={"MSFT": "36"}, now=LATER)
    mark_all({"MSFT": "36"}, at=LATER + HOUR)
    assert waiting() == []


def test_a_run_that_values_a_holding_at_its_last_mark_says_so(held: Desk):
    mark_all({"MSFT": "100"}, at=NOW + HOUR)
    report = run_at(held, [line("KO", "BUY", 10)], {"MSFT": "36", "KO": "60"}, at=LATER)
    # Sized by 100,000 although it may be worth 93,600: the report says why.
    assert report.orders[0].notional == "10000.20"
    (item,) = report.waiting_prices
    assert (item.symbol, item.mark_price, item.price, item.difference_percent) == (
        "MSFT",
        "100.00",
        "36.00",
        "-64.00",
    )
    assert (item.source, item.reference, item.basis, item.band_percent) == ("file", "100.00", "last close", "25")
    text = render_text(report)
    assert "Prices that wait for a person: these holdings keep their last mark" in text
    assert "  MSFT: 100.00 kept, 36.00 from file of 2026-01-05 15:30 UTC refused (-64.00 %;" in text
    assert "manage.py accept_price MSFT --reason TEXT" in text
    assert waiting() == [("MSFT", Decimal(36), Decimal(100))]
    assert type(report).from_data(report.as_data()) == report


def test_a_preview_says_so_too_and_writes_nothing(held: Desk):
    quotes = {"MSFT": Quote(Decimal(36), "file", LATER), "KO": Quote(Decimal(60), "file", LATER)}
    asked = held.execution_request(held.inbox.put([line("KO", "BUY", 10)]), now=LATER, accepted_prices=frozenset())
    before = whole_database()
    report = report_of(preview(replace(asked, prices=PriceChain((GivenSource("file", quotes),), now=LATER))))
    assert [item.symbol for item in report.waiting_prices] == ["MSFT"]
    assert "accept_price" not in render_text(report)
    assert whole_database() == before


def test_where_no_price_waits_the_report_says_nothing_of_it(held: Desk):
    report = held.run([line("KO", "BUY", 10)], prices={"MSFT": "110", "KO": "60"}, now=LATER)
    assert report.waiting_prices == []
    assert "wait for a person" not in render_text(report)


def test_a_price_that_is_fetched_and_refused_waits_too(held: Desk):
    quotes = {"MSFT": Quote(Decimal(36), "yahoo", LATER), "PG": Quote(Decimal(150), "yahoo", LATER)}
    chain = PriceChain((GivenSource("yahoo", quotes),), now=LATER)
    fetch_prices(prices=chain, symbols=frozenset(quotes), accepted=(), actor="alice")
    assert waiting() == [("MSFT", Decimal(36), Decimal(100))]


def test_a_later_price_within_the_band_settles_it(held: Desk):
    mark_all({"MSFT": "36"}, at=LATER)
    mark_all({"MSFT": "101"}, at=LATER + HOUR)
    assert (waiting(), resolutions()) == ([], [("superseded", "alice")])
    assert held.position("MSFT").mark_price == 101


def test_an_older_price_settles_nothing(held: Desk):
    mark_all({"MSFT": "36"}, at=LATER)
    held.run([line("MSFT", "HOLD")], prices={"MSFT": "101"}, now=LATER + HOUR)  # given for NOW
    assert waiting() == [("MSFT", Decimal(36), Decimal(100))]


def test_the_newest_refused_price_is_the_one_that_waits(held: Desk):
    mark_all({"MSFT": "36"}, at=LATER)
    mark_all({"MSFT": "37"}, at=LATER + HOUR)
    assert waiting() == [("MSFT", Decimal(37), Decimal(100))]
    run_at(held, [line("KO", "BUY", 1)], {"MSFT": "35", "KO": "60"}, at=LATER + HOUR / 2)
    assert waiting() == [("MSFT", Decimal(37), Decimal(100))]
    mark_all({"MSFT": "37"}, at=LATER + 2 * HOUR)
    assert len(waiting()) == 1


def test_a_price_that_the_caller_stands_by_replaces_the_one_that_waited(held: Desk):
    mark_all({"MSFT": "36"}, at=LATER)
    mark_all({"MSFT": "35"}, at=LATER + HOUR, accepted=["MSFT"])
    # Said of a later price: the one that waited is replaced by it.
    assert (waiting(), resolutions()) == ([], [("superseded", "alice")])
    assert held.position("MSFT").mark_price == 35


def test_the_very_price_that_waited_is_accepted_by_who_names_it(held: Desk):
    mark_all({"MSFT": "36"}, at=LATER)
    stands_by = {"accepted_prices": frozenset({"MSFT"}), "actor": "carol"}
    run_at(held, [line("MSFT", "HOLD")], {"MSFT": "36"}, at=LATER, **stands_by)
    assert resolutions() == [("accepted", "carol")]
    assert held.position("MSFT").mark_price == 36


# --- accepting ---


def test_an_accepted_price_marks_every_holding_once_with_who_and_why(held: Desk):
    other = replace(held, provider="openai")
    other.run([line("MSFT", "BUY", 5)], prices={"MSFT": "100"})
    mark_all({"MSFT": "36"}, at=LATER)
    done = accepted()
    assert isinstance(done, AcceptedPrice)
    assert (done.symbol, done.price, done.accounts, done.positions) == ("MSFT", "36.000000", 2, 2)
    assert [each.account.equity_value for each in (held, other)] == [3600, 1800]
    assert held.account.valuations.latest("as_of").total == 93_600
    assert held.account.summary.total == 93_600
    row = RefusedPrice.objects.get()
    assert (row.resolution, row.resolved_by, row.reason, row.resolved_at) == (
        "accepted", "bob", "a spin-off", LATER + HOUR,
    )  # fmt: skip
    assert Price.objects.filter(security_id="MSFT", price=36, source="file", as_of=LATER).exists()
    assert refusal() is Code.PRICE_NOT_WAITING


def test_after_that_later_prices_are_compared_with_it_and_the_same_one_passes(held: Desk):
    mark_all({"MSFT": "36"}, at=LATER)
    accepted()
    # A source that has nothing newer says it again.
    run_at(held, [line("MSFT", "HOLD")], {"MSFT": "36"}, at=LATER, now=LATER + 2 * HOUR)
    assert waiting() == []
    report = mark_all({"MSFT": "38"}, at=LATER + 3 * HOUR)
    assert (report.held_back, held.position("MSFT").mark_price) == ({}, 38)


def test_what_cannot_be_accepted_is_refused_and_changes_nothing(held: Desk):
    mark_all({"MSFT": "36"}, at=LATER)
    assert refusal(reason=" ") is Code.REASON_MISSING
    assert refusal(actor="") is Code.REASON_MISSING
    unknown = accept_price(0, actor="bob", reason="why", now=LATER)
    assert isinstance(unknown, Refusal)
    assert unknown.code is Code.PRICE_NOT_FOUND
    mark_all({"MSFT": "99"}, at=LATER + HOUR)
    assert refusal() is Code.PRICE_NOT_WAITING
    assert held.position("MSFT").mark_price == 99


def test_an_account_that_the_books_cannot_hold_then_is_left_out_and_named(held: Desk):
    other = replace(held, provider="openai")
    other.run([line("MSFT", "BUY", 20)], prices={"MSFT": "100"}, initial_balance=Decimal(9_000_000_000))
    mark_all({"MSFT": "999999"}, at=LATER)
    done = accepted()
    assert isinstance(done, AcceptedPrice)
    assert list(done.out_of_range) == [str(other.account.pk)]
    assert "Large caps / OpenAI: amount" in done.out_of_range[str(other.account.pk)]
    assert (held.position("MSFT").mark_price, other.position("MSFT").mark_price) == (999_999, 100)


def test_the_number_of_queries_does_not_depend_on_how_many_prices_are_refused(desk: Desk):
    symbols = [f"S{number}" for number in range(6)]
    desk.run([line(symbol, "BUY", 5) for symbol in symbols], prices=dict.fromkeys(symbols, "100"))

    def queries(prices: dict[str, str], hours: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            mark_all(prices, at=LATER + hours * HOUR)
        return len(captured)

    assert queries({"S0": "10"}, 1) == queries(dict.fromkeys(symbols, "11"), 2)
    assert RefusedPrice.objects.filter(resolved_at=None).count() == 6
    assert Valuation.objects.filter(as_of__gt=LATER).count() == 2
    assert {position.mark_price for position in Position.objects.all()} == {Decimal(100)}


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_of_two_people_who_accept_at_once_one_does(held: Desk):
    mark_all({"MSFT": "36"}, at=LATER)
    valuations = Valuation.objects.count()
    ready = Barrier(2)

    def accept(actor: str) -> str:
        try:
            ready.wait()
            answer = accepted(actor=actor)
            return answer.code if isinstance(answer, Refusal) else "accepted"
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = [future.result() for future in [pool.submit(accept, actor) for actor in ("bob", "carol")]]
    assert sorted(answers) == ["PRICE_NOT_WAITING", "accepted"]
    assert Valuation.objects.count() == valuations + 1
    assert resolutions() == [("accepted", ["bob", "carol"][answers.index("accepted")])]
