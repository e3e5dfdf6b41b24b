"""Rows as CSV and JSON for people who open them in other programs. Pure.

A spreadsheet takes text that begins with a sign for a formula, and would run what somebody typed into a field. Such
text gets an apostrophe in front. Numbers are numbers: a negative amount is no formula and stays as it is.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal

Cell = str | Decimal | int | datetime | None  # a truth value is an int

# The characters that spreadsheets take for the start of a formula, their wide forms, and what they skip before one.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001  # the wide forms


def safe_cell(value: Cell) -> str:
    """Return a value as the text of a CSV cell that no program takes for a formula."""
    if isinstance(value, bool):
        return str(value).lower()
    text = f"{value:f}" if isinstance(value, Decimal) else _text(value)
    is_text = isinstance(value, str)
    return f"'{text}" if is_text and text.startswith(FORMULA_STARTS) else text


def csv_lines(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """Yield the rows as CSV (RFC 4180), a line each, the names of the columns first."""
    yield _csv_line(columns)
    for row in rows:
        yield _csv_line([safe_cell(value) for value in row])


def json_lines(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """Yield the rows as one JSON array of objects, a row a line; decimals are text, times ISO 8601."""
    separator = "[\n"
    for row in rows:
        values = {name: json_value(value) for name, value in zip(columns, row, strict=True)}
        yield separator + json.dumps(values, ensure_ascii=False)
        separator = ",\n"
    yield "[]\n" if separator == "[\n" else "\n]\n"


def json_value(value: object) -> str | int | None:
    """Return a value as JSON holds it: decimals as text without an exponent, times in ISO 8601, ids as text."""
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _csv_line(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


def _text(value: Cell) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, datetime) else str(value)
