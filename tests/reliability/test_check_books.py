"""check_books against planted defects: each is found with what was expected and found, and mended or left.

The defects are planted behind the back of triggers and constraints; the repair runs with all of them in place.
"""

import getpass
import json
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from portfolios import ledger
from portfolios.ledger import AuditContext
from portfolios.ledger.triggers import install_triggers, missing_triggers, remove_triggers
from portfolios.models import LedgerEntry, Order, PortfolioAccount, Position, RiskPolicy, Security, Strategy
from tests.portfolios.ledger.actions import split
from tests.scenes import NOW, Desk, Inbox, line, whole_database

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

CENT = Decimal("0.01")


@pytest.fixture
def desk(inbox: Inbox, strategy: Strategy) -> Iterator[Desk]:
    """Return an account with a long, a short, a closed position, fees, and a change by hand.

    What is planted in it may break foreign keys, so that it is rolled back unchecked.
    """
    RiskPolicy.objects.create(strategy=strategy, allow_short=True, commission_per_order=1)
    desk = Desk(inbox, strategy)
    desk.run([line("MSFT", "BUY", 10), line("GME", "SELL_SHORT", 5), line("KO", "BUY", 5)])
    desk.run([line("MSFT", "BUY", 2), line("KO", "SELL")], prices="110", now=NOW + timedelta(days=1))
    context = AuditContext(actor="bob", now=NOW + timedelta(days=2), reason="statement")
    ledger.deposit(desk.account, amount=Decimal(500), context=context)
    yield desk
    transaction.set_rollback(True)


