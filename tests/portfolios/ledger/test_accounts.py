"""New accounts: with a deposit, or with a past elsewhere that is booked event by event, each at its own time."""

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from portfolios import ledger
from portfolios.domain.accounting import Action, ImpossibleFillError, Side
from portfolios.domain.opening_history import CashStated, Deposited, HoldingStated, PastEvent, PastOrder, Traded
from portfolios.ledger import AuditContext, CannotBookError
from portfolios.models import AccountSummary, LedgerEntry, Order, PortfolioAccount, Strategy
from tests.portfolios.ledger.by_hand import BY_HAND, dec, refused
from tests.scenes import NOW, assert_books_balance, security, whole_database

pytestmark = pytest.mark.django_db

ACCOUNT = uuid.UUID("0b6b5f43-2f6f-4f55-9d0e-5c1a6f8d2e11")
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def known_securities() -> None:
    """Write the securities that the histories speak of."""
    for symbol in ("MSFT", "XOM"):
        security(symbol)


def order(text: str, *, status: str = "filled", number: int = 1) -> PastOrder:
    """Return the order that a line as `BUY 10 MSFT @ 450` describes."""
    action, quantity, symbol, _, price = text.split()
    return PastOrder(
        order_id=uuid.uuid5(ACCOUNT, f"{number} {text}"),
        client_order_id=f"old-{number}-{action}-{symbol}",
        symbol=symbol,
        action=Action(action),
        quantity=Decimal(quantity),
        limit_price=Decimal(price),
        status=status,
        placed_at=NOW - 3 * DAY,
        is_simulated=False,
        metadata={"rationale": "old research"},
    )


def deposit(amount: str) -> Deposited:
    """Return the first event."""
    return Deposited(at=NOW - 9 * DAY, reason="old.db: opening balance", amount=Decimal(amount))


def trade(text: str, *, number: int = 1) -> Traded:
    """Return a filled order of two days ago."""
    return Traded(at=NOW - 2 * DAY, reason=f"old.db: order {number}", order=order(text, number=number))


def opened(strategy: Strategy, *events: PastEvent, **more: Any) -> PortfolioAccount:
    """Write the account with that history."""
    arguments: dict[str, Any] = {
        "account_id": ACCOUNT,
        "strategy_id": strategy.pk,
        "provider": "openai",
        "events": events,
        "unfilled": [],
        "context": AuditContext(actor="bob", now=NOW),
    }
    arguments |= more
    with transaction.atomic():
        ledger.open_with_history(**arguments)
    return PortfolioAccount.objects.get(pk=arguments["account_id"])


def test_each_event_is_one_entry_at_the_time_it_happened(strategy: Strategy):
    account = opened(
        strategy,
        deposit("100000"),
        trade("BUY 10 MSFT @ 450"),
        HoldingStated(
            at=NOW - DAY, reason="old.db: stored", symbol="XOM", side=Side.SHORT,
            quantity=Decimal(3), average_price=Decimal(110),
        ),
        CashStated(at=NOW, reason="old.db: stored", balance=Decimal("95000.00")),
    )  # fmt: skip
    entries = LedgerEntry.objects.filter(account=account).order_by("sequence")
    assert [(entry.kind, f"{entry.amount:f}", NOW - entry.occurred_at) for entry in entries] == [
        ("DEPOSIT", "100000.00", 9 * DAY),
        ("BUY", "-4500.00", 2 * DAY),
        ("CORRECTION", "0.00", DAY),
        ("CORRECTION", "-500.00", timedelta(0)),
    ]
    assert {entry.actor for entry in entries} == {"bob"}
    assert all(entry.reason.startswith("old.db: ") for entry in entries)
    assert (account.cash_balance, account.equity_value) == (Decimal("95000.00"), Decimal("4170.00"))
    assert_books_balance(account)


def test_an_order_keeps_when_it_was_placed_and_when_it_was_filled(strategy: Strategy):
    account = opened(strategy, deposit("100000"), trade("BUY 10 MSFT @ 450"))
    stored = Order.objects.get(account=account)
    assert (stored.placed_at, stored.filled_at) == (NOW - 3 * DAY, NOW - 2 * DAY)
    assert stored.metadata == {"rationale": "old research"}


@pytest.mark.parametrize("status", ["pending", "canceled", "failed"])
def test_an_order_that_was_not_filled_is_a_record_without_an_entry(strategy: Strategy, status: str):
    account = opened(strategy, deposit("500"), unfilled=[order("SELL 10 MSFT @ 450", status=status)])
    stored = Order.objects.get(account=account)
    assert (stored.status, stored.filled_quantity, stored.filled_at) == (status, 0, None)
    assert LedgerEntry.objects.filter(account=account).count() == 1
    assert_books_balance(account)


def test_an_account_without_a_past_has_no_entries(strategy: Strategy):
    account = opened(strategy)
    assert (account.cash_balance, account.book_version) == (0, 0)


@pytest.mark.parametrize(
    ("events", "fault"),
    [
        ([deposit("100"), trade("SELL 1 MSFT @ 450")], ImpossibleFillError),
        ([deposit("100"), trade("BUY 1 MSFT @ 450")], CannotBookError),
        ([CashStated(at=NOW, reason="wrong", balance=Decimal(-1))], CannotBookError),
    ],
)
def test_a_history_that_contradicts_itself_leaves_nothing(
    strategy: Strategy, events: list[PastEvent], fault: type[Exception]
):
    before = whole_database()
    with pytest.raises(fault):
        opened(strategy, *events)
    assert whole_database() == before


@pytest.mark.parametrize("change", [{}, {"provider": "gemini"}, {"account_id": uuid.uuid4()}])
def test_an_account_that_is_there_is_not_opened_again(strategy: Strategy, change: dict[str, Any]):
    opened(strategy, deposit("100000"), trade("BUY 10 MSFT @ 450"))
    before = whole_database()
    with pytest.raises(IntegrityError):
        opened(strategy, deposit("5"), **change)
    assert whole_database() == before


def test_the_number_of_queries_does_not_depend_on_the_length_of_the_history(strategy: Strategy):
    with CaptureQueriesContext(connection) as short:
        opened(strategy, deposit("100000"), trade("BUY 1 MSFT @ 10"))
    trades = [trade("BUY 1 XOM @ 10", number=number) for number in range(40)]
    second = Strategy.objects.create(name="Second")
    with CaptureQueriesContext(connection) as long:
        opened(second, deposit("100000"), *trades, account_id=uuid.uuid4())
    assert len(long) == len(short)


def test_an_account_cannot_be_opened_with_nothing(strategy: Strategy):
    refused(
        lambda: ledger.open_account(
            strategy_id=strategy.pk, provider="openai", initial_balance=dec(0), context=BY_HAND
        ),
        "above zero",
    )


def test_an_opened_account_is_valued_with_its_first_deposit(strategy: Strategy):
    account = ledger.open_account(
        strategy_id=strategy.pk, provider="anthropic", initial_balance=dec(1000), context=BY_HAND
    )
    value, summary = account.valuations.get(), AccountSummary.objects.get(account=account)
    assert (value.as_of, value.total, value.external_flow, value.book_version) == (NOW, 1000, 1000, 1)
    assert (summary.total, summary.available_cash, summary.margin_status) == (1000, 1000, "covered")
    assert summary.time_weighted_return == 0
