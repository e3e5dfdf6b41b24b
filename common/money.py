"""The only place that rounds. Everything stored or printed as money, price or quantity passes through here.

Amounts are Decimal throughout. Stored values have at most 15 significant digits, because SQLite keeps decimals
as doubles and 15 digits are what survives the round trip.
"""

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal, InvalidOperation, localcontext

CENT = Decimal("0.01")
PRICE_STEP = Decimal("0.000001")
LISTED_PRICE_STEP = Decimal("0.0001")
QUANTITY_STEP = Decimal("0.000001")
PERCENT_STEP = Decimal("0.0001")
RATIO_STEP = Decimal("0.000001")
ZERO = Decimal(0)
HUNDRED = Decimal(100)

CASH_LIMIT = Decimal(10) ** 13  # 15 digits, 2 of them after the point
UNIT_LIMIT = Decimal(10) ** 9  # 15 digits, 6 of them after the point (prices and quantities)
RATIO_LIMIT = Decimal(10) ** 22  # computed and shown, never stored: a nearly flat benchmark makes betas of any size
PERCENT_LIMIT = Decimal(10) ** 5  # 9 digits, 4 of them after the point

# Products of two 15-digit numbers have 30 digits; 40 leaves room for a quotient that is rounded right after.
_EXACT = Context(prec=40)


class AmountOutOfRangeError(ValueError):
    """A value does not fit the books: not finite, or more digits before the point than can be stored."""

    def __init__(self, *, name: str, value: Decimal, limit: Decimal) -> None:
        super().__init__(f"{name} {value:.6g} is outside the books' range of less than {limit:,f} either way")
        self.name = name
        self.value = value
        self.limit = limit


def quantize_cash(amount: Decimal) -> Decimal:
    """Return `amount` in whole cents, half to even (the bookkeeper's rounding, unbiased over many fills).

    Raises AmountOutOfRangeError from 10**13 on.
    """
    return _quantize(amount, step=CENT, rounding=ROUND_HALF_EVEN, limit=CASH_LIMIT, name="amount")


def cash_or_none(amount: Decimal) -> Decimal | None:
    """Return `amount` in whole cents as `quantize_cash` does, None where the books cannot hold it."""
    try:
        return quantize_cash(amount)
    except AmountOutOfRangeError:
        return None


def quantize_price(price: Decimal) -> Decimal:
    """Return a price per unit as the books keep it: 4 places from 1 on, 6 places below 1.

    Four places drop the float noise of price feeds (528.5700073242188 becomes 528.5700).
    Raises AmountOutOfRangeError from 10**9 on, and for NaN and Infinity.
    """
    step = LISTED_PRICE_STEP if price.is_finite() and abs(price) >= 1 else PRICE_STEP
    return _quantize(price, step=step, rounding=ROUND_HALF_EVEN, limit=UNIT_LIMIT, name="price")


def quantize_average(price: Decimal) -> Decimal:
    """Return an average price per unit with 6 places; averages keep the digits that single prices do not have."""
    return _quantize(price, step=PRICE_STEP, rounding=ROUND_HALF_EVEN, limit=UNIT_LIMIT, name="average price")


def quantize_percent(percent: Decimal) -> Decimal:
    """Return a percentage with the 4 places that the records keep. Sizes are computed from the exact one."""
    return _quantize(percent, step=PERCENT_STEP, rounding=ROUND_HALF_EVEN, limit=PERCENT_LIMIT, name="percentage")


def quantize_ratio(ratio: Decimal) -> Decimal:
    """Return a ratio (0.05 is 5 %, a Sharpe ratio) with 6 places, half to even: the 4 places of its percentage.

    Raises AmountOutOfRangeError from 10**22 on.
    """
    return _quantize(ratio, step=RATIO_STEP, rounding=ROUND_HALF_EVEN, limit=RATIO_LIMIT, name="ratio")


def percent_difference(value: Decimal, *, base: Decimal) -> Decimal:
    """Return how far `value` is from `base`, not zero, in percent of it with 4 places: 36 from 100 is -64."""
    with localcontext(_EXACT):
        return quantize_ratio(value / base - 1) * HUNDRED


def quantize_quantity(quantity: Decimal, *, step: Decimal, rounding: str = ROUND_HALF_EVEN) -> Decimal:
    """Return `quantity` as a whole number of `step`s, at most 6 places.

    `rounding` is ROUND_HALF_EVEN for a published size and ROUND_DOWN after any clamp, so that a limit that was
    just applied is not broken by the rounding. Raises AmountOutOfRangeError from 10**9 on.
    """
    with localcontext(_EXACT):
        steps = (quantity / step).to_integral_value(rounding=rounding)
        return _quantize(steps * step, step=QUANTITY_STEP, rounding=ROUND_DOWN, limit=UNIT_LIMIT, name="quantity")


def notional(*, quantity: Decimal, price: Decimal) -> Decimal:
    """Return quantity * price in cents: what one fill moves, rounded exactly once."""
    with localcontext(_EXACT):
        return quantize_cash(quantity * price)


def share(total: Decimal, *, part: Decimal, whole: Decimal) -> Decimal:
    """Return total * part / whole in cents, the multiplication first so that part == whole gives the total."""
    with localcontext(_EXACT):
        return quantize_cash(total * part / whole)


def format_cash(amount: Decimal) -> str:
    """Return `$1,234.50`, or `-$1,234.50` for a negative amount."""
    cents = quantize_cash(amount)
    sign = "-" if cents < 0 else ""
    return f"{sign}${abs(cents):,.2f}"


def format_percent(fraction: Decimal, *, places: int = 2) -> str:
    """Return a fraction as a percentage, half to even: 0.05 -> `5.00 %`, -0.0111 -> `-1.11 %`."""
    with localcontext(_EXACT):
        percent = (fraction * HUNDRED).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
    return f"{percent if percent else abs(percent):,f} %"


def format_ratio(ratio: Decimal) -> str:
    """Return a ratio with 2 places, half to even."""
    rounded = ratio.quantize(CENT, rounding=ROUND_HALF_EVEN, context=_EXACT)
    return f"{rounded if rounded else abs(rounded):,f}"


def parse_number(text: str) -> Decimal | None:
    """Return the number in `text`, exactly as written and perhaps not finite; None for what is none.

    Plain digits, a point, perhaps an exponent: the underscores and the digits of other scripts that Python would
    read as well are no numbers here, nor is anything with a comma.
    """
    written = text.strip()
    try:
        return Decimal(written) if written.isascii() and "_" not in written else None
    except InvalidOperation:
        return None


def plain(value: Decimal, *, places: int = 2) -> str:
    """Return `value` without exponent and without needless zeros, with at least `places` digits after the point.

    450.000000 -> "450.00", 22.22 -> "22.22", 0.000123 -> "0.000123".
    """
    text = f"{value:f}"
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0").ljust(places, "0")
    return f"{whole}.{fraction}" if fraction else whole


def _quantize(value: Decimal, *, step: Decimal, rounding: str, limit: Decimal, name: str) -> Decimal:
    if not value.is_finite():
        raise AmountOutOfRangeError(name=name, value=value, limit=limit)
    try:
        rounded = value.quantize(step, rounding=rounding, context=_EXACT)
    except InvalidOperation as error:  # more digits than the context holds
        raise AmountOutOfRangeError(name=name, value=value, limit=limit) from error
    if abs(rounded) >= limit:
        raise AmountOutOfRangeError(name=name, value=value, limit=limit)
    # -0.00 is equal to 0.00, yet prints a sign that would puzzle a reader of the books.
    return rounded if rounded else abs(rounded)
