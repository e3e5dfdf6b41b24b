"""Text from outside, made safe to store, log and print."""

import re
from collections.abc import Iterator

MAX_TEXT = 10_000

# Control characters (a newline and a tab are fine), the bidirectional overrides that make a line read other than
# it is written, the zero-width characters that hide one, and lone surrogates, which no database stores.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def clean(text: str) -> str:
    """Return `text` with every unsafe character replaced by U+FFFD."""
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text)


def one_line(value: object, *, limit: int = 80) -> str:
    """Return `value` quoted for a message: one line, cleaned, at most `limit` characters."""
    text = " ".join(clean(str(value)).split())
    return repr(text if len(text) <= limit else text[: limit - 1] + "…")


def clean_value(value: object) -> object:
    """Return a decoded JSON value with every string cleaned and every number as text, ready for a JSON column."""
    if isinstance(value, dict):
        return {clean(name): clean_value(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [clean_value(inner) for inner in value]
    if value is None or isinstance(value, bool):
        return value
    return clean(str(value))


def nesting(value: object) -> int:
    """Return how deep lists and objects are nested in a decoded JSON value; a bare value has depth 0.

    Walks level by level, so that no input can exhaust the call stack.
    """
    depth, level = 0, [value]
    while containers := [inner for inner in level if isinstance(inner, dict | list)]:
        depth += 1
        level = [inner for container in containers for inner in _inside(container)]
    return depth


def _inside(container: dict[str, object] | list[object]) -> Iterator[object]:
    return iter(container.values() if isinstance(container, dict) else container)
