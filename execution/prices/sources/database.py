"""The prices that the books have stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from execution.prices.source import Missing, Offer, SourceContext
from portfolios.selectors import stored_prices

STORED = "database:"  # stands before the source that a stored price came from


@dataclass(frozen=True, slots=True)
class DatabaseSource:
    """The newest price in the books' own table, not later than `now` and per unit of then."""

    now: datetime
    name: str = "database"

    @classmethod
    def from_options(cls, context: SourceContext) -> "DatabaseSource":
        """Return the source of the prices stored until the call's time."""
        return cls(context.now)

    def ask(self, symbols: frozenset[str]) -> Mapping[str, Offer | Missing]:
        """Offer the newest stored price of each symbol that has one, per unit of today. Three queries."""
        stored = stored_prices.latest_prices(symbols, until=self.now)
        return {symbol: Missing("no stored price") for symbol in symbols} | {
            symbol: Offer(price.price, price.currency, price.as_of, f"{STORED}{price.source}")
            for symbol, price in stored.items()
        }
