"""What a run says of itself: the facts that are kept of it, and its report."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from common.money import plain
from execution.engine.planning.market import Quote
from execution.engine.planning.plan import Plan
from execution.engine.planning.price_checks import waiting_prices
from execution.engine.vocabulary import Outcome
from execution.reports.build import make_report, waiting_part
from execution.reports.types import AccountPart, ArtifactPart, RunPart, RunReport
from execution.runs import records
from execution.runs.account_plan import AccountView, attempt_lines
from execution.runs.prepare import ExecutionRequest, Prepared
from execution.runs.tickets import client_order_ids
from portfolios.ledger import BookedOrder


def wishes_of(request: ExecutionRequest) -> dict[str, Any]:
    """What a failed run keeps of its call, beside what it was to plan with, so that it can be tried again."""
    return {
        "initial_balance": plain(request.initial_balance),
        "accepted_prices": sorted(request.accepted_prices),
    }


def facts_of(found: Prepared, inputs: Mapping[str, Any], *, prices: Mapping[str, Quote]) -> records.RunFacts:
    """What is known of the run before its orders; `inputs` are what its plan was made of, without the prices."""
    request = found.request
    return records.RunFacts(
        request_id=found.request_id,
        strategy_id=found.strategy_id,
        provider=found.provider,
        loaded=found.loaded,
        parameters={
            **{name: value for name, value in inputs.items() if name != "quotes"},
            "lines": attempt_lines(found),
            "interpretation": found.loaded.interpretation.as_data(),
        },
        prices=prices,
        is_simulated=found.is_simulated,
        is_market_open=found.market.is_open,
        sequence=found.attempt.sequence,
        generation=found.attempt.generation,
        is_follow_up=found.attempt.lines is not None,
        actor=request.actor,
        source=request.source,
        now=request.now,
    )


def report_of(
    found: Prepared,
    view: AccountView,
    plan: Plan,
    *,
    run_id: uuid.UUID | None,
    booked: Sequence[BookedOrder],
    token: str,
) -> RunReport:
    """Return the report of a run, or of a preview where `run_id` is None and nothing is booked."""
    after = plan.after
    report = make_report(
        run=RunPart(
            id=str(run_id) if run_id else None,
            status="succeeded" if run_id else "previewed",
            replay=False,
            simulated=found.is_simulated,
            request_id=str(found.request_id),
            task_id=str(found.loaded.task_id),
            digest=found.loaded.artifact.digest,
            mode=str(found.request.mode),
            sequence=found.attempt.sequence,
            again=found.attempt.is_again,
            deferred_until=found.deferral.expires_at.isoformat() if _is_deferring(plan) else None,
            market_open=found.market.is_open,
        ),
        artifact=ArtifactPart(found.loaded.source, found.artifact.line_count),
        account=AccountPart(
            id=str(view.account_id) if view.account_id else None,
            strategy_id=str(found.strategy_id),
            provider_id=found.provider,
            cash_balance=plain(after.cash_balance),
            equity_value=plain(after.equity_value),
            total_value=plain(after.total_value),
            initial_balance=plain(found.request.initial_balance) if view.is_new else None,
        ),
        plan=plan,
        client_order_ids=client_order_ids(found, plan),
        booked=booked,
        plan_token=token,
        notes=[*found.attempt.notes, *_default_prices(found, plan)],
    )
    waiting = waiting_prices(plan.before.holdings.values(), view.plan_input.held_back)
    return replace(report, waiting_prices=[waiting_part(item) for item in waiting])


def _is_deferring(plan: Plan) -> bool:
    return any(decision.outcome is Outcome.DEFERRED for decision in plan.decisions)


def _default_prices(found: Prepared, plan: Plan) -> Iterator[str]:
    """Say which orders are at a default price that nobody asked for: it must not be taken for a market's."""
    quotes = found.prices.quotes
    traded = {
        intent.symbol for intent in plan.intents if intent.symbol in quotes and quotes[intent.symbol].simulated
    }
    if traded and not found.request.prices.default_price_asked_for:
        yield f"No source has a price for {', '.join(sorted(traded))}: a default price stands in for it."
