"""Prices that are stored, and accounts that are valued, within the system's band around the last close."""

from collections.abc import Collection
from datetime import datetime

from execution.engine.vocabulary import Refusal
from execution.prices import PriceChain, store
from execution.prices import mark_to_market as marks
from execution.prices.mark_to_market import Marks, ValuationReport
from execution.prices.store import FetchReport
from execution.prices.unused import unused_price
from execution.runs.effective_policy import system_policy
from portfolios.selectors import books


def fetch_prices(
    *, prices: PriceChain, symbols: frozenset[str], accepted: Collection[str], actor: str
) -> FetchReport:
    """Store the prices of `symbols`, but for those out of the system's band whose symbol `actor` did not accept."""
    band_percent = system_policy().price_band_percent
    return store.fetch_prices(
        prices=prices, symbols=symbols, accepted=accepted, band_percent=band_percent, actor=actor
    )


def find_marks(*, prices: PriceChain, accepted: Collection[str]) -> Marks:
    """Return the prices at which `mark_to_market` would value everything that is held. Writes nothing."""
    return marks.find_marks(prices=prices, accepted=accepted, band_percent=system_policy().price_band_percent)


def mark_to_market(
    *, prices: PriceChain, accepted: Collection[str], as_of: datetime, now: datetime, actor: str
) -> ValuationReport:
    """Value every account. A price out of the system's band is held back unless `actor` accepts its symbol."""
    band_percent = system_policy().price_band_percent
    return marks.mark_to_market(
        prices=prices, accepted=accepted, band_percent=band_percent, as_of=as_of, now=now, actor=actor
    )


def unused_marks(prices: PriceChain) -> Refusal | None:
    """Refuse a typed price that would mark nothing, as no account holds its symbol."""
    return unused_price(prices.typed, known=books.symbols_held(), what="the books") if prices.typed else None
