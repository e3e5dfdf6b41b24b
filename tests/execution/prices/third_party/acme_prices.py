"""A price source as somebody else would write it: one module with one class, on the Python path."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from execution.engine.vocabulary import Code, Refusal
from execution.prices.source import Missing, Offer, SourceContext


class Source:
    """Acme's closes, which it knows of two companies."""

    name = "acme"

    def __init__(self, now: datetime, *, currency: str) -> None:
        self.now, self.currency = now, currency

    @classmethod
    def from_options(cls, context: SourceContext, *, currency: str = "USD") -> "Source | Refusal":
        """Return the source, or that Acme knows no such currency."""
        if currency not in {"USD", "EUR"}:
            return Refusal(Code.BAD_OPTION, f"currency is {currency!r}: Acme quotes in USD and EUR")
        return cls(context.now, currency=currency)

    def ask(self, symbols: frozenset[str]) -> Mapping[str, Offer | Missing]:
        """Offer the closes among `symbols`."""
        closes = {"KO": Decimal(50), "MSFT": Decimal(400)}
        return {
            symbol: Offer(closes[symbol], self.currency, self.now, self.name)
            if symbol in closes
            else Missing("not one of Acme's companies")
            for symbol in symbols
        }
