"""Dividends and splits of one open position."""

import pytest

from portfolios import ledger
from portfolios.domain.accounting import Side
from portfolios.models import PortfolioAccount
from tests.portfolios.ledger.by_hand import (
    BY_HAND,
    dec,
    hold,
    last_entry,
    position,
    refused,
    stored,
)
from tests.scenes import security

pytestmark = pytest.mark.django_db


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
