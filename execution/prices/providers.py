"""The providers across a network: whether one can work as it is configured, and its source.

Their libraries take a second or two to import, so that is done when a source is first asked. A command that needs
no such price starts without them.
"""

from functools import partial

from common.text import one_line
from execution.engine.vocabulary import Code, Refusal
from execution.prices.configuration import PriceSettings
from execution.prices.network import Fetch, NetworkSource, usable
from execution.prices.sources import alpaca, yahoo


def yahoo_source(configured: PriceSettings) -> NetworkSource | Refusal:
    """Return the source that asks Yahoo Finance, or why it cannot work."""
    refusal = usable(package="yfinance", url=configured.yahoo_url)
    return refusal or NetworkSource(yahoo.NAME, partial(_connect_yahoo, configured), configured.timeout)


def alpaca_source(configured: PriceSettings) -> NetworkSource | Refusal:
    """Return the source that asks Alpaca's market data, or why it cannot work."""
    keys = {"ALPACA_API_KEY": configured.alpaca_key, "ALPACA_SECRET_KEY": configured.alpaca_secret}
    empty = [name for name, value in keys.items() if not value]
    if empty:
        return Refusal(Code.BAD_OPTION, f"{empty[0]} is empty")
    if configured.alpaca_feed not in alpaca.FEEDS:
        message = f"ALPACA_FEED is {one_line(configured.alpaca_feed)}: not one of {', '.join(alpaca.FEEDS)}"
        return Refusal(Code.BAD_OPTION, message)
    refusal = usable(package="alpaca", url=configured.alpaca_url)
    return refusal or NetworkSource(alpaca.NAME, partial(_connect_alpaca, configured), configured.timeout)


def _connect_yahoo(configured: PriceSettings) -> Fetch:
    from execution.prices.sources import yahoo_client  # noqa: PLC0415  # see above

    return partial(yahoo_client.fetch, url=configured.yahoo_url)


def _connect_alpaca(configured: PriceSettings) -> Fetch:
    from execution.prices.sources import alpaca_client  # noqa: PLC0415  # see above

    return partial(alpaca_client.fetch, configured=configured)
