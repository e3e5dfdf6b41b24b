from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolios.domain.accounting import apply_fill
from portfolios.domain.snapshot import AccountSnapshot
from portfolios.domain.vocabulary import MarginStatus
from tests.builders import account, fill, marked


def test_an_account_is_worth_its_cash_and_its_holdings():
    held = account(cash=90_001, long={"MSFT": ("22.22", 450)})
    assert held.equity_value == Decimal("9999.00")
    assert held.total_value == Decimal("100000.00")
    assert held.weight("MSFT") == Decimal("0.09999")
    assert held.weight("AAPL") == 0


def test_a_short_brings_cash_and_owes_as_much():
    shorted = apply_fill(None, fill("SELL_SHORT 28 @ 175.44"))
    held = AccountSnapshot(100_000 + shorted.cash_delta, {"MSFT": shorted.holding})
    assert held.cash_balance == Decimal("104912.32")
    assert held.equity_value == Decimal("-4912.32")
    assert held.total_value == Decimal("100000.00")


def test_a_short_loses_when_its_price_rises():
    held = marked(account(cash="104912.32", short={"MSFT": (28, "175.44")}), {"MSFT": 193})
    assert held.equity_value == Decimal("-5404.00")
    assert held.total_value == Decimal("99508.32")
    assert held.weight("MSFT") == Decimal("-5404.00") / Decimal("99508.32")


def test_exposure_counts_shorts_once_as_positive_and_once_as_negative():
    held = account(cash=10_000, long={"MSFT": (10, 100), "AAPL": (5, 200)}, short={"XOM": (20, 25)})
    assert held.gross_exposure == 2500
    assert held.net_exposure == 1500
    assert held.short_value == 500


@pytest.mark.parametrize(("margin", "available"), [("0", "9500"), ("0.5", "9250"), ("1", "9000")])
def test_the_proceeds_of_a_short_cannot_be_spent(margin: str, available: str):
    held = account(cash=10_000, long={"MSFT": (10, 100)}, short={"XOM": (20, 25)})
    assert held.available_cash(short_margin=Decimal(margin)) == Decimal(available)


def test_an_empty_account_is_worth_its_cash():
    held = account(cash=100)
    assert held.equity_value == held.gross_exposure == held.short_value == 0
    assert held.available_cash(short_margin=Decimal("0.5")) == held.total_value == 100


def test_an_account_worth_nothing_has_no_weights():
    held = account(cash=500, short={"XOM": (20, 25)})
    with pytest.raises(ZeroDivisionError):
        held.weight("XOM")


@pytest.mark.parametrize(
    ("cash", "long", "short", "margin", "status"),
    [
        ("750", "0", "20", "0.5", "covered"),  # 750 is exactly 20 * 25 and half of it on top
        ("749.99", "0", "20", "0.5", "deficit"),
        ("749.99", "0", "20", "0.49", "covered"),
        ("749.99", "100", "20", "0.5", "deficit"),  # longs are no cash
        ("500", "0", "20", "0", "no_equity"),
        ("499.99", "0", "20", "0", "no_equity"),
        ("0", "0", "0", "0.5", "covered"),
        ("0", "10", "0", "0.5", "covered"),
    ],
)
def test_cash_covers_the_shorts_with_their_margin_or_it_does_not(
    cash: str, long: str, short: str, margin: str, status: str
):
    sizes = {"long": {"MSFT": (Decimal(long), 100)}, "short": {"XOM": (Decimal(short), 25)}}
    given = {side: held for side, held in sizes.items() if next(iter(held.values()))[0]}
    assert account(cash=cash, **given).margin_status(short_margin=Decimal(margin)) == status


@given(
    cash=st.decimals(0, 10**6, places=2),
    quantity=st.integers(1, 1000),
    price=st.decimals("0.01", 1000, places=2),
    margin=st.decimals(0, 2, places=2),
    taken=st.decimals(0, 10**6, places=2),
)
def test_what_leaves_the_available_cash_at_zero_or_more_leaves_the_shorts_covered(
    cash: Decimal, quantity: int, price: Decimal, margin: Decimal, taken: Decimal
):
    before = account(cash=cash, short={"XOM": (quantity, price)})
    after = account(cash=cash - taken, short={"XOM": (quantity, price)})
    may_leave = taken <= before.available_cash(short_margin=margin)
    covered = after.margin_status(short_margin=margin) is MarginStatus.COVERED
    assert covered == (may_leave and after.total_value > 0)
    if not covered:
        assert after.margin_status(short_margin=margin + 1) is not MarginStatus.COVERED
