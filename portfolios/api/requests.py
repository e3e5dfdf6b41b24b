"""What callers send: every field is checked, and one that nobody knows is refused."""

import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError as FormError
from django.db import models
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from common.money import AmountOutOfRangeError, quantize_price
from portfolios.domain.limit import Limit
from portfolios.domain.risk_limits import FIELDS
from portfolios.models import PortfolioAccount, RiskPolicy

_CANONICAL = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)


class _KnownFieldsOnly:
    """A field with a typing error must not be left out silently."""

    fields: Any

    def to_internal_value(self, data: Any) -> Any:
        """Return the checked values. Raises ValidationError."""
        if isinstance(data, Mapping) and (unknown := sorted(set(map(str, data)) - set(self.fields))):
            raise serializers.ValidationError({name: ["unknown field"] for name in unknown})
        return super().to_internal_value(data)  # type: ignore[misc]  # of the serializer beside


class StrictSerializer(_KnownFieldsOnly, serializers.Serializer[Any]):
    """A body or a query with known fields only."""


@extend_schema_field({"type": "string", "format": "uuid", "pattern": f"^{_CANONICAL.pattern}$"})
class IdField(serializers.Field[uuid.UUID, Any, str, Any]):
    """A UUID in canonical form: lower case, hyphens."""

    def to_internal_value(self, data: Any) -> uuid.UUID:
        """Return the id. Raises ValidationError."""
        if not isinstance(data, str) or not _CANONICAL.fullmatch(data):
            raise serializers.ValidationError("not a canonical UUID such as 79b9930c-3a6f-4f41-ae9b-a3fa8ec37ef2")
        return uuid.UUID(data)

    def to_representation(self, value: uuid.UUID) -> str:
        """Return the id as text."""
        return str(value)


class TruthField(serializers.BooleanField):
    """true or false; no word or number stands for one."""

    def to_internal_value(self, data: Any) -> bool:
        """Return the truth value. Raises ValidationError."""
        if not isinstance(data, bool):
            raise serializers.ValidationError("must be true or false")
        return data


class MomentField(serializers.DateTimeField):
    """A time in ISO 8601; without an offset it is UTC."""

    def to_internal_value(self, value: Any) -> datetime:
        """Return the time in UTC. Raises ValidationError."""
        try:
            return super().to_internal_value(value).astimezone(UTC)
        except (OverflowError, ValueError) as error:  # the first and the last day of the calendar, elsewhere
            raise serializers.ValidationError("not a time that the calendar has") from error


class PerformanceQuery(StrictSerializer):
    """Of which time, and beside what."""

    since = MomentField(required=False, help_text="From this time on; without it, the account's whole life.")
    until = MomentField(required=False, help_text="Before this time.")
    benchmark = serializers.CharField(
        required=False, max_length=16, help_text="Symbol of a security with stored prices to compare with."
    )


class StrategyBody(StrictSerializer):
    """A new strategy."""

    id = IdField(required=False, help_text="A UUID of yours, so that the call can be made again.")
    name = serializers.CharField(max_length=200, help_text="One of a kind.")
    description = serializers.CharField(required=False, max_length=10_000, help_text="What it is about.")


class TradingStateBody(StrictSerializer):
    """What an account may do from now on, and why."""

    state = serializers.ChoiceField(
        PortfolioAccount.TradingState.values, help_text="ACTIVE, REDUCING (only smaller holdings) or HALTED."
    )
    reason = serializers.CharField(max_length=2_000, help_text="Why, for whoever reads the books later.")


class PriceBody(StrictSerializer):
    """What one unit of a known security cost at one time."""

    symbol = serializers.CharField(max_length=16, help_text="Symbol of a known security.")
    price = serializers.DecimalField(
        max_digits=15, decimal_places=6, help_text="Above zero, in the books' currency."
    )
    source = serializers.CharField(max_length=32, help_text="Who says so.")  # type: ignore[assignment]
    as_of = MomentField(help_text="When the price held.")

    def validate_price(self, value: Decimal) -> Decimal:
        """Return the price as the books keep it. Raises ValidationError."""
        try:
            price = quantize_price(value)
        except AmountOutOfRangeError as error:
            raise serializers.ValidationError(str(error)) from error
        if price <= 0:
            raise serializers.ValidationError("must be above zero")
        return price


def _bounds(row: Limit) -> dict[str, Any]:
    """The ends of a row's bounds that are allowed themselves, for a field; the table knows them all."""
    if row.bounds is None:
        return {}
    ends = {"min_value": row.bounds.least} if row.bounds.least_allowed else {}
    return ends if row.bounds.most is None or not row.bounds.most_allowed else ends | {"max_value": row.bounds.most}


class RiskPolicyBody(_KnownFieldsOnly, serializers.ModelSerializer[RiskPolicy]):
    """The next version of a strategy's limits and costs. A limit that is left out is the system's."""

    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.BooleanField: TruthField,
    }

    class Meta:
        model = RiskPolicy
        exclude = ["version"]
        extra_kwargs = {row.field: _bounds(row) for row in FIELDS}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Hold the limits to the rules of the table. Raises ValidationError."""
        try:
            RiskPolicy(**attrs).full_clean(exclude={"version"}, validate_unique=False)
        except FormError as error:
            raise serializers.ValidationError(error.message_dict) from error
        return attrs


def checked(kind: type[serializers.BaseSerializer[Any]], data: Any) -> dict[str, Any]:
    """Return the checked values of a body or a query. Raises ValidationError with the errors by field."""
    # A query's values are lists; the last one of a name counts, as everywhere.
    serializer = kind(data=data.dict() if hasattr(data, "dict") else data)
    serializer.is_valid(raise_exception=True)
    values: dict[str, Any] = serializer.validated_data
    return values
