"""Turns a plan, and what was booked of it, into the report."""

from collections.abc import Sequence

from common.money import ZERO, plain, quantize_cash
from execution.engine.planning.decisions import Decision
from execution.engine.planning.limits import Verdict
from execution.engine.planning.plan import OrderIntent, Plan
from execution.engine.planning.price_checks import WaitingPrice
from execution.reports.types import (
    AccountPart,
    ArtifactPart,
    DecisionPart,
    OrderPart,
    RunPart,
    RunReport,
    SummaryPart,
    VerdictPart,
    WaitingPricePart,
)
from portfolios.domain.accounting import Action
from portfolios.ledger import BookedOrder


def make_report(
    *,
    run: RunPart,
    artifact: ArtifactPart,
    account: AccountPart,
    plan: Plan,
    client_order_ids: Sequence[str],
    booked: Sequence[BookedOrder],
    plan_token: str,
    notes: Sequence[str] = (),
) -> RunReport:
    """Return the report of a plan; `booked` follows its intents, or is empty in a preview."""
    orders = [
        _order(intent, client_order_id, booked[at] if booked else None)
        for at, (intent, client_order_id) in enumerate(zip(plan.intents, client_order_ids, strict=True))
    ]
    ids: dict[int, list[str]] = {}
    for order in orders:
        if order.id is not None:
            ids.setdefault(order.line, []).append(order.id)
    return RunReport(
        run=run,
        artifact=artifact,
        account=account,
        decisions=[
            _decision(
                decision,
                ids.get(decision.line, []),
                reason=decision.reason_of_preview if run.id is None else decision.reason,
            )
            for decision in plan.decisions
        ],
        orders=orders,
        summary=_summary(plan, orders),
        plan_token=plan_token,
        notes=list(notes),
    )


def waiting_part(item: WaitingPrice) -> WaitingPricePart:
    """Return a holding that was valued at its last mark, because its new price was held back, as reports say it."""
    refused = item.held_back
    return WaitingPricePart(
        symbol=item.symbol,
        mark_price=plain(item.mark_price),
        price=plain(refused.quote.price),
        source=refused.quote.source,
        as_of=refused.quote.as_of.isoformat(),
        difference_percent=plain(item.difference_percent),
        reference=plain(refused.reference),
        basis=refused.basis,
        band_percent=plain(refused.band_percent, places=0),
    )


def _decision(decision: Decision, order_ids: list[str], *, reason: str) -> DecisionPart:
    percent = decision.allocation_percent
    return DecisionPart(
        line=decision.line,
        symbol=decision.symbol,
        action=decision.action,
        allocation_percent=plain(percent, places=1) if percent is not None else None,
        outcome=str(decision.outcome),
        codes=[str(code) for code in decision.codes],
        reason=reason,
        order_id=order_ids[-1] if order_ids else None,
        order_ids=order_ids,
        verdicts=[_verdict(verdict) for verdict in decision.verdicts],
    )


def _verdict(verdict: Verdict) -> VerdictPart:
    return VerdictPart(
        code=str(verdict.code),
        result=verdict.result,
        before=plain(verdict.before),
        after=plain(verdict.after),
        room=plain(verdict.headroom) if verdict.headroom is not None else None,
    )


def _order(intent: OrderIntent, client_order_id: str, booked: BookedOrder | None) -> OrderPart:
    return OrderPart(
        id=str(booked.order.id) if booked else None,
        line=intent.line,
        symbol=intent.symbol,
        action=str(intent.action),
        quantity=plain(intent.quantity),
        limit_price=plain(intent.price),
        fill_price=plain(intent.fill.price),
        notional=plain(intent.fill.notional),
        fee=plain(intent.fill.fee),
        status=str(booked.order.status) if booked else "planned",
        client_order_id=client_order_id,
        position_id=str(booked.position_id) if booked else None,
        position_effect=booked.effect if booked else "",
    )


def _summary(plan: Plan, orders: Sequence[OrderPart]) -> SummaryPart:
    bought = (intent.fill.notional for intent in plan.intents if intent.action is Action.BUY)
    held_before = {(h.symbol, h.side) for h in plan.before.holdings.values()}
    opened = [h for h in plan.after.holdings.values() if (h.symbol, h.side) not in held_before]
    after = plan.after
    return SummaryPart(
        orders_created=len(orders),
        positions_created=len(opened),
        total_invested=plain(sum(bought, ZERO)),
        remaining_cash=plain(quantize_cash(after.cash_balance)),
        total_equity=plain(quantize_cash(after.equity_value)),
        total_portfolio_value=plain(quantize_cash(after.total_value)),
    )
