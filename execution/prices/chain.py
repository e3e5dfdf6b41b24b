"""The sources in the order in which they are asked; the first usable answer for a symbol counts."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from execution.engine.planning.sizing import Quote
from execution.engine.vocabulary import Refusal
from execution.prices.backends import PriceSettings, build_sources
from execution.prices.source import Missing, Offer, PriceSource, check_offer, reason_line
from execution.prices.sources.constant import ConstantSource
from execution.prices.sources.file import FileSource
from execution.prices.sources.given import GivenSource


@dataclass(frozen=True, slots=True)
class PriceAnswer:
    """A quote for each symbol that has one, and for each of the others what every source said."""

    quotes: dict[str, Quote]
    reasons: dict[str, str]


@dataclass(frozen=True, slots=True)
class PriceChain:
    """Asks its sources in order, and checks all that they say. `max_age` None: a price may be of any age.

    `default_price_asked_for`: a default price was named, so the run is a simulation. `remembered` is what was
    asked for in advance, for several requests at once. The symbols in `typed` have a price that a person typed,
    which must price something.
    """

    sources: tuple[PriceSource, ...]
    now: datetime
    max_age: timedelta | None = None
    default_price_asked_for: bool = False
    typed: frozenset[str] = frozenset()
    remembered: PriceAnswer = field(default_factory=lambda: PriceAnswer({}, {}))

    def ask(self, symbols: frozenset[str]) -> PriceAnswer:
        """Return the first usable quote of each symbol; a later source sees only what is still missing.

        Where a source named a price that was refused, a default price takes its place only if one was asked for: a
        made-up 100 must not be traded instead of a real 450 that is a day too old.
        To be called outside of any transaction: a source that needs the network raises RuntimeError inside of one.
        """
        known = self.remembered
        quotes = {symbol: quote for symbol, quote in known.quotes.items() if symbol in symbols}
        reasons = {symbol: reason for symbol, reason in known.reasons.items() if symbol in symbols}
        fresh = self._ask(symbols - quotes.keys() - reasons.keys())
        return PriceAnswer(quotes | fresh.quotes, reasons | fresh.reasons)

    def _ask(self, symbols: frozenset[str]) -> PriceAnswer:
        quotes: dict[str, Quote] = {}
        said: dict[str, list[str]] = {symbol: [] for symbol in sorted(symbols)}
        refused: set[str] = set()
        for source in self.sources:
            missing = symbols - quotes.keys()
            if not missing:
                break
            offered = source.ask(missing)
            for symbol in sorted(missing & offered.keys()):
                answer = self._checked(offered[symbol], after_refusal=symbol in refused)
                if isinstance(answer, Quote):
                    quotes[symbol] = answer
                    continue
                said[symbol].append(reason_line(source.name, answer))
                if isinstance(offered[symbol], Offer):
                    refused.add(symbol)
        unpriced = symbols - quotes.keys()
        return PriceAnswer(
            quotes, {symbol: "; ".join(said[symbol]) or "no source has a price" for symbol in sorted(unpriced)}
        )

    def remembering(self, symbols: frozenset[str]) -> "PriceChain":
        """Return a chain that has asked for `symbols` already, and asks its sources for the others only."""
        return replace(self, remembered=self.ask(symbols))

    def _checked(self, offered: Offer | Missing, *, after_refusal: bool) -> Quote | str:
        if isinstance(offered, Missing):
            return offered.reason
        if offered.simulated and after_refusal and not self.default_price_asked_for:
            return "the default price does not replace a price that was refused"
        return check_offer(offered, now=self.now, max_age=self.max_age)


def build_chain(
    *,
    configured: PriceSettings,
    given: Mapping[str, Quote],
    from_file: Mapping[str, Quote],
    default_price: Decimal | None,
    now: datetime,
) -> PriceChain | Refusal:
    """Return the chain: prices given one by one, those of a file, the configured sources, then the default price.

    `default_price` is what a person asked for, None where nobody did; the `simulation` source falls back to the
    configured one then, and a chain without it has no last resort. Refused: a source that is named wrongly or
    cannot work (no key, no package, a broken PRICE_FILE).
    """
    sources = build_sources(configured, default_price=default_price, now=now)
    if isinstance(sources, Refusal):
        return sources
    first = (GivenSource("given", given), FileSource(from_file))
    last = () if default_price is None else (ConstantSource(default_price, now, name="default"),)
    return PriceChain(
        (*first, *sources, *last),
        now=now,
        max_age=configured.max_age,
        default_price_asked_for=default_price is not None,
        typed=frozenset(given),
    )
