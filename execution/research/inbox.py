"""Finds the artifact of a research request in `<root>/<request_id>/<task_id>/`.

`structured.json` comes first, then `parsed.json`, then the provider's raw reply `response.json`, then the results
of a batch, `*_batch_results.jsonl`.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID

from execution.arguments import parse_id
from execution.engine.parsing.artifact import Artifact
from execution.engine.parsing.interpretation import Interpretation
from execution.engine.parsing.json_decoding import MAX_BYTES
from execution.engine.vocabulary import Code, Refusal
from execution.models import ResearchRequest
from execution.untrusted_files import read_regular_file

ARTIFACT_NAMES = ("structured.json", "parsed.json", "response.json")  # in the order of preference
BATCH_SUFFIX = "_batch_results.jsonl"


@dataclass(frozen=True, slots=True)
class LoadedArtifact:
    """An artifact with the task and the place that it was read from, its bytes as text, and how they were read.

    `source` is the path of a file, or says in words where else it comes from.
    """

    task_id: UUID
    source: str
    content: str
    artifact: Artifact
    origin: str = ResearchRequest.Origin.DIRECTORY
    interpretation: Interpretation = field(default_factory=Interpretation)

    def read_as(self, interpretation: Interpretation) -> "LoadedArtifact | Refusal":
        """Return the same bytes read with what people said of them; what chose a line of a batch stays."""
        wanted = replace(interpretation, wanted=self.interpretation.wanted)
        if wanted == self.interpretation:
            return self
        artifact = wanted.read(self.content.encode())
        if isinstance(artifact, Refusal):
            return artifact
        artifact = replace(artifact, claims=self.artifact.claims)
        return replace(self, artifact=artifact, interpretation=wanted)


def load_inline(content: bytes, *, task_id: UUID, origin: str, name: str) -> LoadedArtifact | Refusal:
    """Return the artifact in bytes that came with the call, or why it cannot be trusted; `name` says what it is."""
    return _read(content, Interpretation(), task_id=task_id, source=name, origin=origin)


def load_beside(loaded: LoadedArtifact, *, name: str) -> LoadedArtifact | Refusal:
    """Return what another file of the same task says, or why it cannot be trusted."""
    path = Path(loaded.source).with_name(name)
    content = read_regular_file(path, limit=MAX_BYTES)
    if isinstance(content, Refusal):
        return content
    return _read(content, Interpretation(), task_id=loaded.task_id, source=str(path))


def load_artifact(root: Path, *, request_id: UUID, task_id: UUID | None) -> LoadedArtifact | Refusal:
    """Return the artifact of a request, or why there is none that can be trusted.

    With `task_id`, that task's. Without it, the only task's, or the only one with a readable artifact; where more
    than one has, the request is refused and the tasks are listed.
    """
    directory = root / str(request_id)
    tasks = task_directories(directory)
    if isinstance(tasks, Refusal):
        return tasks
    if task_id is not None:
        return _load_task(directory, task_id, tasks)
    if not tasks:
        return Refusal(Code.ARTIFACT_NOT_FOUND, f"{directory} holds no task directory (named by its UUID)")
    loaded = [_load(directory / str(task), task) for task in tasks]
    readable = [item for item in loaded if isinstance(item, LoadedArtifact)]
    if len(readable) == 1:
        return readable[0]
    return loaded[0] if len(loaded) == 1 else _ambiguous(directory, tasks, readable)


def task_directories(directory: Path) -> list[UUID] | Refusal:
    """Return the tasks of a request's directory, sorted, or why it cannot be listed."""
    if directory.is_symlink():
        return Refusal(Code.ARTIFACT_NOT_READABLE, f"{directory} is a symbolic link")
    try:
        with os.scandir(directory) as entries:
            names = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return Refusal(Code.REQUEST_NOT_FOUND, f"{directory} does not exist")
    except OSError as error:
        return Refusal(Code.ARTIFACT_NOT_READABLE, f"{directory} cannot be listed: {error.strerror}")
    ids = [parse_id(name, name="task directory") for name in names]
    return [task for task in ids if isinstance(task, UUID)]


def _load_task(directory: Path, task_id: UUID, tasks: Sequence[UUID]) -> LoadedArtifact | Refusal:
    if task_id not in tasks:
        found = ", ".join(str(task) for task in tasks) or "none"
        return Refusal(Code.TASK_NOT_FOUND, f"{directory} has no task {task_id}; found: {found}")
    return _load(directory / str(task_id), task_id)


def _load(directory: Path, task_id: UUID) -> LoadedArtifact | Refusal:
    path = artifact_path(directory)
    if isinstance(path, Refusal):
        return path
    content = read_regular_file(path, limit=MAX_BYTES)
    if isinstance(content, Refusal):
        return content
    # A batch's results hold many answers; the ids say which one is this task's.
    wanted = (str(task_id), directory.parent.name) if path.name.endswith(BATCH_SUFFIX) else ()
    return _read(content, Interpretation(wanted=wanted), task_id=task_id, source=str(path))


def artifact_path(directory: Path) -> Path | Refusal:
    """Return the file of a task's directory that counts, whether or not it can be read, or why there is none."""
    path = next((directory / name for name in ARTIFACT_NAMES if os.path.lexists(directory / name)), None)
    if path is not None:
        return path
    batches = sorted(directory.glob(f"*{BATCH_SUFFIX}"))
    if len(batches) > 1:
        listed = ", ".join(batch.name for batch in batches)
        return Refusal(Code.ARTIFACT_AMBIGUOUS, f"{directory} holds the results of several batches: {listed}")
    if not batches:
        names = ", ".join(ARTIFACT_NAMES)
        return Refusal(Code.ARTIFACT_NOT_FOUND, f"{directory} holds none of {names}, *{BATCH_SUFFIX}")
    return batches[0]


def _read(
    content: bytes,
    interpretation: Interpretation,
    *,
    task_id: UUID,
    source: str,
    origin: str = ResearchRequest.Origin.DIRECTORY,
) -> LoadedArtifact | Refusal:
    artifact = interpretation.read(content)
    if isinstance(artifact, Refusal):
        return Refusal(artifact.code, f"{source}: {artifact.message}", artifact.details)
    return LoadedArtifact(task_id, source, content.decode("utf-8"), artifact, origin, interpretation)


def _ambiguous(directory: Path, tasks: Sequence[UUID], readable: Sequence[LoadedArtifact]) -> Refusal:
    listed = ", ".join(str(task) for task in tasks)
    count = "several tasks have" if readable else "no task has"
    return Refusal(
        Code.TASK_AMBIGUOUS, f"{directory}: {count} a readable artifact; name one with --task-id: {listed}"
    )
