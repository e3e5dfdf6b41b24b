"""Resolutions of quarantined lines: how a line would be read with one is shown before it is kept.

A preview keeps the resolution, looks, and rolls it back: what it shows is what the next execution would see.
"""

from dataclasses import dataclass

from django.db import transaction

from execution.engine.parsing.artifact import Artifact, Problem, Recommendation
from execution.engine.vocabulary import Code, Refusal
from execution.models import ExecutionRun
from execution.models import Recommendation as StoredLine
from execution.research.inbox import LoadedArtifact
from execution.research.resolutions import (
    Author,
    ResolutionInput,
    interpretation_for,
    resolve_line,
    save_rule,
    suggested_rule,
)
from execution.runs.eligibility import Attempt, interpretation_of, next_attempt
from execution.runs.replays import call_like


@dataclass(frozen=True, slots=True)
class Rule:
    """How a provider's word is meant from now on."""

    field: str
    written: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Reading:
    """How a line is read with a resolution. `is_taken`: the next execution of its request decides it then."""

    line: Recommendation | Problem
    is_taken: bool


def rule_from(line: StoredLine, *, resolution: ResolutionInput) -> Rule | None:
    """Return the rule that would have made the line clear, as its run read it; None where no rule could."""
    artifact = interpretation_of(line.run).read(line.run.request.content.encode())
    problem = None if isinstance(artifact, Refusal) else _find(artifact, line.line)
    found = suggested_rule(problem, resolution) if isinstance(problem, Problem) else None
    return Rule(*found) if found else None


def preview_resolution(
    line: StoredLine, *, resolution: ResolutionInput, rule: Rule | None, author: Author
) -> Reading | Refusal:
    """Return how the line would be read with the resolution, or why it cannot be kept. Writes nothing."""
    with transaction.atomic():
        refusal = _keep(line, resolution=resolution, rule=rule, author=author)
        found = _look(line) if refusal is None else refusal
        transaction.set_rollback(True)
    return found


def keep_resolution(
    line: StoredLine, *, resolution: ResolutionInput, rule: Rule | None, author: Author
) -> Reading | Refusal:
    """Keep what a person says of a line and, where there is one, the rule; return how the line is read now.

    Both are kept or neither. Refused: whatever `resolve_line` and `save_rule` refuse.
    """
    with transaction.atomic():
        refusal = _keep(line, resolution=resolution, rule=rule, author=author)
        found = _look(line) if refusal is None else refusal
        if isinstance(found, Refusal):
            transaction.set_rollback(True)
    return found


def _keep(line: StoredLine, *, resolution: ResolutionInput, rule: Rule | None, author: Author) -> Refusal | None:
    kept = resolve_line(request_id=line.run.request_id, line=line.line, resolution=resolution, author=author)
    if isinstance(kept, Refusal) or rule is None:
        return kept if isinstance(kept, Refusal) else None
    saved = save_rule(
        provider=line.run.provider,
        field=rule.field,
        written=rule.written,
        meaning=rule.meaning,
        author=author,
    )
    return saved if isinstance(saved, Refusal) else None


def _look(line: StoredLine) -> Reading | Refusal:
    """Read the request as its next execution would."""
    run = line.run
    loaded = _loaded(run)
    if isinstance(loaded, Refusal):
        return loaded
    attempt = next_attempt(
        request_id=run.request_id,
        strategy_id=run.strategy_id,
        provider=run.provider,
        loaded=loaded,
        accepted=(),
        call=call_like(run),
    )
    if isinstance(attempt, Refusal):
        return attempt
    is_taken = isinstance(attempt, Attempt) and (attempt.lines is None or line.line in attempt.lines)
    found = _find(attempt.loaded.artifact if isinstance(attempt, Attempt) else loaded.artifact, line.line)
    if found is None:
        return Refusal(Code.LINE_NOT_FOUND, f"line {line.line} is not in the research of request {run.request_id}")
    return Reading(found, is_taken)


def _loaded(run: ExecutionRun) -> LoadedArtifact | Refusal:
    """The stored research, read with all that people have said by now."""
    content, then = run.request.content, interpretation_of(run)
    artifact = then.read(content.encode())
    if isinstance(artifact, Refusal):
        return artifact
    loaded = LoadedArtifact(run.task_id, run.request.source_path, content, artifact, run.request.origin, then)
    return loaded.read_as(interpretation_for(request_id=run.request_id, provider=run.provider))


def _find(artifact: Artifact, number: int) -> Recommendation | Problem | None:
    items: tuple[Recommendation | Problem, ...] = (*artifact.recommendations, *artifact.problems)
    return next((item for item in items if item.line == number), None)
