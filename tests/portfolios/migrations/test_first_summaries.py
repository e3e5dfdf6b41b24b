"""The migration that fills what accounts have lacked: a first valuation, a summary, and what it says of the margin."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from portfolios import ledger
from portfolios.ledger import AuditContext, refresh_summaries
from portfolios.ledger.triggers import install_triggers, remove_triggers
from portfolios.models import AccountSummary, PortfolioAccount, RiskPolicy, Valuation
from tests.scenes import NOW, Desk, line, mark_all

migration = import_module("portfolios.migrations.0011_margin_and_first_summaries")

LATER = NOW + timedelta(days=1)


def columns(summary: AccountSummary) -> dict[str, object]:
    """Return what a summary says, but for its key and its time."""
    names = {field.name for field in AccountSummary._meta.concrete_fields} - {"id", "refreshed_at"}
    return {name: getattr(summary, name) for name in names}


@pytest.fixture
def traded(desk: Desk) -> Desk:
    """Return a desk that bought, sold and shorted on two days, and is below its margin."""
    RiskPolicy.objects.create(strategy=desk.strategy, allow_short=True, commission_per_order=5)
    desk.run([line("MSFT", "BUY", 10), line("KO", "SELL_SHORT", 20)], prices={"MSFT": "100", "KO": "100"})
    desk.run([line("MSFT", "SELL")], prices={"MSFT": "120"}, now=LATER)
    mark_all({"KO": "450"}, at=LATER + timedelta(days=1), accepted=["KO"])
    return desk


@pytest.mark.django_db
def test_a_summary_that_is_missing_becomes_what_the_product_would_write(traded: Desk):
    expected = columns(AccountSummary.objects.get())
    assert (expected["margin_status"], expected["closed_positions"]) == ("deficit", 1)
    AccountSummary.objects.all().delete()
    migration.fill(apps, None)
    assert columns(AccountSummary.objects.get()) == expected


@pytest.mark.django_db
def test_a_summary_that_is_there_learns_of_its_margin_and_nothing_else(traded: Desk):
    expected = columns(AccountSummary.objects.get())
    AccountSummary.objects.update(margin_status="covered", available_cash=None, turnover=Decimal(7))
    migration.fill(apps, None)
    assert columns(AccountSummary.objects.get()) == {**expected, "turnover": Decimal(7)}


@pytest.mark.django_db
def test_an_account_that_was_never_valued_gets_its_first_valuation(traded: Desk):
    AccountSummary.objects.all().delete()
    Valuation.objects.all().delete()
    migration.fill(apps, None)
    account, value = traded.account, Valuation.objects.get()
    assert (value.cash, value.total) == (account.cash_balance, account.cash_balance + account.equity_value)
    assert (value.external_flow, value.book_version) == (100_000, account.book_version)
    assert AccountSummary.objects.get().total == value.total


@pytest.mark.django_db
def test_an_account_without_any_entry_stays_as_it_is(desk: Desk):
    PortfolioAccount.objects.create(strategy=desk.strategy, provider="openai")
    migration.fill(apps, None)
    assert not Valuation.objects.exists()
    assert not AccountSummary.objects.exists()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_an_upgrade_leaves_nothing_to_do_by_hand(traded: Desk):
    opened = replace(traded, provider="gemini")
    context = AuditContext(actor="bob", now=NOW, reason="start")
    ledger.open_account(
        strategy_id=traded.strategy.pk, provider="gemini", initial_balance=Decimal(7), context=context
    )
    remove_triggers(connection)  # as `migrate` does
    try:
        MigrationExecutor(connection).migrate([("portfolios", "0010_deferral"), ("execution", "0008_deferral")])
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM portfolios_accountsummary")
            cursor.execute("DELETE FROM portfolios_valuation")
    finally:
        executor = MigrationExecutor(connection)
        executor.migrate(executor.loader.graph.leaf_nodes())
        install_triggers(connection)
    assert opened.account.summary.total == 7
    assert traded.account.summary.margin_status == "deficit"
    assert refresh_summaries([opened.account.pk, traded.account.pk], now=LATER) == 2
