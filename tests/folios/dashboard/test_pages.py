"""Every page: who may open it, what it says, how many queries it takes, and what its buttons do."""

import csv
import io
import json
import re
import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import resolve, reverse
from django.utils import timezone

from execution.models import (
    ExecutionRun,
    LineResolution,
    MappingRule,
    Recommendation,
    ResearchRequest,
    Reversal,
)
from execution.research.scan import scan_inbox
from folios.dashboard.urls import urlpatterns
from portfolios import ledger
from portfolios.ledger import AuditContext
from portfolios.models import AccountSummary, CorporateAction, Order, PortfolioAccount, Price, RiskPolicy, Strategy
from tests.scenes import NOW, PUBLISHED, Desk, Inbox, line, security, whole_database

pytestmark = pytest.mark.django_db


@pytest.fixture
def viewer(client: Client) -> Client:
    """Return a browser of somebody who may look."""
    client.force_login(User.objects.create_user("vera", password="x"), "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def manager() -> Client:
    """Return a browser of somebody who may execute."""
    user = User.objects.create_user("mia", password="x")
    user.user_permissions.add(Permission.objects.get(codename="add_executionrun"))
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def traded(desk: Desk) -> Desk:
    """Return a desk with two providers, a clamped and a quarantined line, and a sale."""
    desk.run(
        [line("MSFT", "BUY", 10, confidence=0.9, rationale="<script>alert(1)</script>"), line("KO", "PANIC", 3)]
    )
    book_dividend("MSFT")
    desk.run([line("MSFT", "SELL"), line("XOM", "BUY", 50)], prices="110", now=NOW + timedelta(days=1))
    Desk(desk.inbox, desk.strategy, "openai").run([line("XOM", "SELL"), line("KO", "BUY", 5, confidence=0.6)])
    RiskPolicy.objects.create(strategy=desk.strategy)
    return desk


def book_dividend(symbol: str) -> None:
    """Book a dividend of the day after the first trades."""
    context = AuditContext(actor="bob", now=NOW + timedelta(days=1), reason="notice of the company")
    day = (NOW + timedelta(days=1)).date()
    ledger.record_dividend(symbol=symbol, per_share=Decimal("0.25"), on=day, context=context)


def pages_of(desk: Desk) -> dict[str, str]:
    """Return the address of every page that only shows."""
    run = ExecutionRun.objects.latest("started_at")
    new = desk.inbox.put([line("AAPL", "BUY", 5)])
    plain = (
        "overview",
        "research",
        "runs",
        "strategies",
        "prices",
        "books",
        "corporate-actions",
        "system",
        "timezone",
    )
    return {
        **{name: reverse(f"dashboard:{name}") for name in plain},
        "account": reverse("dashboard:account", args=[desk.account.pk]),
        "strategy": reverse("dashboard:strategy", args=[desk.strategy.pk]),
        "run": reverse("dashboard:run", args=[run.pk]),
        "run-check": reverse("dashboard:run-check", args=[run.pk]),
        "run-report": reverse("dashboard:run-report", args=[run.pk]),
        "account-books": reverse("dashboard:account-books", args=[desk.account.pk]),
        "corporate-action": reverse("dashboard:corporate-action", args=[CorporateAction.objects.latest("pk").pk]),
        "new request": reverse("dashboard:request", args=[new]),
        "old request": reverse("dashboard:request", args=[run.request_id]),
    }


# What is sent by a button, or wants a form's values: the tests of each say what it does.
BY_A_BUTTON = {
    "examples", "inbox-scan", "execute-ready", "preview", "execute", "assign", "ignore", "line-resolve",
    "run-reverse", "price-accept", "action-book", "action-reverse",
}  # fmt: skip


def test_every_page_is_among_those_that_the_tests_open(desk: Desk):
    desk.run(PUBLISHED, prices="450")
    book_dividend("MSFT")
    opened = {resolve(address).url_name for address in pages_of(desk).values()}
    assert opened | BY_A_BUTTON == {pattern.name for pattern in urlpatterns}
    assert not opened & BY_A_BUTTON


def choices(desk: Desk, **more: str) -> dict[str, str]:
    """Return what a person fills into the form of a preview."""
    return {
        "strategy": str(desk.strategy.pk), "provider": desk.provider, "mode": "allocate",
        "initial_balance": "100000", "default_price": "450", **more,
    }  # fmt: skip


def hidden_fields(html: str) -> dict[str, str]:
    """Return what the Execute button sends."""
    form = html[html.index("/execute/") :]
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form[: form.index("</form>")]))


