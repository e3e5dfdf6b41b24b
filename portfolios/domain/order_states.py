"""Where an order is, where it may go from there, and who may send it there: one table, for code and database.

DENIED is ours: the limits or the account's state stop an order before any venue sees it. REJECTED is a venue's: it
was submitted, and the venue did not take it. A status that leads nowhere is final.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from common.choices import Choices


class OrderStatus(Choices):
    """Where an order is on its way."""

    PENDING = "pending", "Pending"
    FILLED = "filled", "Filled"
    PARTIALLY_FILLED = "partially_filled", "Partially filled"
    CANCELED = "canceled", "Canceled"
    REJECTED = "rejected", "Rejected by the venue"
    FAILED = "failed", "Failed"


# Where an order is that is not in the books. What is denied stays a line's decision, with its codes and numbers.
PLANNED = "planned"
DENIED = "denied"


class Cause(StrEnum):
    """Who moves an order: our own checks and faults, the venue that has it, or a person in the admin."""

    OURS = "ours"
    VENUE = "venue"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Transition:
    """One legal step, and who may cause it."""

    before: str
    after: str
    causes: frozenset[Cause]


def _step(before: str, after: str, *causes: Cause) -> Transition:
    return Transition(before, after, frozenset(causes))


TRANSITIONS: tuple[Transition, ...] = (
    _step(PLANNED, DENIED, Cause.OURS),
    _step(PLANNED, OrderStatus.PENDING, Cause.OURS, Cause.PERSON),
    _step(OrderStatus.PENDING, OrderStatus.FILLED, Cause.VENUE, Cause.PERSON),
    _step(OrderStatus.PENDING, OrderStatus.PARTIALLY_FILLED, Cause.VENUE),
    _step(OrderStatus.PENDING, OrderStatus.CANCELED, Cause.VENUE, Cause.PERSON),
    _step(OrderStatus.PENDING, OrderStatus.REJECTED, Cause.VENUE),
    _step(OrderStatus.PENDING, OrderStatus.FAILED, Cause.OURS),
    _step(OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED, Cause.VENUE),
    _step(OrderStatus.PARTIALLY_FILLED, OrderStatus.CANCELED, Cause.VENUE),
)

# What the database lets happen to an order that is in the books, whoever causes it.
ORDER_TRANSITIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        status.value: frozenset(str(step.after) for step in TRANSITIONS if step.before == status)
        for status in OrderStatus
    }
)
TERMINAL: frozenset[str] = frozenset(status for status, afters in ORDER_TRANSITIONS.items() if not afters)
# An order in one of these has moved cash and a holding.
EXECUTED: frozenset[str] = frozenset({OrderStatus.FILLED.value, OrderStatus.PARTIALLY_FILLED.value})


def may_go(before: str, after: str, *, cause: Cause) -> bool:
    """Whether `cause` may send an order from `before` to `after`."""
    return any(step.before == before and step.after == after and cause in step.causes for step in TRANSITIONS)
