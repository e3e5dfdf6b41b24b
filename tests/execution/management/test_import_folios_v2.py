"""import_folios_v2: a predecessor's database comes into the books once, with all that was wrong in it."""

import io
import json
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given, settings

from execution.models import ResearchRequest
from portfolios.importers.folios_v2.import_books import import_database, preview_import
from portfolios.ledger import AuditContext
from portfolios.models import LedgerEntry, Order, PortfolioAccount, Position, RiskPolicy, Security, Strategy
from tests.counts import count
from tests.portfolios.importers.folios_v2.database import CONTROLS, STRATEGY, OldBooks, messes, new_id
from tests.scenes import NOW, Desk, Inbox, assert_books_balance, line, whole_database

pytestmark = pytest.mark.django_db

BY_BOB = AuditContext(actor="bob", now=NOW)
SYMBOLS = ("AAPL", "GOOG", "KO", "MSFT", "XOM")


def imported(path: Path, *options: str) -> list[str]:
    """Run the command; return the lines that it prints."""
    out = io.StringIO()
    call_command("import_folios_v2", str(path), *options, stdout=out)
    return out.getvalue().splitlines()


def report(path: Path, *options: str) -> dict[str, Any]:
    """Run the command; return the object that it prints."""
    document: dict[str, Any] = json.loads("\n".join(imported(path, *options, "--format", "json")))
    return document


def refused(path: Path) -> str:
    """Run the command on a file that must be refused; return why, once nothing was written."""
    before = whole_database()
    with pytest.raises(CommandError) as caught:
        imported(path)
    assert caught.value.returncode == 1
    assert whole_database() == before
    assert "\n" not in str(caught.value)
    return str(caught.value)


def accounts_are_right() -> None:
    """Every account in the database balances, by the test's own arithmetic and by the product's."""
    for account in PortfolioAccount.objects.all():
        assert_books_balance(account)
    out = io.StringIO()
    call_command("check_books", stdout=out)
    count = PortfolioAccount.objects.count()
    accounts = "1 account" if count == 1 else f"{count} accounts"
    assert out.getvalue() == f"OK: {accounts} checked, no discrepancies.\n"


# --- a database of the size that was seen, with everything that was wrong in it


def tidy(old: OldBooks, strategy: str, provider: str, symbols: tuple[str, ...]) -> Decimal:
    """Buy 10 units of each symbol, with the noise of a double; return the cash that is left of 100,000."""
    for day, symbol in enumerate(symbols, start=1):
        at = f"2025-10-{day:02}T14:30:00Z"
        text = f"10.000000000000002 {symbol} @ 528.5700073242188"
        old.order(f"BUY {text}", strategy=strategy, provider=provider, at=at)
        old.position(f"long {text}", strategy=strategy, provider=provider, opened_at=at)
    return 100_000 - len(symbols) * Decimal("5285.700073242188")


def orders_without_account(old: OldBooks, strategy: str, provider: str) -> None:
    """Write orders with no account row."""
    old.order("BUY 10 KO @ 60", strategy=strategy, provider=provider)
    old.position("long 10 KO @ 60", strategy=strategy, provider=provider)


def duplicate_positions(old: OldBooks, strategy: str, provider: str) -> None:
    """Buy twice into two open positions."""
    for price in ("60", "66"):
        old.order(f"BUY 10 KO @ {price}", strategy=strategy, provider=provider, at="2025-10-03T14:30:00Z")
        old.position(f"long 10 KO @ {price}", strategy=strategy, provider=provider)
    old.account("98740", "1260", strategy=strategy, provider=provider)


def naked_sell(old: OldBooks, strategy: str, provider: str) -> None:
    """Sell what is not held, for cash."""
    old.order("SELL 50 XOM @ 110", strategy=strategy, provider=provider)
    old.account("105500", strategy=strategy, provider=provider)


def unbooked_short(old: OldBooks, strategy: str, provider: str) -> None:
    """Sell short without the proceeds."""
    old.order("SELL_SHORT 28 NVDA @ 175.44", strategy=strategy, provider=provider)
    old.position("short 28 NVDA @ 175.44", strategy=strategy, provider=provider)
    old.account("100000", "-4912.32", strategy=strategy, provider=provider)


def default_price(old: OldBooks, strategy: str, provider: str) -> None:
    """Buy at the price that stands in for a market's."""
    for symbol in SYMBOLS:
        old.order(f"BUY 20 {symbol} @ 100", strategy=strategy, provider=provider)
        old.position(f"long 20 {symbol} @ 100", strategy=strategy, provider=provider)
    old.account("90000", "10000", strategy=strategy, provider=provider)


