"""What a plan is priced at: a row for each symbol, for whoever looks at it before it is executed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from common.money import percent_difference, plain
from execution.engine.calendar.sessions import age_in_words, closes_between
from execution.engine.parsing.artifact import Recommendation
from execution.engine.planning.market import Quote
from execution.engine.planning.plan import PlanInput, symbols_to_price
from execution.engine.vocabulary import Code

_STORED = "database:"
_SOURCE_WORDS = {"given": "typed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPrice:
    """One symbol's price with its source and age, beside what the research claims.

    Prices are per unit. `age` is in words, `sessions` counts the closes since then; both say nothing of a default
    price. `claim` is the price that the research took for the current one, `target` the one it expects;
    `difference_percent` is how far the price is from `claim`, in percent of it. `code` and `reason` say why nothing
    is traded at the price, or why there is none; empty where it is used.
    """

    symbol: str
    price: str | None
    source: str
    as_of: datetime | None
    age: str
    sessions: int | None
    claim: str | None
    target: str | None
    difference_percent: str | None
    is_default: bool
    code: str
    reason: str

    @property
    def source_words(self) -> str:
        """Where the price comes from, for people."""
        if self.is_default:
            return "default price"
        if self.source.startswith(_STORED):
            return f"stored ({self.source.removeprefix(_STORED)})"
        return _SOURCE_WORDS.get(self.source, self.source)

    @property
    def difference_words(self) -> str:
        """How far the price is from what the research claims, with its sign; empty where it claims nothing."""
        if self.difference_percent is None:
            return ""
        return "none" if not Decimal(self.difference_percent) else f"{Decimal(self.difference_percent):+f} %"


def planned_prices(given: PlanInput, *, now: datetime) -> list[PlannedPrice]:
    """Return a row for each symbol that the plan needs a price for, by symbol."""
    needed = symbols_to_price(given.artifact, held=given.snapshot.holdings, close_unlisted=given.close_unlisted)
    claims = _claims(given.artifact.recommendations)
    return [_row(symbol, given, claims.get(symbol), now=now) for symbol in sorted(needed)]


def _claims(lines: Iterable[Recommendation]) -> Mapping[str, Recommendation]:
    """Return by symbol the first line that names a price, the first of all where none does."""
    found: dict[str, Recommendation] = {}
    for line in lines:
        known = found.get(line.symbol)
        if known is None or (known.current_price is None and line.current_price is not None):
            found[line.symbol] = line
    return found


def _row(symbol: str, given: PlanInput, line: Recommendation | None, *, now: datetime) -> PlannedPrice:
    held_back = given.held_back.get(symbol)
    quote = held_back.quote if held_back is not None else given.quotes.get(symbol)
    code, reason = _doubt(symbol, given)
    claim = line.current_price if line is not None else None
    is_real = quote is not None and not quote.simulated
    return PlannedPrice(
        symbol=symbol,
        price=None if quote is None else plain(quote.price),
        source="" if quote is None else quote.source,
        as_of=quote.as_of if quote is not None and is_real else None,
        age=age_in_words(quote.as_of, now) if quote is not None and is_real else "",
        sessions=closes_between(quote.as_of, now) if quote is not None and is_real else None,
        claim=None if claim is None else plain(claim),
        target=None if line is None or line.target_price is None else plain(line.target_price),
        difference_percent=_difference(quote, claim),
        is_default=quote is not None and quote.simulated,
        code=code,
        reason=reason,
    )


def _doubt(symbol: str, given: PlanInput) -> tuple[str, str]:
    """Return the code and the words of what is wrong with the symbol's price; both empty where nothing is."""
    if symbol in given.held_back:
        return Code.PRICE_OUT_OF_BAND.value, given.held_back[symbol].words
    if symbol in given.unpriced:
        return given.unpriced[symbol].code.value, given.unpriced[symbol].reason
    return "", ""


def _difference(quote: Quote | None, claim: Decimal | None) -> str | None:
    if quote is None or not claim:
        return None
    return f"{percent_difference(quote.price, base=claim):.2f}"
