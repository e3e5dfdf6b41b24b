"""One raw value of a folios_v2 row -> one value that the books can take, or why it is none. Pure."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from uuid import NAMESPACE_URL, UUID, uuid5

from common.identifiers import SYMBOL_RULE, NoSymbol, read_declared_symbol
from common.money import (
    PERCENT_LIMIT,
    QUANTITY_STEP,
    quantize_cash,
    quantize_percent,
    quantize_price,
    quantize_quantity,
)
from portfolios.domain.vocabulary import provider_meant
from portfolios.importers.folios_v2.findings import shown

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
_MAX_NUMBER = 60  # characters; the noise of a double has 17 digits
_OWN_IDS = uuid5(NAMESPACE_URL, "folios_v2")


class UnreadableError(ValueError):
    """A value is not what its field should hold; the message names the field, the value and the rule."""

    def __init__(self, field: str, value: object, rule: str) -> None:
        super().__init__(f"{field} is {shown(value)}: {rule}")


def own_id(kind: str, text: str) -> UUID:
    """Return the id that stands for a row of the predecessor, the same whatever file it comes from."""
    return uuid5(_OWN_IDS, f"{kind} {text}")


def provider(value: object) -> str | None:
    """Return the provider that `value` names, None for what names none of ours."""
    return provider_meant(value) if isinstance(value, str) else None


def symbol(value: object) -> str:
    """Return the symbol in canonical form (BRK.B). Raises UnreadableError."""
    found = read_declared_symbol(value) if isinstance(value, str) else NoSymbol(f"not {SYMBOL_RULE}")
    if isinstance(found, NoSymbol):
        raise UnreadableError("symbol", value, found.rule)
    return found


def number(value: object, field: str) -> Decimal:
    """Return the number in `value`, exactly as it is written. Raises UnreadableError for anything else."""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        value = str(value)
    text = value.strip() if isinstance(value, str) else ""
    if len(text) > _MAX_NUMBER or not _NUMBER.fullmatch(text):
        raise UnreadableError(field, value, "not a number")
    return Decimal(text)


def cash(value: object, field: str) -> Decimal:
    """Return an amount of cash in cents, perhaps negative. Raises ValueError."""
    return quantize_cash(number(value, field))


def quantity(value: object) -> Decimal:
    """Return a quantity in 6 places, zero or more. Raises ValueError."""
    found = quantize_quantity(number(value, "quantity"), step=QUANTITY_STEP)
    if found < 0:
        raise UnreadableError("quantity", value, "must not be below zero")
    return found


def price(value: object, field: str) -> Decimal:
    """Return a price per unit above zero, as the books keep prices. Raises ValueError."""
    found = quantize_price(number(value, field))
    if found <= 0:
        raise UnreadableError(field, value, "must be above zero")
    return found


def percent(value: object, field: str, *, most: Decimal = PERCENT_LIMIT) -> Decimal:
    """Return a percentage of 0 to `most` in 4 places. Raises ValueError."""
    found = quantize_percent(number(value, field))
    if not 0 <= found <= most:
        raise UnreadableError(field, value, f"must be 0 to {most:f}")
    return found


def moment(value: object) -> datetime | None:
    """Return a time in UTC; one without a zone is UTC. None where it cannot be read."""
    try:
        found = datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
        if found is None:
            return None
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def is_noise(value: object) -> bool:
    """Whether a number has more places than prices and quantities have: what doubles leave behind."""
    text = str(value).strip()
    if not _NUMBER.fullmatch(text):
        return False
    places = Decimal(text).normalize().as_tuple().exponent
    return isinstance(places, int) and places < -6
