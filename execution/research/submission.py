"""Research that comes with a call instead of a directory. Once kept, its id stands for its content for ever."""

import uuid
from datetime import datetime
from pathlib import Path

from common.db.retry import run_transaction
from execution.engine.parsing.json_encoding import encode
from execution.engine.vocabulary import Code, Refusal
from execution.models import ResearchRequest
from execution.research.changes import artifact_changed
from execution.research.inbox import LoadedArtifact, load_artifact, load_inline
from execution.research.records import find_pushed, keep_research

INLINE = ResearchRequest.Origin.INLINE
_NAME = "inline recommendations"


def load_pushed(
    recommendations: object, *, market_context: str | None, request_id: uuid.UUID, task_id: uuid.UUID | None
) -> LoadedArtifact | Refusal:
    """Return decoded recommendations as an artifact: the same values give the same bytes, however sent."""
    document = {"recommendations": recommendations}
    if market_context is not None:
        document["market_context"] = market_context
    return load_inline(
        encode(document), task_id=task_id or uuid.uuid5(request_id, "inline"), origin=INLINE, name=_NAME
    )


def push_research(
    loaded: LoadedArtifact, *, request_id: uuid.UUID, artifacts_root: Path, now: datetime
) -> tuple[ResearchRequest, bool] | Refusal:
    """Keep research under an id, and return the request and whether it is new. Executes nothing.

    Refused: other content under an id that is known, and an id whose directory is in the inbox.
    """
    directory = artifacts_root / str(request_id)
    if find_pushed(request_id) is None and directory.exists():
        return Refusal(Code.ARTIFACT_CHANGED, f"request {request_id} is in the inbox already, with its own content")
    return keep(loaded, request_id=request_id, now=now)


def keep(loaded: LoadedArtifact, *, request_id: uuid.UUID, now: datetime) -> tuple[ResearchRequest, bool] | Refusal:
    """Keep research under an id unless it is there; refused: an id that stands for other content."""
    request, is_new = run_transaction(lambda: keep_research(loaded, request_id=request_id, now=now))
    return _changed(request, loaded) or (request, is_new)


def find_research(
    given: LoadedArtifact | None, *, root: Path, request_id: uuid.UUID, task_id: uuid.UUID | None
) -> LoadedArtifact | Refusal:
    """Return the research of a request: what was pushed under its id, what came with the call, or its directory's.

    Refused: another content than the pushed one, and another task.
    """
    pushed = find_pushed(request_id)
    if pushed is None:
        return given or load_artifact(root, request_id=request_id, task_id=task_id)
    if task_id not in (None, pushed.task_id):
        return Refusal(Code.TASK_NOT_FOUND, f"request {request_id} was pushed as task {pushed.task_id}")
    content, origin = pushed.content.encode(), INLINE
    task = pushed.task_id or uuid.uuid5(request_id, "inline")
    loaded = load_inline(content, task_id=task, origin=origin, name=pushed.source_path)
    return (_changed(pushed, given) if given is not None else None) or loaded


def _changed(request: ResearchRequest, loaded: LoadedArtifact) -> Refusal | None:
    """Refuse what is not the content that the id stands for."""
    found = loaded.artifact.digest
    if request.digest == found:
        return None
    since = f"it was received on {request.received_at:%Y-%m-%d %H:%M} UTC"
    return artifact_changed(
        f"request {request.pk}", since=since, known_as="known", known=request.digest, found=found
    )
