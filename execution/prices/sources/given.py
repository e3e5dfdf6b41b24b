"""The prices that a person gave for one call."""

from collections.abc import Mapping
from dataclasses import dataclass

from execution.engine.planning.market import Quote
from execution.prices.source import Missing, Offer, offers_among


@dataclass(frozen=True, slots=True)
class GivenSource:
    """Prices that a person gave: they were meant for this call, so they do not age."""

    name: str
    given: Mapping[str, Quote]

    def ask(self, symbols: frozenset[str]) -> Mapping[str, Offer | Missing]:
        """Offer the given prices among `symbols`; of the others there is nothing to say."""
        return offers_among(self.given, symbols, ages=False)