def text_of(answer: Any) -> str:
    """Return the body of an answer."""
    return str(answer.content.decode())


# --- who may ---


def test_every_page_wants_a_login(client: Client, traded: Desk):
    for address in pages_of(traded).values():
        answer = client.get(address)
        assert (answer.status_code, answer.headers["Location"]) == (302, f"/login/?next={address}")


def test_a_viewer_may_open_every_page_and_sees_no_button_that_trades(viewer: Client, traded: Desk):
    for name, address in pages_of(traded).items():
        answer = viewer.get(address)
        assert (name, answer.status_code) == (name, 200)
        if "html" in answer.headers["Content-Type"]:
            html = text_of(answer)
            assert (
                name,
                [
                    word
                    for word in ("Execute<", "Preview<", "Load the", "Reverse<", "everse this run", "Assign<")
                    if word in html
                ],
            ) == (name, [])


def test_a_viewer_who_asks_all_the_same_is_refused(viewer: Client, desk: Desk):
    request = desk.inbox.put(PUBLISHED)
    assert viewer.get(reverse("dashboard:preview", args=[request]), choices(desk)).status_code == 403
    assert viewer.post(reverse("dashboard:execute", args=[request]), choices(desk)).status_code == 403
    assert viewer.post(reverse("dashboard:examples")).status_code == 403
    assert not ExecutionRun.objects.exists()


@pytest.mark.parametrize("name", ["account", "strategy", "run", "request", "account-books"])
def test_what_there_is_not_is_not_found(viewer: Client, inbox: Inbox, name: str):
    assert viewer.get(reverse(f"dashboard:{name}", args=[uuid.uuid4()])).status_code == 404


def test_looking_writes_nothing(manager: Client, traded: Desk):
    addresses = pages_of(traded)
    before = whole_database()
    for address in addresses.values():
        manager.get(address)
    preview = manager.get(addresses["new request"] + "preview/", choices(traded))
    assert preview.status_code == 200
    assert whole_database() == before


def test_the_policy_of_the_page_allows_nothing_inline(viewer: Client, traded: Desk):
    for address in pages_of(traded).values():
        answer = viewer.get(address)
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        if "html" in answer.headers["Content-Type"]:
            html = text_of(answer)
            assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", html)


def test_what_research_wrote_is_text_and_never_markup(viewer: Client, traded: Desk):
    run = Recommendation.objects.get(rationale__contains="<script>").run
    for address in (reverse("dashboard:run", args=[run.pk]), reverse("dashboard:request", args=[run.request_id])):
        html = text_of(viewer.get(address))
        assert "<script>alert" not in html
        assert "&lt;script&gt;alert(1)" in html


# --- the overview ---


def test_the_overview_adds_up_all_accounts(viewer: Client, traded: Desk):
    html = text_of(viewer.get("/"))
    total = sum((item.cash_balance + item.equity_value for item in PortfolioAccount.objects.all()), Decimal(0))
    assert f"${total:,.2f}" in html
    assert "quarantined line that waits for a person" in html


def test_the_overview_takes_fewer_than_ten_queries_whatever_the_number_of_accounts(viewer: Client, traded: Desk):
    for number in range(3):
        strategy = Strategy.objects.create(name=f"Other {number}")
        for provider in ("anthropic", "openai"):
            Desk(traded.inbox, strategy, provider).run([line("KO", "BUY", 5)])
    traded.inbox.put(PUBLISHED)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert viewer.get("/?q=Other&provider=openai&accounts.sort=-return").status_code == 200
    assert 5 < len([query for query in queries.captured_queries if "SAVEPOINT" not in query["sql"]]) < 10


def test_what_is_not_known_yet_is_said_and_never_zero(viewer: Client, desk: Desk):
    desk.run(PUBLISHED, prices="450")
    html = text_of(viewer.get(reverse("dashboard:account", args=[desk.account.pk])))
    assert "not enough data" in html


