"""Says in one line what a database error means and what to do about it: doors show it, services raise the error."""

import sqlite3
from dataclasses import dataclass

from django.db import Error, InterfaceError, OperationalError, connection

from common.text import brief

LONGEST = 300  # a constraint's message may hold the whole row


@dataclass(frozen=True, slots=True)
class _Meaning:
    code: str
    words: str


_FULL = _Meaning("DATABASE_FULL", "there is no room left; make room and try again")
_BUSY = _Meaning("DATABASE_BUSY", "another program holds a lock for too long; try again later")
_DISK = _Meaning("DATABASE_DISK", "its disk cannot be read or written; check space, quota and disk, and try again")
_DAMAGED = _Meaning("DATABASE_DAMAGED", "the file is damaged or no database; restore a backup")
_READ_ONLY = _Meaning("DATABASE_READ_ONLY", "it cannot be written; check its permissions")
_UNAVAILABLE = _Meaning("DATABASE_UNAVAILABLE", "it cannot be reached; check DATABASE_URL and the server")
_NOT_MIGRATED = _Meaning("DATABASE_NOT_MIGRATED", "a table or column is missing; run manage.py migrate")
_OTHER = _Meaning("DATABASE_ERROR", "it refused what was asked of it")

# SQLite's primary result codes; the extended ones keep them in their lowest byte.
_SQLITE = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_IOERR: _DISK,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: _UNAVAILABLE,
}
# PostgreSQL's SQLSTATE, the longest prefix that is listed.
_POSTGRESQL = {
    "53100": _FULL,
    "55P03": _BUSY,
    "57014": _BUSY,
    "40": _BUSY,
    "58": _DISK,
    "XX001": _DAMAGED,
    "XX002": _DAMAGED,
    "25006": _READ_ONLY,
    "42P01": _NOT_MIGRATED,
    "42703": _NOT_MIGRATED,
    "08": _UNAVAILABLE,
    "28": _UNAVAILABLE,
    "3D": _UNAVAILABLE,
    "53": _UNAVAILABLE,
    "57P": _UNAVAILABLE,
}


def explain(error: Error) -> str:
    """Return one line: a code for machines, which database, what it means, and what the database said."""
    meaning = _meaning(error)
    return f"[{meaning.code}] database {database_name()}: {meaning.words} ({brief(str(error), limit=LONGEST)})"


def database_name() -> str:
    """Return the database as people find it: the file, or name and server; never a password."""
    values = connection.settings_dict
    if connection.vendor == "sqlite":
        return str(values["NAME"])
    server = f"{values['HOST'] or 'localhost'}{':' if values['PORT'] else ''}{values['PORT']}"
    return f"{values['NAME']} on {server}"


def _meaning(error: Error) -> _Meaning:
    cause = error.__cause__
    number = getattr(cause, "sqlite_errorcode", None)
    if number is not None:
        return _SQLITE.get(number & 0xFF, _meaning_of_words(str(error)))
    state = getattr(cause, "sqlstate", None)
    if state is not None:
        known = [prefix for prefix in _POSTGRESQL if state.startswith(prefix)]
        return _POSTGRESQL[max(known, key=len)] if known else _OTHER
    # psycopg reports a server that is not there, or is gone in the middle, without a state.
    lost = isinstance(error, InterfaceError | OperationalError) and connection.vendor == "postgresql"
    return _UNAVAILABLE if lost else _OTHER


def _meaning_of_words(text: str) -> _Meaning:
    """SQLite has one code for everything that is wrong with a statement."""
    return _NOT_MIGRATED if text.startswith(("no such table", "no such column")) else _OTHER
