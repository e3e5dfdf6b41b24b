"""The writer of reference data: strategies, their policies, securities. It moves no cash and no holding.

What is there stays: these functions add, and fill in what nobody has confirmed. People change reference data in the
admin, and nothing here undoes that, but for `import_securities`, where a person says what holds now.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Max

from common.money import plain
from portfolios.models import Price, RiskPolicy, Security, Strategy

ASSET_CLASSES: tuple[str, ...] = tuple(Security.AssetClass.values)
EQUITY: str = Security.AssetClass.EQUITY
# The Global Industry Classification Standard's eleven, as of 2023.
SECTORS: tuple[str, ...] = (
    "Communication Services",
    "Consumer Discretionary",
    "Consumer Staples",
    "Energy",
    "Financials",
    "Health Care",
    "Industrials",
    "Information Technology",
    "Materials",
    "Real Estate",
    "Utilities",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityData:
    """What an import knows of a security. `sector` is a GICS sector, empty where it has none.

    `is_active` None leaves what is there; a new security is active then.
    """

    symbol: str
    name: str
    sector: str
    exchange: str
    currency: str
    asset_class: str
    quantity_step: Decimal
    is_active: bool | None = None


# What an import writes over a security that is there.
_IMPORTED = [*(field.name for field in fields(SecurityData) if field.name != "symbol"), "is_verified"]


@dataclass(frozen=True, slots=True)
class Written:
    """How many rows were created, and how many that were there were filled in."""

    created: int
    completed: int


@dataclass(frozen=True, slots=True)
class Change:
    """What an import changed of a security that was there, as text."""

    symbol: str
    field: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import of securities wrote, by symbol, and which securities of the books nobody has completed yet."""

    created: Sequence[str]
    changed: Sequence[Change]
    unchanged: Sequence[str]
    unverified: Sequence[str]


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


def forget_prices(symbols: Iterable[str], *, source: str, as_of: datetime) -> None:
    """Take back what `source` said of `symbols` at one time."""
    Price.objects.filter(security_id__in=sorted(symbols), source=source, as_of=as_of).delete()


def create_strategy(*, strategy_id: uuid.UUID, name: str) -> Strategy:
    """Write a new active strategy. Raises IntegrityError where its id or name is taken."""
    return Strategy.objects.create(id=strategy_id, name=name)


def ensure_strategy(
    *, strategy_id: uuid.UUID, name: str, description: str, status: str = Strategy.Status.ACTIVE
) -> bool:
    """Write the strategy unless its id exists; return whether it was written. Raises StrategyNameTakenError."""
    if Strategy.objects.filter(pk=strategy_id).exists():
        return False
    owner = Strategy.objects.filter(name=name).first()
    if owner is not None:
        raise StrategyNameTakenError(name=name, owner=owner.pk)
    Strategy.objects.create(id=strategy_id, name=name, description=description, status=status)
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


def succeed_security(*, old: str, new: str) -> None:
    """Let `new` take the place of `old`: where it is new itself it gets what is known of it, and `old` is not
    traded any more. Wants an open transaction.
    """
    former = Security.objects.get(symbol=old)
    names = (
        "name",
        "sector",
        "exchange",
        "currency",
        "asset_class",
        "quantity_step",
        "minimum_quantity",
        "is_verified",
    )
    Security.objects.get_or_create(symbol=new, defaults={name: getattr(former, name) for name in names})
    Security.objects.filter(symbol=old).update(is_active=False)
    Security.objects.filter(symbol=new).update(is_active=True)


def revive_security(symbol: str) -> None:
    """Let a security be traded again that another symbol had taken the place of. Wants an open transaction."""
    Security.objects.filter(symbol=symbol).update(is_active=True)


def complete_securities(securities: Sequence[SecurityData]) -> Written:
    """Write each security that is missing and fill in each that is unverified; a verified one stays as it is.

    Wants an open transaction. The number of statements does not depend on the number of securities.
    """
    known = _known(securities)
    wanted = [data for data in securities if data.symbol not in known or not known[data.symbol].is_verified]
    _write_securities([_merged(known.get(data.symbol), data) for data in wanted])
    completed = sum(data.symbol in known for data in wanted)
    return Written(created=len(wanted) - completed, completed=completed)


def import_securities(securities: Sequence[SecurityData]) -> Imported:
    """Write each security as it is given, verified; return what that changed. The symbols must differ.

    What is as given already is not written again. Wants an open transaction; the securities that are there stay
    locked in it, so that the old values of the report are those that were replaced. The number of statements does
    not depend on the number of securities.
    """
    known = _known(securities)
    created = {data.symbol for data in securities if data.symbol not in known}
    changes = [change for data in securities for change in _changes(known.get(data.symbol), data)]
    touched = created.union(change.symbol for change in changes)
    _write_securities([_merged(known.get(data.symbol), data) for data in securities if data.symbol in touched])
    unverified = Security.objects.filter(is_verified=False).order_by("symbol").values_list("symbol", flat=True)
    return Imported(
        created=sorted(created),
        changed=sorted(changes, key=lambda change: change.symbol),
        unchanged=sorted({data.symbol for data in securities} - touched),
        unverified=list(unverified),
    )


def _known(securities: Iterable[SecurityData]) -> dict[str, Security]:
    """Return the rows that are there, locked: nobody changes them between this look and the write.

    Without their keys, so that an execution which writes orders of them need not wait.
    """
    symbols = sorted(data.symbol for data in securities)
    rows = Security.objects.select_for_update(no_key=True).filter(symbol__in=symbols).order_by("symbol")
    return {row.symbol: row for row in rows}


def _columns(data: SecurityData) -> dict[str, Any]:
    """Return what the import knows, by column; what it does not know is left out."""
    return {name: value for name, value in asdict(data).items() if value is not None} | {"is_verified": True}


def _merged(row: Security | None, data: SecurityData) -> Security:
    """Return the security to write: what the import does not know stays as it is in `row`."""
    kept = {} if row is None else {"is_active": row.is_active}
    return Security(**{**kept, **_columns(data)})


def _changes(row: Security | None, data: SecurityData) -> list[Change]:
    """Return what differs from the row that is there; of a new security nothing does."""
    if row is None:
        return []
    return [
        Change(row.symbol, name, _text(getattr(row, name)), _text(value))
        for name, value in _columns(data).items()
        if getattr(row, name) != value
    ]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return plain(value, places=0) if isinstance(value, Decimal) else str(value)


def _write_securities(rows: Sequence[Security]) -> None:
    """Write new rows, and over those of the same symbol. Sorted, so that two callers cannot deadlock."""
    Security.objects.bulk_create(
        sorted(rows, key=lambda row: row.symbol),
        update_conflicts=True,
        unique_fields=["symbol"],
        update_fields=[*_IMPORTED, "updated_at"],
    )
