"""Looks through the inbox: what has arrived, whose it is, whether it can be executed.

A request is read when its files are new or have changed, by their sizes and times; all else is left as it is.
"""

import hashlib
import os
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from django.db import transaction

from common.text import one_line
from execution.arguments import parse_id
from execution.engine.parsing.artifact import Claims
from execution.engine.vocabulary import Code, Refusal
from execution.models import ResearchRequest
from execution.research.changes import artifact_changed
from execution.research.inbox import ARTIFACT_NAMES, BATCH_SUFFIX, LoadedArtifact, load_artifact, load_beside
from portfolios.domain.vocabulary import provider_meant
from portfolios.selectors import books

State = ResearchRequest.State

CHUNK_SIZE = 500  # requests read and written at a time

# What a person decided, or what was done, is not undone by another look.
_SETTLED = frozenset({State.EXECUTED, State.IGNORED})
_COLUMNS = (
    "state", "strategy", "provider", "task_id", "digest", "source_path", "content", "fingerprint",
    "recommendation_count", "problem_count", "problems", "market_context", "written_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ScanReport:
    """What a scan found: requests in all, those read as they were new or had changed, and how many in each state.

    `refused` are directories whose names are no request ids, with the reason.
    """

    found: int
    new: int
    changed: int
    states: Mapping[str, int]
    refused: Mapping[str, str]

    def as_data(self) -> dict[str, Any]:
        """Return the report as JSON-ready values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Found:
    request_id: uuid.UUID
    fingerprint: str


def scan_inbox(root: Path, *, now: datetime) -> ScanReport | Refusal:
    """Bring the stored requests up to date with the directories below `root`. Nothing is executed.

    A request whose files are as they were is not read again. A directory that has gone leaves its request as it is.
    """
    names = _request_names(root)
    if isinstance(names, Refusal):
        return names
    ids = {name: parse_id(name, name="request directory") for name in names}
    known = dict(ResearchRequest.objects.values_list("pk", "fingerprint"))
    found = [_Found(item, _fingerprint(root / name)) for name, item in ids.items() if isinstance(item, uuid.UUID)]
    changed = [item for item in found if known.get(item.request_id) != item.fingerprint]
    for chunk in _chunks(changed):
        _store(chunk, root=root, now=now)
    return ScanReport(
        found=len(found),
        new=sum(item.request_id not in known for item in changed),
        changed=sum(item.request_id in known for item in changed),
        states=dict(sorted(Counter(ResearchRequest.objects.order_by().values_list("state", flat=True)).items())),
        refused={name: item.message for name, item in sorted(ids.items()) if isinstance(item, Refusal)},
    )


def _request_names(root: Path) -> list[str] | Refusal:
    try:
        with os.scandir(root) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError as error:
        return Refusal(Code.ARTIFACT_NOT_READABLE, f"{root} cannot be listed: {error.strerror}")


def _fingerprint(directory: Path) -> str:
    """Return a digest of the names, sizes and times of all files that could be the request's artifact."""
    parts: list[str] = []
    try:
        with os.scandir(directory) as tasks:
            for task in sorted(tasks, key=lambda entry: entry.name):
                if task.is_dir(follow_symlinks=False):
                    parts.extend(_files(task))
    except OSError as error:
        parts.append(str(error.errno))
    return hashlib.sha256("\n".join(parts).encode(errors="surrogateescape")).hexdigest()


def _files(task: "os.DirEntry[str]") -> Iterator[str]:
    yield task.name
    with os.scandir(task) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name in ARTIFACT_NAMES or entry.name.endswith(BATCH_SUFFIX):
                stat = entry.stat(follow_symlinks=False)
                yield f"{entry.name} {stat.st_size} {stat.st_mtime_ns} {stat.st_mode}"


def _chunks(found: Iterable[_Found]) -> Iterator[list[_Found]]:
    items = iter(found)
    while chunk := list(islice(items, CHUNK_SIZE)):
        yield chunk


def _store(found: Sequence[_Found], *, root: Path, now: datetime) -> None:
    loaded = {item.request_id: _load(root, item.request_id) for item in found}
    strategies = books.strategy_ids()
    with transaction.atomic():
        rows = ResearchRequest.objects.select_for_update().in_bulk([item.request_id for item in found])
        changed = [
            _brought_up_to_date(
                rows.get(item.request_id) or ResearchRequest(pk=item.request_id, received_at=now),
                loaded[item.request_id],
                fingerprint=item.fingerprint,
                strategies=strategies,
            )
            for item in found
        ]
        ResearchRequest.objects.bulk_create(
            changed, update_conflicts=True, unique_fields=["id"], update_fields=list(_COLUMNS)
        )


def _load(root: Path, request_id: uuid.UUID) -> tuple[LoadedArtifact | Refusal, Claims]:
    """Return the artifact and what the research says of itself; `parsed.json` may say more than the file."""
    loaded = load_artifact(root, request_id=request_id, task_id=None)
    if isinstance(loaded, Refusal):
        return loaded, Claims()
    own = loaded.artifact.claims
    beside = load_beside(loaded, name="parsed.json")
    other = Claims() if isinstance(beside, Refusal) else beside.artifact.claims
    return loaded, Claims(
        provider=own.provider or other.provider,
        request_id=own.request_id or other.request_id,
        task_id=own.task_id or other.task_id,
        strategy_id=own.strategy_id or other.strategy_id,
    )


def _brought_up_to_date(
    row: ResearchRequest,
    loaded: tuple[LoadedArtifact | Refusal, Claims],
    *,
    fingerprint: str,
    strategies: Iterable[uuid.UUID],
) -> ResearchRequest:
    """Return the row with what its files say now. What was executed stays as it was executed."""
    row.fingerprint = fingerprint
    artifact, claims = loaded
    if row.state in _SETTLED:
        row.problems = _since(row, artifact)
        return row
    if isinstance(artifact, Refusal):
        row.state, row.problems = State.QUARANTINED, [_problem(artifact)]
        return row
    _fill(row, artifact)
    problems = [*_assign(row, claims, strategies), *_contradictions(row, claims)]
    row.problems = [_problem(problem) for problem in problems]
    row.state = State.NEW if problems else State.READY
    return row


def _since(row: ResearchRequest, loaded: LoadedArtifact | Refusal) -> list[dict[str, str]]:
    found = loaded.artifact.digest if isinstance(loaded, LoadedArtifact) else None
    if row.state != State.EXECUTED or found == row.digest:
        return []
    hint = "; what was executed is kept"
    return [
        _problem(
            artifact_changed("the artifact", since="it was executed", known=row.digest, found=found, hint=hint)
        )
    ]


def _fill(row: ResearchRequest, loaded: LoadedArtifact) -> None:
    artifact = loaded.artifact
    row.task_id, row.origin = loaded.task_id, ResearchRequest.Origin.DIRECTORY
    row.digest, row.source_path, row.content = artifact.digest, loaded.source, loaded.content
    row.recommendation_count, row.problem_count = artifact.line_count, len(artifact.problems)
    row.market_context, row.written_at = artifact.market_context, artifact.written_at


def _assign(row: ResearchRequest, claims: Claims, strategies: Iterable[uuid.UUID]) -> list[Refusal]:
    """Say whose the research is by its own words, unless a person has said so; return what is missing."""
    if not row.assigned_by:
        strategy = parse_id(claims.strategy_id.lower(), name="strategy_id") if claims.strategy_id else None
        row.strategy_id = strategy if isinstance(strategy, uuid.UUID) and strategy in strategies else None
        row.provider = provider_meant(claims.provider) or ""
    missing = []
    if row.strategy_id is None:
        said = (
            f"strategy {one_line(claims.strategy_id)} is not known"
            if claims.strategy_id
            else "no strategy is named"
        )
        missing.append(Refusal(Code.UNKNOWN_STRATEGY, f"{said}: assign one"))
    if not row.provider:
        said = f"provider {one_line(claims.provider)} is not known" if claims.provider else "no provider is named"
        missing.append(Refusal(Code.UNKNOWN_PROVIDER, f"{said}: assign one"))
    return missing


def _contradictions(row: ResearchRequest, claims: Claims) -> list[Refusal]:
    """Research that says it is another request's or task's lies in the wrong directory."""
    pairs = {"request_id": (claims.request_id, row.pk), "task_id": (claims.task_id, row.task_id)}
    return [
        Refusal(Code.ARTIFACT_MISMATCH, f"field '{name}' is {one_line(says)}, the directory is {is_in}")
        for name, (says, is_in) in pairs.items()
        if says and says.lower() != str(is_in)
    ]


def _problem(refusal: Refusal) -> dict[str, str]:
    return {"code": str(refusal.code), "message": refusal.message}
