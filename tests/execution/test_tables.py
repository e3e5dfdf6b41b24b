"""The one reader of CSV tables: rows are read whole or not at all, and no column is passed over."""

import csv
import io
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.engine.vocabulary import Code, Refusal
from execution.tables import Columns, Misfit, Row, comma_hint, read_rows, read_table

PRICES = Columns(required=("symbol", "price"), optional=("as_of",), other_names={"date": "as_of"})

# Cells as a person may write them; a reader skips the spaces before a cell.
cells = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8).map(str.lstrip)


def written(rows: Sequence[Sequence[str]]) -> bytes:
    """The rows as a CSV file, quoted where they must be."""
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows(rows)
    return out.getvalue().encode()


def said(content: str, columns: Columns = PRICES) -> str:
    """Why a table is refused."""
    answer = read_table(content.encode(), columns=columns)
    assert isinstance(answer, Refusal), answer
    assert answer.code is Code.BAD_TABLE
    return answer.message


@given(st.lists(st.tuples(cells, cells), max_size=5))
def test_what_was_written_as_a_table_is_read_from_it(rows: list[tuple[str, str]]):
    answer = read_table(written([("symbol", "price"), *rows]), columns=PRICES)
    assert answer == [
        Row(line, dict(zip(("symbol", "price"), row, strict=True))) for line, row in enumerate(rows, 2)
    ]


@given(st.lists(st.lists(cells, min_size=1, max_size=4), min_size=1, max_size=6))
def test_a_row_is_read_exactly_where_it_has_as_many_cells_as_the_header(rows: list[list[str]]):
    content = written([("symbol", "price"), *rows])
    found = read_rows(content, columns=PRICES)
    assert not isinstance(found, Refusal)
    assert all(isinstance(row, Row) == (len(rows[row.line - 2]) == 2) for row in found)
    fit = all(len(row) == 2 for row in rows if len(row) > 1 or row[0].strip())
    assert isinstance(read_table(content, columns=PRICES), Refusal) != fit


@pytest.mark.parametrize("end", ["", "\n", "\n\n", "\r\n\r\n", "\n  \n"])
def test_empty_lines_are_no_rows(end: str):
    assert read_table(f"symbol,price\n\nMSFT,5{end}".encode(), columns=PRICES) == [
        Row(3, {"symbol": "MSFT", "price": "5"})
    ]


@pytest.mark.parametrize(
    ("header", "column"),
    [("As Of", "as_of"), ("AS_OF", "as_of"), ("as-of", "as_of"), (" Date ", "as_of"), ("asof", "as_of")],
)
def test_a_column_is_known_in_any_case_and_with_any_space_between_its_words(header: str, column: str):
    (row,) = read_rows(f"\ufeffSymbol, PRICE,{header}\nMSFT,5,x\n".encode(), columns=PRICES)  # type: ignore[misc]
    assert row == Row(2, {"symbol": "MSFT", "price": "5", column: "x"})


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("symbol,price\nNVR,8,123.45\n",
         "line 2 has 3 cells, the header has 2 (symbol,price): if 8,123.45 is one number, write 8123.45"),
        ("symbol,price\nMSFT,5\nNVR,12,5\n",
         "line 3 has 3 cells, the header has 2 (symbol,price): if 12,5 is one number, write 12.5"),
        ("symbol,price\nNVR,1,234,567\n", "if 1,234,567 is one number, write 1234567"),
        ("symbol,price\nMSFT,5,\n", "line 2 has 3 cells, the header has 2 (symbol,price)"),
        ("symbol,price\nMSFT\n", "line 2 has 1 cell, the header has 2 (symbol,price)"),
        ("symbol,price,price\nMSFT,5,6\n", "line 1: column price stands there more than once, as 'price, price'"),
        ("symbol,price,date,as of\nMSFT,5,,\n", "column as_of stands there more than once, as 'date, as of'"),
        ("symbol,price,exchange\nBP,5,LSE\n", "line 1: column 'exchange' is unknown: known are symbol,price,as_of"),
        (",symbol,price\n0,MSFT,5\n", "line 1: column '' is unknown"),
        ("symbol;price\nMSFT;5\n", "line 1 is not a header with the columns symbol,price: cells are separated by"),
        ("\n\nMSFT,5\n", "line 3 is not a header with the columns symbol,price"),
        ("", "line 1 is not a header with the columns symbol,price"),
        ('symbol,price\n"MSFT,5\nKO,6\n', "line 2: unexpected end of data"),
        ('symbol,price\nKO,6\n"MS"FT,5\n', "line 3: ',' expected after '\"'"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused_with_its_line(content: str, says: str):
    assert says in said(content)


def test_another_encoding_is_refused():
    assert read_table(b"symbol,price\nMSFT,\xff", columns=PRICES) == Refusal(
        Code.BAD_TABLE, "not UTF-8: byte 18 cannot be decoded"
    )


def test_a_row_that_cannot_be_read_stands_beside_the_others():
    assert read_rows(b"symbol,price\nMSFT,5,6\nKO,7\n", columns=PRICES) == [
        Misfit(2, ["MSFT", "5", "6"], "3 cells, the header has 2 (symbol,price): if 5,6 is one number, write 5.6"),
        Row(3, {"symbol": "KO", "price": "7"}),
    ]


@given(st.integers(0, 10**12), st.sampled_from(["", ".5", ".45", ".250"]))
def test_a_number_with_commas_is_recognized_and_said_without(number: int, places: str):
    parts = f"{number:,}{places}".split(",")
    expected = f": if {','.join(parts)} is one number, write {number}{places}" if len(parts) > 1 else ""
    assert comma_hint(["NVR", *parts]) == expected