def test_metrics_that_are_out_of_date_are_called_so(viewer: Client, desk: Desk):
    desk.run(PUBLISHED, prices="450")
    context = AuditContext(actor="bob", now=NOW, reason="more")
    ledger.deposit(desk.account, amount=Decimal(5), context=context)
    assert "account whose metrics are out of date" in text_of(viewer.get("/"))
    assert "Metrics out of date" in text_of(viewer.get(reverse("dashboard:account", args=[desk.account.pk])))


def test_the_league_says_who_cannot_be_compared_yet(viewer: Client, traded: Desk):
    rows = json.loads(text_of(viewer.get("/?export=league&format=json")))["rows"]
    assert [(row["provider"], row["eligible"]) for row in rows] == [
        ("Anthropic", "not yet"), ("OpenAI", "not yet"),
    ]  # fmt: skip
    assert [row["refused"] for row in rows] == ["0.25", "0"]
    assert [row["policy"] for row in rows] == ["version 1", "version 1"]
    assert rows[0]["calibration"] == "85\N{EN DASH}100 %: 1 of 1"
    AccountSummary.objects.update(valuation_days=20, closed_positions=5)
    rows = json.loads(text_of(viewer.get("/?export=league&format=json")))["rows"]
    assert [row["eligible"] for row in rows] == ["yes", "yes"]


def test_accounts_are_filtered_ordered_and_paged_by_the_address(viewer: Client, traded: Desk):
    html = text_of(viewer.get("/?provider=openai&export=accounts&format=json"))
    assert [row["provider"] for row in json.loads(html)["rows"]] == ["OpenAI"]
    ordered = json.loads(text_of(viewer.get("/?accounts.sort=provider&export=accounts&format=json")))["rows"]
    assert [row["provider"] for row in ordered] == ["Anthropic", "OpenAI"]
    for nonsense in (
        "accounts.page=-1",
        "accounts.page=x",
        "accounts.sort=--x",
        "from=x",
        "accounts.page=99999999999",
    ):
        assert viewer.get(f"/?{nonsense}").status_code == 200


# --- exports ---


@pytest.mark.slow
def test_every_table_of_every_page_is_exported_as_csv_and_json(viewer: Client, traded: Desk):
    exported = 0
    for address in pages_of(traded).values():
        html = viewer.get(address)
        if "html" not in html.headers["Content-Type"]:
            continue
        for name in set(re.findall(r'id="table-(\w+)"', text_of(html))):
            data = json.loads(text_of(viewer.get(f"{address}?export={name}&format=json")))
            sheet = viewer.get(f"{address}?export={name}&format=csv")
            rows = list(csv.reader(io.StringIO(text_of(sheet))))
            assert (name, len(rows)) == (name, len(data["rows"]) + 1)
            exported += 1
    assert exported >= 15


# --- the way from research to a result ---


def test_a_preview_shows_before_and_after_and_the_button_executes_it_once(manager: Client, desk: Desk):
    request = desk.inbox.put(PUBLISHED)
    shown = text_of(manager.get(reverse("dashboard:preview", args=[request]), choices(desk)))
    assert "$90,001.00" in shown
    assert "marked as simulated" in shown
    assert not ExecutionRun.objects.exists()
    fields = hidden_fields(shown)
    first = manager.post(reverse("dashboard:execute", args=[request]), fields)
    run = ExecutionRun.objects.get()
    assert (first.status_code, first.headers["Location"]) == (303, reverse("dashboard:run", args=[run.pk]))
    assert (run.source, run.actor, run.is_simulated) == ("dashboard", "mia", True)
    again = manager.post(reverse("dashboard:execute", args=[request]), fields, follow=True)
    assert "nothing was traded again" in text_of(again)
    assert (ExecutionRun.objects.count(), Order.objects.count()) == (1, 1)
    back = manager.get(reverse("dashboard:preview", args=[request]), choices(desk))
    assert (back.status_code, back.headers["Location"]) == (303, reverse("dashboard:run", args=[run.pk]))


