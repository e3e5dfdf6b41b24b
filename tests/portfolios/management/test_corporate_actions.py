"""apply_split and record_dividend: every account that holds the security, in the books, once."""

import io
import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from execution.engine.vocabulary import Mode
from portfolios.models import CorporateAction, LedgerEntry, Price, RiskPolicy
from tests.scenes import Desk, assert_books_balance, line, whole_database

pytestmark = pytest.mark.django_db


def done(command: str, *arguments: str) -> str:
    """Run a command; return what it prints."""
    out = io.StringIO()
    call_command(command, *arguments, "--date", "2026-01-06", stdout=out)
    return out.getvalue()


def refused(command: str, *arguments: str) -> str:
    """Run a command that must be refused; return why, once nothing was written."""
    before = whole_database()
    with pytest.raises(CommandError) as caught:
        done(command, *arguments)
    assert caught.value.returncode == 1
    assert whole_database() == before
    return str(caught.value)


def lines_of(printed: str) -> set[str]:
    """Return the printed lines; the accounts stand in no order that means anything."""
    return set(printed.splitlines())


@pytest.fixture
def holders(desk: Desk) -> list[Desk]:
    """Return three accounts: one long, one short, one that has sold."""
    RiskPolicy.objects.create(strategy=desk.strategy, allow_short=True)
    long, short, sold = desk, replace(desk, provider="openai"), replace(desk, provider="gemini")
    long.run([line("NVDA", "BUY", 9.9953)], prices={"NVDA": "528.57"})
    short.run([line("NVDA", "SELL_SHORT", 5)], prices={"NVDA": "500"})
    sold.run([line("NVDA", "BUY", 5)], prices={"NVDA": "500"})
    sold.run([line("NVDA", "SELL")], prices={"NVDA": "500"})
    return [long, short, sold]


def as_text(desk: Desk) -> tuple[str, str, str]:
    """Return quantity, average and cost of what the account holds of NVDA."""
    held = desk.position("NVDA")
    return (f"{held.quantity.normalize():f}", f"{held.average_price.normalize():f}", f"{held.cost_basis:f}")


def test_a_symbol_is_read_as_everywhere(holders: list[Desk]):
    assert done("apply_split", "NASDAQ:nvda", "4:1").startswith("Booked: split of NVDA by 4:1")
    assert done("apply_split", "NVDA.US", "4:1").startswith("Booked before: split of NVDA")


def test_a_split_multiplies_the_units_and_leaves_the_cost(holders: list[Desk]):
    long, short, _ = holders
    assert as_text(long) == ("18.91", "528.57", "9995.26")
    assert lines_of(done("apply_split", "nvda", "4:1")) == {
        "Booked: split of NVDA by 4:1 on 2026-01-06, 2 accounts",
        f"  {long.account.pk}: 18.91 -> 75.64 units",
        f"  {short.account.pk}: -10 -> -40 units",
    }
    assert as_text(long) == ("75.64", "132.1425", "9995.26")
    assert as_text(short) == ("40", "125", "5000.00")
    for desk in (long, short):
        assert LedgerEntry.objects.filter(account=desk.account).latest("sequence").kind == "SPLIT"


def test_a_reverse_split_that_no_decimal_writes_out_is_exact(holders: list[Desk]):
    done("apply_split", "NVDA", "3")
    call_command("apply_split", "NVDA", "1:3", "--date", "2026-01-07", stdout=io.StringIO())
    assert as_text(holders[0]) == ("18.91", "528.57", "9995.26")


def test_a_split_changes_neither_cash_nor_value(holders: list[Desk]):
    before = [(desk.account.cash_balance, desk.account.equity_value) for desk in holders]
    done("apply_split", "NVDA", "4")
    assert [(desk.account.cash_balance, desk.account.equity_value) for desk in holders] == before


