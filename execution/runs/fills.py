"""A plan on its way to a venue and back: its orders, and the plan as the venue filled them."""

from collections.abc import Sequence
from dataclasses import replace

from common.money import quantize_cash
from execution.engine.planning.plan import OrderIntent, Plan
from execution.venues.base import ExecType, ExecutionReport, NewOrder
from portfolios.domain.accounting import Fill, apply_fill
from portfolios.domain.snapshot import AccountSnapshot


class OrderNotFilledError(Exception):
    """A venue did not fill an order of a run, or filled something else: nothing of the run is booked."""


def new_orders(intents: Sequence[OrderIntent], client_order_ids: Sequence[str]) -> list[NewOrder]:
    """Return planned orders as a venue takes them, each under its id, in the plan's order."""
    return [
        NewOrder(
            client_order_id=client_order_id,
            symbol=intent.symbol,
            action=intent.action,
            quantity=intent.quantity,
            price=intent.price,
        )
        for intent, client_order_id in zip(intents, client_order_ids, strict=True)
    ]


def as_filled(plan: Plan, orders: Sequence[NewOrder], reports: Sequence[ExecutionReport]) -> Plan:
    """Return the plan with the venue's fills and the account as they leave it. Its decisions stay as they are.

    `orders` are those of its intents, `reports` the venue's answers. Raises OrderNotFilledError where an order
    was not filled whole: a run books all of its orders at once.
    """
    answers = {report.client_order_id: report for report in reports}
    intents = tuple(
        replace(intent, fill=_fill_of(order, answers.get(order.client_order_id)))
        for intent, order in zip(plan.intents, orders, strict=True)
    )
    return replace(plan, intents=intents, after=_account_after(plan.before, intents))


def _fill_of(order: NewOrder, report: ExecutionReport | None) -> Fill:
    name = f"{order.action} of {order.quantity} {order.symbol} ({order.client_order_id})"
    if report is None:
        raise OrderNotFilledError(f"{name}: the venue did not report on it")
    fill = report.fill
    if report.exec_type is not ExecType.TRADE or fill is None:
        raise OrderNotFilledError(f"{name}: rejected by the venue: {report.text or 'no reason given'}")
    if (fill.symbol, fill.action, fill.quantity) != (order.symbol, order.action, order.quantity):
        raise OrderNotFilledError(f"{name}: the venue reports {fill.action} of {fill.quantity} {fill.symbol}")
    return fill


def _account_after(before: AccountSnapshot, intents: Sequence[OrderIntent]) -> AccountSnapshot:
    """The account once all fills are applied in their order, each holding marked at its order's reference price."""
    cash, holdings = before.cash_balance, dict(before.holdings)
    for intent in intents:
        result = apply_fill(holdings.pop(intent.symbol, None), intent.fill)
        if result.holding.is_open:
            holdings[intent.symbol] = replace(result.holding, mark_price=intent.price)
        cash += result.cash_delta - result.fee
    return AccountSnapshot(quantize_cash(cash), holdings, before.book_version, before.payable)
