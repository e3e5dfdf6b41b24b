"""What people do with the books by hand: each change is one entry with an actor and a reason, or it is refused."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from portfolios import ledger
from portfolios.domain.accounting import Side
from portfolios.ledger import AuditContext, CannotBookError, check_books
from portfolios.models import LedgerEntry, PortfolioAccount, Position, RiskPolicy, Strategy
from tests.scenes import NOW, Desk, line, security, whole_database

pytestmark = pytest.mark.django_db

BY_HAND = AuditContext(actor="bob", now=NOW, reason="statement of January")


def dec(text: str | int) -> Decimal:
    """Return a Decimal; short, as these tests are full of them."""
    return Decimal(text)


@pytest.fixture
def account(strategy: Strategy) -> PortfolioAccount:
    """Return an account with 100,000.00 in cash and 18.91 AAPL @ 528.57."""
    security("AAPL")
    opened = ledger.open_account(
        strategy_id=strategy.pk, provider="anthropic", initial_balance=dec(100_000), context=BY_HAND
    )
    hold(opened, "AAPL", Side.LONG, "18.91", "528.57")
    return opened


def hold(account: PortfolioAccount, symbol: str, side: Side, quantity: str, average: str, **context: Any) -> None:
    """Correct a position to what is given."""
    ledger.correct_position(
        account,
        symbol=symbol,
        side=side,
        quantity=dec(quantity),
        average_price=dec(average),
        context=replace(BY_HAND, **context),
    )


def last_entry(account: PortfolioAccount) -> LedgerEntry:
    """Return the newest entry."""
    return LedgerEntry.objects.filter(account=account).latest("sequence")


def stored(account: PortfolioAccount) -> PortfolioAccount:
    """Return the account as the database has it; its books must be right."""
    row = PortfolioAccount.objects.get(pk=account.pk)
    assert check_books(row) == []
    return row


def refused(change: Callable[[], object], words: str) -> None:
    """The change must be refused with these words, and nothing be written."""
    before = whole_database()
    with pytest.raises(CannotBookError, match=words), transaction.atomic():
        change()
    assert whole_database() == before


def position(account: PortfolioAccount, symbol: str = "AAPL") -> Position:
    """Return the newest position in a symbol."""
    return Position.objects.filter(account=account, security_id=symbol).latest("book_version")


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


def test_a_long_receives_a_dividend(account: PortfolioAccount):
    paid = ledger.pay_dividend(account, symbol="AAPL", per_share=dec("0.25"), context=BY_HAND)
    assert paid == dec("4.73")  # 18.91 * 0.25 = 4.7275
    entry = last_entry(account)
    assert (entry.kind, entry.amount, entry.security_id) == ("DIVIDEND", dec("4.73"), "AAPL")
    assert stored(account).cash_balance == dec("100004.73")
    assert position(account).book_version == entry.sequence


def test_a_short_pays_the_dividend(account: PortfolioAccount):
    security("GME")
    hold(account, "GME", Side.SHORT, "28", "175.44")
    paid = ledger.pay_dividend(account, symbol="GME", per_share=dec("1.50"), context=BY_HAND)
    assert paid == dec("-42.00")
    assert stored(account).cash_balance == dec("99958.00")


def test_a_split_keeps_the_cost_to_the_cent(account: PortfolioAccount):
    cost = position(account).cost_basis
    ledger.split_position(account, symbol="AAPL", ratio=dec(4), context=BY_HAND)
    after = position(account)
    assert (after.quantity, after.average_price, after.mark_price) == (
        dec("75.64"),
        dec("132.1425"),
        dec("132.1425"),
    )
    assert after.cost_basis == cost == dec("9995.26")
    entry = last_entry(account)
    assert (entry.kind, entry.quantity, entry.amount) == ("SPLIT", dec("56.73"), 0)
    assert stored(account).equity_value == dec("9995.26")


def test_a_reverse_split_gathers_units(account: PortfolioAccount):
    ledger.split_position(account, symbol="AAPL", ratio=dec("0.1"), context=BY_HAND)
    assert (position(account).quantity, position(account).average_price) == (dec("1.891"), dec("5285.7"))
    assert last_entry(account).quantity == dec("-17.019")
    stored(account)


def test_a_split_of_a_short_grows_the_short(account: PortfolioAccount):
    security("GME")
    hold(account, "GME", Side.SHORT, "28", "175.44")
    after = ledger.split_position(account, symbol="GME", ratio=dec(2), context=BY_HAND)
    assert (after.side, after.quantity, after.cost_basis) == (Side.SHORT, dec(56), dec("4912.32"))
    assert last_entry(account).quantity == dec(-28)
    stored(account)


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


@pytest.mark.parametrize(
    ("balance", "words"), [("100000", "nothing to correct"), ("1e13", "range"), ("NaN", "range")]
)
def test_a_balance_that_corrects_nothing_is_refused(account: PortfolioAccount, balance: str, words: str):
    refused(lambda: ledger.correct_cash(account, balance=dec(balance), context=BY_HAND), words)


@pytest.mark.parametrize(
    ("symbol", "per_share", "words"),
    [
        ("MSFT", "1", "MSFT is not held"),
        ("AAPL", "0", "above zero"),
        ("AAPL", "-1", "above zero"),
        ("AAPL", "NaN", "above zero"),
        ("AAPL", "0.0001", "less than a cent"),
        ("AAPL", "1e13", "range"),
    ],
)
def test_a_dividend_that_makes_no_sense_is_refused(
    account: PortfolioAccount, symbol: str, per_share: str, words: str
):
    refused(lambda: ledger.pay_dividend(account, symbol=symbol, per_share=dec(per_share), context=BY_HAND), words)


def test_a_short_that_cannot_pay_the_dividend_is_refused(account: PortfolioAccount):
    security("GME")
    hold(account, "GME", Side.SHORT, "28", "175.44")
    dividend = dec("3571.43")  # 28 * 3571.43 = 100,000.04
    refused(
        lambda: ledger.pay_dividend(account, symbol="GME", per_share=dividend, context=BY_HAND),
        "more than the cash",
    )


@pytest.mark.parametrize(
    ("symbol", "ratio", "words"),
    [
        ("MSFT", "2", "MSFT is not held"),
        ("AAPL", "0", "above zero"),
        ("AAPL", "-4", "above zero"),
        ("AAPL", "NaN", "above zero"),
        ("AAPL", "Infinity", "above zero"),
        ("AAPL", "0.00000001", "range"),
        ("AAPL", "0.00000002", "range"),
        ("AAPL", "1e9", "range"),
    ],
)
def test_a_split_that_makes_no_sense_is_refused(account: PortfolioAccount, symbol: str, ratio: str, words: str):
    refused(lambda: ledger.split_position(account, symbol=symbol, ratio=dec(ratio), context=BY_HAND), words)


def test_a_split_that_leaves_nothing_is_refused(account: PortfolioAccount):
    security("DUST")
    hold(account, "DUST", Side.LONG, "0.000002", "1")
    refused(lambda: ledger.split_position(account, symbol="DUST", ratio=dec("0.1"), context=BY_HAND), "leaves 0")
    hold(account, "DUST", Side.LONG, "10", "0.000001")
    refused(lambda: ledger.split_position(account, symbol="DUST", ratio=dec(10), context=BY_HAND), "leaves 100")


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


CHANGES: dict[str, Callable[[PortfolioAccount, AuditContext], object]] = {
    "deposit": lambda account, context: ledger.deposit(account, amount=dec(1), context=context),
    "withdraw": lambda account, context: ledger.withdraw(account, amount=dec(1), context=context),
    "correct_cash": lambda account, context: ledger.correct_cash(account, balance=dec(1), context=context),
    "pay_dividend": lambda account, context: ledger.pay_dividend(
        account, symbol="AAPL", per_share=dec(1), context=context
    ),
    "split_position": lambda account, context: ledger.split_position(
        account, symbol="AAPL", ratio=dec(2), context=context
    ),
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


def test_an_account_cannot_be_opened_with_nothing(strategy: Strategy):
    refused(
        lambda: ledger.open_account(
            strategy_id=strategy.pk, provider="openai", initial_balance=dec(0), context=BY_HAND
        ),
        "above zero",
    )


def test_trades_go_on_from_what_people_have_corrected(desk: Desk):
    RiskPolicy.objects.create(strategy=desk.strategy, allow_short=True)
    desk.run([line("MSFT", "BUY", 10)], prices="450")
    account = desk.account
    ledger.split_position(account, symbol="MSFT", ratio=dec(3), context=BY_HAND)
    hold(account, "MSFT", Side.LONG, "60", "150")
    desk.run([line("MSFT", "SELL")], prices="160")
    sold = Position.objects.get(account=account)
    assert (sold.status, sold.realized_pnl) == ("closed", dec(600))
    stored(account)
