"""Prices for the books' own table: fetched from the sources, read from a file, or left behind by a valuation."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction

from execution.engine.planning.price_checks import Screened, screen
from execution.engine.planning.sizing import Quote
from execution.engine.vocabulary import Code, Refusal
from execution.prices import PriceChain, build_chain, price_settings
from execution.prices.sources.file import read_prices
from execution.prices.storing import comparable, to_store
from execution.runs.effective_policy import system_policy
from portfolios import reference_data
from portfolios.selectors import books

MAX_IMPORT = 64 * 1024 * 1024  # bytes of a price file: some years of a few thousand symbols
_NOTHING_TO_FETCH = ("simulation", "database")


@dataclass(frozen=True, slots=True)
class FetchReport:
    """What was stored, and by symbol why the rest was not: no source had a price, or it has to be confirmed."""

    stored: Mapping[str, str]
    unpriced: Mapping[str, str]
    held_back: Mapping[str, str]

    def as_data(self) -> dict[str, Any]:
        """Return the report as JSON-ready values."""
        return asdict(self)


def chain_to_fetch(*, now: datetime) -> PriceChain | Refusal:
    """Return the configured sources that have something to fetch: not stand-ins, nor what is stored already."""
    configured = price_settings()
    names = tuple(name for name in configured.sources if name not in _NOTHING_TO_FETCH)
    if not names:
        return Refusal(Code.BAD_OPTION, "PRICE_SOURCES names nothing to fetch from: one of file, yahoo, alpaca")
    return build_chain(
        configured=replace(configured, sources=names), given={}, from_file={}, default_price=None, now=now
    )


def fetch_prices(*, prices: PriceChain, symbols: frozenset[str], accepted: Collection[str]) -> FetchReport:
    """Ask for the prices of `symbols` and store them; a symbol that is new becomes an unverified security.

    A price out of the system's band from the last close is held back unless its symbol is `accepted`.
    """
    answer = prices.ask(symbols)
    screened = screen_at_system_band(answer.quotes, accepted=accepted)
    with transaction.atomic():
        keep(screened.quotes)
    return FetchReport(
        stored={symbol: f"{quote.price:f}" for symbol, quote in sorted(screened.quotes.items())},
        unpriced=answer.reasons,
        held_back={symbol: price.words for symbol, price in sorted(screened.held_back.items())},
    )


def import_prices(path: Path, *, now: datetime) -> int | Refusal:
    """Store all prices of a file and return how many they are, or what is wrong with it; then none is stored."""
    rows = read_prices(path, now=now, limit=MAX_IMPORT)
    if isinstance(rows, Refusal):
        return rows
    with transaction.atomic():
        reference_data.ensure_securities({symbol for _, symbol, _ in rows}, known=())
        return reference_data.store_prices(
            reference_data.PriceData(symbol=symbol, price=quote.price, source=quote.source, as_of=quote.as_of)
            for _, symbol, quote in rows
        )


def screen_at_system_band(quotes: Mapping[str, Quote], *, accepted: Collection[str]) -> Screened:
    """Return which quotes may be used by everybody, and which have to be confirmed."""
    quoted = comparable(quotes)
    return screen(
        quotes,
        closes=books.last_closes(quoted) if quoted else {},
        lines=(),
        accepted=accepted,
        band_percent=system_policy().price_band_percent,
    )


def keep(quotes: Mapping[str, Quote]) -> None:
    """Store what is worth remembering of `quotes`. Wants an open transaction."""
    reference_data.ensure_securities(quotes, known=())
    reference_data.store_prices(to_store(quotes))
