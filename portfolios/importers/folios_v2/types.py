"""What the import knows of a folios_v2 database once its rows are understood. Pure.

A value of these types is one that the books can take: identified, in range, rounded as the books round.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from portfolios.domain.accounting import Action, Side
from portfolios.importers.folios_v2.findings import Finding


@dataclass(frozen=True, slots=True, order=True)
class AccountKey:
    """Whose books: one strategy at one provider."""

    strategy_id: UUID
    provider: str

    def __str__(self) -> str:
        return f"account {self.strategy_id}/{self.provider}"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownStrategy:
    """A strategy. `limits` are the columns of its risk policy by name, None where it has none."""

    id: UUID
    name: str
    description: str
    status: str
    limits: Mapping[str, Decimal | bool] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAccount:
    """An account. `cash` in cents, perhaps negative, None where it cannot be read; `as_of` is when it held."""

    id: UUID
    key: AccountKey
    cash: Decimal | None
    equity: Decimal | None
    as_of: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPosition:
    """A position. What is `doubtful` says only that something was held: its side or numbers cannot be read."""

    name: str
    key: AccountKey
    symbol: str
    side: Side
    quantity: Decimal
    average_price: Decimal
    is_open: bool
    opened_at: datetime | None
    doubtful: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownOrder:
    """An order. `at` is when it was filled, or placed where it was not; `source_id` its id in the file."""

    id: UUID
    source_id: str
    key: AccountKey
    symbol: str
    action: Action
    quantity: Decimal
    limit_price: Decimal
    status: str
    placed_at: datetime
    at: datetime
    metadata: Mapping[str, object]

    @property
    def name(self) -> str:
        """What the order is called in messages."""
        return f"order {self.source_id}"


@dataclass(slots=True)
class Known:
    """Everything that was understood of a file, and what was found on the way."""

    file: str
    strategies: list[KnownStrategy] = field(default_factory=list)
    accounts: list[KnownAccount] = field(default_factory=list)
    positions: list[KnownPosition] = field(default_factory=list)
    orders: list[KnownOrder] = field(default_factory=list)
    # Accounts of which the file says two things at once; nothing of them is imported.
    ambiguous: set[AccountKey] = field(default_factory=set)
    executed_requests: Sequence[UUID] = ()
    findings: list[Finding] = field(default_factory=list)
