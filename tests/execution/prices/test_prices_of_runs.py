"""What prices do to a run: stored, doubted, confirmed, missing."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from execution.engine.planning.market import Quote
from execution.engine.vocabulary import Mode
from execution.models import ExecutionRun
from execution.prices import PriceChain
from execution.prices.sources.database import DatabaseSource
from execution.prices.sources.given import GivenSource
from execution.reports.types import RunReport
from execution.services import execute, preview
from portfolios import reference_data
from portfolios.ledger import AuditContext, apply_split
from portfolios.models import Order, PortfolioAccount, Price, Security
from portfolios.reference_data import PriceData
from portfolios.selectors import stored_prices
from tests.scenes import NOW, Desk, assert_books_balance, line, outcomes, report_of, whole_database

pytestmark = pytest.mark.django_db

YESTERDAY = NOW - timedelta(days=1)


def quoted(prices: Mapping[str, str], source: str = "file") -> PriceChain:
    """Return a chain of prices that somebody else says."""
    quotes = {symbol: Quote(Decimal(price), source, NOW) for symbol, price in prices.items()}
    return PriceChain((GivenSource(source, quotes),), now=NOW)


def stored(symbol: str, price: str, *, days_ago: int = 1, source: str = "yahoo") -> None:
    """Store a price from some days ago."""
    reference_data.ensure_securities([symbol], known=[])
    as_of = NOW - timedelta(days=days_ago)
    reference_data.store_prices([PriceData(symbol=symbol, price=Decimal(price), source=source, as_of=as_of)])


def closes(symbol: str, as_of: datetime = NOW, source: str = "file") -> dict[str, Decimal]:
    """Return what a quote of that time and source is compared with."""
    return stored_prices.last_closes({symbol: (as_of, source)})


def run(desk: Desk, request: str, prices: Mapping[str, str], **changes: Any) -> RunReport:
    """Execute a request at prices that nobody has looked at."""
    execution_request = replace(desk.execution_request(request), prices=quoted(prices), **changes)
    return report_of(execute(execution_request))


# --- stored ---


def test_the_prices_of_a_run_are_stored_and_its_orders_say_which_they_used(desk: Desk):
    desk.run([line("MSFT", "BUY", 10), line("KO", "SELL")], prices={"MSFT": "450", "KO": "60"})
    price, metadata = Price.objects.get(), Order.objects.get().metadata
    assert (price.security_id, price.price, price.source, price.as_of) == ("MSFT", Decimal(450), "given", NOW)
    assert (metadata["price_source"], metadata["price_as_of"]) == ("given", NOW.isoformat())


def test_a_default_price_is_not_stored_as_if_a_market_had_said_it(desk: Desk):
    desk.run([line("MSFT", "BUY", 10)], prices="450")
    assert not Price.objects.exists()


def test_a_stored_price_is_not_stored_again_under_another_name(desk: Desk):
    stored("MSFT", "450")
    chain = PriceChain((DatabaseSource(NOW),), now=NOW)
    report = desk.execute(desk.inbox.put([line("MSFT", "BUY", 10)]), prices={}, accepted_prices=frozenset())
    assert outcomes(report) == ["DEFERRED"]
    execution_request = replace(desk.execution_request(desk.inbox.put([line("MSFT", "BUY", 10)])), prices=chain)
    assert outcomes(report_of(execute(execution_request))) == ["EXECUTED"]
    assert Price.objects.count() == 1
    assert Order.objects.get().metadata["price_source"] == "database:yahoo"


def test_a_source_that_corrects_a_price_replaces_it():
    stored("MSFT", "450")
    stored("MSFT", "451")
    assert Price.objects.get().price == Decimal(451)


# --- held back ---


def test_a_price_far_from_the_last_close_holds_its_line_back_and_the_others_go_on(desk: Desk):
    stored("MSFT", "450")
    request = desk.inbox.put([line("MSFT", "BUY", 10), line("KO", "BUY", 5)])
    report = run(desk, request, {"MSFT": "45", "KO": "60"})
    assert outcomes(report) == ["QUARANTINED", "EXECUTED"]
    assert report.decisions[0].codes == ["PRICE_OUT_OF_BAND"]
    assert report.decisions[0].reason == (
        "Quarantined: the price of MSFT has to be confirmed "
        "(45.00 from file is more than 25 % from the last close, 450.00)."
    )
    assert not Price.objects.filter(price=45).exists()


def test_a_price_far_from_what_the_research_names_is_held_back_too(desk: Desk):
    request = desk.inbox.put([line("MSFT", "BUY", 10, current_price=300.0)])
    report = run(desk, request, {"MSFT": "450"})
    assert "the price that the research names, 300.00" in report.decisions[0].reason


def test_a_doubtful_price_does_not_mark_what_is_held(desk: Desk):
    desk.run([line("MSFT", "BUY", 10)], prices={"MSFT": "450"})
    later = {"now": NOW + timedelta(hours=1)}
    report = run(desk, desk.inbox.put([line("KO", "BUY", 5)]), {"MSFT": "4500", "KO": "60"}, **later)
    assert desk.position("MSFT").mark_price == Decimal(450)
    assert report.summary.total_portfolio_value == "100000.00"


def test_a_confirmed_price_is_traded_at_once(desk: Desk):
    stored("MSFT", "450")
    request = desk.inbox.put([line("MSFT", "BUY", 10)])
    assert outcomes(run(desk, request, {"MSFT": "45"}, accepted_prices=frozenset({"MSFT"}))) == ["EXECUTED"]


def test_a_line_that_was_held_back_runs_once_it_is_confirmed_and_only_that_line(desk: Desk):
    stored("MSFT", "450")
    request = desk.inbox.put([line("KO", "BUY", 5), line("MSFT", "BUY", 10), line("PG", "BUYY", 3)])
    prices = {"MSFT": "45", "KO": "60", "PG": "100"}
    first = run(desk, request, prices)
    assert outcomes(first) == ["EXECUTED", "QUARANTINED", "QUARANTINED"]

    confirmed = {"accepted_prices": frozenset({"MSFT", "KO", "PG"})}
    second = run(desk, request, prices, **confirmed)
    assert (second.run.replay, second.run.sequence, second.run.id != first.run.id) == (False, 2, True)
    assert [f"{item.line} {item.outcome}" for item in second.decisions] == ["2 EXECUTED"]
    assert_books_balance(desk.account)

    before = whole_database()
    again = run(desk, request, prices, **confirmed)
    assert (again.run.replay, again.run.id) == (True, second.run.id)
    assert run(desk, request, prices).run.replay
    assert whole_database() == before
    assert sorted(order.security_id for order in Order.objects.all()) == ["KO", "MSFT"]


def test_what_is_confirmed_for_another_symbol_changes_nothing(desk: Desk):
    stored("MSFT", "450")
    request = desk.inbox.put([line("MSFT", "BUY", 10)])
    first = run(desk, request, {"MSFT": "45"})
    again = run(desk, request, {"MSFT": "45"}, accepted_prices=frozenset({"KO"}))
    assert (again.run.replay, again.run.id) == (True, first.run.id)


def test_another_account_is_not_held_back_by_what_this_one_decided(desk: Desk):
    stored("MSFT", "450")
    request = desk.inbox.put([line("MSFT", "BUY", 10)])
    run(desk, request, {"MSFT": "45"})
    other = replace(desk, provider="openai")
    report = run(other, request, {"MSFT": "45"}, accepted_prices=frozenset({"MSFT"}))
    assert (report.run.sequence, outcomes(report)) == (1, ["EXECUTED"])


def test_a_follow_up_does_not_sweep_what_it_does_not_see(desk: Desk):
    desk.run([line("KO", "BUY", 5)], prices={"KO": "60"})
    stored("MSFT", "450")
    request = desk.inbox.put([line("MSFT", "BUY", 10), line("KO", "BUY", 5)])
    sweep = {"mode": Mode.REBALANCE, "close_unlisted": True, "now": NOW + timedelta(hours=1)}
    run(desk, request, {"MSFT": "45", "KO": "60"}, **sweep)
    report = run(desk, request, {"MSFT": "45", "KO": "60"}, accepted_prices=frozenset({"MSFT"}), **sweep)
    assert [(item.symbol, item.outcome) for item in report.decisions] == [("MSFT", "EXECUTED")]
    assert desk.position("KO").quantity == Decimal("83.33")


def test_a_preview_of_a_follow_up_shows_its_lines_and_its_token_holds(desk: Desk):
    stored("MSFT", "450")
    request = desk.inbox.put([line("KO", "BUY", 5), line("MSFT", "BUY", 10)])
    run(desk, request, {"MSFT": "45", "KO": "60"})
    chain = quoted({"MSFT": "45", "KO": "60"})
    execution_request = replace(desk.execution_request(request), prices=chain, accepted_prices=frozenset({"MSFT"}))
    seen = report_of(preview(execution_request))
    assert [item.line for item in seen.decisions] == [2]
    done = report_of(execute(replace(execution_request, plan_token=seen.plan_token)))
    assert [item.outcome for item in done.decisions] == ["EXECUTED"]


# --- the last close ---


def test_the_last_close_is_the_newest_price_before_the_quote():
    stored("MSFT", "400", days_ago=3)
    stored("MSFT", "450", days_ago=1)
    assert closes("MSFT") == {"MSFT": Decimal(450)}
    assert closes("MSFT", YESTERDAY - timedelta(hours=1)) == {"MSFT": Decimal(400)}
    assert closes("KO") == {}


def test_a_quote_is_not_compared_with_itself_but_with_what_another_source_says_of_the_same_time():
    stored("MSFT", "400", days_ago=3)
    stored("MSFT", "450", days_ago=1)
    assert closes("MSFT", YESTERDAY, "yahoo") == {"MSFT": Decimal(400)}
    assert closes("MSFT", YESTERDAY, "alpaca") == {"MSFT": Decimal(450)}


def test_a_close_of_more_than_thirty_days_ago_says_nothing():
    stored("MSFT", "400", days_ago=31)
    assert closes("MSFT") == {}


def test_a_close_from_before_a_split_is_compared_in_new_units():
    stored("NVDA", "1200", days_ago=2)
    context = AuditContext(actor="alice", now=NOW)
    apply_split(symbol="NVDA", ratio=Fraction(10), on=YESTERDAY.date(), context=context)
    assert closes("NVDA") == {"NVDA": Decimal(120)}


def test_a_split_before_the_close_or_after_the_quote_changes_nothing():
    stored("NVDA", "1200", days_ago=2)
    context = AuditContext(actor="alice", now=NOW + timedelta(days=3))
    for day in (date(2025, 12, 1), (NOW + timedelta(days=3)).date()):
        apply_split(symbol="NVDA", ratio=Fraction(10), on=day, context=context)
    assert closes("NVDA") == {"NVDA": Decimal(1200)}


# --- missing ---


def test_a_holding_without_a_price_is_sold_at_its_last_mark_and_says_so(desk: Desk):
    desk.run([line("MSFT", "BUY", 10)], prices={"MSFT": "450"})
    report = desk.run([line("MSFT", "SELL")], prices={"KO": "60"}, now=NOW + timedelta(hours=1))
    assert report.decisions[0].codes == ["LAST_MARK"]
    assert report.decisions[0].reason.endswith("; no source had a price for MSFT, so its last mark was used.")
    order = Order.objects.get(action="SELL")
    assert (order.limit_price, order.metadata["price_source"]) == (Decimal(450), "last mark")
    assert order.metadata["price_as_of"] == NOW.isoformat()
    assert_books_balance(desk.account)


def test_a_holding_without_a_price_is_not_added_to(desk: Desk):
    desk.run([line("MSFT", "BUY", 10)], prices={"MSFT": "450"})
    report = desk.run([line("MSFT", "BUY", 5)], prices={"KO": "60"})
    assert [(item.outcome, item.codes) for item in report.decisions] == [("DEFERRED", ["NO_PRICE"])]


def test_an_inactive_security_is_sold_and_not_bought(desk: Desk):
    desk.run([line("PARA", "BUY", 10)], prices={"PARA": "11"})
    Security.objects.filter(symbol="PARA").update(is_active=False)
    assert desk.run([line("PARA", "BUY", 5)], prices={"PARA": "11"}).decisions[0].codes == ["SECURITY_INACTIVE"]
    assert outcomes(desk.run([line("PARA", "SELL")], prices={"PARA": "11"})) == ["EXECUTED"]
    assert PortfolioAccount.objects.get().equity_value == 0


def test_a_run_says_whether_the_market_was_open(desk: Desk):
    monday, sunday = NOW.replace(hour=15), NOW.replace(hour=15) - timedelta(days=1)
    assert desk.run([line("MSFT", "BUY", 1)], now=monday).run.market_open is True
    assert desk.run([line("MSFT", "BUY", 1)], now=sunday).run.market_open is False
    assert list(ExecutionRun.objects.order_by("started_at").values_list("is_market_open", flat=True)) == [
        False,
        True,
    ]