def test_a_changed_plan_is_shown_as_a_difference_and_asks_again(manager: Client, desk: Desk):
    request = desk.inbox.put(PUBLISHED)
    fields = hidden_fields(text_of(manager.get(reverse("dashboard:preview", args=[request]), choices(desk))))
    RiskPolicy.objects.create(strategy=desk.strategy, max_position_percent=5)
    answer = manager.post(reverse("dashboard:execute", args=[request]), fields)
    html = text_of(answer)
    assert answer.status_code == 409
    assert "The plan has changed since you previewed it" in html
    assert "22.22 at 450.00 for $9999.00" in html
    assert "11.11 at 450.00 for $4999.50" in html
    assert not ExecutionRun.objects.exists()
    agreed = manager.post(reverse("dashboard:execute", args=[request]), hidden_fields(html))
    assert agreed.status_code == 303
    assert Order.objects.get().quantity == Decimal("11.11")


def test_without_a_plan_that_was_looked_at_nothing_is_executed(manager: Client, desk: Desk):
    request = desk.inbox.put(PUBLISHED)
    for token in ({}, {"plan_token": "x"}, {"plan_token": "x", "seen": "forged"}):
        assert (
            manager.post(reverse("dashboard:execute", args=[request]), {**choices(desk), **token}).status_code
            == 409
        )
    assert not ExecutionRun.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("initial_balance", "-5", "must be above zero"),
        ("initial_balance", "ten", "not a number"),
        ("default_price", "0", "a price is above zero"),
        ("strategy", str(uuid.UUID(int=1)), "Select a valid choice"),
        ("accepted", "M$FT", "is not a symbol"),
    ],
)
def test_what_is_wrong_in_the_form_is_said_beside_it(
    manager: Client, desk: Desk, field: str, value: str, words: str
):
    request = desk.inbox.put(PUBLISHED)
    answer = manager.get(reverse("dashboard:preview", args=[request]), choices(desk, **{field: value}))
    assert answer.status_code == 400
    assert words in text_of(answer)


def test_a_price_in_doubt_waits_until_it_is_accepted(manager: Client, desk: Desk, settings: Any):
    settings.PRICE_SOURCES = ["database"]
    security("MSFT")
    Price.objects.create(security_id="MSFT", price=450, source="test", as_of=timezone.now())
    request = desk.inbox.put([line("MSFT", "BUY", 5, current_price=100)])
    html = text_of(manager.get(reverse("dashboard:preview", args=[request]), choices(desk, default_price="")))
    assert "Accept the price of MSFT" in html
    again = re.search(r'href="([^"]+accepted=MSFT)"', html)
    assert again is not None
    accepted = text_of(manager.get(again[1].replace("&amp;", "&")))
    assert "Accept the price" not in accepted
    manager.post(reverse("dashboard:execute", args=[request]), hidden_fields(accepted))
    assert Order.objects.get().limit_price == 450


def test_an_unreadable_request_says_why(manager: Client, inbox: Inbox):
    request = inbox.put_bytes(b"{")
    answer = manager.get(reverse("dashboard:request", args=[request]))
    assert answer.status_code == 404
    assert "ARTIFACT_SYNTAX" in text_of(answer)
    assert "unreadable" in text_of(manager.get(reverse("dashboard:research")))


def test_a_run_is_planned_again_with_and_without_scripts(viewer: Client, traded: Desk):
    run = ExecutionRun.objects.latest("started_at")
    address = reverse("dashboard:run-check", args=[run.pk])
    assert "Reproduced" in text_of(viewer.get(address))
    part = text_of(viewer.get(address, headers={"HX-Request": "true"}))
    assert "Reproduced" in part
    assert "<html" not in part


# --- the first visit, times, login ---


def test_the_first_visit_says_what_to_do_and_loads_the_examples(manager: Client, inbox: Inbox):
    assert "Load the examples" in text_of(manager.get("/"))
    answer = manager.post(reverse("dashboard:examples"), follow=True)
    assert "strategies created: 3" in text_of(answer)
    assert Strategy.objects.count() == 3
    again = manager.post(reverse("dashboard:examples"), follow=True)
    assert "were there already" in text_of(again)


def test_times_are_in_the_readers_zone_and_say_which(viewer: Client, desk: Desk):
    desk.run(PUBLISHED, prices="450")
    assert "2026-01-05 09:30 UTC" in text_of(viewer.get(reverse("dashboard:runs")))
    viewer.post(reverse("dashboard:timezone"), {"zone": "America/New_York"})
    assert "2026-01-05 04:30 EST" in text_of(viewer.get(reverse("dashboard:runs")))
    viewer.post(reverse("dashboard:timezone"), {"zone": "../../etc/passwd"})
    assert "2026-01-05 09:30 UTC" in text_of(viewer.get(reverse("dashboard:runs")))


