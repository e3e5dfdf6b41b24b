"""What people and programs write where a corporate action is entered, read the same at every door."""

from decimal import Decimal, InvalidOperation
from fractions import Fraction

from portfolios.ledger import CannotBookError

_MOST_DIGITS = 15  # before or behind the point: beyond it no ratio means anything, and its fraction takes for ever


def number(text: str, *, name: str) -> Decimal:
    """Return the number in `text`. Raises CannotBookError for anything else; its range is the books' to check."""
    try:
        value = Decimal(text.strip())
    except InvalidOperation as error:
        raise CannotBookError(f"{name} is {text!r}: not a number") from error
    if not value.is_finite():
        raise CannotBookError(f"{name} is {text!r}: not a finite number")
    return value


def split_ratio(text: str) -> Fraction:
    """Return new units for one old from `4`, `4:1` or `1:10`, exactly. Raises CannotBookError."""
    new, colon, old = text.partition(":")
    divisor = _exact(old) if colon else Fraction(1)
    if divisor <= 0:
        raise CannotBookError(f"ratio is {text!r}: must be above zero")
    return _exact(new) / divisor


def _exact(text: str) -> Fraction:
    value = number(text, name="ratio")
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > _MOST_DIGITS or abs(value.adjusted()) > _MOST_DIGITS:
        raise CannotBookError(f"ratio is {text!r}: at most {_MOST_DIGITS} digits before and behind the point")
    return Fraction(value)
