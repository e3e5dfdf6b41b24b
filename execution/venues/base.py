"""What a venue is: it takes orders and says in execution reports what became of them, in the words of FIX."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from portfolios.domain.accounting import Action, Fill


class ExecType(StrEnum):
    """What an execution report says of its order: ExecType, tag 150."""

    TRADE = "F"
    REJECTED = "8"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """One order as a venue takes it: NewOrderSingle. `price` is the reference price per unit that sized it.

    `client_order_id` is ClOrdID, tag 11: the same order has the same one, however often it is submitted.
    """

    client_order_id: str
    symbol: str
    action: Action
    quantity: Decimal
    price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionReport:
    """What became of one order: a TRADE has its fill (LastQty, LastPx, Commission), a rejection its Text."""

    client_order_id: str
    exec_type: ExecType
    fill: Fill | None = None
    text: str = ""


class Venue(Protocol):
    """Where orders are filled."""

    def submit(self, orders: Sequence[NewOrder]) -> Sequence[ExecutionReport]:
        """Take the orders and return one report of each, in their order.

        A run calls this inside its transaction: a venue that waits for a network has no place here (decision 11).
        """
        ...
