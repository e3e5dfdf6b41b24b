"""What one fill does to one holding: cost, cash and realized profit. Pure arithmetic, average-cost method.

Conventions, stated once: quantities are positive and the side says long or short; cash is signed, + into the
account. A holding keeps its exact cash total (`cost_basis`, cents: paid for a long, received for a short) beside
its `average_price`. Adding grows both; reducing leaves the average and takes a proportional part of the cost,
and the last reduction takes all that is left. So the realized profit of a closed holding equals its cash flows
to the cent.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from common.choices import Choices
from common.money import ZERO, notional, quantize_average, quantize_cash, share


class Side(Choices):
    """Which way a holding earns: long when the price rises, short when it falls."""

    LONG = "long"
    SHORT = "short"


class Action(Choices):
    """What an order does. The position side it works on is part of the word."""

    BUY = "BUY"
    SELL = "SELL"
    SELL_SHORT = "SELL_SHORT"
    BUY_TO_COVER = "BUY_TO_COVER"

    @property
    def side(self) -> Side:
        """The side of the holding that this action changes."""
        return Side.LONG if self in (Action.BUY, Action.SELL) else Side.SHORT

    @property
    def increases(self) -> bool:
        """Whether the action opens or adds to a holding; the others reduce one."""
        return self in (Action.BUY, Action.SELL_SHORT)

    @property
    def cash_sign(self) -> int:
        """+1 where the fill brings cash in, -1 where it takes cash out."""
        return 1 if self in (Action.SELL, Action.SELL_SHORT) else -1


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution of an order: a positive quantity at a positive price, with its fee in cash (>= 0)."""

    symbol: str
    action: Action
    quantity: Decimal
    price: Decimal
    fee: Decimal = ZERO

    @property
    def notional(self) -> Decimal:
        """Quantity times price in cents, always positive."""
        return notional(quantity=self.quantity, price=self.price)

    @property
    def cash_delta(self) -> Decimal:
        """Signed cash of the fill itself, without its fee (fees are entries of their own)."""
        return self.action.cash_sign * self.notional

    @property
    def signed_quantity(self) -> Decimal:
        """Change of the signed holding: + for BUY and BUY_TO_COVER, - for SELL and SELL_SHORT."""
        return -self.action.cash_sign * self.quantity


@dataclass(frozen=True, slots=True)
class Holding:
    """What an account holds of one symbol on one side. A quantity of zero is a holding just closed."""

    symbol: str
    side: Side
    quantity: Decimal
    average_price: Decimal
    cost_basis: Decimal
    realized_pnl: Decimal = ZERO
    mark_price: Decimal = ZERO

    @property
    def is_open(self) -> bool:
        """Whether anything is held."""
        return self.quantity > 0

    @property
    def signed_quantity(self) -> Decimal:
        """Quantity, negative for a short."""
        return self.quantity if self.side is Side.LONG else -self.quantity

    @property
    def signed_cost(self) -> Decimal:
        """Cost basis, negative for a short: the cash that a short brought in."""
        return self.cost_basis if self.side is Side.LONG else -self.cost_basis

    @property
    def market_value(self) -> Decimal:
        """Signed value at the mark in cents: negative for a short."""
        return notional(quantity=self.signed_quantity, price=self.mark_price)

    @property
    def unrealized_pnl(self) -> Decimal:
        """Profit in cents if the holding were closed at its mark, without fees."""
        worth = abs(self.market_value) - self.cost_basis
        return worth if self.side is Side.LONG else -worth


class ImpossibleFillError(Exception):
    """A fill that no planner may send: more than held, the wrong side, or a quantity or price not above zero."""


@dataclass(frozen=True, slots=True)
class FillResult:
    """The holding after a fill, the signed cash it moved (without the fee), its fee and its realized profit."""

    holding: Holding
    cash_delta: Decimal
    fee: Decimal
    realized_pnl: Decimal


def apply_fill(holding: Holding | None, fill: Fill) -> FillResult:
    """Return what `fill` makes of `holding` (None: nothing held), marked at the fill's price.

    Realized profit = proceeds - cost that left (reversed for shorts) - fee; a fee on an opening fill is realized
    at once, so that the profits of a closed holding add up to its cash flows. A flip is two fills.
    Raises ImpossibleFillError, and AmountOutOfRangeError where the result does not fit the books.
    """
    _require_possible(holding, fill)
    after, gross_pnl = _increase(holding, fill) if fill.action.increases else _reduce(holding, fill)
    realized = gross_pnl - fill.fee
    return FillResult(
        holding=replace(after, realized_pnl=after.realized_pnl + realized, mark_price=fill.price),
        cash_delta=fill.cash_delta,
        fee=fill.fee,
        realized_pnl=realized,
    )


def restate_holding(holding: Holding, *, side: Side, quantity: Decimal, average_price: Decimal) -> Holding:
    """Return the holding as somebody says it is; its cost becomes quantity * average, its profits stay.

    Nothing held (0) keeps side and average as a record. A first mark is the average. Raises AmountOutOfRangeError.
    """
    if not quantity:
        return replace(holding, quantity=ZERO, cost_basis=ZERO)
    return replace(
        holding,
        side=side,
        quantity=quantity,
        average_price=average_price,
        cost_basis=notional(quantity=quantity, price=average_price),
        mark_price=holding.mark_price or average_price,
    )


def _require_possible(holding: Holding | None, fill: Fill) -> None:
    if fill.quantity <= 0 or fill.price <= 0 or fill.fee < 0:
        raise ImpossibleFillError(f"quantity and price must be above zero, the fee not below: {fill}")
    if holding is not None and holding.side is not fill.action.side:
        raise ImpossibleFillError(f"{fill.action} works on the {fill.action.side} side, held is {holding}")
    if not fill.action.increases and (holding is None or fill.quantity > holding.quantity):
        raise ImpossibleFillError(f"{fill} is more than is held: {holding}")


def _increase(holding: Holding | None, fill: Fill) -> tuple[Holding, Decimal]:
    held = holding or Holding(fill.symbol, fill.action.side, ZERO, ZERO, ZERO)
    quantity = held.quantity + fill.quantity
    worth = held.average_price * held.quantity + fill.price * fill.quantity
    grown = replace(
        held,
        quantity=quantity,
        average_price=quantize_average(worth / quantity),
        cost_basis=quantize_cash(held.cost_basis + fill.notional),
    )
    return grown, ZERO


def _reduce(holding: Holding | None, fill: Fill) -> tuple[Holding, Decimal]:
    assert holding is not None  # noqa: S101  # _require_possible refused it
    cost_out = share(holding.cost_basis, part=fill.quantity, whole=holding.quantity)
    left = replace(holding, quantity=holding.quantity - fill.quantity, cost_basis=holding.cost_basis - cost_out)
    return left, fill.action.cash_sign * (fill.notional - cost_out)
