"""What callers of the books send, field by field."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.core.exceptions import ValidationError as FormError
from django.db import models
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from common.api.bodies import (
    IdField,
    KnownFieldsOnly,
    MomentField,
    StrictSerializer,
    SymbolField,
    TruthField,
    ZonedMomentField,
)
from common.money import AmountOutOfRangeError, quantize_price
from portfolios.arguments import split_ratio
from portfolios.domain.limit import Limit
from portfolios.domain.risk_limits import FIELDS
from portfolios.ledger import CannotBookError
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
    as_of = ZonedMomentField(help_text="When the price held, with the zone of the time.")

    def validate_price(self, value: Decimal) -> Decimal:
        """Return the price as the books keep it. Raises ValidationError."""
        try:
            price = quantize_price(value)
        except AmountOutOfRangeError as error:
            raise serializers.ValidationError(str(error)) from error
        if price <= 0:
            raise serializers.ValidationError("must be above zero")
        return price


@extend_schema_field({"type": "string", "maxLength": 40, "example": "4:1"})
class RatioField(serializers.Field[Fraction, Any, str, Any]):
    """New units for old ones, exactly: `4:1`, or `1:10` for a reverse split."""

    def to_internal_value(self, data: Any) -> Fraction:
        if not isinstance(data, str) or len(data) > 40:
            raise serializers.ValidationError("must be text such as 4:1")
        try:
            return split_ratio(data)
        except CannotBookError as error:
            raise serializers.ValidationError(str(error)) from error


class _ActionPreview(StrictSerializer):
    """What a corporate action says, of whichever kind."""

    symbol = SymbolField(help_text="Symbol of a known security.")
    effective_on = serializers.DateField(
        help_text="First day on the new terms, in New York; what was held at the close before counts."
    )
    reason = serializers.CharField(
        required=False, allow_blank=True, max_length=2_000, help_text="Not looked at: a preview books nothing."
    )


class SplitPreviewBody(_ActionPreview):
    """A split or a reverse split of a security."""

    ratio = RatioField(help_text="New units for old ones: 4:1, or 1:10 for a reverse split.")
    price = serializers.DecimalField(
        max_digits=15,
        decimal_places=6,
        required=False,
        help_text="Per new unit, for what is left below a step; without it, the last stored price.",
    )


class DividendPreviewBody(_ActionPreview):
    """A cash dividend of a security; `effective_on` is its ex-date."""

    per_share = serializers.DecimalField(max_digits=15, decimal_places=6, help_text="Cash per unit of that time.")


class SymbolChangePreviewBody(_ActionPreview):
    """A security whose symbol changes."""

    new_symbol = SymbolField(help_text="Its symbol from the day on.")


def _reason() -> serializers.CharField:
    return serializers.CharField(max_length=2_000, help_text="Why, for whoever reads the books later.")


class SplitBody(SplitPreviewBody):
    """A split or a reverse split of a security, and why it is booked."""

    reason = _reason()


class DividendBody(DividendPreviewBody):
    """A cash dividend of a security, and why it is booked; `effective_on` is its ex-date."""

    reason = _reason()


class SymbolChangeBody(SymbolChangePreviewBody):
    """A security whose symbol changes, and why it is booked."""

    reason = _reason()


class ActionReversalBody(StrictSerializer):
    """Why an action is reversed."""

    reason = _reason()


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
