"""Actions of the admin that execute, what needs attention, and the trail of who did what."""

import csv
import hashlib
import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags

import folios.urls  # noqa: F401  # discovers the admin's modules
from common.web.export import csv_lines, json_lines, safe_cell
from execution.engine.parsing.artifact import content_digest
from execution.models import ExecutionRun, LineResolution, MappingRule, Recommendation, ResearchRequest, Reversal
from portfolios.ledger import check_books
from portfolios.models import (
    LedgerEntry,
    Order,
    PortfolioAccount,
    Position,
    Price,
    Security,
    Strategy,
    TradingStateChange,
    Valuation,
)
from tests.folios.admin.admin_forms import act, add, confirm, edit, errors_of, hidden, page
from tests.scenes import NOW, Desk, line, whole_database

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(client: Client) -> Client:
    """Return a browser with a superuser logged in."""
    client.force_login(User.objects.create_superuser("boss", password="x"))
    return client


def options(desk: Desk, **more: str) -> dict[str, str]:
    """Return what is filled in to execute research for the desk."""
    return {"strategy": str(desk.strategy.pk), "provider": desk.provider, "mode": "allocate",
            "default_price": "100", "initial_balance": "100000", **more}  # fmt: skip


def test_a_request_is_previewed_and_executed_as_it_was_shown(boss: Client, desk: Desk):
    request_id = desk.inbox.put([line("MSFT", "BUY", 10), line("KO", "PANIC", 3)])
    address = page(ResearchRequest, "do", "execute-request")
    shown = boss.post(address, {**options(desk), "request_id": request_id, "_preview": "1"})
    assert "10,000.00" in shown.content.decode()
    assert not ExecutionRun.objects.exists()
    done = confirm(boss, address, "morning round", request_id=request_id, **options(desk))
    assert done.status_code == 302, errors_of(done)
    run = ExecutionRun.objects.get()
    assert (run.actor, run.source, run.order_count) == ("boss", "admin", 1)
    again = boss.post(address, {**options(desk), "request_id": request_id, "_preview": "1"})
    assert "was executed before" in again.content.decode()


def test_what_the_service_refuses_is_said_and_nothing_is_executed(boss: Client, desk: Desk):
    address = page(ResearchRequest, "do", "execute-request")
    missing = "11111111-1111-4111-8111-111111111111"
    shown = boss.post(address, {**options(desk), "request_id": missing, "_preview": "1"})
    assert "REQUEST_NOT_FOUND" in errors_of(shown)
    wrong = boss.post(address, {**options(desk, default_price="cheap"), "request_id": missing, "_preview": "1"})
    assert "BAD_PRICE" in errors_of(wrong)
    assert not ExecutionRun.objects.exists()


def test_a_plan_that_has_changed_since_its_preview_is_not_executed(boss: Client, desk: Desk):
    request_id = desk.inbox.put([line("MSFT", "BUY", 10)])
    address = page(ResearchRequest, "do", "execute-request")
    sent = {**options(desk), "request_id": request_id}
    why = boss.post(address, {**sent, "_preview": "1"}).context["why"].initial
    desk.run([line("KO", "BUY", 10)])
    late = boss.post(address, {**sent, **why, "reason": "late", "_confirm": "1"})
    assert "PLAN_CHANGED" in errors_of(late)
    assert ExecutionRun.objects.count() == 1


def test_the_prices_of_a_plan_are_shown_and_one_can_be_typed_beside_each(boss: Client, desk: Desk):
    request_id = desk.inbox.put([line("MSFT", "BUY", 10, current_price=455), line("KO", "BUY", 10)])
    address = page(ResearchRequest, "do", "execute-request")
    sent = {**options(desk, default_price=""), "request_id": request_id}
    shown = boss.post(address, {**sent, "_preview": "1"})
    (prices,) = shown.context["effect"].tables
    assert [tuple(strip_tags(cell) for cell in row[:5]) for row in prices.rows] == [
        ("KO", "100.00", "", "default price", ""),
        ("MSFT", "", "", "no price: the research names 455.00, more than 25 % from the default price, 100.00", ""),
    ]
    assert shown.context["buttons"][0].label == "Execute at default prices"
    assert [row[7].startswith("BUY. At a default price. ") for row in shown.context["effect"].rows] == [False, True]

    typed = {**sent, "price.MSFT": "450", "price.KO": "70"}
    shown = boss.post(address, {**typed, "_preview": "1"})
    assert [tuple(strip_tags(cell) for cell in row[:5]) for row in shown.context["effect"].tables[0].rows] == [
        ("KO", "70.00", "", "typed", "now"), ("MSFT", "450.00", "", "typed", "now"),
    ]  # fmt: skip
    assert shown.context["buttons"][0].label == "Execute"
    assert 'value="KO=70, MSFT=450"' in shown.content.decode()
    done = boss.post(address, {**typed, **shown.context["why"].initial, "reason": "I know", "_confirm": "1"})
    assert done.status_code == 302, errors_of(done)
    assert {order.security_id: order.limit_price for order in Order.objects.all()} == {"KO": 70, "MSFT": 450}


