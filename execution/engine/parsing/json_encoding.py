"""A decoded JSON value -> bytes, the same bytes for the same value: numbers as they were written, keys sorted."""

import json
from decimal import Decimal


def encode(value: object) -> bytes:
    """Return a value that `decode` made as JSON in ASCII: equal values give equal bytes."""
    return _text(value).encode("ascii")


def _text(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{_text(value[name])}" for name in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_text, value)) + "]"
    return f"{value:f}" if isinstance(value, Decimal) else json.dumps(value)
