"""Keeps research that was read, and finds what was kept."""

import uuid
from datetime import datetime
from typing import Any

from execution.models import ResearchRequest
from execution.research.inbox import LoadedArtifact


def find_pushed(request_id: uuid.UUID) -> ResearchRequest | None:
    """Return the research that was sent with a call under this id, or None."""
    return ResearchRequest.objects.filter(pk=request_id, origin=ResearchRequest.Origin.INLINE).first()


def keep_research(loaded: LoadedArtifact, *, request_id: uuid.UUID, now: datetime) -> tuple[ResearchRequest, bool]:
    """Return the request of that id, and whether it was written now: what is there stays as it is."""
    return ResearchRequest.objects.get_or_create(id=request_id, defaults=_request_columns(loaded, now=now))


def store_request(
    loaded: LoadedArtifact,
    *,
    request_id: uuid.UUID,
    strategy_id: uuid.UUID,
    provider: str,
    state: ResearchRequest.State,
    now: datetime,
) -> None:
    """Write the request, or bring it up to date: without a run that counts, its artifact may have changed.

    Whose request it is stays as it is known; where nobody knew, its run says so.
    """
    columns = _request_columns(loaded, now=now)
    ResearchRequest.objects.bulk_create(
        [
            ResearchRequest(
                id=request_id,
                state=state,
                strategy_id=strategy_id,
                provider=provider,
                **columns,
            )
        ],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=[
            "state",
            "problems",
            "written_at",
            "task_id",
            "digest",
            "source_path",
            "content",
            "recommendation_count",
            "problem_count",
            "market_context",
        ],
    )
    unassigned = ResearchRequest.objects.filter(pk=request_id, strategy=None)
    unassigned.update(strategy_id=strategy_id, provider=provider)


def _request_columns(loaded: LoadedArtifact, *, now: datetime) -> dict[str, Any]:
    artifact = loaded.artifact
    return {
        "task_id": loaded.task_id,
        "digest": artifact.digest,
        "origin": loaded.origin,
        "source_path": loaded.source,
        "content": loaded.content,
        "recommendation_count": artifact.line_count,
        "problem_count": len(artifact.problems),
        "market_context": artifact.market_context,
        "written_at": artifact.written_at,
        "received_at": now,
    }
