"""Backups of the whole database, taken while others write: each holds the books at one moment.

SQLite is copied with its own backup interface, PostgreSQL with pg_dump. The copy is made under another name, read
from its first byte to its last, and gets its own name only then: a file with that name is a whole backup.
"""

import errno
import os
import re
import shlex
import shutil
import signal
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection

from common.db.errors import LONGEST, database_name
from common.text import brief
from portfolios.models import LedgerEntry, PortfolioAccount

_ACCOUNTS = PortfolioAccount._meta.db_table
_LEDGER = LedgerEntry._meta.db_table
_LOCK_WAIT = "30s"  # a migration may hold a table for itself; no wait is without an end
_COPY = re.compile(rb'COPY (?:[^ ]+\.)?"?(\w+)"? \(')


class BackupError(Exception):
    """There is no backup; the message says in one line what is in the way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A finished backup: the file, and what it was found to hold when it was read again."""

    path: Path
    size: int
    database: str
    accounts: int
    entries: int
    restore: str


def backup_books(target: Path) -> Backup:
    """Write the whole database into the new file `target`, as it stood at one moment, and check it.

    Waits for nobody's transaction but that of a writer who is just committing. Raises BackupError where there is a
    file already or none can be written, and what the database raises; `target` does not exist then.
    """
    target = target.absolute()
    if os.path.lexists(target):
        raise BackupError(f"{target} exists already, and a backup never replaces a file")
    try:
        unfinished = _reserve(target)
        try:
            counts = _COPIERS[connection.vendor](unfinished)
            _put_in_place(unfinished, target)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise BackupError(
            f"{target} cannot be written: {brief(error.strerror or str(error), limit=LONGEST)}"
        ) from error
    return Backup(
        path=target,
        size=target.stat().st_size,
        database=database_name(),
        accounts=counts[_ACCOUNTS],
        entries=counts[_LEDGER],
        restore=_HOW_TO_RESTORE[connection.vendor].format(
            file=shlex.quote(str(target)), database=shlex.quote(str(connection.settings_dict["NAME"]))
        ),
    )


_HOW_TO_RESTORE = {
    "sqlite": (
        "stop every program that uses the database; "
        "rm -f {database}-journal {database}-wal {database}-shm; "
        "cp {file} {database}; manage.py check_books"
    ),
    "postgresql": (
        "createdb NEW; pg_restore --exit-on-error --no-owner --dbname=NEW {file}; "
        "let DATABASE_URL name NEW; manage.py check_books"
    ),
}


def _reserve(target: Path) -> Path:
    """Create the file that becomes the backup, on the same disk, for its owner alone: it holds everything."""
    number, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".unfinished", dir=target.parent)
    os.close(number)
    return Path(name)


