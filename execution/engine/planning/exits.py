"""Exits as orders: no limit stops them, and yet the cash never goes below zero."""

from dataclasses import dataclass
from decimal import Decimal

from common.money import CENT, ZERO, notional
from execution.engine.planning.costs import commission, simulate_fill
from execution.engine.planning.limits import least_value
from execution.engine.planning.market import Market
from execution.engine.planning.policy import Costs
from execution.engine.planning.sizing import Exit
from execution.engine.vocabulary import Code, Mode
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


def brings_cash(leaving: Exit, market: Market) -> bool:
    """Whether the whole exit leaves more cash than there was. Raises AmountOutOfRangeError."""
    fill = simulate_fill(
        symbol=leaving.symbol,
        action=leaving.action,
        quantity=leaving.quantity,
        price=market.quotes[leaving.symbol].price,
        costs=market.policy.costs,
    )
    return fill.cash_delta > fill.fee


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
    is_small = quantity * price < least_value(market.policy)
    if not quantity or is_small or _is_left_over(fill, step, cash, market):
        return ExitOrder(None, Code.INSUFFICIENT_CASH, cost, cash)
    filled = simulate_fill(
        symbol=leaving.symbol, action=leaving.action, quantity=quantity, price=price, costs=costs
    )
    return ExitOrder(filled, Code.INSUFFICIENT_CASH, cost, cash)


def _is_left_over(fill: Fill, step: Decimal, cash: Decimal, market: Market) -> bool:
    """Whether `cash` may be what a cover in an earlier run left, as it did not pay for another step.

    Two covers that are rounded to cents one by one may come cheaper than both in one.
    """
    if market.mode is Mode.ALLOCATE:
        return False
    return cash < _cost(step, price=fill.price, costs=market.policy.costs) + 2 * CENT


def affordable_quantity(fill: Fill, *, step: Decimal, cash: Decimal, costs: Costs) -> Decimal:
    """Return the largest quantity up to the fill's that `cash` pays for, in whole steps, 0 where none is.

    For exits: no limit stops them, yet cash never goes below zero. Covering a short costs its price; a sale costs
    only where its fee is above its proceeds, and selling less of it would cost more.
    """
    if fill.fee - fill.cash_delta <= cash:
        return fill.quantity
    if fill.action.cash_sign > 0:
        return ZERO
    paid_for, beyond = (
        ZERO,
        fill.quantity // step + 1,
    )  # in steps; to close what lies off the step is all or nothing
    while beyond - paid_for > 1:
        tried = (paid_for + beyond) // 2
        if _cost(tried * step, price=fill.price, costs=costs) <= cash:
            paid_for = tried
        else:
            beyond = tried
    return paid_for * step


def _cost(quantity: Decimal, *, price: Decimal, costs: Costs) -> Decimal:
    return notional(quantity=quantity, price=price) + commission(quantity=quantity, price=price, costs=costs)
