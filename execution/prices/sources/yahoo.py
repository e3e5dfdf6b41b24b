"""Yahoo Finance: its quotes, asked for through yfinance, how it writes symbols, and what its quotes say.

yfinance brings the browser's handshake, cookie and crumb that the quote service wants. Its own calls for many
symbols make a request for each and drop the currency, so its session is asked for the quotes of all at once.
"""

import json
import logging
import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit, urlunsplit

from execution.engine.vocabulary import Refusal
from execution.prices.network import (
    Answers,
    Fetch,
    NetworkSource,
    SourceError,
    TemporaryError,
    status_error,
    usable,
)
from execution.prices.source import Missing, Offer, SourceContext

if TYPE_CHECKING:
    from curl_cffi.requests import Response, Session

NAME = "yahoo"

_QUOTES = "https://query1.finance.yahoo.com/v7/finance/quote"
_REFUSED_COOKIE = (401, 403)

# A share class stands behind a hyphen. Anything longer behind the point is an exchange (MC.PA), which stays.
_SHARE_CLASS = re.compile(r"([A-Z]+)\.([A-Z])")


@dataclass(slots=True, kw_only=True)
class YahooSource(NetworkSource):
    """The quotes of Yahoo Finance. A `url` that is not empty stands for all of Yahoo's hosts."""

    name: ClassVar[str] = NAME
    url: str

    @classmethod
    def from_options(cls, context: SourceContext, *, url: str = "") -> "YahooSource | Refusal":
        """Return the source, or why it cannot work: no package, or an address that is none."""
        return usable(package="yfinance", url=url) or cls(timeout=context.timeout, url=url)

    def connect(self) -> Fetch:
        """Import yfinance, and return the call that asks for the quotes."""
        import curl_cffi.requests  # noqa: F401, PLC0415  # late, and before the time is counted
        import yfinance  # noqa: PLC0415  # the same

        # yfinance logs what it also raises, and keeps cookies in the user's home, pickled. Given a place where no
        # cache can be made, it keeps none.
        logging.getLogger("yfinance").disabled = True
        yfinance.set_tz_cache_location(os.devnull)
        return self._quotes

    def _quotes(self, symbols: Sequence[str], seconds: float) -> Answers:
        """Return Yahoo's quotes for the canonical `symbols`, in one request for quotes."""
        from curl_cffi.requests.exceptions import RequestException, Timeout  # noqa: PLC0415  # see connect
        from yfinance.data import YfData  # noqa: PLC0415  # see connect
        from yfinance.exceptions import YFRateLimitError  # noqa: PLC0415  # see connect

        with _limited_session(url=self.url, seconds=seconds) as session:
            # YfData is one object a process, by its metaclass. A run gets one of its own, so that neither a
            # half-used cookie nor the lock of a call that was left behind reaches another run.
            data = type.__call__(YfData, session=session)
            names = ",".join(yahoo_symbol(symbol) for symbol in symbols)
            try:
                response = data.get(_QUOTES, params={"symbols": names, "formatted": "false"}, timeout=seconds)
            except SourceError:
                raise
            except YFRateLimitError as error:
                raise status_error(429) from error
            except Timeout as error:
                raise TemporaryError(f"no answer within {seconds:.1f} s") from error
            except RequestException as error:
                raise TemporaryError(f"no connection ({type(error).__name__})") from error
            except Exception as error:  # pages of consent that yfinance could not read fail in any way
                raise SourceError(f"yfinance failed: {type(error).__name__}: {error}") from error
            if response.status_code != 200:
                raise status_error(response.status_code)
            return read_quotes(response.text, symbols=symbols)


def yahoo_symbol(symbol: str) -> str:
    """Return how Yahoo writes the canonical `symbol`: BRK.B is BRK-B there."""
    return _SHARE_CLASS.sub(r"\1-\2", symbol) if _SHARE_CLASS.fullmatch(symbol) else symbol


def read_quotes(text: str, *, symbols: Sequence[str]) -> dict[str, Offer | Missing]:
    """Return what the answer of the quote service offers for each of the canonical `symbols` that is in it.

    Pure. Raises SourceError where the whole is not such an answer.
    """
    named = {yahoo_symbol(symbol): symbol for symbol in symbols}
    quotes = [
        quote for quote in _quote_list(text) if isinstance(quote, dict) and isinstance(quote.get("symbol"), str)
    ]
    return {named[quote["symbol"]]: _offer(quote) for quote in quotes if quote["symbol"] in named}


def _quote_list(text: str) -> list[object]:
    try:
        document = json.loads(text, parse_float=Decimal, parse_constant=Decimal)
    except (ValueError, ArithmeticError, RecursionError):
        raise SourceError("the answer is not JSON") from None
    response = document.get("quoteResponse") if isinstance(document, dict) else None
    result = response.get("result") if isinstance(response, dict) else None
    if not isinstance(result, list):
        raise SourceError("the answer holds no list of quotes")
    return result


def _offer(quote: dict[str, object]) -> Offer | Missing:
    price = quote.get("regularMarketPrice")
    if price is None:
        return Missing("no market price")
    return Offer(price, quote.get("currency"), _time(quote.get("regularMarketTime")), NAME)


def _time(value: object) -> datetime | None:
    """The time in seconds since 1970, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _limited_session(*, url: str, seconds: float) -> "Session[Response]":
    """Return a browser's session whose requests end together after `seconds`."""
    from curl_cffi.requests import Session  # noqa: PLC0415  # see connect

    session: Session[Response] = Session(impersonate="chrome")
    limits = _Limits(session.request, instead=url, until=time.monotonic() + seconds)
    session.request = limits.request  # type: ignore[method-assign, assignment]  # of this one only
    return session


@dataclass(frozen=True, slots=True)
class _Limits:
    """What a session's requests go through: an end to each, and a broken cookie told from every other fault.

    yfinance answers every status from 400 on with another way to a cookie and a second request. That helps where
    the cookie was refused. For all else it would double the attempts, which are counted elsewhere.
    """

    send: Callable[..., Any]
    instead: str
    until: float

    def request(self, method: Any, url: str, **options: Any) -> Any:
        # The other hosts are for cookies. They answer with all kinds of errors and the cookie, or not at all.
        for_data = (urlsplit(url).hostname or "").startswith("query")
        left = (self.until - time.monotonic()) * (1 if for_data else 0.25)
        limited = {**options, "timeout": max(left, 0.001)}  # 0 means no limit to curl
        response = self.send(method, self._address(url), **limited)
        if for_data and response.status_code >= 400 and response.status_code not in _REFUSED_COOKIE:
            raise status_error(response.status_code, retry_after=response.headers.get("Retry-After") or "")
        return response

    def _address(self, url: str) -> str:
        if not self.instead:
            return url
        instead = urlsplit(self.instead)
        return urlunsplit(urlsplit(url)._replace(scheme=instead.scheme, netloc=instead.netloc))
