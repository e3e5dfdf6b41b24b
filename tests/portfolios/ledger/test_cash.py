"""Cash in and out by hand: each change is one entry with an actor and a reason, or it is refused."""

from collections.abc import Callable

import pytest

from portfolios import ledger
from portfolios.models import PortfolioAccount
from tests.portfolios.ledger.by_hand import (
    BY_HAND,
    dec,
    last_entry,
    refused,
    stored,
)
from tests.scenes import NOW

pytestmark = pytest.mark.django_db


def test_a_deposit_is_one_entry_with_who_and_why(account: PortfolioAccount):
    ledger.deposit(account, amount=dec("250.50"), context=BY_HAND)
    entry = last_entry(account)
    assert (entry.kind, entry.amount, entry.balance_after) == ("DEPOSIT", dec("250.50"), dec("100250.50"))
    assert (entry.actor, entry.reason, entry.occurred_at) == ("bob", "statement of January", NOW)
    assert stored(account).cash_balance == dec("100250.50")


def test_a_withdrawal_may_take_everything(account: PortfolioAccount):
    ledger.withdraw(account, amount=dec(100_000), context=BY_HAND)
    assert last_entry(account).amount == dec(-100_000)
    assert stored(account).cash_balance == 0


@pytest.mark.parametrize("amount", ["0", "-1", "0.004", "1e13", "NaN", "Infinity"])
@pytest.mark.parametrize("move", [ledger.deposit, ledger.withdraw])
def test_an_amount_that_is_none_is_refused(account: PortfolioAccount, move: Callable[..., None], amount: str):
    refused(lambda: move(account, amount=dec(amount), context=BY_HAND), "amount")


def test_more_than_the_account_has_cannot_leave_it(account: PortfolioAccount):
    refused(lambda: ledger.withdraw(account, amount=dec("100000.01"), context=BY_HAND), "more than the cash")
    refused(lambda: ledger.correct_cash(account, balance=dec("-0.01"), context=BY_HAND), "more than the cash")


def test_more_than_the_books_hold_cannot_come_in(account: PortfolioAccount):
    much = dec("9999999999999.99")
    refused(lambda: ledger.deposit(account, amount=much, context=BY_HAND), "more than the books hold")
