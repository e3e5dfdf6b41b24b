"""Every field of every table x every way of writing it: cash and holdings change only together with the ledger.

The tables below are complete on purpose: a new model, field, function of the ledger or command that is not in them
fails a test, so that somebody decides what it may do to the books.
"""

import uuid
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.management import call_command, get_commands
from django.db import IntegrityError, connection, models, transaction
from django.db.models import Model
from django.test import Client
from django.urls import reverse

import folios.urls  # noqa: F401  # discovers the admin's modules
from portfolios import ledger
from portfolios.domain.accounting import Action, Side
from portfolios.domain.opening_history import Deposited
from portfolios.ledger import AuditContext, TypedOrder, check_books
from portfolios.ledger.triggers import remove_triggers
from portfolios.models import (
    CorporateAction,
    LedgerEntry,
    Order,
    PortfolioAccount,
    Position,
    Price,
    RiskPolicy,
    Security,
    Strategy,
)
from portfolios.trading_states import set_trading_state
from tests.portfolios.importers.folios_v2.database import OldBooks
from tests.portfolios.ledger.actions import day, dividend, rename, split, undo
from tests.scenes import NOW, Desk, Inbox, line, mark_all

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

# What becomes of a change of a field, whichever way it is written:
REFUSED = "refused"  # by the database; nothing is changed
REPORTED = "reported"  # no cash and no holding: a valuation of them, which check_books compares
BESIDE = "beside the books"  # neither cash nor a holding; the books stay right

