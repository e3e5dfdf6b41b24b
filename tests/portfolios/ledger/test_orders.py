"""Orders that people type: recorded, waiting, changed, filled and canceled."""

from decimal import Decimal

import pytest

from portfolios import ledger
from portfolios.ledger import CannotBookError
from portfolios.models import LedgerEntry, Order, PortfolioAccount, Position, Strategy
from tests.portfolios.ledger.by_hand import (
    BY_HAND,
    books,
    open_with_cash,
    record,
    reverse,
    typed,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(strategy: Strategy) -> PortfolioAccount:
    """Return an account with 10,000 in cash; MSFT and KO are known."""
    return open_with_cash(strategy)


def test_an_order_typed_as_filled_is_in_the_ledger_with_name_and_reason(account: PortfolioAccount):
    order = record(account, "BUY 10 MSFT @ 100", fee="1.50")
    assert books(account) == (
        Decimal("8998.50"), ["long 10.000000 MSFT @ 100.000000 cost 1000.00"], Decimal("-1.50"),
    )  # fmt: skip
    entry = LedgerEntry.objects.get(order=order, kind="BUY")
    assert (entry.actor, entry.reason, order.status) == ("bob", "statement of January", "filled")
    assert order.metadata == {"entered_by": "bob", "reason": "statement of January"}


def test_a_typed_fill_leaves_the_mark_of_what_is_held(account: PortfolioAccount):
    record(account, "BUY 10 MSFT @ 100")
    record(account, "BUY 1 MSFT @ 7")
    assert Position.objects.get().mark_price == 100


@pytest.mark.parametrize(
    ("text", "fee", "why"),
    [
        ("BUY 0 MSFT @ 1", "0", "quantity is 0: must be above zero"),
        ("BUY 1 MSFT @ -1", "0", "price is -1: must be above zero"),
        ("BUY 0.0000001 MSFT @ 1", "0", "the books keep 6 places"),
        ("BUY 1 MSFT @ 1.23456", "0", "the books keep 4 places"),
        ("BUY 1 MSFT @ 1", "0.001", "fee is 0.001"),
        ("BUY 1 MSFT @ 1", "-1", "fee is -1"),
        ("BUY 1 XYZ @ 1", "0", "symbol is XYZ: not a known security"),
        ("SELL 1 MSFT @ 1", "0", "nothing is held"),
        ("BUY 1000 MSFT @ 11", "0", "more than the cash balance"),
        ("BUY 999999999999 MSFT @ 11", "0", "outside the books' range"),
    ],
)
def test_what_the_books_do_not_take_is_refused_and_changes_nothing(
    account: PortfolioAccount, text: str, fee: str, why: str
):
    before = books(account)
    with pytest.raises(CannotBookError, match=why):
        record(account, text, fee)
    assert (books(account), Order.objects.count()) == (before, 0)


def test_a_pending_order_moves_nothing_until_it_is_filled(account: PortfolioAccount):
    order = ledger.place_order(account, typed=typed("BUY 10 MSFT @ 100"), context=BY_HAND)
    ledger.change_order(order, quantity=Decimal(20), limit_price=Decimal(90))
    assert books(account) == (10_000, [], 0)
    ledger.fill_order(account, order=order, price=Decimal("89.5"), fee=Decimal(0), context=BY_HAND)
    assert books(account) == (8_210, ["long 20.000000 MSFT @ 89.500000 cost 1790.00"], 0)
    order.refresh_from_db()
    assert (order.status, order.limit_price, order.average_fill_price) == ("filled", 90, Decimal("89.5"))


def test_a_canceled_order_stays_canceled(account: PortfolioAccount):
    order = ledger.place_order(account, typed=typed("BUY 10 MSFT @ 100"), context=BY_HAND)
    ledger.cancel_order(order)
    for change in (
        lambda: ledger.cancel_order(order),
        lambda: ledger.change_order(order, quantity=Decimal(1), limit_price=Decimal(1)),
        lambda: ledger.fill_order(account, order=order, price=Decimal(1), fee=Decimal(0), context=BY_HAND),
    ):
        with pytest.raises(CannotBookError, match="order is canceled"):
            change()
    with pytest.raises(CannotBookError, match="moved nothing"):
        reverse(account, order)
