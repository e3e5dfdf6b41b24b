"""Prices that nobody should trade on before a person has looked: too far from the last close, or from the claim.

A wrong price is the most expensive typing mistake there is: a split that the source missed, a decimal point, pence
for pounds. Such a price neither sizes an order nor marks a holding until somebody confirms it.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from common.money import HUNDRED, percent_difference, plain
from execution.engine.parsing.artifact import Recommendation
from execution.engine.planning.market import Quote, Unpriced
from execution.engine.vocabulary import Code
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
    references = [(symbol, LAST_CLOSE, close) for symbol, close in closes.items()]
    references += [(symbol, CLAIM, price) for symbol, price in claims]
    held_back: dict[str, HeldBack] = {}
    for symbol, basis, reference in references:
        quote = quotes.get(symbol)
        if quote is None or quote.simulated or symbol in accepted or symbol in held_back:
            continue
        if _is_out_of_band(quote.price, reference, band_percent):
            held_back[symbol] = HeldBack(quote, reference, basis, band_percent)
    used = {symbol: quote for symbol, quote in quotes.items() if symbol not in held_back}
    return Screened(used, held_back)


def refuse_defaults(
    quotes: Mapping[str, Quote],
    *,
    stored: Mapping[str, str],
    lines: Iterable[Recommendation],
    band_percent: Decimal,
) -> dict[str, Unpriced]:
    """Return which default prices that nobody asked for must not be traded at, and why.

    A default price never takes the place of a price that is known: not where one is `stored`, however old (by
    symbol, in words), nor where a line names one, current or target, that is farther than `band_percent` from it.
    """
    defaults = {symbol: quote.price for symbol, quote in quotes.items() if quote.simulated}
    refused = {
        symbol: Unpriced(Code.PRICE_STALE, f"{stored[symbol]}; {_INSTEAD}")
        for symbol in defaults
        if symbol in stored
    }
    for line in lines:
        default = defaults.get(line.symbol)
        for claim in (line.current_price, line.target_price):
            if default is None or claim is None or line.symbol in refused:
                continue
            if _is_out_of_band(default, claim, band_percent):
                refused[line.symbol] = Unpriced(Code.PRICE_OUT_OF_BAND, _beside_claim(default, claim, band_percent))
    return refused


_INSTEAD = "a default price that nobody asked for does not take its place"


def _beside_claim(default: Decimal, claim: Decimal, band_percent: Decimal) -> str:
    band = plain(band_percent, places=0)
    return f"the research names {plain(claim)}, more than {band} % from the default price, {plain(default)}"


def _is_out_of_band(price: Decimal, reference: Decimal, band_percent: Decimal) -> bool:
    return abs(price - reference) * HUNDRED > band_percent * reference


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
