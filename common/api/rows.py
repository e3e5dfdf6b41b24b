"""Rows as the API shows them: decimals as plain text, times in ISO 8601 with offset.

A list of the books can be long, so a row goes from the database to JSON by one dictionary, without model objects.
The serializer only says which columns there are, to the schema as well as to this module.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from common.money import plain


def as_json(value: Any) -> Any:
    """Return a value of a column as the API shows it."""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _as_it_is(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class Column:
    """One field of a row: its name, the column it comes from, and how it is shown."""

    name: str
    source: str
    show: Callable[[Any], Any]


_PLAIN_FIELDS = (serializers.IntegerField, serializers.BooleanField, serializers.JSONField)


@cache
def columns_of(row: type[serializers.BaseSerializer[Any]]) -> tuple[Column, ...]:
    """Return the columns that a serializer declares, in its order."""
    fields: Mapping[str, serializers.Field[Any, Any, Any, Any]] = row().fields  # type: ignore[attr-defined]
    return tuple(
        Column(name, str(field.source), _as_it_is if isinstance(field, _PLAIN_FIELDS) else as_json)
        for name, field in fields.items()
    )


def chosen(columns: Collection[Column], text: str | None) -> tuple[Column, ...]:
    """Return the columns that `fields=` names, all without it. Raises ValidationError for an unknown one."""
    if text is None:
        return tuple(columns)
    names = set(text.split(","))
    unknown = sorted(names - {column.name for column in columns})
    if unknown:
        known = ", ".join(column.name for column in columns)
        raise ValidationError({"fields": [f"{unknown[0]!r} is not a field; there are: {known}"]})
    return tuple(column for column in columns if column.name in names)


def shown(row: Mapping[str, Any], columns: Collection[Column]) -> dict[str, Any]:
    """Return one row of the database as the API shows it."""
    return {column.name: column.show(row[column.source]) for column in columns}


def values_of(row: Any, columns: Collection[Column]) -> dict[str, Any]:
    """Return the columns of a model object; a relation by its key, for which no other row has to be read."""
    keys = {column.source: f"{column.source}_id" for column in columns}
    return {source: getattr(row, key if hasattr(row, key) else source) for source, key in keys.items()}


def shown_object(row: Any, kind: Any) -> dict[str, Any]:
    """Return a model object as the API shows it, with all the fields of a serializer."""
    columns = columns_of(kind)
    return shown(values_of(row, columns), columns)
