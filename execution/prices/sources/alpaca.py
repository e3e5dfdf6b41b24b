"""The latest trades of Alpaca's market data, through alpaca-py. Symbols are written there as here (BRK.B)."""

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from common.text import one_line
from execution.engine.vocabulary import Code, Refusal
from execution.prices.network import (
    Answers,
    Fetch,
    NetworkSource,
    SourceError,
    TemporaryError,
    status_error,
    usable,
)
from execution.prices.source import CURRENCY, Missing, Offer, SourceContext

if TYPE_CHECKING:
    from alpaca.common.exceptions import APIError
    from alpaca.data.historical import StockHistoricalDataClient

NAME = "alpaca"
FEEDS = ("iex", "sip", "delayed_sip", "otc", "boats", "overnight")

_INVALID_SYMBOL = re.compile(r"invalid symbol: ([A-Z0-9]+(?:\.[A-Z]+)?)")


@dataclass(slots=True, kw_only=True)
class AlpacaSource(NetworkSource):
    """The latest trades of Alpaca's market data. An empty `url` means the service's own address."""

    name: ClassVar[str] = NAME
    key: str = field(repr=False)
    secret: str = field(repr=False)
    feed: str
    url: str

    @classmethod
    def from_options(
        cls, context: SourceContext, *, key: str, secret: str, feed: str = "iex", url: str = ""
    ) -> "AlpacaSource | Refusal":
        """Return the source, or why it cannot work: something in the options or the package is missing or wrong."""
        empty = [name for name, value in {"ALPACA_API_KEY": key, "ALPACA_SECRET_KEY": secret}.items() if not value]
        if empty:
            return Refusal(Code.BAD_OPTION, f"{empty[0]} is empty")
        if feed not in FEEDS:
            return Refusal(Code.BAD_OPTION, f"ALPACA_FEED is {one_line(feed)}: not one of {', '.join(FEEDS)}")
        refusal = usable(package="alpaca", url=url)
        return refusal or cls(timeout=context.timeout, key=key, secret=secret, feed=feed, url=url)

    def connect(self) -> Fetch:
        """Import alpaca-py, and return the call that asks for the latest trades."""
        with warnings.catch_warnings():
            # Its streaming part, which nobody asks for here, imports a deprecated module.
            warnings.simplefilter("ignore", DeprecationWarning)
            import alpaca.data.historical  # noqa: F401, PLC0415  # late, and before the time is counted
        return self._latest_trades

    def _latest_trades(self, symbols: Sequence[str], seconds: float) -> Answers:
        """Return the latest trades of the canonical `symbols`, in one request."""
        from alpaca.common.exceptions import APIError  # noqa: PLC0415  # see connect
        from requests import RequestException, Timeout  # noqa: PLC0415  # see connect

        wanted = {"symbols": ",".join(symbols), "feed": self.feed, "currency": CURRENCY}
        try:
            client = self._client(seconds)
            with client._session:  # noqa: SLF001  # the client has no other way to close its connections
                # Not get_stock_latest_trade, which drops the currency and takes a broken trade for a broken answer.
                document = client.get("/stocks/trades/latest", wanted)
        except APIError as error:
            answers = without_invalid(str(error), symbols=symbols) if error.status_code in {400, 422} else None
            if answers is not None:
                return answers
            raise _status_error(error) from error
        except Timeout as error:
            raise TemporaryError(f"no answer within {seconds:.1f} s") from error
        except ValueError as error:
            raise SourceError("the answer is not JSON") from error
        except RequestException as error:
            raise TemporaryError(f"no connection ({type(error).__name__})") from error
        return read_trades(document, symbols=symbols)

    def _client(self, seconds: float) -> "StockHistoricalDataClient":
        """Alpaca's client with a limit to every wait, which it has none of, and without attempts of its own."""
        from alpaca.data.historical import StockHistoricalDataClient  # noqa: PLC0415  # see connect

        client = StockHistoricalDataClient(self.key, self.secret, url_override=self.url.rstrip("/") or None)
        client._retry = 0  # noqa: SLF001  # its argument takes no 0
        session = client._session  # noqa: SLF001  # nothing public reaches it
        session.request = partial(session.request, timeout=seconds)  # type: ignore[method-assign]  # of this one only
        return client


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


def _status_error(error: "APIError") -> SourceError:
    response = error.response
    if response is None:
        return SourceError(str(error))
    says = "" if response.status_code in {401, 403} else str(error)
    return status_error(response.status_code, retry_after=response.headers.get("Retry-After", ""), says=says)
