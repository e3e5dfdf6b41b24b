"""Where an order may go from where it is. A status that leads nowhere is final."""

from collections.abc import Mapping

ORDER_TRANSITIONS: Mapping[str, frozenset[str]] = {
    "pending": frozenset({"filled", "partially_filled", "canceled", "rejected", "failed"}),
    "partially_filled": frozenset({"filled", "canceled"}),
    "filled": frozenset(),
    "canceled": frozenset(),
    "rejected": frozenset(),
    "failed": frozenset(),
}