RECORD = dict.fromkeys(
    ("id", "account", "sequence", "kind", "amount", "balance_after", "security", "quantity", "price", "position",
     "cost_basis", "order", "reverses", "run_id", "actor", "reason", "occurred_at", "created_at", "effective_on",
     "action", "owed", "realized_pnl", "mark_before"),
    REFUSED,
)  # fmt: skip
FIELDS: dict[str, dict[str, str]] = {
    "LedgerEntry": RECORD,
    "PortfolioAccount": {
        "id": REFUSED,
        "strategy": BESIDE,
        "provider": BESIDE,
        "cash_balance": REFUSED,
        "payable": REFUSED,
        "equity_value": REPORTED,
        "book_version": REFUSED,
        "trading_state": BESIDE,
        "created_at": BESIDE,
        "updated_at": BESIDE,
    },
    "Position": {
        **dict.fromkeys(
            ("id", "account", "security", "side", "status", "quantity", "average_price", "cost_basis",
             "realized_pnl", "book_version"),
            REFUSED,
        ),
        "mark_price": REPORTED,
        "marked_at": BESIDE,
        "opened_at": BESIDE,
        "closed_at": REFUSED,
    },
    "Order": {
        **dict.fromkeys(
            ("id", "account", "security", "action", "quantity", "limit_price", "status", "filled_quantity",
             "average_fill_price", "fee", "client_order_id"),
            REFUSED,
        ),
        "is_simulated": BESIDE,
        "placed_at": BESIDE,
        "filled_at": BESIDE,
        "metadata": BESIDE,
    },
    "Security": {
        "id": BESIDE,
        "symbol": REFUSED,
        **dict.fromkeys(
            ("name", "sector", "exchange", "currency", "asset_class", "quantity_step", "minimum_quantity",
             "is_active", "is_verified", "created_at", "updated_at"),
            BESIDE,
        ),
    },
    "Strategy": {
        "id": REFUSED,
        **dict.fromkeys(("name", "description", "status", "created_at", "updated_at"), BESIDE),
    },
    "RiskPolicy": dict.fromkeys(
        ("id", "strategy", "version", "max_position_percent", "max_sector_percent", "max_gross_exposure_percent",
         "max_net_exposure_percent",
         "cash_reserve_percent", "min_order_value", "max_order_value", "restricted_symbols", "allow_short",
         "short_margin_percent", "on_breach", "max_short_exposure_percent", "max_single_short_percent",
         "drift_band_percent", "price_band_percent", "require_open_market", "max_orders_per_run",
         "max_research_age_hours", "defer_hours", "all_or_nothing",
         "whole_share_shorts", "rounding", "commission_per_order", "commission_per_share",
         "commission_bps", "commission_minimum", "slippage_bps", "created_at"),
        BESIDE,
    ),
    "Price": dict.fromkeys(("id", "security", "price", "currency", "source", "as_of", "created_at"), BESIDE),
    "CorporateAction": {
        "account_count": BESIDE,
        **dict.fromkeys(("reversed_at", "reversed_by", "reversal_reason"), REFUSED),  # one without the others
        **dict.fromkeys(
            ("id", "security", "kind", "value", "new_units", "old_units", "price", "successor", "effective_on",
             "actor", "reason", "booked_at"),
            REFUSED,
        ),
    },
    "TradingStateChange": dict.fromkeys(
        ("id", "account", "before", "after", "actor", "reason", "changed_at"), REFUSED
    ),
    "Valuation": dict.fromkeys(
        ("id", "account", "as_of", "cash", "equity", "total", "external_flow", "book_version"), BESIDE
    ),
    "AccountSummary": dict.fromkeys(
        ("id", "account", "as_of", "book_version", "total", "change", "valuation_days", "time_weighted_return",
         "max_drawdown", "sharpe_ratio", "hit_rate", "turnover", "closed_positions", "open_positions",
         "total_costs", "gross_exposure", "net_exposure", "oldest_mark_at", "available_cash", "margin_status",
         "refreshed_at"),
        BESIDE,
    ),
}  # fmt: skip
# Research and its runs refer to the books, and the books do not know them.
OUTSIDE = {
    "ResearchRequest", "ExecutionRun", "Recommendation", "RecommendationOrder", "LineResolution", "MappingRule",
    "Reversal", "RefusedPrice",
}  # fmt: skip
# Whether a row may be deleted: one that the ledger speaks of, or that something refers to, may not.
DELETES = {
    "LedgerEntry": REFUSED, "PortfolioAccount": REFUSED, "Position": REFUSED, "Order": REFUSED, "Security": REFUSED,
    "Strategy": REFUSED, "RiskPolicy": BESIDE, "Price": BESIDE, "Valuation": BESIDE, "CorporateAction": REFUSED,
    "TradingStateChange": REFUSED,
    "AccountSummary": BESIDE,
}  # fmt: skip
MODELS = [model for model in apps.get_app_config("portfolios").get_models() if model.__name__ in FIELDS]


@pytest.fixture
def desk(inbox: Inbox, strategy: Strategy) -> Desk:
    """Return a desk with a row in every table; its account holds MSFT, and a second account is empty."""
    desk = Desk(inbox, strategy)
    desk.run([line("MSFT", "BUY", 10)], prices="450")
    # Not valued, so that a valuation and a summary of the first account can be made the second one's.
    ledger.open_for_run(strategy_id=strategy.pk, provider="openai", initial_balance=Decimal(7), context=BY_HAND)
    Strategy.objects.create(name="Small caps")
    Security.objects.create(symbol="KO")
    RiskPolicy.objects.create(strategy=strategy)
    Price.objects.create(security_id="MSFT", price=100, source="test", as_of=NOW)
    set_trading_state(desk.account.pk, state="REDUCING", actor="bob", reason="earnings", now=NOW)
    set_trading_state(desk.account.pk, state="ACTIVE", actor="bob", reason="all clear", now=NOW)
    ledger.record_dividend(symbol="KO", per_share=Decimal(1), on=NOW.date(), context=BY_HAND)
    return desk


BY_HAND = AuditContext(actor="bob", now=NOW, reason="statement")


