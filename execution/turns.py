"""Which run of its request a call would be: the first, a follow-up of lines that waited for a person, or none.

A request is executed once per account. A line that was quarantined has not been decided. Once a person has settled
what was in doubt, a follow-up run of the same request takes it, and only such lines: each line trades at most once.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from execution import recording
from execution.engine.artifact import Artifact
from execution.engine.vocabulary import Code, Outcome, Refusal
from execution.inbox import LoadedArtifact
from execution.models import ExecutionRun
from execution.report import DecisionPart, RunReport


@dataclass(frozen=True, slots=True)
class Turn:
    """A run that may take place: its number among the runs of the request, and its lines (None: all)."""

    sequence: int = 1
    lines: frozenset[int] | None = None

    def part_of(self, artifact: Artifact) -> Artifact:
        """Return what the run may see of the artifact."""
        return artifact if self.lines is None else artifact.only(self.lines)


def whose_turn(
    *,
    request_id: uuid.UUID,
    strategy_id: uuid.UUID,
    provider: str,
    loaded: LoadedArtifact,
    accepted: Collection[str],
) -> Turn | RunReport | Refusal:
    """Return the run that may take place, the newest report where nothing is left to do, or a refusal.

    `accepted` are the symbols whose price a person has confirmed. Refused: an artifact that has changed since any
    account executed it.
    """
    runs = recording.find_runs(request_id=request_id)
    changed = [run for run in runs if run.digest != loaded.artifact.digest]
    if changed:
        return _changed(changed[0], loaded)
    mine = [run for run in runs if run.strategy_id == strategy_id and run.provider == provider]
    if not mine:
        return Turn()
    settled = frozenset(
        decision.line for decision in _undecided(mine) if _is_settled(decision, loaded.artifact, accepted)
    )
    if settled:
        return Turn(max(run.sequence for run in mine) + 1, settled)
    return _replay(mine[-1])


def _replay(run: ExecutionRun) -> RunReport:
    """The report of an earlier run, which says where the run was taken back since."""
    reversal = recording.reversal_of(run)
    reversed_at = reversal.reversed_at.isoformat() if reversal else None
    return RunReport.from_data(run.report).as_replay(reversed_at=reversed_at)


def _changed(run: ExecutionRun, loaded: LoadedArtifact) -> Refusal:
    found = loaded.artifact.digest
    return Refusal(
        Code.ARTIFACT_CHANGED,
        f"{loaded.source} has changed since request {run.request_id} was executed on "
        f"{run.started_at:%Y-%m-%d %H:%M} UTC: executed {run.digest[:12]}, now {found[:12]}",
        {"executed": run.digest, "found": found},
    )


def _undecided(runs: Sequence[ExecutionRun]) -> list[DecisionPart]:
    """The lines that are quarantined after all the runs of one account, by what the last of them said."""
    last = {item.line: item for run in runs for item in RunReport.from_data(run.report).decisions}
    return [item for item in last.values() if item.outcome == Outcome.QUARANTINED]


def _is_settled(decision: DecisionPart, artifact: Artifact, accepted: Collection[str]) -> bool:
    """Whether what was in doubt about a line is no longer. A swept holding has no line to come back to."""
    is_line = decision.line <= artifact.line_count
    return is_line and Code.PRICE_OUT_OF_BAND in decision.codes and decision.symbol in accepted
