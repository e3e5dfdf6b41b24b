"""Prices that a person types into a form: "MSFT=450.10, KO=70"."""

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from common.identifiers import NoSymbol
from common.text import one_line
from execution.arguments import find_symbol
from execution.engine.planning.market import Quote
from execution.engine.vocabulary import Code, Refusal
from execution.prices.source import parse_price

TYPED = "given"  # the source of a price that a person typed
_BETWEEN = re.compile(r"[,;\s]+")


def parse_typed_prices(text: str) -> dict[str, Decimal] | Refusal:
    """Return the prices per unit in `text` by symbol, or the first thing that is wrong with it."""
    prices: dict[str, Decimal] = {}
    for pair in filter(None, _BETWEEN.split(text)):
        name, equals, written = pair.partition("=")
        symbol = find_symbol(name) if equals else NoSymbol("there is no =")
        if isinstance(symbol, NoSymbol):
            return Refusal(Code.BAD_PRICE, f"{one_line(pair)} is not of the form SYMBOL=PRICE: {symbol.rule}")
        price = parse_price(written, what=f"price of {symbol}")
        if isinstance(price, Refusal):
            return price
        if symbol in prices:
            return Refusal(Code.BAD_PRICE, f"the price of {symbol} is given twice")
        prices[symbol] = price
    return prices


def typed_quotes(prices: Mapping[str, Decimal], *, now: datetime) -> dict[str, Quote]:
    """Return prices that a person typed at `now` as quotes."""
    return {symbol: Quote(price, TYPED, now) for symbol, price in prices.items()}
