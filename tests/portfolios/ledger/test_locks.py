"""The lock of an account: within a transaction or not at all, on both databases."""

import uuid
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from portfolios import ledger
from portfolios.ledger import LockOutsideTransactionError
from portfolios.models import PortfolioAccount, Strategy
from tests.portfolios.ledger.by_hand import BY_HAND

LOCKS: dict[str, Callable[[PortfolioAccount], object]] = {
    "lock_account": lambda account: ledger.lock_account(strategy_id=account.strategy_id, provider=account.provider),
    "lock_accounts": lambda account: ledger.lock_accounts([account.pk]),
    "lock_accounts of none": lambda _: ledger.lock_accounts([]),
}


@pytest.fixture
def accounts(strategy: Strategy) -> list[PortfolioAccount]:
    """Return three accounts."""
    with transaction.atomic():
        return [
            ledger.open_account(
                strategy_id=strategy.pk, provider=provider, initial_balance=Decimal(100), context=BY_HAND
            )
            for provider in ("anthropic", "openai", "gemini")
        ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", LOCKS)
def test_outside_a_transaction_no_lock_is_given_and_nothing_is_asked(accounts: list[PortfolioAccount], name: str):
    with (
        CaptureQueriesContext(connection) as asked,
        pytest.raises(LockOutsideTransactionError, match="use transaction"),
    ):
        LOCKS[name](accounts[0])
    assert len(asked) == 0


@pytest.mark.django_db(transaction=True)
def test_inside_a_transaction_the_row_is_locked(accounts: list[PortfolioAccount]):
    one = accounts[0]
    with transaction.atomic(), CaptureQueriesContext(connection) as asked:
        assert ledger.lock_account(strategy_id=one.strategy_id, provider=one.provider) == one
    if connection.vendor == "postgresql":
        assert any("FOR NO KEY UPDATE" in query["sql"] for query in asked)
    else:
        assert connection.settings_dict["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


@pytest.mark.django_db
def test_an_account_that_is_not_there_cannot_be_locked(strategy: Strategy):
    assert ledger.lock_account(strategy_id=strategy.pk, provider="anthropic") is None
    assert ledger.lock_accounts([uuid.uuid4()]) == []


@pytest.mark.django_db
def test_several_locks_are_taken_with_one_call_in_one_order_whoever_asks(accounts: list[PortfolioAccount]):
    ids = [account.pk for account in accounts]
    with CaptureQueriesContext(connection) as asked:
        found = [[account.pk for account in ledger.lock_accounts(wish)] for wish in (ids, ids[::-1])]
    assert found == [sorted(ids)] * 2
    assert len(asked) == 2