@contextmanager
def unguarded(*constraints: str) -> Iterator[None]:
    """Let anything be written: no trigger, no foreign key, and none of the named constraints and unique indexes."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            remove_triggers(connection)
            cursor.execute("PRAGMA ignore_check_constraints = ON")
        else:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for name in constraints:
            cursor.execute(_dropped(name))
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL session_replication_role = replica")
        yield
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = OFF")
            install_triggers(connection)
        else:
            cursor.execute("SET LOCAL session_replication_role = origin")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    assert missing_triggers(connection) == []


def _dropped(name: str) -> str:
    """Return the statement that drops a constraint; SQLite switches those that are no index off as a whole."""
    if name == "position_one_open_per_account_and_security":
        return f"DROP INDEX {name}"
    table = {"ledger": "ledgerentry", "position": "position", "account": "portfolioaccount"}[name.partition("_")[0]]
    return "SELECT 1" if connection.vendor == "sqlite" else f"ALTER TABLE portfolios_{table} DROP CONSTRAINT {name}"


@dataclass(frozen=True)
class Defect:
    """What is planted, which codes and which words of the report must find it, and whether a repair mends it."""

    plant: Callable[[Desk], object]
    codes: set[str]
    words: str
    mends: bool = True
    constraints: tuple[str, ...] = ()


def accounts(desk: Desk, **columns: Any) -> None:
    """Write over the account."""
    PortfolioAccount.objects.filter(pk=desk.account.pk).update(**columns)


def long_row(**columns: Any) -> Callable[[Desk], object]:
    """Return the planting of columns in the long position."""
    return lambda desk: Position.objects.filter(pk=desk.position("MSFT").pk).update(**columns)


def entry(desk: Desk, kind: str) -> LedgerEntry:
    """Return the newest entry of a kind."""
    return LedgerEntry.objects.filter(account=desk.account, kind=kind).latest("sequence")


def entries(kind: str, **columns: Any) -> Callable[[Desk], object]:
    """Return the planting of columns in the newest entry of a kind."""
    return lambda desk: LedgerEntry.objects.filter(pk=entry(desk, kind).pk).update(**columns)


def removed(kind: str) -> Callable[[Desk], object]:
    """Return the removal of the newest entry of a kind."""
    return lambda desk: LedgerEntry.objects.filter(pk=entry(desk, kind).pk)._raw_delete("default")


def without_last_entry(desk: Desk) -> None:
    """Take the account back to before its deposit, which stays in the ledger: its cash was never booked."""
    last = entry(desk, "DEPOSIT")
    accounts(desk, cash_balance=last.balance_after - last.amount, book_version=last.sequence - 1)


def copied(desk: Desk, **changes: Any) -> None:
    """Write a copy of the long position under a new key."""
    row = desk.position("MSFT")
    for name, value in {"pk": uuid.uuid4(), **changes}.items():
        setattr(row, name, value)
    row.save(force_insert=True)


def deleted(symbol: str) -> Callable[[Desk], object]:
    """Return the removal of a position."""
    return lambda desk: Position.objects.filter(account=desk.account, security_id=symbol)._raw_delete("default")


def orders(**columns: Any) -> Callable[[Desk], object]:
    """Return the planting of columns in the order that opened the long."""
    return lambda desk: Order.objects.filter(account=desk.account, security_id="MSFT", placed_at=NOW).update(
        **columns
    )


def order_without_fill(desk: Desk) -> None:
    """Write a filled order that nothing in the ledger knows."""
    Order.objects.create(
        account=desk.account, security_id="MSFT", action="BUY", quantity=1, limit_price=1, status="filled",
        filled_quantity=1, average_fill_price=1, client_order_id="ghost", placed_at=NOW, filled_at=NOW,
    )  # fmt: skip


def fill_without_order(desk: Desk) -> None:
    """Remove an order that the ledger names."""
    Order.objects.filter(account=desk.account, security_id="GME")._raw_delete("default")


MISMATCH = {"POSITION_MISMATCH"}
EQUITY_TOO = {"POSITION_MISMATCH", "EQUITY_MISMATCH"}
DEFECTS: dict[str, Defect] = {
    "cash off by a cent": Defect(
        lambda desk: accounts(desk, cash_balance=desk.account.cash_balance + CENT),
        {"CASH_MISMATCH"},
        "cash_balance",
    ),
    "a cash booking that never reached the balance": Defect(
        without_last_entry, {"CASH_MISMATCH", "VERSION_MISMATCH"}, "cash_balance"
    ),
    "a wrong version": Defect(lambda desk: accounts(desk, book_version=99), {"VERSION_MISMATCH"}, "found 99"),
    "a wrong equity": Defect(lambda desk: accounts(desk, equity_value=1), {"EQUITY_MISMATCH"}, "found 1.00"),
    "a phantom position": Defect(
        lambda desk: copied(desk, security=Security.objects.create(symbol="DUST")),
        {"POSITION_PHANTOM", "EQUITY_MISMATCH"},
        "DUST: expected nothing, found long",
    ),
    "a duplicate open position": Defect(
        copied,
        {"POSITION_PHANTOM", "EQUITY_MISMATCH"},
        "MSFT: expected nothing",
        constraints=("position_one_open_per_account_and_security",),
    ),
    "a phantom that is closed": Defect(
        lambda desk: copied(desk, status="closed", quantity=0, cost_basis=0, closed_at=NOW),
        {"POSITION_PHANTOM"},
        "expected nothing, found long 0",
    ),
    "a wrong average": Defect(long_row(average_price=7), MISMATCH, "average_price: expected"),
    "a wrong quantity": Defect(long_row(quantity=7), EQUITY_TOO, "quantity: expected"),
    "a wrong cost": Defect(long_row(cost_basis=7), MISMATCH, "cost_basis: expected"),
    "a wrong side": Defect(long_row(side="short"), EQUITY_TOO, "side: expected long, found short"),
    "a wrong realized profit": Defect(
        long_row(realized_pnl=7), MISMATCH, "realized_pnl: expected -2.00, found 7.00"
    ),
    "a wrong version of a position": Defect(long_row(book_version=999), MISMATCH, "book_version: expected"),
    "an old version of a position": Defect(long_row(book_version=1), MISMATCH, "book_version: expected"),
    "an open position that is closed": Defect(
        long_row(status="closed", quantity=0, cost_basis=0, closed_at=NOW), EQUITY_TOO, "status: expected open"
    ),
    "a closed position that is open": Defect(
        lambda desk: Position.objects.filter(account=desk.account, security_id="KO").update(
            status="open", quantity=1, cost_basis=1, closed_at=None
        ),
        EQUITY_TOO,
        "status: expected closed, found open",
    ),
    "a position in another security": Defect(
        lambda desk: (Security.objects.create(symbol="DUST"), long_row(security_id="DUST")(desk)),
        MISMATCH,
        "symbol: expected MSFT, found DUST",
    ),
    "a missing position": Defect(deleted("MSFT"), {"POSITION_MISSING", "EQUITY_MISMATCH"}, "found nothing"),
    "a missing short": Defect(deleted("GME"), {"POSITION_MISSING", "EQUITY_MISMATCH"}, "expected short"),
    "a missing closed position": Defect(deleted("KO"), {"POSITION_MISSING"}, "KO: expected long 0"),
    "an order without a fill": Defect(
        order_without_fill, {"ORDER_FILLS"}, "1 fills of a filled order", mends=False
    ),
    "an order that says it is canceled": Defect(
        orders(status="canceled", filled_quantity=0, average_fill_price=None, filled_at=None),
        {"ORDER_FILLS"},
        "0 fills of a canceled order, found 1",
        mends=False,
    ),
    "a fill without an order": Defect(
        fill_without_order, {"FILL_WITHOUT_ORDER"}, "an order of this account", mends=False
    ),
    "a fill whose link to its order is broken": Defect(
        entries("BUY", order=None),
        {"FILL_WITHOUT_ORDER", "ORDER_FILLS"},
        "found None",
        mends=False,
        constraints=("ledger_fill_has_order",),
    ),
    "a fill of another size than its order": Defect(
        orders(filled_quantity=7), {"ORDER_DIFFERS"}, "found BUY MSFT 7.00", mends=False
    ),
    "a fee that differs from its order's": Defect(
        orders(fee=7), {"ORDER_FEE"}, "expected 1.00, found 7.00", mends=False
    ),
    "a missing fee": Defect(removed("FEE"), {"LEDGER_FAULT", "ORDER_FEE"}, "entries are missing", mends=False),
    "a gap in the ledger": Defect(removed("SELL"), {"LEDGER_FAULT", "ORDER_FILLS"}, "are missing", mends=False),
    "a wrong balance in the ledger": Defect(
        entries("SELL", balance_after=7), {"LEDGER_FAULT"}, "balance is 7.00", mends=False
    ),
    "a wrong amount in the ledger": Defect(
        entries("SELL", amount=7), {"LEDGER_FAULT"}, "the entry says 7.00", mends=False
    ),
    "a fill of more than is held": Defect(
        entries("SELL", quantity=-999_999, amount=109_999_890), {"LEDGER_FAULT"}, "more than is held", mends=False
    ),
    "an entry that names another position": Defect(
        lambda desk: entries("SELL", position=desk.position("GME"))(desk), {"LEDGER_FAULT"}, "in GME", mends=False
    ),
    "an entry in another security": Defect(
        entries("BUY", security="GME"), {"LEDGER_FAULT"}, "GME names a position in MSFT", mends=False
    ),
}


def run(**options: Any) -> tuple[int, str]:
    """Run the command; return its exit code and what it printed."""
    out = StringIO()
    try:
        call_command("check_books", stdout=out, **options)
    except CommandError as error:
        return error.returncode, out.getvalue() + str(error)
    return 0, out.getvalue()


def report(**options: Any) -> tuple[int, list[dict[str, Any]]]:
    """Run the command for machines; return its exit code and the discrepancies."""
    out = StringIO()
    code = 0
    try:
        call_command("check_books", stdout=out, output_format="json", **options)
    except CommandError as error:
        code = error.returncode
    found = json.loads(out.getvalue())
    assert found["clean"] is (code == 0)
    return code, found["discrepancies"]


@pytest.mark.parametrize("name", DEFECTS)
def test_a_planted_defect_is_found_and_mended_or_left_to_people(desk: Desk, name: str):
    defect, right = DEFECTS[name], books(desk)
    with unguarded(*defect.constraints):
        defect.plant(desk)
    before = whole_database()
    code, found = report()
    assert (code, {item["repairable"] for item in found}) == (1, {defect.mends})
    assert {item["code"] for item in found} >= defect.codes
    assert all(item["account_id"] == str(desk.account.pk) and item["expected"] != item["found"] for item in found)
    assert defect.words in run()[1]
    assert whole_database() == before, "a check writes nothing"
    if defect.mends:
        assert_repair_mends(desk, right, found)
    else:
        assert report(repair=True) == (1, found)
        assert whole_database() == before, "what cannot be mended is left as it is"


def assert_repair_mends(desk: Desk, right: dict[str, Any], found: list[dict[str, Any]]) -> None:
    """The repair brings the right books back, with one entry that says who ran it."""
    entries_before = LedgerEntry.objects.count()
    code, said = run(repair=True)
    assert code == 0
    *repaired, last = said.splitlines()
    assert [row.split()[:2] for row in repaired] == [["Repaired:", item["code"]] for item in found]
    assert last == "OK: 1 account checked, no discrepancies left."
    assert report() == (0, [])
    assert books(desk) == right
    written = LedgerEntry.objects.order_by("sequence")[entries_before:]
    assert [(row.kind, row.amount, row.quantity) for row in written] == [("CORRECTION", 0, 0)]
    assert (written[0].actor, written[0].reason) == (
        getpass.getuser(), "check_books --repair: rebuilt from the ledger",
    )  # fmt: skip


def books(desk: Desk) -> dict[str, Any]:
    """Return cash and holdings; marks of what had to be written anew are not among them."""
    held = Position.objects.filter(account=desk.account).order_by("pk").values_list(
        "pk", "security_id", "side", "status", "quantity", "average_price", "cost_basis", "realized_pnl"
    )  # fmt: skip
    return {"cash": desk.account.cash_balance, "positions": list(held)}


def test_a_repair_by_a_user_without_a_name_is_signed_all_the_same(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    """As in a container that runs under any number: no passwd entry, no LOGNAME."""
    with unguarded():
        DEFECTS["cash off by a cent"].plant(desk)
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54_321)
    assert run(repair=True)[0] == 0
    assert LedgerEntry.objects.latest("sequence").actor == "command"


def test_several_defects_are_mended_at_once(desk: Desk):
    right = books(desk)
    with unguarded():
        for name in ("cash off by a cent", "a wrong average", "a missing short", "a phantom that is closed"):
            DEFECTS[name].plant(desk)
    assert run(repair=True)[0] == 0
    assert books(desk) == right
    assert report() == (0, [])


def test_cash_that_the_ledger_lost_is_not_in_the_account_after_a_repair(desk: Desk):
    cash = desk.account.cash_balance
    with unguarded():
        removed("DEPOSIT")(desk)
    assert "book_version: expected 11, found 12" in run()[1]
    assert run(repair=True)[0] == 0
    assert desk.account.cash_balance == cash - 500


def test_trading_goes_on_after_a_repair(desk: Desk):
    with unguarded():
        DEFECTS["a missing position"].plant(desk)
    run(repair=True)
    desk.run([line("MSFT", "SELL")], prices="120", now=NOW + timedelta(days=3))
    assert report() == (0, [])


def test_a_missing_position_that_was_split_comes_back_at_its_average(desk: Desk):
    split("MSFT", "4:1", on=3)
    with unguarded():
        deleted("MSFT")(desk)
    assert run(repair=True)[0] == 0
    assert desk.position("MSFT").mark_price == desk.position("MSFT").average_price


def test_right_books_are_right_and_a_repair_of_them_writes_nothing(desk: Desk):
    before = whole_database()
    assert run() == (0, "OK: 1 account checked, no discrepancies.\n")
    assert run(repair=True) == (0, "OK: 1 account checked, no discrepancies.\n")
    assert report(repair=True) == (0, [])
    assert whole_database() == before


def test_only_the_account_that_was_asked_for_is_checked(desk: Desk, inbox: Inbox):
    other = Desk(inbox, desk.strategy, provider="openai")
    other.run([line("MSFT", "BUY", 10)])
    with unguarded():
        accounts(other, equity_value=1)
    assert run(account=[desk.account.pk]) == (0, "OK: 1 account checked, no discrepancies.\n")
    code, words = run()
    assert (code, "1 discrepancy in 2 accounts" in words) == (1, True)
    assert str(other.account.pk) in words


def test_an_unknown_account_is_refused(desk: Desk):
    code, words = run(account=[uuid.UUID(int=7)])
    assert (code, "there is no such account" in words) == (1, True)


def test_without_accounts_there_is_nothing_wrong(db: None):
    assert run() == (0, "OK: 0 accounts checked, no discrepancies.\n")
