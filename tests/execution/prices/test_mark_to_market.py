"""Marks to market: every account at new prices, without touching its ledger."""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from execution.engine.planning.market import Quote
from execution.prices import PriceChain
from execution.prices.mark_to_market import ValuationReport, mark_to_market
from execution.prices.sources.constant import ConstantSource
from execution.prices.sources.database import DatabaseSource
from execution.prices.sources.given import GivenSource
from portfolios import ledger, reference_data
from portfolios.ledger import AuditContext
from portfolios.models import LedgerEntry, PortfolioAccount, Price, RiskPolicy, Valuation
from portfolios.reference_data import PriceData
from portfolios.selectors import books
from tests.scenes import NOW, Desk, assert_books_balance, line, whole_database

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=6)
BAND = Decimal(25)


def chain(prices: Mapping[str, str], *, at: datetime = LATER) -> PriceChain:
    """Return a chain of prices that a source says."""
    quotes = {symbol: Quote(Decimal(price), "file", at) for symbol, price in prices.items()}
    return PriceChain((GivenSource("file", quotes),), now=at)


def marked(prices: Mapping[str, str], *, at: datetime = LATER, **options: Any) -> ValuationReport:
    """Mark everything to market at these prices."""
    asked: dict[str, Any] = {"accepted": frozenset(), "band_percent": BAND, "as_of": at, "now": at}
    return mark_to_market(prices=chain(prices, at=at), **(asked | options))


@pytest.fixture
def desks(desk: Desk) -> list[Desk]:
    """Return a desk that is long MSFT, one that is short it, and one that holds cash."""
    RiskPolicy.objects.create(strategy=desk.strategy, allow_short=True)
    desks = [desk, replace(desk, provider="openai"), replace(desk, provider="gemini")]
    lines = [line("MSFT", "BUY", 10), line("MSFT", "SELL_SHORT", 10), line("MSFT", "HOLD")]
    for each, item in zip(desks, lines, strict=True):
        each.run([item], prices={"MSFT": "450"})
    return desks


def test_every_account_is_worth_what_its_holdings_cost_now(desks: list[Desk]):
    report = marked({"MSFT": "500"})
    assert (report.accounts, report.positions, report.symbols) == (3, 2, 1)
    assert [each.account.equity_value for each in desks] == [Decimal(11110), Decimal(-11110), Decimal(0)]
    newest = [each.account.valuations.latest("as_of") for each in desks]
    assert [(item.as_of, item.total) for item in newest] == [
        (LATER, Decimal(101_111)), (LATER, Decimal(98_889)), (LATER, Decimal(100_000)),
    ]  # fmt: skip
    for each in desks:
        assert_books_balance(each.account)


def test_the_published_short_is_worth_what_the_design_says(desk: Desk):
    RiskPolicy.objects.create(strategy=desk.strategy, allow_short=True, whole_share_shorts=True)
    desk.run([line("SMCI", "SELL_SHORT", 4.92)], prices={"SMCI": "175.44"})
    assert (desk.position("SMCI").quantity, desk.account.cash_balance) == (Decimal(28), Decimal("104912.32"))
    marked({"SMCI": "193"})
    account = desk.account
    assert account.cash_balance + account.equity_value == Decimal("99508.32")


def test_no_cash_no_quantity_and_no_ledger_entry_changes(desks: list[Desk]):
    before = [(each.account.cash_balance, each.account.book_version) for each in desks]
    entries = LedgerEntry.objects.count()
    marked({"MSFT": "500"})
    assert [(each.account.cash_balance, each.account.book_version) for each in desks] == before
    assert LedgerEntry.objects.count() == entries


def test_the_prices_are_stored(desks: list[Desk]):
    marked({"MSFT": "500"})
    newest = Price.objects.latest("as_of")
    assert (newest.security_id, newest.price, newest.source, newest.as_of) == ("MSFT", Decimal(500), "file", LATER)


def test_a_holding_without_a_price_keeps_its_mark_and_is_named(desks: list[Desk]):
    report = marked({"KO": "60"})
    assert (report.positions, list(report.unpriced)) == (0, ["MSFT"])
    assert desks[0].account.equity_value == Decimal(9999)


def test_a_default_price_values_nothing(desks: list[Desk]):
    prices = PriceChain((ConstantSource(Decimal(100), LATER),), now=LATER)
    report = mark_to_market(prices=prices, accepted=frozenset(), band_percent=BAND, as_of=LATER, now=LATER)
    assert report.unpriced == {"MSFT": "only a default price"}
    assert desks[0].account.equity_value == Decimal(9999)


