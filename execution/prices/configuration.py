"""What the settings say about prices, as one value that every door hands on."""

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from django.conf import settings


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSettings:
    """The sources in their order and what they need. `timeout` is in seconds and for all attempts of one source.

    Empty addresses mean the services' own. The keys are left out of the value's text, for logs and error pages.
    """

    sources: tuple[str, ...]
    default_price: Decimal
    max_age: timedelta | None = None
    timeout: float = 10.0
    file: str = ""
    yahoo_url: str = ""
    alpaca_url: str = ""
    alpaca_feed: str = "iex"
    alpaca_key: str = field(default="", repr=False)
    alpaca_secret: str = field(default="", repr=False)


def price_settings() -> PriceSettings:
    """Return what the settings say now."""
    return PriceSettings(
        sources=tuple(settings.PRICE_SOURCES),
        default_price=settings.DEFAULT_PRICE,
        max_age=timedelta(hours=settings.PRICE_MAX_AGE),
        timeout=settings.PRICE_TIMEOUT,
        file=settings.PRICE_FILE,
        yahoo_url=settings.YAHOO_URL,
        alpaca_url=settings.ALPACA_DATA_URL,
        alpaca_feed=settings.ALPACA_FEED,
        alpaca_key=settings.ALPACA_API_KEY,
        alpaca_secret=settings.ALPACA_SECRET_KEY,
    )
