"""What is deferred, expired or reversed: what the pages say of it, and the way on."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from execution.models import ExecutionRun
from execution.services import reverse_run
from portfolios.models import Order, PortfolioAccount
from tests.scenes import Desk, line

pytestmark = pytest.mark.django_db
LINES = [line("MSFT", "BUY", 10), line("KO", "BUY", 5)]


@pytest.fixture
def manager(client: Client) -> Client:
    """Return a browser of somebody who may execute."""
    user = User.objects.create_user("mia", password="x")
    user.user_permissions.add(Permission.objects.get(codename="add_executionrun"))
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def read(browser: Client, name: str, *args: Any, query: str = "") -> str:
    """Open a page and return its words, each run of white space as one space."""
    response = browser.get(f"{reverse(f'dashboard:{name}', args=args)}{query}")
    assert response.status_code == 200, response.content
    return " ".join(response.content.decode().split())


def form_of(desk: Desk, **more: str) -> dict[str, str]:
    """Return the form of a plan as it is filled in."""
    return {"strategy": str(desk.strategy.pk), "provider": "anthropic", "mode": "allocate",
            "initial_balance": "100000", "default_price": "50", **more}  # fmt: skip


def test_a_run_says_what_it_deferred_and_leads_to_its_request(manager: Client, desk: Desk):
    report = desk.run(LINES, prices={"MSFT": "450"}, now=timezone.now())
    page = read(manager, "run", report.run.id)
    assert "<b>1 line is deferred.</b> Executing the request again tries it until" in page
    assert reverse("dashboard:request", args=[report.run.request_id]) in page
    assert "There is no price for KO (no source has a price)." in page
    request = read(manager, "request", report.run.request_id)
    assert "There is no price for KO (no source has a price)." in request
    assert "Executing the request again tries it until" in request
    overview = read(manager, "overview")
    assert "deferred line that is tried when its request is executed again" in overview
    assert f"{reverse('dashboard:research')}#table-deferred" in overview
    assert "Deferred lines, tried again with their requests" in read(manager, "research")


def test_what_has_expired_is_said_to_have(manager: Client, desk: Desk):
    report = desk.run(LINES, prices={"MSFT": "450"}, now=timezone.now() - timedelta(hours=73))
    page = read(manager, "run", report.run.id)
    assert "Expired, because it was tried until" in page
    assert "is deferred" not in page
    assert "deferred line" not in read(manager, "overview")


def test_a_deferred_line_is_executed_from_the_dashboard(manager: Client, desk: Desk):
    report = desk.run(LINES, prices={"MSFT": "450"}, now=timezone.now())
    address = reverse("dashboard:preview", args=[report.run.request_id])
    shown = manager.get(address, form_of(desk))
    assert [item.symbol for item in shown.context["report"].decisions] == ["KO"]
    said = " ".join(shown.content.decode().split())
    assert "it takes the lines that were deferred, or settled since the last run, and no other." in said
    sent = {**dict(shown.context["fields"]), "plan_token": shown.context["report"].plan_token}
    done = manager.post(reverse("dashboard:execute", args=[report.run.request_id]), sent)
    run = ExecutionRun.objects.latest("sequence")
    assert (done.status_code, done.headers["Location"]) == (303, reverse("dashboard:run", args=[run.pk]))
    assert (run.sequence, run.is_follow_up, Order.objects.count()) == (2, True, 2)


def test_a_halted_account_refuses_with_a_sentence(manager: Client, desk: Desk):
    desk.run([line("PG", "BUY", 1)])
    PortfolioAccount.objects.update(trading_state="HALTED")
    answer = manager.get(reverse("dashboard:preview", args=[desk.inbox.put(LINES)]), form_of(desk))
    assert answer.status_code == 409
    assert "Refused [TRADING_HALTED]" in answer.content.decode()
    assert ExecutionRun.objects.count() == 1


def test_only_a_reversed_request_offers_to_be_executed_again(manager: Client, desk: Desk):
    report = desk.run(LINES)
    request, run = report.run.request_id, str(report.run.id)
    assert "Execute it again" not in read(manager, "request", request)
    assert "?again=1" not in read(manager, "run", run)
    reverse_run(UUID(run), actor="alice", source="service", reason="wrong price", now=timezone.now())
    assert f"{reverse('dashboard:request', args=[request])}?again=1" in read(manager, "run", run)
    for query, is_checked in (("?again=1", True), ("", False)):
        answer = manager.get(f"{reverse('dashboard:request', args=[request])}{query}")
        assert answer.context["form"]["again"].value() is is_checked


def test_a_reversed_request_is_executed_again_from_the_dashboard(manager: Client, desk: Desk):
    report = desk.run(LINES)
    request = report.run.request_id
    reverse_run(UUID(report.run.id), actor="alice", source="service", reason="wrong price", now=timezone.now())
    shown = manager.get(reverse("dashboard:preview", args=[request]), form_of(desk, again="on"))
    assert "run 2 of the request: all its lines once more, after the reversal." in shown.content.decode()
    sent = {**dict(shown.context["fields"]), "plan_token": shown.context["report"].plan_token}
    manager.post(reverse("dashboard:execute", args=[request]), sent)
    run = ExecutionRun.objects.latest("sequence")
    assert (run.sequence, run.generation, run.order_count) == (2, 2, 2)
    assert "Executed again" in read(manager, "run", run.pk)


def test_a_replay_says_what_the_call_asked_for_in_vain(manager: Client, desk: Desk):
    report = desk.run(LINES)
    address = reverse("dashboard:preview", args=[report.run.request_id])
    page = manager.get(address, form_of(desk, mode="target"), follow=True).content.decode()
    assert "This call asks for mode target; the request was executed in mode allocate." in page


def test_what_is_left_is_executed_in_the_way_of_the_first_run(manager: Client, desk: Desk):
    report = desk.run(LINES, prices={"MSFT": "450"}, mode="rebalance", close_unlisted=True, now=timezone.now())
    form = manager.get(reverse("dashboard:request", args=[report.run.request_id])).context["form"]
    assert [form[name].value() for name in ("mode", "close_unlisted")] == ["rebalance", True]
