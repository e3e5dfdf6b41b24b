"""Writes what is kept of a run, in the transaction of the run, and finds it again."""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from common.money import quantize_percent
from execution.engine.planning.decisions import Decision
from execution.engine.planning.limits import verdict_as_data
from execution.engine.planning.market import Quote
from execution.engine.planning.plan import Plan
from execution.engine.planning.serialization import quote_as_data
from execution.engine.vocabulary import Outcome
from execution.models import ExecutionRun, Recommendation, RecommendationOrder, ResearchRequest, Reversal
from execution.research.inbox import LoadedArtifact
from execution.research.records import store_request
from portfolios.ledger import BookedOrder

if TYPE_CHECKING:
    from django.db.models.expressions import Combinable


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What is known of a run before it is planned."""

    request_id: uuid.UUID
    strategy_id: uuid.UUID
    provider: str
    loaded: LoadedArtifact
    parameters: Mapping[str, Any]
    prices: Mapping[str, Quote]
    is_simulated: bool
    is_market_open: bool | None
    sequence: int
    generation: int
    is_follow_up: bool
    actor: str
    source: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Deferral:
    """How long what is deferred is tried again: from the first run of its request on, for some hours."""

    since: datetime
    hours: int

    @property
    def expires_at(self) -> datetime:
        """When it is over."""
        return self.since + timedelta(hours=self.hours)


def find_runs(*, request_id: uuid.UUID) -> list[ExecutionRun]:
    """Return the runs of a request in every account that did not fail, oldest first, with their reversals."""
    runs = ExecutionRun.objects.filter(request_id=request_id).exclude(status=ExecutionRun.Status.FAILED)
    return list(runs.select_related("reversal").order_by("started_at", "sequence"))


def find_run(run_id: uuid.UUID) -> ExecutionRun | None:
    """Return the run with its request, account and reversal, or None."""
    runs = ExecutionRun.objects.select_related("request", "account", "strategy", "reversal")
    return runs.filter(pk=run_id).first()


def account_of_run(run_id: uuid.UUID) -> uuid.UUID | None:
    """Return the id of the run's account: None for an unknown run, and for a failed one without an account."""
    return ExecutionRun.objects.filter(pk=run_id).values_list("account_id", flat=True).first()


def reversal_of(run: ExecutionRun) -> Reversal | None:
    """Return how the run was reversed, or None. No query where the run was read with its reversal."""
    found: Reversal | None = getattr(run, "reversal", None)
    return found


def orders_of(run: ExecutionRun) -> list[RecommendationOrder]:
    """Return the run's orders with their lines, by line."""
    links = RecommendationOrder.objects.filter(recommendation__run=run).select_related("order", "recommendation")
    return list(links.order_by("recommendation__line", "pk"))


def undecided_lines() -> "QuerySet[Recommendation]":
    """Return the lines that are quarantined, not in a later run of the same request, and may have a follow-up.

    A request of which a run was reversed has none, unless it was executed again since.
    """
    return _open_lines(Outcome.QUARANTINED)


def deferred_lines(now: datetime) -> "QuerySet[Recommendation]":
    """Return the lines that something passing stopped and that a follow-up may still take at `now`."""
    return _open_lines(Outcome.DEFERRED).filter(~_is_expired(now))


def expired_lines(now: datetime) -> "QuerySet[Recommendation]":
    """Return the lines that waited for a hindrance to pass until their time was over, or newer research came."""
    return _open_lines(Outcome.DEFERRED).filter(_is_expired(now))


def _is_expired(now: datetime) -> "Combinable | Q":
    """Whether a deferred line has run out of time, or its account has executed newer research of its provider.

    A rebalance is no research and outdates none, but it outdates the weights of every earlier one.
    """
    newer = ExecutionRun.objects.filter(
        account=OuterRef("run__account"),
        status=ExecutionRun.Status.SUCCEEDED,
        is_follow_up=False,
        reversal=None,
        started_at__gt=OuterRef("deferred_since"),
    ).exclude(request=OuterRef("run__request"))
    rebalance = ResearchRequest.Origin.REBALANCE
    is_outdated = Exists(newer.exclude(request__origin=rebalance))
    return Q(expires_at__lte=now) | is_outdated | (Q(run__request__origin=rebalance) & Exists(newer))


def _open_lines(outcome: Outcome) -> "QuerySet[Recommendation]":
    later = Recommendation.objects.filter(
        run__request=OuterRef("run__request"),
        run__account=OuterRef("run__account"),
        run__sequence__gt=OuterRef("run__sequence"),
        line=OuterRef("line"),
    )
    rows = Recommendation.objects.filter(outcome=outcome, run__status=ExecutionRun.Status.SUCCEEDED)
    taken_back = Reversal.objects.filter(
        run__request=OuterRef("run__request"),
        run__account=OuterRef("run__account"),
        run__generation=OuterRef("run__generation"),
    )
    return rows.filter(~Exists(later), ~Exists(taken_back))


def latest_research(*, strategy_id: uuid.UUID, provider: str) -> ExecutionRun | None:
    """Return the account's last run with its request, or None; rebalances and reversed runs are left out."""
    runs = ExecutionRun.objects.filter(
        strategy_id=strategy_id, provider=provider, status=ExecutionRun.Status.SUCCEEDED, reversal=None
    ).exclude(request__origin=ResearchRequest.Origin.REBALANCE)
    return runs.select_related("request").order_by("-started_at", "-request__received_at", "-sequence").first()


