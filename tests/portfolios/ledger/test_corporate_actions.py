"""Splits and dividends: on what was held at the close before their day, whenever they are booked."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from portfolios import ledger
from portfolios.ledger import Effect
from portfolios.models import LedgerEntry, PortfolioAccount, Position, Security, Strategy
from portfolios.valuation.metrics import account_performance
from tests.portfolios.ledger.actions import (
    day,
    dividend,
    held,
    on_day,
    refused,
    rename,
    split,
    stored_price,
    trade,
    undo,
    units,
)
from tests.portfolios.ledger.by_hand import BY_HAND, books, dec, open_with_cash, typed
from tests.scenes import NOW, whole_database

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(strategy: Strategy) -> PortfolioAccount:
    """Return an account with 10,000 in cash; MSFT and KO are known."""
    return open_with_cash(strategy)


def test_what_was_traded_since_keeps_its_units(account: PortfolioAccount):
    trade(account, "BUY 10 MSFT @ 400")
    trade(account, "BUY 38.80 MSFT @ 100", on=2)
    report = split("MSFT", "4:1", on=1, booked=2)
    assert held(account) == ["long 78.800000 MSFT @ 100.000000 cost 7880.00"]
    (effect,) = report.effects
    assert [effect.then, effect.before, effect.after] == [10, dec("48.8"), dec("78.8")]
    entry = LedgerEntry.objects.get(kind="SPLIT")
    assert (entry.effective_on, entry.occurred_at.date(), entry.quantity) == (day(1), day(2), 30)


def test_a_split_before_the_purchase_does_nothing_to_it_and_says_so(account: PortfolioAccount):
    trade(account, "BUY 10 MSFT @ 400", on=2)
    before = books(account)
    report = split("MSFT", "4:1", on=1, booked=3)
    assert books(account) == before
    assert [(each.effect, each.message) for each in report.effects] == [
        (Effect.UNAFFECTED, "nothing was held at the close before; what was bought since keeps its units")
    ]


def test_units_sold_since_were_sold_in_new_units(account: PortfolioAccount):
    trade(account, "BUY 10 MSFT @ 400")
    trade(account, "SELL 8 MSFT @ 101", on=2)
    split("MSFT", "4:1", on=1, booked=2)
    # 40 @ 100, of which 8 were sold at 101: 8 of profit, not a loss of 2,392.
    assert books(account) == (6808, ["long 32.000000 MSFT @ 100.000000 cost 3200.00"], 8)


def test_a_position_that_was_sold_off_in_new_units_opens_again(account: PortfolioAccount):
    trade(account, "BUY 10 MSFT @ 400", fee="1")
    trade(account, "SELL 10 MSFT @ 101", on=2, fee="2")
    assert books(account)[1:] == ([], -2993)
    report = split("MSFT", "4:1", on=1, booked=3)
    assert books(account)[1:] == (["long 30.000000 MSFT @ 100.000000 cost 3000.00"], 7)
    assert report.effects[0].realized_pnl == 3000
    assert Position.objects.get().closed_at is None


def test_a_position_that_was_sold_off_and_bought_again_is_one_history(account: PortfolioAccount):
    trade(account, "BUY 10 MSFT @ 400")
    trade(account, "SELL 10 MSFT @ 101", on=2)
    trade(account, "BUY 5 MSFT @ 100", on=3)
    report = split("MSFT", "4:1", on=1, booked=4)
    assert books(account)[1:] == (["long 35.000000 MSFT @ 100.000000 cost 3500.00"], 10)
    # Each position keeps the profit of its own trades.
    assert sorted(Position.objects.values_list("status", "realized_pnl")) == [
        ("closed", dec(10)), ("open", dec(0)),
    ]  # fmt: skip
    after = books(account)
    undo(report)
    assert books(account)[1:] == (["long 5.000000 MSFT @ 100.000000 cost 500.00"], -2990)
    split("MSFT", "4:1", on=1, booked=31)
    assert books(account) == after


def test_more_sold_than_a_reverse_split_leaves_is_left_to_a_person(account: PortfolioAccount):
    trade(account, "BUY 10 MSFT @ 100")
    trade(account, "SELL 8 MSFT @ 100", on=2)
    refused(
        lambda: split("MSFT", "1:2", on=1, booked=3, price="200"),
        f"account {account.pk}: SELL of MSFT on 2026-01-07: 8 units were traded, and long 5 was held by then",
    )


def test_a_day_to_come_is_refused(account: PortfolioAccount):
    trade(account, "BUY 10 MSFT @ 100")
    refused(lambda: split("MSFT", "2:1", on=2, booked=1), "date is 2026-01-07: still to come")
    refused(lambda: dividend("MSFT", "2", on=2, booked=1), "date is 2026-01-07: still to come")
    refused(lambda: rename("MSFT", "MSFX", on=2, booked=1), "date is 2026-01-07: still to come")


def test_the_day_is_that_of_the_exchange(account: PortfolioAccount):
    """03:00 UTC of the 6th is still the 5th in New York."""
    context = replace(BY_HAND, now=NOW.replace(hour=3) + timedelta(days=1))
    ledger.record_order(account, typed=typed("BUY 10 MSFT @ 400"), fee=Decimal(0), context=context)
    split("MSFT", "4:1", on=1)
    assert units(account) == 40


def test_what_is_below_a_step_is_paid_in_cash_at_the_split_price(account: PortfolioAccount):
    Security.objects.filter(symbol="MSFT").update(quantity_step=1)
    trade(account, "BUY 119 MSFT @ 10")
    stored_price("MSFT", "11", on=0)
    report = split("MSFT", "1:3", on=1)
    # 119 / 3 = 39 and two thirds of a unit at 33.00; its part of the cost is 20.00.
    assert books(account) == (8832, ["long 39.000000 MSFT @ 30.000000 cost 1170.00"], 2)
    entry = LedgerEntry.objects.get(kind="CASH_IN_LIEU")
    assert (entry.amount, entry.quantity, entry.realized_pnl) == (22, dec("-0.666666"), 2)
    assert [report.cash, report.price] == [22, 33]
    split("MSFT", "3:1", on=2)
    assert units(account) == 117
    assert "000001" not in str(held(account))


def test_a_short_pays_for_what_is_below_a_step(account: PortfolioAccount):
    Security.objects.filter(symbol="MSFT").update(quantity_step=1)
    trade(account, "SELL_SHORT 5 MSFT @ 10")
    split("MSFT", "1:2", on=1, price="24")
    assert books(account) == (10_038, ["short 2.000000 MSFT @ 20.000000 cost 40.00"], -2)


def test_a_rest_without_a_price_asks_for_one(account: PortfolioAccount):
    trade(account, "BUY 0.01 MSFT @ 100")
    refused(lambda: split("MSFT", "1:3", on=1), "give the price per new unit")
    split("MSFT", "1:3", on=1, price="300")
    assert books(account) == (10_000, [], 0)


def test_a_price_of_the_split_day_is_in_new_units(account: PortfolioAccount):
    trade(account, "BUY 1.01 MSFT @ 100")
    stored_price("MSFT", "100", on=0)
    stored_price("MSFT", "204", on=1)
    assert split("MSFT", "1:2", on=1).price == 204


def test_a_dividend_pays_who_has_sold_since(account: PortfolioAccount):
    trade(account, "BUY 10 MSFT @ 100")
    trade(account, "SELL 10 MSFT @ 100", on=1)
    report = dividend("MSFT", "0.5", on=1, booked=2)
    assert [books(account)[0], report.cash] == [10_005, 5]
    assert LedgerEntry.objects.get(kind="DIVIDEND").effective_on == day(1)


def test_a_dividend_pays_nothing_for_what_was_bought_on_its_day(account: PortfolioAccount):
    trade(account, "BUY 10 MSFT @ 100")
    trade(account, "BUY 10 MSFT @ 100", on=1)
    assert dividend("MSFT", "0.5", on=1, booked=2).cash == 5


def test_a_dividend_is_paid_on_the_units_of_its_time(account: PortfolioAccount):
    trade(account, "BUY 10 MSFT @ 100")
    split("MSFT", "2:1", on=3)
    assert dividend("MSFT", "0.5", on=2, booked=4).cash == 5
    assert dividend("MSFT", "0.5", on=4, booked=5).cash == 10
    books(account)


def test_less_than_a_cent_is_nothing_and_stops_nobody(account: PortfolioAccount):
    trade(account, "BUY 0.01 MSFT @ 100")
    report = dividend("MSFT", "0.1", on=1)
    assert [each.effect for each in report.effects] == [Effect.BOOKED]
    assert report.cash == 0
    assert books(account)[0] == 9999


def test_a_holding_that_a_person_stated_since_is_left_to_that_person(account: PortfolioAccount):
    trade(account, "BUY 10 MSFT @ 400")
    context = replace(BY_HAND, now=NOW + timedelta(days=2))
    account.refresh_from_db()
    ledger.correct_position(
        account, symbol="MSFT", side=Position.Side.LONG, quantity=dec(40), average_price=dec(100), context=context
    )
    refused(lambda: split("MSFT", "4:1", on=1, booked=3), "a person has stated since then what is held")


def test_a_call_again_books_who_was_left_out(account: PortfolioAccount, strategy: Strategy):
    other = ledger.open_account(
        strategy_id=strategy.pk, provider="openai", initial_balance=Decimal(1000), context=BY_HAND
    )
    trade(other, "BUY 10 MSFT @ 10")
    trade(account, "BUY 10 MSFT @ 10")
    trade(account, "SELL 8 MSFT @ 10", on=2)
    report = split("MSFT", "1:2", on=1, booked=3)
    assert sorted(each.effect for each in report.effects) == [Effect.BOOKED, Effect.LEFT_OUT]
    assert [units(account), units(other)] == [2, 5]
    trade(account, "BUY 8 MSFT @ 10", on=3)
    again = split("MSFT", "1:2", on=1, booked=4)
    assert sorted(each.effect for each in again.effects) == [Effect.BOOKED_BEFORE, Effect.LEFT_OUT]
    assert again.repeated


def test_a_preview_says_what_the_booking_does_and_writes_nothing(account: PortfolioAccount):
    trade(account, "BUY 10.01 MSFT @ 400")
    before = whole_database()
    planned = ledger.preview_split(
        symbol="MSFT", ratio=Fraction(1, 3), on=day(1), price=dec(1200), context=on_day(1)
    )
    assert whole_database() == before
    done = split("MSFT", "1:3", on=1, price="1200")
    assert (planned.effects, planned.action_id) == (done.effects, None)
    assert done.action_id is not None
    before = whole_database()
    unplanned = ledger.preview_action_reversal(done.action_id, context=on_day(2, ""))
    assert whole_database() == before
    assert unplanned.effects == undo(done).effects


def test_a_ratio_that_only_looks_the_same_is_another_one(account: PortfolioAccount):
    trade(account, "BUY 9 MSFT @ 100")
    split("MSFT", "1:3", on=1)
    refused(
        lambda: split("MSFT", "0.333333", on=1), "already, now 333333:1000000 is asked for: reverse that one first"
    )


def test_an_order_reversed_was_never_held(account: PortfolioAccount):
    trade(account, "BUY 10 MSFT @ 100")
    account.refresh_from_db()
    context = replace(BY_HAND, now=NOW + timedelta(days=4))
    ledger.reverse_order(account, order=account.orders.get(), context=context)
    assert dividend("MSFT", "1", on=2, booked=5).effects == ()
    assert split("MSFT", "2:1", on=3, booked=5).effects == ()


def test_an_account_is_valued_with_every_action(account: PortfolioAccount):
    trade(account, "BUY 10 MSFT @ 100")
    dividend("MSFT", "1", on=1)
    last = account.valuations.latest("as_of")
    assert (last.total, last.external_flow) == (10_010, 0)  # the deposit was valued when it came


def returned(account: PortfolioAccount) -> Decimal | None:
    """Return the time-weighted return of the account's whole life."""
    found = account_performance(account.pk, since=None, until=None, benchmark=None)
    assert found is not None
    return found.time_weighted_return


