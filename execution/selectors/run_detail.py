"""One run as it is looked at: what went in, what came out, and the decision on every line."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from execution.engine.vocabulary import Code, Refusal
from execution.models import ExecutionRun, Recommendation
from execution.reports.types import VerdictPart
from execution.runs import records
from execution.selectors.runs import lines_as_of
from portfolios.selectors.books import one_snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """One line: as written, as understood, the decision with its codes and limits, and the orders it made.

    `expires_at` says until when a deferred line is tried again; its outcome is "EXPIRED" once that is over.
    """

    line: int
    symbol: str
    action: str
    allocation_percent: Decimal | None
    confidence: Decimal | None
    rationale: str
    claimed_price: Decimal | None
    target_price: Decimal | None
    raw: Any
    outcome: str
    codes: list[str]
    reason: str
    expires_at: datetime | None
    verdicts: list[VerdictPart]
    order_ids: list[str]


def review_run(run_id: uuid.UUID, *, now: datetime) -> tuple[ExecutionRun, list[Reviewed]] | Refusal:
    """Return the run and its lines as they stand at `now`, or why there is none. At most four queries."""
    with one_snapshot():
        run = records.find_run(run_id)
        if run is None:
            return Refusal(Code.RUN_NOT_FOUND, f"run {run_id} does not exist")
        orders: dict[int, list[str]] = {}
        for link in records.orders_of(run):
            orders.setdefault(link.recommendation.line, []).append(str(link.order_id))
        rows = lines_as_of(run, now=now)
    return run, [_reviewed(row, orders.get(row.line, [])) for row in rows]


def reversed_at(run: ExecutionRun) -> datetime | None:
    """Return when the run was reversed; None: it was not."""
    reversal = records.reversal_of(run)
    return reversal.reversed_at if reversal else None


def _reviewed(row: Recommendation, order_ids: list[str]) -> Reviewed:
    return Reviewed(
        line=row.line,
        symbol=row.symbol,
        action=row.action,
        allocation_percent=row.allocation_percent,
        confidence=row.confidence,
        rationale=row.rationale,
        claimed_price=row.claimed_price,
        target_price=row.target_price,
        raw=row.raw,
        outcome=row.outcome,
        codes=list(row.codes),
        reason=row.reason,
        expires_at=row.expires_at,
        verdicts=[VerdictPart(**verdict) for verdict in row.verdicts],
        order_ids=order_ids,
    )