def test_a_typed_price_that_prices_nothing_is_refused_by_name(boss: Client, desk: Desk):
    request_id = desk.inbox.put([line("ORCL", "BUY", 10)])
    address = page(ResearchRequest, "do", "execute-request")
    asked = {**options(desk), "request_id": request_id, "prices": "OCRL=220", "_preview": "1"}
    assert "the price of OCRL prices nothing: is ORCL meant?" in boss.post(address, asked).content.decode()


def test_a_price_that_is_typed_for_several_requests_is_for_one_of_them(boss: Client, desk: Desk):
    for symbol in ("MSFT", "ORCL"):
        desk.run([line(symbol, "BUY", 10)])
    rows = list(ResearchRequest.objects.all())
    ticked = {"action": "execute", "_selected_action": [str(row.pk) for row in rows]}
    address = boss.post(page(ResearchRequest, "changelist"), ticked).headers["Location"]
    asked = options(desk, provider="openai", prices="OCRL=220")
    shown = boss.post(address, {**hidden(boss.get(address)), **asked, "_preview": "1"})
    assert "the price of OCRL prices nothing: is ORCL meant?" in shown.content.decode()
    done = confirm(boss, address, "for the other provider", **{**asked, "prices": "ORCL=220, MSFT=450"})
    assert done.status_code == 302, errors_of(done)
    orders = Order.objects.filter(account__provider="openai")
    assert {order.security_id: order.limit_price for order in orders} == {"ORCL": 220, "MSFT": 450}


def test_a_price_that_is_typed_and_not_looked_at_is_shown_first(boss: Client, desk: Desk):
    request_id = desk.inbox.put([line("KO", "BUY", 10)])
    address = page(ResearchRequest, "do", "execute-request")
    sent = {**options(desk), "request_id": request_id}
    why = boss.post(address, {**sent, "_preview": "1"}).context["why"].initial
    late = boss.post(address, {**sent, **why, "price.KO": "70", "reason": "quick", "_confirm": "1"})
    assert "You changed the options" in errors_of(late)
    assert not ExecutionRun.objects.exists()


def test_requests_that_were_read_before_are_executed_for_another_account(boss: Client, desk: Desk):
    for symbol in ("MSFT", "KO"):
        desk.run([line(symbol, "BUY", 10)])
    rows = list(ResearchRequest.objects.all())
    ticked = {"action": "execute", "_selected_action": [str(row.pk) for row in rows]}
    address = boss.post(page(ResearchRequest, "changelist"), ticked).headers["Location"]
    done = confirm(boss, address, "for the other provider", **options(desk, provider="openai"))
    assert done.status_code == 302, errors_of(done)
    account = PortfolioAccount.objects.get(provider="openai")
    assert Order.objects.filter(account=account).count() == 2
    assert check_books(account) == []


def test_an_account_is_brought_back_to_its_latest_research(boss: Client, desk: Desk):
    desk.run([line("MSFT", "BUY", 10)])
    Price.objects.filter(security_id="MSFT").delete()
    done = act(boss, desk.account, "rebalance", "drifted", default_price="50")
    assert done.status_code == 302, errors_of(done)
    assert ExecutionRun.objects.latest("started_at").request.origin == "rebalance"
    assert check_books(desk.account) == []


def test_without_research_there_is_nothing_to_rebalance_to(boss: Client, strategy: Strategy):
    add(boss, PortfolioAccount, "", strategy=strategy.pk, provider="custom", initial_balance="5")
    account = PortfolioAccount.objects.get()
    shown = boss.get(f"{page(PortfolioAccount, 'do', 'rebalance')}?ids={account.pk}")
    assert "NO_RESEARCH" in errors_of(shown)


def test_every_account_is_marked_to_market(boss: Client, desk: Desk, settings: Any):
    settings.PRICE_SOURCES = ["database"]
    desk.run([line("MSFT", "BUY", 10)])
    later = datetime.now(UTC) - timedelta(minutes=1)
    Price.objects.create(security_id="MSFT", price=Decimal(110), source="test", as_of=later)
    address = page(PortfolioAccount, "do", "mark-to-market")
    assert "110.00" in boss.get(address).content.decode()
    assert confirm(boss, address, "end of day").status_code == 302
    assert Position.objects.get().mark_price == 110
    assert Valuation.objects.latest("pk").equity == 11_000


# --- runs that are taken back or tried again ---


def person(*may: str) -> Client:
    """Return the browser of somebody who may do these things, and look at everything."""
    user = User.objects.create_user("pat", is_staff=True)
    looks = Permission.objects.filter(codename__startswith="view_")
    user.user_permissions.set([*looks, *Permission.objects.filter(codename__in=may)])
    client = Client()
    client.force_login(user)
    return client