def test_a_price_out_of_the_band_values_nothing_until_it_is_accepted(desks: list[Desk]):
    report = marked({"MSFT": "45"})
    assert report.held_back == {"MSFT": "45.00 from file is more than 25 % from the last close, 450.00"}
    assert desks[0].account.equity_value == Decimal(9999)
    marked({"MSFT": "45"}, at=LATER + timedelta(hours=1), accepted=frozenset({"MSFT"}))
    assert desks[0].account.equity_value == Decimal("999.90")


def test_deposits_since_the_last_valuation_are_the_external_flow(desks: list[Desk]):
    account = desks[0].account
    ledger.deposit(account, amount=Decimal(500), context=AuditContext(actor="bob", now=NOW, reason="wire"))
    ledger.withdraw(account, amount=Decimal(200), context=AuditContext(actor="bob", now=NOW, reason="wire"))
    marked({"MSFT": "450"})
    flows = [each.account.valuations.latest("as_of").external_flow for each in desks]
    assert flows == [Decimal(300), Decimal(0), Decimal(0)]
    marked({"MSFT": "450"}, at=LATER + timedelta(hours=1))
    assert desks[0].account.valuations.latest("as_of").external_flow == 0


def test_a_second_time_for_the_same_moment_changes_nothing(desks: list[Desk]):
    marked({"MSFT": "500"})
    before = whole_database()
    report = marked({"MSFT": "500"})
    assert (report.accounts, len(report.left_out)) == (0, 3)
    assert whole_database() == before


def test_an_account_that_has_traded_since_is_not_valued_in_the_past(desks: list[Desk]):
    reference_data.store_prices([PriceData(symbol="MSFT", price=Decimal(440), source="yahoo", as_of=NOW)])
    desks[0].run([line("KO", "BUY", 5)], prices={"KO": "60"}, now=LATER)
    between = NOW + timedelta(hours=1)
    prices = PriceChain((DatabaseSource(between),), now=between)
    report = mark_to_market(prices=prices, accepted=(), band_percent=BAND, as_of=between, now=LATER)
    assert report.left_out == (str(desks[0].account.pk),)
    assert desks[1].account.valuations.latest("as_of").as_of == between


@pytest.mark.slow
def test_a_chunk_takes_the_same_number_of_queries_however_many_accounts_it_has(desk: Desk):
    desk.run([line(f"S{n}", "BUY", 1) for n in range(3)], prices={f"S{n}": "100" for n in range(3)})
    few = queries_of_one_chunk(at=LATER)
    for n in range(40):
        strategy = reference_data.create_strategy(strategy_id=uuid.uuid4(), name=f"Strategy {n}")
        other = replace(desk, strategy=strategy)
        other.run([line(f"S{k}", "BUY", 1) for k in range(20)], prices={f"S{k}": "100" for k in range(20)})
    assert queries_of_one_chunk(at=LATER + timedelta(hours=1)) == few


def queries_of_one_chunk(*, at: datetime) -> int:
    """Count the queries of marking everything at once."""
    symbols = books.symbols_held()
    with CaptureQueriesContext(connection) as captured:
        report = marked(dict.fromkeys(symbols, "101"), at=at)
    assert report.accounts == PortfolioAccount.objects.count()
    return len(captured)


def test_chunks_leave_nobody_out(desks: list[Desk]):
    report = marked({"MSFT": "500"}, chunk_size=2)
    assert report.accounts == 3
    assert Valuation.objects.filter(as_of=LATER).count() == 3


def test_an_account_that_the_books_cannot_hold_is_left_out_and_named_and_the_others_are_valued(desks: list[Desk]):
    rich = desks[2]
    rich.run([line("MSFT", "BUY", 20)], prices={"MSFT": "450"}, now=NOW + timedelta(hours=1))
    with transaction.atomic():
        (account,) = ledger.lock_accounts([rich.account.pk])
        everything = Decimal("9999999900000.00")
        ledger.correct_cash(account, balance=everything, context=AuditContext(actor="bob", now=NOW, reason="wire"))
    report = marked({"MSFT": "4500"}, accepted=frozenset({"MSFT"}))
    assert list(report.out_of_range) == [str(rich.account.pk)]
    assert report.out_of_range[str(rich.account.pk)].startswith(
        "Large caps / Gemini: amount 1.00000e+13 is outside"
    )
    assert (report.accounts, report.positions) == (2, 2)
    assert [each.position("MSFT").mark_price for each in desks] == [4500, 4500, 450]
    assert rich.account.valuations.latest("as_of").as_of < LATER
    for each in desks[:2]:
        assert each.account.valuations.latest("as_of").as_of == LATER
