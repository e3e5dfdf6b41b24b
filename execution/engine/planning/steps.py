"""Whole steps: every order is a multiple of its quantity step, whatever lies off the step in what is held."""

from decimal import Decimal

from common.money import ZERO, quantize_quantity


def portion(ideal: Decimal, *, of: Decimal, step: Decimal, rounding: str) -> Decimal:
    """Return what a reduction by `ideal` >= 0 units takes of a holding: whole steps, or all of it with what lies
    off the step. Raises AmountOutOfRangeError where a quantity does not fit the books.
    """
    if ideal >= of:
        return of
    return min(of, quantize_quantity(ideal, step=step, rounding=rounding))


def reached(ideal: Decimal, *, held: Decimal, step: Decimal, rounding: str) -> Decimal:
    """Return what is held once orders of whole steps have come as near to `ideal` >= 0 units as they can.

    That is zero where `ideal` rounds to zero, else a whole number of steps away from `held`, whose part off the
    step stays. Raises AmountOutOfRangeError where a quantity does not fit the books.
    """
    if not quantize_quantity(ideal, step=step, rounding=rounding):
        return ZERO
    remainder = held % step
    return quantize_quantity(max(ideal - remainder, ZERO), step=step, rounding=rounding) + remainder


def whole_part(quantity: Decimal, *, step: Decimal) -> Decimal:
    """Return the whole steps in `quantity` >= 0."""
    return quantity - quantity % step