def test_a_dividend_pays_longs_and_is_paid_by_shorts(holders: list[Desk]):
    cash = [desk.account.cash_balance for desk in holders]
    printed = done("record_dividend", "NVDA", "0.25")
    assert lines_of(printed) == {
        "Booked: dividend of NVDA on 2026-01-06, 2 accounts, $2.23",
        f"  {holders[0].account.pk}: 18.91 units, $4.73 cash",
        f"  {holders[1].account.pk}: -10 units, -$2.50 cash",
    }
    gains = [desk.account.cash_balance - before for desk, before in zip(holders, cash, strict=True)]
    assert gains == [Decimal("4.73"), Decimal("-2.50"), Decimal(0)]


@pytest.mark.parametrize(("command", "value"), [("apply_split", "4"), ("record_dividend", "0.25")])
def test_a_second_time_changes_nothing_and_says_so(holders: list[Desk], command: str, value: str):
    done(command, "NVDA", value)
    before = whole_database()
    assert done(command, "NVDA", value).startswith("Booked before: ")
    assert whole_database() == before
    assert CorporateAction.objects.get().account_count == 2


def test_the_books_balance_after_splits_dividends_and_trades(holders: list[Desk]):
    done("apply_split", "NVDA", "4")
    done("record_dividend", "NVDA", "0.25")
    for desk in holders:
        desk.run([line("NVDA", "BUY", 3)], prices={"NVDA": "130"}, mode=Mode.TARGET, now=timezone.now())
        assert_books_balance(desk.account)


NO_ACTIONS = [
    ("apply_split", ["NOPE", "4"], "not a known security"),
    ("apply_split", ["NVDA", "0"], "must be above zero"),
    ("apply_split", ["NVDA", "-4"], "must be above zero"),
    ("apply_split", ["NVDA", "4:0"], "must be above zero"),
    ("apply_split", ["NVDA", "four"], "'four': not a number"),
    ("record_dividend", ["NVDA", "0.0000001"], "at most 6 places"),
    ("apply_split", ["NVDA", "NaN"], "not a finite number"),
    ("record_dividend", ["NVDA", "0"], "must be above zero"),
    ("record_dividend", ["NVDA", "1e12"], "must be above zero"),
]


def test_an_action_that_is_none_is_refused(holders: list[Desk], subtests: pytest.Subtests):
    for command, arguments, says in NO_ACTIONS:
        with subtests.test(" ".join((command, *arguments))):
            assert says in refused(command, *arguments)


def test_another_value_for_the_same_day_is_refused(holders: list[Desk]):
    done("apply_split", "NVDA", "4")
    assert "has a split of 4:1 on 2026-01-06 already" in refused("apply_split", "NVDA", "5")


def test_a_dividend_that_one_short_cannot_pay_is_owed_and_paid_to_everybody_else(holders: list[Desk]):
    printed = done("record_dividend", "NVDA", "20000")
    assert f"{holders[1].account.pk}: -10 units, -$200,000.00 cash, of which $95,000.00 is owed" in printed
    assert "2 accounts, $178,200.00, $95,000.00 owed" in printed
    owing = holders[1].account
    assert (owing.cash_balance, owing.payable) == (0, 95_000)
    assert holders[0].account.cash_balance > 378_200


def test_who_owes_opens_nothing_new(holders: list[Desk]):
    owing = holders[1]
    done("record_dividend", "NVDA", "20000")
    report = owing.run([line("KO", "BUY", 5)], prices={"KO": "50", "NVDA": "500"})
    assert report.orders == []
    assert_books_balance(owing.account)


def test_a_day_that_is_none_is_refused(holders: list[Desk]):
    with pytest.raises(CommandError, match="not a day such as"):
        call_command("apply_split", "NVDA", "4", "--date", "tomorrow")


def test_accounts_keep_their_own_reason_and_actor(holders: list[Desk]):
    done("record_dividend", "NVDA", "0.25")
    entries: Any = LedgerEntry.objects.filter(kind="DIVIDEND")
    assert {entry.reason for entry in entries} == {"Dividend 0.25 per unit on 2026-01-06"}
    assert all(entry.actor for entry in entries)