def previewed(client: Client, row: Model, action: str, /, **options: str) -> Any:
    """Open an action on a row, fill it in and look at the preview; nothing is written by that."""
    before = whole_database()
    address = f"{page(type(row), 'do', action)}?ids={row.pk}"
    shown = client.get(address)
    if options:
        shown = client.post(address, {**hidden(shown), **options, "_preview": "1"})
    assert whole_database() == before
    return shown


def test_a_run_is_taken_back_with_a_reason(boss: Client, desk: Desk):
    desk.run([line("MSFT", "BUY", 10)])
    run = ExecutionRun.objects.get()
    text = previewed(boss, run, "reverse").content.decode()
    assert "Cash moves by $10,000.00 to $100,000.00" in text
    assert "Give a reason" in errors_of(act(boss, run, "reverse", ""))
    assert not Reversal.objects.exists()
    done = act(boss, run, "reverse", "wrong research")
    assert done.status_code == 302, errors_of(done)
    reversal = Reversal.objects.get()
    assert (reversal.actor, reversal.source, reversal.reason) == ("boss", "admin", "wrong research")
    assert desk.account.cash_balance == 100_000
    assert check_books(desk.account) == []
    shown = boss.get(page(ExecutionRun, "change", run.pk)).content.decode()
    assert "wrong research" in shown
    assert page(ExecutionRun, "do", "reverse") not in shown
    assert "was reversed at" in errors_of(previewed(boss, run, "reverse"))


def test_a_run_that_something_stands_on_is_not_taken_back(boss: Client, desk: Desk):
    first = desk.run([line("MSFT", "BUY", 10)])
    desk.run([line("MSFT", "SELL", 5)])
    run = ExecutionRun.objects.get(pk=str(first.run.id))
    assert "RUN_HAS_SUCCESSORS" in errors_of(previewed(boss, run, "reverse"))


def failed_run(desk: Desk) -> ExecutionRun:
    """Return a failed run of a request that nobody has executed."""
    like = ExecutionRun.objects.get(pk=str(desk.run([line("KO", "BUY", 1)]).run.id))
    request_id = desk.inbox.put([line("MSFT", "BUY", 10)])
    (written,) = (desk.inbox.root / request_id).glob("*/structured.json")
    request = ResearchRequest.objects.create(pk=request_id, received_at=NOW, state="failed")
    return ExecutionRun.objects.create(
        request=request, strategy=desk.strategy, provider=desk.provider, account=desk.account, status="failed",
        task_id=written.parent.name, digest=content_digest(written.read_bytes()), parameters=like.parameters,
        actor="alice", source="service", started_at=NOW, finished_at=NOW, error="The database was gone.",
    )  # fmt: skip


def test_a_failed_run_is_tried_again_as_it_was_previewed(boss: Client, desk: Desk):
    failed = failed_run(desk)
    assert (
        page(ExecutionRun, "do", "try-again") in boss.get(page(ExecutionRun, "change", failed.pk)).content.decode()
    )
    shown = previewed(boss, failed, "try-again", default_price="100")
    assert "1 order from 1 recommendation" in shown.content.decode()
    assert "Give a reason" in errors_of(act(boss, failed, "try-again", "", default_price="100"))
    done = act(boss, failed, "try-again", "it is back", default_price="100")
    assert done.status_code == 302, errors_of(done)
    run = ExecutionRun.objects.get(request=failed.request, status="succeeded")
    assert (run.actor, run.source, run.order_count) == ("boss", "admin", 1)
    assert check_books(desk.account) == []
    assert "RUN_NOT_FAILED" in errors_of(previewed(boss, failed, "try-again", default_price="100"))


# --- accounts that are halted and freed ---


@pytest.mark.parametrize(
    ("action", "before", "after"),
    [("halt", "ACTIVE", "HALTED"), ("reduce-only", "ACTIVE", "REDUCING"), ("activate", "HALTED", "ACTIVE")],
)
def test_an_account_is_halted_limited_and_freed(boss: Client, desk: Desk, action: str, before: str, after: str):
    desk.run([line("MSFT", "BUY", 10)])
    PortfolioAccount.objects.update(trading_state=before)
    previewed(boss, desk.account, action)
    assert "Give a reason" in errors_of(act(boss, desk.account, action, " "))
    assert desk.account.trading_state == before
    assert act(boss, desk.account, action, "earnings tomorrow").status_code == 302
    change = TradingStateChange.objects.get()
    assert (change.before, change.after, change.actor, change.reason) == (
        before,
        after,
        "boss",
        "earnings tomorrow",
    )
    assert desk.account.trading_state == after
    assert check_books(desk.account) == []
    assert "already" in errors_of(previewed(boss, desk.account, action))


