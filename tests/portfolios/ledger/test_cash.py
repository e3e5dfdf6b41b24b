"""Cash in and out by hand: each change is one entry with an actor and a reason, or it is refused."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier

import pytest
from django.db import connection, transaction

from portfolios import ledger
from portfolios.ledger import CannotBookError
from portfolios.models import AccountSummary, PortfolioAccount, RiskPolicy, Strategy
from tests.portfolios.ledger.by_hand import (
    BY_HAND,
    dec,
    last_entry,
    open_with_cash,
    record,
    refused,
    stored,
)
from tests.scenes import NOW, security

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


# --- what stands behind shorts ---


@pytest.fixture
def short(account: PortfolioAccount) -> PortfolioAccount:
    """Return the account with 100,000.00 in cash after its short."""
    security("KO")
    return shorted(account)


def shorted(account: PortfolioAccount) -> PortfolioAccount:
    """Short 100 KO @ 60: 6,000 came in, and 9,000 of the cash stand behind it."""
    record(account, "SELL_SHORT 100 KO @ 60")
    ledger.value_account(account, now=NOW)
    return account


def margin(account: PortfolioAccount) -> tuple[Decimal | None, str]:
    """Return what the summary says of the margin."""
    found = AccountSummary.objects.get(account=account)
    return found.available_cash, found.margin_status


def test_cash_behind_a_short_cannot_be_withdrawn(short: PortfolioAccount):
    assert stored(short).cash_balance == 106_000
    refused(
        lambda: ledger.withdraw(short, amount=dec("97000.01"), context=BY_HAND),
        r"amount is 97000.01: 97000.00 can be withdrawn, for 9000.00 of the cash of 106000.00 is collateral of "
        r"shorts worth 6000.00",
    )
    ledger.withdraw(short, amount=dec(97_000), context=BY_HAND)
    assert stored(short).cash_balance == 9_000
    assert margin(short) == (dec(0), "covered")


def test_the_margin_is_that_of_the_policy_in_force(short: PortfolioAccount):
    RiskPolicy.objects.create(strategy=short.strategy, short_margin_percent=100)
    refused(lambda: ledger.withdraw(short, amount=dec("94000.01"), context=BY_HAND), "94000.00 can be withdrawn")
    ledger.withdraw(short, amount=dec(94_000), context=BY_HAND)


def test_an_account_below_its_margin_pays_nothing_out(short: PortfolioAccount):
    # What was seen: cash 1,500 behind a short that would cost 2,000 to buy back.
    ledger.correct_cash(short, balance=dec(8_999), context=BY_HAND)
    assert margin(short) == (dec(-1), "deficit")
    refused(lambda: ledger.withdraw(short, amount=dec("0.01"), context=BY_HAND), "0.00 can be withdrawn")


def test_a_correction_states_a_fact_and_may_leave_less_than_the_collateral(short: PortfolioAccount):
    ledger.correct_cash(short, balance=dec(4_000), context=BY_HAND)
    assert stored(short).cash_balance == 4_000
    assert margin(short) == (dec(-5_000), "deficit")
    ledger.deposit(short, amount=dec(5_000), context=BY_HAND)
    assert margin(short) == (dec(0), "covered")


def test_without_shorts_everything_can_be_withdrawn_whatever_the_margin(account: PortfolioAccount):
    RiskPolicy.objects.create(strategy=account.strategy, short_margin_percent=100)
    ledger.withdraw(account, amount=dec(100_000), context=BY_HAND)
    assert margin(account) == (dec(0), "covered")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_of_two_withdrawals_at_once_the_second_sees_what_the_first_one_left(strategy: Strategy):
    with transaction.atomic():
        short = shorted(open_with_cash(strategy))
    ready = Barrier(2)

    def withdraw() -> str:
        try:
            ready.wait()
            with transaction.atomic(durable=True):
                (locked,) = ledger.lock_accounts([short.pk])
                ledger.withdraw(locked, amount=dec(6_000), context=BY_HAND)
        except CannotBookError as error:
            return str(error)
        finally:
            connection.close()
        return "paid"

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(future.result() for future in [pool.submit(withdraw) for _ in range(2)])
    assert answers[1] == "paid"
    assert answers[0].startswith("amount is 6000.00: 1000.00 can be withdrawn")
    assert stored(short).cash_balance == 10_000
