"""The database itself refuses what must never be in the books."""

import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, models, transaction
from django.db.models import Model

from execution.models import ExecutionRun
from portfolios.ledger.triggers import remove_triggers
from portfolios.models import LedgerEntry, Order, PortfolioAccount, Position, Price, RiskPolicy, Security, Strategy
from tests.scenes import NOW, Desk, line

pytestmark = pytest.mark.django_db


def refused(write: Any, name: str) -> None:
    """The write must fail in the database, and by the constraint of that name (SQLite names no unique ones)."""
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        write()
    assert name in str(caught.value) or "UNIQUE constraint failed" in str(caught.value)


@pytest.fixture
def held(desk: Desk) -> Desk:
    """Return a desk whose account holds MSFT, without the triggers: these tests look at the constraints alone."""
    desk.run([line("MSFT", "BUY", 10)])
    remove_triggers(connection)
    return desk


def copy_of(row: Model, **changes: Any) -> Any:
    """Return an unsaved copy of a row with another key."""
    values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    key = row._meta.pk
    values[key.attname] = uuid.uuid4() if isinstance(key, models.UUIDField) else None
    return type(row)(**{**values, **changes})


BROKEN: list[tuple[type[Model], dict[str, Any], str]] = [
    (PortfolioAccount, {}, "account_one_per_strategy_and_provider"),
    (PortfolioAccount, {"provider": "acme"}, "account_provider_known"),
    (PortfolioAccount, {"provider": "openai", "cash_balance": Decimal("-0.01")}, "account_cash_not_negative"),
    (PortfolioAccount, {"provider": "openai", "trading_state": "WILD"}, "account_trading_state_known"),
    (Strategy, {}, "name"),
    (Strategy, {"name": ""}, "strategy_name_not_empty"),
    (Strategy, {"name": "Other", "status": "wild"}, "strategy_status_known"),
    (Security, {}, "symbol"),
    (Security, {"symbol": ""}, "security_symbol_not_empty"),
    (Security, {"symbol": "KO", "quantity_step": 0}, "security_quantity_step_positive"),
    (Position, {}, "position_one_open_per_account_and_security"),
    (Position, {"status": "closed"}, "position_closed_exactly_when_empty"),
    (Position, {"status": "closed", "quantity": 0, "cost_basis": 0}, "position_closed_exactly_when_empty"),
    (Position, {"quantity": 0}, "position_closed_exactly_when_empty"),
    (Position, {"quantity": -1}, "position_closed_exactly_when_empty"),
    (Position, {"closed_at": NOW}, "position_closed_exactly_when_empty"),
    (Position, {"side": "sideways"}, "position_side_known"),
    (Position, {"average_price": 0}, "position_prices_positive"),
    (Position, {"mark_price": -1}, "position_prices_positive"),
    (Position, {"cost_basis": -1}, "position_cost_not_negative"),
    (Order, {}, "client_order_id"),
    (Order, {"client_order_id": "b", "quantity": 0}, "order_quantity_positive"),
    (Order, {"client_order_id": "b", "quantity": -5}, "order_quantity_positive"),
    (Order, {"client_order_id": "b", "limit_price": 0}, "order_limit_price_positive"),
    (Order, {"client_order_id": "b", "fee": -1}, "order_fee_not_negative"),
    (Order, {"client_order_id": "b", "action": "HODL"}, "order_action_known"),
    (Order, {"client_order_id": "b", "status": "done"}, "order_"),
    (Order, {"client_order_id": "b", "status": "pending"}, "order_filled_exactly_when_it_says_so"),
    (Order, {"client_order_id": "b", "filled_at": None}, "order_filled_exactly_when_it_says_so"),
    (LedgerEntry, {}, "ledger_sequence_once_per_account"),
    (LedgerEntry, {"sequence": 0}, "ledger_sequence_from_one"),
    (LedgerEntry, {"sequence": 9, "actor": ""}, "ledger_actor_named"),
    (LedgerEntry, {"sequence": 9, "balance_after": -1}, "ledger_balance_not_negative"),
    (LedgerEntry, {"sequence": 9, "amount": 1}, "ledger_sign_fits_kind"),
    (LedgerEntry, {"sequence": 9, "kind": "SELL"}, "ledger_sign_fits_kind"),
    (LedgerEntry, {"sequence": 9, "kind": "GIFT"}, "ledger_sign_fits_kind"),
    (LedgerEntry, {"sequence": 9, "order_id": None}, "ledger_fill_has_order"),
    (ExecutionRun, {}, "run_one_per_account_request_and_sequence"),
    (ExecutionRun, {"sequence": 0}, "run_sequence_from_one"),
    (ExecutionRun, {"sequence": 2, "status": "odd"}, "run_"),
    (ExecutionRun, {"sequence": 2, "finished_at": None}, "run_complete_unless_failed"),
    (ExecutionRun, {"sequence": 2, "account_id": None}, "run_complete_unless_failed"),
]


