import json
from dataclasses import dataclass
from typing import Any

from execution.engine.parsing.artifact import Artifact, Problem, Recommendation
from execution.engine.vocabulary import Refusal

MSFT: dict[str, Any] = {"symbol": "MSFT", "action": "BUY", "allocation_percent": 10.0}
GOOD = json.dumps({"recommendations": [MSFT]})
READ = ["BUY MSFT 10"]


@dataclass(frozen=True, slots=True)
class Case:
    """An input with its name and what becomes of it."""

    name: str
    content: bytes
    expected: list[str]


def case(name: str, content: object, *expected: str) -> Case:
    """Return a case of bytes, of text, or of a value that is written as JSON."""
    if isinstance(content, bytes):
        return Case(name, content, list(expected))
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    return Case(name, text.encode(), list(expected))


def refused(name: str, content: object, code: str) -> Case:
    """Return a case that is refused as a whole."""
    return case(name, content, f"REFUSED {code}")


def lines(name: str, *written: dict[str, Any], expect: list[str], **document: Any) -> Case:
    """Return a document with these recommendations."""
    return case(name, {**document, "recommendations": list(written)}, *expect)


def line(name: str, fields: dict[str, Any], expected: str, **document: Any) -> Case:
    """Return a document with one recommendation, which is MSFT but for `fields`; None leaves a field out."""
    written = {key: value for key, value in (MSFT | fields).items() if value is not None}
    return lines(name, written, expect=[expected], **document)


def outcome(found: Artifact | Refusal) -> list[str]:
    """Return what became of an input, in the words of the cases."""
    if isinstance(found, Refusal):
        return [f"REFUSED {found.code}"]
    read: list[Recommendation | Problem] = sorted(
        [*found.recommendations, *found.problems], key=lambda item: item.line
    )
    return [_ending(item) for item in read]


def _ending(item: Recommendation | Problem) -> str:
    if isinstance(item, Problem):
        return f"QUARANTINED {item.code}"
    size = "" if item.allocation_percent is None else f" {item.allocation_percent.normalize():f}"
    return f"{item.action} {item.symbol}{size}"
