"""The fields of the books' rows, one serializer a table. Decimals are strings, times have an offset."""

from typing import Any

from rest_framework import serializers

from common.api.rows import columns_of, values_of
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
from portfolios.selectors.overview import summary_of


def _symbol(**options: Any) -> serializers.CharField:
    return serializers.CharField(source="security_id", help_text="Symbol in canonical form.", **options)


class StrategyRow(serializers.ModelSerializer[Strategy]):
    """An investment idea."""

    class Meta:
        model = Strategy
        fields = ["id", "name", "description", "status", "created_at", "updated_at"]


class RiskPolicyRow(serializers.ModelSerializer[RiskPolicy]):
    """One version of a strategy's limits and costs; the newest counts. An empty limit is the system's."""

    class Meta:
        model = RiskPolicy
        exclude: list[str] = []


class SecurityRow(serializers.ModelSerializer[Security]):
    """Something that can be held."""

    class Meta:
        model = Security
        fields = [
            "symbol", "name", "sector", "exchange", "currency", "asset_class", "quantity_step", "minimum_quantity",
            "is_active", "is_verified", "created_at", "updated_at",
        ]  # fmt: skip


class PriceRow(serializers.ModelSerializer[Price]):
    """What one unit cost at one time."""

    symbol = _symbol()

    class Meta:
        model = Price
        fields = ["id", "symbol", "price", "currency", "source", "as_of"]


class AccountRow(serializers.ModelSerializer[PortfolioAccount]):
    """The books of one strategy as one provider trades it, by its last marks.

    `available_cash` is what no short keeps as its collateral. The last three are null where it is not valued yet.
    """

    available_cash = serializers.DecimalField(
        source="summary__available_cash",
        max_digits=15,
        decimal_places=2,
        allow_null=True,
        help_text="Cash less the value of the shorts and the margin on it.",
    )
    margin_status = serializers.ChoiceField(
        MarginStatus.choices,
        source="summary__margin_status",
        allow_null=True,
        help_text="covered; deficit: less cash than the shorts want as collateral; no_equity: worth nothing.",
    )
    valued_at = serializers.DateTimeField(
        source="summary__as_of", allow_null=True, help_text="When it was valued last; null: not valued yet."
    )

    class Meta:
        model = PortfolioAccount
        fields = [
            "id", "strategy", "provider", "cash_balance", "equity_value", "payable", "book_version",
            "trading_state", "created_at", "updated_at", "available_cash", "margin_status", "valued_at",
        ]  # fmt: skip


def account_values(account: PortfolioAccount) -> dict[str, Any]:
    """Return the columns of an account and of its summary, None where it has none, as in the list."""
    summary, related = summary_of(account), "summary__"
    columns = columns_of(AccountRow)
    own = values_of(account, [column for column in columns if not column.source.startswith(related)])
    names = [column.source for column in columns if column.source.startswith(related)]
    return {**own, **{name: getattr(summary, name.removeprefix(related), None) for name in names}}


class PositionRow(serializers.ModelSerializer[Position]):
    """What an account holds, or held, of one security."""

    symbol = _symbol()

    class Meta:
        model = Position
        fields = [
            "id", "account", "symbol", "side", "status", "quantity", "average_price", "cost_basis", "realized_pnl",
            "mark_price", "marked_at", "opened_at", "closed_at",
        ]  # fmt: skip


class OrderRow(serializers.ModelSerializer[Order]):
    """An instruction to trade, and what became of it."""

    symbol = _symbol()

    class Meta:
        model = Order
        fields = [
            "id", "account", "symbol", "action", "quantity", "limit_price", "status", "filled_quantity",
            "average_fill_price", "fee", "client_order_id", "is_simulated", "placed_at", "filled_at", "metadata",
        ]  # fmt: skip


class LedgerRow(serializers.ModelSerializer[LedgerEntry]):
    """One change of cash or holdings, never edited."""

    symbol = _symbol(allow_null=True)
    corporate_action = serializers.IntegerField(
        source="action_id", allow_null=True, help_text="Split, dividend or change of symbol that it belongs to."
    )

    class Meta:
        model = LedgerEntry
        fields = [
            "sequence", "kind", "amount", "balance_after", "owed", "symbol", "quantity", "price", "cost_basis",
            "realized_pnl", "position", "order", "run_id", "corporate_action", "reverses", "actor", "reason",
            "occurred_at", "effective_on",
        ]  # fmt: skip


class ActionRow(serializers.ModelSerializer[CorporateAction]):
    """A split, a dividend or a change of symbol, as it was booked in every account that held the security."""

    symbol = _symbol()
    successor = serializers.CharField(
        source="successor_id", allow_null=True, help_text="Symbol from the day on, for a change of symbol."
    )

    class Meta:
        model = CorporateAction
        fields = [
            "id", "kind", "symbol", "value", "new_units", "old_units", "price", "successor", "effective_on",
            "account_count", "actor", "reason", "booked_at", "reversed_at", "reversed_by", "reversal_reason",
        ]  # fmt: skip


class ValuationRow(serializers.ModelSerializer[Valuation]):
    """What an account was worth at one time."""

    class Meta:
        model = Valuation
        fields = ["as_of", "cash", "equity", "total", "external_flow", "book_version"]