def test_a_preview_names_every_account_and_writes_nothing(holders: list[Desk]):
    before = whole_database()
    printed = done("apply_split", "NVDA", "1:3", "--price", "1585.71", "--dry-run")
    assert whole_database() == before
    assert lines_of(printed) == {
        "Would book: split of NVDA by 1:3 on 2026-01-06, 2 accounts",
        f"  {holders[0].account.pk}: 18.91 -> 6.3 units, $5.29 cash",
        f"  {holders[1].account.pk}: -10 -> -3.33 units, -$5.29 cash, -$0.29 realized",
    }


def test_the_same_as_json(holders: list[Desk]):
    long, _, _ = holders
    data = json.loads(done("record_dividend", "NVDA", "0.25", "--format", "json"))
    assert (data["status"], data["kind"], data["terms"], data["cash"], data["owed"], data["accounts"]) == (
        "booked", "dividend", "0.25", "2.23", "0.00", 2,
    )  # fmt: skip
    mine = next(each for each in data["effects"] if each["account_id"] == str(long.account.pk))
    assert (mine["effect"], mine["then"], mine["cash"]) == ("booked", "18.91", "4.73")


def test_what_is_below_a_step_wants_a_price(holders: list[Desk]):
    Price.objects.all().delete()
    assert "give the price per new unit" in refused("apply_split", "NVDA", "1:3")
    assert "price is -1: must be above zero" in refused("apply_split", "NVDA", "1:3", "--price", "-1")


def test_a_wrong_split_is_reversed_with_a_reason_and_the_right_one_entered(holders: list[Desk]):
    before = [as_text(desk) for desk in holders[:2]]
    done("apply_split", "NVDA", "5:1")
    assert "an actor and a reason" in refused("reverse_action", "split", "NVDA")
    assert "has a split of 5:1 on 2026-01-06 already" in refused("apply_split", "NVDA", "4:1")
    assert done("reverse_action", "split", "NVDA", "--dry-run").startswith("Would reverse: split of NVDA on 2026")
    printed = done("reverse_action", "split", "nvda", "--reason", "it was 4:1")
    assert "Reversed: split of NVDA on 2026-01-06, 2 accounts" in printed
    assert f"  {holders[0].account.pk}: 94.55 -> 18.91 units" in printed
    assert [as_text(desk) for desk in holders[:2]] == before
    assert "no split of NVDA on 2026-01-06 is booked" in refused("reverse_action", "split", "NVDA", "--reason", "x")
    done("apply_split", "NVDA", "4:1")
    assert as_text(holders[0]) == ("75.64", "132.1425", "9995.26")
    for desk in holders:
        assert_books_balance(desk.account)


def test_a_change_of_symbol_carries_everything_over(holders: list[Desk]):
    printed = done("change_symbol", "nvda", "nvdx")
    assert "Booked: NVDA is NVDX from 2026-01-06 on, 2 accounts" in printed
    assert holders[0].position("NVDX").cost_basis == Decimal("9995.26")
    assert done("change_symbol", "NVDA", "NVDX").startswith("Booked before: ")
    done("reverse_action", "symbol_change", "NVDA", "--reason", "not yet")
    assert as_text(holders[0]) == ("18.91", "528.57", "9995.26")
    assert "has that name already" in refused("change_symbol", "NVDA", "NVDA")
    assert "not a symbol such as META" in refused("change_symbol", "NVDA", "NV DX")
    assert "a listing elsewhere (London)" in refused("change_symbol", "NVDA", "BP.L")
    assert "not a known security" in refused("change_symbol", "NOPE", "NVDX")


def test_the_reason_that_a_person_gives_stands_beside_the_terms(holders: list[Desk]):
    done("record_dividend", "NVDA", "0.25", "--reason", "notice of 2 January")
    assert set(LedgerEntry.objects.filter(kind="DIVIDEND").values_list("reason", flat=True)) == {
        "Dividend 0.25 per unit on 2026-01-06: notice of 2 January"
    }


def test_a_day_to_come_is_refused(holders: list[Desk]):
    with pytest.raises(CommandError, match="date is 2999-01-01: still to come"):
        call_command("apply_split", "NVDA", "4", "--date", "2999-01-01")
