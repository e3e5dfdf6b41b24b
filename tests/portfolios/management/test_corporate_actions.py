"""apply_split and record_dividend: every account that holds the security, in the books, once."""

import io
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from execution.engine.vocabulary import Mode
from portfolios.models import CorporateAction, LedgerEntry, RiskPolicy
from tests.scenes import Desk, assert_books_balance, line, whole_database

pytestmark = pytest.mark.django_db


def done(command: str, *arguments: str) -> str:
    """Run a command; return what it prints."""
    out = io.StringIO()
    call_command(command, *arguments, "--date", "2026-01-06", stdout=out)
    return out.getvalue()


def refused(command: str, *arguments: str) -> str:
    """Run a command that must be refused; return why, once nothing was written."""
    before = whole_database()
    with pytest.raises(CommandError) as caught:
        done(command, *arguments)
    assert caught.value.returncode == 1
    assert whole_database() == before
    return str(caught.value)


@pytest.fixture
def holders(desk: Desk) -> list[Desk]:
    """Return three accounts: one long, one short, one that has sold."""
    RiskPolicy.objects.create(strategy=desk.strategy, allow_short=True)
    long, short, sold = desk, replace(desk, provider="openai"), replace(desk, provider="gemini")
    long.run([line("NVDA", "BUY", 9.9953)], prices={"NVDA": "528.57"})
    short.run([line("NVDA", "SELL_SHORT", 5)], prices={"NVDA": "500"})
    sold.run([line("NVDA", "BUY", 5)], prices={"NVDA": "500"})
    sold.run([line("NVDA", "SELL")], prices={"NVDA": "500"})
    return [long, short, sold]


def as_text(desk: Desk) -> tuple[str, str, str]:
    """Return quantity, average and cost of what the account holds of NVDA."""
    held = desk.position("NVDA")
    return (f"{held.quantity.normalize():f}", f"{held.average_price.normalize():f}", f"{held.cost_basis:f}")


def test_a_split_multiplies_the_units_and_leaves_the_cost(holders: list[Desk]):
    long, short, _ = holders
    assert as_text(long) == ("18.91", "528.57", "9995.26")
    assert done("apply_split", "nvda", "4:1") == "Booked: split of NVDA by 4:1 on 2026-01-06, 2 accounts\n"
    assert as_text(long) == ("75.64", "132.1425", "9995.26")
    assert as_text(short) == ("40", "125", "5000.00")
    for desk in (long, short):
        assert LedgerEntry.objects.filter(account=desk.account).latest("sequence").kind == "SPLIT"


def test_a_reverse_split_that_no_decimal_writes_out_is_exact(holders: list[Desk]):
    done("apply_split", "NVDA", "3")
    call_command("apply_split", "NVDA", "1:3", "--date", "2026-01-07", stdout=io.StringIO())
    assert as_text(holders[0]) == ("18.91", "528.57", "9995.26")


def test_a_split_changes_neither_cash_nor_value(holders: list[Desk]):
    before = [(desk.account.cash_balance, desk.account.equity_value) for desk in holders]
    done("apply_split", "NVDA", "4")
    assert [(desk.account.cash_balance, desk.account.equity_value) for desk in holders] == before


def test_a_dividend_pays_longs_and_is_paid_by_shorts(holders: list[Desk]):
    cash = [desk.account.cash_balance for desk in holders]
    printed = done("record_dividend", "NVDA", "0.25")
    assert printed == "Booked: dividend of NVDA on 2026-01-06, 2 accounts, $2.23\n"
    gains = [desk.account.cash_balance - before for desk, before in zip(holders, cash, strict=True)]
    assert gains == [Decimal("4.73"), Decimal("-2.50"), Decimal(0)]


@pytest.mark.parametrize(("command", "value"), [("apply_split", "4"), ("record_dividend", "0.25")])
def test_a_second_time_changes_nothing_and_says_so(holders: list[Desk], command: str, value: str):
    done(command, "NVDA", value)
    before = whole_database()
    assert done(command, "NVDA", value).startswith("Booked before: ")
    assert whole_database() == before
    assert CorporateAction.objects.get().account_count == 2


def test_the_books_balance_after_splits_dividends_and_trades(holders: list[Desk]):
    done("apply_split", "NVDA", "4")
    done("record_dividend", "NVDA", "0.25")
    for desk in holders:
        desk.run([line("NVDA", "BUY", 3)], prices={"NVDA": "130"}, mode=Mode.TARGET)
        assert_books_balance(desk.account)


NO_ACTIONS = [
    ("apply_split", ["NOPE", "4"], "not a known security"),
    ("apply_split", ["NVDA", "0"], "must be above zero"),
    ("apply_split", ["NVDA", "-4"], "must be above zero"),
    ("apply_split", ["NVDA", "4:0"], "must be above zero"),
    ("apply_split", ["NVDA", "four"], "'four': not a number"),
    ("record_dividend", ["NVDA", "0.0000001"], "at most 6 places"),
    ("apply_split", ["NVDA", "NaN"], "not a finite number"),
    ("record_dividend", ["NVDA", "0"], "must be above zero"),
    ("record_dividend", ["NVDA", "1e12"], "must be above zero"),
]


def test_an_action_that_is_none_is_refused(holders: list[Desk], subtests: pytest.Subtests):
    for command, arguments, says in NO_ACTIONS:
        with subtests.test(" ".join((command, *arguments))):
            assert says in refused(command, *arguments)


def test_another_value_for_the_same_day_is_refused(holders: list[Desk]):
    done("apply_split", "NVDA", "4")
    assert "has a split of 4.00 on 2026-01-06 already" in refused("apply_split", "NVDA", "5")


def test_a_dividend_that_one_short_cannot_pay_is_booked_for_nobody(holders: list[Desk]):
    message = refused("record_dividend", "NVDA", "20000")
    assert f"account {holders[1].account.pk}: " in message


def test_a_day_that_is_none_is_refused(holders: list[Desk]):
    with pytest.raises(CommandError, match="not a day such as"):
        call_command("apply_split", "NVDA", "4", "--date", "tomorrow")


def test_accounts_keep_their_own_reason_and_actor(holders: list[Desk]):
    done("record_dividend", "NVDA", "0.25")
    entries: Any = LedgerEntry.objects.filter(kind="DIVIDEND")
    assert {entry.reason for entry in entries} == {"Dividend 0.25 per unit on 2026-01-06"}
    assert all(entry.actor for entry in entries)
