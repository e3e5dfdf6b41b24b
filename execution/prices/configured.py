"""The prices that a caller asks for: those it was given, in front of the sources of the settings."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from execution.engine.planning.market import Quote
from execution.engine.vocabulary import Refusal
from execution.prices.backends import price_settings
from execution.prices.chain import PriceChain, build_chain


def configured_chain(
    *,
    now: datetime,
    given: Mapping[str, Quote] | None = None,
    from_file: Mapping[str, Quote] | None = None,
    default_price: Decimal | None = None,
) -> PriceChain | Refusal:
    """Return the chain of prices `given` one by one, those of a file, the configured sources and the default price.

    Refused as `build_chain` refuses: what the settings name cannot work.
    """
    return build_chain(
        configured=price_settings(),
        given=given or {},
        from_file=from_file or {},
        default_price=default_price,
        now=now,
    )
