"""Corporate actions reversed, and in which order they may stand on each other."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from portfolios import ledger
from portfolios.models import CorporateAction, PortfolioAccount, Position, Strategy
from tests.portfolios.ledger.actions import (
    dividend,
    on_day,
    refused,
    split,
    stored_price,
    trade,
    undo,
    units,
)
from tests.portfolios.ledger.by_hand import BY_HAND, books, open_with_cash
from tests.scenes import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(strategy: Strategy) -> PortfolioAccount:
    """Return an account with 10,000 in cash; MSFT and KO are known."""
    return open_with_cash(strategy)


SCENES: dict[str, Callable[[PortfolioAccount], None]] = {
    "a long": lambda account: trade(account, "BUY 7.77 MSFT @ 123.4567", fee="1.11"),
    "a short": lambda account: trade(account, "SELL_SHORT 7.77 MSFT @ 123.4567", fee="1.11"),
    "a penny stock": lambda account: trade(account, "BUY 700.01 MSFT @ 0.512345"),
}


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("ratio", ["4:1", "3:1", "1:3", "3:2", "6:5", "1:7"])
def test_a_split_reversed_was_never_there(account: PortfolioAccount, scene: str, ratio: str):
    SCENES[scene](account)
    before, mark = books(account), Position.objects.get().mark_price
    account.refresh_from_db()
    worth = account.total_value
    report = split("MSFT", ratio, on=1, price="50")
    undo(report)
    assert (books(account), Position.objects.get().mark_price) == (before, mark)
    assert account.total_value == worth
    assert split("MSFT", "5:1", on=1, booked=31).accounts == 1
    books(account)


def test_a_split_that_was_traded_on_is_reversed_with_the_trades_as_they_were(account: PortfolioAccount):
    trade(account, "BUY 10 MSFT @ 400")
    report = split("MSFT", "4:1", on=1)
    trade(account, "SELL 5 MSFT @ 100", on=2)
    undo(report, booked=3)
    assert books(account)[1:] == (["long 5.000000 MSFT @ 400.000000 cost 2000.00"], -1500)


def test_a_split_whose_units_were_sold_is_not_reversed_for_anybody(account: PortfolioAccount, strategy: Strategy):
    other = ledger.open_account(
        strategy_id=strategy.pk, provider="openai", initial_balance=Decimal(1000), context=BY_HAND
    )
    trade(other, "BUY 1 MSFT @ 400")
    trade(account, "BUY 10 MSFT @ 400")
    report = split("MSFT", "4:1", on=1)
    trade(account, "SELL 20 MSFT @ 100", on=2)
    refused(lambda: undo(report), f"account {account.pk}: cannot be reversed: SELL of MSFT on 2026-01-07")


def test_a_dividend_is_reversed_whatever_was_traded_since(account: PortfolioAccount):
    trade(account, "BUY 10 MSFT @ 100")
    report = dividend("MSFT", "1", on=1)
    trade(account, "SELL 10 MSFT @ 110", on=2)
    undo(report)
    assert books(account) == (10_100, [], 100)
    dividend("MSFT", "2", on=1, booked=31)
    assert books(account)[0] == 10_120


def test_a_dividend_that_was_spent_is_not_reversed(account: PortfolioAccount):
    trade(account, "BUY 100 MSFT @ 100")
    report = dividend("MSFT", "1", on=1)
    ledger.withdraw(PortfolioAccount.objects.get(), amount=Decimal(50), context=BY_HAND)
    refused(lambda: undo(report), f"account {account.pk}: cannot be reversed: REVERSAL of -100.00 is more than")


def test_a_reversal_wants_a_reason_and_happens_once(account: PortfolioAccount):
    trade(account, "BUY 10 MSFT @ 100")
    report = dividend("MSFT", "1", on=1)
    assert report.action_id is not None
    key = report.action_id
    refused(lambda: ledger.reverse_action(key, context=on_day(2, "")), "an actor and a reason")
    refused(lambda: ledger.reverse_action(-1, context=on_day(2)), "not known")
    undo(report)
    refused(lambda: undo(report), "was reversed on 2026-02-04 10:30 UTC by bob: it was another ratio")


def test_actions_that_stand_on_each_other_are_entered_in_order(account: PortfolioAccount):
    trade(account, "BUY 10 MSFT @ 100")
    paid = dividend("MSFT", "1", on=5)
    refused(lambda: split("MSFT", "2:1", on=3, booked=6), "has a cash dividend on 2026-01-10, paid on other units")
    undo(paid, booked=6)
    later = split("MSFT", "2:1", on=5, booked=6)
    refused(lambda: split("MSFT", "3:1", on=3, booked=6), "has a split on 2026-01-10, booked before")
    undo(later, booked=7)
    split("MSFT", "3:1", on=3, booked=8)
    split("MSFT", "2:1", on=5, booked=8)
    dividend("MSFT", "1", on=5, booked=8)
    assert [units(account), books(account)[0]] == [60, 9030]


def test_a_mark_at_the_close_before_the_split_is_in_old_units_whenever_it_was_made(account: PortfolioAccount):
    """A mark to market on the morning of the split takes the close of the day before."""
    trade(account, "BUY 10 MSFT @ 400")
    stored_price("MSFT", "404", on=0)
    ledger.mark_accounts(
        [account.pk], marks={"MSFT": Decimal(404)}, as_of=NOW + timedelta(days=1), now=NOW + timedelta(days=1)
    )
    report = split("MSFT", "4:1", on=1)
    assert Position.objects.get().mark_price == 101
    undo(report, booked=2)
    assert Position.objects.get().mark_price == 404
    split("MSFT", "4:1", on=1, booked=3)
    assert Position.objects.get().mark_price == 101
    account.refresh_from_db()
    assert account.total_value == 10_000 + 40
    # Marked again at the same close, in units of today: a split that never was leaves the close as it was stored.
    action = CorporateAction.objects.latest("pk")
    later = NOW + timedelta(days=4)
    ledger.mark_accounts([account.pk], marks={"MSFT": Decimal(101)}, as_of=later, now=later)
    ledger.reverse_action(action.pk, context=on_day(5, "it was another company"))
    assert Position.objects.get().mark_price == 404
    split("MSFT", "4:1", on=1, booked=6)
    assert Position.objects.get().mark_price == 101


def test_a_mark_at_a_price_of_the_day_of_the_split_stays(account: PortfolioAccount):
    trade(account, "BUY 10 MSFT @ 400")
    stored_price("MSFT", "404", on=0)
    stored_price("MSFT", "102", on=1)
    noon = NOW + timedelta(days=1, hours=9)
    ledger.mark_accounts([account.pk], marks={"MSFT": Decimal(102)}, as_of=noon, now=noon)
    undo(split("MSFT", "4:1", on=1, booked=2))
    assert Position.objects.get().mark_price == 102
