"""A second opinion on the books: cash and holdings in whole numbers and fractions, worked out from the rules alone.

Nothing here uses the product's arithmetic. Cash is whole cents, prices and quantities are exact fractions, and what
the rules round is rounded by Python's `round` on a fraction: half to even.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

Number = Decimal | Fraction | int
MILLION = 10**6


def cents(amount: Number) -> int:
    """Return an amount of cash as whole cents, half to even."""
    return round(Fraction(amount) * 100)


def six_places(value: Number) -> Fraction:
    """Return a price or a quantity with six places, half to even."""
    return Fraction(round(Fraction(value) * MILLION), MILLION)


def listed_price(value: Number) -> Fraction:
    """Return a fill's price: four places from 1 on, six below."""
    places = 10_000 if Fraction(value) >= 1 else MILLION
    return Fraction(round(Fraction(value) * places), places)


@dataclass
class Lot:
    """What is held of one symbol. `units` is negative for a short; `cost` and `profit` are cents."""

    units: Fraction
    average: Fraction
    cost: int
    mark: Fraction
    profit: int = 0

    @property
    def value(self) -> int:
        """The signed market value in cents."""
        return cents(self.units * self.mark)


@dataclass(frozen=True)
class Costs:
    """What trading costs: cash an order, basis points of its worth, basis points of slippage."""

    per_order: Decimal = Decimal(0)
    basis_points: Decimal = Decimal(0)
    slippage: Decimal = Decimal(0)

    def paid(self, price: Number, *, buying: bool) -> Fraction:
        """Return the price that a fill gets."""
        moved = Fraction(self.slippage) / 10_000
        return listed_price(Fraction(price) * (1 + moved if buying else 1 - moved))

    def fee(self, units: Number, paid: Number) -> int:
        """Return the fee of a fill in cents."""
        worth = Fraction(units) * Fraction(paid)
        return cents(Fraction(self.per_order) + worth * Fraction(self.basis_points) / 10_000)


@dataclass
class ReferenceBooks:
    """One account: cash in cents, what it owes beside that, open lots by symbol, and the profits of the closed
    ones, oldest first.
    """

    cash: int = 0
    owed: int = 0
    lots: dict[str, Lot] = field(default_factory=dict)
    closed: list[tuple[str, int]] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Cash and holdings at their marks less what is owed, in cents."""
        return self.cash - self.owed + sum(lot.value for lot in self.lots.values())

    def fill(self, symbol: str, action: str, units: Fraction, price: Fraction, fee: int) -> None:
        """Trade `units` > 0."""
        moved = cents(units * price)
        signed = units if action in ("BUY", "BUY_TO_COVER") else -units
        self.cash += (-moved if signed > 0 else moved) - fee
        lot = self.lots.get(symbol)
        if lot is None or (lot.units > 0) == (signed > 0):
            self._add(symbol, signed, price, moved, fee)
        else:
            self._take(symbol, lot, signed, moved, fee)

    def _add(self, symbol: str, signed: Fraction, price: Fraction, moved: int, fee: int) -> None:
        lot = self.lots.setdefault(symbol, Lot(Fraction(0), Fraction(0), 0, price))
        grown = abs(lot.units) + abs(signed)
        lot.average = six_places((abs(lot.units) * lot.average + abs(signed) * price) / grown)
        lot.units += signed
        lot.cost += moved
        lot.profit -= fee
        lot.mark = price

    def _take(self, symbol: str, lot: Lot, signed: Fraction, moved: int, fee: int) -> None:
        assert abs(signed) <= abs(lot.units), "more than is held"
        leaving = round(Fraction(lot.cost) * abs(signed) / abs(lot.units))
        earned = moved - leaving if signed < 0 else leaving - moved
        lot.units += signed
        lot.cost -= leaving
        lot.profit += earned - fee
        if not lot.units:
            assert lot.cost == 0
            self._close(symbol)

    def _close(self, symbol: str) -> None:
        self.closed.append((symbol, self.lots.pop(symbol).profit))

    def mark(self, prices: dict[str, Decimal]) -> None:
        """Value what is held at new prices."""
        for symbol, lot in self.lots.items():
            if symbol in prices:
                lot.mark = Fraction(prices[symbol])

    def dividend(self, symbol: str, per_share: Decimal) -> None:
        """Pay a dividend on what is held; a short pays it, as far as its cash goes."""
        self.pay(cents(self.lots[symbol].units * Fraction(per_share)))
        self.settle()

    def pay(self, moved: int) -> None:
        """Move signed cash; what is not there is owed."""
        short_of = max(-moved - self.cash, 0)
        self.cash, self.owed = self.cash + moved + short_of, self.owed + short_of

    def settle(self) -> None:
        """Pay what is owed out of the cash."""
        paid = min(self.cash, self.owed)
        self.cash, self.owed = self.cash - paid, self.owed - paid

    def split(self, symbol: str, ratio: Decimal, price: Decimal) -> None:
        """Split what is held into whole hundredths; the rest is paid at the price of a new unit."""
        lot, by = self.lots[symbol], Fraction(ratio)
        sign, exact = (1 if lot.units > 0 else -1), abs(lot.units) * by
        whole = Fraction(exact * 100 // 1, 100)
        if exact > whole:
            moved = cents((exact - whole) * Fraction(price))
            leaving = round(Fraction(lot.cost) * (exact - whole) / exact)
            lot.cost, lot.profit = lot.cost - leaving, lot.profit + sign * (moved - leaving)
            self.pay(sign * moved)
        lot.units = sign * whole
        lot.average, lot.mark = six_places(lot.average / by), six_places(lot.mark / by)
        if not lot.units:
            self._close(symbol)

    def would_change(self, symbol: str, units: Decimal, average: Decimal) -> bool:
        """Whether it is news that `units`, signed, are held at that average."""
        lot = self.lots.get(symbol)
        if lot is None or not units:
            return bool(lot or units)
        cost = cents(abs(units) * average)
        return (lot.units, lot.average, lot.cost) != (Fraction(units), Fraction(average), cost)

    def state(self, symbol: str, units: Decimal, average: Decimal) -> None:
        """Say what is held, `units` signed; the profit and the mark stay."""
        lot = self.lots.setdefault(symbol, Lot(Fraction(0), Fraction(average), 0, Fraction(average)))
        lot.units = Fraction(units)
        if not lot.units:
            self._close(symbol)
            return
        lot.average = Fraction(average)
        lot.cost = cents(abs(lot.units) * lot.average)
