"""Whatever people change by hand has a name and a reason, and is one entry."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from portfolios import ledger
from portfolios.domain.accounting import Side
from portfolios.ledger import AuditContext
from portfolios.models import LedgerEntry, PortfolioAccount
from tests.portfolios.ledger.by_hand import (
    BY_HAND,
    dec,
    last_entry,
    refused,
    stored,
)

pytestmark = pytest.mark.django_db


CHANGES: dict[str, Callable[[PortfolioAccount, AuditContext], object]] = {
    "deposit": lambda account, context: ledger.deposit(account, amount=dec(1), context=context),
    "withdraw": lambda account, context: ledger.withdraw(account, amount=dec(1), context=context),
    "correct_cash": lambda account, context: ledger.correct_cash(account, balance=dec(1), context=context),
    "correct_position": lambda account, context: ledger.correct_position(
        account, symbol="AAPL", side=Side.LONG, quantity=dec(1), average_price=dec(1), context=context
    ),
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("lack", [{"actor": ""}, {"actor": " "}, {"reason": ""}, {"reason": "\n"}])
def test_nobody_changes_the_books_without_a_name_and_a_reason(
    account: PortfolioAccount, name: str, lack: dict[str, Any]
):
    refused(lambda: CHANGES[name](account, replace(BY_HAND, **lack)), "an actor and a reason")


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_by_hand_is_exactly_one_entry_with_who_and_why(account: PortfolioAccount, name: str):
    before = LedgerEntry.objects.count()
    CHANGES[name](account, BY_HAND)
    assert LedgerEntry.objects.count() == before + 1
    assert (last_entry(account).actor, last_entry(account).reason) == ("bob", "statement of January")
    stored(account)
