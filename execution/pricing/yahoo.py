"""Yahoo Finance: how it writes symbols, and what its quotes say. The service is not for commercial use."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial

from execution.engine.vocabulary import Refusal
from execution.pricing.base import Missing, Offer
from execution.pricing.configuration import PriceSettings
from execution.pricing.network import Fetch, NetworkSource, SourceError, usable

NAME = "yahoo"

# A share class stands behind a hyphen. Anything longer behind the point is an exchange (MC.PA), which stays.
_SHARE_CLASS = re.compile(r"([A-Z]+)\.([A-Z])")


def yahoo_source(configured: PriceSettings) -> NetworkSource | Refusal:
    """Return the source, or why it cannot work. yfinance is imported when it is first asked."""
    refusal = usable(package="yfinance", url=configured.yahoo_url)
    return refusal or NetworkSource(NAME, partial(_connect, configured.yahoo_url), configured.timeout)


def _connect(url: str) -> Fetch:
    from execution.pricing import yahoo_client  # noqa: PLC0415  # a second of imports that most commands do not need

    return partial(yahoo_client.fetch, url=url)


def yahoo_symbol(symbol: str) -> str:
    """Return how Yahoo writes the canonical `symbol`: BRK.B is BRK-B there."""
    return _SHARE_CLASS.sub(r"\1-\2", symbol) if _SHARE_CLASS.fullmatch(symbol) else symbol


def read_quotes(text: str, *, symbols: Sequence[str]) -> dict[str, Offer | Missing]:
    """Return what the answer of the quote service offers for each of the canonical `symbols` that is in it.

    Raises SourceError where the whole is not such an answer.
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
