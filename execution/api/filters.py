"""What the lists of research and runs can be narrowed by."""

import django_filters as filters

from common.api.filters import MomentFilter, SymbolFilter, TruthFilter
from execution.models import ExecutionRun, MappingRule, RefusedPrice, ResearchRequest


class ResearchFilter(filters.FilterSet):
    """Research."""

    strategy = filters.UUIDFilter(field_name="strategy_id", help_text="For this strategy.")
    received_after = MomentFilter(field_name="received_at", lookup_expr="gte", help_text="From this time on.")
    received_before = MomentFilter(field_name="received_at", lookup_expr="lt", help_text="Before this time.")

    class Meta:
        model = ResearchRequest
        fields = ["state", "provider", "origin"]


class MappingRuleFilter(filters.FilterSet):
    """Mapping rules."""

    class Meta:
        model = MappingRule
        fields = ["provider", "field", "written"]


class RefusedPriceFilter(filters.FilterSet):
    """Refused prices."""

    symbol = SymbolFilter(field_name="security_id", help_text="Of this security.")
    waits = TruthFilter(
        field_name="resolved_at", lookup_expr="isnull", help_text="Waiting for a person, or settled."
    )

    class Meta:
        model = RefusedPrice
        fields = ["resolution", "source"]


class RunFilter(filters.FilterSet):
    """Runs."""

    request = filters.UUIDFilter(field_name="request_id", help_text="Of this request.")  # type: ignore[assignment]
    strategy = filters.UUIDFilter(field_name="strategy_id", help_text="Of this strategy.")
    account = filters.UUIDFilter(field_name="account_id", help_text="In this account.")
    is_simulated = TruthFilter(help_text="At a default price, or not.")
    is_reversed = TruthFilter(
        field_name="reversal", lookup_expr="isnull", exclude=True, help_text="Reversed, or not."
    )
    started_after = MomentFilter(field_name="started_at", lookup_expr="gte", help_text="From this time on.")
    started_before = MomentFilter(field_name="started_at", lookup_expr="lt", help_text="Before this time.")

    class Meta:
        model = ExecutionRun
        fields = ["status", "provider", "source"]
