"""What people say that cash or a holding really is: the difference is booked, or refused."""

from datetime import timedelta

import pytest

from portfolios import ledger
from portfolios.domain.accounting import Side
from portfolios.models import PortfolioAccount, Position, RiskPolicy
from tests.portfolios.ledger.actions import split
from tests.portfolios.ledger.by_hand import (
    BY_HAND,
    dec,
    hold,
    last_entry,
    position,
    refused,
    stored,
)
from tests.scenes import NOW, Desk, line, security

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("balance", "moved"), [("99999.99", "-0.01"), ("100000.01", "0.01"), ("0", "-100000")])
def test_a_correction_of_cash_books_the_difference(account: PortfolioAccount, balance: str, moved: str):
    ledger.correct_cash(account, balance=dec(balance), context=BY_HAND)
    entry = last_entry(account)
    assert (entry.kind, entry.amount, entry.actor) == ("CORRECTION", dec(moved), "bob")
    assert stored(account).cash_balance == dec(balance)


def test_a_correction_opens_a_position_that_was_missing(account: PortfolioAccount):
    security("MSFT")
    hold(account, "MSFT", Side.LONG, "3", "450")
    opened = position(account, "MSFT")
    assert (opened.quantity, opened.cost_basis, opened.mark_price) == (dec(3), dec(1350), dec(450))
    assert last_entry(account).quantity == dec(3)
    assert stored(account).cash_balance == dec(100_000), "a correction of a holding moves no cash"


def test_a_correction_changes_size_and_average_and_keeps_the_mark(account: PortfolioAccount):
    hold(account, "AAPL", Side.LONG, "20", "500")
    after = position(account)
    assert (after.quantity, after.cost_basis, after.mark_price) == (dec(20), dec(10_000), dec("528.57"))
    assert last_entry(account).quantity == dec("1.09")
    assert stored(account).equity_value == dec("10571.40")


def test_a_correction_turns_a_long_into_a_short(account: PortfolioAccount):
    hold(account, "AAPL", Side.SHORT, "5", "528.57")
    assert (position(account).side, position(account).quantity) == ("short", dec(5))
    assert last_entry(account).quantity == dec("-23.91")
    stored(account)


def test_a_turn_of_more_units_than_an_entry_can_say_is_refused(account: PortfolioAccount):
    hold(account, "AAPL", Side.LONG, "999999999", "0.01")
    refused(lambda: hold(account, "AAPL", Side.SHORT, "1", "0.01"), "quantity -1.00000e.9 is outside the books")


def test_a_correction_to_nothing_closes_the_position(account: PortfolioAccount):
    hold(account, "AAPL", Side.LONG, "0", "0")
    closed = position(account)
    assert (closed.status, closed.quantity, closed.cost_basis, closed.closed_at) == ("closed", 0, 0, NOW)
    assert stored(account).equity_value == 0


def test_what_was_closed_by_correction_can_be_held_again(account: PortfolioAccount):
    hold(account, "AAPL", Side.LONG, "0", "0")
    hold(account, "AAPL", Side.SHORT, "2", "500")
    assert Position.objects.filter(account=account, security_id="AAPL").count() == 2
    assert position(account).side == "short"
    stored(account)


def test_the_smallest_holding_and_the_largest_balance_can_be_booked(account: PortfolioAccount):
    security("MSFT")
    hold(account, "MSFT", Side.LONG, "0.000001", "0.000001")
    ledger.correct_cash(account, balance=dec("9999999999999.99"), context=BY_HAND)
    assert stored(account).cash_balance == dec("9999999999999.99")


@pytest.mark.parametrize(
    ("balance", "words"), [("100000", "nothing to correct"), ("1e13", "range"), ("NaN", "range")]
)
def test_a_balance_that_corrects_nothing_is_refused(account: PortfolioAccount, balance: str, words: str):
    refused(lambda: ledger.correct_cash(account, balance=dec(balance), context=BY_HAND), words)


@pytest.mark.parametrize(
    ("symbol", "quantity", "average", "words"),
    [
        ("AAPL", "-1", "5", "above zero"),
        ("AAPL", "NaN", "5", "above zero"),
        ("AAPL", "1", "0", "above zero"),
        ("AAPL", "1", "-5", "above zero"),
        ("AAPL", "1", "0.0000001", "6 places"),
        ("AAPL", "0.0000001", "5", "6 places"),
        ("AAPL", "1e9", "5", "range"),
        ("AAPL", "1", "1e9", "range"),
        ("AAPL", "999999999", "999999", "range"),
        ("AAPL", "18.91", "528.57", "nothing to correct"),
        ("MSFT", "0", "0", "nothing to correct"),
        ("MSFT", "1", "5", "not a known security"),
    ],
)
def test_a_holding_that_makes_no_sense_is_refused(
    account: PortfolioAccount, symbol: str, quantity: str, average: str, words: str
):
    refused(lambda: hold(account, symbol, Side.LONG, quantity, average), words)


def test_trades_go_on_from_what_people_have_corrected(desk: Desk):
    RiskPolicy.objects.create(strategy=desk.strategy, allow_short=True)
    desk.run([line("MSFT", "BUY", 10)], prices="450")
    account = desk.account
    split("MSFT", "3:1", on=1)
    account.refresh_from_db()
    hold(account, "MSFT", Side.LONG, "60", "150")
    desk.run([line("MSFT", "SELL")], prices="160", now=NOW + timedelta(days=2))
    sold = Position.objects.get(account=account)
    assert (sold.status, sold.realized_pnl) == ("closed", dec(600))
    stored(account)
