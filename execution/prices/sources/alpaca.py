"""Alpaca's market data: what its latest trades say. Symbols are written there as here (BRK.B)."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from execution.prices.network import SourceError
from execution.prices.source import CURRENCY, Missing, Offer

NAME = "alpaca"
FEEDS = ("iex", "sip", "delayed_sip", "otc", "boats", "overnight")

_INVALID_SYMBOL = re.compile(r"invalid symbol: ([A-Z0-9]+(?:\.[A-Z]+)?)")


def read_trades(document: object, *, symbols: Sequence[str]) -> dict[str, Offer | Missing]:
    """Return what the answer of the trades service offers for each of `symbols` that is in it.

    The service names the currency where it is not the one that was asked for. Raises SourceError where the whole is
    not such an answer.
    """
    trades = document.get("trades") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(trades, dict):
        raise SourceError("the answer holds no trades")
    currency = document.get("currency", CURRENCY)
    return {symbol: _offer(trades[symbol], currency=currency) for symbol in symbols if symbol in trades}


def without_invalid(message: str, *, symbols: Sequence[str]) -> dict[str, Offer | Missing] | None:
    """Return what a refusal that names one of `symbols` means for each of them; None where it names none.

    The service refuses a whole request for one symbol whose form it does not know.
    """
    named = _INVALID_SYMBOL.search(message)
    if named is None or named[1] not in symbols:
        return None
    rest = Missing(f"asked for together with {named[1]}, which is refused", again=True)
    return {**dict.fromkeys(symbols, rest), named[1]: Missing("not a symbol there")}


def _offer(trade: object, *, currency: object) -> Offer | Missing:
    if not isinstance(trade, Mapping) or trade.get("p") is None:
        return Missing("no trade")
    return Offer(trade["p"], currency, _time(trade.get("t")), NAME)


def _time(value: object) -> datetime | None:
    """The time in ISO 8601, with nanoseconds that are cut to microseconds; None for anything else."""
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
