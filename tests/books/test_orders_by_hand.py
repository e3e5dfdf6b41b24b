"""Orders that people type: recorded, waiting, filled, canceled, and taken back as if they had never been."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portfolios import bookkeeping
from portfolios.accounting import Action, Side
from portfolios.audit import check_books
from portfolios.bookkeeping import CannotBookError, Stamp, TypedOrder
from portfolios.models import LedgerEntry, Order, PortfolioAccount, Position, Strategy
from tests.counts import count
from tests.scenes import NOW, security

pytestmark = pytest.mark.django_db
BY_HAND = Stamp(actor="bob", now=NOW, reason="broker's statement")


@pytest.fixture
def account(strategy: Strategy) -> PortfolioAccount:
    """Return an account with 10,000 in cash; MSFT and KO are known."""
    security("MSFT")
    security("KO")
    return bookkeeping.open_account(
        strategy_id=strategy.pk, provider="anthropic", initial_balance=Decimal(10_000), stamp=BY_HAND
    )


def typed(text: str) -> TypedOrder:
    """Return `BUY 10 MSFT @ 100` as an order."""
    action, quantity, symbol, _, price = text.split()
    return TypedOrder(action=Action(action), symbol=symbol, quantity=Decimal(quantity), price=Decimal(price))


def record(account: PortfolioAccount, text: str, fee: str = "0") -> Order:
    """Book an order as filled."""
    return bookkeeping.record_order(account, typed=typed(text), fee=Decimal(fee), stamp=BY_HAND)


def take_back(account: PortfolioAccount, order: Order) -> LedgerEntry:
    """Take an order back."""
    return bookkeeping.take_back_order(account, order=order, stamp=BY_HAND)


def books(account: PortfolioAccount) -> tuple[Any, ...]:
    """Return cash, what is open, and all realized profit; the books are right."""
    account.refresh_from_db()
    assert check_books(account) == []
    rows = Position.objects.filter(account=account)
    held = [f"{row.side} {row.quantity:f} {row.security_id} @ {row.average_price:f} cost {row.cost_basis}"
            for row in rows.filter(status="open").order_by("security_id")]  # fmt: skip
    return account.cash_balance, held, sum((row.realized_pnl for row in rows), Decimal(0))


def test_an_order_typed_as_filled_is_in_the_ledger_with_name_and_reason(account: PortfolioAccount):
    order = record(account, "BUY 10 MSFT @ 100", fee="1.50")
    assert books(account) == (
        Decimal("8998.50"), ["long 10.000000 MSFT @ 100.000000 cost 1000.00"], Decimal("-1.50"),
    )  # fmt: skip
    entry = LedgerEntry.objects.get(order=order, kind="BUY")
    assert (entry.actor, entry.reason, order.status) == ("bob", "broker's statement", "filled")
    assert order.metadata == {"entered_by": "bob", "reason": "broker's statement"}


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
    order = bookkeeping.place_order(account, typed=typed("BUY 10 MSFT @ 100"), stamp=BY_HAND)
    bookkeeping.change_order(order, quantity=Decimal(20), limit_price=Decimal(90))
    assert books(account) == (10_000, [], 0)
    bookkeeping.fill_order(account, order=order, price=Decimal("89.5"), fee=Decimal(0), stamp=BY_HAND)
    assert books(account) == (8_210, ["long 20.000000 MSFT @ 89.500000 cost 1790.00"], 0)
    order.refresh_from_db()
    assert (order.status, order.limit_price, order.average_fill_price) == ("filled", 90, Decimal("89.5"))


def test_a_canceled_order_stays_canceled(account: PortfolioAccount):
    order = bookkeeping.place_order(account, typed=typed("BUY 10 MSFT @ 100"), stamp=BY_HAND)
    bookkeeping.cancel_order(order)
    for change in (
        lambda: bookkeeping.cancel_order(order),
        lambda: bookkeeping.change_order(order, quantity=Decimal(1), limit_price=Decimal(1)),
        lambda: bookkeeping.fill_order(account, order=order, price=Decimal(1), fee=Decimal(0), stamp=BY_HAND),
    ):
        with pytest.raises(CannotBookError, match="order is canceled"):
            change()
    with pytest.raises(CannotBookError, match="moved nothing"):
        take_back(account, order)


def test_a_sale_taken_back_gives_back_its_cash_and_its_profit(account: PortfolioAccount):
    record(account, "BUY 10 MSFT @ 50")
    before = books(account)
    sale = record(account, "SELL 10 MSFT @ 60", fee="2")
    assert books(account) == (10_098, [], 98)
    entry = take_back(account, sale)
    assert books(account) == before
    assert (entry.kind, entry.amount, entry.quantity, entry.actor) == ("CORRECTION", -598, 10, "bob")
    assert Position.objects.get().closed_at is None
    sale.refresh_from_db()
    assert sale.status == "filled"


def test_a_short_taken_back_was_never_there(account: PortfolioAccount):
    order = record(account, "SELL_SHORT 10 MSFT @ 50", fee="1")
    take_back(account, order)
    assert books(account) == (10_000, [], 0)


def test_an_order_is_taken_back_once(account: PortfolioAccount):
    order = record(account, "BUY 10 MSFT @ 50")
    take_back(account, order)
    with pytest.raises(CannotBookError, match="was taken back before, by entry 3"):
        take_back(account, order)


@pytest.mark.parametrize("later", ["a sale", "a split", "a correction", "a dividend"])
def test_an_order_that_a_later_entry_needs_is_not_taken_back(account: PortfolioAccount, later: str):
    order = record(account, "BUY 10 MSFT @ 50")
    if later == "a sale":
        record(account, "SELL 5 MSFT @ 60")
    elif later == "a split":
        bookkeeping.split_position(account, symbol="MSFT", ratio=Decimal(2), stamp=BY_HAND)
    elif later == "a dividend":
        bookkeeping.pay_dividend(account, symbol="MSFT", per_share=Decimal(1), stamp=BY_HAND)
    else:
        bookkeeping.correct_position(
            account, symbol="MSFT", side=Side.LONG, quantity=Decimal(9), average_price=Decimal(50), stamp=BY_HAND
        )
    before = books(account)
    with pytest.raises(CannotBookError, match="entry 3 of the ledger needs it"):
        take_back(account, order)
    assert books(account) == before


def test_a_position_opened_again_since_is_not_mixed_with_the_one_before(account: PortfolioAccount):
    record(account, "BUY 10 MSFT @ 50")
    sale = record(account, "SELL 10 MSFT @ 60")
    record(account, "BUY 3 MSFT @ 70")
    with pytest.raises(CannotBookError, match="closed and another one opened since"):
        take_back(account, sale)


def test_cash_that_was_spent_cannot_be_given_back(account: PortfolioAccount):
    record(account, "BUY 100 MSFT @ 50")
    sale = record(account, "SELL 100 MSFT @ 100")
    bookkeeping.withdraw(account, amount=Decimal(14_000), stamp=BY_HAND)
    with pytest.raises(CannotBookError, match="more than the cash balance"):
        take_back(account, sale)


orders = st.tuples(
    st.sampled_from(["BUY", "BUY", "SELL"]),
    st.integers(1, 30),
    st.sampled_from(["MSFT", "KO"]),
    st.sampled_from(["9.37", "10", "11.11"]),
    st.sampled_from(["0", "0.37"]),
)


@pytest.mark.slow
@settings(
    max_examples=count(15, 200),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(wishes=st.lists(orders, min_size=1, max_size=8), at=st.integers(0, 7))
def test_the_books_without_an_order_are_the_books_of_all_the_others(
    account: PortfolioAccount, wishes: list[tuple[str, int, str, str, str]], at: int
):
    whole = fresh_account(account.strategy)
    done = []
    for action, quantity, symbol, price, fee in wishes:
        order = attempt(whole, f"{action} {quantity} {symbol} @ {price}", fee)
        done += [(order, f"{action} {quantity} {symbol} @ {price}", fee)] if order else []
    if not done:
        return
    order, _, _ = done.pop(at % len(done))
    try:
        take_back(whole, order)
    except CannotBookError:
        assert check_books(whole) == []
        return
    other = fresh_account(account.strategy)
    assert all(attempt(other, text, fee) for _, text, fee in done)
    assert books(whole) == books(other)


def fresh_account(like: Strategy) -> PortfolioAccount:
    """Return another account with a million in cash."""
    strategy = Strategy.objects.create(name=f"{like.name} {Strategy.objects.count()}")
    stamp = Stamp(actor="bob", now=NOW + timedelta(minutes=1), reason="another one")
    return bookkeeping.open_account(
        strategy_id=strategy.pk, provider="anthropic", initial_balance=Decimal(1_000_000), stamp=stamp
    )


def attempt(account: PortfolioAccount, text: str, fee: str) -> Order | None:
    """Book an order, or nothing where it is a sale of more than is held."""
    try:
        return record(account, text, fee)
    except CannotBookError:
        account.refresh_from_db()
        return None
