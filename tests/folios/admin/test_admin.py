"""Every table in the admin: listed, searched, filtered, opened; records are read, not edited."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client
from django.urls import reverse

import folios.urls  # noqa: F401  # discovers the admin's modules
from execution.models import ExecutionRun
from execution.research.resolutions import Author, ResolutionInput, resolve_line, save_rule
from execution.runs.reversal import reverse_run
from portfolios.history.models import versions
from portfolios.ledger import AuditContext, record_dividend
from portfolios.models import LedgerEntry, Order, Position, Price, RiskPolicy
from portfolios.trading_states import set_trading_state
from tests.folios.admin.admin_forms import edit, page
from tests.scenes import NOW, Desk, line, mark_all

pytestmark = pytest.mark.django_db

MODELS = [
    model
    for app in ("portfolios", "execution")
    for model in apps.get_app_config(app).get_models()
    if model.__name__ != "RecommendationOrder"
]
RECORDS = {
    "LedgerEntry", "CorporateAction", "Valuation", "AccountSummary",
    "ResearchRequest", "ExecutionRun", "Recommendation", "LineResolution", "MappingRule", "Reversal",
    "TradingStateChange", "RefusedPrice",
}  # fmt: skip


def name_of(model: type[Model]) -> str:
    """Return the name of a model, for the test's id."""
    return model.__name__


@pytest.fixture
def operator(client: Client) -> Client:
    """Return a browser with a superuser logged in."""
    client.force_login(User.objects.create_superuser("boss", password="x"))
    return client


@pytest.fixture
def traded(desk: Desk) -> Desk:
    """Return a desk with something in every table."""
    desk.run([line("MSFT", "BUY", 10), line("KO", "PANIC", 3)])
    author = Author(actor="alice", reason="asked", now=NOW)
    resolve_line(
        request_id=ExecutionRun.objects.get().request_id,
        line=2,
        resolution=ResolutionInput(action="BUY"),
        author=author,
    )
    save_rule(provider="anthropic", field="symbol", written="microsoft", meaning="MSFT", author=author)
    RiskPolicy.objects.create(strategy=desk.strategy)
    Price.objects.create(security_id="MSFT", price=100, source="test", as_of=NOW)
    record_dividend(
        symbol="MSFT",
        per_share=Decimal(1),
        on=NOW.date(),
        context=AuditContext(actor="alice", now=NOW, reason="Dividend"),
    )
    mark_all({"MSFT": "9"}, at=NOW)
    wrong = UUID(desk.run([line("PG", "BUY", 1)]).run.id)
    reverse_run(wrong, actor="alice", source="service", reason="Wrong research", now=NOW)
    set_trading_state(desk.account.pk, state="REDUCING", actor="alice", reason="Earnings", now=NOW)
    return desk


def any_row(model: type[Model]) -> Model:
    """Return one row of a table that has some."""
    rows = list(model._default_manager.all()[:1])
    return rows[0]


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_every_model_is_in_the_admin_with_search_and_filters(model: type[Model]):
    options = admin.site._registry[model]
    assert options.search_fields
    assert options.list_filter
    # What another app has to say of the model it adds to these pages: it does not register pages of its own.
    assert type(options).__module__.startswith(f"{model._meta.app_label}.admin.")


# What only looks does so for every model in one world: to write it takes longer than to look.


def test_the_list_opens_searches_and_shows_its_rows(operator: Client, traded: Desk, subtests: pytest.Subtests):
    for model in MODELS:
        with subtests.test(model.__name__):
            response = operator.get(page(model, "changelist"))
            assert response.status_code == 200
            assert response.context["cl"].result_count == model._default_manager.count() > 0
            assert operator.get(page(model, "changelist"), {"q": "MSFT"}).status_code == 200


@pytest.mark.slow
def test_every_filter_opens(operator: Client, traded: Desk, subtests: pytest.Subtests):
    for model in MODELS:
        with subtests.test(model.__name__):
            response = operator.get(page(model, "changelist"))
            for choices in response.context["cl"].filter_specs:
                for choice in choices.choices(response.context["cl"]):
                    assert operator.get(page(model, "changelist") + choice["query_string"]).status_code == 200


def test_every_row_opens(operator: Client, traded: Desk, subtests: pytest.Subtests):
    for model in MODELS:
        with subtests.test(model.__name__):
            row = any_row(model)
            assert operator.get(page(model, "change", row.pk)).status_code == 200


def test_records_can_neither_be_added_nor_edited_nor_deleted(
    operator: Client, traded: Desk, subtests: pytest.Subtests
):
    for model in MODELS:
        expected = 403 if model.__name__ in RECORDS else 200
        with subtests.test(model.__name__):
            row = any_row(model)
            assert operator.get(page(model, "add")).status_code == expected
            if expected == 403:
                assert operator.post(page(model, "change", row.pk), {}).status_code == 403
                assert operator.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403


def test_what_follows_from_the_ledger_cannot_be_typed_over(operator: Client, traded: Desk):
    account = traded.account
    changes = {"trading_state": "HALTED", "equity_value": "5", "book_version": "77", "provider": "openai"}
    assert edit(operator, account, "broken feed", cash_balance="5000", **changes).status_code == 302
    after = traded.account
    assert (after.cash_balance, after.book_version) == (5_000, account.book_version + 1)
    assert (after.equity_value, after.trading_state, after.provider) == (
        account.equity_value, account.trading_state, account.provider,
    )  # fmt: skip


@pytest.mark.parametrize("model", [Order, LedgerEntry, Position], ids=name_of)
def test_a_list_takes_the_same_number_of_queries_however_long_it_is(
    operator: Client, desk: Desk, model: type[Model], django_assert_max_num_queries: Any
):
    desk.run([line(f"S{n}", "BUY", 0.5) for n in range(40)])
    with django_assert_max_num_queries(9):
        operator.get(page(model, "changelist"))


def test_nobody_gets_in_without_logging_in(client: Client, db: None):
    assert client.get(reverse("admin:index")).status_code == 302
    assert client.get("/").headers["Location"] == "/login/?next=/"


def test_a_policy_that_runs_have_used_is_followed_by_a_version_and_not_edited(operator: Client, traded: Desk):
    policy = RiskPolicy.objects.get()
    assert edit(operator, policy, "shorts are fine now", allow_short="on").status_code == 302
    assert list(RiskPolicy.objects.order_by("version").values_list("version", "allow_short")) == [
        (1, False), (2, True),
    ]  # fmt: skip
    assert [version.history_change_reason for version in versions(RiskPolicy)] == ["shorts are fine now", None]
    assert operator.post(page(RiskPolicy, "delete", policy.pk), {"reason": "x"}).status_code == 403
    for text, offered in ((str(traded.strategy.pk), traded.strategy.pk), ("", None), ("nonsense", None)):
        form = operator.get(page(RiskPolicy, "add"), {"strategy": text})
        assert form.context["adminform"].form.initial.get("strategy") == offered
