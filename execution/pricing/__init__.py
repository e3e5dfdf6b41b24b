"""Where prices come from: small sources behind one protocol, and the chain that asks them in order."""

from execution.pricing.base import PriceSource
from execution.pricing.chain import PriceAnswer, PriceChain, build_chain
from execution.pricing.configuration import PriceSettings, price_settings

__all__ = ["PriceAnswer", "PriceChain", "PriceSettings", "PriceSource", "build_chain", "price_settings"]