def money() -> tuple[list[Any], list[Any], int]:
    """Return every account's cash and holdings."""
    held = Position.objects.order_by("pk").values_list(
        "pk", "account", "security", "side", "status", "quantity", "average_price", "cost_basis", "realized_pnl"
    )  # fmt: skip
    cash = PortfolioAccount.objects.order_by("pk").values_list("pk", "cash_balance", "payable", "book_version")
    return list(cash), list(held), LedgerEntry.objects.count()


def discrepancies() -> list[str]:
    """Return what check_books finds in any account."""
    return [str(found) for account in PortfolioAccount.objects.all() for found in check_books(account)]


def row_of(model: type[Model]) -> Any:
    """Return the row that the attempts are made on: the one that the trade wrote."""
    rows = {"PortfolioAccount": {"provider": "anthropic"}, "LedgerEntry": {"kind": "BUY"},
            "TradingStateChange": {"after": "REDUCING"},
            "Security": {"symbol": "MSFT"}, "Strategy": {"name": "Large caps"}}  # fmt: skip
    return model._default_manager.get(**rows.get(model.__name__, {}))


def another_value(row: Any, field: Any) -> Any:
    """Return a value of the field's kind that is not the stored one and that the row's constraints would take."""
    if field.is_relation:
        return _another_key(row, field)
    special = {"provider": "gemini", "trading_state": "HALTED", "side": "short",
               "kind": "split" if isinstance(row, CorporateAction) else "CORRECTION",
               "action": "SELL", "status": "canceled", "on_breach": "reject", "rounding": "ROUND_DOWN",
               "restricted_symbols": ["GME"], "metadata": {"a": 1}, "asset_class": "fund",
               "margin_status": "deficit"}  # fmt: skip
    if isinstance(row, Strategy | Position) and field.name == "status":
        return {"Strategy": "draft", "Position": "closed"}[type(row).__name__]
    return special[field.name] if field.name in special else _shifted(getattr(row, field.attname), field)


def _another_key(row: Any, field: Any) -> Any:
    target = field.target_field
    keys = field.related_model._default_manager.exclude(**{target.name: getattr(row, field.attname)})
    return keys.values_list(target.name, flat=True).first() or (
        uuid.uuid4() if field.name in UNIQUE_PARENTS else None
    )


UNIQUE_PARENTS = {"order", "position"}  # there is one of each; a key of none is refused all the same


def _shifted(value: Any, field: Any) -> Any:
    if isinstance(field, models.UUIDField):
        return uuid.uuid4()
    if isinstance(field, models.BooleanField):
        return not value
    if isinstance(field, models.DateField):  # of a day, or of a moment
        return (value or NOW) + timedelta(days=1)
    if isinstance(field, models.DecimalField):
        return (value or 0) + 1
    if isinstance(field, models.IntegerField):
        return (value or 0) + 1000  # no other row has that key
    return f"{value}X"[-field.max_length :] if field.max_length else f"{value}X"


def column_value(field: Any, value: Any) -> Any:
    """Return a value as raw SQL has to give it."""
    return field.get_db_prep_save(value, connection)


def by_save(row: Any, field: Any, value: Any) -> None:
    """Write the field through save()."""
    if field.primary_key:
        type(row)._default_manager.filter(pk=row.pk).update(id=value)  # save() with another key is an insert
        return
    setattr(row, field.attname, value)
    models.Model.save_base(row, update_fields=None, force_update=True, raw=True)  # raw: auto_now would overwrite


def by_update(row: Any, field: Any, value: Any) -> None:
    """Write the field through QuerySet.update()."""
    type(row)._default_manager.filter(pk=row.pk).update(
        **{field.attname if field.is_relation else field.name: value}
    )


def by_bulk_update(row: Any, field: Any, value: Any) -> None:
    """Write the field through bulk_update(), which takes no primary key."""
    if field.primary_key:
        by_update(row, field, value)
        return
    setattr(row, field.attname, value)
    type(row)._default_manager.bulk_update([row], [field.name])


