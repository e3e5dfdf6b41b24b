"""The History button of every row: edited by hand, never touched by hand, and not there at all."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.db.models import Model
from django.test import Client
from django.urls import reverse

import folios.urls  # noqa: F401  # discovers the admin's modules
from portfolios.history.models import TRACKED, versions
from portfolios.models import PortfolioAccount, Price, RiskPolicy, Security, Strategy
from tests.folios.admin.admin_forms import edit, page
from tests.scenes import NOW, Desk, line

pytestmark = pytest.mark.django_db

# A change of each model whose versions are kept.
CHANGES: dict[type[Model], dict[str, str]] = {
    Strategy: {"name": "Larger caps"},
    RiskPolicy: {"allow_short": "on"},
    Security: {"sector": "Software"},
    Price: {"price": "101"},
    PortfolioAccount: {"cash_balance": "5000"},
}
UNKNOWN = ["nonsense", "00000000-0000-4000-8000-000000000000", "987654321", "9" * 30]


def name_of(model: type[Model]) -> str:
    """Return the name of a model, for the test's id."""
    return model.__name__


@pytest.fixture
def boss() -> Client:
    """Return a browser with a superuser logged in."""
    client = Client()
    client.force_login(User.objects.create_superuser("boss", password="x"))
    return client


@pytest.fixture
def viewer() -> Client:
    """Return a browser of somebody who may look at everything and change nothing."""
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def traded(desk: Desk) -> Desk:
    """Return a desk with rows that the product wrote, and of which nobody has edited one."""
    desk.run([line("MSFT", "BUY", 10), line("KO", "PANIC", 3)])
    RiskPolicy.objects.create(strategy=desk.strategy)
    Price.objects.create(security_id="MSFT", price=Decimal(100), source="test", as_of=NOW)
    for model in TRACKED:
        versions(model).delete()
    return desk


def test_every_tracked_model_is_changed_here():
    assert set(CHANGES) == set(TRACKED)


@pytest.mark.parametrize("browser", ["boss", "viewer"])
def test_every_row_that_nobody_edited_shows_an_empty_history(
    request: pytest.FixtureRequest, traded: Desk, browser: str
):
    client: Client = request.getfixturevalue(browser)
    opened = set()
    for model in admin.site._registry:
        for row in model._default_manager.all():
            shown = client.get(page(model, "history", row.pk))
            assert shown.status_code == 200, model
            assert "Nobody has changed this in the admin." in shown.content.decode()
            assert "Versions, newest first" not in shown.content.decode()
            opened.add(model)
    assert opened >= set(TRACKED)


@pytest.mark.parametrize("model", TRACKED, ids=name_of)
def test_an_edited_row_shows_who_changed_what_and_why(
    boss: Client, viewer: Client, traded: Desk, model: type[Model]
):
    row: Any = model._default_manager.earliest("pk")
    assert edit(boss, row, "as the book says", **CHANGES[model]).status_code == 302
    row = model._default_manager.latest("created_at")  # of a policy, the version that the edit made
    for client in (boss, viewer):
        shown = client.get(page(model, "history", row.pk)).content.decode()
        assert "as the book says" in shown
        # An account's cash has the ledger: what is kept of the account itself is its trading state.
        assert ("Versions, newest first" in shown) == (model is not PortfolioAccount)


@pytest.mark.parametrize("browser", ["boss", "viewer"])
@pytest.mark.parametrize("key", UNKNOWN)
def test_the_history_of_a_row_that_is_not_there_leads_back(request: pytest.FixtureRequest, browser: str, key: str):
    client: Client = request.getfixturevalue(browser)
    for model in admin.site._registry:
        response = client.get(page(model, "history", key))
        assert (response.status_code, response["Location"]) == (302, reverse("admin:index")), model