def test_several_accounts_are_halted_at_once(boss: Client, desk: Desk):
    for provider in ("anthropic", "openai"):
        replace(desk, provider=provider).run([line("MSFT", "BUY", 10)])
    keys = [str(key) for key in PortfolioAccount.objects.values_list("pk", flat=True)]
    ticked = {"action": "halt", "_selected_action": keys}
    address = boss.post(page(PortfolioAccount, "changelist"), ticked).headers["Location"]
    assert confirm(boss, address, "all of them").status_code == 302
    assert TradingStateChange.objects.count() == 2


def test_an_account_that_changed_its_state_since_the_preview_stays_as_it_is(boss: Client, desk: Desk):
    desk.run([line("MSFT", "BUY", 10)])
    PortfolioAccount.objects.update(trading_state="REDUCING")
    address = f"{page(PortfolioAccount, 'do', 'activate')}?ids={desk.account.pk}"
    shown = hidden(boss.get(address))
    PortfolioAccount.objects.update(trading_state="HALTED")
    late = boss.post(address, {**shown, "reason": "all clear", "_confirm": "1"})
    assert "has changed since the preview" in errors_of(late)
    assert desk.account.trading_state == "HALTED"


# --- requests of the inbox ---


def scanned(boss: Client, desk: Desk) -> ResearchRequest:
    """Return a request that has arrived and says not whose it is."""
    request_id = desk.inbox.put([line("MSFT", "BUY", 10)])
    done = confirm(boss, page(ResearchRequest, "do", "scan"), "morning round")
    assert done.status_code == 302, errors_of(done)
    return ResearchRequest.objects.get(pk=request_id)


def test_the_inbox_is_scanned_and_a_request_assigned(boss: Client, desk: Desk):
    row = scanned(boss, desk)
    assert row.state == "new"
    owner = {"strategy": str(desk.strategy.pk), "provider": "openai"}
    assert "ready" in previewed(boss, row, "assign", **owner).content.decode()
    assert "Give a reason" in errors_of(act(boss, row, "assign", "", **owner))
    done = act(boss, row, "assign", "it is ours", **owner)
    assert done.status_code == 302, errors_of(done)
    row.refresh_from_db()
    assert (row.state, row.strategy, row.provider, row.assigned_by) == ("ready", desk.strategy, "openai", "boss")
    assert not ExecutionRun.objects.exists()


def test_a_scan_is_previewed_without_reading(boss: Client, desk: Desk):
    desk.inbox.put([line("MSFT", "BUY", 10)])
    shown = boss.get(page(ResearchRequest, "do", "scan")).content.decode()
    assert "1 request directory, 1 of them not in the list" in shown
    assert not ResearchRequest.objects.exists()


def test_a_request_is_ignored_and_brought_back(boss: Client, desk: Desk):
    row = scanned(boss, desk)
    previewed(boss, row, "ignore")
    assert "Give a reason" in errors_of(act(boss, row, "ignore", ""))
    assert act(boss, row, "ignore", "a test of theirs").status_code == 302
    row.refresh_from_db()
    assert (row.state, row.problems[0]["message"]) == ("ignored", "boss: a test of theirs")
    assert "REQUEST_NOT_READY" in errors_of(previewed(boss, row, "ignore"))
    done = act(boss, row, "assign", "no test", strategy=str(desk.strategy.pk), provider="openai")
    assert done.status_code == 302, errors_of(done)


def test_requests_are_decided_about_together_or_not_at_all(boss: Client, desk: Desk):
    waits = scanned(boss, desk)
    done = ResearchRequest.objects.get(pk=desk.run([line("KO", "BUY", 1)]).run.request_id)
    address = f"{page(ResearchRequest, 'do', 'ignore')}?ids={waits.pk},{done.pk}"
    late = boss.post(
        address, {"ids": f"{waits.pk},{done.pk}", "reason": "both", "previewed": EMPTY, "_confirm": "1"}
    )
    assert "REQUEST_NOT_READY" in errors_of(late)
    waits.refresh_from_db()
    assert waits.state == "new"


EMPTY = hashlib.sha256(b"{}").hexdigest()[:16]  # what a form without options was previewed with


# --- lines that wait for an answer ---

UNWRITTEN = {"action": "", "symbol": "", "size": ""}


