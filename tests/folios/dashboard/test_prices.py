"""The pages of prices that wait: who sees them, who accepts them, and what a press of the button does."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from execution.models import RefusedPrice
from portfolios.models import Price
from tests.scenes import NOW, Desk, line, mark_all, whole_database

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=6)


@pytest.fixture
def waiting(desk: Desk) -> RefusedPrice:
    """Return a price of something held that waits: 36 for 100 MSFT that are marked at 100."""
    desk.run([line("MSFT", "BUY", 10)], prices={"MSFT": "100"})
    mark_all({"MSFT": "36"}, at=LATER)
    return RefusedPrice.objects.get()


def browser(*may: str) -> Client:
    """Return a browser of somebody with these permissions."""
    user = User.objects.create_user("mia", password="x")
    user.user_permissions.set(Permission.objects.filter(codename__in=may))
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def text_of(answer: Any) -> str:
    """Return the body of an answer."""
    return str(answer.content.decode())


def test_the_account_page_names_the_holding_and_has_the_button(desk: Desk, waiting: RefusedPrice):
    address = reverse("dashboard:account", args=[desk.account.pk])
    accept = reverse("dashboard:price-accept", args=[waiting.pk])
    answer = browser("add_executionrun").get(address)
    (row,) = answer.context["tables"]["waiting"].rows
    assert (row.values["symbol"], row.values["mark"], row.values["price"]) == ("MSFT", 100, 36)
    assert (row.values["source"], row.values["as_of"], row.links["accept"]) == ("file", LATER, accept)
    html = text_of(answer)
    for words in ("These holdings keep their last mark", "64.00 %", "100.00", "36.00", ">Accept</a>"):
        assert words in html


def test_who_may_only_look_sees_it_without_the_button(desk: Desk, waiting: RefusedPrice):
    viewer, accept = browser(), reverse("dashboard:price-accept", args=[waiting.pk])
    for address in (reverse("dashboard:account", args=[desk.account.pk]), reverse("dashboard:prices")):
        html = text_of(viewer.get(address))
        assert "MSFT" in html
        assert accept not in html
    before = whole_database()
    assert viewer.get(accept).status_code == 403
    assert viewer.post(accept, {"reason": "a spin-off"}).status_code == 403
    assert whole_database() == before


def test_the_run_and_the_preview_name_it_too(desk: Desk, waiting: RefusedPrice, settings: Any):
    # The market says 35 through the configured sources, and nobody stands by it.
    Price.objects.create(security_id="MSFT", price=35, source="yahoo", as_of=timezone.now() - timedelta(minutes=5))
    settings.PRICE_SOURCES = ["database"]
    client, request = browser("add_executionrun"), desk.inbox.put([line("KO", "BUY", 1)])
    Price.objects.create(security_id="MSFT", price=100, source="yahoo", as_of=timezone.now() - timedelta(days=1))
    choices = {"strategy": str(desk.strategy.pk), "provider": "anthropic", "mode": "allocate",
               "initial_balance": "100000", "default_price": "60"}  # fmt: skip
    preview = text_of(client.get(reverse("dashboard:preview", args=[request]), choices))
    assert "These holdings were valued at their last mark" in preview
    assert "35.00 from database:yahoo" in preview


def test_accepting_wants_a_reason_and_marks_once(desk: Desk, waiting: RefusedPrice):
    client, accept = browser("add_executionrun"), reverse("dashboard:price-accept", args=[waiting.pk])
    before = whole_database()
    shown = client.get(accept)
    (row,) = shown.context["tables"]["waiting"].rows
    assert (row.values["value"], row.values["then"]) == (10_000, 3_600)
    assert client.post(accept, {"reason": " "}).status_code == 400
    assert whole_database() == before
    answer = client.post(accept, {"reason": "a spin-off"}, follow=True)
    assert answer.redirect_chain == [(reverse("dashboard:prices"), 303)]
    assert "Accepted MSFT 36.00 (file, 2026-01-05 15:30): 1 position of 1 account marked at it." in text_of(answer)
    assert desk.account.equity_value == 3_600
    waiting.refresh_from_db()
    assert (waiting.resolution, waiting.resolved_by, waiting.reason) == ("accepted", "mia", "a spin-off")
    after = whole_database()
    again = client.post(accept, {"reason": "twice"})
    assert (again.status_code, "PRICE_NOT_WAITING" in text_of(again)) == (409, True)
    assert "Accepted by mia" in text_of(client.get(accept))
    assert whole_database() == after


def test_a_price_that_there_is_not_is_not_found(waiting: RefusedPrice):
    assert browser("add_executionrun").get(reverse("dashboard:price-accept", args=[0])).status_code == 404


def test_where_nothing_waits_the_page_says_so(desk: Desk):
    assert "No price of anything held waits" in text_of(browser().get(reverse("dashboard:prices")))
