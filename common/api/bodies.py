"""What every body and query has in common: known fields only, and values that mean one thing."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from common.identifiers import UUID_PATTERN, UUID_RULE, NoSymbol, canonical_uuid, read_declared_symbol


class KnownFieldsOnly:
    """Refuses unknown fields, for a serializer beside it: one with a typing error must not be left out silently."""

    fields: Any

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := sorted(set(map(str, data)) - set(self.fields))):
            raise serializers.ValidationError({name: ["unknown field"] for name in unknown})
        return super().to_internal_value(data)  # type: ignore[misc]  # of the serializer beside


class StrictSerializer(KnownFieldsOnly, serializers.Serializer[Any]):
    """A body or a query with known fields only."""


@extend_schema_field({"type": "string", "format": "uuid", "pattern": f"^{UUID_PATTERN}$"})
class IdField(serializers.Field[uuid.UUID, Any, str, Any]):
    """A UUID in canonical form: lower case, hyphens."""

    def to_internal_value(self, data: Any) -> uuid.UUID:
        found = canonical_uuid(data) if isinstance(data, str) else None
        if found is None:
            raise serializers.ValidationError(UUID_RULE)
        return found

    def to_representation(self, value: uuid.UUID) -> str:
        return str(value)


class TruthField(serializers.BooleanField):
    """true or false; no word or number stands for one."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError("must be true or false")
        return data


class MomentField(serializers.DateTimeField):
    """A time in ISO 8601; without an offset it is UTC."""

    def to_internal_value(self, value: Any) -> datetime:
        try:
            return super().to_internal_value(value).astimezone(UTC)
        except (OverflowError, ValueError) as error:  # the first and the last day of the calendar, elsewhere
            raise serializers.ValidationError("not a time that the calendar has") from error


class ZonedMomentField(MomentField):
    """A time in ISO 8601 with its offset: without one it could be any, and a day alone is no time."""

    def enforce_timezone(self, value: datetime) -> datetime:
        """Return the time. Raises ValidationError where it does not name its zone."""
        if value.utcoffset() is None:
            raise serializers.ValidationError("a time without a zone; write it as 2026-01-05T16:00:00-05:00")
        return super().enforce_timezone(value)


class SymbolField(serializers.CharField):
    """A symbol, as a person writes it: AAPL, aapl, NASDAQ:AAPL, BRK-B."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=32, **options)

    def to_internal_value(self, data: Any) -> str:
        found = read_declared_symbol(super().to_internal_value(data))
        if isinstance(found, NoSymbol):
            raise serializers.ValidationError(f"is not a symbol: {found.rule}")
        return found


def checked(kind: type[serializers.BaseSerializer[Any]], data: Any) -> dict[str, Any]:
    """Return the checked values of a body or a query. Raises ValidationError with the errors by field."""
    # A query's values are lists; the last one of a name counts, as everywhere.
    serializer = kind(data=data.dict() if hasattr(data, "dict") else data)
    serializer.is_valid(raise_exception=True)
    values: dict[str, Any] = serializer.validated_data
    return values
