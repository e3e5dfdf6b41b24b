"""Prices for the books' own table: fetched from the sources, read from a file, or left behind by a valuation."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import transaction

from common.money import plain
from execution.engine.calendar.sessions import age_in_words
from execution.engine.parsing.artifact import Recommendation
from execution.engine.planning.market import Quote, Unpriced
from execution.engine.planning.price_checks import Screened, refuse_defaults, screen
from execution.engine.vocabulary import Code, Refusal
from execution.prices.backends import Backend, build_sources, find_backend, price_settings
from execution.prices.chain import PriceAnswer, PriceChain
from execution.prices.refused import accepted_before, note_refused
from execution.prices.source import utc_minute
from execution.prices.sources.constant import ConstantSource
from execution.prices.sources.database import STORED, DatabaseSource
from execution.prices.sources.file import read_prices
from portfolios import reference_data
from portfolios.reference_data import PriceData
from portfolios.selectors import stored_prices

MAX_IMPORT = 64 * 1024 * 1024  # bytes of a price file: some years of a few thousand symbols
_NOTHING_TO_FETCH = (ConstantSource, DatabaseSource)


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
    """Return the configured sources that have something to fetch: no default price, nor what is stored already."""
    configured = price_settings()
    sources = build_sources(configured, default_price=None, now=now)
    if isinstance(sources, Refusal):
        return sources
    fetched = tuple(source for source in sources if not isinstance(source, _NOTHING_TO_FETCH))
    if not fetched:
        names = ", ".join(name for name in configured.backends if _fetches(name, configured.backends))
        return Refusal(Code.BAD_OPTION, f"PRICE_SOURCES names nothing to fetch from: one of {names}")
    if isinstance(configured.max_age, Refusal):
        return configured.max_age
    return PriceChain(fetched, now=now, max_age=configured.max_age)


def _fetches(name: str, backends: Mapping[str, object]) -> bool:
    backend = find_backend(name, backends=backends)
    return isinstance(backend, Backend) and not issubclass(backend.source_class, _NOTHING_TO_FETCH)


def fetch_prices(
    *,
    prices: PriceChain,
    symbols: frozenset[str],
    accepted: Collection[str],
    band_percent: Decimal,
    actor: str = "",
) -> FetchReport:
    """Ask for the prices of `symbols` and store them; a symbol that is new becomes an unverified security.

    A price farther than `band_percent` from the last close is held back unless its symbol is `accepted`, by
    `actor`; where it is one of something held, it waits for a person from then on.
    """
    answer = without_default_prices(prices.ask(symbols))
    screened = screen_quotes(answer.quotes, lines=(), accepted=accepted, band_percent=band_percent)
    with transaction.atomic():
        keep(screened.quotes)
        note_refused(screened, accepted=accepted, actor=actor, now=prices.now)
    return FetchReport(
        stored={symbol: f"{quote.price:f}" for symbol, quote in sorted(screened.quotes.items())},
        unpriced=dict(sorted(answer.reasons.items())),
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
            PriceData(symbol=symbol, price=quote.price, source=quote.source, as_of=quote.as_of)
            for _, symbol, quote in rows
        )


def without_default_prices(answer: PriceAnswer) -> PriceAnswer:
    """Return the answer without what no market said, and with the reason for each symbol that has nothing else."""
    only_default = sorted(symbol for symbol, quote in answer.quotes.items() if quote.simulated)
    return answer.without(dict.fromkeys(only_default, Unpriced(Code.NO_PRICE, "only a default price")))


def without_invented_prices(
    answer: PriceAnswer,
    *,
    lines: Iterable[Recommendation],
    marks: Mapping[str, Decimal],
    now: datetime,
    band_percent: Decimal,
) -> PriceAnswer:
    """Return the answer without the default prices that would take the place of a known price.

    Known is what is stored, whatever its age and whether or not a source reads it, what the research names, and the
    `marks` that holdings are valued at: one booked by hand or imported has no other price. At most one query.
    """
    defaults = {symbol for symbol, quote in answer.quotes.items() if quote.simulated}
    newest = stored_prices.latest_prices(defaults, until=now) if defaults else {}
    stored = {
        symbol: f"the newest stored price is {plain(price.price)} ({price.source}) of {utc_minute(price.as_of)}, "
        f"{age_in_words(price.as_of, now)} old"
        for symbol, price in newest.items()
    }
    marked = {
        symbol: f"it is held at a last mark of {plain(marks[symbol])}"
        for symbol in defaults & marks.keys()
        if marks[symbol] != answer.quotes[symbol].price
    }
    return answer.without(
        refuse_defaults(answer.quotes, stored={**marked, **stored}, lines=lines, band_percent=band_percent)
    )


def screen_quotes(
    quotes: Mapping[str, Quote],
    *,
    lines: Iterable[Recommendation],
    accepted: Collection[str],
    band_percent: Decimal,
) -> Screened:
    """Return which quotes may be used, and which are too far from the last close or from what a line claims.

    A price that somebody has accepted is not held back again. At most two queries.
    """
    quoted = {
        symbol: (quote.as_of, quote.source.removeprefix(STORED))
        for symbol, quote in quotes.items()
        if not quote.simulated  # a default price is compared with nothing
    }
    of_today = {symbol for symbol, quote in quotes.items() if quote.source.startswith(STORED)}
    closes = stored_prices.last_closes(quoted, of_today=of_today) if quoted else {}
    wanted = list(lines)

    def screened(accepted: Collection[str]) -> Screened:
        return screen(quotes, closes=closes, lines=wanted, accepted=accepted, band_percent=band_percent)

    found = screened(accepted)
    known = accepted_before(found.held_back)
    return screened({*accepted, *known}) if known else found


def keep(quotes: Mapping[str, Quote]) -> None:
    """Store what is worth remembering of `quotes`. Wants an open transaction."""
    reference_data.ensure_securities(quotes, known=())
    reference_data.store_prices(to_store(quotes))


def to_store(quotes: Mapping[str, Quote]) -> list[PriceData]:
    """Return what the books should remember of `quotes`: no default price, nor what they said themselves."""
    return [
        PriceData(symbol=symbol, price=quote.price, source=quote.source, as_of=quote.as_of)
        for symbol, quote in quotes.items()
        if not quote.simulated and not quote.source.startswith(STORED)
    ]
