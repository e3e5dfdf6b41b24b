"""What a price source is, and what makes a price usable."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Protocol

from execution.engine.routing import Quote
from execution.engine.text import one_line
from execution.engine.vocabulary import Code, Refusal
from portfolios.money import AmountOutOfRangeError, quantize_price


class PriceSource(Protocol):
    """Something that knows prices. It is asked outside of any transaction."""

    @property
    def name(self) -> str:
        """The word that stands for the source in settings and reports."""
        ...

    def quotes(self, symbols: frozenset[str]) -> Mapping[str, Quote]:
        """Return a quote for each of `symbols` that the source knows; the others are left out."""
        ...


def parse_price(text: str, *, what: str) -> Decimal | Refusal:
    """Return the price per unit written in `text`, or a refusal that names `what` it is the price of.

    Refused: what is not a plain number, NaN, Infinity, zero, negative, or too large or too small for the books.
    """
    written = text.strip()
    try:
        price = Decimal(written)
    except InvalidOperation:
        return Refusal(Code.BAD_PRICE, f"{what} is {one_line(text)}: not a number")
    if not price.is_finite():
        return Refusal(Code.BAD_PRICE, f"{what} is {one_line(text)}: not a finite number")
    try:
        quantized = quantize_price(price)
    except AmountOutOfRangeError as error:
        return Refusal(Code.BAD_PRICE, f"{what} is {one_line(text)}: {error}")
    if quantized <= 0:
        return Refusal(Code.BAD_PRICE, f"{what} is {one_line(text)}: a price is above zero")
    return quantized
