"""Reads research and runs for pages: what is new, what waits for a person, and what came of recommendations."""

import os
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from execution.arguments import parse_id
from execution.engine.vocabulary import Outcome
from execution.models import ExecutionRun, LineResolution, Recommendation, ResearchRequest, Reversal
from portfolios.models import Position

ATTENTION_DAYS = 7  # for how long a failed run asks for attention

# Confidence in these steps: from, below. The last one holds 1 too.
_BUCKETS = ((Decimal(0), Decimal("0.5")), (Decimal("0.5"), Decimal("0.7")), (Decimal("0.7"), Decimal("0.85")),
            (Decimal("0.85"), Decimal("1.01")))  # fmt: skip
_State = ResearchRequest.State
UNFINISHED = (_State.NEW, _State.READY, _State.QUARANTINED, _State.FAILED)
_REFUSED = (Outcome.DENIED, Outcome.QUARANTINED)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request's directory, and when something in it changed last."""

    request_id: uuid.UUID
    modified_at: datetime


def arrivals(root: Path) -> list[Arrival]:
    """Return the request directories under the root of artifacts, the newest first; none where there is no root.

    Only names that are ids count, and no file is opened: what is in them is read when a request is opened.
    """
    try:
        with os.scandir(root) as entries:
            found = [
                Arrival(key, datetime.fromtimestamp(entry.stat(follow_symlinks=False).st_mtime, UTC))
                for entry in entries
                if entry.is_dir(follow_symlinks=False)
                and isinstance(key := parse_id(entry.name, name="request directory"), uuid.UUID)
            ]
    except OSError:  # a root that cannot be listed holds nothing that a page could show; the system page says so
        return []
    return sorted(found, key=lambda item: (item.modified_at, item.request_id), reverse=True)