def by_bulk_create(row: Any, field: Any, value: Any) -> None:
    """Write the field through bulk_create(update_conflicts=True)."""
    if field.primary_key:
        by_update(row, field, value)
        return
    setattr(row, field.attname, value)
    type(row)._default_manager.bulk_create(
        [row], update_conflicts=True, unique_fields=["id"], update_fields=[field.name]
    )


def by_sql(row: Any, field: Any, value: Any) -> None:
    """Write the field past the ORM."""
    key = type(row)._meta.pk
    with connection.cursor() as cursor:
        cursor.execute(
            f'UPDATE {type(row)._meta.db_table} SET "{field.column}" = %s WHERE "{key.column}" = %s',
            [column_value(field, value), column_value(key, row.pk)],
        )


WAYS: dict[str, Callable[[Any, Any, Any], None]] = {
    "save": by_save,
    "update": by_update,
    "bulk_update": by_bulk_update,
    "bulk_create": by_bulk_create,
    "SQL": by_sql,
}


def attempt(write: Callable[[], object]) -> bool:
    """Return whether the database takes a write, with all that it would check at the end of the transaction."""
    try:
        with transaction.atomic():
            write()
            connection.check_constraints()
    except (IntegrityError, models.ProtectedError):
        return False
    return True


# --- the tables are complete ---


def test_every_field_of_every_model_is_in_the_table():
    everything = [
        *apps.get_app_config("portfolios").get_models(),
        *(model for model in apps.get_app_config("execution").get_models() if model.__name__ not in OUTSIDE),
    ]
    assert {model.__name__: {field.name for field in model._meta.concrete_fields} for model in everything} == {
        name: set(fields) for name, fields in FIELDS.items()
    }
    assert set(DELETES) == set(FIELDS)


# --- fields ---


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_no_way_of_writing_a_field_changes_cash_or_a_holding(desk: Desk, model: type[Model]):
    cash_and_holdings = money()
    outcomes = {}
    for name in FIELDS[model.__name__]:
        for way in WAYS:
            with transaction.atomic():
                outcomes[name, way] = outcome_of(partial(write_field, model, name, way), model)
                assert (name, way, money()) == (name, way, cash_and_holdings)
                transaction.set_rollback(True)
    assert outcomes == {(name, way): expected(model, name, way) for name in FIELDS[model.__name__] for way in WAYS}


def expected(model: type[Model], name: str, way: str) -> str:
    """Return what the table says; to the database an upsert of an account is also a new account with cash."""
    is_new_account = model is PortfolioAccount and way == "bulk_create"
    return REFUSED if is_new_account else FIELDS[model.__name__][name]


def write_field(model: type[Model], name: str, way: str) -> None:
    """Write another value to a field of the row of that model."""
    row, field = row_of(model), model._meta.get_field(name)
    WAYS[way](row, field, another_value(row, field))


def rows(model: type[Model]) -> list[dict[str, Any]]:
    """Return the whole table."""
    return list(model._default_manager.order_by("pk").values())


def outcome_of(write: Callable[[], object], model: type[Model]) -> str:
    """Return what becomes of a write; one that is refused must change nothing."""
    before = rows(model)
    if not attempt(write):
        assert rows(model) == before
        return REFUSED
    assert rows(model) != before, "the attempt wrote nothing: it shows nothing"
    return REPORTED if discrepancies() else BESIDE


def test_without_the_triggers_cash_and_holdings_would_change(desk: Desk):
    """The control: what the table says is refused is refused by nothing else."""
    remove_triggers(connection)
    for model, name in ((PortfolioAccount, "cash_balance"), (Position, "quantity"), (LedgerEntry, "amount")):
        before, row, field = money(), row_of(model), model._meta.get_field(name)
        assert attempt(partial(by_sql, row, field, Decimal(-7) if model is LedgerEntry else Decimal(7)))
        assert money() != before or discrepancies()


