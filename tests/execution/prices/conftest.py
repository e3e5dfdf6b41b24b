"""A provider's data service on this machine, and the chain that asks it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings

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
    given = PriceSettings(
        sources=("yahoo",),
        backends=settings.PRICE_BACKENDS,
        default_price=Decimal(100),
        max_age=2,
        timeout=5.0,
    )
    alpaca = {"url": service.url, "key": KEY, "secret": SECRET}
    return with_options(given, yahoo={"url": service.url}, alpaca=alpaca)


def with_options(configured: PriceSettings, **options: Mapping[str, object]) -> PriceSettings:
    """Return the settings with other options for some backends, by their names."""
    backends: dict[str, Any] = dict(configured.backends)
    for name, changed in options.items():
        backends[name] = {**backends[name], "OPTIONS": {**backends[name]["OPTIONS"], **changed}}
    return replace(configured, backends=backends)


@pytest.fixture
def chained(configured: PriceSettings) -> Chained:
    """Return the way to a chain of some sources."""

    def build(*sources: str, timeout: float = 5.0, **options: Mapping[str, object]) -> PriceChain:
        given = replace(with_options(configured, **options), sources=sources, timeout=timeout)
        chain = build_chain(configured=given, given={}, from_file={}, default_price=None, now=NOW)
        assert not isinstance(chain, Refusal), chain
        return chain

    return build
