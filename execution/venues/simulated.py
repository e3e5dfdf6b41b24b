"""The simulated venue: it fills every order at once and whole, at its price moved by slippage, for a fee."""

from collections.abc import Sequence
from dataclasses import dataclass

from execution.engine.planning.costs import simulate_fill
from execution.engine.planning.policy import Costs
from execution.venues.base import ExecType, ExecutionReport, NewOrder


@dataclass(frozen=True, slots=True)
class SimulatedVenue:
    """A venue without a market behind it. Planning expects the same costs, so it fills what was planned."""

    costs: Costs

    def submit(self, orders: Sequence[NewOrder]) -> list[ExecutionReport]:
        """Fill the orders. Raises AmountOutOfRangeError where a fill does not fit the books."""
        return [self._filled(order) for order in orders]

    def _filled(self, order: NewOrder) -> ExecutionReport:
        fill = simulate_fill(
            symbol=order.symbol,
            action=order.action,
            quantity=order.quantity,
            price=order.price,
            costs=self.costs,
        )
        return ExecutionReport(client_order_id=order.client_order_id, exec_type=ExecType.TRADE, fill=fill)