def lines_of(run: ExecutionRun, *, symbol: str | None) -> list[Recommendation]:
    """Return the run's lines, or those of one symbol, in the order of the artifact."""
    rows = run.recommendations.order_by("line")
    return list(rows if symbol is None else rows.filter(symbol=symbol))


def begin_run(facts: RunFacts, *, run_id: uuid.UUID, account_id: uuid.UUID) -> ExecutionRun:
    """Write the request, unless it is stored already, and the run. Raises IntegrityError where the run exists."""
    _keep_request(facts, state=ResearchRequest.State.EXECUTED)
    return ExecutionRun.objects.create(
        id=run_id, account_id=account_id, status=ExecutionRun.Status.RUNNING, **_run_columns(facts)
    )


def record_failure(facts: RunFacts, *, account_id: uuid.UUID | None, error: BaseException) -> ExecutionRun:
    """Write a failed run: what was tried, and what went wrong. The request may be executed again."""
    _keep_request(facts, state=ResearchRequest.State.FAILED)
    return ExecutionRun.objects.create(
        account_id=account_id,
        status=ExecutionRun.Status.FAILED,
        finished_at=facts.now,
        error=f"{type(error).__name__}: {error}"[:2000],
        **_run_columns(facts),
    )


def record_decisions(run: ExecutionRun, plan: Plan, booked: Sequence[BookedOrder], *, deferral: "Deferral") -> None:
    """Write one recommendation a decision, linked to its orders. `booked` follows the plan's intents."""
    rows = {decision.line: _recommendation(run, decision, deferral) for decision in plan.decisions}
    stored = Recommendation.objects.bulk_create(rows.values())
    by_line = dict(zip(rows, stored, strict=True))
    RecommendationOrder.objects.bulk_create(
        RecommendationOrder(recommendation=by_line[intent.line], order=item.order)
        for intent, item in zip(plan.intents, booked, strict=True)
    )


def finish_run(
    run: ExecutionRun,
    plan: Plan,
    booked: Sequence[BookedOrder],
    *,
    report: Mapping[str, Any],
    is_settled: bool | None,
    now: datetime,
) -> None:
    """Close a run with its counts and its report."""
    run.is_settled = is_settled
    run.status = ExecutionRun.Status.SUCCEEDED
    run.finished_at = now
    run.recommendation_count = len(plan.decisions)
    run.order_count = len(booked)
    run.position_count = sum(item.effect == "opened" for item in booked)
    run.outcome_counts = dict(sorted(Counter(str(decision.outcome) for decision in plan.decisions).items()))
    run.report = dict(report)
    run.save()


def record_reversal(
    run: ExecutionRun,
    *,
    actor: str,
    source: str,
    reason: str,
    entry_count: int,
    cash: Decimal,
    report: Mapping[str, Any],
    now: datetime,
) -> None:
    """Write that a run was reversed. Raises IntegrityError where it had been."""
    Reversal.objects.create(
        run=run,
        actor=actor,
        source=source,
        reason=reason,
        reversed_at=now,
        entry_count=entry_count,
        cash=cash,
        report=dict(report),
    )


def _keep_request(facts: RunFacts, *, state: ResearchRequest.State) -> None:
    store_request(
        facts.loaded,
        request_id=facts.request_id,
        strategy_id=facts.strategy_id,
        provider=facts.provider,
        state=state,
        now=facts.now,
    )


def _run_columns(facts: RunFacts) -> dict[str, Any]:
    return {
        "request_id": facts.request_id,
        "strategy_id": facts.strategy_id,
        "provider": facts.provider,
        "task_id": facts.loaded.task_id,
        "digest": facts.loaded.artifact.digest,
        "parameters": dict(facts.parameters),
        "prices": {symbol: quote_as_data(quote) for symbol, quote in sorted(facts.prices.items())},
        "is_simulated": facts.is_simulated,
        "is_market_open": facts.is_market_open,
        "sequence": facts.sequence,
        "generation": facts.generation,
        "is_follow_up": facts.is_follow_up,
        "actor": facts.actor,
        "source": facts.source,
        "started_at": facts.now,
    }


def _recommendation(run: ExecutionRun, decision: Decision, deferral: Deferral) -> Recommendation:
    item, percent = decision.recommendation, decision.allocation_percent
    is_deferred = decision.outcome is Outcome.DEFERRED
    return Recommendation(
        run=run,
        line=decision.line,
        symbol=decision.symbol,
        action=decision.action,
        allocation_percent=quantize_percent(percent) if percent is not None else None,
        confidence=item.confidence if item else None,
        confidence_raw=item.confidence_raw if item else "",
        rationale=item.rationale if item else "",
        claimed_price=item.current_price if item else None,
        target_price=item.target_price if item else None,
        raw=decision.raw,
        outcome=decision.outcome.value,
        codes=[str(code) for code in decision.codes],
        reason=decision.reason,
        deferred_since=deferral.since if is_deferred else None,
        expires_at=deferral.expires_at if is_deferred else None,
        verdicts=[verdict_as_data(verdict) for verdict in decision.verdicts],
    )
