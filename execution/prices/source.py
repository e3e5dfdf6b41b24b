"""What a price source is, what it says, and what makes a price usable."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Protocol, runtime_checkable

from common.money import AmountOutOfRangeError, parse_number, quantize_price
from common.text import clean, counted, one_line
from execution.engine.calendar.sessions import closes_between
from execution.engine.planning.market import Quote, Unpriced
from execution.engine.vocabulary import Code, Refusal

CURRENCY = "USD"  # of the books

# How far a source's clock may run ahead of ours. A price dated later than that is wrong, not early.
CLOCK_SKEW = timedelta(minutes=2)

_REASON_LIMIT = 200  # characters


@dataclass(frozen=True, slots=True)
class Offer:
    """What a source says of one symbol, as it says it and unchecked; `check_offer` makes a Quote of it.

    `ages`: the price comes from a market and is refused when it is too old. A price that a person gave for this
    call does not age.
    """

    price: object
    currency: object
    as_of: datetime | None
    source: str
    ages: bool = True
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class Missing:
    """Why a source has no price for a symbol, in a few words.

    `again`: the source could not be asked, or not about this symbol, and asking again may help. A request of which
    no symbol has a price for such reasons alone is refused, to be executed later.
    """

    reason: str
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceContext:
    """What a source may need to know of the call that it is made for.

    `now` is the time of the call, for which the prices are wanted. `default_price` is the one that the call named,
    or else the configured one. `timeout` is in seconds, for all that a source waits for in the call.
    """

    now: datetime
    default_price: Decimal
    timeout: float


@runtime_checkable
class PriceSource(Protocol):
    """Something that knows prices. It is asked outside of any transaction.

    A class of sources that settings can name has a class method as well: `from_options(context, *, ...)` takes a
    SourceContext and the class's options by keyword, and returns a source, or the Refusal that says why there is
    none. It asks no service, and imports no library that takes long.
    """

    @property
    def name(self) -> str:
        """The word that stands for the source in settings and reports."""
        ...

    def ask(self, symbols: frozenset[str]) -> Mapping[str, Offer | Missing]:
        """Return what is offered for each of `symbols`, or why there is nothing.

        A source that has nothing to say of a symbol leaves it out. No fault of a service is raised.
        """
        ...


def offers_among(
    quotes: Mapping[str, Quote], symbols: Collection[str], *, ages: bool
) -> dict[str, Offer | Missing]:
    """Return what `quotes` offer for `symbols`; a symbol without a quote is left out."""
    return {
        symbol: Offer(quote.price, CURRENCY, quote.as_of, quote.source, ages=ages)
        for symbol, quote in quotes.items()
        if symbol in symbols
    }


def check_offer(offer: Offer, *, now: datetime, max_age: int | None) -> Quote | Unpriced:
    """Return the quote in `offer`, or why it is none. Every price passes here before it is used.

    Refused: another currency than the books', what is not a finite number above zero that the books can hold, a
    time that is missing, without a zone or more than CLOCK_SKEW ahead of `now`, and a price since which `max_age`
    sessions have closed (None: any age). A time ahead of `now` by less becomes `now`.
    """
    if offer.currency != CURRENCY:
        return _unusable(f"currency is {one_line(offer.currency)}, the books are in {CURRENCY}")
    price = _number(offer.price)
    if isinstance(price, Refusal):
        return _unusable(price.message)
    as_of = offer.as_of
    if as_of is None or as_of.utcoffset() is None:
        return _unusable("price without a time and its zone")
    if as_of > now + CLOCK_SKEW:
        return _unusable(f"price of {utc_minute(as_of)} is in the future")
    if offer.ages and max_age is not None and closes_between(as_of, now) >= max_age:
        age = f"is older than {counted(max_age, 'session')}"
        return Unpriced(Code.PRICE_STALE, f"price of {utc_minute(as_of)} {age}")
    return Quote(price, offer.source, min(as_of, now), simulated=offer.simulated)


def parse_price(text: str, *, what: str) -> Decimal | Refusal:
    """Return the price per unit written in `text`, or a refusal that names `what` it is the price of.

    Refused: what is not a plain number, NaN, Infinity, zero, negative, or too large or too small for the books.
    """
    price = parse_number(text)
    if price is None:
        hint = ", which has no comma: 1250.5" if "," in text else ""
        return Refusal(Code.BAD_PRICE, f"{what} is {one_line(text)}: not a number{hint}")
    if not price.is_finite():
        return Refusal(Code.BAD_PRICE, f"{what} is {one_line(text)}: not a finite number")
    try:
        quantized = quantize_price(price)
    except AmountOutOfRangeError as error:
        return Refusal(Code.BAD_PRICE, f"{what} is {one_line(text)}: {error}")
    if quantized <= 0:
        return Refusal(Code.BAD_PRICE, f"{what} is {one_line(text)}: a price is above zero")
    return quantized


def reason_line(name: str, reason: str) -> str:
    """Return what the source `name` said, as one clean line of bounded length."""
    text = " ".join(clean(reason).split())
    return f"{name}: {text if len(text) <= _REASON_LIMIT else text[: _REASON_LIMIT - 1] + '…'}"


def _number(value: object) -> Decimal | Refusal:
    """The price in a decoded value. Text is none, even where it reads like a number."""
    if isinstance(value, bool) or not isinstance(value, Decimal | int | float):
        return Refusal(Code.BAD_PRICE, f"price is {one_line(value)}: not a number")
    return parse_price(str(value), what="price")


def utc_minute(time: datetime) -> str:
    """Return an aware time as reasons write it: "2026-01-05 09:30 UTC"."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _unusable(reason: str) -> Unpriced:
    return Unpriced(Code.NO_PRICE, reason)
