"""Quotes on their way into the books' own price table, and what they are compared with there."""

from collections.abc import Mapping
from datetime import datetime

from execution.engine.planning.sizing import Quote
from execution.prices.sources.stored import STORED
from portfolios.reference_data import PriceData


def to_store(quotes: Mapping[str, Quote]) -> list[PriceData]:
    """Return what the books should remember: not what stands in for a price, nor what they said themselves."""
    return [
        PriceData(symbol=symbol, price=quote.price, source=quote.source, as_of=quote.as_of)
        for symbol, quote in quotes.items()
        if not quote.simulated and not quote.source.startswith(STORED)
    ]


def comparable(quotes: Mapping[str, Quote]) -> dict[str, tuple[datetime, str]]:
    """Return the time and the source of each quote that can be compared with its last close: of no stand-in."""
    return {
        symbol: (quote.as_of, quote.source.removeprefix(STORED))
        for symbol, quote in quotes.items()
        if not quote.simulated
    }