def test_logging_out_takes_a_post(viewer: Client):
    assert viewer.get(reverse("logout")).status_code == 405
    viewer.post(reverse("logout"))
    assert viewer.get("/").status_code == 302


def test_a_difference_in_the_books_is_shown_with_what_was_expected(viewer: Client, traded: Desk):
    assert ">right<" in text_of(viewer.get(reverse("dashboard:books")))
    PortfolioAccount.objects.filter(pk=traded.account.pk).update(equity_value=1)
    assert ">wrong<" in text_of(viewer.get(reverse("dashboard:books")))
    assert "EQUITY_MISMATCH" in text_of(viewer.get(reverse("dashboard:account-books", args=[traded.account.pk])))


@pytest.mark.slow
def test_every_page_of_a_table_shows_its_own_rows_in_order(viewer: Client, desk: Desk):
    for number in range(60):
        Desk(desk.inbox, Strategy.objects.create(name=f"Strategy {number:02}")).run([line("KO", "HOLD")])
    seen: list[str] = []
    for number in (1, 2, 3):
        html = text_of(viewer.get(f"/?accounts.sort=-strategy&accounts.page={number}"))
        accounts = html[html.index('id="table-accounts"') :]
        seen += re.findall(r">(Strategy \d\d)<", accounts)
    assert seen == [f"Strategy {number:02}" for number in reversed(range(60))]


def test_who_guesses_a_password_too_often_has_to_wait(client: Client):
    User.objects.create_user("vera", password="right and long")
    for _ in range(4):
        answer = client.post(reverse("login"), {"username": "vera", "password": "wrong"})
        assert "Wrong username or password" in text_of(answer)
    assert "Too many attempts" in text_of(client.post(reverse("login"), {"username": "vera", "password": "wrong"}))
    right = client.post(reverse("login"), {"username": "vera", "password": "right and long"})
    assert (right.status_code, client.get("/").status_code) == (429, 302)


def test_a_form_without_its_token_changes_nothing_and_says_so(desk: Desk):
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(User.objects.create_superuser("boss"), "django.contrib.auth.backends.ModelBackend")
    request = desk.inbox.put(PUBLISHED)
    answer = careful.post(reverse("dashboard:execute", args=[request]), choices(desk))
    assert answer.status_code == 403
    assert "That form is too old" in text_of(answer)
    assert not ExecutionRun.objects.exists()


# --- the inbox ---


def test_research_that_arrived_is_scanned_assigned_and_executed_with_the_others(manager: Client, desk: Desk):
    request = desk.inbox.put(PUBLISHED)
    assert "new request: research that arrived" in text_of(manager.get("/"))
    said = text_of(manager.post(reverse("dashboard:inbox-scan"), follow=True))
    assert "Inbox scanned: 1 request, 1 new" in said
    assert "no strategy is named: assign one" in said
    assert "request without a strategy or provider" in text_of(manager.get("/"))
    owner = {"strategy": str(desk.strategy.pk), "provider": "anthropic"}
    unexplained = text_of(manager.post(reverse("dashboard:assign", args=[request]), owner, follow=True))
    assert "Nothing was kept. Reason: This field is required." in unexplained
    manager.post(reverse("dashboard:assign", args=[request]), {**owner, "reason": "as the analyst says"})
    row = ResearchRequest.objects.get()
    assert (row.state, row.provider, row.assigned_by) == ("ready", "anthropic", "mia")
    assert "Execute 1 ready request<" in text_of(manager.get(reverse("dashboard:research")))
    assert "request that is ready to be executed" in text_of(manager.get("/"))
    done = text_of(manager.post(reverse("dashboard:execute-ready"), {"count": "1"}, follow=True))
    assert "Requests: 1 executed. Orders: 1." in done
    run = ExecutionRun.objects.get()
    assert (run.actor, run.source, run.account) == ("mia", "dashboard", desk.account)
    again = text_of(manager.post(reverse("dashboard:execute-ready"), {"count": "1"}, follow=True))
    assert "No request is ready: nothing was executed." in again
    assert ExecutionRun.objects.count() == 1


