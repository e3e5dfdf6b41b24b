"""The sources in the order in which they are asked; the first usable answer for a symbol counts."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from execution.engine.planning.market import Quote, Unpriced
from execution.engine.vocabulary import Code, Refusal
from execution.prices.backends import PriceSettings, build_sources
from execution.prices.source import Missing, Offer, PriceSource, check_offer, reason_line, utc_minute
from execution.prices.sources.constant import ConstantSource
from execution.prices.sources.file import FileSource
from execution.prices.sources.given import GivenSource


@dataclass(frozen=True, slots=True)
class PriceAnswer:
    """A quote for each symbol that has one, and for each of the others what every source said.

    `unreachable` are those of the others for which a source could not be asked.
    """

    quotes: Mapping[str, Quote]
    unpriced: Mapping[str, Unpriced]
    unreachable: frozenset[str] = frozenset()

    @property
    def reasons(self) -> dict[str, str]:
        """What the sources said of each symbol without a price, in words alone."""
        return {symbol: why.reason for symbol, why in self.unpriced.items()}

    def among(self, symbols: frozenset[str]) -> "PriceAnswer":
        """Return the part of the answer that is about `symbols`."""
        return PriceAnswer(
            {symbol: quote for symbol, quote in self.quotes.items() if symbol in symbols},
            {symbol: why for symbol, why in self.unpriced.items() if symbol in symbols},
            self.unreachable & symbols,
        )

    def without(self, refused: Mapping[str, Unpriced]) -> "PriceAnswer":
        """Return the answer without the quotes of the `refused` symbols, and with the reasons instead."""
        quotes = {symbol: quote for symbol, quote in self.quotes.items() if symbol not in refused}
        return replace(self, quotes=quotes, unpriced={**self.unpriced, **refused})


@dataclass(frozen=True, slots=True)
class PriceChain:
    """Asks its sources in order, and checks all that they say.

    `max_age` is in sessions of the exchange, None where a price may be of any age. `default_price_asked_for`: a
    default price was named, so the run is a simulation. `remembered` is what was asked for in advance, for several
    requests at once. The symbols in `typed` have a price that a person typed, which must price something.
    `named` are the prices that came with the call, typed or in its file, and `named_default` its default price.
    """

    sources: tuple[PriceSource, ...]
    now: datetime
    max_age: int | None = None
    default_price_asked_for: bool = False
    typed: frozenset[str] = frozenset()
    named: Mapping[str, Decimal] = field(default_factory=dict)
    named_default: Decimal | None = None
    remembered: PriceAnswer = field(default_factory=lambda: PriceAnswer({}, {}))

    def ask(self, symbols: frozenset[str]) -> PriceAnswer:
        """Return the first usable quote of each symbol; a later source sees only what is still missing.

        A default price is the last resort, wherever its source stands. Where a source named a price that was
        refused, or could not be asked, it takes the place of that price only if a default price was asked for: a
        made-up 100 must not be traded instead of a real 450 that is a day too old.
        To be called outside of any transaction: a source that needs the network raises RuntimeError inside of one.
        """
        known = self.remembered.among(symbols)
        fresh = self._ask(symbols - known.quotes.keys() - known.unpriced.keys())
        return PriceAnswer(
            {**known.quotes, **fresh.quotes},
            {**known.unpriced, **fresh.unpriced},
            known.unreachable | fresh.unreachable,
        )

    def remembering(self, symbols: frozenset[str]) -> "PriceChain":
        """Return a chain that has asked for `symbols` already, and asks its sources for the others only."""
        return replace(self, remembered=self.ask(symbols))

    def _ask(self, symbols: frozenset[str]) -> PriceAnswer:
        asked = {symbol: _Asked() for symbol in sorted(symbols)}
        for source in self.sources:
            missing = frozenset(symbol for symbol, found in asked.items() if found.quote is None)
            if not missing:
                break
            for symbol, answer in sorted(self._checked(source.ask(missing)).items()):
                if symbol in missing:
                    asked[symbol].hear(source.name, answer)
        quotes = {
            symbol: quote for symbol, found in asked.items() if (quote := found.quote or self._last_resort(found))
        }
        rest = {symbol: found for symbol, found in asked.items() if symbol not in quotes}
        return PriceAnswer(
            quotes,
            {symbol: found.reason for symbol, found in rest.items()},
            frozenset(symbol for symbol, found in rest.items() if found.unreachable),
        )

    def _checked(self, offered: Mapping[str, Offer | Missing]) -> dict[str, Quote | Unpriced | Missing]:
        """What one source says, checked. A price from before a split is refused, for it is per unit of that time.

        What is stored is offered in units of today.
        """
        from execution.prices.sources.database import STORED  # noqa: PLC0415  # the settings are read before the models
        from portfolios.selectors import stored_prices  # noqa: PLC0415

        checked = {
            symbol: offer if isinstance(offer, Missing) else check_offer(offer, now=self.now, max_age=self.max_age)
            for symbol, offer in offered.items()
        }
        times = {
            symbol: answer.as_of
            for symbol, answer in checked.items()
            if isinstance(answer, Quote) and not answer.simulated and not answer.source.startswith(STORED)
        }
        for symbol in stored_prices.of_former_units(times, now=self.now):
            before = f"price of {utc_minute(times[symbol])} is from before a split"
            checked[symbol] = Unpriced(Code.PRICE_STALE, before)
        return checked

    def _last_resort(self, found: "_Asked") -> Quote | None:
        """Return the default price, where one may be used for the symbol."""
        if found.default is None or self.default_price_asked_for:
            return found.default
        if not found.refused and not found.unreachable:
            return found.default
        instead = "a price that was refused" if found.refused else "that of a source which could not be asked"
        found.said.append(reason_line(found.default.source, f"the default price does not replace {instead}"))
        return None


@dataclass(slots=True)
class _Asked:
    """What the sources said of one symbol so far: the codes of refused prices, a default price, a real one."""

    said: list[str] = field(default_factory=list)
    refused: list[Code] = field(default_factory=list)
    unreachable: bool = False
    default: Quote | None = None
    quote: Quote | None = None

    def hear(self, name: str, answer: Quote | Unpriced | Missing) -> None:
        """Take down what one source says of the symbol."""
        if isinstance(answer, Missing):
            self.said.append(reason_line(name, answer.reason))
            self.unreachable |= answer.again
        elif isinstance(answer, Unpriced):
            self.said.append(reason_line(name, answer.reason))
            self.refused.append(answer.code)
        elif answer.simulated:
            self.default = self.default or answer
        else:
            self.quote = answer

    @property
    def reason(self) -> Unpriced:
        """What all sources said, in one line; stale where one had a price that is only too old."""
        code = Code.PRICE_STALE if Code.PRICE_STALE in self.refused else Code.NO_PRICE
        return Unpriced(code, "; ".join(self.said) or "no source has a price")


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
    cannot work (no key, no package, a broken PRICE_FILE), and a PRICE_MAX_AGE that cannot be read.
    """
    sources = build_sources(configured, default_price=default_price, now=now)
    if isinstance(sources, Refusal):
        return sources
    if isinstance(configured.max_age, Refusal):
        return configured.max_age
    last = () if default_price is None else (ConstantSource(default_price, now, name="default"),)
    return PriceChain(
        (GivenSource("given", given), FileSource(from_file), *sources, *last),
        now=now,
        max_age=configured.max_age,
        default_price_asked_for=default_price is not None,
        typed=frozenset(given),
        named={symbol: quote.price for symbol, quote in {**from_file, **given}.items()},
        named_default=default_price,
    )
