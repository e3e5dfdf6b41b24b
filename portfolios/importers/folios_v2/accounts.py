"""What the file says of one account, and what becomes of it: a plan, or why it is left out. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from portfolios.domain.accounting import Holding
from portfolios.domain.opening_history import PastEvent, PastOrder, Traded
from portfolios.importers.folios_v2.findings import Finding
from portfolios.importers.folios_v2.types import AccountKey, KnownAccount, KnownOrder, KnownPosition


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPlan:
    """What is booked for one account, and what it must come to: cash, and holdings by symbol."""

    account_id: UUID
    key: AccountKey
    events: tuple[PastEvent, ...]
    unfilled: tuple[PastOrder, ...]
    cash: Decimal
    holdings: dict[str, Holding]
    as_of: datetime
    findings: tuple[Finding, ...]

    @property
    def orders(self) -> tuple[PastOrder, ...]:
        """All orders, filled or not."""
        return (*(event.order for event in self.events if isinstance(event, Traded)), *self.unfilled)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """An account that is not imported, and why."""

    key: AccountKey
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRows:
    """Everything that the file says of one account."""

    key: AccountKey
    stored: KnownAccount | None
    positions: Sequence[KnownPosition]
    orders: Sequence[KnownOrder]
    file: str
    now: datetime

    @property
    def cash(self) -> Decimal | None:
        """The stored cash, None where the orders have to say it."""
        return self.stored.cash if self.stored else None
