"""The triggers: there after every migration, missed when they are gone, and in the way of every forbidden write."""

import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from importlib import import_module
from io import StringIO
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, NotSupportedError, connection, transaction
from pytest_django import Settings

from portfolios.domain.order_states import ORDER_TRANSITIONS
from portfolios.ledger.triggers import TRIGGERS, _sqlite, install_triggers, missing_triggers
from portfolios.models import LedgerEntry, Order, Strategy
from tests.processes import migrate
from tests.scenes import NOW, Desk, Inbox, line, whole_database

pytestmark = pytest.mark.slow

WITHOUT_THE_REBUILDING = import_module("tests.reliability.migrations.9999_wider_columns").NEWEST
LEDGER, ORDERS = LedgerEntry._meta.db_table, Order._meta.db_table
Write = Callable[[Any], object]


@pytest.fixture
def held(inbox: Inbox, strategy: Strategy) -> Desk:
    """Return a desk whose account holds MSFT."""
    desk = Desk(inbox, strategy)
    desk.run([line("MSFT", "BUY", 10)])
    return desk


def sql(statement: str, *values: Any) -> None:
    """Run one statement past the ORM."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def refused(write: Callable[[], object], words: str = "") -> None:
    """The write must fail in the database, with these words, and change nothing."""
    before = whole_database()
    with pytest.raises((IntegrityError, NotSupportedError), match=words), transaction.atomic():
        write()
    assert whole_database() == before


def drop(name: str) -> None:
    """Drop one trigger, as a careless migration would."""
    table = next((trigger.table for trigger in TRIGGERS if trigger.name == name), LEDGER)
    sql(f"DROP TRIGGER {name}" + (f" ON {table}" if connection.vendor == "postgresql" else ""))


def expected_triggers() -> list[str]:
    """Return the names that must be there on this database."""
    extra = ["folios_ledger_no_truncate"] if connection.vendor == "postgresql" else []
    return [*(trigger.name for trigger in TRIGGERS), *extra]


# --- there after every migration ---


@pytest.mark.django_db
def test_a_fresh_database_has_every_trigger_and_installing_again_changes_nothing():
    assert missing_triggers(connection) == []
    install_triggers(connection)
    assert missing_triggers(connection) == []


@pytest.mark.django_db
def test_a_dropped_trigger_is_named_by_the_check_and_installed_by_the_next_migration():
    for name in expected_triggers():
        drop(name)
        assert missing_triggers(connection) == [name]
        errors = StringIO()
        call_command("check", databases=["default"], stderr=errors)
        assert "portfolios.W001" in errors.getvalue()
        assert name in errors.getvalue()
        call_command("migrate", verbosity=0)
        assert missing_triggers(connection) == []


@pytest.mark.django_db
def test_a_check_of_whole_books_names_nothing():
    errors = StringIO()
    call_command("check", databases=["default"], stderr=errors)
    assert errors.getvalue() == ""


@pytest.fixture
def rebuilding(settings: Settings, transactional_db: None) -> Iterator[None]:
    """Add a migration that rebuilds every guarded table; take it back afterwards."""
    settings.MIGRATION_MODULES = {"portfolios": "tests.reliability.migrations"}
    yield
    call_command("migrate", "portfolios", WITHOUT_THE_REBUILDING, verbosity=0)


@pytest.mark.django_db(transaction=True)
def test_a_migration_that_rebuilds_the_tables_leaves_rows_and_triggers(held: Desk, rebuilding: None):
    before = whole_database()
    call_command("migrate", "portfolios", verbosity=0)
    assert whole_database() == before
    assert missing_triggers(connection) == []
    refused(lambda: sql(f"DELETE FROM {LEDGER}"), "never deleted")
    call_command("migrate", "portfolios", WITHOUT_THE_REBUILDING, verbosity=0)
    assert missing_triggers(connection) == []


@pytest.mark.django_db(transaction=True)
def test_without_the_installation_after_it_the_same_migration_is_noticed(
    held: Desk, rebuilding: None, monkeypatch: pytest.MonkeyPatch
):
    """The control: what the test above looks at can fail."""
    monkeypatch.setattr("portfolios.checks.install_triggers", lambda *_: None)
    call_command("migrate", "portfolios", verbosity=0)
    gone = missing_triggers(connection)
    assert gone == ([] if connection.vendor == "postgresql" else expected_triggers())
    monkeypatch.undo()


def test_another_app_can_be_migrated_first_and_the_books_be_taken_away(in_memory: Path):
    for arguments in (["auth"], [], ["execution", "zero"], ["portfolios", "zero"], []):
        migrate(f"sqlite:///{in_memory / 'fresh.sqlite3'}", *arguments)


# --- the ledger is append-only ---


def saved(entry: LedgerEntry) -> None:
    """Change an entry through save()."""
    entry.amount += 1
    entry.save()


def bulk_updated(entry: LedgerEntry) -> None:
    """Change an entry through bulk_update()."""
    entry.reason = "never mind"
    LedgerEntry.objects.bulk_update([entry], ["reason"])


def upserted(entry: LedgerEntry) -> None:
    """Change an entry through bulk_create(update_conflicts=True)."""
    entry.balance_after += 1
    LedgerEntry.objects.bulk_create(
        [entry], update_conflicts=True, unique_fields=["id"], update_fields=["balance_after"]
    )


def replaced(entry: LedgerEntry, **changes: object) -> None:
    """Replace an entry in one statement; PostgreSQL spells it differently."""
    values: dict[str, Any] = {
        str(field.column): getattr(entry, field.attname) for field in LedgerEntry._meta.concrete_fields
    }
    values |= {"amount": entry.amount + 1, **changes}
    values = {name: str(value) if name in ("amount", "balance_after") else value for name, value in values.items()}
    columns, marks = ", ".join(values), ", ".join(["%s"] * len(values))
    plain = [value.hex if connection.vendor == "sqlite" and hasattr(value, "hex") else value
             for value in values.values()]  # fmt: skip
    if connection.vendor == "sqlite":
        sql(f"INSERT OR REPLACE INTO {LEDGER} ({columns}) VALUES ({marks})", *plain)
    else:
        sql(
            f"INSERT INTO {LEDGER} ({columns}) VALUES ({marks}) "
            "ON CONFLICT (id) DO UPDATE SET amount = excluded.amount",
            *plain,
        )


LEDGER_WRITES: dict[str, Write] = {
    "save": saved,
    "QuerySet.update": lambda entry: LedgerEntry.objects.filter(pk=entry.pk).update(actor="nobody"),
    "QuerySet.update to the same": lambda entry: LedgerEntry.objects.filter(pk=entry.pk).update(actor=entry.actor),
    "bulk_update": bulk_updated,
    "bulk_create with update_conflicts": upserted,
    "delete": lambda entry: entry.delete(),
    "QuerySet.delete": lambda entry: type(entry).objects.all().delete(),
    "raw delete": lambda entry: type(entry).objects.all()._raw_delete("default"),
    "SQL UPDATE": lambda entry: sql(f"UPDATE {LEDGER} SET amount = amount + 1 WHERE id = %s", entry.pk),
    "SQL DELETE": lambda entry: sql(f"DELETE FROM {LEDGER} WHERE id = %s", entry.pk),
    "SQL REPLACE": replaced,
    "SQL REPLACE under a new id": lambda entry: replaced(entry, id=987_654),
}


@pytest.mark.django_db
@pytest.mark.parametrize("way", LEDGER_WRITES)
def test_a_ledger_entry_stays_as_it_is(held: Desk, way: str):
    refused(lambda: LEDGER_WRITES[way](LedgerEntry.objects.latest("sequence")), "ledger entries are never|UNIQUE")


@pytest.mark.django_db
@pytest.mark.parametrize("way", [way for way in LEDGER_WRITES if "new id" not in way])
def test_without_its_triggers_the_ledger_would_be_written_over(held: Desk, way: str):
    """The control: each of these writes really would change an entry."""
    for name in ("folios_ledger_no_update", "folios_ledger_no_delete", "folios_ledger_no_replace"):
        drop(name)
    before = whole_database()
    LEDGER_WRITES[way](LedgerEntry.objects.latest("sequence"))
    # The rows behind a changed entry may no longer fit; this test is not about them.
    changed = whole_database() != before or way == "QuerySet.update to the same"
    transaction.set_rollback(True)
    assert changed


@pytest.mark.django_db
def test_an_entry_that_leaves_a_gap_is_refused(held: Desk):
    entry = LedgerEntry.objects.latest("sequence")
    entry.pk, entry.sequence = None, entry.sequence + 2
    refused(entry.save, "follows the one before")


@pytest.mark.django_db
@pytest.mark.parametrize("model", ["ledgerentry", "position", "order", "portfolioaccount"])
def test_no_table_of_the_books_can_be_emptied_in_one_go(held: Desk, model: str):
    table = f"portfolios_{model}"
    statement = f"DELETE FROM {table}"
    if connection.vendor == "postgresql":
        sql("SET CONSTRAINTS ALL IMMEDIATE")  # what is still to be checked would stand in the way of TRUNCATE
        statement = f"TRUNCATE {table} CASCADE"
    refused(lambda: sql(statement), "not deleted|never deleted")


# --- cash and holdings do not go back ---


@pytest.mark.django_db
def test_cash_does_not_go_back_to_an_older_entry(held: Desk):
    first = LedgerEntry.objects.earliest("sequence")
    accounts = type(held.account).objects
    refused(
        lambda: accounts.update(cash_balance=first.balance_after, book_version=first.sequence), "cash changes only"
    )


@pytest.mark.django_db
def test_a_holding_does_not_go_back_to_an_older_entry(held: Desk):
    held.run([line("MSFT", "BUY", 10)])
    first = LedgerEntry.objects.filter(kind="BUY").earliest("sequence")
    positions = type(held.position("MSFT")).objects
    refused(
        lambda: positions.update(quantity=first.quantity, book_version=first.sequence), "a holding changes only"
    )
    refused(lambda: positions.update(book_version=99), "a holding changes only")


# --- orders go only where their status may go ---


def order_in(status: str, desk: Desk) -> Order:
    """Write an order in any status, filled as that status says."""
    return Order.objects.create(
        account=desk.account,
        security_id="MSFT",
        action="BUY",
        quantity=1,
        limit_price=1,
        status=status,
        client_order_id=str(uuid.uuid4()),
        placed_at=NOW,
        **fill_of(status),
    )


def fill_of(status: str) -> dict[str, Any]:
    """Return the columns that belong to a status."""
    is_filled = status in ("filled", "partially_filled")
    return {
        "filled_quantity": 1 if is_filled else 0,
        "average_fill_price": 1 if is_filled else None,
        "filled_at": NOW if is_filled else None,
    }


def moved(order: Order, status: str) -> Order:
    """Return the order as the new status would have it, not yet written."""
    for name, value in {"status": status, **fill_of(status)}.items():
        setattr(order, name, value)
    return order


COLUMNS = ["status", "filled_quantity", "average_fill_price", "filled_at"]


def upsert_order(order: Order) -> None:
    """Write an order through bulk_create(update_conflicts=True)."""
    Order.objects.bulk_create([order], update_conflicts=True, unique_fields=["id"], update_fields=COLUMNS)


def raw_update(order: Order) -> None:
    """Write an order's status past the ORM."""
    key = order.pk.hex if connection.vendor == "sqlite" else order.pk
    values = [getattr(order, name) for name in COLUMNS]
    sql(f"UPDATE {ORDERS} SET {', '.join(f'{name} = %s' for name in COLUMNS)} WHERE id = %s", *values, key)