def stored(requests: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of the requests that a scan or an execution has stored. One query."""
    rows = ResearchRequest.objects.filter(pk__in=requests)
    return set(rows.order_by().values_list("pk", flat=True))


def unfinished() -> dict[str, int]:
    """Return how many requests wait in which state: not those that were executed or are ignored. One query."""
    rows = ResearchRequest.objects.filter(state__in=UNFINISHED).order_by().values_list("state")
    return dict(rows.annotate(number=Count("pk")))


def runs() -> "QuerySet[ExecutionRun]":
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
    rows = runs().annotate(
        failed_count=_number_of(failed),
        waiting_count=_number_of(waiting_lines()),
        answered_count=_number_of(answered_lines()),
    )
    return list(rows.order_by("-started_at", "pk")[:size])


def _number_of(rows: "QuerySet[Any]") -> Coalesce:
    counted = rows.order_by().annotate(one=Value(1)).values("one").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted), 0)


def waiting_lines() -> "QuerySet[Recommendation]":
    """Return the lines that wait for a person: undecided, and without an answer since their run."""
    return _undecided().filter(~Exists(_answers_since()))


def answered_lines() -> "QuerySet[Recommendation]":
    """Return the lines that wait for their execution: undecided, with an answer that no run has seen."""
    return _undecided().filter(Exists(_answers_since()))


def answers_to(request_id: uuid.UUID) -> dict[int, LineResolution]:
    """Return what people said last of each line of a request. One query."""
    rows = LineResolution.objects.filter(request_id=request_id).order_by("pk")
    return {row.line: row for row in rows}


def _undecided() -> "QuerySet[Recommendation]":
    """Return the lines that are quarantined, not in a later run of the same request, and may have a follow-up.

    A request of which a run was taken back has none.
    """
    later = Recommendation.objects.filter(
        run__request=OuterRef("run__request"),
        run__account=OuterRef("run__account"),
        run__sequence__gt=OuterRef("run__sequence"),
        line=OuterRef("line"),
    )
    rows = Recommendation.objects.filter(outcome=Outcome.QUARANTINED, run__status=ExecutionRun.Status.SUCCEEDED)
    taken_back = Reversal.objects.filter(
        run__request=OuterRef("run__request"), run__account=OuterRef("run__account")
    )
    return rows.filter(~Exists(later), ~Exists(taken_back)).select_related("run__strategy")


def _answers_since() -> "QuerySet[LineResolution]":
    """What people said of a line after its run had begun: the run itself has not seen it."""
    return LineResolution.objects.filter(
        request=OuterRef("run__request"), line=OuterRef("line"), created_at__gte=OuterRef("run__started_at")
    )


@dataclass(slots=True)
class Bucket:
    """Recommendations of one range of confidence: how many of the positions they opened are closed, and hits."""

    label: str
    closed: int = 0
    hits: int = 0

    @property
    def hit_rate(self) -> Decimal | None:
        """Hits by closed positions, None without any."""
        return Decimal(self.hits) / self.closed if self.closed else None


@dataclass(slots=True)
class Conduct:
    """How the lines of one account ended: lines in all, refused ones, and the calibration of their confidence."""

    lines: int = 0
    refused: int = 0
    buckets: list[Bucket] = field(default_factory=lambda: [Bucket(_label(*limits)) for limits in _BUCKETS])

    @property
    def refused_share(self) -> Decimal | None:
        """Denied and quarantined lines by all lines, None without any."""
        return Decimal(self.refused) / self.lines if self.lines else None


def _label(low: Decimal, high: Decimal) -> str:
    top = min(high, Decimal(1))
    return f"{low * 100:.0f}\N{EN DASH}{top * 100:.0f} %"


def conduct(accounts: Iterable[uuid.UUID]) -> dict[uuid.UUID, Conduct]:
    """Return how the lines of these accounts ended. One query, of every line once for each position it touched.

    A position counts for each line that opened it or added to it, in the bucket of that line's confidence; lines
    without a confidence count in none.
    """
    rows = Recommendation.objects.filter(run__account_id__in=list(accounts)).values_list(
        "pk",
        "run__account_id",
        "outcome",
        "confidence",
        "orders__action",
        "orders__ledger__position_id",
        "orders__ledger__position__status",
        "orders__ledger__position__realized_pnl",
    )
    found: dict[uuid.UUID, Conduct] = {}
    seen: set[object] = set()
    for key, account, outcome, confidence, action, position, status, profit in rows.order_by():
        one = found.setdefault(account, Conduct())
        if key not in seen:
            seen.add(key)
            one.lines += 1
            one.refused += outcome in _REFUSED
        is_entry = action in ("BUY", "SELL_SHORT") and status == Position.Status.CLOSED
        if is_entry and confidence is not None and (key, position) not in seen:
            seen.add((key, position))
            bucket = one.buckets[_bucket_of(confidence)]
            bucket.closed += 1
            bucket.hits += profit > 0
    return found


def _bucket_of(confidence: Decimal) -> int:
    return next(at for at, (low, high) in enumerate(_BUCKETS) if low <= confidence < high)


@dataclass(frozen=True, slots=True)
class Opinion:
    """What each provider said last of one symbol: action and size by provider."""

    symbol: str
    said: Mapping[str, Recommendation]

    @property
    def agrees(self) -> bool | None:
        """Whether all say the same; None where only one has said anything."""
        return None if len(self.said) < 2 else len({line.action for line in self.said.values()}) == 1


def opinions(strategy_id: uuid.UUID) -> list[Opinion]:
    """Return what each provider's newest run of research says, by symbol. Two queries."""
    rows = ExecutionRun.objects.filter(strategy_id=strategy_id, status=ExecutionRun.Status.SUCCEEDED)
    research = rows.exclude(request__origin=ResearchRequest.Origin.REBALANCE)
    newest = dict(research.order_by("started_at", "sequence").values_list("provider", "pk"))  # the last one stays
    by_symbol: dict[str, dict[str, Recommendation]] = {}
    lines = Recommendation.objects.filter(run_id__in=newest.values()).exclude(symbol="").select_related("run")
    for line in lines.order_by("symbol", "line"):
        by_symbol.setdefault(line.symbol, {})[line.run.provider] = line
    return [Opinion(symbol, said) for symbol, said in sorted(by_symbol.items())]


def requests_stored() -> "QuerySet[ResearchRequest]":
    """Return the stored requests with their number of runs, the newest first."""
    done = Count("runs", filter=~Q(runs__status=ExecutionRun.Status.FAILED))
    rows = ResearchRequest.objects.select_related("strategy").defer("content")
    return rows.annotate(run_count=done).order_by("-received_at")


def runs_of_account(account_id: uuid.UUID) -> "QuerySet[ExecutionRun]":
    """Return the runs of an account."""
    return runs().filter(account_id=account_id)


def runs_of_request(request_id: uuid.UUID) -> "QuerySet[ExecutionRun]":
    """Return the runs of a request, in every account."""
    return runs().filter(request_id=request_id)


def find_request(request_id: uuid.UUID) -> ResearchRequest | None:
    """Return the stored request, or None."""
    return ResearchRequest.objects.filter(pk=request_id).first()


def last_run_at() -> datetime | None:
    """Return when the newest run began, None before the first one."""
    return ExecutionRun.objects.order_by("-started_at").values_list("started_at", flat=True).first()
