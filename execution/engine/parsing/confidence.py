"""How sure research is -> a fraction from 0 to 1, where the whole document shows the scale."""

import re
from collections.abc import Iterable
from decimal import Decimal

from common.money import HUNDRED, ZERO

_PERCENT = re.compile(r"(\d{1,3}(?:\.\d{1,6})?) ?%", re.ASCII)
_LONGEST = 16  # characters of a confidence in percent


def confidence_divisor(values: Iterable[object]) -> Decimal | None:
    """Tell 0.88 from 85 by the whole document: 1 for fractions, 100 for percent, None where both are possible."""
    largest = max((value for value in values if isinstance(value, Decimal)), default=ZERO)
    if largest < 1:
        return Decimal(1)
    # A document whose largest value is 1 may mean 1 % or certainty; up to 10, a mark out of ten or percent.
    return HUNDRED if largest > 10 else None


def read_confidence(value: object, divisor: Decimal | None) -> Decimal | None:
    """Return a confidence as a fraction, or None where its scale is unclear; "85%" says its scale itself."""
    if isinstance(value, str):
        match = _PERCENT.fullmatch(value.strip()) if len(value) <= _LONGEST else None
        return read_confidence(Decimal(match[1]), HUNDRED) if match else None
    if not isinstance(value, Decimal) or divisor is None or not 0 <= value <= HUNDRED:
        return None
    return round(value / divisor, 6)
