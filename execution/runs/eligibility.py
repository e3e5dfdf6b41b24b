"""Which run of its request a call would be: the first, a follow-up of lines that waited for a person, or none.

A request is executed once per account. A line that was quarantined has not been decided. Once a person has settled
what was in doubt, a follow-up run of the same request takes it, and only such lines: each line trades at most once.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from execution.engine.parsing.artifact import Artifact
from execution.engine.parsing.interpretation import Interpretation
from execution.engine.vocabulary import CONFIRMABLE, Code, Refusal
from execution.models import ExecutionRun, Recommendation
from execution.reports.types import RunReport
from execution.research.changes import artifact_changed
from execution.research.inbox import LoadedArtifact
from execution.runs import records


@dataclass(frozen=True, slots=True)
class Attempt:
    """A run that may take place: the artifact as it understands it, its number among the runs, its lines.

    `lines` None: all of them.
    """

    loaded: LoadedArtifact
    sequence: int = 1
    lines: frozenset[int] | None = None

    @property
    def artifact(self) -> Artifact:
        """The part of the artifact that the run is about."""
        return self.loaded.artifact if self.lines is None else self.loaded.artifact.only(self.lines)


def next_attempt(
    *,
    request_id: uuid.UUID,
    strategy_id: uuid.UUID,
    provider: str,
    loaded: LoadedArtifact,
    accepted: Collection[str],
) -> Attempt | RunReport | Refusal:
    """Return the run that may take place, the newest report where nothing is left to do, or a refusal.

    `loaded` is read with all that people have said by now, `accepted` are the symbols whose price a person has
    confirmed. A request of which a run was reversed has no follow-up. Refused: an artifact that has changed since
    any account executed it.
    """
    runs = records.find_runs(request_id=request_id)
    changed = [run for run in runs if run.digest != loaded.artifact.digest]
    if changed:
        return _changed(changed[0], loaded)
    mine = [run for run in runs if run.strategy_id == strategy_id and run.provider == provider]
    if not mine:
        return Attempt(loaded)
    reread = _as_then(mine[0], loaded)
    settled = frozenset() if isinstance(reread, Refusal) else _settled(mine, reread, accepted)
    if settled and isinstance(reread, LoadedArtifact):
        return Attempt(reread, max(run.sequence for run in mine) + 1, settled)
    return _replay(mine[-1])


def _replay(run: ExecutionRun) -> RunReport:
    """The report of an earlier run, which says where the run was reversed since."""
    reversal = records.reversal_of(run)
    reversed_at = reversal.reversed_at.isoformat() if reversal else None
    return RunReport.from_data(run.report).as_replay(reversed_at=reversed_at)


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


def _settled(runs: Sequence[ExecutionRun], now: LoadedArtifact, accepted: Collection[str]) -> frozenset[int]:
    """The waiting lines of which a person has settled what was in doubt since they were last looked at."""
    clear = {item.line for item in now.artifact.recommendations}
    settled: set[int] = set()
    for run, waiting in _undecided(runs).items():
        then = interpretation_of(run)
        before = now.read_as(then)
        unclear = set() if isinstance(before, Refusal) else {item.line for item in before.artifact.problems}
        confirmed = now.interpretation.confirmed - then.confirmed
        settled |= {
            item.line
            for item in waiting
            if item.line in unclear
            or (Code.PRICE_OUT_OF_BAND in item.codes and item.symbol in accepted)
            or (item.line in confirmed and CONFIRMABLE.intersection(item.codes))
        }
    return frozenset(settled & clear)


def _undecided(runs: Sequence[ExecutionRun]) -> dict[ExecutionRun, list[Recommendation]]:
    """The lines that still wait after all the runs of one account, by the run that said so last."""
    by_id = {run.pk: run for run in runs}
    waiting: dict[ExecutionRun, list[Recommendation]] = {}
    for row in records.undecided_lines().filter(run__in=by_id).order_by("line"):
        waiting.setdefault(by_id[row.run_id], []).append(row)
    return waiting
