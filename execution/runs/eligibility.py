"""Which run of its request a call would be: the first, a follow-up of undecided lines, the same again, or none.

A request is executed once per account. A line that was quarantined has not been decided; once a person has settled
what was in doubt, a follow-up run of the same request takes it. A line that something passing stopped has not been
decided either, and a follow-up takes it while its time lasts. Each line trades at most once, unless the request is
executed again on purpose, after its orders were reversed.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from execution.engine.parsing.artifact import Artifact
from execution.engine.parsing.interpretation import Interpretation
from execution.engine.vocabulary import CONFIRMABLE, Code, Refusal
from execution.models import ExecutionRun, Recommendation
from execution.reports.types import RunReport
from execution.research.changes import artifact_changed
from execution.research.inbox import LoadedArtifact
from execution.runs import records
from execution.runs.replays import Call, differences, replay_of


@dataclass(frozen=True, slots=True)
class Attempt:
    """A run that may take place: the artifact as it understands it, its number among the runs, its lines.

    `lines` None: all of them. `generation` counts how often the whole request was executed; `since` is when the
    first run of this generation started, None where this one is it. `replay` is set where the run only tries
    deferred lines again: it is the answer where all of them would be deferred once more, or something stops the
    whole run. `notes` say in what the call differs from the first run of this generation.
    """

    loaded: LoadedArtifact
    sequence: int = 1
    lines: frozenset[int] | None = None
    generation: int = 1
    since: datetime | None = None
    replay: RunReport | None = None
    notes: tuple[str, ...] = ()

    @property
    def artifact(self) -> Artifact:
        """The part of the artifact that the run is about."""
        return self.loaded.artifact if self.lines is None else self.loaded.artifact.only(self.lines)

    @property
    def is_again(self) -> bool:
        """Whether the whole request is executed again, after a reversal."""
        return self.lines is None and self.generation > 1


def next_attempt(
    *,
    request_id: uuid.UUID,
    strategy_id: uuid.UUID,
    provider: str,
    loaded: LoadedArtifact,
    accepted: Collection[str],
    call: Call,
    again: bool = False,
) -> Attempt | RunReport | Refusal:
    """Return the run that may take place, the newest report where nothing is left to do, or a refusal.

    `loaded` is read with all that people have said by now, `accepted` are the symbols whose price a person has
    confirmed; `again` asks for the whole request once more. A request of which a run was reversed has no follow-up.
    Refused: an artifact that has changed since any account executed it, and `again` where orders still stand.
    """
    runs = records.find_runs(request_id=request_id)
    changed = [run for run in runs if run.digest != loaded.artifact.digest]
    if changed:
        return _changed(changed[0], loaded)
    mine = [run for run in runs if run.strategy_id == strategy_id and run.provider == provider]
    newest = [run for run in mine if run.generation == mine[-1].generation]
    if again:
        return _once_more(newest, loaded, call, request_id=request_id)
    return _follow_up(newest, loaded, accepted, call) if newest else Attempt(loaded)


def _follow_up(
    runs: Sequence[ExecutionRun], loaded: LoadedArtifact, accepted: Collection[str], call: Call
) -> Attempt | RunReport:
    """Return the run of what is undecided and can be decided now, or the newest report where nothing is.

    The plan that a call was previewed with may have been executed by it already: its second click, or the same call
    after a lost answer, is no wish for another plan.
    """
    replay = replay_of(runs, call)
    if call.plan_token is not None and any(run.report.get("plan_token") == call.plan_token for run in runs):
        return replay
    reread = _as_then(runs[0], loaded)
    if isinstance(reread, Refusal):
        return replay
    settled, deferred = _settled(runs, reread, accepted), _deferred(runs, reread, now=call.now)
    if not settled | deferred:
        return replay
    return Attempt(
        reread,
        sequence=runs[-1].sequence + 1,
        lines=settled | deferred,
        generation=runs[0].generation,
        since=runs[0].started_at,
        replay=None if settled else replay,
        notes=tuple(differences(runs[0], call)),
    )


def _once_more(
    runs: Sequence[ExecutionRun], loaded: LoadedArtifact, call: Call, *, request_id: uuid.UUID
) -> Attempt | RunReport | Refusal:
    """Return the run of the whole request after its orders were reversed: once, however many ask for it."""
    if not runs:
        message = f"request {request_id} has not been executed in this account: there is nothing to execute again"
        return Refusal(Code.RUN_NOT_REVERSED, message)
    standing = [run for run in runs if run.order_count and records.reversal_of(run) is None]
    if not standing and any(records.reversal_of(run) for run in runs):
        last = runs[-1]
        return Attempt(loaded, sequence=last.sequence + 1, generation=last.generation + 1)
    if runs[-1].generation > 1:
        return replay_of(runs, call)
    which = standing[0] if standing else runs[-1]
    message = (
        f"run {which.pk} of request {request_id} has not been reversed: reverse it before it is executed again"
    )
    return Refusal(Code.RUN_NOT_REVERSED, message, {"run": str(which.pk)})


def _changed(run: ExecutionRun, loaded: LoadedArtifact) -> Refusal:
    since = f"request {run.request_id} was executed on {run.started_at:%Y-%m-%d %H:%M} UTC"
    return artifact_changed(loaded.source, since=since, known=run.digest, found=loaded.artifact.digest)


def _as_then(first: ExecutionRun, loaded: LoadedArtifact) -> LoadedArtifact | Refusal:
    """Return the artifact read by the rules of the first run, with the answers of now.

    A rule that came later is for research that comes later: it must not make lines trade that nobody asked about.
    """
    return loaded.read_as(replace(loaded.interpretation, rules=interpretation_of(first).rules))


def interpretation_of(run: ExecutionRun) -> Interpretation:
    """Return how a run read its artifact."""
    data = run.parameters.get("interpretation")
    return Interpretation.from_data(data) if data else Interpretation()


def _settled(runs: Sequence[ExecutionRun], loaded: LoadedArtifact, accepted: Collection[str]) -> frozenset[int]:
    """The waiting lines of which a person has settled what was in doubt since they were last looked at."""
    clear = {item.line for item in loaded.artifact.recommendations}
    settled: set[int] = set()
    for run, waiting in _undecided(runs).items():
        then = interpretation_of(run)
        before = loaded.read_as(then)
        unclear = set() if isinstance(before, Refusal) else {item.line for item in before.artifact.problems}
        confirmed = loaded.interpretation.confirmed - then.confirmed
        settled |= {
            item.line
            for item in waiting
            if item.line in unclear
            or (Code.PRICE_OUT_OF_BAND in item.codes and item.symbol in accepted)
            or (item.line in confirmed and CONFIRMABLE.intersection(item.codes))
        }
    return frozenset(settled & clear)


def _deferred(runs: Sequence[ExecutionRun], loaded: LoadedArtifact, *, now: datetime) -> frozenset[int]:
    """The lines that something passing stopped, and whose time is not over."""
    rows = records.deferred_lines(now).filter(run__in=[run.pk for run in runs])
    readable = {item.line for item in loaded.artifact.recommendations}
    return frozenset(set(rows.values_list("line", flat=True)) & readable)


def _undecided(runs: Sequence[ExecutionRun]) -> dict[ExecutionRun, list[Recommendation]]:
    """The lines that still wait after all the runs of one account, by the run that said so last."""
    by_id = {run.pk: run for run in runs}
    waiting: dict[ExecutionRun, list[Recommendation]] = {}
    for row in records.undecided_lines().filter(run__in=by_id).order_by("line"):
        waiting.setdefault(by_id[row.run_id], []).append(row)
    return waiting