# --- rows ---


def by_instance(row: Any) -> None:
    """Delete through delete()."""
    row.delete()


def by_queryset(row: Any) -> None:
    """Delete past Django's own protection."""
    type(row)._default_manager.filter(pk=row.pk)._raw_delete("default")


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@pytest.mark.parametrize("way", [by_instance, by_queryset])
def test_rows_of_the_books_cannot_be_deleted(desk: Desk, model: type[Model], way: Callable[[Any], None]):
    before = money()
    assert outcome_of(partial(way, row_of(model)), model) == DELETES[model.__name__]
    assert money() == before


def fresh(row: Any, **changes: Any) -> Any:
    """Return an unsaved copy of a row."""
    values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    key = uuid.uuid4() if isinstance(row._meta.pk, models.UUIDField) else None
    return type(row)(**{**values, "id": key, **changes})


INSERTS: dict[str, tuple[type[Model], dict[str, Any], str]] = {
    "an account with cash": (PortfolioAccount, {"provider": "gemini", "book_version": 0}, REFUSED),
    "an account with a version": (PortfolioAccount, {"provider": "gemini", "cash_balance": 0}, REFUSED),
    "an empty account": (
        PortfolioAccount,
        {"provider": "gemini", "cash_balance": 0, "book_version": 0, "equity_value": 0},
        BESIDE,
    ),
    "a position": (Position, {"security_id": "KO"}, REFUSED),
    "an entry that leaves a gap": (LedgerEntry, {"sequence": 9}, REFUSED),
    "an entry that is there already": (LedgerEntry, {}, REFUSED),
}


@pytest.mark.parametrize("name", INSERTS)
@pytest.mark.parametrize("way", ["save", "bulk_create"])
def test_a_new_row_brings_neither_cash_nor_a_holding(desk: Desk, name: str, way: str):
    model, changes, outcome = INSERTS[name]
    row = fresh(row_of(model), **changes)
    write = row.save if way == "save" else partial(model._default_manager.bulk_create, [row])
    assert outcome_of(write, model) == outcome
    assert PortfolioAccount.objects.filter(cash_balance__gt=0).count() == 2


def test_an_entry_written_past_the_ledger_s_door_is_in_the_ledger_and_a_repair_brings_the_account_after_it(
    desk: Desk,
):
    cash = desk.account.cash_balance
    last = LedgerEntry.objects.filter(account=desk.account).latest("sequence")
    LedgerEntry.objects.create(
        account=desk.account, sequence=last.sequence + 1, kind="DEPOSIT", amount=5, balance_after=cash + 5,
        actor="mallory", reason="a gift", occurred_at=NOW, effective_on=NOW.date(),
    )  # fmt: skip
    assert desk.account.cash_balance == cash
    assert any("CASH_MISMATCH" in found for found in discrepancies())
    call_command("check_books", repair=True, stdout=StringIO())
    assert (desk.account.cash_balance, discrepancies()) == (cash + 5, [])


# --- the admin ---


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_the_admin_changes_no_cash_and_no_holding(desk: Desk, client: Client, model: type[Model]):
    client.force_login(User.objects.create_superuser("boss", password="x"))
    before = money()
    row = row_of(model)
    form = {name: str(another_value(row, model._meta.get_field(name))) for name in FIELDS[model.__name__]}
    assert model in admin.site._registry
    for kind, arguments, data in (
        ("change", [row.pk], form),
        ("add", [], {**form, "name": "Third"}),
        ("delete", [row.pk], {"post": "yes"}),
    ):
        address = reverse(f"admin:portfolios_{model._meta.model_name}_{kind}", args=arguments)
        assert client.post(address, data).status_code in (200, 302, 403)
        connection.check_constraints()
        assert (kind, money_of_the_old(before), discrepancies()) == (kind, before, [])


