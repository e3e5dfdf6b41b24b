"""Closed sets of words, each with a label for people: one definition for pure code, columns and forms.

They answer as Django's `TextChoices` do (`choices`, `values`, `labels`, `label`), so that a model takes its choices
and its constraints from them, and need no Django, so that pure code can use them.
"""

from enum import EnumType, StrEnum
from typing import Any


class _ChoicesType(EnumType):
    @property
    def choices(cls) -> list[tuple[str, str]]:
        """Value and label of each member, in their order."""
        return list(zip(cls.values, cls.labels, strict=True))

    @property
    def values(cls) -> list[str]:
        """The values as plain text: what is in the database."""
        members: Any = cls
        return [str(member.value) for member in members]

    @property
    def labels(cls) -> list[str]:
        """What people read."""
        members: Any = cls
        return [member.label for member in members]


class Choices(StrEnum, metaclass=_ChoicesType):
    """A word of a closed set. A member is its value, or a value and a label; without one, the value in words."""

    label: str  # the word as people read it

    def __new__(cls, value: str, label: str = "") -> "Choices":
        """Return the member of that value."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label or value.replace("_", " ").capitalize()
        return member