def test_a_line_gets_its_meaning_and_trades_when_its_request_is_executed_again(boss: Client, desk: Desk):
    request_id = desk.inbox.put([line("MSFT", "BUY", 10), line("KO", "PANIC", 3)])
    desk.execute(request_id)
    row = Recommendation.objects.get(symbol="KO")
    answer = {**UNWRITTEN, "action": "BUY"}
    text = previewed(boss, row, "resolve", **answer).content.decode()
    assert "is decided when its request is executed again" in text
    assert "Give a reason" in errors_of(act(boss, row, "resolve", "", **answer))
    assert waiting(boss) == [1, 0]
    done = act(boss, row, "resolve", "they meant it", **answer)
    assert done.status_code == 302, errors_of(done)
    resolution = LineResolution.objects.get()
    assert (resolution.line, resolution.action, resolution.actor, resolution.reason) == (
        2, "BUY", "boss", "they meant it",
    )  # fmt: skip
    assert not MappingRule.objects.exists()
    assert waiting(boss) == [0, 1]
    text = boss.get(page(Recommendation, "change", row.pk)).content.decode()
    again = re.search(r'href="([^"]*do/execute/[^"]*)"', text)
    assert again
    done = confirm(boss, unescape(again[1]), "answered", **options(desk))
    assert done.status_code == 302, errors_of(done)
    assert Order.objects.filter(account=desk.account).count() == 2
    assert waiting(boss) == [0, 0]
    assert check_books(desk.account) == []


def waiting(client: Client) -> list[int]:
    """Return how many lines wait for an answer, and for their execution, as the lists have it."""
    return [
        client.get(page(Recommendation, "changelist"), {"waits": what}).context["cl"].result_count
        for what in ("answer", "execution")
    ]


def test_an_answer_is_kept_as_a_rule_for_the_provider(boss: Client, desk: Desk):
    desk.run([line("KO", "PANIC", 3)])
    row = Recommendation.objects.get()
    answer = {**UNWRITTEN, "action": "SELL", "keep": "on"}
    assert "of Anthropic means SELL" in previewed(boss, row, "resolve", **answer).content.decode()
    assert act(boss, row, "resolve", "their word for it", **answer).status_code == 302
    rule = MappingRule.objects.get()
    assert (rule.provider, rule.field, rule.written, rule.meaning) == ("anthropic", "action", "panic", "SELL")
    assert (rule.actor, rule.reason, LineResolution.objects.count()) == ("boss", "their word for it", 1)


def test_what_is_no_answer_is_refused(boss: Client, desk: Desk):
    desk.run([line("KO", "PANIC", 3), line("MSFT", "BUY", 5)])
    unclear, clear = Recommendation.objects.order_by("line")
    for values, said in (
        ({"size": "lots"}, "BAD_RESOLUTION"),
        ({"symbol": "K O !"}, "BAD_RESOLUTION"),
        ({"symbol": "PEP", "keep": "on"}, "no rule would have made this line clear"),
    ):
        assert said in errors_of(previewed(boss, unclear, "resolve", **{**UNWRITTEN, **values}))
    assert "would not take the line" in previewed(boss, unclear, "resolve", **UNWRITTEN).content.decode()
    assert "it was decided" in errors_of(previewed(boss, clear, "resolve", **UNWRITTEN))


def test_an_accepted_price_of_no_symbol_is_refused_by_name(boss: Client, desk: Desk):
    request_id = desk.inbox.put([line("MSFT", "BUY", 10)])
    address = page(ResearchRequest, "do", "execute-request")
    asked = {**options(desk, accepted="MSFT BP.L"), "request_id": request_id, "_preview": "1"}
    shown = boss.post(address, asked)
    assert "accepted prices 'BP.L': not a symbol: '.L' names a listing" in unescape(shown.content.decode())


def test_a_price_in_doubt_is_accepted_when_the_request_is_executed_again(boss: Client, desk: Desk):
    report = desk.run(
        [line("MSFT", "BUY", 5, current_price=100)], prices={"MSFT": "450"}, accepted_prices=frozenset()
    )
    assert report.decisions[0].codes == ["PRICE_OUT_OF_BAND"]
    request = ResearchRequest.objects.get()
    wrong = previewed(boss, request, "execute", **options(desk, default_price="450"))
    assert "was executed before" in wrong.content.decode()
    done = act(boss, request, "execute", "I looked", **options(desk, default_price="450", accepted="msft"))
    assert done.status_code == 302, errors_of(done)
    assert Order.objects.get().quantity == Decimal("11.11")
    assert check_books(desk.account) == []


def test_a_holding_that_keeps_its_last_mark_is_named_before_and_after(boss: Client, desk: Desk, settings: Any):
    desk.run([line("MSFT", "BUY", 10)], prices={"MSFT": "100"})
    for price, days in ((100, 2), (36, 0)):
        at = timezone.now() - timedelta(days=days, minutes=1)
        Price.objects.create(security_id="MSFT", price=price, source="yahoo", as_of=at)
    settings.PRICE_SOURCES = ["database"]
    request = desk.inbox.put([line("KO", "BUY", 5)])
    typed = {**options(desk, default_price="60"), "request_id": request}
    said = (
        "MSFT keeps its last mark of 100.00: 36.00 from database:yahoo is -64.00 % from it, and waits for a person."
    )
    address = page(ResearchRequest, "do", "execute-request")
    shown = boss.get(address)
    shown = boss.post(address, {**hidden(shown), **typed, "_preview": "1"})
    assert said in unescape(shown.content.decode())
    done = confirm(boss, address, "go", **typed)
    assert done.status_code == 302, errors_of(done)
    assert said in unescape(boss.get(done.headers["Location"]).content.decode())
    run = ExecutionRun.objects.latest("started_at")
    listed = boss.get(page(ExecutionRun, "change", run.pk)).content.decode()
    assert "Prices that waited for a person" in listed


