"""The one reader of CSV tables: every row is read whole, every column is understood, or the table is refused.

What is not understood is never ignored: a comma inside a number would shift all that follows it, and a column that
is passed over may have said that the row is of another day or in another currency.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, takewhile

from common.text import counted, one_line
from execution.engine.vocabulary import Code, Refusal

# Columns that describe a row for people and change nothing in it, for tables that let them pass.
DESCRIPTIVE = ("name", "company", "sector", "industry", "description", "note", "notes", "comment")

_BETWEEN_WORDS = re.compile(r"[\s_-]+")
_OTHER_SEPARATORS = (";", "\t", "|")
_THOUSANDS = re.compile(r"\d{3}(\.\d+)?", re.ASCII)
_LEADING = re.compile(r"[+-]?\d{1,3}", re.ASCII)
_DIGITS = re.compile(r"\d+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Columns:
    """What a table may hold: columns that it must have, others that are read, and those that only describe.

    `other_names` has the column that each further name means. Names match in any case, and whether spaces,
    hyphens, underscores or nothing stand between their words.
    """

    required: Sequence[str]
    optional: Sequence[str] = ()
    descriptive: Sequence[str] = ()
    other_names: Mapping[str, str] = field(default_factory=dict)

    def column(self, written: str) -> str | None:
        """Return the column that a name in the header means, None for one that is not known."""
        names = {_plain(name): name for name in (*self.required, *self.optional, *self.descriptive)}
        names |= {_plain(other): name for other, name in self.other_names.items()}
        return names.get(_plain(written))


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of a line by column; every column of the header is there."""

    line: int
    cells: Mapping[str, str]

    @property
    def place(self) -> str:
        """Where it stands, as `line 2`."""
        return f"line {self.line}"


@dataclass(frozen=True, slots=True)
class Misfit:
    """A line with more or fewer cells than the header: nothing in it can be told apart. `rule` says which."""

    line: int
    cells: Sequence[str]
    rule: str


def read_table(content: bytes, *, columns: Columns) -> list[Row] | Refusal:
    """Return the rows of a CSV file in UTF-8, or the first thing that is wrong with its form: BAD_TABLE.

    As `read_rows`, for tables that are taken whole or not at all.
    """
    found = read_rows(content, columns=columns)
    if isinstance(found, Refusal):
        return found
    misfit = next((row for row in found if isinstance(row, Misfit)), None)
    if misfit is not None:
        return Refusal(Code.BAD_TABLE, f"line {misfit.line} has {misfit.rule}")
    return [row for row in found if isinstance(row, Row)]


def read_rows(content: bytes, *, columns: Columns) -> list[Row | Misfit] | Refusal:
    """Return the rows of a CSV file in UTF-8, with those that cannot be read, or what is wrong with all of it.

    The first line names the columns, in any order, all the required ones among them. Refused: a name that is not
    known or stands twice, and broken quotes. Empty lines are no rows.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return Refusal(Code.BAD_TABLE, f"not UTF-8: byte {error.start} cannot be decoded")
    reader = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True, strict=True)
    lines: list[tuple[int, list[str]]] = []
    start = 1
    try:
        for cells in reader:
            lines += [(start, cells)] if any(map(str.strip, cells)) or len(cells) > 1 else []
            start = reader.line_num + 1
    except csv.Error as error:
        return Refusal(Code.BAD_TABLE, f"line {start}: {error}")
    return _rows(lines, columns)


def comma_hint(cells: Sequence[str]) -> str:
    """Return how to write the number that a comma has cut into two neighboring cells; empty where none looks so."""
    bare = [cell.strip() for cell in cells]
    for at, (left, right) in enumerate(pairwise(bare)):
        if not _LEADING.fullmatch(left):
            continue
        parts = [left, *takewhile(_THOUSANDS.fullmatch, bare[at + 1 :])]
        if len(parts) > 1:
            return f": if {','.join(parts)} is one number, write {''.join(parts)}"
        if _DIGITS.fullmatch(right):
            return f": if {left},{right} is one number, write {left}.{right}"
    return ""


def _rows(lines: Sequence[tuple[int, list[str]]], columns: Columns) -> list[Row | Misfit] | Refusal:
    first, header = lines[0] if lines else (1, [""])
    names = _header(header, columns)
    if isinstance(names, Refusal):
        return Refusal(names.code, f"line {first}{names.message}")
    return [_row(line, cells, names) for line, cells in lines[1:]]


def _row(line: int, cells: Sequence[str], names: Sequence[str]) -> Row | Misfit:
    if len(cells) == len(names):
        return Row(line, dict(zip(names, cells, strict=True)))
    rule = f"{counted(len(cells), 'cell')}, the header has {len(names)} ({','.join(names)})"
    return Misfit(line, cells, f"{rule}{comma_hint(cells)}")


def _header(header: Sequence[str], columns: Columns) -> list[str] | Refusal:
    known = [columns.column(name) for name in header]
    if not set(columns.required) <= set(known):
        separator = next((each for each in _OTHER_SEPARATORS if each in header[0]), None)
        hint = "" if separator is None else f": cells are separated by commas, not by {separator!r}"
        return Refusal(Code.BAD_TABLE, f" is not a header with the columns {','.join(columns.required)}{hint}")
    unknown = next((name for name, column in zip(header, known, strict=True) if column is None), None)
    if unknown is not None:
        may_stand = ",".join((*columns.required, *columns.optional))
        return Refusal(Code.BAD_TABLE, f": column {one_line(unknown)} is unknown: known are {may_stand}")
    names = [name for name in known if name is not None]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        same = [name.strip() for name, column in zip(header, known, strict=True) if column == twice]
        return Refusal(
            Code.BAD_TABLE, f": column {twice} stands there more than once, as {one_line(', '.join(same))}"
        )
    return names


def _plain(name: str) -> str:
    return _BETWEEN_WORDS.sub("", name).casefold()
