"""The writer of reference data: strategies, their policies, securities. It moves no cash and no holding.

What is there stays: these functions add, and fill in what nobody has confirmed. People change reference data in the
admin, and nothing here undoes that.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Max

from portfolios.models import Price, RiskPolicy, Security, Strategy

ASSET_CLASSES: tuple[str, ...] = tuple(Security.AssetClass.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityData:
    """What an import knows of a security. `sector` is a GICS sector, empty where it is unknown."""

    symbol: str
    name: str
    sector: str
    exchange: str
    currency: str
    asset_class: str
    quantity_step: Decimal


@dataclass(frozen=True, slots=True)
class Written:
    """How many rows were created, and how many that were there were filled in."""

    created: int
    completed: int


class StrategyNameTakenError(Exception):
    """Another strategy has the name."""

    def __init__(self, *, name: str, owner: uuid.UUID) -> None:
        super().__init__(f"strategy {owner} has the name {name!r} already")
        self.name = name
        self.owner = owner


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceData:
    """What one unit of a security cost at a time (`as_of`, aware), in the account's currency, and who says so."""

    symbol: str
    price: Decimal
    source: str
    as_of: datetime


def store_prices(prices: Iterable[PriceData]) -> int:
    """Write the prices, and return how many there are; the securities must exist.

    A price that the same source gave for the same time before is replaced: sources correct themselves.
    """
    rows = [
        Price(security_id=item.symbol, price=item.price, source=item.source, as_of=item.as_of)
        for item in sorted(prices, key=lambda item: (item.symbol, item.source, item.as_of))
    ]
    Price.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["security", "source", "as_of"], update_fields=["price"]
    )
    return len(rows)


def create_strategy(*, strategy_id: uuid.UUID, name: str) -> Strategy:
    """Write a new active strategy. Raises IntegrityError where its id or name is taken."""
    return Strategy.objects.create(id=strategy_id, name=name)


def ensure_strategy(*, strategy_id: uuid.UUID, name: str, description: str) -> bool:
    """Write the strategy unless its id exists; return whether it was written. Raises StrategyNameTakenError."""
    if Strategy.objects.filter(pk=strategy_id).exists():
        return False
    owner = Strategy.objects.filter(name=name).first()
    if owner is not None:
        raise StrategyNameTakenError(name=name, owner=owner.pk)
    Strategy.objects.create(id=strategy_id, name=name, description=description)
    return True


def ensure_risk_policy(*, strategy_id: uuid.UUID, version: int, limits: Mapping[str, Any]) -> bool:
    """Write one version of a strategy's policy unless the strategy has it; return whether it was written.

    `limits` are the policy's columns by name. A version that is there stays as it is. Raises
    TypeError for an unknown column and IntegrityError for a value that the constraints refuse.
    """
    _, created = RiskPolicy.objects.get_or_create(strategy_id=strategy_id, version=version, defaults=dict(limits))
    return created


def add_risk_policy(*, strategy_id: uuid.UUID, limits: Mapping[str, Any]) -> RiskPolicy:
    """Write the next version of a strategy's policy and return it. `limits` are the policy's columns by name.

    Raises IntegrityError where another caller adds a version at the same time, or a constraint refuses a value.
    """
    last = RiskPolicy.objects.filter(strategy_id=strategy_id).aggregate(last=Max("version"))["last"] or 0
    return RiskPolicy.objects.create(strategy_id=strategy_id, version=last + 1, **limits)


def ensure_securities(symbols: Iterable[str], *, known: Iterable[str]) -> None:
    """Write an unverified security for each of `symbols` that is not `known`."""
    missing = sorted(set(symbols) - set(known))
    if missing:
        # Another account's transaction may be adding the same symbol; sorted, so that two cannot deadlock.
        Security.objects.bulk_create([Security(symbol=symbol) for symbol in missing], ignore_conflicts=True)


def complete_securities(securities: Sequence[SecurityData]) -> Written:
    """Write each security that is missing and fill in each that is unverified; a verified one stays as it is.

    Wants an open transaction. The number of statements does not depend on the number of securities.
    """
    symbols = [data.symbol for data in securities]
    verified = dict(Security.objects.filter(symbol__in=symbols).values_list("symbol", "is_verified"))
    wanted = sorted(
        (data for data in securities if not verified.get(data.symbol, False)), key=lambda data: data.symbol
    )
    Security.objects.bulk_create(
        [Security(**asdict(data), is_verified=True) for data in wanted],
        update_conflicts=True,
        unique_fields=["symbol"],
        update_fields=[
            "name",
            "sector",
            "exchange",
            "currency",
            "asset_class",
            "quantity_step",
            "is_verified",
            "updated_at",
        ],
    )
    completed = sum(data.symbol in verified for data in wanted)
    return Written(created=len(wanted) - completed, completed=completed)
