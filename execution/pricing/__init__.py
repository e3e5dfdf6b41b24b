"""Where prices come from: small sources behind one protocol, and the chain that asks them in order."""

from execution.pricing.base import PriceSource
from execution.pricing.chain import PriceChain, build_chain

__all__ = ["PriceChain", "PriceSource", "build_chain"]
