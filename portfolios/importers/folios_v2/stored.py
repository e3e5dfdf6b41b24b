"""What the predecessor stored as held, one holding a symbol. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from common.money import QUANTITY_STEP, ZERO, quantize_average, quantize_quantity
from portfolios.domain.accounting import Holding, Side
from portfolios.importers.folios_v2.types import KnownPosition

AVERAGE_TOLERANCE = Decimal("0.0001")  # the places that a single price has


@dataclass(frozen=True, slots=True)
class Stored:
    """One open holding as the predecessor stored it, its rows merged."""

    symbol: str
    side: Side
    quantity: Decimal
    average_price: Decimal
    opened_at: datetime | None


def merge(symbol: str, rows: Sequence[KnownPosition]) -> Stored | None:
    """Return the one holding that `rows` come to: each side added up, a short taken from a long."""
    long, short = (_side(symbol, side, [row for row in rows if row.side is side]) for side in Side)
    if long is None or short is None:
        return long or short
    if long.quantity == short.quantity:
        return None
    larger, smaller = (long, short) if long.quantity > short.quantity else (short, long)
    return replace(larger, quantity=larger.quantity - smaller.quantity)


def _side(symbol: str, side: Side, rows: Sequence[KnownPosition]) -> Stored | None:
    quantity = quantize_quantity(sum((row.quantity for row in rows), ZERO), step=QUANTITY_STEP)
    if not quantity:
        return None
    worth = sum((row.quantity * row.average_price for row in rows), ZERO)
    opened = [row.opened_at for row in rows if row.opened_at is not None]
    return Stored(symbol, side, quantity, quantize_average(worth / quantity), min(opened, default=None))


def agree(stored: Stored, held: Holding) -> bool:
    """Whether both are the same but for the noise in an average."""
    near = abs(stored.average_price - held.average_price) <= AVERAGE_TOLERANCE
    return (stored.side, stored.quantity) == (held.side, held.quantity) and near
