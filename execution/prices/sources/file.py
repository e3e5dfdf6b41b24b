"""Price files: CSV `symbol,price[,as_of][,currency]` with a header line, or a JSON object {symbol: price}.

A price that names a day is that day's close in New York; one that names a time names its zone as well.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from common.identifiers import NoSymbol
from common.text import one_line
from execution.arguments import find_symbol
from execution.engine.parsing.json_decoding import MAX_BYTES, decode
from execution.engine.planning.market import Quote
from execution.engine.vocabulary import Code, Refusal
from execution.prices.ages import parse_as_of
from execution.prices.source import CURRENCY, Missing, Offer, SourceContext, offers_among, parse_price
from execution.tables import DESCRIPTIVE, Columns, read_table
from execution.untrusted_files import read_regular_file

_Row = tuple[str, str, str, str, str]  # where, symbol, price, as_of, currency
COLUMNS = Columns(
    required=("symbol", "price"),
    optional=("as_of", "currency"),
    descriptive=(*DESCRIPTIVE, "open", "high", "low", "volume"),
    other_names={"date": "as_of", "timestamp": "as_of", "ccy": "currency", "currency_code": "currency"},
)
_Quoted = tuple[str, str, Quote]  # where, symbol, quote


@dataclass(frozen=True, slots=True)
class FileSource:
    """The prices of one file, as they were when it was read. They age."""

    quotes: Mapping[str, Quote]
    name: str = "file"

    @classmethod
    def from_options(cls, context: SourceContext, *, path: str) -> "FileSource | Refusal":
        """Return the source of the prices in the file at `path`, or the first thing that is wrong with it."""
        if not path:
            return Refusal(Code.BAD_OPTION, "PRICE_FILE is empty")
        quotes = read_price_file(Path(path), now=context.now)
        return quotes if isinstance(quotes, Refusal) else cls(quotes)

    def ask(self, symbols: frozenset[str]) -> Mapping[str, Offer | Missing]:
        """Offer the file's prices among `symbols`; of the others there is nothing to say."""
        return offers_among(self.quotes, symbols, ages=True)


def read_price_file(path: Path, *, now: datetime) -> dict[str, Quote] | Refusal:
    """Return the quotes in a `.json` or CSV file, one a symbol, or the first thing that is wrong with it."""
    rows = read_prices(path, now=now, limit=MAX_BYTES)
    if isinstance(rows, Refusal):
        return rows
    quotes: dict[str, Quote] = {}
    for where, symbol, quote in rows:
        if symbol in quotes:
            return Refusal(Code.BAD_PRICE_FILE, f"{path}: {where}: symbol {symbol} stands twice")
        quotes[symbol] = quote
    return quotes


def read_prices(path: Path, *, now: datetime, limit: int) -> list[_Quoted] | Refusal:
    """Return all prices of a file of at most `limit` bytes with their places, or the first thing that is wrong.

    A symbol may stand there for several times, once for each. A price without a time is one of `now`.
    """
    content = read_regular_file(path, limit=limit)
    if isinstance(content, Refusal):
        return content
    rows = _json_rows(content) if path.suffix.lower() == ".json" else _csv_rows(content)
    if isinstance(rows, Refusal):
        return Refusal(Code.BAD_PRICE_FILE, f"{path}: {rows.message}")
    quoted = _quoted(rows, now=now)
    return Refusal(quoted.code, f"{path}: {quoted.message}") if isinstance(quoted, Refusal) else quoted


def _json_rows(content: bytes) -> list[_Row] | Refusal:
    value = decode(content)
    if isinstance(value, Refusal):
        return value
    if not isinstance(value, dict):
        return Refusal(Code.BAD_PRICE_FILE, "not a JSON object of the form {symbol: price}")
    wrong = [name for name, price in value.items() if not isinstance(price, Decimal | str)]
    if wrong:
        return Refusal(Code.BAD_PRICE_FILE, f"price of {one_line(wrong[0])} is not a number")
    unread = next((name for name in value if COLUMNS.column(name) in ("as_of", "currency")), None)
    if unread is not None:
        rule = "no symbol: a time or a currency is written in a CSV file"
        return Refusal(Code.BAD_PRICE_FILE, f"key {one_line(unread)} is {rule}")
    return [(f"key {one_line(name)}", name, str(price), "", "") for name, price in value.items()]


def _csv_rows(content: bytes) -> list[_Row] | Refusal:
    rows = read_table(content, columns=COLUMNS)
    if isinstance(rows, Refusal):
        return rows
    return [
        (
            row.place,
            row.cells["symbol"],
            row.cells["price"],
            row.cells.get("as_of", ""),
            row.cells.get("currency", ""),
        )
        for row in rows
    ]


def _quoted(rows: Iterable[_Row], *, now: datetime) -> list[_Quoted] | Refusal:
    quoted: list[_Quoted] = []
    seen: set[tuple[str, datetime]] = set()
    for row in rows:
        found = _quote(row, now=now)
        if isinstance(found, Refusal):
            return found
        where, symbol, quote = found
        if (symbol, quote.as_of) in seen:
            return Refusal(Code.BAD_PRICE_FILE, f"{where}: symbol {symbol} stands twice for the same time")
        seen.add((symbol, quote.as_of))
        quoted.append(found)
    return quoted


def _quote(row: _Row, *, now: datetime) -> _Quoted | Refusal:
    where, name, text, time, currency = row
    symbol = find_symbol(name)
    if isinstance(symbol, NoSymbol):
        return Refusal(Code.BAD_PRICE_FILE, f"{where}: symbol {one_line(name)} is not a symbol: {symbol.rule}")
    if currency.strip().upper() not in ("", CURRENCY):
        rule = f"the books are in {CURRENCY}"
        return Refusal(Code.BAD_PRICE_FILE, f"{where}: currency of {symbol} is {one_line(currency)}: {rule}")
    price = parse_price(text, what=f"{where}: price of {symbol}")
    if isinstance(price, Refusal):
        return price
    as_of = _time(time, where=where, now=now)
    return as_of if isinstance(as_of, Refusal) else (where, symbol, Quote(price, "file", as_of))


def _time(text: str, *, where: str, now: datetime) -> datetime | Refusal:
    if not text.strip():
        return now
    as_of = parse_as_of(text, now=now)
    return Refusal(Code.BAD_PRICE_FILE, f"{where}: as_of {as_of.message}") if isinstance(as_of, Refusal) else as_of
