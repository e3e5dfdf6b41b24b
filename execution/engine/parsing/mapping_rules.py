"""What people add to the parser's tables: how one provider's words are meant, and what one line is meant to say.

Both are values that are given to the parser. It never learns by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from common.text import field_name
from execution.engine.vocabulary import Code, RecommendedAction

_Meaning = TypeVar("_Meaning")


class SizeUnit(StrEnum):
    """What a size of 1 is: one percent of the account, or all of it."""

    PERCENT = "percent"
    FRACTION = "fraction"


@dataclass(frozen=True, slots=True)
class Unclear:
    """Why a line cannot be trusted: a code, a sentence, what would settle it, and the field with its value.

    `field` and `value` are for machines: a person's rule for this field and value makes the line clear.
    """

    code: Code
    message: str
    suggestion: str = ""
    field: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """A person's saved rules for one provider. They come before the parser's own tables.

    `actions` and `symbols` map a word as it is written (case and padding do not matter) to what it means; a symbol
    is given in its canonical form. `size_units` maps the name of a size field to its unit.
    """

    actions: Mapping[str, RecommendedAction] = field(default_factory=dict)
    symbols: Mapping[str, str] = field(default_factory=dict)
    size_units: Mapping[str, SizeUnit] = field(default_factory=dict)

    def action(self, written: str) -> RecommendedAction | None:
        """Return what a person said that this word means."""
        return _look_up(self.actions, written)

    def size_unit(self, field: str) -> SizeUnit | None:
        """Return the unit that a person said this size field (by its canonical name) has."""
        return next((unit for name, unit in self.size_units.items() if field_name(name) == field), None)

    def symbol(self, written: str) -> str | None:
        """Return the canonical symbol that a person said this text names."""
        return _look_up(self.symbols, written)


@dataclass(frozen=True, slots=True)
class Resolution:
    """A person's answer for one line: what is not None takes the place of what the line says.

    It is used only where the line alone is unclear. `allocation_percent` (0 to 100) stands for every size in the
    line.
    """

    action: RecommendedAction | None = None
    symbol: str | None = None
    allocation_percent: Decimal | None = None


Resolutions = Mapping[int, Resolution]  # by line, from 1


def _look_up(table: Mapping[str, _Meaning], written: str) -> _Meaning | None:
    return next((meaning for word, meaning in table.items() if _folded(word) == _folded(written)), None)


def _folded(text: str) -> str:
    return text.strip().casefold()
