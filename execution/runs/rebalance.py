"""Rebalancing: target weights, typed or from the account's latest research, as research of its own.

A rebalance takes the way of every request: its targets are an artifact, it runs once under its request id, and it
is planned, limited, booked and explained like the rest.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

from common.identifiers import normalize_symbol
from common.text import one_line
from execution.engine.parsing.json_decoding import MAX_BYTES, decode
from execution.engine.vocabulary import Code, Refusal
from execution.models import ResearchRequest
from execution.research.inbox import LoadedArtifact, load_inline
from execution.runs import records
from execution.runs.eligibility import interpretation_of
from execution.untrusted_files import read_regular_file, read_table

_REBALANCE = ResearchRequest.Origin.REBALANCE


def parse_target(pair: str) -> tuple[str, Decimal] | Refusal:
    """Return symbol and weight in percent from `SYMBOL=PCT`; a weight below zero is a short."""
    name, equals, text = pair.partition("=")
    if not equals:
        return Refusal(Code.BAD_TARGET, f"target {one_line(pair)}: not of the form SYMBOL=PERCENT")
    return _target(name, text, where=f"target {one_line(pair)}")


def read_targets(path: Path) -> dict[str, Decimal] | Refusal:
    """Return the weights in a CSV file `symbol,percent` or a JSON object {symbol: percent}, or what is wrong."""
    content = read_regular_file(path, limit=MAX_BYTES)
    if isinstance(content, Refusal):
        return content
    rows = (
        _json_rows(content)
        if path.suffix.lower() == ".json"
        else read_table(content, columns=("symbol", "percent"))
    )
    if isinstance(rows, Refusal):
        return Refusal(Code.BAD_TARGET, f"{path}: {rows.message}")
    targets: dict[str, Decimal] = {}
    for where, values in rows:
        target = _target(values["symbol"], values["percent"], where=f"{path}: {where}")
        if isinstance(target, Refusal):
            return target
        if target[0] in targets:
            return Refusal(Code.BAD_TARGET, f"{path}: {where}: {target[0]} stands twice")
        targets[target[0]] = target[1]
    return targets


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


def _target(name: str, text: str, *, where: str) -> tuple[str, Decimal] | Refusal:
    symbol = normalize_symbol(name)
    if symbol is None:
        return Refusal(Code.BAD_TARGET, f"{where}: {one_line(name)} is not a symbol")
    try:
        weight = Decimal(text.strip())
    except InvalidOperation:
        return Refusal(Code.BAD_TARGET, f"{where}: {one_line(text)} is not a number")
    if not weight.is_finite() or not -100 <= weight <= 100 or weight.as_tuple().exponent < -6:  # type: ignore[operator]  # finite
        return Refusal(Code.BAD_TARGET, f"{where}: {one_line(text)} is not a percentage from -100 to 100")
    return symbol, weight


def _json_rows(content: bytes) -> list[tuple[str, dict[str, str]]] | Refusal:
    value = decode(content)
    if isinstance(value, Refusal):
        return value
    if not isinstance(value, dict):
        return Refusal(Code.BAD_TARGET, "not a JSON object of the form {symbol: percent}")
    return [(f"key {one_line(name)}", {"symbol": name, "percent": str(weight)}) for name, weight in value.items()]
