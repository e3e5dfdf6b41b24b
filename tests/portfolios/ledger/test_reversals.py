"""Orders that are reversed: the books are as if they had never been."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portfolios import ledger
from portfolios.domain.accounting import Side
from portfolios.ledger import AuditContext, CannotBookError, check_books
from portfolios.models import Order, PortfolioAccount, Position, Strategy
from tests.counts import count
from tests.portfolios.ledger.actions import dividend, split
from tests.portfolios.ledger.by_hand import (
    BY_HAND,
    books,
    open_with_cash,
    record,
    reverse,
)
from tests.scenes import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(strategy: Strategy) -> PortfolioAccount:
    """Return an account with 10,000 in cash; MSFT and KO are known."""
    return open_with_cash(strategy)


def test_a_sale_reversed_gives_back_its_cash_and_its_profit(account: PortfolioAccount):
    record(account, "BUY 10 MSFT @ 50")
    before = books(account)
    sale = record(account, "SELL 10 MSFT @ 60", fee="2")
    assert books(account) == (10_098, [], 98)
    entry = reverse(account, sale)
    assert books(account) == before
    assert (entry.kind, entry.amount, entry.quantity, entry.actor) == ("CORRECTION", -598, 10, "bob")
    assert Position.objects.get().closed_at is None
    sale.refresh_from_db()
    assert sale.status == "filled"


def test_a_short_reversed_was_never_there(account: PortfolioAccount):
    order = record(account, "SELL_SHORT 10 MSFT @ 50", fee="1")
    reverse(account, order)
    assert books(account) == (10_000, [], 0)


def test_an_order_is_reversed_once(account: PortfolioAccount):
    order = record(account, "BUY 10 MSFT @ 50")
    reverse(account, order)
    with pytest.raises(CannotBookError, match="was reversed before, by entry 3"):
        reverse(account, order)


@pytest.mark.parametrize("later", ["a sale", "a split", "a correction", "a dividend"])
def test_an_order_that_a_later_entry_needs_is_not_reversed(account: PortfolioAccount, later: str):
    order = record(account, "BUY 10 MSFT @ 50")
    if later == "a sale":
        record(account, "SELL 5 MSFT @ 60")
    elif later == "a split":
        split("MSFT", "2:1", on=1)
    elif later == "a dividend":
        dividend("MSFT", "1", on=1)
    else:
        ledger.correct_position(
            account, symbol="MSFT", side=Side.LONG, quantity=Decimal(9), average_price=Decimal(50), context=BY_HAND
        )
    account.refresh_from_db()
    before = books(account)
    with pytest.raises(CannotBookError, match="entry 3 of the ledger needs it"):
        reverse(account, order)
    assert books(account) == before


def test_a_position_opened_again_since_is_not_mixed_with_the_one_before(account: PortfolioAccount):
    record(account, "BUY 10 MSFT @ 50")
    sale = record(account, "SELL 10 MSFT @ 60")
    record(account, "BUY 3 MSFT @ 70")
    with pytest.raises(CannotBookError, match="closed and another one opened since"):
        reverse(account, sale)


def test_cash_that_was_spent_cannot_be_given_back(account: PortfolioAccount):
    record(account, "BUY 100 MSFT @ 50")
    sale = record(account, "SELL 100 MSFT @ 100")
    ledger.withdraw(account, amount=Decimal(14_000), context=BY_HAND)
    with pytest.raises(CannotBookError, match="more than the cash balance"):
        reverse(account, sale)


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
        reverse(whole, order)
    except CannotBookError:
        assert check_books(whole) == []
        return
    other = fresh_account(account.strategy)
    assert all(attempt(other, text, fee) for _, text, fee in done)
    assert books(whole) == books(other)


def fresh_account(like: Strategy) -> PortfolioAccount:
    """Return another account with a million in cash."""
    strategy = Strategy.objects.create(name=f"{like.name} {Strategy.objects.count()}")
    context = AuditContext(actor="bob", now=NOW + timedelta(minutes=1), reason="another one")
    return ledger.open_account(
        strategy_id=strategy.pk, provider="anthropic", initial_balance=Decimal(1_000_000), context=context
    )


def attempt(account: PortfolioAccount, text: str, fee: str) -> Order | None:
    """Book an order, or nothing where it is a sale of more than is held."""
    try:
        return record(account, text, fee)
    except CannotBookError:
        account.refresh_from_db()
        return None
