"""What happened to an account before its books were opened here, one event after another. Pure.

A history is told in the order in which it is booked. Each event becomes one ledger entry with the time it happened.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from portfolios.domain.accounting import Action, Fill, Side


@dataclass(frozen=True, slots=True, kw_only=True)
class PastOrder:
    """An order of the past in the words of the books. `limit_price` is the price per unit; a fill had it too."""

    order_id: UUID
    client_order_id: str
    symbol: str
    action: Action
    quantity: Decimal
    limit_price: Decimal
    status: str
    placed_at: datetime
    is_simulated: bool
    metadata: Mapping[str, object]

    @property
    def fill(self) -> Fill:
        """The fill of the whole order, without a fee."""
        return Fill(self.symbol, self.action, self.quantity, self.limit_price)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposited:
    """Cash > 0 that came in from outside."""

    at: datetime
    reason: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Traded:
    """An order that was filled as a whole."""

    at: datetime
    reason: str
    order: PastOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldingStated:
    """What was held of a symbol, whatever the orders add up to; a quantity of zero closes the holding."""

    at: datetime
    reason: str
    symbol: str
    side: Side
    quantity: Decimal
    average_price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class CashStated:
    """What the cash was, whatever the entries add up to."""

    at: datetime
    reason: str
    balance: Decimal


PastEvent = Deposited | Traded | HoldingStated | CashStated