def test_a_batch_executes_no_more_requests_than_its_page_showed(manager: Client, desk: Desk):
    for symbol in ("MSFT", "KO"):
        whose = {"strategy_id": str(desk.strategy.pk), "provider": "anthropic"}
        desk.inbox.put([line(symbol, "BUY", 5)], **whose)
        manager.post(reverse("dashboard:inbox-scan"))
    refused = text_of(manager.post(reverse("dashboard:execute-ready"), follow=True))
    assert "the page did not say how many requests it showed" in refused
    assert not ExecutionRun.objects.exists()
    manager.post(reverse("dashboard:execute-ready"), {"count": "1"})
    assert ExecutionRun.objects.count() == 1


def test_what_a_batch_could_not_execute_is_said_with_the_reason(manager: Client, desk: Desk):
    whose = {"strategy_id": str(desk.strategy.pk), "provider": "anthropic"}
    request = desk.inbox.put(PUBLISHED, **whose)
    manager.post(reverse("dashboard:inbox-scan"))
    Strategy.objects.update(status="draft")
    said = text_of(manager.post(reverse("dashboard:execute-ready"), {"count": "1"}, follow=True))
    assert "Requests: 1 refused. Orders: 0." in said
    assert f"Request {request} was refused: [STRATEGY_NOT_ACTIVE]" in said


def test_an_ignored_request_waits_no_more_and_says_who_ignored_it(manager: Client, desk: Desk):
    request = desk.inbox.put(PUBLISHED)
    manager.post(reverse("dashboard:ignore", args=[request]), {"reason": "a test of the provider"})
    assert ResearchRequest.objects.get().state == "ignored"
    assert "mia: a test of the provider" in text_of(manager.get(reverse("dashboard:request", args=[request])))
    assert "requests that" not in text_of(manager.get("/"))


def test_the_inbox_is_filtered_by_state(viewer: Client, desk: Desk):
    read = desk.inbox.put(PUBLISHED)
    scan_inbox(desk.inbox.root, now=NOW)
    arrived = desk.inbox.put(PUBLISHED)
    for state, expected in (("new", [read]), ("arrived", [arrived]), ("executed", []), ("", [arrived, read])):
        rows = json.loads(
            text_of(viewer.get(f"{reverse('dashboard:research')}?state={state}&export=requests&format=json"))
        )["rows"]
        assert (state, sorted(row["request"] for row in rows)) == (state, sorted(expected))


# --- lines that wait ---


def test_an_answered_line_is_traded_by_a_follow_up_run(manager: Client, desk: Desk):
    request = desk.inbox.put([line("MSFT", "BUY", 10), line("KO", "PANIC", 3)])
    desk.execute(request)
    assert "What does line 2 mean?" in text_of(manager.get(reverse("dashboard:request", args=[request])))
    said = {"action": "BUY", "reason": "asked the analyst", "keep": "on"}
    answered = text_of(manager.post(reverse("dashboard:line-resolve", args=[request, 2]), said, follow=True))
    assert "Kept: line 2: BUY" in answered
    assert MappingRule.objects.get().written == "panic"
    html = text_of(manager.get("/"))
    assert "resolved line whose request can be executed again" in html
    assert "that wait" not in html
    shown = text_of(manager.get(reverse("dashboard:preview", args=[request]), choices(desk, default_price="100")))
    assert "run 2 of the request" in shown
    manager.post(reverse("dashboard:execute", args=[request]), hidden_fields(shown))
    assert sorted(str(order.security_id) for order in Order.objects.all()) == ["KO", "MSFT"]
    first = ExecutionRun.objects.get(sequence=1)
    assert "Other runs of the request" in text_of(manager.get(reverse("dashboard:run", args=[first.pk])))
    assert "answered lines" not in text_of(manager.get("/"))


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"action": "BUY"}, "This field is required."),
        ({"reason": "so it is"}, "say what is meant"),
        ({"symbol": "K$", "reason": "so it is"}, "not a symbol"),
        ({"size": "200", "reason": "so it is"}, "0 to 100 percent"),
    ],
)
def test_an_answer_that_says_nothing_is_refused_and_what_was_typed_stays(
    manager: Client, desk: Desk, said: dict[str, str], words: str
):
    request = desk.inbox.put([line("KO", "PANIC", 3)])
    html = text_of(manager.post(reverse("dashboard:line-resolve", args=[request, 1]), said, follow=True))
    assert "nothing was kept" in html
    assert words in html
    assert not LineResolution.objects.exists()
    assert all(f'value="{value}"' in html for value in said.values())