def money_of_the_old(before: Any) -> object:
    """Return the money without accounts that were added empty; the others must all be there."""
    cash, held, entries = money()
    known = {key for key, *_ in before[0]}
    assert all(not any(amounts) for key, *amounts in cash if key not in known)
    return [row for row in cash if row[0] in known], held, entries


# --- services and commands ---


def reverse_the_run(desk: Desk) -> None:
    """Reverse the entries of the run that bought MSFT."""
    run_id = LedgerEntry.objects.get(kind="BUY").run_id
    assert run_id is not None
    found = ledger.plan_reversal(desk.account, run_id=run_id)
    context = AuditContext(actor="bob", now=NOW, run_id=run_id, reason="wrong research")
    ledger.reverse_entries(
        desk.account, found.entries, positions=found.positions, before=found.before, context=context
    )


TYPED = TypedOrder(action=Action.BUY, symbol="KO", quantity=Decimal(5), price=Decimal(9))
LEDGER: dict[str, Callable[[Desk], object]] = {
    "deposit": lambda desk: ledger.deposit(desk.account, amount=Decimal(5), context=BY_HAND),
    "withdraw": lambda desk: ledger.withdraw(desk.account, amount=Decimal(5), context=BY_HAND),
    "correct_cash": lambda desk: ledger.correct_cash(desk.account, balance=Decimal(5), context=BY_HAND),
    "correct_position": lambda desk: ledger.correct_position(
        desk.account, symbol="KO", side=Side.LONG, quantity=Decimal(5), average_price=Decimal(1), context=BY_HAND
    ),
    "open_account": lambda desk: ledger.open_account(
        strategy_id=desk.strategy.pk, provider="gemini", initial_balance=Decimal(5), context=BY_HAND
    ),
    "open_for_run": lambda desk: ledger.open_for_run(
        strategy_id=desk.strategy.pk, provider="gemini", initial_balance=Decimal(5), context=BY_HAND
    ),
    "open_with_history": lambda desk: ledger.open_with_history(
        account_id=uuid.uuid4(),
        strategy_id=desk.strategy.pk,
        provider="gemini",
        events=[Deposited(at=NOW, reason="opening balance", amount=Decimal(5))],
        unfilled=[],
        context=BY_HAND,
    ),
    "book_orders": lambda desk: desk.run(
        [line("KO", "BUY", 5)]
    ),  # through the service, with all that belongs to it
    "reverse_entries": reverse_the_run,
    "record_order": lambda desk: ledger.record_order(desk.account, typed=TYPED, fee=Decimal(1), context=BY_HAND),
    "fill_order": lambda desk: ledger.fill_order(
        desk.account,
        order=ledger.place_order(desk.account, typed=TYPED, context=BY_HAND),
        price=Decimal(8),
        fee=Decimal(1),
        context=BY_HAND,
    ),
    "apply_split": lambda _: split("MSFT", "2:1", on=1),
    "record_dividend": lambda _: dividend("MSFT", "1", on=1),
    "change_symbol": lambda _: rename("MSFT", "MSFX", on=1),
    "reverse_action": lambda _: undo(split("MSFT", "2:1", on=1)),
    "reverse_order": lambda desk: ledger.reverse_order(desk.account, order=Order.objects.get(), context=BY_HAND),
}
MOVE_NOTHING = {
    "preview_split", "preview_dividend", "preview_symbol_change", "preview_action_reversal",
    "lock_account", "lock_accounts", "value_account", "mark_accounts", "mark_symbol", "refresh_summaries",
    "place_order",
    "change_order", "cancel_order", "plan_reversal", "read_account", "audit", "check_books", "repair_books",
}  # fmt: skip


def test_every_function_of_the_ledger_is_in_the_table():
    assert {name for name in ledger.__all__ if name[0].islower()} == set(LEDGER) | MOVE_NOTHING


