"""Refused prices in the admin: on the account's page, in their list, accepted after a preview, in the trail."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

import folios.urls  # noqa: F401  # discovers the admin's modules
from execution.models import RefusedPrice
from portfolios.models import PortfolioAccount
from tests.folios.admin.admin_forms import act, errors_of, page
from tests.scenes import NOW, Desk, line, mark_all, whole_database

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=6)


@pytest.fixture
def boss(client: Client) -> Client:
    """Return a browser with a superuser logged in."""
    client.force_login(User.objects.create_superuser("boss", password="x"))
    return client


@pytest.fixture
def waiting(desk: Desk) -> RefusedPrice:
    """Return a price of something held that waits: 36 for 100 MSFT that are marked at 100."""
    desk.run([line("MSFT", "BUY", 10)], prices={"MSFT": "100"})
    mark_all({"MSFT": "36"}, at=LATER)
    return RefusedPrice.objects.get()


def test_the_account_says_what_waits_and_leads_to_the_action(boss: Client, desk: Desk, waiting: RefusedPrice):
    html = boss.get(page(PortfolioAccount, "change", desk.account.pk)).content.decode()
    address = f"{page(RefusedPrice, 'do', 'accept-price')}?ids={waiting.pk}"
    for words in ("Prices that wait for a person", "-64.00 %", "36.00", "2026-01-05 15:30", address):
        assert words in html
    shown = boss.get(address).content.decode()
    for words in ("1 holding of MSFT would be marked at 36.00 from file", "10,000.00", "3,600.00"):
        assert words in shown
    mark_all({"MSFT": "101"}, at=LATER + timedelta(hours=1))
    assert address not in boss.get(page(PortfolioAccount, "change", desk.account.pk)).content.decode()


def test_it_is_accepted_with_a_reason_and_once(boss: Client, desk: Desk, waiting: RefusedPrice):
    assert "Give a reason" in errors_of(act(boss, waiting, "accept-price", ""))
    assert desk.position("MSFT").mark_price == 100
    done = act(boss, waiting, "accept-price", "a spin-off")
    assert done.status_code == 302, errors_of(done)
    assert desk.position("MSFT").mark_price == 36
    before = whole_database()
    again = boss.get(f"{page(RefusedPrice, 'do', 'accept-price')}?ids={waiting.pk}")
    assert "does not wait any more" in errors_of(again)
    assert whole_database() == before


def test_who_accepted_it_and_why_is_in_the_audit_trail(boss: Client, desk: Desk, waiting: RefusedPrice):
    act(boss, waiting, "accept-price", "a spin-off")
    (entry,) = boss.get(reverse("audit"), {"source": "price", "symbol": "MSFT"}).context["entries"]
    assert (entry["who"], entry["symbol"], entry["reason"]) == ("boss", "MSFT", "a spin-off")
    assert entry["what"] == (
        "Accepted the price MSFT 36.00 (file, 2026-01-05 15:30), -64.00 % from the last close of 100.00"
    )
    for wanted in ({"person": "vera"}, {"symbol": "KO"}):
        assert boss.get(reverse("audit"), {"source": "price", **wanted}).context["entries"] == []
    assert (
        len(boss.get(reverse("audit"), {"source": "price", "account": str(desk.account.pk)}).context["entries"])
        == 1
    )


def test_the_attention_item_opens_exactly_what_waits(boss: Client, desk: Desk, waiting: RefusedPrice):
    mark_all({"MSFT": "35"}, at=LATER + timedelta(hours=1))
    found = {item.name: address for item, address in boss.get(reverse("admin:index")).context["concerns"]}
    assert parse_qs(urlsplit(found["refused-prices"]).query) == {"waits": ["yes"]}
    assert [row.price for row in boss.get(found["refused-prices"]).context["cl"].result_list] == [35]


def test_it_wants_the_permission_that_trading_wants(waiting: RefusedPrice):
    user = User.objects.create_user("pat", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client, address = Client(), f"{page(RefusedPrice, 'do', 'accept-price')}?ids={waiting.pk}"
    client.force_login(user)
    assert client.get(address).status_code == 403
    for row in (waiting, PortfolioAccount.objects.get()):
        assert address not in client.get(page(type(row), "change", row.pk)).content.decode()
    user.user_permissions.add(Permission.objects.get(codename="add_executionrun"))
    assert client.get(address).status_code == 200
    assert address in client.get(page(RefusedPrice, "change", waiting.pk)).content.decode()
