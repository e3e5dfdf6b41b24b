"""No room and no lock: one clear line, books that can be read and are right, and a rerun that works.

SQLite: the number of pages is limited (SQLITE_FULL, as a full disk gives it), and the size of files by the system
(a write that really fails). PostgreSQL: a trigger fails as a full tablespace does (53100), at each table that an
execution writes to and at its COMMIT; a disk that is really full takes an administrator to make.
"""

import io
import re
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from time import monotonic
from uuid import UUID

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, transaction

from execution.models import ExecutionRun
from portfolios import ledger
from portfolios.models import LedgerEntry, Order
from tests.counts import LARGE, count
from tests.processes import environment, manage, start
from tests.reliability.test_backup import LIMITED
from tests.scenes import Desk, assert_books_balance, line

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

SQLITE = "sqlite"
NARROW = {"DJANGO_SETTINGS_MODULE": "tests.reliability.narrow_settings"}
IMPATIENT = {**NARROW, "TEST_LOCK_WAIT_MS": "100"}
# So much to write that an execution needs more than the last pages that are free by chance.
LINES = [line(f"S{chr(65 + number // 26)}{chr(65 + number % 26)}", "BUY", 0.5) for number in range(60)]


def arguments(desk: Desk, request: str) -> list[str]:
    return ["execute_recommendations", request, str(desk.strategy.pk)]


def failed_line(done: "subprocess.CompletedProcess[str]") -> str:
    """Return the one line on stderr of a command that failed with exit code 1 and said nothing else."""
    assert (done.returncode, done.stdout) == (1, ""), done
    assert done.stderr.endswith("\n")
    assert done.stderr.count("\n") == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def database() -> str:
    """Return what the line calls the database."""
    values = connection.settings_dict
    return str(values["NAME"]) if connection.vendor == SQLITE else f"{values['NAME']} on {values['HOST']}"


def counts() -> dict[str, int]:
    runs = ExecutionRun.objects.exclude(status="failed").count()
    return {"runs": runs, "orders": Order.objects.count(), "entries": LedgerEntry.objects.count()}


def assert_untouched(desk: Desk, before: dict[str, int]) -> None:
    assert counts() == before
    assert_books_balance(desk.account)
    out = io.StringIO()
    call_command("check_books", stdout=out)
    assert out.getvalue() == "OK: 1 account checked, no discrepancies.\n"


def assert_rerun_works(desk: Desk, request: str, before: dict[str, int]) -> None:
    done = manage(desk.inbox.root, *arguments(desk, request))
    assert (done.returncode, done.stderr) == (0, ""), done
    after = counts()
    assert (after["runs"], after["orders"]) == (before["runs"] + 1, before["orders"] + len(LINES))
    assert_books_balance(desk.account)
    assert desk.execute(request).run.replay


# ---- no room


def refuse_room(table: str, *, at_commit: bool) -> str:
    kind = "CONSTRAINT TRIGGER no_room AFTER" if at_commit else "TRIGGER no_room BEFORE"
    when = "DEFERRABLE INITIALLY DEFERRED" if at_commit else ""
    return (
        "CREATE OR REPLACE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'could not extend file \"base/5/16384\": No space left on device' "
        "USING ERRCODE = 'disk_full', HINT = 'Check free disk space.'; END $$;"
        f"CREATE {kind} INSERT OR UPDATE ON {table} {when} FOR EACH ROW EXECUTE FUNCTION no_room()"
    )


@contextmanager
def no_room_in(table: str, *, at_commit: bool = False) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(refuse_room(table, at_commit=at_commit))
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TRIGGER no_room ON {table}")


def written_tables() -> list[str]:
    """Return the tables that an execution writes to."""
    names = ["portfolios.PortfolioAccount", "portfolios.LedgerEntry", "portfolios.Order", "portfolios.Position",
             "portfolios.Security", "portfolios.Valuation", "execution.ResearchRequest", "execution.ExecutionRun",
             "execution.Recommendation", "execution.RecommendationOrder"]  # fmt: skip
    return [apps.get_model(name)._meta.db_table for name in names]


