"""Price files: CSV `symbol,price[,as_of]` with a header line, or a JSON object {symbol: price}."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from execution.engine.artifact import normalize_symbol
from execution.engine.decoding import MAX_BYTES, decode
from execution.engine.routing import Quote
from execution.engine.text import one_line
from execution.engine.vocabulary import Code, Refusal
from execution.pricing.base import parse_price
from execution.reading import read_regular_file, read_table

_Row = tuple[str, str, str, str]  # where, symbol, price, as_of


def read_price_file(path: Path, *, now: datetime) -> dict[str, Quote] | Refusal:
    """Return the quotes in a `.json` or CSV file, or the first thing that is wrong with it, by line or key."""
    content = read_regular_file(path, limit=MAX_BYTES)
    if isinstance(content, Refusal):
        return content
    rows = _json_rows(content) if path.suffix.lower() == ".json" else _csv_rows(content)
    if isinstance(rows, Refusal):
        return Refusal(Code.BAD_PRICE_FILE, f"{path}: {rows.message}")
    quotes = _quotes(rows, now=now)
    if isinstance(quotes, Refusal):
        return Refusal(quotes.code, f"{path}: {quotes.message}")
    return quotes


def _json_rows(content: bytes) -> list[_Row] | Refusal:
    value = decode(content)
    if isinstance(value, Refusal):
        return value
    if not isinstance(value, dict):
        return Refusal(Code.BAD_PRICE_FILE, "not a JSON object of the form {symbol: price}")
    wrong = [name for name, price in value.items() if not isinstance(price, Decimal | str)]
    if wrong:
        return Refusal(Code.BAD_PRICE_FILE, f"price of {one_line(wrong[0])} is not a number")
    return [(f"key {one_line(name)}", name, str(price), "") for name, price in value.items()]


def _csv_rows(content: bytes) -> list[_Row] | Refusal:
    rows = read_table(content, columns=("symbol", "price"))
    if isinstance(rows, Refusal):
        return rows
    return [(where, row["symbol"], row["price"], row.get("as_of", "")) for where, row in rows]


def _quotes(rows: Iterable[_Row], *, now: datetime) -> dict[str, Quote] | Refusal:
    quotes: dict[str, Quote] = {}
    for where, name, text, time in rows:
        symbol = normalize_symbol(name)
        if symbol is None:
            return Refusal(Code.BAD_PRICE_FILE, f"{where}: symbol {one_line(name)} is not a symbol")
        if symbol in quotes:
            return Refusal(Code.BAD_PRICE_FILE, f"{where}: symbol {symbol} stands twice")
        price = parse_price(text, what=f"{where}: price of {symbol}")
        if isinstance(price, Refusal):
            return price
        as_of = _time(time, where=where, now=now)
        if isinstance(as_of, Refusal):
            return as_of
        quotes[symbol] = Quote(price, "file", as_of)
    return quotes


def _time(text: str, *, where: str, now: datetime) -> datetime | Refusal:
    if not text.strip():
        return now
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        return Refusal(Code.BAD_PRICE_FILE, f"{where}: as_of {one_line(text)} is not an ISO 8601 time")
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    if aware > now:
        return Refusal(Code.BAD_PRICE_FILE, f"{where}: as_of {one_line(text)} is in the future")
    return aware
