"""One request as it is looked at: what it says, as people have explained it so far, and what is stored of it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from execution.engine.parsing.artifact import Artifact
from execution.engine.parsing.interpretation import Interpretation
from execution.engine.vocabulary import Refusal
from execution.models import ExecutionRun, ResearchRequest
from execution.research.inbox import LoadedArtifact, load_artifact
from execution.research.resolutions import interpretation_for
from execution.runs import records
from execution.runs.eligibility import interpretation_of
from execution.selectors.research import find_request
from portfolios.domain.vocabulary import provider_meant


@dataclass(frozen=True, slots=True)
class RequestDetail:
    """A request's artifact as people have explained it so far, or why it cannot be read, and what is stored of it.

    `runs` are those that did not fail, the oldest first.
    """

    artifact: Artifact | Refusal
    source: str
    stored: ResearchRequest | None
    runs: Sequence[ExecutionRun]

    @property
    def strategy(self) -> str:
        """The id of the strategy that the research is for, as far as anybody has said, else ""."""
        if self.runs:
            return str(self.runs[-1].strategy_id)
        said = self.artifact.claims.strategy_id if isinstance(self.artifact, Artifact) else ""
        return str(self.stored.strategy_id) if self.stored and self.stored.strategy_id else said

    @property
    def provider(self) -> str:
        """The provider whose research it is, as far as anybody has said, else ""."""
        return _provider_of(self.artifact, self.stored, self.runs)


def read_request(request_id: uuid.UUID, *, root: Path, task_id: uuid.UUID | None) -> RequestDetail:
    """Return a request from its directory, else as it was stored, read with all that people have said of it.

    `task_id` chooses a task where the request has several.
    """
    loaded = load_artifact(root, request_id=request_id, task_id=task_id)
    stored = find_request(request_id)
    runs = records.find_runs(request_id=request_id)
    provider = _provider_of(_explained(loaded, stored, None), stored, runs)
    said = interpretation_for(request_id=request_id, provider=provider)
    mine = [run for run in runs if run.provider == provider]
    if mine:  # what a first run has read, its follow-ups read by the same rules
        said = replace(said, rules=interpretation_of(mine[0]).rules)
    source = loaded.source if isinstance(loaded, LoadedArtifact) else stored.source_path if stored else ""
    return RequestDetail(_explained(loaded, stored, said), _below(root, source), stored, runs)


def read_arrived(request_id: uuid.UUID, *, root: Path) -> Artifact | Refusal:
    """Return what a request's directory holds, as it is written, or why it cannot be read."""
    loaded = load_artifact(root, request_id=request_id, task_id=None)
    return loaded if isinstance(loaded, Refusal) else loaded.artifact


def _explained(
    loaded: LoadedArtifact | Refusal, stored: ResearchRequest | None, said: Interpretation | None
) -> Artifact | Refusal:
    """Return what the directory holds, else what was stored, read with what people said."""
    if isinstance(loaded, LoadedArtifact):
        read = loaded.read_as(said) if said else loaded
        return read.artifact if isinstance(read, LoadedArtifact) else read
    if stored is None or not stored.content:
        return loaded
    return (said or Interpretation()).read(stored.content.encode())


def _provider_of(artifact: Artifact | Refusal, stored: ResearchRequest | None, runs: Sequence[ExecutionRun]) -> str:
    if runs:
        return runs[-1].provider
    if stored is not None and stored.provider:
        return stored.provider
    return (provider_meant(artifact.claims.provider) or "") if isinstance(artifact, Artifact) else ""


def _below(root: Path, source: str) -> str:
    """Return where the artifact was read from, the root left out: it is the same for all of them."""
    path = Path(source)
    return str(path.relative_to(root)) if path.is_relative_to(root) else source
