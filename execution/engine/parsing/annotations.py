"""What research says beside its instructions: reasons, prices, context. Nothing here decides about money."""

import json
import re
from collections.abc import Iterable
from decimal import Decimal

from common.money import AmountOutOfRangeError, quantize_price
from common.text import MAX_TEXT, clean, clean_value

_DOLLARS = re.compile(r"\$ ?(\d{1,9}(?:\.\d{1,6})?)", re.ASCII)
_LONGEST = 24  # characters of a price in words


def as_text(value: object) -> str:
    """Return text as it is and anything else as JSON, cleaned and cut to the longest text that is kept."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(clean_value(value), ensure_ascii=False)
    return clean(text[: MAX_TEXT + 1])[:MAX_TEXT]


def first_text(values: Iterable[object]) -> str:
    """Return the first of `values` that says something; the points of a list are joined by semicolons."""
    said = (_joined(value) for value in values)
    return next((text for text in said if text.strip()), "")


def claimed_price(value: object) -> Decimal | None:
    """Return a price that the research names: a plain number, or one in dollars ("$460.50").

    It is a remark, not an instruction: a range, a word and what the books cannot hold are left out.
    """
    number = _dollars(value) if isinstance(value, str) else value
    if not isinstance(number, Decimal) or number <= 0:
        return None
    try:
        return quantize_price(number) or None
    except AmountOutOfRangeError:
        return None


def _dollars(text: str) -> Decimal | None:
    match = _DOLLARS.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    return Decimal(match[1]) if match else None


def _joined(value: object) -> str:
    if isinstance(value, list) and all(isinstance(point, str) for point in value):
        return as_text("; ".join(value))
    return as_text(value)
