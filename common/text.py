"""Text from outside, made safe to store, log and print."""

import re
import reprlib
from collections.abc import Iterator
from dataclasses import dataclass

MAX_TEXT = 10_000

# Control characters (a newline and a tab are fine), the bidirectional overrides that make a line read other than
# it is written, the zero-width characters that hide one, and lone surrogates, which no database stores.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)

_JOINT = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_LONGEST_NAME = 64
_BRIEF = reprlib.Repr()  # the first few elements of a list or an object, whatever they hold


def counted(count: int, one: str, many: str = "") -> str:
    """Return `count` with its noun, `many` where it is not one: "1 order", "1,200 orders", "2 entries"."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def clean(text: str) -> str:
    """Return `text` with every unsafe character replaced by U+FFFD."""
    if text.isascii() and text.isprintable():  # most of it is, and this is ten times faster to see
        return text
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text)


def one_line(value: object, *, limit: int = 80) -> str:
    """Return `value` quoted for a message: one line, cleaned, at most `limit` characters."""
    return repr(brief(value, limit=limit))


def brief(value: object, *, limit: int = 80) -> str:
    """Return `value` as one cleaned line of at most `limit` characters.

    Only the beginning of a long value is looked at, so that it costs the same whatever it holds.
    """
    text = value if isinstance(value, str) else _BRIEF.repr(value) if isinstance(value, dict | list) else str(value)
    line = " ".join(clean(text[: 4 * limit]).split())
    whole = len(text) <= 4 * limit and len(line) <= limit
    return line if whole else line[: limit - 1] + "…"


def field_name(written: str) -> str:
    """Return a field's name in lower case with underscores, however its words are joined."""
    if written.islower() and "-" not in written and " " not in written:
        return written
    return _JOINT.sub("_", written[:_LONGEST_NAME]).lower().replace("-", "_").replace(" ", "_")


def clean_value(value: object) -> object:
    """Return a decoded JSON value with every string cleaned and every number as text, ready for a JSON column."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(name): clean_value(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [clean_value(inner) for inner in value]
    if value is None or isinstance(value, bool):
        return value
    return str(value)


@dataclass(frozen=True, slots=True)
class Size:
    """How many members and elements a decoded JSON value has in all, and how deep they are nested."""

    values: int
    depth: int


def measure(value: object, *, most: int) -> Size:
    """Return the size of a decoded JSON value; a bare value has none. Counting stops above `most` values.

    Walks level by level, so that no input can exhaust the call stack.
    """
    values, depth, level = 0, 0, [value]
    while containers := [inner for inner in level if isinstance(inner, dict | list)]:
        depth += 1
        values += sum(map(len, containers))
        if values > most:
            break
        level = [inner for container in containers for inner in _inside(container)]
    return Size(values, depth)


def _inside(container: dict[str, object] | list[object]) -> Iterator[object]:
    return iter(container.values() if isinstance(container, dict) else container)


def cause_of(sentence: str, outcome: str) -> str:
    """Return a sentence as "Skipped: there is no price." without the outcome that it starts with."""
    cause = sentence.removeprefix(f"{outcome.capitalize()}: ")
    return cause[:1].upper() + cause[1:]