WRONG: list[Callable[[OldBooks, str, str], None]] = [
    *[orders_without_account] * 4,
    *[duplicate_positions] * 4,
    *[naked_sell] * 2,
    unbooked_short,
    *[default_price] * 4,
]
SIZES = {"strategies": 80, "portfolio_accounts": 29, "orders": 79, "positions": 71, "requests": 88}


def seen() -> OldBooks:
    """Return a database of the size and in the state of the one that was seen."""
    old = OldBooks()
    for number in range(SIZES["strategies"]):
        old.strategy(
            new_id("strategy", number), f"Strategy {number}", risk_controls=CONTROLS if number % 2 else None
        )
    keys = [(new_id("strategy", number), provider) for number in range(40) for provider in ("anthropic", "openai")]
    for make in WRONG:
        make(old, *keys.pop())
    while len(old.rows["portfolio_accounts"]) < SIZES["portfolio_accounts"]:
        strategy, provider = keys.pop()
        room = min(SIZES["orders"] - len(old.rows["orders"]), 2)
        cash = tidy(old, strategy, provider, SYMBOLS[:room])
        old.account(str(cash), str(100_000 - cash), strategy=strategy, provider=provider)
    last = old.rows["portfolio_accounts"][-1]
    strategy, provider = last["strategy_id"], last["provider_id"]
    while len(old.rows["orders"]) < SIZES["orders"]:
        status = ("pending", "failed", "cancelled")[len(old.rows["orders"]) % 3]
        old.order("BUY 1 KO @ 60", strategy=strategy, provider=provider, status=status)
    while len(old.rows["positions"]) < SIZES["positions"]:
        old.position("long 1 PARA @ 11", strategy=strategy, provider=provider, status="closed")
    for number in range(SIZES["requests"]):
        old.request(new_id("request", number), "completed" if number < 60 else "pending", mode="batch")
    return old


@pytest.mark.slow
def test_a_database_of_the_size_that_was_seen_is_imported_whole(tmp_path: Path):
    old = seen()
    assert {table: len(old.rows[table]) for table in SIZES} == SIZES
    found = report(old.write(tmp_path / "folios_v2.db"))
    # 69 of the positions are open; 4 of those are a second one of the same symbol.
    assert found["created"] == {
        "strategies": 80, "policies": 40, "securities": 6, "accounts": 33, "orders": 79, "positions": 65,
    }  # fmt: skip
    assert found["findings_by_rule"] == {
        "ACCOUNT_MISSING": 4,
        "CASH_CORRECTED": 3,
        "CASH_EXPLAINED": 2,
        "CLOSED_POSITION_ONLY": 1,
        "DEFAULT_PRICE": 20,
        "DUPLICATE_POSITION": 4,
        "EQUAL_ORDERS": 3,
        "EQUITY_DIFFERS": 4,
        "FIELDS_LEFT_OUT": 1,
        "FLOAT_NOISE": 3,
        "LIMIT_WITHOUT_COUNTERPART": 40,
        "SELL_WITHOUT_HOLDING": 2,
        "SHORT_NOT_IN_CASH": 1,
    }
    assert len(found["executed_requests"]) == 60
    ignored = ResearchRequest.objects.filter(state="ignored")
    assert {str(row.pk) for row in ignored} == set(found["executed_requests"])
    accounts_are_right()
    assert_as_stored(old)


def assert_as_stored(old: OldBooks) -> None:
    """Cash and open positions are what the predecessor stored."""
    for row in old.rows["portfolio_accounts"]:
        account = PortfolioAccount.objects.get(strategy_id=row["strategy_id"], provider=row["provider_id"])
        assert account.cash_balance == round(Decimal(json.loads(row["payload"])["cash_balance"]), 2)
    held: Counter[tuple[str, str, str, str]] = Counter()
    for row in old.rows["positions"]:
        payload = json.loads(row["payload"])
        if row["status"] == "open":
            key = (row["strategy_id"], row["provider_id"], row["symbol"], payload["side"])
            held[key] += round(Decimal(payload["quantity"]), 6)  # type: ignore[assignment]  # counts of units
    assert {
        (str(row.account.strategy_id), row.account.provider, row.security_id, row.side): row.quantity
        for row in Position.objects.filter(status="open").select_related("account")
    } == held


@pytest.mark.slow
def test_importing_twice_changes_nothing(tmp_path: Path):
    path = seen().write(tmp_path / "folios_v2.db")
    imported(path)
    before = whole_database()
    again = report(path)
    assert whole_database() == before
    assert set(again["created"].values()) == {0}
    assert again["findings_by_rule"]["IMPORTED_BEFORE"] == 33
    assert again["findings_by_rule"]["STRATEGY_EXISTS"] == 1