def test_lines_that_contradict_each_other_are_traded_once_a_person_confirms_one(manager: Client, desk: Desk):
    request = desk.inbox.put([line("MSFT", "BUY", 10), line("MSFT", "SELL_SHORT", 5)])
    address = reverse("dashboard:preview", args=[request])
    shown = text_of(manager.get(address, choices(desk)))
    assert f"{reverse('dashboard:request', args=[request])}?line=1#line-1" in shown
    asked = text_of(manager.get(f"{reverse('dashboard:request', args=[request])}?line=1"))
    assert "Is line 1 meant as it is written?" in asked
    manager.post(reverse("dashboard:line-resolve", args=[request, 1]), {"confirm": "on", "reason": "the newer one"})
    agreed = text_of(manager.get(address, choices(desk)))
    manager.post(reverse("dashboard:execute", args=[request]), hidden_fields(agreed))
    assert [order.action for order in Order.objects.all()] == ["BUY"]
    html = text_of(manager.get(reverse("dashboard:request", args=[request])))
    assert "Is line 2 meant as it is written?" in html
    assert "Is line 1 meant" not in html


# --- taking back ---


def test_a_run_is_reversed_once_and_says_so(manager: Client, desk: Desk):
    report = desk.run(PUBLISHED, prices="450")
    address = reverse("dashboard:run-reverse", args=[report.run.id])
    assert address in text_of(manager.get(reverse("dashboard:run", args=[report.run.id])))
    before = whole_database()
    shown = text_of(manager.get(address))
    assert "$9,999.00" in shown
    assert manager.post(address).status_code == 400
    assert whole_database() == before
    done = text_of(manager.post(address, {"reason": "a wrong price"}, follow=True))
    assert "Reversed: 1 ledger entry of 1 order." in done
    assert "a wrong price" in done
    assert address not in done
    assert desk.account.cash_balance == 100_000
    again = text_of(manager.post(address, {"reason": "once more"}, follow=True))
    assert "nothing was booked again" in again
    assert Reversal.objects.get().reason == "a wrong price"


def test_a_run_that_something_stands_on_says_what_has_to_go_first(manager: Client, desk: Desk):
    report = desk.run(PUBLISHED, prices="450")
    desk.run([line("MSFT", "SELL")], prices="460", now=NOW + timedelta(days=1))
    address = reverse("dashboard:run-reverse", args=[report.run.id])
    for answer in (manager.get(address), manager.post(address, {"reason": "a wrong price"})):
        assert answer.status_code == 409
        assert "RUN_HAS_SUCCESSORS" in text_of(answer)
    assert manager.get(reverse("dashboard:run-reverse", args=[uuid.uuid4()])).status_code == 404
    assert not Reversal.objects.exists()


def test_a_viewer_decides_nothing(viewer: Client, desk: Desk):
    report = desk.run([line("MSFT", "BUY", 10), line("KO", "PANIC", 3)])
    request, run = report.run.request_id, report.run.id
    assert "mean?" not in text_of(viewer.get(reverse("dashboard:request", args=[request])))
    before = whole_database()
    said = {"reason": "x", "action": "BUY", "count": "1"}
    for name, arguments in (
        ("inbox-scan", []), ("execute-ready", []), ("assign", [request]), ("ignore", [request]),
        ("line-resolve", [request, 2]), ("run-reverse", [run]),
    ):  # fmt: skip
        assert (name, viewer.post(reverse(f"dashboard:{name}", args=arguments), said).status_code) == (name, 403)
    assert whole_database() == before


def test_staff_find_the_admin_and_its_trail_and_everybody_the_api(viewer: Client, traded: Desk):
    html = text_of(viewer.get("/"))
    assert ('href="/api/v1/docs/"' in html, 'href="/admin/audit/"' in html) == (True, False)
    User.objects.update(is_staff=True)
    assert 'href="/admin/audit/"' in text_of(viewer.get("/"))