@pytest.mark.parametrize("name", LEDGER)
def test_what_the_ledger_changes_is_recorded(desk: Desk, name: str):
    before, entries = money(), LedgerEntry.objects.count()
    LEDGER[name](desk)
    assert money() != before
    assert LedgerEntry.objects.count() > entries
    assert discrepancies() == []
    assert not LedgerEntry.objects.filter(actor="").exists()


def _old_books(desk: Desk) -> Path:
    old = OldBooks()
    old.strategy()
    old.account("90001", "9999")
    old.order("BUY 22.22 KO @ 450")
    old.position("long 22.22 KO @ 450")
    return old.write(desk.inbox.root / "folios_v2.db")


def put_ready(desk: Desk) -> list[str]:
    """Put research into the inbox that says whose it is."""
    desk.inbox.put([line("KO", "BUY", 5)], strategy_id=str(desk.strategy.pk), provider="anthropic")
    return []


def refused_price(_: Desk) -> list[str]:
    """Have a price of MSFT wait, and accept it."""
    mark_all({"MSFT": "36"}, at=NOW + timedelta(hours=6))
    return ["MSFT", "--reason", "a spin-off"]


def _paid(symbol: str) -> list[str]:
    """Pay a dividend; return what names it."""
    dividend(symbol, "1", on=1)
    return ["dividend", symbol, "--date", day(1).isoformat()]


RECORDS, READS = "records what it changes", "changes neither cash nor a holding"
COMMANDS: dict[str, tuple[str, Callable[[Desk], list[str]]]] = {
    "execute_recommendations": (
        RECORDS,
        lambda desk: [desk.inbox.put([line("KO", "BUY", 5)]), str(desk.strategy.pk), "--default-price", "9"],
    ),
    "rebalance": (RECORDS, lambda desk: [str(desk.strategy.pk), "--targets", "KO=5", "--default-price", "9"]),
    "apply_split": (RECORDS, lambda _: ["MSFT", "2", "--date", "2026-01-06"]),
    "record_dividend": (RECORDS, lambda _: ["MSFT", "0.5", "--date", "2026-01-06"]),
    "change_symbol": (RECORDS, lambda _: ["MSFT", "MSFX", "--date", "2026-01-06"]),
    "reverse_action": (RECORDS, lambda _: [*_paid("MSFT"), "--reason", "wrong day"]),
    "import_folios_v2": (RECORDS, lambda desk: [str(_old_books(desk))]),
    "reverse_run": (RECORDS, lambda _: [str(LedgerEntry.objects.get(kind="BUY").run_id), "--reason", "wrong"]),
    "set_trading_state": (READS, lambda desk: ["HALTED", "--account", str(desk.account.pk), "--reason", "news"]),
    "check_books": (READS, lambda desk: ["--repair", "--account", str(desk.account.pk)]),
    "load_examples": (READS, lambda _: []),
    "execute_pending": (RECORDS, lambda desk: [*put_ready(desk), "--default-price", "9"]),
    "mark_to_market": (READS, lambda _: ["--price", "MSFT=460"]),
    "accept_price": (READS, refused_price),
    "import_securities": (READS, lambda _: [str(settings.BASE_DIR / "examples" / "securities.csv")]),
    "refresh_summaries": (READS, lambda _: []),
}
# Commands that read, or work on files; their own tests show it.
NO_WRITERS = {
    "explain", "reproduce_run", "backup_books", "import_prices", "fetch_prices", "scan_inbox",
    "assign_request", "resolve_line", "add_mapping_rule",
}  # fmt: skip


def test_every_command_is_in_the_table():
    ours = {name for name, app in get_commands().items() if app in ("portfolios", "execution")}
    assert ours - NO_WRITERS == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_what_a_command_changes_is_recorded(desk: Desk, name: str):
    kind, arguments = COMMANDS[name]
    before = money()
    call_command(name, *arguments(desk), stdout=StringIO())
    assert (money() != before) is (kind is RECORDS)
    assert discrepancies() == []
