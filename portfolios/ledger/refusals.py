"""What the books do not take, in words for who asked: the error of every refusal, and the rules that many share."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

from common.money import AmountOutOfRangeError, quantize_cash
from portfolios.ledger.audit_context import AuditContext


class CannotBookError(Exception):
    """A change that people asked for and that the books do not take: the field, its value and the rule."""


@contextmanager
def range_is_a_rule() -> Iterator[None]:
    """Refuse what people typed and the books cannot hold like anything else that breaks a rule."""
    try:
        yield
    except AmountOutOfRangeError as error:
        raise CannotBookError(str(error)) from error


def require_signed(context: AuditContext) -> None:
    """Raise CannotBookError for a change by hand without an actor or a reason."""
    if not context.reason.strip() or not context.actor.strip():
        raise CannotBookError("a change by hand needs an actor and a reason")


def require_above_zero(value: Decimal, name: str) -> None:
    """Raise CannotBookError for what is not a number above zero; `name` says what it is."""
    if not value.is_finite() or value <= 0:
        raise CannotBookError(f"{name} is {value}: must be above zero")


def positive_cash(amount: Decimal, name: str) -> Decimal:
    """Return `amount` in cents. Raises CannotBookError where nothing above zero is left of it."""
    cents = quantize_cash(amount)
    if cents <= 0:
        raise CannotBookError(f"{name} is {amount}: must be above zero")
    return cents
