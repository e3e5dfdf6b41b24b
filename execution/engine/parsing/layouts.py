"""A decoded document -> its lines: the shapes in which research tools write their recommendations."""

from collections.abc import Mapping
from dataclasses import dataclass

from common.text import one_line
from execution.engine.parsing.fields import ACTION_FIELDS, named
from execution.engine.vocabulary import Code, Refusal

MAX_RECOMMENDATIONS = 500

CONTAINERS = ("recommendations", "decisions", "orders", "items")  # in the order of preference
LETTERED = "orders"  # the container whose actions may be single letters
CLAIMS = ("provider", "request_id", "task_id", "strategy_id", "source")  # what a document says of itself
BARE_MAP, SINGLE = "map", "single"

_NESTED = "trade_signal_args"
_ACTIONS = ("action", *ACTION_FIELDS)


@dataclass(frozen=True, slots=True)
class Line:
    """One line: what it says by canonical names, its name where it stands in a map, and all as it was written.

    `twice` lists the fields that are written twice and differ.
    """

    value: object
    key: str | None
    raw: object
    twice: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of a document, where they stand, and which other containers were left alone."""

    container: str
    lines: tuple[Line, ...]
    skipped: tuple[str, ...] = ()


def find_lines(document: object) -> Lines | Refusal:
    """Return the lines of a document, or why it has none.

    Read are a list or a symbol-keyed map under one of `CONTAINERS` (`recommendations` before all others; two of the
    others refuse each other), a bare symbol-keyed map, and one proposal by itself.
    """
    if not isinstance(document, dict):
        return _no_object(document)
    present = [name for name in CONTAINERS if name in document]
    if len(present) > 1 and present[0] != CONTAINERS[0]:
        both = " and ".join(f"'{name}'" for name in present)
        return Refusal(
            Code.ARTIFACT_AMBIGUOUS, f"the document has {both}: which are its recommendations is not clear"
        )
    if present:
        return _contained(present[0], document[present[0]], skipped=tuple(present[1:]))
    return _uncontained(document)


def holds_lines(document: object) -> bool:
    """Whether a document has a container of lines, whatever is in it."""
    return isinstance(document, dict) and any(name in document for name in CONTAINERS)


def _no_object(document: object) -> Refusal:
    if document == []:
        return Refusal(Code.ARTIFACT_SHAPE, "the document is an empty list")
    return Refusal(
        Code.ARTIFACT_SHAPE,
        f"the document is not a JSON object with a list 'recommendations' but {one_line(document)}",
    )


def _too_many(count: int) -> Refusal:
    message = f"{count:,} recommendations, at most {MAX_RECOMMENDATIONS} are read"
    return Refusal(Code.TOO_MANY_RECOMMENDATIONS, message)


def _contained(name: str, content: object, *, skipped: tuple[str, ...]) -> Lines | Refusal:
    if content == []:
        return Refusal(Code.NO_RECOMMENDATIONS, f"field '{name}' is an empty list")
    if isinstance(content, dict) and _is_schema(content):
        return _schema_refusal()
    if isinstance(content, list | dict) and len(content) > MAX_RECOMMENDATIONS:
        return _too_many(len(content))
    if isinstance(content, list):
        return Lines(name, tuple(_line(value, None, value) for value in content), skipped)
    if isinstance(content, dict) and content and all(isinstance(value, dict) for value in content.values()):
        return Lines(name, _map_lines(content), skipped)
    return Refusal(Code.ARTIFACT_SHAPE, f"field '{name}' is not a list")


def _uncontained(document: Mapping[str, object]) -> Lines | Refusal:
    if not document:
        return Refusal(Code.ARTIFACT_SHAPE, "the document is an empty object")
    if _is_schema(document):
        return _schema_refusal()
    if _says_what_to_do(document):
        return Lines(SINGLE, (_line(document, None, document),))
    members = {name: value for name, value in document.items() if name not in CLAIMS}
    values = list(members.values())
    if all(isinstance(value, dict) for value in values) and any(map(_says_what_to_do, values)):
        return (
            Lines(BARE_MAP, _map_lines(members)) if len(values) <= MAX_RECOMMENDATIONS else _too_many(len(values))
        )
    names = ", ".join(one_line(name, limit=32) for name in list(document)[:5])
    return Refusal(Code.ARTIFACT_SHAPE, f"the document has no list 'recommendations'; its fields are {names}")


def _map_lines(content: Mapping[str, object]) -> tuple[Line, ...]:
    return tuple(_line(value, key, {key: value}) for key, value in content.items())


def _says_what_to_do(value: object) -> bool:
    said = _line(value, None, None).value
    return isinstance(said, dict) and any(isinstance(said.get(name), str) for name in _ACTIONS)


def _line(value: object, key: str | None, raw: object) -> Line:
    """Return a line; the arguments of a trade signal are lifted out of their object to the line's own fields."""
    if not isinstance(value, dict):
        return Line(value, key, raw)
    outer = named(value)
    inner = outer.fields.get(_NESTED)
    if not isinstance(inner, dict):
        return Line(outer.fields, key, raw, outer.twice)
    own = {name: field for name, field in outer.fields.items() if name != _NESTED}
    lifted = named(inner)
    differing = [name for name in own.keys() & lifted.fields.keys() if own[name] != lifted.fields[name]]
    return Line({**own, **lifted.fields}, key, raw, (*outer.twice, *lifted.twice, *sorted(differing)))


def _is_schema(document: Mapping[str, object]) -> bool:
    """Whether this is the description of a document, echoed instead of one."""
    described = isinstance(document.get("properties"), dict)
    return described or "$schema" in document or document.get("type") in ("object", "array")


def _schema_refusal() -> Refusal:
    return Refusal(Code.ARTIFACT_SHAPE, "the document is a JSON schema, not a document that follows it")
