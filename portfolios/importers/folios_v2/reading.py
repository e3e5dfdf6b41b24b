"""Opens a folios_v2 database, a SQLite file, and returns its rows as they stand. Nothing is written to it.

What is read here is raw: a payload is a decoded JSON object, and nobody has looked at what it says yet.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from portfolios.importers.folios_v2.findings import Finding, Rule, cleaned, shown

# The columns that the import reads, by table. Others may be there and are passed over.
_KNOWN_COLUMNS: Mapping[str, Sequence[str]] = {
    "strategies": ("id", "name", "status", "payload"),
    "portfolio_accounts": ("id", "strategy_id", "provider_id", "payload"),
    "positions": (
        "id", "strategy_id", "provider_id", "symbol", "status", "opened_at", "closed_at", "payload",
    ),
    "orders": ("id", "strategy_id", "provider_id", "status", "symbol", "placed_at", "payload"),
}  # fmt: skip
_OPTIONAL_TABLES: Mapping[str, Sequence[str]] = {
    "requests": ("id", "lifecycle_state", "payload"),
    "execution_tasks": ("id", "request_id", "lifecycle_state", "payload"),
}
_MAX_DEPTH = 32


class PredecessorFileError(Exception):
    """The file cannot be imported at all; the message names it and says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRow:
    """One row as it stands in the file. `payload` is empty where it cannot be read."""

    table: str
    columns: Mapping[str, object]
    payload: Mapping[str, object]

    @property
    def name(self) -> str:
        """What the row is called in messages."""
        return f"{self.table} {shown(self.columns.get('id'))}"

    def value(self, name: str) -> object:
        """Return what the payload says of `name`, else what the column says."""
        inside = self.payload.get(name)
        return self.columns.get(name) if inside is None else inside


@dataclass(frozen=True, slots=True, kw_only=True)
class RawDatabase:
    """A whole file: its name without the directory, rows by table, and what was found on the way."""

    file: str
    rows: Mapping[str, Sequence[RawRow]]
    findings: Sequence[Finding]


def read_database(path: Path) -> RawDatabase:
    """Return the rows of the folios_v2 database at `path`, as they stood at one moment.

    Raises PredecessorFileError where there is no file, it is no SQLite database, or a table or a column that the
    import needs is missing.
    """
    if not path.is_file():
        raise PredecessorFileError(f"{path}: there is no such file")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            return _read(database, path)
    except (sqlite3.Error, OverflowError) as error:
        raise PredecessorFileError(f"{path}: cannot be read as a SQLite database: {error}") from error


def _read(database: sqlite3.Connection, path: Path) -> RawDatabase:
    database.row_factory = sqlite3.Row
    database.text_factory = lambda content: content.decode("utf-8", "replace")
    database.execute("BEGIN")  # one moment for all tables
    names = {row["name"] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    missing = sorted(_KNOWN_COLUMNS.keys() - names)
    if missing:
        raise PredecessorFileError(f"{path}: not a folios_v2 database: no table {', '.join(missing)}")
    findings: list[Finding] = []
    rows = {}
    for table, known in {**_KNOWN_COLUMNS, **_OPTIONAL_TABLES}.items():
        rows[table] = _read_table(database, path, table, known, findings) if table in names else []
    return RawDatabase(file=cleaned(path.name), rows=rows, findings=findings)


def _read_table(
    database: sqlite3.Connection, path: Path, table: str, known: Sequence[str], findings: list[Finding]
) -> list[RawRow]:
    # The table's name is one of ours, not the file's.
    present = [str(row["name"]) for row in database.execute(f'PRAGMA table_info("{table}")')]
    missing = [name for name in known if name not in present]
    if missing:
        raise PredecessorFileError(f"{path}: table {table} has no column {', '.join(missing)}")
    if table in _KNOWN_COLUMNS and (unknown := [name for name in present if name not in known]):
        words = ", ".join(shown(name) for name in unknown)
        findings.append(Finding(Rule.COLUMN_UNKNOWN, table, f"column {words} is not known", "not imported"))
    rows = database.execute(f'SELECT * FROM "{table}" ORDER BY id').fetchall()  # noqa: S608
    return [_raw_row(table, row, findings) for row in rows]


def _raw_row(table: str, row: sqlite3.Row, findings: list[Finding]) -> RawRow:
    columns = {name: row[name] for name in row.keys() if name != "payload"}  # noqa: SIM118  # rows iterate over values
    payload = _payload(row["payload"])
    raw = RawRow(table=table, columns=columns, payload=payload if isinstance(payload, dict) else {})
    if isinstance(payload, str):
        findings.append(Finding(Rule.PAYLOAD_UNREADABLE, raw.name, payload, "only its columns were read"))
    return raw


def _payload(text: object) -> dict[str, object] | str:
    """Return the JSON object in `text`, every number a Decimal and every text clean, or why it is none."""
    if not isinstance(text, str):
        return f"the payload is {shown(text)}, not JSON text"
    try:
        value = json.loads(
            text, parse_int=Decimal, parse_float=Decimal, parse_constant=Decimal, object_pairs_hook=_object
        )
        safe = _clean(value, depth=0)
    except (ValueError, ArithmeticError, RecursionError) as error:
        return f"the payload is no JSON object that can be read: {shown(error)}"
    return safe if isinstance(safe, dict) else f"the payload is {shown(text)}, not a JSON object"


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("duplicate key")
    return result


def _clean(value: object, *, depth: int) -> object:
    if depth > _MAX_DEPTH:
        raise ValueError(f"nested deeper than {_MAX_DEPTH} levels")
    if isinstance(value, dict):
        return {cleaned(name): _clean(inner, depth=depth + 1) for name, inner in value.items()}
    if isinstance(value, list):
        return [_clean(inner, depth=depth + 1) for inner in value]
    return cleaned(value) if isinstance(value, str) else value
