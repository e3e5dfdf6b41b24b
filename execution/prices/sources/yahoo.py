"""Yahoo Finance: how it writes symbols, and what its quotes say."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from execution.prices.network import SourceError
from execution.prices.source import Missing, Offer

NAME = "yahoo"

# A share class stands behind a hyphen. Anything longer behind the point is an exchange (MC.PA), which stays.
_SHARE_CLASS = re.compile(r"([A-Z]+)\.([A-Z])")


def yahoo_symbol(symbol: str) -> str:
    """Return how Yahoo writes the canonical `symbol`: BRK.B is BRK-B there."""
    return _SHARE_CLASS.sub(r"\1-\2", symbol) if _SHARE_CLASS.fullmatch(symbol) else symbol


def read_quotes(text: str, *, symbols: Sequence[str]) -> dict[str, Offer | Missing]:
    """Return what the answer of the quote service offers for each of the canonical `symbols` that is in it.

    Pure. Raises SourceError where the whole is not such an answer.
    """
    named = {yahoo_symbol(symbol): symbol for symbol in symbols}
    quotes = [quote for quote in _quotes(text) if isinstance(quote, dict) and isinstance(quote.get("symbol"), str)]
    return {named[quote["symbol"]]: _offer(quote) for quote in quotes if quote["symbol"] in named}


def _quotes(text: str) -> list[object]:
    try:
        document = json.loads(text, parse_float=Decimal, parse_constant=Decimal)
    except (ValueError, ArithmeticError, RecursionError):
        raise SourceError("the answer is not JSON") from None
    response = document.get("quoteResponse") if isinstance(document, dict) else None
    result = response.get("result") if isinstance(response, dict) else None
    if not isinstance(result, list):
        raise SourceError("the answer holds no list of quotes")
    return result


def _offer(quote: dict[str, object]) -> Offer | Missing:
    price = quote.get("regularMarketPrice")
    if price is None:
        return Missing("no market price")
    return Offer(price, quote.get("currency"), _time(quote.get("regularMarketTime")), NAME)


def _time(value: object) -> datetime | None:
    """The time in seconds since 1970, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None
