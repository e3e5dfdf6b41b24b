"""Asking Yahoo Finance through yfinance. Only `providers` imports this, and late.

yfinance brings the browser's handshake, cookie and crumb that the quote service wants. Its own calls for many
symbols make a request for each and drop the currency, so its session is asked for the quotes of all at once.
"""

import logging
import os
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import yfinance
from curl_cffi.requests import Response, Session
from curl_cffi.requests.exceptions import RequestException, Timeout
from yfinance.data import YfData
from yfinance.exceptions import YFRateLimitError

from execution.prices.network import Answers, SourceError, TemporaryError, status_error
from execution.prices.sources.yahoo import read_quotes, yahoo_symbol

_QUOTES = "https://query1.finance.yahoo.com/v7/finance/quote"
_REFUSED_COOKIE = (401, 403)

# yfinance logs what it also raises, and keeps cookies in the user's home, pickled. Given a place where no cache can
# be made, it keeps none.
logging.getLogger("yfinance").disabled = True
yfinance.set_tz_cache_location(os.devnull)


def fetch(symbols: Sequence[str], seconds: float, *, url: str) -> Answers:
    """Return Yahoo's quotes for the canonical `symbols`, in one request for quotes.

    `url` stands for all of Yahoo's hosts where it is not empty. Raises SourceError, or TemporaryError where asking
    again may help.
    """
    with _Session(url=url, seconds=seconds) as session:
        # YfData is one object a process, by its metaclass. A run gets one of its own, so that neither a half-used
        # cookie nor the lock of a call that was left behind reaches another run.
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


class _Session(Session[Response]):
    """A browser's session whose requests end together, and which tells a broken cookie from every other fault.

    yfinance answers every status from 400 on with another way to a cookie and a second request. That helps where
    the cookie was refused. For all else it would double the attempts, which are counted elsewhere.
    """

    def __init__(self, *, url: str, seconds: float) -> None:
        super().__init__(impersonate="chrome")
        self._instead = urlsplit(url) if url else None
        self._until = time.monotonic() + seconds

    def request(self, method: Any, url: str, **options: Any) -> Response:  # type: ignore[override]  # fewer by name
        # The other hosts are for cookies. They answer with all kinds of errors and the cookie, or not at all.
        for_data = (urlsplit(url).hostname or "").startswith("query")
        left = (self._until - time.monotonic()) * (1 if for_data else 0.25)
        limited = {**options, "timeout": max(left, 0.001)}  # 0 means no limit to curl
        response: Response = super().request(method, self._address(url), **limited)
        if for_data and response.status_code >= 400 and response.status_code not in _REFUSED_COOKIE:
            raise status_error(response.status_code, retry_after=response.headers.get("Retry-After") or "")
        return response

    def _address(self, url: str) -> str:
        if self._instead is None:
            return url
        return urlunsplit(urlsplit(url)._replace(scheme=self._instead.scheme, netloc=self._instead.netloc))
