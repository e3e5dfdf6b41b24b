"""A new symbol carries position, cost and history over."""

from datetime import timedelta

import pytest

from portfolios.models import LedgerEntry, PortfolioAccount, Position, Security, Strategy
from portfolios.selectors import stored_prices
from tests.portfolios.ledger.actions import day, dividend, held, refused, rename, split, stored_price, trade, undo
from tests.portfolios.ledger.by_hand import books, open_with_cash
from tests.scenes import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(strategy: Strategy) -> PortfolioAccount:
    """Return an account with 10,000 in cash; MSFT and KO are known."""
    return open_with_cash(strategy)


def test_a_new_symbol_carries_position_cost_and_history_over(account: PortfolioAccount):
    trade(account, "BUY 10 MSFT @ 100")
    trade(account, "SELL 4 MSFT @ 110", on=1)
    before = Position.objects.get()
    report = rename("MSFT", "MSFX", on=3)
    after = Position.objects.get()
    assert (after.pk, after.security_id, after.realized_pnl, after.opened_at) == (
        before.pk, "MSFX", 40, before.opened_at,
    )  # fmt: skip
    assert held(account) == ["long 6.000000 MSFX @ 100.000000 cost 600.00"]
    assert not Security.objects.get(symbol="MSFT").is_active
    split("MSFX", "2:1", on=4)
    trade(account, "SELL 2 MSFX @ 60", on=5)
    assert held(account) == ["long 10.000000 MSFX @ 50.000000 cost 500.00"]
    assert dividend("MSFT", "1", on=2, booked=6).cash == 6
    assert dividend("MSFX", "1", on=6).cash == 10
    refused(lambda: undo(report), "MSFX has a cash dividend on 2026-01-11, paid on other units: reverse it first")


def test_a_change_of_symbol_joins_what_is_held_under_the_new_one(account: PortfolioAccount):
    trade(account, "BUY 10 MSFT @ 100.01")
    trade(account, "BUY 5 KO @ 50.01")
    before = books(account)
    report = rename("MSFT", "KO", on=1)
    assert held(account) == ["long 15.000000 KO @ 83.343333 cost 1250.15"]
    undo(report)
    assert books(account) == before
    assert Security.objects.get(symbol="MSFT").is_active
    assert rename("MSFT", "KO", on=1, booked=31).accounts == 1


def test_a_change_of_symbol_is_reversed(account: PortfolioAccount):
    trade(account, "BUY 10 MSFT @ 100")
    before = books(account), Position.objects.get().pk
    undo(rename("MSFT", "MSFX", on=1))
    assert (books(account), Position.objects.get().pk) == before
    trade(account, "SELL 10 MSFT @ 100", on=40)
    assert held(account) == []


def test_a_long_and_a_short_do_not_join(account: PortfolioAccount):
    trade(account, "BUY 10 MSFT @ 100")
    trade(account, "SELL_SHORT 5 KO @ 50")
    refused(lambda: rename("MSFT", "KO", on=1), "holds long MSFT and short KO: close one of them first")


def test_a_symbol_that_is_another_one_since_has_no_more_actions(account: PortfolioAccount):
    trade(account, "BUY 10 MSFT @ 100")
    rename("MSFT", "MSFX", on=3)
    refused(lambda: split("MSFT", "2:1", on=5), "MSFT is MSFX since 2026-01-08: enter it for that symbol")
    refused(lambda: split("MSFT", "2:1", on=2, booked=5), "reverse that change first")
    refused(
        lambda: dividend("MSFX", "2", on=2, booked=5), "MSFX was MSFT until 2026-01-08: enter it for that symbol"
    )


def test_a_split_and_a_new_symbol_on_one_day_are_entered_in_that_order(account: PortfolioAccount):
    trade(account, "BUY 10 MSFT @ 100")
    first = split("MSFT", "1:2", on=3)
    report = rename("MSFT", "MSFX", on=3)
    assert held(account) == ["long 5.000000 MSFX @ 200.000000 cost 1000.00"]
    refused(lambda: split("MSFX", "1:2", on=3, booked=4), "MSFX was MSFT until 2026-01-08")
    refused(lambda: undo(first), "MSFT is MSFX since 2026-01-08: reverse that change first")
    undo(report)
    undo(first)
    assert held(account) == ["long 10.000000 MSFT @ 100.000000 cost 1000.00"]


def test_a_symbol_may_come_back(account: PortfolioAccount):
    trade(account, "BUY 10 MSFT @ 100")
    stored_price("MSFT", "100", on=0)
    rename("MSFT", "MSFX", on=3)
    rename("MSFX", "MSFT", on=6)
    assert split("MSFT", "2:1", on=8).accounts == 1
    assert dividend("MSFT", "1", on=9).cash == 20
    assert dividend("MSFX", "1", on=5, booked=9).cash == 10
    refused(
        lambda: dividend("MSFX", "1", on=8, booked=9), "MSFX is MSFT since 2026-01-11: enter it for that symbol"
    )
    refused(lambda: rename("MSFT", "KO", on=7, booked=9), "MSFT has a cash dividend on 2026-01-14")
    found = stored_prices.latest_prices(["MSFT"], until=NOW + timedelta(days=9))
    assert found["MSFT"].price == 50


def test_units_that_came_over_later_than_a_split_are_left_to_a_person(account: PortfolioAccount):
    trade(account, "BUY 10 MSFT @ 100")
    trade(account, "BUY 1 MSFT @ 100", on=5)
    rename("MSFT", "MSFX", on=2, booked=6)
    assert LedgerEntry.objects.filter(kind="TRANSFER").latest("sequence").effective_on == day(5)
    refused(lambda: split("MSFX", "2:1", on=4, booked=6), "took MSFX over on 2026-01-10 only")
    assert dividend("MSFX", "1", on=4, booked=6).cash == 10
    assert dividend("MSFX", "1", on=6).cash == 11