@pytest.mark.slow
def test_a_dry_run_says_the_same_and_writes_nothing(tmp_path: Path):
    path = seen().write(tmp_path / "folios_v2.db")
    before = whole_database()
    preview = report(path, "--dry-run")
    assert whole_database() == before
    done = report(path)
    assert (preview.pop("dry_run"), done.pop("dry_run")) == (True, False)
    assert preview == done


def test_the_file_is_only_read(tmp_path: Path):
    path = seen().write(tmp_path / "folios_v2.db")
    path.chmod(0o400)
    before = path.read_bytes()
    imported(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["folios_v2.db"]


def test_everything_is_booked_under_the_predecessors_time_and_the_importers_name(tmp_path: Path):
    old = OldBooks()
    old.strategy()
    old.account("90001", "9999")
    key = old.order(
        "BUY 22.22 MSFT @ 450", placed_at="2025-10-02T14:00:00Z", metadata={"rationale": "cheap", "score": 0.5}
    )
    old.position("long 22.22 MSFT @ 450")
    import_database(old.write(tmp_path / "old.db"), context=BY_BOB)
    deposit, buy = LedgerEntry.objects.order_by("sequence")
    assert (deposit.reason, buy.reason) == (
        "old.db: opening balance before 1 booked orders",
        f"old.db: order {key}",
    )
    assert {deposit.actor, buy.actor} == {"bob"}
    assert buy.occurred_at == datetime(2025, 10, 2, 14, 30, tzinfo=UTC)
    order = Order.objects.get()
    assert (order.client_order_id, order.placed_at.hour, order.is_simulated) == (f"folios_v2-{key}", 14, False)
    assert order.metadata == {
        "rationale": "cheap",
        "score": "0.5",
        "predecessor": {
            "order_id": key, "status": "filled", "quantity": "22.22", "limit_price": "450", "fails_at": None,
        },
    }  # fmt: skip


def test_an_imported_account_trades_on(tmp_path: Path, inbox: Inbox):
    old = OldBooks()
    old.strategy()
    duplicate_positions(old, STRATEGY, "openai")
    imported(old.write(tmp_path / "old.db"))
    desk = replace(Desk(inbox, Strategy.objects.get()), provider="openai")
    desk.run([line("KO", "SELL"), line("MSFT", "BUY", 5)], prices={"KO": "70", "MSFT": "450"})
    assert Position.objects.get(security_id="KO").realized_pnl == 140
    assert_books_balance(desk.account)


# --- what is in Folios already stays


def test_an_account_with_trades_of_its_own_is_left_alone(desk: Desk, tmp_path: Path):
    desk.run([line("MSFT", "BUY", 10)], prices="450")
    before = whole_database()
    old = OldBooks()
    old.strategy(str(desk.strategy.pk), "Another name", risk_controls=CONTROLS)
    old.account("1", strategy=str(desk.strategy.pk))
    found = report(old.write(tmp_path / "old.db"))
    assert whole_database() == before
    assert {"ACCOUNT_EXISTS", "STRATEGY_EXISTS"} <= set(found["findings_by_rule"])


def test_an_account_that_was_imported_before_is_left_alone_when_the_file_has_grown(tmp_path: Path):
    old = OldBooks()
    old.strategy()
    old.account("100000")
    imported(old.write(tmp_path / "old.db"))
    before = whole_database()
    old.order("BUY 10 MSFT @ 450")
    lines = imported(old.write(tmp_path / "old.db"))
    assert whole_database() == before
    left = f"IMPORTED_BEFORE account {STRATEGY}/anthropic: imported before; 1 orders of the file are not in Folios"
    assert f"{left}; left as it is" in lines


def test_orders_that_stand_in_another_account_are_not_imported_again(tmp_path: Path):
    old = OldBooks()
    old.strategy()
    old.account("100000")
    key = old.order("BUY 10 MSFT @ 450", status="pending")
    imported(old.write(tmp_path / "old.db"))
    before = whole_database()
    moved = OldBooks()
    moved.strategy()
    moved.account("100000", provider="openai")
    moved.order("BUY 10 MSFT @ 450", status="pending", provider="openai", key=key)
    found = report(moved.write(tmp_path / "moved.db"))
    assert whole_database() == before
    assert found["findings_by_rule"]["ACCOUNT_LEFT_OUT"] == 1


def test_a_name_that_is_taken_gets_a_part_of_the_id(strategy: Strategy, tmp_path: Path):
    old = OldBooks()
    old.strategy(name=strategy.name)
    old.strategy(new_id("second"), name=strategy.name)
    found = report(old.write(tmp_path / "old.db"))
    assert found["findings_by_rule"]["NAME_CHANGED"] == 2
    assert Strategy.objects.get(pk=STRATEGY).name == f"Large caps ({STRATEGY[:8]})"


def test_an_account_without_its_strategy_gets_one_that_executes_nothing(tmp_path: Path):
    old = OldBooks()
    old.account("100000")
    found = report(old.write(tmp_path / "old.db"))
    assert found["findings_by_rule"]["STRATEGY_MISSING"] == 1
    stand_in = Strategy.objects.get()
    assert (str(stand_in.pk), stand_in.status) == (STRATEGY, "inactive")


def test_strategies_come_with_their_limits(tmp_path: Path):
    old = OldBooks()
    old.strategy(status="inactive", risk_controls=CONTROLS)
    imported(old.write(tmp_path / "old.db"))
    policy = RiskPolicy.objects.get()
    assert (str(policy.strategy_id), policy.strategy.status, policy.version) == (STRATEGY, "inactive", 1)
    assert (policy.max_position_percent, policy.max_gross_exposure_percent, policy.allow_short) == (10, 120, True)
    assert policy.max_sector_percent is None


def test_securities_that_are_known_stay_as_they_are(tmp_path: Path):
    Security.objects.create(symbol="KO", sector="Consumer Staples", is_verified=True)
    old = OldBooks()
    old.strategy()
    duplicate_positions(old, STRATEGY, "openai")
    assert report(old.write(tmp_path / "old.db"))["created"]["securities"] == 0
    assert Security.objects.get().is_verified


# --- files that are refused


def test_a_file_that_is_not_there_is_refused(tmp_path: Path):
    assert refused(tmp_path / "old.db") == f"{tmp_path / 'old.db'}: there is no such file"
    assert "there is no such file" in refused(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"strategies", b"SQLite format 3\x00" + b"\xff" * 4096])
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes):
    path = tmp_path / "old.db"
    path.write_bytes(content)
    assert "cannot be read as a SQLite database" in refused(path)