def test_who_may_not_make_rules_may_still_answer(desk: Desk):
    desk.run([line("KO", "PANIC", 3)])
    client, row = person("add_lineresolution"), Recommendation.objects.get()
    answer = {**UNWRITTEN, "action": "SELL"}
    assert "not make rules" in errors_of(previewed(client, row, "resolve", **answer, keep="on"))
    assert act(client, row, "resolve", "clear to me", **answer).status_code == 302


def test_every_decision_needs_its_permission(desk: Desk):
    desk.run([line("KO", "PANIC", 3), line("MSFT", "BUY", 5)])
    needed = {
        (ExecutionRun, "reverse"): "add_reversal",
        (ExecutionRun, "try-again"): "add_executionrun",
        (PortfolioAccount, "halt"): "change_portfolioaccount",
        (PortfolioAccount, "reduce-only"): "change_portfolioaccount",
        (PortfolioAccount, "activate"): "change_portfolioaccount",
        (ResearchRequest, "assign"): "change_researchrequest",
        (ResearchRequest, "ignore"): "change_researchrequest",
        (ResearchRequest, "scan"): "add_researchrequest",
        (Recommendation, "resolve"): "add_lineresolution",
    }
    client = person()
    user = User.objects.get(username="pat")
    for (model, action), codename in needed.items():
        row = model._default_manager.order_by("pk")[0]
        address = f"{page(model, 'do', action)}?ids={row.pk}"
        assert (action, client.get(address).status_code) == (action, 403)
        user.user_permissions.add(Permission.objects.get(codename=codename))
        assert (action, client.get(address).status_code) == (action, 200)
        user.user_permissions.remove(Permission.objects.get(codename=codename))


# --- from one row to what belongs to it ---


def test_a_runs_page_has_its_lines_verdicts_orders_prices_and_digest(boss: Client, desk: Desk):
    desk.run([line("MSFT", "BUY", 30, rationale="cheap"), line("KO", "PANIC", 3)])
    run = ExecutionRun.objects.get()
    text = boss.get(page(ExecutionRun, "change", run.pk)).content.decode()
    for part in (
        run.digest, "alice", "Python call", "POSITION_LIMIT clamped", "BUY MSFT", "Quarantined", "simulation",
    ):  # fmt: skip
        assert part in text


def test_an_orders_page_has_the_line_of_json_that_it_comes_from(boss: Client, desk: Desk):
    desk.run([line("MSFT", "BUY", 10, rationale="it is cheap")])
    text = boss.get(page(Order, "change", Order.objects.get().pk)).content.decode()
    assert "it is cheap" in text
    assert page(ExecutionRun, "change", ExecutionRun.objects.get().pk) in text


def test_an_accounts_page_has_its_ledger_with_the_running_balance_and_its_runs(boss: Client, desk: Desk):
    desk.run([line("MSFT", "BUY", 10)])
    text = boss.get(page(PortfolioAccount, "change", desk.account.pk)).content.decode()
    for part in ("100,000.00", "90,000.00", "Initial balance", "Corrections", "Runs, newest first"):
        assert part in text


def test_a_strategys_history_says_what_changed_and_why(boss: Client, strategy: Strategy):
    edit(boss, strategy, "a better name", name="Big caps")
    text = boss.get(page(Strategy, "history", strategy.pk)).content.decode()
    for part in ("Large caps", "Big caps", "a better name", "boss"):
        assert part in text


# --- what needs attention ---


def test_the_first_page_says_what_waits_for_a_person(boss: Client, desk: Desk):
    desk.run([line("MSFT", "BUY", 10), line("KO", "PANIC", 3)])
    failed = str(desk.run([line("MSFT", "HOLD")]).run.id)
    ExecutionRun.objects.filter(pk=failed).update(status="failed", started_at="2999-01-01T00:00Z")
    ResearchRequest.objects.filter(runs__pk=failed).update(state="quarantined")
    PortfolioAccount.objects.update(trading_state="HALTED")
    text = boss.get(reverse("admin:index")).content.decode()
    for part in ("failed run", "quarantined line", "cannot be read", "halted", "older than", "not verified"):
        assert part in text


def test_every_concern_leads_to_a_list_that_opens(boss: Client, desk: Desk):
    desk.run([line("MSFT", "BUY", 10), line("KO", "PANIC", 3)])
    PortfolioAccount.objects.update(trading_state="HALTED")
    shown = boss.get(reverse("admin:index"))
    addresses = [address for _, address in shown.context["concerns"]]
    assert len(addresses) == 4
    for address in addresses:
        listed = boss.get(address)
        assert (address, listed.status_code) == (address, 200)
        assert listed.context["cl"].result_count > 0


