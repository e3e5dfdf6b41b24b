"""What a split makes of one holding: whole steps, and cash for the rest. Pure."""

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, Decimal, localcontext
from fractions import Fraction

from common.money import QUANTITY_STEP, ZERO, quantize_average, quantize_cash, quantize_quantity
from portfolios.domain.accounting import Holding, Side

_PRECISION = 40


class NoSplitPriceError(Exception):
    """A split leaves a part of a step, and nobody knows what that is worth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A split on one day: `ratio` new units for one old.

    Holdings are whole multiples of `step` afterwards. `price` per new unit pays what is left below it; None:
    unknown.
    """

    on: date
    ratio: Fraction
    step: Decimal
    price: Decimal | None


@dataclass(frozen=True, slots=True)
class Rest:
    """What a split leaves below a step: new units (6 places, rounded down), the cash for them, signed, and their
    part of the cost. A short pays. `realized` is the profit of that sale.
    """

    quantity: Decimal
    cash: Decimal
    cost: Decimal
    realized: Decimal


@dataclass(frozen=True, slots=True)
class SplitUnits:
    """New units in whole steps, and what was left below one."""

    quantity: Decimal
    rest: Rest | None


def split_units(holding: Holding, split: Split) -> SplitUnits:
    """Return what an open holding becomes. A part of a step is paid at the split's price, in cents, once.

    Raises NoSplitPriceError where there is such a part and no price; AmountOutOfRangeError where the books cannot
    hold the units.
    """
    exact = Fraction(holding.quantity) * split.ratio
    whole = exact // Fraction(split.step) * Fraction(split.step)
    quantity = quantize_quantity(_decimal(whole), step=QUANTITY_STEP)
    left = exact - whole
    if not left:
        return SplitUnits(quantity, None)
    if split.price is None:
        raise NoSplitPriceError
    return SplitUnits(quantity, _rest(holding, left, of=exact, price=split.price))


def divided(price: Decimal, ratio: Fraction) -> Decimal:
    """Return a price per unit of before a split of `ratio` in units of after it, with 6 places."""
    return quantize_average(_decimal(Fraction(price) / ratio))


def _rest(holding: Holding, left: Fraction, *, of: Fraction, price: Decimal) -> Rest:
    sign = 1 if holding.side is Side.LONG else -1
    cash = sign * quantize_cash(_decimal(left * Fraction(price)))
    cost = quantize_cash(_decimal(Fraction(holding.cost_basis) * left / of))
    units = quantize_quantity(_decimal(left), step=QUANTITY_STEP, rounding=ROUND_DOWN)
    return Rest(units, cash or ZERO, cost, cash - sign * cost)


def _decimal(value: Fraction) -> Decimal:
    with localcontext() as context:
        context.prec = _PRECISION
        return Decimal(value.numerator) / Decimal(value.denominator)
