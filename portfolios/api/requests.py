"""What callers of the books send, field by field."""

from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError as FormError
from django.db import models
from rest_framework import serializers

from common.api.bodies import IdField, KnownFieldsOnly, MomentField, StrictSerializer, SymbolField, TruthField
from common.money import AmountOutOfRangeError, quantize_price
from portfolios.domain.limit import Limit
from portfolios.domain.risk_limits import FIELDS
from portfolios.models import PortfolioAccount, RiskPolicy


class PerformanceQuery(StrictSerializer):
    """Of which time, and beside what."""

    since = MomentField(required=False, help_text="From this time on; without it, the account's whole life.")
    until = MomentField(required=False, help_text="Before this time.")
    benchmark = SymbolField(required=False, help_text="Symbol of a security with stored prices to compare with.")


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

    symbol = SymbolField(help_text="Symbol of a known security.")
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


class RiskPolicyBody(KnownFieldsOnly, serializers.ModelSerializer[RiskPolicy]):
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
        """Hold the limits to their bounds and to the rules of the table. Raises ValidationError."""
        try:
            RiskPolicy(**attrs).full_clean(exclude={"version"}, validate_unique=False)
        except FormError as error:
            raise serializers.ValidationError(error.message_dict) from error
        return attrs