def _put_in_place(unfinished: Path, target: Path) -> None:
    """Give the file its name once it is on the disk. Raises FileExistsError where another took the name first."""
    _sync(unfinished)
    try:
        os.link(unfinished, target)  # unlike a rename, it never replaces
    except FileExistsError:
        raise
    except OSError as error:  # a file system without links, on a stick or in a network
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from error
        unfinished.rename(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


# ---- SQLite


def _copy_sqlite(unfinished: Path) -> Mapping[str, int]:
    """Copy every page in one step, under one read lock: in several, each write in between would begin it anew."""
    connection.ensure_connection()
    with connection.wrap_database_errors:
        with closing(sqlite3.connect(unfinished)) as copy:
            copy.execute("PRAGMA journal_mode=OFF")  # what fails is thrown away as a whole
            try:
                connection.connection.backup(copy, progress=_no_endless_wait)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
                    raise OSError(str(error)) from error
                raise
        return _read_sqlite(unfinished)


def _no_endless_wait(status: int, remaining: int, total: int) -> None:  # noqa: ARG001  # sqlite3 hands all three
    """Give up where the connection's own timeout was not enough; Python alone would ask again for ever."""
    if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        error = sqlite3.OperationalError("database is locked")
        error.sqlite_errorcode = status
        raise error


def _read_sqlite(path: Path) -> Mapping[str, int]:
    """Check the copy from end to end and count what it holds. Raises BackupError where it is not sound."""
    # Nobody else knows the file: read as immutable it needs no lock, and leaves no file of its own beside it.
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as copy:
        tables = {name for (name,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        _require_books(tables)
        faults = [text for (text,) in copy.execute("PRAGMA integrity_check(3)") if text != "ok"]
        faults += [
            f"row {row} of {table} points at no row of {other}"
            for table, row, other, _ in copy.execute("PRAGMA foreign_key_check")
        ][:3]
        if faults:
            found = brief("; ".join(faults), limit=LONGEST)
            raise BackupError(f"database {database_name()} is damaged, so it is not backed up: {found}")
        questions = {table: f"SELECT count(*) FROM {table}" for table in (_ACCOUNTS, _LEDGER)}  # noqa: S608
        return {table: copy.execute(question).fetchone()[0] for table, question in questions.items()}


def _require_books(tables: Iterable[str]) -> None:
    if not {_ACCOUNTS, _LEDGER} <= set(tables):
        raise BackupError(f"database {database_name()} holds no books: run manage.py migrate")


# ---- PostgreSQL


def _dump_postgresql(unfinished: Path) -> Mapping[str, int]:
    """Dump with pg_dump, which reads everything in one snapshot, and read the dump again."""
    dump, restore = _tool("pg_dump"), _tool("pg_restore")
    options = ["--format=custom", "--no-password", f"--lock-wait-timeout={_LOCK_WAIT}", f"--file={unfinished}"]
    environment = {**os.environ, **_as_environment(connection.get_connection_params())}
    done = subprocess.run(  # noqa: S603  # our own arguments; everything secret is in the environment
        [dump, *options], env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    _require_success("pg_dump", done.returncode, done.stderr)
    return _read_dump(restore, unfinished)


def _tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise BackupError(f"{name} is not on PATH: install PostgreSQL's client programs, as new as the server")
    return path


def _as_environment(params: Mapping[str, Any]) -> dict[str, str]:
    """Return Django's connection parameters as libpq's variables: a command line is seen by every user."""
    from psycopg.pq import Conninfo  # noqa: PLC0415  # installed with PostgreSQL only

    names = {option.keyword.decode(): option.envvar for option in Conninfo.get_defaults()}
    return {
        variable.decode(): str(value)
        for keyword, value in params.items()
        if value is not None and (variable := names.get(keyword))
    }


def _read_dump(restore: str, path: Path) -> Mapping[str, int]:
    """Decode the dump from end to end and count what it holds. Raises BackupError where it is not whole."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(  # noqa: S603  # our own arguments
            [restore, "--file=-", path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors
        )
        with process:
            counts = _count_rows(process.stdout or ())
        errors.seek(0)
        _require_success("pg_restore", process.returncode, errors.read())
    _require_books(counts)
    return counts


def _count_rows(script: Iterable[bytes]) -> dict[str, int]:
    """Return how many rows each table of a dump has; a row is a line between COPY and its end."""
    counts: dict[str, int] = {}
    table = None
    for row in script:
        if table is None:
            found = _COPY.match(row)
            if found:
                table = found[1].decode()
                counts[table] = 0
        elif row.rstrip() == b"\\.":
            table = None
        else:
            counts[table] += 1
    return counts


def _require_success(tool: str, code: int, said: bytes) -> None:
    if code == 0:
        return
    end = f"ended by signal {-code} ({signal.strsignal(-code)})" if code < 0 else f"exit code {code}"
    words = brief(said.decode(errors="replace"), limit=LONGEST)
    raise BackupError(f"{tool} could not back up database {database_name()}: {words or end}")


_COPIERS = {"sqlite": _copy_sqlite, "postgresql": _dump_postgresql}
