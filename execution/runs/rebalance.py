"""Rebalancing: target weights, typed or from the account's latest research, as research of its own.

A rebalance takes the way of every request: its targets are an artifact, it runs once under its request id, and it
is planned, limited, booked and explained like the rest.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal

from execution.engine.vocabulary import Code, Refusal
from execution.models import ResearchRequest
from execution.research.inbox import LoadedArtifact, load_inline
from execution.runs import records
from execution.runs.eligibility import interpretation_of

_REBALANCE = ResearchRequest.Origin.REBALANCE


def load_targets(targets: Mapping[str, Decimal]) -> LoadedArtifact | Refusal:
    """Return the weights as an artifact: a weight of 0 closes a holding, one below zero is a short."""
    if not targets:
        return Refusal(Code.BAD_TARGET, "no targets are given")
    lines = [
        {"symbol": symbol, "action": "SELL_SHORT" if weight < 0 else "BUY", "allocation_percent": abs(weight)}
        for symbol, weight in targets.items()
    ]
    return _load(lines, name="rebalance targets")


def load_latest_research(*, strategy_id: uuid.UUID, provider: str) -> LoadedArtifact | Refusal:
    """Return the research that the account executed last, as that run understood it, to be reached as weights.

    It is a request of its own: what the research says of its provider, task and time does not hold for it. A line
    that nobody could read stays one, and so protects what it may have meant.
    """
    run = records.latest_research(strategy_id=strategy_id, provider=provider)
    if run is None:
        return Refusal(Code.NO_RESEARCH, f"{provider} has executed no research for strategy {strategy_id} yet")
    artifact = interpretation_of(run).read(run.request.content.encode())
    if isinstance(artifact, Refusal):
        return artifact
    lines = {item.line: item.raw for item in artifact.problems}
    lines |= {
        item.line: {"symbol": item.symbol, "action": item.action, "allocation_percent": item.allocation_percent}
        for item in artifact.recommendations
    }
    return _load([lines[line] for line in sorted(lines)], name=f"research {run.request_id}")


def _load(lines: Sequence[object], *, name: str) -> LoadedArtifact | Refusal:
    """Return the lines as an artifact. Numbers go in as they were written: from text, never from a double."""
    numbers: list[str] = []

    def placeholder(value: Decimal) -> str:
        numbers.append(f"{value:f}")
        return f"@{len(numbers) - 1}@"

    text = json.dumps({"recommendations": lines}, default=placeholder)
    for index, number in enumerate(numbers):
        text = text.replace(f'"@{index}@"', number, 1)
    return load_inline(text.encode(), task_id=uuid.uuid4(), origin=_REBALANCE, name=name)
