"""The sources that need no network: given prices, stored prices, and one price for everything."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from execution.engine.planning.sizing import Quote
from execution.prices.source import CURRENCY, Missing, Offer
from portfolios.selectors import books

STORED = "database:"  # stands before the source that a stored price came from


@dataclass(frozen=True, slots=True)
class GivenPrices:
    """Prices that a person gave, on the command line or in a file. Only those of a file age."""

    name: str
    given: Mapping[str, Quote]
    ages: bool = False

    def ask(self, symbols: frozenset[str]) -> Mapping[str, Offer | Missing]:
        """Offer the given prices among `symbols`; of the others there is nothing to say."""
        return {
            symbol: Offer(quote.price, CURRENCY, quote.as_of, quote.source, ages=self.ages)
            for symbol, quote in self.given.items()
            if symbol in symbols
        }


@dataclass(frozen=True, slots=True)
class StoredPrices:
    """The newest price in the books' own table, not later than `now`."""

    now: datetime
    name: str = "database"

    def ask(self, symbols: frozenset[str]) -> Mapping[str, Offer | Missing]:
        """Offer the newest stored price of each symbol that has one. One query."""
        stored = books.latest_prices(symbols, until=self.now)
        return {symbol: Missing("no stored price") for symbol in symbols} | {
            symbol: Offer(price.price, price.currency, price.as_of, f"{STORED}{price.source}")
            for symbol, price in stored.items()
        }


@dataclass(frozen=True, slots=True)
class OnePrice:
    """The same price for every symbol: a stand-in where there is no market, marked as simulated."""

    price: Decimal
    now: datetime
    name: str = "simulation"

    def ask(self, symbols: frozenset[str]) -> Mapping[str, Offer | Missing]:
        """Offer the one price for all of `symbols`."""
        offer = Offer(self.price, CURRENCY, self.now, self.name, ages=False, simulated=True)
        return dict.fromkeys(symbols, offer)
