"""Exits as orders: no limit stops them, and yet the cash never goes below zero."""

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from common.money import ZERO, notional, quantize_quantity
from execution.engine.planning.costs import commission, simulate_fill
from execution.engine.planning.limits import SIZE, least_value, steps_worth
from execution.engine.planning.policy import Costs
from execution.engine.planning.sizing import Exit, Market
from execution.engine.vocabulary import Code
from portfolios.domain.accounting import Fill


@dataclass(frozen=True, slots=True)
class ExitOrder:
    """What is traded of an exit: its fill, None where nothing is; and why that is not all of it.

    `cost` is the cash that the whole exit would take and `cash` what was there, where the cash was too little.
    """

    fill: Fill | None
    code: Code | None = None
    cost: Decimal = ZERO
    cash: Decimal = ZERO


def exit_order(leaving: Exit, cash: Decimal, market: Market) -> ExitOrder:
    """Return what can be traded of `leaving` with `cash`. Raises AmountOutOfRangeError."""
    price, costs = market.quotes[leaving.symbol].price, market.policy.costs
    if not leaving.full and leaving.quantity * price < least_value(market.policy):
        return ExitOrder(None, Code.BELOW_MINIMUM_ORDER)
    if not leaving.full and leaving.quantity < market.instrument(leaving.symbol).minimum:
        return ExitOrder(None, Code.BELOW_MINIMUM_QUANTITY)
    fill = simulate_fill(
        symbol=leaving.symbol, action=leaving.action, quantity=leaving.quantity, price=price, costs=costs
    )
    step = market.step(leaving.symbol, leaving.action.side)
    quantity = affordable_quantity(fill, step=step, cash=cash, costs=costs)
    if quantity == leaving.quantity:
        return ExitOrder(fill)
    cost = fill.fee - fill.cash_delta
    if not quantity or quantity * price < least_value(market.policy):
        return ExitOrder(None, Code.INSUFFICIENT_CASH, cost, cash)
    filled = simulate_fill(
        symbol=leaving.symbol, action=leaving.action, quantity=quantity, price=price, costs=costs
    )
    return ExitOrder(filled, Code.INSUFFICIENT_CASH, cost, cash)


def affordable_quantity(fill: Fill, *, step: Decimal, cash: Decimal, costs: Costs) -> Decimal:
    """Return the largest quantity up to the fill's that `cash` pays for, in whole steps, 0 where none is.

    For exits: no limit stops them, yet cash never goes below zero. Covering a short costs its price; a sale costs
    only where its fee is above its proceeds, and selling less of it would cost more.
    """
    if fill.fee - fill.cash_delta <= cash:
        return fill.quantity
    if fill.action.cash_sign > 0:
        return ZERO
    fixed = max(costs.commission_per_order, costs.commission_minimum)
    if cash <= fixed:
        return ZERO
    scale = (cash - fixed) / (fill.notional + fill.fee - fixed)
    quantity = quantize_quantity(SIZE.multiply(fill.quantity, scale), step=step, rounding=ROUND_DOWN)
    while quantity > 0 and (excess := _cost(quantity, price=fill.price, costs=costs) - cash) > 0:
        quantity = max(quantity - steps_worth(excess, price=fill.price, step=step), ZERO)
    return quantity


def _cost(quantity: Decimal, *, price: Decimal, costs: Costs) -> Decimal:
    return notional(quantity=quantity, price=price) + commission(quantity=quantity, price=price, costs=costs)