def no_room(desk: Desk, request: str) -> Iterator["subprocess.CompletedProcess[str]"]:
    """Yield executions that run out of room, each at another place."""
    if connection.vendor == SQLITE:
        yield from no_pages(desk, request)
        return
    tables = written_tables() if LARGE else ["portfolios_ledgerentry"]
    for table in tables:
        with no_room_in(table):
            yield manage(desk.inbox.root, *arguments(desk, request))
    with no_room_in("portfolios_ledgerentry", at_commit=True):
        yield manage(desk.inbox.root, *arguments(desk, request))


def no_pages(desk: Desk, request: str) -> Iterator["subprocess.CompletedProcess[str]"]:
    """Allow page after page more; in the large run until an execution has room, of another request then."""
    for more in range(count(small=2, large=200)):
        with connection.cursor() as cursor:
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA page_count")
            pages = cursor.fetchone()[0] + more
        done = manage(desk.inbox.root, *arguments(desk, request), **NARROW, TEST_MAX_PAGES=str(pages))
        if done.returncode == 0 and more:
            print(f"an execution needs {more} pages more")  # noqa: T201
            return
        yield done


def test_a_full_disk_is_one_line_and_the_rerun_works(desk: Desk):
    desk.run([line("MSFT", "BUY", 10.0)])
    before = counts()
    request = desk.inbox.put(LINES)
    tried = 0
    for done in no_room(desk, request):
        message = failed_line(done)
        assert message.startswith(f"CommandError: [DATABASE_FULL] database {database()}: there is no room left")
        assert_untouched(desk, before)
        tried += 1
    print(f"{tried} executions without room")  # noqa: T201
    assert tried >= 2
    if counts() == before:  # else the last of many tries had just enough room
        assert_rerun_works(desk, request, before)


def test_a_write_that_the_operating_system_refuses_is_one_line(desk: Desk):
    """PostgreSQL's files are its server's own; there a child without room can do nothing but ask the server."""
    desk.run([line("MSFT", "BUY", 10.0)])
    before = counts()
    request = desk.inbox.put(LINES)
    if connection.vendor == SQLITE:
        process = start(["-c", LIMITED, "8192", *arguments(desk, request)], environment(desk.inbox.root))
        out, err = process.communicate()
        message = failed_line(subprocess.CompletedProcess([], process.returncode, out, err))
        assert message.startswith(f"CommandError: [DATABASE_DISK] database {database()}: its disk cannot be")
        assert_untouched(desk, before)
    assert_rerun_works(desk, request, before)


def test_what_ran_out_of_room_is_on_record_where_there_is_room_for_that(desk: Desk):
    """SQLite's one file has no room for the record either; the command's line is all there is."""
    desk.run([line("MSFT", "BUY", 10.0)])
    request = desk.inbox.put(LINES)
    done = next(no_room(desk, request))
    failed_line(done)
    recorded = list(ExecutionRun.objects.filter(request_id=UUID(request)).values_list("status", "error"))
    if connection.vendor == SQLITE:
        assert recorded == []
    else:
        ((status, error),) = recorded
        assert status == "failed"
        assert "No space left on device" in error


# ---- no lock


@contextmanager
def a_writer_is_busy(desk: Desk) -> Iterator[None]:
    """Hold what an execution needs to write, and let others read."""
    with transaction.atomic():
        ledger.lock_account(strategy_id=desk.strategy.pk, provider=desk.provider)
        yield


