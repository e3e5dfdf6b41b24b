"""The sources in the order in which they are asked; the first answer for a symbol counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from execution.engine.routing import Quote
from execution.engine.text import one_line
from execution.engine.vocabulary import Code, Refusal
from execution.pricing.base import PriceSource
from execution.pricing.sources import GivenPrices, OnePrice, StoredPrices


@dataclass(frozen=True, slots=True)
class PriceChain:
    """Asks its sources in order. `stand_in_asked_for`: a default price was named, so the run is a simulation."""

    sources: tuple[PriceSource, ...]
    stand_in_asked_for: bool = False

    def quotes(self, symbols: frozenset[str]) -> dict[str, Quote]:
        """Return a quote for each symbol that any source knows; a later source sees only what is still missing."""
        found: dict[str, Quote] = {}
        for source in self.sources:
            missing = symbols - found.keys()
            if not missing:
                break
            found.update(source.quotes(missing))
        return found


def build_chain(
    *,
    names: Sequence[str],
    given: Mapping[str, Quote],
    from_file: Mapping[str, Quote],
    default_price: Decimal | None,
    fallback_price: Decimal,
    now: datetime,
) -> PriceChain | Refusal:
    """Return the chain: prices given one by one, those of a file, the named sources, then the default price.

    `default_price` is what a person asked for, None where nobody did; the `simulation` source falls back to
    `fallback_price` then, and a chain without it has no last resort. An unknown name is refused.
    """
    sources: list[PriceSource] = [GivenPrices("given", given), GivenPrices("file", from_file)]
    for name in names:
        if name == "database":
            sources.append(StoredPrices(now))
        elif name == "simulation":
            sources.append(OnePrice(default_price or fallback_price, now))
        else:
            known = "database, simulation"
            return Refusal(Code.BAD_OPTION, f"PRICE_SOURCES names {one_line(name)}: not one of {known}")
    if default_price is not None:
        sources.append(OnePrice(default_price, now, name="default"))
    return PriceChain(tuple(sources), stand_in_asked_for=default_price is not None)
