"""Asking Alpaca through alpaca-py. Only `providers` imports this, and late."""

import warnings
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from requests import PreparedRequest, RequestException, Response, Timeout
from requests.adapters import HTTPAdapter

with warnings.catch_warnings():
    # Its streaming part, which nobody asks for here, imports a deprecated module.
    warnings.simplefilter("ignore", DeprecationWarning)
    from alpaca.common.exceptions import APIError
    from alpaca.data.historical import StockHistoricalDataClient

from execution.prices.configuration import PriceSettings
from execution.prices.network import Answers, SourceError, TemporaryError, status_error
from execution.prices.source import CURRENCY
from execution.prices.sources.alpaca import read_trades, without_invalid


def fetch(symbols: Sequence[str], seconds: float, *, configured: PriceSettings) -> Answers:
    """Return the latest trades of the canonical `symbols`, in one request.

    Raises SourceError, or TemporaryError where asking again may help.
    """
    wanted = {"symbols": ",".join(symbols), "feed": configured.alpaca_feed, "currency": CURRENCY}
    try:
        # Not get_stock_latest_trade, which drops the currency and takes one broken trade for a broken answer.
        with closing(_Client(configured, seconds=seconds)) as client:
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


class _Client(StockHistoricalDataClient):
    """Alpaca's client with a limit to every wait, which it has none of, and without attempts of its own."""

    def __init__(self, configured: PriceSettings, *, seconds: float) -> None:
        super().__init__(
            configured.alpaca_key, configured.alpaca_secret, url_override=configured.alpaca_url.rstrip("/") or None
        )
        self._retry = 0
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _Limited(seconds))

    def close(self) -> None:
        """Close the connections."""
        self._session.close()


class _Limited(HTTPAdapter):
    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def send(self, request: PreparedRequest, **options: Any) -> Response:  # type: ignore[override]  # fewer by name
        return super().send(request, **{**options, "timeout": self._seconds})


def _status_error(error: APIError) -> SourceError:
    response = error.response
    if response is None:
        return SourceError(str(error))
    says = "" if response.status_code in {401, 403} else str(error)
    return status_error(response.status_code, retry_after=response.headers.get("Retry-After", ""), says=says)
