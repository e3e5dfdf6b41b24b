"""What the migrations do to books that are there already: nothing is left to do by hand."""

import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from portfolios import ledger
from portfolios.ledger.triggers import missing_triggers, remove_triggers
from portfolios.models import CorporateAction, LedgerEntry, PortfolioAccount, Position
from tests.portfolios.ledger.actions import on_day

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

NIGHT = datetime(2026, 1, 6, 3, 30, tzinfo=UTC)  # still the 5th in New York
SPLIT_AT = datetime(2026, 1, 8, 15, tzinfo=UTC)


@pytest.fixture
def before() -> Iterator[Any]:
    """Return the models as they were before corporate actions had a day in the ledger."""
    call_command("migrate", "portfolios", "0009", verbosity=0)
    remove_triggers(connection)  # they speak of columns that are not there yet
    try:
        yield MigrationExecutor(connection).loader.project_state([("portfolios", _ninth())]).apps
    finally:
        call_command("migrate", verbosity=0)


def _ninth() -> str:
    return "0009_default_price_and_reversed"


def write_old_books(apps: Any) -> uuid.UUID:
    """Write an account that bought at night, and whose holding an earlier version has divided by three."""

    def get(name: str) -> Any:
        return apps.get_model("portfolios", name).objects

    strategy = get("Strategy").create(name="Old", id=uuid.uuid4())
    get("Security").create(symbol="MSFT")
    account = get("PortfolioAccount").create(
        strategy=strategy, provider="anthropic", cash_balance=Decimal(7000), equity_value=3000, book_version=3
    )
    position = get("Position").create(
        account=account, security_id="MSFT", side="long", quantity=Decimal("33.333333"), average_price=90,
        cost_basis=3000, mark_price=90, marked_at=SPLIT_AT, opened_at=NIGHT, book_version=3,
    )  # fmt: skip
    order = get("Order").create(
        account=account, security_id="MSFT", action="BUY", quantity=100, limit_price=30, status="filled",
        filled_quantity=100, average_fill_price=30, client_order_id="old", placed_at=NIGHT, filled_at=NIGHT,
    )  # fmt: skip
    rows = [
        {"kind": "DEPOSIT", "amount": 10_000, "balance_after": 10_000, "occurred_at": NIGHT},
        {"kind": "BUY", "amount": -3000, "balance_after": 7000, "security_id": "MSFT", "quantity": 100, "price": 30,
         "position": position, "order": order, "occurred_at": NIGHT},
        {"kind": "SPLIT", "amount": 0, "balance_after": 7000, "security_id": "MSFT",
         "quantity": Decimal("-66.666667"), "price": 90, "cost_basis": 3000, "position": position,
         "reason": "Split", "occurred_at": SPLIT_AT},
    ]  # fmt: skip
    for number, row in enumerate(rows, start=1):
        get("LedgerEntry").create(account=account, sequence=number, actor="bob", **row)
    get("CorporateAction").create(
        security_id="MSFT", kind="split", value=Decimal("0.333333"), effective_on=date(2026, 1, 2), account_count=1,
        actor="bob", booked_at=SPLIT_AT,
    )  # fmt: skip
    return uuid.UUID(str(account.pk))


def test_entries_get_the_day_that_they_belong_to_and_old_splits_can_be_reversed(before: Any):
    key = write_old_books(before)
    call_command("migrate", verbosity=0)
    assert missing_triggers(connection) == []
    days = list(LedgerEntry.objects.order_by("sequence").values_list("effective_on", flat=True))
    assert days == [date(2026, 1, 5), date(2026, 1, 5), date(2026, 1, 8)]
    action = CorporateAction.objects.get()
    assert (action.new_units, action.old_units, action.entries.count()) == (1, 3, 1)
    account = PortfolioAccount.objects.get(pk=key)
    assert (account.payable, ledger.check_books(account)) == (0, [])
    ledger.reverse_action(action.pk, context=on_day(5, "it was none"))
    held = Position.objects.get()
    assert (held.quantity, held.average_price, held.cost_basis, held.mark_price) == (100, 30, 3000, 30)
    assert ledger.check_books(PortfolioAccount.objects.get(pk=key)) == []
    # The right one, entered again, divides what the former version had.
    ledger.apply_split(
        symbol="MSFT", ratio=Fraction(1, 3), on=date(2026, 1, 7), price=Decimal(90), context=on_day(6)
    )
    assert Position.objects.get().mark_price == 90
    assert on_day(5).now - SPLIT_AT > timedelta(0)
