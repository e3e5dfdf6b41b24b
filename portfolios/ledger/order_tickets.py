"""Orders on their way into the books, and as they stand there."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from portfolios.domain.accounting import Action, Fill
from portfolios.models import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A filled order on its way into the books. `limit_price` is the price per unit that sized it."""

    fill: Fill
    limit_price: Decimal
    client_order_id: str
    is_simulated: bool
    metadata: Mapping[str, Any]
    order_id: uuid.UUID = field(default_factory=uuid.uuid4)
    placed_at: datetime | None = None  # where it was placed before it was filled


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedOrder:
    """An order as a person types it: units and a price per unit above zero."""

    action: Action
    symbol: str
    quantity: Decimal
    price: Decimal


@dataclass(frozen=True, slots=True)
class BookedOrder:
    """One order as it stands in the books: the position it touched, and how."""

    order: Order
    position_id: uuid.UUID
    effect: str  # "opened", "increased", "reduced", "closed"
