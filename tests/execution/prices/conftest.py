"""A provider's data service on this machine, and the chain that asks it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from execution.engine.vocabulary import Refusal
from execution.prices import PriceChain, PriceSettings, build_chain
from tests.execution.prices.service import KEY, SECRET, Service, running
from tests.scenes import NOW

Chained = Callable[..., PriceChain]


@pytest.fixture
def service() -> Iterator[Service]:
    """Return a running service without replies."""
    with running() as service:
        yield service


@pytest.fixture
def configured(service: Service) -> PriceSettings:
    """Return settings under which both providers are the service of the test."""
    return PriceSettings(
        sources=("yahoo",),
        default_price=Decimal(100),
        max_age=timedelta(hours=96),
        timeout=5.0,
        yahoo_url=service.url,
        alpaca_url=service.url,
        alpaca_key=KEY,
        alpaca_secret=SECRET,
    )


@pytest.fixture
def chained(configured: PriceSettings) -> Chained:
    """Return the way to a chain of some sources."""

    def build(*sources: str, **changes: object) -> PriceChain:
        given = replace(configured, sources=sources, **changes)  # type: ignore[arg-type]  # the fields' own types
        chain = build_chain(configured=given, given={}, from_file={}, default_price=None, now=NOW)
        assert not isinstance(chain, Refusal), chain
        return chain

    return build
