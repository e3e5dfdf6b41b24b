"""Prices that nobody should trade on before a person has looked: too far from the last close, or from the claim.

A wrong price is the most expensive typing mistake there is: a split that the source missed, a decimal point, pence
for pounds. Such a price neither sizes an order nor marks a holding until somebody confirms it.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from common.money import HUNDRED, percent_difference, plain
from execution.engine.parsing.artifact import Recommendation
from execution.engine.planning.sizing import Quote
from portfolios.domain.accounting import Holding

LAST_CLOSE = "last close"
CLAIM = "price that the research names"


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A price that waits for confirmation. `reference` is what it is too far from, `basis` says what that is."""

    quote: Quote
    reference: Decimal
    basis: str
    band_percent: Decimal

    @property
    def words(self) -> str:
        """What is wrong, with the numbers."""
        band = plain(self.band_percent, places=0)
        return (
            f"{plain(self.quote.price)} from {self.quote.source} is more than {band} % from the {self.basis}, "
            f"{plain(self.reference)}"
        )


@dataclass(frozen=True, slots=True)
class Screened:
    """The quotes that may be used, and those that may not."""

    quotes: Mapping[str, Quote]
    held_back: Mapping[str, HeldBack]


def screen(
    quotes: Mapping[str, Quote],
    *,
    closes: Mapping[str, Decimal],
    lines: Iterable[Recommendation],
    accepted: Collection[str],
    band_percent: Decimal,
) -> Screened:
    """Hold back each price that is farther than `band_percent` from its last close, or from what a line claims.

    Exactly at the band passes. A symbol that is `accepted` passes whatever its price; so does a default price,
    which says of itself that it means nothing.
    """
    claims = [(line.symbol, line.current_price) for line in lines if line.current_price is not None]
    references = [*((symbol, LAST_CLOSE, close) for symbol, close in closes.items())]
    references += [(symbol, CLAIM, price) for symbol, price in claims]
    held_back: dict[str, HeldBack] = {}
    for symbol, basis, reference in references:
        quote = quotes.get(symbol)
        if quote is None or quote.simulated or symbol in accepted or symbol in held_back:
            continue
        if abs(quote.price - reference) * HUNDRED > band_percent * reference:
            held_back[symbol] = HeldBack(quote, reference, basis, band_percent)
    used = {symbol: quote for symbol, quote in quotes.items() if symbol not in held_back}
    return Screened(used, held_back)


@dataclass(frozen=True, slots=True)
class WaitingPrice:
    """A holding that keeps its last mark, because its new price waits for a person."""

    symbol: str
    mark_price: Decimal
    held_back: HeldBack

    @property
    def difference_percent(self) -> Decimal:
        """How far the new price is from the mark, in percent of the mark, 4 places."""
        return percent_difference(self.held_back.quote.price, base=self.mark_price)


def waiting_prices(holdings: Iterable[Holding], held_back: Mapping[str, HeldBack]) -> list[WaitingPrice]:
    """Return the holdings whose new price is held back, by symbol, but for those that are marked at it."""
    found = [(held, held_back[held.symbol]) for held in holdings if held.symbol in held_back]
    waiting = [
        WaitingPrice(held.symbol, held.mark_price, price)
        for held, price in found
        if price.quote.price != held.mark_price
    ]
    return sorted(waiting, key=lambda item: item.symbol)
