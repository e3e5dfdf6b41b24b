"""A second opinion on splits: the days one after another, each with its split at the open and its trades after it.

It knows nothing of entries, of their order or of late booking: what is held is a number of units, what they cost,
and what was earned. Written apart from the product, with fractions.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction


def cents(value: Fraction) -> Decimal:
    """Return whole cents, half to even."""
    scaled = value * 100
    return Decimal(round(scaled)).scaleb(-2).quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN)


@dataclass
class Chronicle:
    """One symbol: signed units and their cost (what was paid; below zero: what a short brought in)."""

    units: Fraction = Fraction(0)
    cost: Decimal = Decimal(0)
    cash: Decimal = Decimal(0)
    earned: Decimal = Decimal(0)

    def trade(self, units: Fraction, price: Decimal, *, opening: bool) -> bool:
        """Trade signed units; False where what it opens is held the other way, or what it closes is not there."""
        paid = cents(units * Fraction(price))
        after = self.units + units
        if opening != (self.units * units >= 0) or self.units * after < 0 or not (opening or self.units):
            return False
        if opening:
            self.cost += paid
        else:
            left = cents(Fraction(self.cost) * -units / self.units)
            self.cost -= left
            self.earned += -paid - left
        self.units, self.cash = after, self.cash - paid
        return True

    def split(self, ratio: Fraction, *, step: Fraction, price: Decimal) -> None:
        """Multiply the units; what is below a step is paid at the price."""
        exact = abs(self.units) * ratio
        whole = exact // step * step
        sign = 1 if self.units > 0 else -1
        if exact > whole:
            paid = sign * cents((exact - whole) * Fraction(price))
            left = cents(Fraction(self.cost) * (exact - whole) / exact)
            self.cash, self.cost, self.earned = self.cash + paid, self.cost - left, self.earned + paid - left
        self.units = sign * whole
