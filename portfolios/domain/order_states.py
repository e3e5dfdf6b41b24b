"""Where an order is, and where it may go from there. A status that leads nowhere is final."""

from collections.abc import Mapping

from common.choices import Choices


class OrderStatus(Choices):
    """Where an order is on its way."""

    PENDING = "pending", "Pending"
    FILLED = "filled", "Filled"
    PARTIALLY_FILLED = "partially_filled", "Partially filled"
    CANCELED = "canceled", "Canceled"
    REJECTED = "rejected", "Rejected by the venue"
    FAILED = "failed", "Failed"


ORDER_TRANSITIONS: Mapping[str, frozenset[str]] = {
    OrderStatus.PENDING: frozenset(
        {
            OrderStatus.FILLED,
            OrderStatus.PARTIALLY_FILLED,
            OrderStatus.CANCELED,
            OrderStatus.REJECTED,
            OrderStatus.FAILED,
        }
    ),
    OrderStatus.PARTIALLY_FILLED: frozenset({OrderStatus.FILLED, OrderStatus.CANCELED}),
    OrderStatus.FILLED: frozenset(),
    OrderStatus.CANCELED: frozenset(),
    OrderStatus.REJECTED: frozenset(),
    OrderStatus.FAILED: frozenset(),
}