def test_a_split_is_no_return_and_a_dividend_is_one(account: PortfolioAccount):
    trade(account, "BUY 10.01 MSFT @ 100")
    account.refresh_from_db()
    ledger.value_account(account, now=NOW + timedelta(hours=2))
    split("MSFT", "4:1", on=1)
    assert returned(account) == 0
    split("MSFT", "1:3", on=2, price="75")  # 40.04 leaves 13.34 and two thirds of a hundredth, for 0.50
    assert [returned(account), books(account)[0]] == [0, dec("8999.50")]
    dividend("MSFT", "10", on=3)
    assert returned(account) == dec("0.01334")
    assert account.valuations.exclude(external_flow=0).count() == 1


def test_a_position_rebuilt_from_the_ledger_is_the_same_after_a_late_split(account: PortfolioAccount):
    trade(account, "BUY 10 MSFT @ 400")
    trade(account, "SELL 10 MSFT @ 101", on=2)
    trade(account, "BUY 5.01 MSFT @ 100", on=3)
    split("MSFT", "4:3", on=1, booked=4, price="300")
    rows = list(
        Position.objects.order_by("pk").values("pk", "quantity", "average_price", "cost_basis", "realized_pnl")
    )
    found = ledger.read_account(PortfolioAccount.objects.get()).projection.positions
    assert {
        key: (each.holding.quantity, each.holding.average_price, each.holding.cost_basis, each.holding.realized_pnl)
        for key, each in found.items()
    } == {row["pk"]: tuple(list(row.values())[1:]) for row in rows}
