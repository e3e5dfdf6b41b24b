"""Finds the artifact of a research request: `<root>/<request_id>/<task_id>/structured.json`, else `parsed.json`."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from execution.engine.artifact import Artifact, parse_artifact
from execution.engine.decoding import MAX_BYTES
from execution.engine.vocabulary import Code, Refusal
from execution.inputs import parse_id
from execution.models import ResearchRequest
from execution.reading import read_regular_file

ARTIFACT_NAMES = ("structured.json", "parsed.json")  # in the order of preference


@dataclass(frozen=True, slots=True)
class LoadedArtifact:
    """An artifact with the task and the place that it was read from, and its bytes as text.

    `source` is the path of a file, or says in words where else it comes from.
    """

    task_id: UUID
    source: str
    content: str
    artifact: Artifact
    origin: str = ResearchRequest.Origin.DIRECTORY


def load_inline(content: bytes, *, task_id: UUID, origin: str, name: str) -> LoadedArtifact | Refusal:
    """Return the artifact in bytes that came with the call, or why it cannot be trusted; `name` says what it is."""
    artifact = parse_artifact(content)
    if isinstance(artifact, Refusal):
        return Refusal(artifact.code, f"{name}: {artifact.message}", artifact.details)
    return LoadedArtifact(task_id, name, content.decode("utf-8"), artifact, origin)


def load_artifact(root: Path, *, request_id: UUID, task_id: UUID | None) -> LoadedArtifact | Refusal:
    """Return the artifact of a request, or why there is none that can be trusted.

    With `task_id`, that task's. Without it, the only task's, or the only one with a readable artifact; where more
    than one has, the request is refused and the tasks are listed.
    """
    directory = root / str(request_id)
    tasks = _task_directories(directory)
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


def _task_directories(directory: Path) -> list[UUID] | Refusal:
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
    path = next((directory / name for name in ARTIFACT_NAMES if os.path.lexists(directory / name)), None)
    if path is None:
        return Refusal(Code.ARTIFACT_NOT_FOUND, f"{directory} holds neither {' nor '.join(ARTIFACT_NAMES)}")
    content = read_regular_file(path, limit=MAX_BYTES)
    if isinstance(content, Refusal):
        return content
    artifact = parse_artifact(content)
    if isinstance(artifact, Refusal):
        return Refusal(artifact.code, f"{path}: {artifact.message}", artifact.details)
    return LoadedArtifact(task_id, str(path), content.decode("utf-8"), artifact)


def _ambiguous(directory: Path, tasks: Sequence[UUID], readable: Sequence[LoadedArtifact]) -> Refusal:
    listed = ", ".join(str(task) for task in tasks)
    count = "several tasks have" if readable else "no task has"
    return Refusal(
        Code.TASK_AMBIGUOUS, f"{directory}: {count} a readable artifact; name one with --task-id: {listed}"
    )