@pytest.mark.parametrize("table", ["strategies", "portfolio_accounts", "positions", "orders"])
def test_a_database_without_a_table_is_refused(tmp_path: Path, table: str):
    path = OldBooks().write(tmp_path / "old.db", without=(table,))
    assert refused(path).endswith(f"not a folios_v2 database: no table {table}")


def test_an_empty_database_is_refused(tmp_path: Path):
    (tmp_path / "old.db").touch()
    assert "no table orders, portfolio_accounts, positions, strategies" in refused(tmp_path / "old.db")


def test_a_table_without_a_column_is_refused(tmp_path: Path):
    path = OldBooks().write(tmp_path / "old.db")
    change(path, "ALTER TABLE orders DROP COLUMN payload")
    assert refused(path).endswith("table orders has no column payload")


def test_tables_and_columns_that_are_not_needed_may_be_missing_or_there(tmp_path: Path):
    old = OldBooks()
    old.strategy()
    old.account("100000")
    path = old.write(tmp_path / "old? 100% #1.db", without=("requests", "execution_tasks", "email_digests"))
    change(path, "ALTER TABLE orders ADD COLUMN venue TEXT")
    found = report(path)
    assert found["created"]["accounts"] == 1
    assert found["findings_by_rule"]["COLUMN_UNKNOWN"] == 1
    assert found["executed_requests"] == []


def test_what_a_program_that_still_runs_has_committed_is_read_too(tmp_path: Path):
    old = OldBooks()
    old.strategy()
    old.account("100000")
    path = old.write(tmp_path / "old.db")
    with closing(sqlite3.connect(path)) as running:
        running.execute("PRAGMA journal_mode = WAL")
        running.execute("UPDATE strategies SET name = 'Committed', payload = '{}'")
        running.commit()
        running.execute("DELETE FROM portfolio_accounts")
        assert report(path)["created"]["accounts"] == 1
    assert Strategy.objects.get().name == "Committed"


def test_text_that_is_no_text_is_read_as_far_as_it_is(tmp_path: Path):
    old = OldBooks()
    old.row("strategies", id=STRATEGY, name="Momentum", status="active", payload={})
    path = old.write(tmp_path / "old.db")
    change(path, "UPDATE strategies SET name = CAST(x'4d6fff' AS TEXT)")
    imported(path)
    assert Strategy.objects.get().name == "Mo\N{REPLACEMENT CHARACTER}"


def change(path: Path, statement: str) -> None:
    """Change the predecessor's file."""
    with closing(sqlite3.connect(path)) as database:
        database.execute(statement)
        database.commit()


# --- what holds for all rows


@pytest.mark.slow
@settings(max_examples=count(40, 1_000), deadline=None)
@given(messes())
def test_whatever_was_stored_the_books_are_right(old: OldBooks):
    """The import audits each account before it is kept, and raises where one is not right."""
    with tempfile.TemporaryDirectory() as directory:
        found = preview_import(old.write(Path(directory) / "old.db"), context=BY_BOB)
    assert found.created["strategies"] == 1
