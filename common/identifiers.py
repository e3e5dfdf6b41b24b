"""How ids and symbols are written: the one canonical form of each. Pure."""

import re
from uuid import UUID

# The 36 characters alone, lower case with hyphens: an id becomes part of a path.
UUID_PATTERN = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
UUID_RULE = "not a canonical UUID such as 79b9930c-3a6f-4f41-ae9b-a3fa8ec37ef2"
_UUID = re.compile(UUID_PATTERN, re.ASCII)

# Letters, perhaps digits (as test and fund tickers have), perhaps a share class: MSFT, BRK.B, SPY, SYM001.
_SYMBOL = re.compile(r"[A-Z]{1,6}[0-9]{0,6}(\.[A-Z]{1,2})?", re.ASCII)


def canonical_uuid(text: str) -> UUID | None:
    """Return the UUID in `text`, or None where it is not written canonically."""
    return UUID(text) if _UUID.fullmatch(text) else None


def uuids_in(text: str) -> list[UUID]:
    """Return every canonical UUID that stands in `text`."""
    return [UUID(found[0]) for found in _UUID.finditer(text)]


def is_symbol(text: str) -> bool:
    """Whether `text` is a symbol in canonical form: upper case, the share class behind a point."""
    return _SYMBOL.fullmatch(text) is not None


def normalize_symbol(text: str) -> str | None:
    """Return the canonical form (upper case, share class behind a point: BRK.B), or None for no such symbol.

    For symbols that people type and keep; what research writes is read by the engine, which asks for more.
    """
    name = text.strip()
    symbol = name.upper().replace("-", ".")
    # upper() makes plain letters of some that are none: SS of a sharp s, S of a long one.
    return symbol if name.isascii() and is_symbol(symbol) else None