ORDER_WRITES: dict[str, Callable[[Order], object]] = {
    "save": lambda order: order.save(),
    "QuerySet.update": lambda order: Order.objects.filter(pk=order.pk).update(
        **{name: getattr(order, name) for name in COLUMNS}
    ),
    "bulk_update": lambda order: Order.objects.bulk_update([order], COLUMNS),
    "bulk_create with update_conflicts": upsert_order,
    "raw SQL": raw_update,
}
TRANSITIONS = list(permutations(ORDER_TRANSITIONS, 2))


def write_outcome(write: Callable[[], object]) -> str:
    """Return whether the database took a write, or in which words it did not."""
    try:
        with transaction.atomic():
            write()
    except IntegrityError as error:
        return str(error).splitlines()[0]
    return "taken"


@pytest.mark.django_db
@pytest.mark.parametrize("way", ORDER_WRITES)
def test_an_order_takes_every_legal_step_and_no_other(held: Desk, way: str):
    assert {status for pair in TRANSITIONS for status in pair} == set(Order.Status.values)
    for before, after in TRANSITIONS:
        order = order_in(before, held)
        outcome = write_outcome(partial(ORDER_WRITES[way], moved(order, after)))
        legal = after in ORDER_TRANSITIONS[before]
        assert (before, after, "order" in outcome) == (before, after, not legal), outcome
        assert Order.objects.get(pk=order.pk).status == (after if legal else before)