def test_the_database_refuses_a_row_that_breaks_an_invariant(held: Desk, subtests: pytest.Subtests):
    for model, changes, name in BROKEN:
        with subtests.test(f"{model.__name__} {changes}"):
            row = model._default_manager.order_by("pk").last()
            assert row is not None
            refused(copy_of(row, **changes).save, name)


def test_a_failed_run_does_not_stand_in_the_way_of_another(held: Desk):
    run = ExecutionRun.objects.get()
    copy_of(run, status="failed").save()
    copy_of(run, status="failed").save()
    assert ExecutionRun.objects.count() == 3


def test_a_price_is_above_zero_and_stands_once_per_source_and_time(held: Desk):
    Price.objects.create(security_id="MSFT", price=1, source="test", as_of=NOW)
    for price in (0, -1):
        refused(lambda price=price: Price.objects.create(
            security_id="MSFT", price=price, source="other", as_of=NOW), "price_positive")  # fmt: skip
    refused(lambda: Price.objects.create(security_id="MSFT", price=2, source="test", as_of=NOW), "price_once")


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"max_position_percent": 101}, "risk_policy_percentages_possible"),
        ({"max_sector_percent": -1}, "risk_policy_percentages_possible"),
        ({"cash_reserve_percent": 101}, "risk_policy_percentages_possible"),
        ({"max_gross_exposure_percent": -1}, "risk_policy_percentages_possible"),
        ({"short_margin_percent": -1}, "risk_policy_percentages_possible"),
        ({"min_order_value": -1}, "risk_policy_order_values_possible"),
        ({"max_order_value": 0}, "risk_policy_order_values_possible"),
        ({"min_order_value": 5, "max_order_value": 4}, "risk_policy_order_values_possible"),
        ({"commission_minimum": -1}, "risk_policy_costs_not_negative"),
        ({"slippage_bps": 10_000}, "risk_policy_costs_not_negative"),
        ({"on_breach": "shrug"}, "risk_policy_words_known"),
        ({"rounding": "ROUND_UP"}, "risk_policy_words_known"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(strategy: Strategy, changes: dict[str, Any], name: str):
    refused(lambda: RiskPolicy.objects.create(strategy=strategy, **changes), name)


def test_a_policy_may_leave_any_limit_to_the_system(strategy: Strategy):
    RiskPolicy.objects.create(strategy=strategy)
    RiskPolicy.objects.create(strategy=strategy, version=2, max_position_percent=10, min_order_value=5)
    refused(lambda: RiskPolicy.objects.create(strategy=strategy, version=2), "risk_policy_one_per_version")


@pytest.mark.parametrize("symbols", ["GME", ["gme"], [1], {"GME": 1}])
def test_restricted_symbols_are_a_list_of_symbols(strategy: Strategy, symbols: object):
    with pytest.raises(ValidationError, match="list of symbols"):
        RiskPolicy(strategy=strategy, restricted_symbols=symbols).full_clean()


def test_what_the_books_refer_to_cannot_be_deleted(held: Desk):
    for row in (held.strategy, held.account, Security.objects.get(), Order.objects.get()):
        with pytest.raises(models.ProtectedError):
            row.delete()


def test_every_decimal_has_at_most_15_digits():
    """SQLite keeps decimals as doubles: 15 digits are what survives the round trip."""
    fields = [
        field
        for app in ("portfolios", "execution")
        for model in apps.get_app_config(app).get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, models.DecimalField)
    ]
    assert len(fields) > 30
    assert [field for field in fields if field.max_digits > 15] == []


@pytest.mark.parametrize(("cash", "quantity"), [("9999999999999.99", "999999999.999999"), ("0.01", "0.000001")])
def test_the_largest_and_the_smallest_amounts_come_back_as_they_went(held: Desk, cash: str, quantity: str):
    PortfolioAccount.objects.update(cash_balance=Decimal(cash))
    Position.objects.update(quantity=Decimal(quantity))
    assert held.account.cash_balance == Decimal(cash)
    assert held.position("MSFT").quantity == Decimal(quantity)
