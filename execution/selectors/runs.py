"""Reads runs for pages."""

import uuid
from datetime import datetime

from django.db.models import QuerySet

from execution.engine.vocabulary import EXPIRED, Outcome
from execution.models import ExecutionRun, Recommendation
from execution.runs.records import expired_lines, find_run, lines_of, orders_of, reversal_of
from execution.runs.replays import expired_reason

__all__ = [
    "all_runs",
    "find_run",
    "last_run_at",
    "lines_as_of",
    "orders_of",
    "recent_runs",
    "reversal_of",
    "runs_of_account",
    "runs_of_request",
]


def all_runs() -> "QuerySet[ExecutionRun]":
    """Return all runs with their strategies, without what only a run's own page shows."""
    return ExecutionRun.objects.select_related("strategy").defer("report", "parameters", "prices")


def recent_runs(*, size: int) -> list[ExecutionRun]:
    """Return the newest runs. One query."""
    return list(all_runs().order_by("-started_at", "pk")[:size])


def runs_of_account(account_id: uuid.UUID) -> "QuerySet[ExecutionRun]":
    """Return the runs of an account."""
    return all_runs().filter(account_id=account_id)


def runs_of_request(request_id: uuid.UUID) -> "QuerySet[ExecutionRun]":
    """Return the runs of a request, in every account."""
    return all_runs().filter(request_id=request_id)


def last_run_at() -> datetime | None:
    """Return when the newest run began, None before the first one."""
    return ExecutionRun.objects.order_by("-started_at").values_list("started_at", flat=True).first()


def lines_as_of(run: ExecutionRun, *, now: datetime) -> list[Recommendation]:
    """Return the run's lines as they stand at `now`: what was deferred and is over says so. At most 2 queries."""
    rows = lines_of(run, symbol=None)
    if all(row.outcome != Outcome.DEFERRED for row in rows):
        return rows
    expired = set(expired_lines(now).filter(run=run).values_list("line", flat=True))
    for row in rows:
        if row.line in expired:
            row.outcome, row.reason = EXPIRED, expired_reason(row, now=now)
    return rows
