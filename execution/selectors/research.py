"""Reads research for pages: what is new, and which lines wait for a person."""

import os
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from execution.arguments import parse_id
from execution.models import ExecutionRun, LineResolution, Recommendation, ResearchRequest
from execution.runs import records

_State = ResearchRequest.State


UNFINISHED = (_State.NEW, _State.READY, _State.QUARANTINED, _State.FAILED)


@dataclass(frozen=True, slots=True)
class InboxEntry:
    """A request's directory, and when something in it changed last."""

    request_id: uuid.UUID
    modified_at: datetime


def inbox_entries(root: Path) -> list[InboxEntry]:
    """Return the request directories under the root of artifacts, the newest first; none where there is no root.

    Only names that are ids count, and no file is opened: what is in them is read when a request is opened.
    """
    try:
        with os.scandir(root) as entries:
            found = [
                InboxEntry(key, datetime.fromtimestamp(entry.stat(follow_symlinks=False).st_mtime, UTC))
                for entry in entries
                if entry.is_dir(follow_symlinks=False)
                and isinstance(key := parse_id(entry.name, name="request directory"), uuid.UUID)
            ]
    except OSError:  # a root that cannot be listed holds nothing that a page could show; the system page says so
        return []
    return sorted(found, key=lambda item: (item.modified_at, item.request_id), reverse=True)


def stored_ids(requests: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of the requests that a scan or an execution has stored. One query."""
    rows = ResearchRequest.objects.filter(pk__in=requests)
    return set(rows.order_by().values_list("pk", flat=True))


def unfinished_counts() -> dict[str, int]:
    """Return how many requests wait in which state: not those that were executed or are ignored. One query."""
    rows = ResearchRequest.objects.filter(state__in=UNFINISHED).order_by().values_list("state")
    return dict(rows.annotate(number=Count("pk")))


def waiting_lines() -> "QuerySet[Recommendation]":
    """Return the lines that wait for a person: undecided, and without an answer since their run."""
    return records.undecided_lines().filter(~Exists(_answers_since())).select_related("run__strategy")


def answered_lines() -> "QuerySet[Recommendation]":
    """Return the lines that wait for their execution: undecided, with an answer that no run has seen."""
    return records.undecided_lines().filter(Exists(_answers_since())).select_related("run__strategy")


def deferred_lines(now: datetime) -> "QuerySet[Recommendation]":
    """Return the lines that something passing stopped, and that the next execution of their request takes."""
    return records.deferred_lines(now).select_related("run__strategy")


def expired_lines(now: datetime) -> "QuerySet[Recommendation]":
    """Return the lines that were deferred until their time was over."""
    return records.expired_lines(now).select_related("run__strategy")


def with_expiry(rows: "QuerySet[Recommendation]", *, now: datetime) -> "QuerySet[Recommendation]":
    """Return the lines, each with `is_expired`: deferred, and its time is over at `now`."""
    return rows.annotate(is_expired=Exists(records.expired_lines(now).filter(pk=OuterRef("pk"))))


def answers_to(request_id: uuid.UUID) -> dict[int, LineResolution]:
    """Return what people said last of each line of a request. One query."""
    rows = LineResolution.objects.filter(request_id=request_id).order_by("pk")
    return {row.line: row for row in rows}


def _answers_since() -> "QuerySet[LineResolution]":
    """What people said of a line after its run had begun: the run itself has not seen it."""
    return LineResolution.objects.filter(
        request=OuterRef("run__request"), line=OuterRef("line"), created_at__gte=OuterRef("run__started_at")
    )


def requests_stored() -> "QuerySet[ResearchRequest]":
    """Return the stored requests with their number of runs, the newest first."""
    done = Count("runs", filter=~Q(runs__status=ExecutionRun.Status.FAILED))
    rows = ResearchRequest.objects.select_related("strategy").defer("content")
    return rows.annotate(run_count=done).order_by("-received_at")


def find_request(request_id: uuid.UUID) -> ResearchRequest | None:
    """Return the stored request, or None."""
    return ResearchRequest.objects.filter(pk=request_id).first()
