"""Bytes -> the one document in them, however often it is wrapped: in a provider's reply, in text, in a JSON string.

Every layer is decoded by the same strict rules. No layer is larger than the one around it, and there are few.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from common.text import one_line
from execution.engine.parsing.json_decoding import decode_text, text_of
from execution.engine.parsing.layouts import CONTAINERS, holds_lines
from execution.engine.parsing.llm_text import json_in
from execution.engine.parsing.provider_envelopes import open_envelope
from execution.engine.vocabulary import Code, Refusal

MAX_LAYERS = 5  # a line of a batch, the reply in it, its text, a string in that, with one to spare
_MAX_LINES = 10_000
_PLAIN = {"", "null", "true", "false"}  # what the decoder and the shapes have their own words for


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """A decoded document, and the wrappings that it was taken out of, from the outside in."""

    document: object
    wrappings: tuple[str, ...]


def unwrap(content: bytes) -> Unwrapped | Refusal:
    """Return the document in `content`, or why there is none that can be trusted."""
    text = text_of(content)
    return text if isinstance(text, Refusal) else _from_text(text, ())


def unwrap_batch(content: bytes, *, wanted: Sequence[str]) -> Unwrapped | Refusal:
    """Return the document in the line of a batch's results that names one of `wanted`, the first of them if it can.

    `content` is JSON Lines; a line names an id in its `custom_id` (or `key`), alone or within a longer text, so the
    ids have to be unmistakable, as UUIDs are. A file of one line whose name holds no id is taken as it is.
    """
    text = text_of(content)
    if isinstance(text, Refusal):
        return text
    lines = [line for line in text.split("\n") if line.strip()]
    if len(lines) > _MAX_LINES:
        return Refusal(Code.ARTIFACT_TOO_LARGE, f"{len(lines):,} lines, at most {_MAX_LINES:,} are read")
    decoded = [decode_text(line) for line in lines]
    chosen = _chosen(decoded, wanted)
    return chosen if isinstance(chosen, Refusal) else _from_value(chosen, ())


def _chosen(decoded: Sequence[object], wanted: Sequence[str]) -> object:
    for identity in wanted:
        named = [line for line in decoded if identity.lower() in _name(line).lower()]
        if len(named) > 1:
            message = f"{len(named)} lines of the batch name {one_line(identity)}: which is meant is not clear"
            return Refusal(Code.ARTIFACT_AMBIGUOUS, message)
        if named:
            return named[0]
    if len(decoded) == 1 and not _holds_an_id(_name(decoded[0])):
        return decoded[0]
    names = ", ".join(one_line(_name(line), limit=48) for line in decoded[:3]) or "none"
    return Refusal(Code.ARTIFACT_NOT_IN_BATCH, f"no line of the batch names {' or '.join(wanted)}; found: {names}")


def _name(line: object) -> str:
    named = (line.get("custom_id") or line.get("key")) if isinstance(line, dict) else None
    return named if isinstance(named, str) else ""


def _holds_an_id(name: str) -> bool:
    """Whether a name has as many digits as a UUID: then it names a request, and not this one."""
    return sum(letter in "0123456789abcdef" for letter in name.lower()) >= 32


def _from_text(text: str, wrappings: tuple[str, ...]) -> Unwrapped | Refusal:
    piece = text if not wrappings and text.strip() in _PLAIN else json_in(text)
    if isinstance(piece, Refusal):
        return piece
    value = decode_text(piece.strip())
    return value if isinstance(value, Refusal) else _from_value(value, wrappings)


def _from_value(value: object, wrappings: tuple[str, ...]) -> Unwrapped | Refusal:
    if len(wrappings) > MAX_LAYERS:
        return Refusal(Code.ARTIFACT_DEPTH, f"wrapped more than {MAX_LAYERS} times")
    if isinstance(value, str):
        return _from_string(value, wrappings)
    if not isinstance(value, dict):
        return Unwrapped(value, wrappings)
    if holds_lines(value):
        return _decoded_container(value, wrappings)
    answer = open_envelope(value)
    if isinstance(answer, Refusal):
        return answer
    if answer is None:
        return Unwrapped(value, wrappings)
    return _from_value(answer.content, (*wrappings, answer.shape))


def _from_string(text: str, wrappings: tuple[str, ...]) -> Unwrapped | Refusal:
    found = _from_text(text, (*wrappings, "text"))
    if wrappings or not isinstance(found, Refusal) or found.code is not Code.ARTIFACT_PROSE:
        return found
    return Refusal(Code.ARTIFACT_SHAPE, f"the document is only text: {found.message}")


def _decoded_container(document: dict[str, object], wrappings: tuple[str, ...]) -> Unwrapped | Refusal:
    """Decode a list of lines that is written as a string."""
    name = next(name for name in CONTAINERS if name in document)
    written = document[name]
    if not isinstance(written, str):
        return Unwrapped(document, wrappings)
    value = decode_text(written)
    if isinstance(value, Refusal):
        return Refusal(value.code, f"field '{name}' is text: {value.message}")
    return Unwrapped({**document, name: value}, (*wrappings, "string"))
