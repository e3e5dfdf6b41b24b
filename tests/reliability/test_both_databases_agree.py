"""One script of operations leaves the same books on SQLite and on PostgreSQL, to the byte.

It starts both databases itself, so that it runs in full whichever one the other tests run on.
"""

import json
import sys
from dataclasses import dataclass

import pytest

from tests.counts import count, seeded
from tests.processes import environment, fork, migrated, start


@dataclass(frozen=True)
class Dumps:
    """What one database holds after the script: the books, and those where the rounding was left to it."""

    books: str
    control: str


@pytest.fixture(scope="module")
def dumps(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dumps, Dumps]:
    """Return the dumps of SQLite and of PostgreSQL after the same script."""
    directory = tmp_path_factory.mktemp("agree")
    script = ("tests.reliability.canonical", f"{seeded('both databases').getrandbits(64)}", str(steps()))
    env = environment(directory, DATABASE_URL=migrated(directory / "books.sqlite3"))
    sqlite = fork(*script, env=env)
    postgresql = start(["-m", "tests.postgres", sys.executable, "-m", *script], env)
    answers = []
    for process in (sqlite, postgresql):
        out, err = process.communicate()
        assert (process.returncode, err) == (0, "")
        answers.append(Dumps(**json.loads(out)))
    return answers[0], answers[1]


def steps() -> int:
    """Return the number of operations."""
    return count(60, 1000)


def test_the_same_operations_leave_the_same_books_to_the_byte(dumps: tuple[Dumps, Dumps]):
    sqlite, postgresql = dumps
    assert sqlite.books.splitlines() == postgresql.books.splitlines()
    assert sqlite.books == postgresql.books
    found = json.loads(sqlite.books)
    assert found["discrepancies"] == []
    assert len(found["outcomes"]) == steps() + 2  # the first trade, and the last withdrawal
    print(f"both databases: {steps()} operations, {len(sqlite.books)} bytes, equal")  # noqa: T201


def test_the_script_trades_and_is_refused_and_does_everything_people_do(dumps: tuple[Dumps, Dumps]):
    found = json.loads(dumps[0].books)
    kinds = {entry["kind"] for entry in found["rows"]["LedgerEntry"]}
    assert {"BUY", "SELL", "FEE", "DEPOSIT", "CORRECTION"} <= kinds
    assert found["outcomes"][-1].startswith("withdraw: ")


def test_where_the_rounding_is_left_to_the_databases_they_differ(dumps: tuple[Dumps, Dumps]):
    """The control: SQLite and PostgreSQL do not round half a cent alike."""
    sqlite, postgresql = dumps
    assert sqlite.control != postgresql.control
