"""One default price for everything, where there is no market to ask."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from execution.prices.source import CURRENCY, Missing, Offer, SourceContext


@dataclass(frozen=True, slots=True)
class ConstantSource:
    """The same default price for every symbol, marked as simulated."""

    price: Decimal
    now: datetime
    name: str = "simulation"

    @classmethod
    def from_options(cls, context: SourceContext) -> "ConstantSource":
        """Return the source of the call's default price."""
        return cls(context.default_price, context.now)

    def ask(self, symbols: frozenset[str]) -> Mapping[str, Offer | Missing]:
        """Offer the one price for all of `symbols`."""
        offer = Offer(self.price, CURRENCY, self.now, self.name, ages=False, simulated=True)
        return dict.fromkeys(symbols, offer)
