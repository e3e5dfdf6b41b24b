"""Splits, dividends and changes of symbol: on what was held at the close before, whenever they are booked."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from portfolios import ledger
from portfolios.ledger import CannotBookError, Effect, TypedOrder
from portfolios.models import LedgerEntry, PortfolioAccount, Position, Price, Security, Strategy
from tests.portfolios.ledger.actions import day, dividend, on_day, rename, split, undo
from tests.portfolios.ledger.by_hand import BY_HAND, books, dec, open_with_cash, typed
from tests.scenes import NOW, whole_database

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(strategy: Strategy) -> PortfolioAccount:
    """Return an account with 10,000 in cash; MSFT and KO are known."""
    return open_with_cash(strategy)


def trade(account: PortfolioAccount, text: str, *, on: int = 0, fee: str = "0") -> None:
    """Book `BUY 10 MSFT @ 100` on a day."""
    account.refresh_from_db()
    order: TypedOrder = typed(text)
    context = replace(BY_HAND, now=NOW + timedelta(days=on))
    ledger.record_order(account, typed=order, fee=Decimal(fee), context=context)


def held(account: PortfolioAccount) -> list[str]:
    """Return what is held; the books are right."""
    return list(books(account)[1])


def units(account: PortfolioAccount, symbol: str = "MSFT") -> Decimal:
    """Return the signed units held."""
    books(account)
    found = Position.objects.filter(account=account, security_id=symbol, status="open").first()
    return found.as_holding().signed_quantity if found else Decimal(0)


def stored_price(symbol: str, price: str, *, on: int) -> None:
    """Store a price of noon on a day."""
    Price.objects.create(security_id=symbol, price=price, source="test", as_of=NOW + timedelta(days=on, hours=8))


def refused(change: Callable[[], object], words: str) -> None:
    """The change must be refused with these words, and nothing be written."""
    before = whole_database()
    with pytest.raises(CannotBookError, match=words):
        change()
    assert whole_database() == before


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


def owing(account: PortfolioAccount) -> PortfolioAccount:
    """Return the account after a dividend of 300 on a short with 200 in cash; MSFT is marked at 10."""
    trade(account, "SELL_SHORT 100 MSFT @ 10")
    ledger.withdraw(account, amount=Decimal(10_800), context=BY_HAND)
    dividend("MSFT", "3", on=1)
    account.refresh_from_db()
    return account


def test_a_short_that_cannot_pay_owes_the_rest(account: PortfolioAccount):
    owing(account)
    assert [account.cash_balance, account.payable, account.total_value] == [0, 100, -1100]
    snapshot = ledger_snapshot(account)
    assert (snapshot.total_value, snapshot.available_cash(short_margin=Decimal(0))) == (-1100, -1100)
    books(account)


def ledger_snapshot(account: PortfolioAccount) -> Any:
    """Return the picture that a plan starts from."""
    from portfolios.selectors import books as queries  # noqa: PLC0415

    positions = queries.open_positions(account)
    return queries.snapshot(
        cash_balance=account.cash_balance, positions=positions, marks={}, book_version=0, payable=account.payable
    )


def test_what_is_owed_is_paid_as_soon_as_cash_comes_in(account: PortfolioAccount):
    owing(account)
    ledger.deposit(account, amount=Decimal(60), context=BY_HAND)
    assert (account.cash_balance, account.payable) == (0, 40)
    ledger.deposit(account, amount=Decimal(60), context=BY_HAND)
    assert (account.cash_balance, account.payable) == (20, 0)
    books(account)


def test_a_debt_that_was_paid_comes_back_with_the_dividend_reversed(account: PortfolioAccount):
    owing(account)
    ledger.deposit(account, amount=Decimal(160), context=BY_HAND)
    undo(ledger_report(account))
    account.refresh_from_db()
    assert (account.cash_balance, account.payable) == (360, 0)
    books(account)


def ledger_report(account: PortfolioAccount) -> Any:
    """Return the dividend again: it was booked before."""
    return dividend("MSFT", "3", on=1)


def test_everybody_else_is_paid(account: PortfolioAccount, strategy: Strategy):
    other = ledger.open_account(
        strategy_id=strategy.pk, provider="openai", initial_balance=Decimal(1000), context=BY_HAND
    )
    trade(other, "BUY 10 MSFT @ 10")
    owing(account)
    assert books(other)[0] == 930


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
    from fractions import Fraction  # noqa: PLC0415

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
    refused(lambda: undo(report), "MSFX has a split|came after it")


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


def test_units_that_came_over_later_than_a_split_are_left_to_a_person(account: PortfolioAccount):
    trade(account, "BUY 10 MSFT @ 100")
    trade(account, "BUY 1 MSFT @ 100", on=5)
    rename("MSFT", "MSFX", on=2, booked=6)
    assert LedgerEntry.objects.filter(kind="TRANSFER").latest("sequence").effective_on == day(5)
    refused(lambda: split("MSFX", "2:1", on=4, booked=6), "took MSFX over on 2026-01-10 only")
    assert dividend("MSFX", "1", on=4, booked=6).cash == 10
    assert dividend("MSFX", "1", on=6).cash == 11


def test_a_ratio_that_only_looks_the_same_is_another_one(account: PortfolioAccount):
    trade(account, "BUY 9 MSFT @ 100")
    split("MSFT", "1:3", on=1)
    refused(lambda: split("MSFT", "0.333333", on=1), "already, now 0.333333 is asked for: reverse that one first")


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
    assert (last.total, last.external_flow) == (10_010, 10_000)
