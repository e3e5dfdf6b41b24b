"""What needs attention: one list, which the admin and the dashboard show."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from execution.models import ExecutionRun
from execution.research.resolutions import Author, ResolutionInput, resolve_line
from execution.research.scan import scan_inbox
from execution.selectors import attention as selectors
from execution.selectors.attention import AttentionItem, attention
from portfolios import ledger
from portfolios.domain.accounting import Side
from portfolios.ledger import AuditContext, Effect
from portfolios.ledger.triggers import install_triggers, remove_triggers
from portfolios.models import AccountSummary, PortfolioAccount, Position, RiskPolicy, Security
from tests.portfolios.ledger.actions import dividend, on_day, split, trade
from tests.portfolios.ledger.by_hand import hold
from tests.scenes import NOW, Desk, line, mark_all

DAY = timedelta(days=1)
pytestmark = pytest.mark.django_db


def found(desk: Desk) -> dict[str, AttentionItem]:
    """Return what needs attention a day later, by the name of its kind."""
    items = attention(now=NOW + DAY, price_max_age=2, root=desk.inbox.root)
    return {item.name: item for item in items}


def counts(desk: Desk) -> dict[str, int]:
    """Return how much of each kind needs attention."""
    return {name: item.count for name, item in found(desk).items()}


def test_where_everything_is_in_order_nothing_needs_attention(desk: Desk):
    desk.run([line("MSFT", "BUY", 10)])
    Security.objects.update(is_verified=True)
    assert counts(desk) == {}


def test_a_request_needs_attention_from_its_arrival_to_its_execution(desk: Desk):
    request = desk.inbox.put([line("MSFT", "HOLD")])
    assert counts(desk) == {"arrived": 1}
    scan_inbox(desk.inbox.root, now=NOW)
    assert counts(desk) == {"new-requests": 1}
    desk.execute(request)
    assert counts(desk) == {}


def test_a_quarantined_line_needs_an_answer_and_then_an_execution(desk: Desk):
    report = desk.run([line("KO", "PANIC", 3)])
    assert counts(desk) == {"waiting-lines": 1}
    said = Author(actor="bob", reason="I asked", now=NOW + DAY)
    resolve_line(
        request_id=uuid.UUID(report.run.request_id), line=1, resolution=ResolutionInput(action="HOLD"), author=said
    )
    assert counts(desk) == {"resolved-lines": 1}


def fail(desk: Desk) -> None:
    ExecutionRun.objects.update(status="failed", started_at=NOW)


def limit(desk: Desk) -> None:
    PortfolioAccount.objects.update(trading_state="REDUCING")


def age(desk: Desk) -> None:
    Position.objects.update(marked_at=NOW - 3 * DAY)  # two sessions have closed since


def book_elsewhere(desk: Desk) -> None:
    AccountSummary.objects.update(book_version=F("book_version") - 1)


def lose_cash(desk: Desk) -> None:
    remove_triggers(connection)
    PortfolioAccount.objects.update(cash_balance=F("cash_balance") - 1, equity_value=F("equity_value") + 1)
    install_triggers(connection)


def mark_up(desk: Desk) -> None:
    PortfolioAccount.objects.update(equity_value=F("equity_value") + 1)


@pytest.mark.parametrize(
    ("happens", "name", "is_urgent"),
    [
        (fail, "failed-runs", True),
        (limit, "limited-accounts", False),
        (age, "old-marks", False),
        (book_elsewhere, "outdated-measures", False),
        (mark_up, "outdated-measures", False),
        (lose_cash, "books", True),
    ],
)
def test_what_happens_to_the_books_needs_attention(
    desk: Desk, happens: Callable[[Desk], None], name: str, is_urgent: bool
):
    desk.run([line("MSFT", "BUY", 10)])
    Security.objects.update(is_verified=True)
    happens(desk)
    assert {key: (item.count, item.is_urgent) for key, item in found(desk).items()} == {name: (1, is_urgent)}


def test_missing_triggers_need_attention(desk: Desk):
    remove_triggers(connection)
    assert found(desk)["triggers"].is_urgent


def test_one_thing_is_not_called_as_several(desk: Desk):
    desk.run([line("KO", "PANIC", 3)])
    assert found(desk)["waiting-lines"].what == "quarantined line that waits for a person"
    desk.run([line("KO", "PANIC", 3)], now=NOW + DAY)
    assert found(desk)["waiting-lines"].what == "quarantined lines that wait for a person"


def test_an_account_that_owes_a_dividend_needs_cash(desk: Desk):
    RiskPolicy.objects.create(strategy=desk.strategy, allow_short=True)
    desk.run([line("GME", "SELL_SHORT", 10)], prices={"GME": "100"})
    assert "owing-accounts" not in found(desk)
    dividend("GME", "1101", on=1)
    item = found(desk)["owing-accounts"]
    assert (item.count, item.what, item.is_urgent) == (
        1,
        "account owes a dividend that its cash did not cover",
        True,
    )
    ledger.deposit(desk.account, amount=Decimal(100), context=on_day(2))
    assert "owing-accounts" not in found(desk)


def test_a_position_that_a_split_left_out_stays_in_sight_until_somebody_states_it(desk: Desk):
    """Its units are old ones, while every price from now on is per new unit."""
    desk.run([line("MSFT", "BUY", 10)], prices={"MSFT": "10"})
    other = replace(desk, provider="openai")
    other.run([line("MSFT", "BUY", 10)], prices={"MSFT": "10"})
    trade(desk.account, "SELL 500 MSFT @ 10", on=2)
    assert "left-out-positions" not in found(desk)
    assert len(split("MSFT", "1:10", on=1, booked=3, price="100").having(Effect.LEFT_OUT)) == 1
    item = found(desk)["left-out-positions"]
    assert (item.count, item.is_urgent) == (1, True)
    hold(desk.account, "MSFT", Side.LONG, "50", "100", now=NOW + timedelta(days=4))
    assert "left-out-positions" not in found(desk)


def test_counting_stops_where_more_makes_no_difference(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(selectors, "MOST", 2)
    for symbol in ("A", "B", "C"):
        Security.objects.create(symbol=symbol)
    item = found(desk)["unverified-securities"]
    assert (item.count, item.shown) == (2, "2+")


def test_all_kinds_are_counted_by_one_query(desk: Desk):
    desk.run([line("MSFT", "BUY", 10), line("KO", "PANIC", 3)])
    with CaptureQueriesContext(connection) as queries:
        assert set(counts(desk)) == {"waiting-lines", "unverified-securities"}
    assert len(queries) == 2  # the other one is about triggers


def test_the_admin_and_the_dashboard_say_the_same(desk: Desk):
    desk.run([line("MSFT", "BUY", 10), line("KO", "PANIC", 3)])
    limit(desk)
    user = Client()
    user.force_login(User.objects.create_superuser("boss"))
    assert Path(settings.ARTIFACTS_ROOT) == desk.inbox.root
    dashboard = [
        (item.shown, item.what) for item, _ in user.get(reverse("dashboard:overview")).context["attention"]
    ]
    admin = [(item.shown, item.what) for item, _ in user.get(reverse("admin:index")).context["concerns"]]
    assert dashboard == admin
    assert len(dashboard) >= 3


# --- the margin, and prices that wait ---


@pytest.fixture
def short(desk: Desk) -> Desk:
    """Return a desk that is short 200 KO @ 100, with 120,000 in cash: 30,000 of it stand behind the short."""
    RiskPolicy.objects.create(strategy=desk.strategy, allow_short=True)
    desk.run([line("KO", "SELL_SHORT", 20)], prices={"KO": "100"})
    Security.objects.update(is_verified=True)
    return desk


@pytest.mark.parametrize(
    ("price", "kinds"),
    [("400", {}), ("401", {"margin-deficit": 1}), ("599", {"margin-deficit": 1}), ("600", {"margin-no-equity": 1})],
)
def test_a_mark_that_takes_an_account_below_its_margin_needs_attention(
    short: Desk, price: str, kinds: dict[str, int]
):
    mark_all({"KO": price}, at=NOW + DAY, accepted=["KO"])
    assert counts(short) == kinds
    assert all(item.is_urgent for item in found(short).values())


def test_a_withdrawal_by_mistake_that_is_corrected_needs_attention_until_cash_comes_back(short: Desk):
    context = AuditContext(actor="bob", now=NOW, reason="as the custodian says")
    ledger.correct_cash(short.account, balance=Decimal(29_999), context=context)
    assert counts(short) == {"margin-deficit": 1, "outdated-measures": 1}
    ledger.deposit(short.account, amount=Decimal(1), context=context)
    assert "margin-deficit" not in counts(short)


def test_the_items_of_the_margin_open_exactly_these_accounts(short: Desk):
    other = replace(short, provider="openai")
    other.run([line("MSFT", "BUY", 10)], prices={"MSFT": "100"})
    mark_all({"KO": "450", "MSFT": "100"}, at=NOW + DAY, accepted=["KO"])
    user = Client()
    user.force_login(User.objects.create_superuser("boss"))
    admin = {item.name: address for item, address in user.get(reverse("admin:index")).context["concerns"]}
    listed = user.get(admin["margin-deficit"]).context["cl"].result_list
    assert [row.pk for row in listed] == [short.account.pk]
    pages = {item.name: address for item, address in user.get("/").context["attention"]}
    rows = user.get(pages["margin-deficit"].partition("#")[0]).context["tables"]["accounts"].rows
    assert [row.values["note"] for row in rows] == ["below the margin of its shorts"]
    assert [row.values["provider"] for row in rows] == ["Anthropic"]


def test_a_price_that_waits_is_named_with_its_symbol_and_its_difference(desk: Desk):
    desk.run([line("MSFT", "BUY", 10)], prices={"MSFT": "100"})
    Security.objects.update(is_verified=True)
    mark_all({"MSFT": "36"}, at=NOW + DAY)
    item = found(desk)["refused-prices"]
    assert (item.count, item.what) == (1, "price of something held that waits for a person")
    assert item.hint.startswith("MSFT 36.00 from file (-64.00 %). Too far from the last one")
    desk.run([line("MSFT", "SELL")], prices={"MSFT": "100"}, now=NOW + DAY)
    assert "refused-prices" not in counts(desk)
