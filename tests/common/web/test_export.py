"""Cells of a CSV file are text and numbers, never formulas."""

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.web.export import Cell, csv_lines, safe_cell


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("x")'])
def test_text_that_could_start_a_formula_gets_an_apostrophe(text: str):
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (Decimal("-4912.32"), "-4912.32"),
        (Decimal("1E+3"), "1000"),
        (-3, "-3"),
        (None, ""),
        (True, "true"),
        ("Quality Growth", "Quality Growth"),
        (datetime(2026, 1, 5, 9, 30, tzinfo=UTC), "2026-01-05T09:30:00+00:00"),
    ],
)
def test_numbers_stay_numbers_and_nothing_is_an_empty_cell(value: Cell, cell: str):
    assert safe_cell(value) == cell


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), max_size=5))
def test_no_cell_of_any_text_starts_a_formula_and_the_rows_come_back(rows: list[list[str]]):
    text = "".join(csv_lines(["first", "second"], rows))
    back = list(csv.reader(io.StringIO(text, newline="")))
    assert back[0] == ["first", "second"]
    assert len(back) == len(rows) + 1
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in back[1:] for cell in row)
