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
from portfolios.selectors.books import one_snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """One line: as written, as understood, the decision with its codes and limits, and the orders it made."""

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
    verdicts: list[VerdictPart]
    order_ids: list[str]


def review_run(run_id: uuid.UUID) -> tuple[ExecutionRun, list[Reviewed]] | Refusal:
    """Return the run and its lines, or why there is none. Three queries."""
    with one_snapshot():
        run = records.find_run(run_id)
        if run is None:
            return Refusal(Code.RUN_NOT_FOUND, f"run {run_id} does not exist")
        orders: dict[int, list[str]] = {}
        for link in records.orders_of(run):
            orders.setdefault(link.recommendation.line, []).append(str(link.order_id))
        rows = records.lines_of(run, symbol=None)
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
        verdicts=[VerdictPart(**verdict) for verdict in row.verdicts],
        order_ids=order_ids,
    )