@contextmanager
def nobody_may_read(desk: Desk) -> Iterator[None]:
    """Hold everything, as a migration does."""
    if connection.vendor == SQLITE:
        with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as other:
            # In WAL mode even this lets others read; only writing has to wait then.
            other.execute("BEGIN EXCLUSIVE")
            yield
            other.execute("ROLLBACK")
        return
    with transaction.atomic(), connection.cursor() as cursor:
        tables = ", ".join(model._meta.db_table for model in apps.get_app_config("portfolios").get_models())
        cursor.execute(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")
        yield


@pytest.mark.parametrize("held", [a_writer_is_busy, nobody_may_read])
def test_a_locked_database_is_one_line_and_the_rerun_works(held, desk: Desk):
    desk.run([line("MSFT", "BUY", 10.0)])
    before = counts()
    request = desk.inbox.put(LINES)
    with held(desk):
        began = monotonic()
        done = manage(desk.inbox.root, *arguments(desk, request), **IMPATIENT)
        assert monotonic() - began < 20
    message = failed_line(done)
    assert message.startswith(f"CommandError: [DATABASE_BUSY] database {database()}: another program holds a lock")
    assert re.search(r"\(.*lock.*\)\n$", message)
    assert_untouched(desk, before)
    assert_rerun_works(desk, request, before)


def test_the_books_can_be_read_and_previewed_while_a_writer_is_busy(desk: Desk):
    desk.run([line("MSFT", "BUY", 10.0)])
    request = desk.inbox.put(LINES)
    with a_writer_is_busy(desk):
        assert manage(desk.inbox.root, "check_books", **IMPATIENT).returncode == 0
        previewed = manage(desk.inbox.root, *arguments(desk, request), "--dry-run", **IMPATIENT)
    assert (previewed.returncode, previewed.stderr) == (0, ""), previewed


def other_commands(tmp_path: Path) -> list[list[str]]:
    return [["check_books", "--repair"], ["load_examples"], ["backup_books", str(tmp_path / "books.backup")]]


def test_every_command_on_the_books_says_in_one_line_that_they_are_locked(desk: Desk, tmp_path: Path):
    desk.run([line("MSFT", "BUY", 10.0)])
    commands = other_commands(tmp_path)
    if connection.vendor != SQLITE or is_in_wal_mode():
        commands.pop()  # pg_dump waits half a minute for a table; a copy in WAL mode waits for nobody
    for command in commands:
        with nobody_may_read(desk):
            message = failed_line(manage(desk.inbox.root, *command, **IMPATIENT))
        assert message.startswith("CommandError: [DATABASE_BUSY] "), message
        assert manage(desk.inbox.root, *command).returncode == 0


def is_in_wal_mode() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode")
        return bool(cursor.fetchone()[0] == "wal")


# ---- no database at all


def test_a_database_that_was_never_migrated_is_told_what_it_needs(desk: Desk, tmp_path: Path):
    request = desk.inbox.put(LINES)
    if connection.vendor == SQLITE:
        broken = {"DATABASE_URL": f"sqlite:///{tmp_path / 'empty.sqlite3'}"}
        code = "DATABASE_NOT_MIGRATED"
    else:
        broken = {"DATABASE_URL": f"postgres://nobody:geheim@/{tmp_path}/nothing"}
        code = "DATABASE_UNAVAILABLE"
    message = failed_line(manage(desk.inbox.root, *arguments(desk, request), **broken))
    assert f"[{code}] database " in message
    assert "geheim" not in message


def test_a_file_that_is_no_database_is_told_so(desk: Desk, tmp_path: Path):
    file = tmp_path / "notes.txt"
    file.write_text("not a database at all, but long enough to be looked at as one" * 20)
    message = failed_line(manage(desk.inbox.root, "check_books", DATABASE_URL=f"sqlite:///{file}"))
    assert f"[DATABASE_DAMAGED] database {file}: " in message


def test_a_developer_still_gets_the_traceback(desk: Desk, tmp_path: Path):
    broken = f"sqlite:///{tmp_path / 'empty.sqlite3'}"
    done = manage(desk.inbox.root, "check_books", "--traceback", DATABASE_URL=broken)
    assert done.returncode == 1
    assert "[DATABASE_NOT_MIGRATED]" in done.stderr
    assert "OperationalError: no such table" in done.stderr


def test_without_a_lock_the_same_impatient_command_executes(desk: Desk):
    desk.run([line("MSFT", "BUY", 10.0)])
    done = manage(desk.inbox.root, *arguments(desk, desk.inbox.put(LINES)), **IMPATIENT)
    assert (done.returncode, done.stderr) == (0, ""), done
