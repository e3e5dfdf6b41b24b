"""What the lists of the books can be narrowed by."""

import django_filters as filters

from common.api.filters import MomentFilter, SymbolFilter, TruthFilter
from portfolios.domain.vocabulary import MarginStatus
from portfolios.models import (
    CorporateAction,
    LedgerEntry,
    Order,
    PortfolioAccount,
    Position,
    Price,
    RiskPolicy,
    Security,
    Strategy,
    Valuation,
)


class StrategyFilter(filters.FilterSet):
    """Strategies."""

    class Meta:
        model = Strategy
        fields = ["status"]


class RiskPolicyFilter(filters.FilterSet):
    """Policies."""

    strategy = filters.UUIDFilter(field_name="strategy_id", help_text="Of this strategy.")

    class Meta:
        model = RiskPolicy
        fields: list[str] = []


class SecurityFilter(filters.FilterSet):
    """Securities."""

    sector = filters.CharFilter(max_length=64, help_text="Of this sector, to the letter.")
    is_active = TruthFilter(help_text="Still traded, or not.")
    is_verified = TruthFilter(help_text="Confirmed, or not.")

    class Meta:
        model = Security
        fields = ["asset_class"]


class PriceFilter(filters.FilterSet):
    """Stored prices."""

    symbol = SymbolFilter(field_name="security_id", help_text="Of this security.")
    source = filters.CharFilter(max_length=32, help_text="From this source.")
    as_of_after = MomentFilter(field_name="as_of", lookup_expr="gte", help_text="From this time on.")
    as_of_before = MomentFilter(field_name="as_of", lookup_expr="lt", help_text="Before this time.")

    class Meta:
        model = Price
        fields: list[str] = []


class AccountFilter(filters.FilterSet):
    """Accounts."""

    strategy = filters.UUIDFilter(field_name="strategy_id", help_text="Of this strategy.")
    margin_status = filters.ChoiceFilter(
        field_name="summary__margin_status",
        choices=MarginStatus.choices,
        help_text="Whether the cash covers the shorts with their margin.",
    )

    class Meta:
        model = PortfolioAccount
        fields = ["provider", "trading_state"]


class PositionFilter(filters.FilterSet):
    """Positions."""

    account = filters.UUIDFilter(field_name="account_id", help_text="Of this account.")
    symbol = SymbolFilter(field_name="security_id", help_text="In this security.")

    class Meta:
        model = Position
        fields = ["side", "status"]


class OrderFilter(filters.FilterSet):
    """Orders."""

    account = filters.UUIDFilter(field_name="account_id", help_text="Of this account.")
    symbol = SymbolFilter(field_name="security_id", help_text="In this security.")
    is_simulated = TruthFilter(help_text="At a default price, or not.")
    placed_after = MomentFilter(field_name="placed_at", lookup_expr="gte", help_text="From this time on.")
    placed_before = MomentFilter(field_name="placed_at", lookup_expr="lt", help_text="Before this time.")

    class Meta:
        model = Order
        fields = ["action", "status"]


class LedgerFilter(filters.FilterSet):
    """Entries of one ledger."""

    symbol = SymbolFilter(field_name="security_id", help_text="That concern this security.")
    run = filters.UUIDFilter(field_name="run_id", help_text="That this run booked.")
    order = filters.UUIDFilter(field_name="order_id", help_text="That this order made.")
    corporate_action = filters.NumberFilter(
        field_name="action_id", min_value=1, max_value=2**63 - 1, help_text="That this corporate action made."
    )
    occurred_after = MomentFilter(field_name="occurred_at", lookup_expr="gte", help_text="From this time on.")
    occurred_before = MomentFilter(field_name="occurred_at", lookup_expr="lt", help_text="Before this time.")

    class Meta:
        model = LedgerEntry
        fields = ["kind"]


class ActionFilter(filters.FilterSet):
    """Corporate actions."""

    symbol = SymbolFilter(field_name="security_id", help_text="Of this security.")
    is_reversed = TruthFilter(
        field_name="reversed_at", lookup_expr="isnull", exclude=True, help_text="Reversed, or still standing."
    )
    effective_from = filters.DateFilter(
        field_name="effective_on", lookup_expr="gte", help_text="Of this day or a later one."
    )
    effective_before = filters.DateFilter(
        field_name="effective_on", lookup_expr="lt", help_text="Of a day before this one."
    )

    class Meta:
        model = CorporateAction
        fields = ["kind"]


class ValuationFilter(filters.FilterSet):
    """Valuations of one account."""

    as_of_after = MomentFilter(field_name="as_of", lookup_expr="gte", help_text="From this time on.")
    as_of_before = MomentFilter(field_name="as_of", lookup_expr="lt", help_text="Before this time.")

    class Meta:
        model = Valuation
        fields: list[str] = []
