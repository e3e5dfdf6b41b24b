"""Serializers made from frozen dataclasses: what a service answers is described to the schema by its own fields."""

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from rest_framework import serializers

from common.api.rows import as_json

_Field = serializers.Field[Any, Any, Any, Any]

_SIMPLE: dict[type, type[_Field]] = {
    str: serializers.CharField,
    bool: serializers.BooleanField,
    int: serializers.IntegerField,
    datetime: serializers.DateTimeField,
    date: serializers.DateField,
    UUID: serializers.UUIDField,
}


@cache
def shape_of(answer: type, *, name: str = "") -> type[serializers.Serializer[Any]]:
    """Return a serializer with the fields of a dataclass, whose docstring becomes the description.

    Known are text, words of an enumeration, numbers, truth values, times, ids, dataclasses, sequences and mappings
    of them, and Any; decimals are text. Raises TypeError for anything else.
    """
    hints = get_type_hints(answer)
    fields: dict[str, Any] = {field.name: _field(hints[field.name]) for field in dataclasses.fields(answer)}
    kind = type(name or answer.__name__.removesuffix("Part"), (serializers.Serializer,), fields)
    kind.__doc__ = answer.__doc__
    return kind


def data_of(value: Any) -> Any:
    """Return a dataclass, and what is in it, as JSON-ready values."""
    if dataclasses.is_dataclass(value):
        return {field.name: data_of(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, list | tuple):
        return [data_of(inner) for inner in value]
    if isinstance(value, Mapping):
        return {str(name): data_of(inner) for name, inner in value.items()}
    return as_json(value)


def _field(hint: Any, **options: Any) -> _Field:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        inner = [part for part in arguments if part is not type(None)]
        if len(inner) != 1:
            raise TypeError(f"{hint} is more than one type")
        return _field(inner[0], allow_null=True)
    if origin in (list, tuple, Sequence):
        return serializers.ListField(child=_field(arguments[0]), **options)
    if origin in (dict, Mapping):
        return serializers.DictField(child=_field(arguments[1]), **options)
    return _single(hint, options)


def _single(hint: Any, options: dict[str, Any]) -> _Field:
    if hint is Any:
        return serializers.JSONField(**{"allow_null": True, **options})
    if hint is Decimal:
        return serializers.DecimalField(max_digits=None, decimal_places=None, **options)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return shape_of(hint)(**options)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return serializers.ChoiceField([str(word) for word in hint], **options)
    if hint not in _SIMPLE:
        raise TypeError(f"{hint} has no field")
    return _SIMPLE[hint](**options)
