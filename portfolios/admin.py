"""The books in the admin. Cash, orders, positions and the ledger are shown, not edited: they change through
bookkeeping, which writes the ledger entry that belongs to every change.
"""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from portfolios.models import (
    AccountSummary,
    CorporateAction,
    LedgerEntry,
    Order,
    PortfolioAccount,
    Position,
    Price,
    RiskPolicy,
    Security,
    Strategy,
    TradingStateChange,
    Valuation,
)

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Model]
    _TabularInline = admin.TabularInline[Model, Model]
else:
    _ModelAdmin = admin.ModelAdmin  # takes type parameters in the stubs only
    _TabularInline = admin.TabularInline


class FoliosAdmin(_ModelAdmin):
    """What all pages share: no full count of large tables."""

    show_full_result_count = False
    list_per_page = 50

    @admin.display(description="symbol", ordering="security_id")
    def symbol(self, row: Any) -> str:
        """Return the symbol without a look at the security."""
        return row.security_id or "-"


class RecordAdmin(FoliosAdmin):
    """Rows that the product writes and people read."""

    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds a record by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody edits a record."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes a record."""
        return False


class RiskPolicyInline(_TabularInline):
    """The versions of a strategy's policy, newest first."""

    model = RiskPolicy
    extra = 0
    fields = ["version", "max_position_percent", "max_sector_percent", "allow_short", "on_breach"]
    readonly_fields = ["version", "max_position_percent", "max_sector_percent", "allow_short", "on_breach"]
    show_change_link = True
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Policies have a page of their own."""
        return False


@admin.register(Strategy)
class StrategyAdmin(FoliosAdmin):
    """Strategies with their policies."""

    list_display = ["name", "status", "id", "created_at"]
    list_filter = ["status"]
    search_fields = ["name", "id"]
    readonly_fields = ["id", "created_at", "updated_at"]
    inlines = [RiskPolicyInline]


@admin.register(RiskPolicy)
class RiskPolicyAdmin(FoliosAdmin):
    """Limits and costs, one row a version."""

    list_display = ["strategy", "version", "max_position_percent", "max_sector_percent", "allow_short", "on_breach"]
    list_filter = ["allow_short", "on_breach"]
    search_fields = ["strategy__name"]
    list_select_related = ["strategy"]
    autocomplete_fields = ["strategy"]
    readonly_fields = ["created_at"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A version that runs have used is not edited: the next version is added."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The versions are the policy's history."""
        return False

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Offer the next free version of the strategy that the form is opened for, else the first."""
        given = super().get_changeform_initial_data(request)
        known = _known_strategy(given.pop("strategy", None)).first()
        if known is None:
            return {**given, "version": 1}
        versions = known.risk_policies.values_list("version", flat=True)
        return {**given, "strategy": known.pk, "version": max(versions, default=0) + 1}


def _known_strategy(text: object) -> QuerySet[Strategy]:
    """The strategy that an address names; none for something else."""
    try:
        return Strategy.objects.filter(pk=UUID(str(text)))
    except ValueError:
        return Strategy.objects.none()


@admin.register(Security)
class SecurityAdmin(FoliosAdmin):
    """Securities; an empty sector is worth a look, as its limit cannot be checked."""

    list_display = ["symbol", "name", "sector", "exchange", "currency", "quantity_step", "is_verified"]
    list_filter = ["is_verified", "sector", "asset_class", "currency"]
    search_fields = ["symbol", "name"]
    readonly_fields = ["created_at", "updated_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """The books refer to a security by its symbol, so that it stays once it is there."""
        return [*self.readonly_fields, *(["symbol"] if obj else [])]


@admin.register(Price)
class PriceAdmin(FoliosAdmin):
    """Stored prices, newest first."""

    list_display = ["symbol", "price", "currency", "source", "as_of"]
    list_filter = ["source", "currency"]
    search_fields = ["security__symbol"]
    date_hierarchy = "as_of"
    autocomplete_fields = ["security"]
    readonly_fields = ["created_at"]


@admin.register(PortfolioAccount)
class PortfolioAccountAdmin(FoliosAdmin):
    """Accounts; their balances follow from the ledger."""

    list_display = ["strategy", "provider", "cash_balance", "equity_value", "trading_state", "updated_at"]
    list_filter = ["provider", "trading_state"]
    search_fields = ["id", "strategy__name"]
    list_select_related = ["strategy"]
    autocomplete_fields = ["strategy"]
    readonly_fields = ["id", "cash_balance", "equity_value", "book_version", "created_at", "updated_at"]


@admin.register(Order)
class OrderAdmin(RecordAdmin):
    """Orders, newest first."""

    list_display = [
        "placed_at",
        "account",
        "action",
        "symbol",
        "quantity",
        "limit_price",
        "status",
        "is_simulated",
    ]
    list_filter = ["status", "action", "is_simulated", "account__provider"]
    search_fields = ["=id", "=client_order_id", "security__symbol"]
    list_select_related = ["account__strategy"]
    date_hierarchy = "placed_at"


@admin.register(Position)
class PositionAdmin(RecordAdmin):
    """Open and closed positions."""

    list_display = [
        "symbol",
        "account",
        "side",
        "status",
        "quantity",
        "average_price",
        "cost_basis",
        "mark_price",
        "realized_pnl",
    ]
    list_filter = ["status", "side", "account__provider"]
    search_fields = ["=id", "security__symbol"]
    list_select_related = ["account__strategy"]
    date_hierarchy = "opened_at"


@admin.register(CorporateAction)
class CorporateActionAdmin(RecordAdmin):
    """Splits and dividends as they were booked."""

    list_display = ["effective_on", "symbol", "kind", "value", "account_count", "actor", "booked_at"]
    list_filter = ["kind"]
    search_fields = ["security__symbol", "actor"]
    date_hierarchy = "effective_on"


@admin.register(LedgerEntry)
class LedgerEntryAdmin(RecordAdmin):
    """The ledger, newest first within an account."""

    list_display = [
        "occurred_at",
        "account",
        "sequence",
        "kind",
        "symbol",
        "quantity",
        "price",
        "amount",
        "balance_after",
        "actor",
    ]
    list_filter = ["kind", "account__provider"]
    search_fields = ["security__symbol", "actor", "=run_id"]
    list_select_related = ["account__strategy"]
    date_hierarchy = "occurred_at"
    ordering = ["-occurred_at", "-id"]


@admin.register(TradingStateChange)
class TradingStateChangeAdmin(RecordAdmin):
    """Who halted, limited or freed an account, newest first."""

    list_display = ["changed_at", "account", "before", "after", "actor", "reason"]
    list_filter = ["after", "account__provider"]
    search_fields = ["=account__id", "account__strategy__name", "actor", "reason"]
    list_select_related = ["account__strategy"]
    date_hierarchy = "changed_at"


@admin.register(AccountSummary)
class AccountSummaryAdmin(RecordAdmin):
    """The stored measures of each account."""

    list_display = ["account", "as_of", "total", "change", "time_weighted_return", "max_drawdown", "sharpe_ratio"]
    list_filter = ["account__provider", "as_of"]
    search_fields = ["account__strategy__name", "=account__id"]
    list_select_related = ["account__strategy"]


@admin.register(Valuation)
class ValuationAdmin(RecordAdmin):
    """What accounts were worth, newest first."""

    list_display = ["as_of", "account", "cash", "equity", "total", "external_flow"]
    list_filter = ["account__provider"]
    search_fields = ["=account__id", "account__strategy__name"]
    list_select_related = ["account__strategy"]
    date_hierarchy = "as_of"
