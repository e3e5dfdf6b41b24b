"""Reads runs for pages."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from execution.models import ExecutionRun
from execution.runs.records import find_run, lines_of, orders_of, reversal_of
from execution.selectors.research import answered_lines, waiting_lines

__all__ = [
    "ATTENTION_DAYS",
    "all_runs",
    "find_run",
    "last_run_at",
    "lines_of",
    "orders_of",
    "recent_runs",
    "reversal_of",
    "runs_of_account",
    "runs_of_request",
]

ATTENTION_DAYS = 7  # for how long a failed run asks for attention


def all_runs() -> "QuerySet[ExecutionRun]":
    """Return all runs with their strategies, without what only a run's own page shows."""
    return ExecutionRun.objects.select_related("strategy").defer("report", "parameters", "prices")


def recent_runs(*, size: int, now: datetime) -> list[Any]:
    """Return the newest runs, each with `failed_count`, `waiting_count`, `answered_count` over all runs. One query.

    The counts ride along because no page shows the one without the others: failed runs of the last ATTENTION_DAYS,
    lines that wait for a person, and lines that a person has answered and no run has taken yet.
    """
    failed = ExecutionRun.objects.filter(
        status=ExecutionRun.Status.FAILED, started_at__gte=now - timedelta(days=ATTENTION_DAYS)
    )
    rows = all_runs().annotate(
        failed_count=_number_of(failed),
        waiting_count=_number_of(waiting_lines()),
        answered_count=_number_of(answered_lines()),
    )
    return list(rows.order_by("-started_at", "pk")[:size])


def _number_of(rows: "QuerySet[Any]") -> Coalesce:
    counted = rows.order_by().annotate(one=Value(1)).values("one").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted), 0)


def runs_of_account(account_id: uuid.UUID) -> "QuerySet[ExecutionRun]":
    """Return the runs of an account."""
    return all_runs().filter(account_id=account_id)


def runs_of_request(request_id: uuid.UUID) -> "QuerySet[ExecutionRun]":
    """Return the runs of a request, in every account."""
    return all_runs().filter(request_id=request_id)


def last_run_at() -> datetime | None:
    """Return when the newest run began, None before the first one."""
    return ExecutionRun.objects.order_by("-started_at").values_list("started_at", flat=True).first()
