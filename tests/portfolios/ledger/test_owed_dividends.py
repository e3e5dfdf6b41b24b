"""What a short cannot pay is owed, and everybody else is paid."""

from decimal import Decimal
from typing import Any

import pytest

from portfolios import ledger
from portfolios.ledger import CannotBookError
from portfolios.models import PortfolioAccount, Strategy
from portfolios.selectors import books as queries
from tests.portfolios.ledger.actions import dividend, on_day, trade, undo
from tests.portfolios.ledger.by_hand import BY_HAND, books, open_with_cash
from tests.scenes import whole_database

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(strategy: Strategy) -> PortfolioAccount:
    """Return an account with 10,000 in cash; MSFT and KO are known."""
    return open_with_cash(strategy)


def owing(account: PortfolioAccount) -> PortfolioAccount:
    """Return the account after a dividend of 300 on a short with 200 in cash; MSFT is marked at 10."""
    trade(account, "SELL_SHORT 100 MSFT @ 10")
    ledger.correct_cash(account, balance=Decimal(200), context=BY_HAND)
    dividend("MSFT", "3", on=1)
    account.refresh_from_db()
    return account


def test_a_short_that_cannot_pay_owes_the_rest(account: PortfolioAccount):
    owing(account)
    assert [account.cash_balance, account.payable, account.total_value] == [0, 100, -1100]
    snapshot = ledger_snapshot(account)
    assert (snapshot.total_value, snapshot.available_cash(short_margin=Decimal(0))) == (-1100, -1100)
    books(account)


def ledger_snapshot(account: PortfolioAccount) -> Any:
    """Return the picture that a plan starts from."""
    positions = queries.open_positions(account)
    return queries.snapshot(
        cash_balance=account.cash_balance, positions=positions, marks={}, book_version=0, payable=account.payable
    )


def test_what_is_owed_is_paid_as_soon_as_cash_comes_in(account: PortfolioAccount):
    owing(account)
    ledger.deposit(account, amount=Decimal(60), context=BY_HAND)
    assert (account.cash_balance, account.payable) == (0, 40)
    ledger.deposit(account, amount=Decimal(60), context=BY_HAND)
    assert (account.cash_balance, account.payable) == (20, 0)
    books(account)


def test_cash_that_is_owed_is_not_withdrawn(account: PortfolioAccount):
    owing(account)
    ledger.correct_cash(PortfolioAccount.objects.get(), balance=Decimal(2000), context=on_day(3))
    owes = PortfolioAccount.objects.get()
    # 2,000 less the 100 that are owed and the 1,500 behind the short.
    before = whole_database()
    with pytest.raises(CannotBookError, match=r"400\.00 can be withdrawn"):
        ledger.withdraw(owes, amount=Decimal(401), context=on_day(4))
    assert whole_database() == before
    ledger.withdraw(owes, amount=Decimal(400), context=on_day(4))
    assert [owes.cash_balance, owes.payable] == [1500, 0]
    books(owes)


def test_a_debt_that_was_paid_comes_back_with_the_dividend_reversed(account: PortfolioAccount):
    owing(account)
    ledger.deposit(account, amount=Decimal(160), context=BY_HAND)
    undo(ledger_report(account))
    account.refresh_from_db()
    assert (account.cash_balance, account.payable) == (360, 0)
    books(account)


def ledger_report(account: PortfolioAccount) -> Any:
    """Return the dividend again: it was booked before."""
    return dividend("MSFT", "3", on=1)


def test_everybody_else_is_paid(account: PortfolioAccount, strategy: Strategy):
    other = ledger.open_account(
        strategy_id=strategy.pk, provider="openai", initial_balance=Decimal(1000), context=BY_HAND
    )
    trade(other, "BUY 10 MSFT @ 10")
    owing(account)
    assert books(other)[0] == 930