def test_where_nothing_waits_the_first_page_says_so(boss: Client):
    assert "Nothing needs attention" in boss.get(reverse("admin:index")).content.decode()


# --- the trail ---


@pytest.fixture
def busy(boss: Client, desk: Desk) -> Desk:
    """Return a desk where research, the books and data were changed."""
    desk.run([line("MSFT", "BUY", 10)])
    edit(boss, desk.account, "bank statement", cash_balance="80000")
    edit(boss, desk.strategy, "renamed", name="Big caps")
    edit(boss, Security.objects.get(), "=cmd|'/C calc'!A0", sector="Energy")
    return desk


def trail(client: Client, **wanted: str) -> list[dict[str, Any]]:
    """Return the trail as its JSON file has it."""
    response: Any = client.get(reverse("audit"), {**wanted, "format": "json"})
    entries: list[dict[str, Any]] = json.loads(b"".join(response.streaming_content))
    return entries


def test_the_trail_has_ledger_runs_versions_and_the_admins_log_newest_first(boss: Client, busy: Desk):
    entries = trail(boss)
    assert {entry["source"] for entry in entries} == {"ledger", "run", "change", "admin"}
    times = [entry["when"] for entry in entries]
    assert times == sorted(times, reverse=True)
    correction = next(entry for entry in entries if entry["source"] == "ledger")
    assert (correction["who"], correction["what"], correction["reason"]) == (
        "boss", "Correction of -10000.00", "bank statement",
    )  # fmt: skip
    assert boss.get(reverse("audit")).status_code == 200
    for entry in entries:
        assert (entry["address"], boss.get(entry["address"]).status_code) == (entry["address"], 200)


TRAILS: list[tuple[dict[str, str], set[str]]] = [
    ({"person": "alice"}, {"run"}),
    ({"person": "boss", "source": "ledger"}, {"ledger"}),
    ({"symbol": "msft"}, {"run", "change", "admin"}),
    ({"account": "Big"}, {"run", "ledger", "change", "admin"}),
    ({"account": "nobody's"}, set()),
    ({"until": "2026-01-05"}, {"run"}),
    ({"until": "2026-01-04"}, set()),
    ({"since": "2026-01-06", "source": "run"}, set()),
]


def test_the_trail_is_filtered(boss: Client, busy: Desk, subtests: pytest.Subtests):
    for wanted, sources in TRAILS:
        with subtests.test(str(wanted)):
            assert {entry["source"] for entry in trail(boss, **wanted)} == sources
            assert boss.get(reverse("audit"), wanted).status_code == 200


@pytest.fixture
def decided(boss: Client, desk: Desk) -> Desk:
    """Return a desk where people decided what the ledger does not speak of."""
    desk.run([line("MSFT", "BUY", 10), line("KO", "PANIC", 3)])
    answer = {**UNWRITTEN, "action": "SELL", "keep": "on"}
    act(boss, Recommendation.objects.get(symbol="KO"), "resolve", "their word", **answer)
    act(boss, ExecutionRun.objects.get(), "reverse", "wrong research")
    act(boss, desk.account, "halt", "wrong feed")
    return desk


def test_the_trail_has_what_people_decided(boss: Client, decided: Desk):
    known = ("run", "ledger", "admin", "change")
    entries = {entry["source"]: entry for entry in trail(boss) if entry["source"] not in known}
    said = {source: (entry["who"], entry["what"], entry["reason"]) for source, entry in entries.items()}
    request = ResearchRequest.objects.get().pk
    assert said == {
        "answer": ("boss", f"Of request {request}, line 2: SELL", "their word"),
        "rule": ("boss", "Rule for Anthropic, version 1: action panic is SELL", "their word"),
        "reversal": ("boss", "Run reversed (source: Admin): 1 entry, cash 10000.00", "wrong research"),
        "state": ("boss", "Trading state from Active to Halted", "wrong feed"),
    }
    for entry in entries.values():
        assert (entry["address"], boss.get(entry["address"]).status_code) == (entry["address"], 200)


DECISIONS: list[tuple[dict[str, str], set[str]]] = [
    ({"symbol": "KO"}, {"answer", "reversal"}),
    ({"symbol": "PEP"}, set()),
    ({"account": "Large"}, {"answer", "reversal", "state"}),
    ({"account": "nobody's"}, set()),
    ({"person": "boss"}, {"answer", "reversal", "state", "rule"}),
    ({"person": "alice"}, set()),
]


def test_what_people_decided_is_filtered(boss: Client, decided: Desk, subtests: pytest.Subtests):
    for wanted, sources in DECISIONS:
        with subtests.test(str(wanted)):
            found = [trail(boss, **wanted, source=name) for name in ("answer", "reversal", "state", "rule")]
            assert {entry["source"] for entries in found for entry in entries} == sources


