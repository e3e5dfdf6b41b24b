"""What the database itself refuses, whoever writes: the product, the admin, a shell or raw SQL.

Constraints look at one row as it is; these triggers look at what becomes of it. The ledger only grows; cash and
holdings change only together with the entry that says why; an order goes only where its state may go.

One function installs them, at the end of every migration: on SQLite a migration may rebuild a table, and the old
table's triggers are silently dropped with it. A trigger on another table that names the rebuilt one would stop the
migration, so there they go before it starts. Installing is idempotent, and a system check names a missing one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.backends.base.base import BaseDatabaseWrapper

from portfolios.domain.order_states import EXECUTED, ORDER_TRANSITIONS, TERMINAL
from portfolios.models import CorporateAction, LedgerEntry, Order, PortfolioAccount, Position, TradingStateChange

_LEDGER = LedgerEntry._meta.db_table
_ORDER = Order._meta.db_table
_ACCOUNT = PortfolioAccount._meta.db_table
_POSITION = Position._meta.db_table
_ACTION = CorporateAction._meta.db_table
_STATE_CHANGE = TradingStateChange._meta.db_table


@dataclass(frozen=True, slots=True)
class Trigger:
    """One rule: refuse `event` on `table` where `condition` holds. `condition` speaks of OLD and NEW.

    Written in the SQL that both databases share; `IS NOT` compares as in SQLite and is translated for PostgreSQL.
    """

    name: str
    table: str
    event: str  # "UPDATE", "DELETE", "INSERT"
    condition: str
    message: str


def _changed(*columns: str) -> str:
    return "(" + " OR ".join(f"NEW.{column} IS NOT OLD.{column}" for column in columns) + ")"


def _legal_transitions(row: str) -> str:
    allowed = [
        f"({row}.status = '{before}' AND NEW.status = '{after}')"
        for before, afters in ORDER_TRANSITIONS.items()
        for after in sorted(afters)
    ]
    return " OR ".join(allowed)


def _listed(statuses: Iterable[str]) -> str:
    return "(" + ", ".join(f"'{status}'" for status in ORDER_TRANSITIONS if status in set(statuses)) + ")"


_HOLDING = (
    "account_id", "symbol", "side", "status", "quantity", "average_price", "cost_basis", "realized_pnl",
)  # fmt: skip
_TERMS_OF_ACTION = (
    "id", "symbol", "kind", "value", "new_units", "old_units", "price", "successor", "effective_on", "actor",
    "reason", "booked_at",
)  # fmt: skip
_REVERSAL_OF_ACTION = ("reversed_at", "reversed_by", "reversal_reason", "account_count")
# The entry must be the last one: to go back to an older entry would be a change that no entry speaks of.
_LAST_ENTRY_OF_ACCOUNT = (
    f"EXISTS (SELECT 1 FROM {_LEDGER} WHERE account_id = NEW.id AND sequence = NEW.book_version "
    f"AND balance_after = NEW.cash_balance) AND NOT EXISTS (SELECT 1 FROM {_LEDGER} "
    "WHERE account_id = NEW.id AND sequence > NEW.book_version)"
)
_ENTRY_OF_POSITION = (
    f"EXISTS (SELECT 1 FROM {_LEDGER} WHERE position_id = NEW.id AND account_id = NEW.account_id "
    "AND sequence = NEW.book_version)"
)
_LAST_ENTRY_OF_POSITION = (
    f"{_ENTRY_OF_POSITION} AND NOT EXISTS (SELECT 1 FROM {_LEDGER} "
    "WHERE account_id = NEW.account_id AND position_id = NEW.id AND sequence > NEW.book_version)"
)
_MIRRORED_ENTRY = (
    f"EXISTS (SELECT 1 FROM {_LEDGER} AS former WHERE former.account_id = NEW.account_id "
    "AND former.sequence = NEW.reverses AND former.sequence < NEW.sequence "
    "AND former.position_id = NEW.position_id AND former.effective_on = NEW.effective_on "
    "AND former.symbol = NEW.symbol AND former.amount = -NEW.amount AND former.quantity = -NEW.quantity "
    "AND former.owed = -NEW.owed AND ((former.kind IN ('BUY', 'SELL', 'SELL_SHORT', 'BUY_TO_COVER', 'FEE') "
    "AND former.order_id = NEW.order_id AND former.run_id = NEW.run_id "
    "AND COALESCE(former.price, 0) = COALESCE(NEW.price, 0)) "
    # A split is stated anew, with the average of what is held then.
    "OR (former.kind IN ('SPLIT', 'DIVIDEND', 'CASH_IN_LIEU', 'TRANSFER') AND former.action_id = NEW.action_id)))"
)
_PREVIOUS = f"FROM {_LEDGER} WHERE account_id = NEW.account_id AND sequence = NEW.sequence - 1"

TRIGGERS: tuple[Trigger, ...] = (
    Trigger("folios_ledger_no_update", _LEDGER, "UPDATE", "1 = 1", "ledger entries are never changed"),
    Trigger("folios_ledger_no_delete", _LEDGER, "DELETE", "1 = 1", "ledger entries are never deleted"),
    Trigger(
        "folios_ledger_no_replace",
        _LEDGER,
        "INSERT",
        f"EXISTS (SELECT 1 FROM {_LEDGER} WHERE id = NEW.id) OR EXISTS "
        f"(SELECT 1 FROM {_LEDGER} WHERE account_id = NEW.account_id AND sequence = NEW.sequence)",
        "ledger entries are never replaced",
    ),
    Trigger(
        "folios_ledger_follows",
        _LEDGER,
        "INSERT",
        f"NEW.sequence > 1 AND NOT EXISTS (SELECT 1 {_PREVIOUS})",
        "a ledger entry follows the one before it",
    ),
    Trigger(
        "folios_ledger_reversal_mirrors",
        _LEDGER,
        "INSERT",
        f"NEW.reverses IS NOT NULL AND NOT {_MIRRORED_ENTRY}",
        "a reversal mirrors one earlier entry of its account, all of it",
    ),
    Trigger(
        "folios_order_legal_transition",
        _ORDER,
        "UPDATE",
        f"NEW.status IS NOT OLD.status AND NOT ({_legal_transitions('OLD')})",
        "an order does not go from this status to that one",
    ),
    Trigger(
        "folios_order_done_is_done",
        _ORDER,
        "UPDATE",
        f"OLD.status IN {_listed(TERMINAL)} AND "
        + _changed(
            "id",
            "account_id",
            "symbol",
            "action",
            "quantity",
            "limit_price",
            "filled_quantity",
            "average_fill_price",
            "fee",
            "client_order_id",
        ),
        "a finished order is not changed",
    ),
    Trigger(
        "folios_order_no_replace",
        _ORDER,
        "INSERT",
        f"EXISTS (SELECT 1 FROM {_ORDER} AS former WHERE former.id = NEW.id AND former.status <> NEW.status "
        f"AND NOT ({_legal_transitions('former')}))",
        "an order is not replaced to give it another status",
    ),
    Trigger(
        "folios_order_no_delete",
        _ORDER,
        "DELETE",
        f"OLD.status IN {_listed(EXECUTED)}",
        "a filled order is not deleted",
    ),
    Trigger(
        "folios_account_starts_empty",
        _ACCOUNT,
        "INSERT",
        "NEW.cash_balance <> 0 OR NEW.payable <> 0 OR NEW.book_version <> 0",
        "an account starts without cash; a deposit brings it",
    ),
    Trigger(
        "folios_account_cash_follows_ledger",
        _ACCOUNT,
        "UPDATE",
        f"({_changed('id', 'cash_balance', 'book_version')} AND NOT ({_LAST_ENTRY_OF_ACCOUNT})) "
        f"OR ({_changed('payable')} AND NEW.book_version = OLD.book_version)",
        "cash changes only with a ledger entry",
    ),
    Trigger(
        "folios_account_no_delete",
        _ACCOUNT,
        "DELETE",
        "OLD.book_version > 0",
        "an account with a ledger is not deleted",
    ),
    Trigger(
        "folios_position_starts_in_ledger",
        _POSITION,
        "INSERT",
        f"NOT {_ENTRY_OF_POSITION}",
        "a position opens only with a ledger entry",
    ),
    Trigger(
        "folios_position_follows_ledger",
        _POSITION,
        "UPDATE",
        f"{_changed('id', 'book_version', *_HOLDING)} "
        f"AND NOT ({_changed('book_version')} AND {_LAST_ENTRY_OF_POSITION})",
        "a holding changes only with a ledger entry",
    ),
    Trigger(
        "folios_position_no_delete",
        _POSITION,
        "DELETE",
        f"EXISTS (SELECT 1 FROM {_LEDGER} WHERE position_id = OLD.id)",
        "a position with a ledger is not deleted",
    ),
    Trigger(
        "folios_action_stays",
        _ACTION,
        "UPDATE",
        f"{_changed(*_TERMS_OF_ACTION)} OR (OLD.reversed_at IS NOT NULL AND {_changed(*_REVERSAL_OF_ACTION)})",
        "a corporate action is never changed; it may be reversed once",
    ),
    Trigger(
        "folios_action_no_delete",
        _ACTION,
        "DELETE",
        "1 = 1",
        "corporate actions stay as recorded",
    ),
    Trigger(
        "folios_state_change_no_update",
        _STATE_CHANGE,
        "UPDATE",
        "1 = 1",
        "changes of trading state stay as recorded",
    ),
    Trigger(
        "folios_state_change_no_delete",
        _STATE_CHANGE,
        "DELETE",
        "1 = 1",
        "changes of trading state stay as recorded",
    ),
)


def install_triggers(connection: BaseDatabaseWrapper) -> None:
    """Create every trigger, replacing what is there under its name. Does nothing where the tables are not there."""
    if _tables_exist(connection):
        _execute(connection, [*_drop_statements(connection), *_create_statements(connection)])


def remove_triggers(connection: BaseDatabaseWrapper) -> None:
    """Drop every trigger of ours that is there: before a migration on SQLite, and in tests that plant a defect.

    An earlier version has fewer tables, and may have other triggers.
    """
    _execute(connection, _drop_statements(connection))


def missing_triggers(connection: BaseDatabaseWrapper) -> list[str]:
    """Return the names of the triggers that are not there, or are switched off; none where the tables are not."""
    with connection.cursor() as cursor:
        cursor.execute(_LIST_INSTALLED[connection.vendor])
        installed = {name for (name,) in cursor.fetchall()}
    expected = [trigger.name for trigger in TRIGGERS]
    if connection.vendor == "postgresql":
        expected.append(_NO_TRUNCATE)
    missing = [name for name in expected if name not in installed]
    return missing if missing and _tables_exist(connection) else []


def _tables_exist(connection: BaseDatabaseWrapper) -> bool:
    return {trigger.table for trigger in TRIGGERS} <= set(connection.introspection.table_names())


_LIST_INSTALLED: Mapping[str, str] = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'",
}


def _execute(connection: BaseDatabaseWrapper, statements: Iterable[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


_LIST_OURS: Mapping[str, str] = {
    "sqlite": "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger' AND substr(name, 1, 7) = 'folios_'",
    "postgresql": (
        "SELECT tgname, relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
        "WHERE NOT tgisinternal AND left(tgname, 7) = 'folios_'"
    ),
}


def _drop_statements(connection: BaseDatabaseWrapper) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_LIST_OURS[connection.vendor])
        found = cursor.fetchall()
    if connection.vendor == "sqlite":
        return [f"DROP TRIGGER {name}" for name, _ in found]
    return [f"DROP TRIGGER {name} ON {table}" for name, table in found]


def _create_statements(connection: BaseDatabaseWrapper) -> list[str]:
    if connection.vendor == "sqlite":
        return [_sqlite(trigger) for trigger in TRIGGERS]
    return [_NO_TRUNCATE_FUNCTION, _NO_TRUNCATE_TRIGGER, *(sql for each in TRIGGERS for sql in _postgresql(each))]


def _sqlite(trigger: Trigger) -> str:
    return (
        f"CREATE TRIGGER {trigger.name} BEFORE {trigger.event} ON {trigger.table} "
        f"WHEN {trigger.condition} BEGIN SELECT RAISE(ABORT, '{trigger.message}'); END"
    )


def _postgresql(trigger: Trigger) -> tuple[str, str]:
    condition = trigger.condition.replace(" IS NOT OLD.", " IS DISTINCT FROM OLD.")
    row = "OLD" if trigger.event == "DELETE" else "NEW"
    function = (
        f"CREATE OR REPLACE FUNCTION {trigger.name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {condition} THEN RAISE EXCEPTION '{trigger.message}' "
        f"USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN {row}; END $$"
    )
    create = (
        f"CREATE TRIGGER {trigger.name} BEFORE {trigger.event} ON {trigger.table} "
        f"FOR EACH ROW EXECUTE FUNCTION {trigger.name}()"
    )
    return function, create


_NO_TRUNCATE = "folios_ledger_no_truncate"
_NO_TRUNCATE_FUNCTION = (
    f"CREATE OR REPLACE FUNCTION {_NO_TRUNCATE}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "RAISE EXCEPTION 'ledger entries are never deleted' USING ERRCODE = 'integrity_constraint_violation'; END $$"
)
_NO_TRUNCATE_TRIGGER = (
    f"CREATE TRIGGER {_NO_TRUNCATE} BEFORE TRUNCATE ON {_LEDGER} EXECUTE FUNCTION {_NO_TRUNCATE}()"
)
