"""Tries a failed run again: the same research for the same account, read in the same way, at prices of now."""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from execution.engine.parsing.artifact import Claims
from execution.engine.vocabulary import Code, Mode, Refusal
from execution.models import ExecutionRun, ResearchRequest
from execution.prices import PriceChain
from execution.reports.types import RunReport
from execution.research.changes import artifact_changed
from execution.research.inbox import LoadedArtifact, load_artifact, load_inline
from execution.runs import records
from execution.runs.execute import execute
from execution.runs.prepare import ExecutionRequest, default_initial_balance

_Origin = ResearchRequest.Origin


def retry_failed_run(
    run_id: uuid.UUID, *, actor: str, source: str, now: datetime, prices: PriceChain, artifacts_root: Path
) -> RunReport | Refusal:
    """Execute the request of a failed run again, with the run's mode, sweep, provider, strategy and first deposit.

    The run stays failed; the answer is a new run's report, or why it is refused: an unknown run (RUN_NOT_FOUND), a
    run that did not fail or whose request has been executed since (RUN_NOT_FAILED), research that is no longer what
    the run read (ARTIFACT_CHANGED), and whatever `execute` refuses. Of two callers at once, one executes and the
    other gets a replay. Must not be called inside a transaction; raises what `execute` raises.
    """
    found = find_retry(run_id, actor=actor, source=source, now=now, prices=prices, artifacts_root=artifacts_root)
    return found if isinstance(found, Refusal) else execute(found)


def find_retry(
    run_id: uuid.UUID, *, actor: str, source: str, now: datetime, prices: PriceChain, artifacts_root: Path
) -> ExecutionRequest | Refusal:
    """Return the call that tries a failed run again, to be previewed or executed, or why there is none."""
    run = _failed_run(run_id)
    if isinstance(run, Refusal):
        return run
    loaded = _research(run, artifacts_root)
    if isinstance(loaded, Refusal):
        return loaded
    return _request(run, loaded, actor=actor, source=source, now=now, prices=prices, artifacts_root=artifacts_root)


def _failed_run(run_id: uuid.UUID) -> ExecutionRun | Refusal:
    run = records.find_run(run_id)
    if run is None:
        return Refusal(Code.RUN_NOT_FOUND, f"run {run_id} does not exist")
    if run.status != ExecutionRun.Status.FAILED:
        return Refusal(Code.RUN_NOT_FAILED, f"run {run_id} is {run.status}: only a failed run is tried again")
    done = [
        other
        for other in records.find_runs(request_id=run.request_id)
        if (other.strategy_id, other.provider, other.sequence) == (run.strategy_id, run.provider, run.sequence)
    ]
    if not done:
        return run
    return Refusal(
        Code.RUN_NOT_FAILED,
        f"run {run_id} failed, but its request has been executed since, as run {done[0].pk}",
        {"run": str(done[0].pk)},
    )


def _research(run: ExecutionRun, artifacts_root: Path) -> LoadedArtifact | Refusal:
    """The research as the run read it: from its directory, or as it came with the call."""
    if run.request.origin == _Origin.DIRECTORY:
        loaded = load_artifact(artifacts_root, request_id=run.request_id, task_id=run.task_id)
    else:
        content, name = run.request.content.encode(), run.request.source_path
        loaded = load_inline(content, task_id=run.task_id, origin=run.request.origin, name=name)
    if isinstance(loaded, Refusal):
        return loaded
    digest = loaded.artifact.digest
    if digest != run.digest:
        hint = "; execute the request to take it as it is"
        return artifact_changed(
            loaded.source, since=f"run {run.pk} failed", known=run.digest, found=digest, hint=hint
        )
    if run.request.origin == _Origin.REBALANCE:
        # What is reached again says whose request it was; the rebalance is another.
        return replace(loaded, artifact=replace(loaded.artifact, claims=Claims()))
    return loaded


def _request(
    run: ExecutionRun,
    loaded: LoadedArtifact,
    *,
    actor: str,
    source: str,
    now: datetime,
    prices: PriceChain,
    artifacts_root: Path,
) -> ExecutionRequest:
    kept: Mapping[str, Any] = run.parameters
    return ExecutionRequest(
        request_id=str(run.request_id),
        strategy_id=str(run.strategy_id),
        provider=run.provider,
        initial_balance=Decimal(kept.get("initial_balance") or default_initial_balance()),
        prices=prices,
        artifacts_root=artifacts_root,
        actor=actor,
        source=source,
        now=now,
        mode=Mode(kept["mode"]),
        close_unlisted=bool(kept["close_unlisted"]),
        inline=loaded,
        accepted_prices=frozenset(kept.get("accepted_prices", ())),
    )