def test_the_trail_as_csv_has_no_formula(boss: Client, busy: Desk):
    response: Any = boss.get(reverse("audit"), {"format": "csv"})
    text = b"".join(response.streaming_content).decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert {row["reason"] for row in rows} >= {"'=cmd|'/C calc'!A0", "bank statement"}
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]


def test_a_person_sees_of_the_trail_what_they_may_see(busy: Desk):
    user = User.objects.create_user("auditor", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_ledgerentry"))
    client = Client()
    client.force_login(user)
    assert {entry["source"] for entry in trail(client)} == {"ledger"}
    assert Client().get(reverse("audit")).status_code == 302


def test_any_page_of_the_trail_opens(boss: Client, busy: Desk, subtests: pytest.Subtests):
    for page_number in ("0", "-1", "x", "99999999999", "2"):
        with subtests.test(page_number):
            assert boss.get(reverse("audit"), {"page": page_number, "since": "x"}).status_code == 200
    assert boss.get(reverse("audit"), {"page": page_number}).status_code == 200


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])  # noqa: RUF001  # a wide sign
def test_text_that_a_spreadsheet_takes_for_a_formula_is_quoted(start: str):
    assert safe_cell(f"{start}1+1") == f"'{start}1+1"


def test_a_negative_number_is_a_number():
    assert safe_cell(Decimal("-5.00")) == "-5.00"
    assert [safe_cell(None), safe_cell(NOW), safe_cell("MSFT")] == ["", NOW.isoformat(), "MSFT"]


def test_an_export_without_rows_is_still_a_file():
    assert "".join(json_lines(["a"], [])) == "[]\n"
    assert "".join(csv_lines(["a", "b"], [])) == "a,b\r\n"
    assert json.loads("".join(json_lines(["a", "b"], [(1, None), (Decimal("1.50"), NOW)]))) == [
        {"a": 1, "b": None}, {"a": "1.50", "b": NOW.isoformat()},
    ]  # fmt: skip


def test_the_ledger_is_the_operators_word_for_word(boss: Client, busy: Desk):
    entry = LedgerEntry.objects.filter(kind="CORRECTION").get()
    text = boss.get(page(LedgerEntry, "change", entry.pk)).content.decode()
    assert "bank statement" in text
    assert 'name="_save"' not in text


def test_a_page_takes_the_same_number_of_queries_however_much_belongs_to_its_row(boss: Client, desk: Desk):
    counts = []
    for size in (2, 26):
        report = desk.run(
            [line(f"{chr(64 + size)}{chr(65 + n % 26)}{chr(65 + n // 26)}", "BUY", 0.5) for n in range(size)]
        )
        assert len(report.orders) > size / 2
        run = ExecutionRun.objects.get(pk=str(report.run.id))
        pages = (page(PortfolioAccount, "change", desk.account.pk), page(ExecutionRun, "change", run.pk),
                 page(ResearchRequest, "change", run.request_id), reverse("audit"))  # fmt: skip
        for address in pages:
            boss.get(address)  # what is kept from page to page is fetched now
        counts.append([len(queries_of(boss, address)) for address in pages])
    assert counts[0] == counts[1]


def queries_of(client: Client, address: str) -> list[Any]:
    """Return the queries that a page makes."""
    with CaptureQueriesContext(connection) as made:
        assert client.get(address).status_code == 200
    return list(made)


# --- what is deferred, and what is executed again ---


def test_a_deferred_line_is_found_by_what_it_waits_for_and_expires(boss: Client, desk: Desk):
    for symbol, then in (("KO", timezone.now()), ("PG", timezone.now() - timedelta(hours=73))):
        Desk(desk.inbox, desk.strategy, "openai" if symbol == "PG" else "anthropic").run(
            [line(symbol, "BUY", 5)], prices={}, now=then
        )
    listed = page(Recommendation, "changelist")
    for waits, symbol, words in (("retry", "KO", "Deferred"), ("over", "PG", "Expired")):
        shown = boss.get(listed, {"waits": waits})
        assert [row.symbol for row in shown.context["cl"].result_list] == [symbol]
        assert words in shown.content.decode()
    assert (
        "deferred line that is tried when its request is executed again"
        in boss.get(reverse("admin:index")).content.decode()
    )


def test_a_reversed_request_is_executed_again_on_purpose(boss: Client, desk: Desk):
    request_id = desk.run([line("MSFT", "BUY", 10)]).run.request_id
    run = ExecutionRun.objects.get()
    act(boss, run, "reverse", "wrong price")
    address = page(ResearchRequest, "do", "execute-request")
    sent = options(desk, again="on")
    done = confirm(boss, address, "at the right price", request_id=request_id, **sent)
    assert done.status_code == 302, errors_of(done)
    assert list(ExecutionRun.objects.order_by("sequence").values_list("generation", "order_count")) == [
        (1, 1),
        (2, 1),
    ]