@pytest.mark.django_db
def test_an_order_is_not_replaced_to_give_it_another_status(held: Desk):
    order = moved(order_in("canceled", held), "filled")
    verb = "INSERT OR REPLACE" if connection.vendor == "sqlite" else "INSERT"
    refused(lambda: _copy_over(order, verb), "not replaced|duplicate key")


@pytest.mark.django_db
def test_the_content_of_a_finished_order_stays(held: Desk):
    order = Order.objects.get()
    for changes in (
        {"quantity": 7}, {"limit_price": 7}, {"action": "SELL"}, {"filled_quantity": 7}, {"fee": 7},
        {"average_fill_price": 7}, {"client_order_id": "other"},
    ):  # fmt: skip
        refused(partial(Order.objects.filter(pk=order.pk).update, **changes), "finished order")


@pytest.mark.django_db
def test_without_its_triggers_an_order_would_go_anywhere(held: Desk):
    """The control: the steps that are refused above are refused by the triggers and nothing else."""
    drop("folios_order_legal_transition")
    drop("folios_order_done_is_done")
    order = order_in("filled", held)
    assert write_outcome(lambda: raw_update(moved(order, "pending"))) == "taken"


def _copy_over(order: Order, verb: str) -> None:
    """Insert a changed copy of a stored order under the same id, column by column."""
    columns = [str(field.column) for field in Order._meta.concrete_fields]
    given = {"status": "'filled'", "filled_quantity": "1", "average_fill_price": "1", "filled_at": "placed_at"}
    chosen = ", ".join(given.get(column, column) for column in columns)
    key = order.pk.hex if connection.vendor == "sqlite" else order.pk
    sql(f"{verb} INTO {ORDERS} ({', '.join(columns)}) SELECT {chosen} FROM {ORDERS} WHERE id = %s", key)


def test_an_installation_of_an_earlier_version_is_brought_up_to_date(in_memory: Path):
    """On SQLite: its triggers name tables that a migration rebuilds, and it lacks tables that later ones watch."""
    database = in_memory / "books.sqlite3"
    migrate(f"sqlite:///{database}", "portfolios", "0002")
    with closing(sqlite3.connect(database)) as old:
        tables = {name for (name,) in old.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        for trigger in TRIGGERS:
            if trigger.table in tables:
                old.execute(_sqlite(trigger))
        old.commit()
    migrate(f"sqlite:///{database}")
    with closing(sqlite3.connect(database)) as new:
        installed = {name for (name,) in new.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")}
    assert installed >= {trigger.name for trigger in TRIGGERS}
