"""Price files: what a row says of its time and its currency is read or refused, never passed over."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from execution.engine.vocabulary import Code, Refusal
from execution.prices.sources.file import read_price_file

NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)  # a Monday, an hour before noon in New York


def read(tmp_path: Path, content: str, name: str = "p.csv") -> dict[str, tuple[Decimal, datetime]] | str:
    """Price and time by symbol, or why the file is refused."""
    path = tmp_path / name
    path.write_text(content)
    answer = read_price_file(path, now=NOW)
    if isinstance(answer, Refusal):
        assert answer.code in (Code.BAD_PRICE_FILE, Code.BAD_PRICE)
        assert answer.message.startswith(f"{path}: ")
        return answer.message.removeprefix(f"{path}: ")
    return {symbol: (quote.price, quote.as_of) for symbol, quote in answer.items()}


@pytest.mark.parametrize("name", ["date", "timestamp", "as of", "as_of", "As-Of", "DATE"])
@pytest.mark.parametrize(
    ("time", "moment"),
    [
        ("2026-01-02", "2026-01-02T21:00+00:00"),  # the close of the day
        ("2025-12-24", "2025-12-24T18:00+00:00"),  # of a short one
        ("2025-07-01", "2025-07-01T20:00+00:00"),  # in summer
        ("2026-01-02T15:30:00-05:00", "2026-01-02T20:30+00:00"),
        ("2026-01-02 15:30Z", "2026-01-02T15:30+00:00"),
        ("", NOW.isoformat()),
    ],
)
def test_a_price_is_of_the_time_that_its_row_names(tmp_path: Path, name: str, time: str, moment: str):
    found = read(tmp_path, f"symbol,price,{name}\nMSFT,450,{time}\n")
    assert found == {"MSFT": (Decimal("450.0000"), datetime.fromisoformat(moment))}


@pytest.mark.parametrize("name", ["ccy", "currency", "Currency Code", "currency_code"])
def test_a_price_is_in_the_currency_of_the_books_or_refused(tmp_path: Path, name: str):
    assert read(tmp_path, f"symbol,price,{name}\nMSFT,450,usd\n") == {"MSFT": (Decimal("450.0000"), NOW)}
    assert read(tmp_path, f"symbol,price,{name}\nMSFT,450,USD\nSAP,200,EUR\n") == (
        "line 3: currency of SAP is 'EUR': the books are in USD"
    )


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("MSFT,450,2026-01-02T16:00:00", "as_of '2026-01-02T16:00:00' is without a time zone: write"),
        (
            "MSFT,450,2026-01-05",
            "is in the future: a day means its close, at 2026-01-05 21:00 UTC. Until then, write",
        ),
        ("MSFT,450,2026-01-05T15:01Z", "as_of '2026-01-05T15:01Z' is in the future"),
        ("MSFT,450,1704484800", "as_of '1704484800' is not an ISO 8601 time"),
        ("MSFT,450,01/02/2026", "as_of '01/02/2026' is not an ISO 8601 time"),
        ("MSFT,450,0001-01-01T00:00+14:00", "is before the year 1900"),
        ("MSFT,4_5,", "price of MSFT is '4_5': not a number"),
        ('MSFT,"8,123.45",', "price of MSFT is '8,123.45': not a number, which has no comma"),
        ("BP.L,450,", "symbol 'BP.L' is not a symbol: '.L' names a listing elsewhere (London)"),
    ],
)
def test_what_a_row_says_and_nobody_can_read_is_refused(tmp_path: Path, row: str, says: str):
    found = read(tmp_path, f"symbol,price,date\nKO,60,\n{row}\n")
    assert isinstance(found, str)
    assert found.startswith("line 3: ")
    assert says in found


def test_a_price_with_a_comma_inside_is_no_price(tmp_path: Path):
    assert read(tmp_path, "symbol,price\nNVR,8,123.45\n") == (
        "line 2 has 3 cells, the header has 2 (symbol,price): if 8,123.45 is one number, write 8123.45"
    )


def test_what_only_describes_a_row_may_stand_there_and_nothing_else(tmp_path: Path):
    found = read(tmp_path, "symbol,name,open,high,low,price,volume\nMSFT,Microsoft,1,2,3,450,99\n")
    assert found == {"MSFT": (Decimal("450.0000"), NOW)}
    assert read(tmp_path, "symbol,price,exchange\nMSFT,450,XETRA\n") == (
        "line 1: column 'exchange' is unknown: known are symbol,price,as_of,currency"
    )


@pytest.mark.parametrize("other", ["MSFT.US", " msft ", "$MSFT", "NASDAQ:MSFT"])
def test_two_spellings_of_one_symbol_are_one_symbol_twice(tmp_path: Path, other: str):
    assert (
        read(tmp_path, f"symbol,price\nMSFT,450\n{other},451\n")
        == "line 3: symbol MSFT stands twice for the same time"
    )


@pytest.mark.parametrize("key", ["as_of", "date", "timestamp", "currency", "CCY"])
def test_a_json_file_has_symbols_and_prices_alone(tmp_path: Path, key: str):
    found = read(tmp_path, f'{{"MSFT": 450, "{key}": 20260105}}', "p.json")
    assert found == f"key '{key}' is no symbol: a time or a currency is written in a CSV file"
