"""The sources that need no network: given prices, stored prices, and one price for everything."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from execution.engine.routing import Quote
from portfolios import queries

STORED = "database:"  # stands before the source that a stored price came from


@dataclass(frozen=True, slots=True)
class GivenPrices:
    """Prices that a person gave, on the command line or in a file."""

    name: str
    given: Mapping[str, Quote]

    def quotes(self, symbols: frozenset[str]) -> Mapping[str, Quote]:
        """Return the given quotes among `symbols`."""
        return {symbol: quote for symbol, quote in self.given.items() if symbol in symbols}


@dataclass(frozen=True, slots=True)
class StoredPrices:
    """The newest price in the books' own table, not later than `now`."""

    now: datetime
    name: str = "database"

    def quotes(self, symbols: frozenset[str]) -> Mapping[str, Quote]:
        """Return the newest stored quote of each symbol that has one. One query."""
        stored = queries.latest_prices(symbols, until=self.now)
        return {
            symbol: Quote(price.price, f"{STORED}{price.source}", price.as_of) for symbol, price in stored.items()
        }


@dataclass(frozen=True, slots=True)
class OnePrice:
    """The same price for every symbol: a stand-in where there is no market, marked as simulated."""

    price: Decimal
    now: datetime
    name: str = "simulation"

    def quotes(self, symbols: frozenset[str]) -> Mapping[str, Quote]:
        """Return the one price for all of `symbols`."""
        return {symbol: Quote(self.price, self.name, self.now, simulated=True) for symbol in symbols}
