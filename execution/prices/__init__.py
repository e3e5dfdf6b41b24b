"""Where prices come from: small sources behind one protocol, and the chain that asks them in order."""

from execution.prices.backends import PriceSettings, price_settings
from execution.prices.chain import PriceAnswer, PriceChain, build_chain
from execution.prices.configured import configured_chain
from execution.prices.source import PriceSource

__all__ = [
    "PriceAnswer",
    "PriceChain",
    "PriceSettings",
    "PriceSource",
    "build_chain",
    "configured_chain",
    "price_settings",
]
