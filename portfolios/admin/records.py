"""What of the books is only read: the ledger, valuations, changes of trading states."""

from django.contrib import admin
from django.utils.safestring import SafeString

from common.admin.columns import cash, column, moment, state_column, units
from portfolios.admin.base import BooksRecordAdmin
from portfolios.models import AccountSummary, LedgerEntry, TradingStateChange, Valuation


@admin.register(LedgerEntry)
class LedgerEntryAdmin(BooksRecordAdmin):
    """The ledger, newest first, with the balance after every entry."""

    list_display = [
        "time", "account_link", "number", "sort", "symbol", "size", "cash_moved", "balance", "debt", "actor",
        "reason",
    ]  # fmt: skip
    list_filter = ["kind", "account__provider"]
    search_fields = ["=security__symbol", "=actor", "=run_id"]
    search_help_text = "A whole symbol, a name, or the id of a run."
    list_select_related = ["account__strategy", "security"]
    date_hierarchy = "occurred_at"
    ordering = ["-occurred_at", "-id"]
    empty_list = "The ledger is empty. Opening an account makes its first entry."

    time = column("time", "occurred_at", moment)
    number = column("no.", "sequence", int)
    sort = state_column("kind", "kind")
    cash_moved = column("amount", "amount", cash)
    balance = column("balance", "balance_after", cash)
    debt = column("owed", "owed", lambda value: cash(value or None))

    @admin.display(description="quantity", ordering="quantity")
    def size(self, row: LedgerEntry) -> SafeString:
        """Return the signed change of the holding; a dash where there is none."""
        return units(row.quantity if row.quantity else None)


@admin.register(Valuation)
class ValuationAdmin(BooksRecordAdmin):
    """What accounts were worth, newest first."""

    list_display = ["time", "account_link", "cash_column", "equity_column", "total_column", "flow"]
    list_filter = ["account__provider"]
    search_fields = ["=account__id", "account__strategy__name"]
    list_select_related = ["account__strategy"]
    date_hierarchy = "as_of"
    empty_list = "Nothing has been valued yet. Runs and marks to market do."

    time = column("as of", "as_of", moment)
    cash_column = column("cash", "cash", cash)
    equity_column = column("equity", "equity", cash)
    total_column = column("total", "total", cash)
    flow = column("from outside", "external_flow", cash)


@admin.register(AccountSummary)
class AccountSummaryAdmin(BooksRecordAdmin):
    """What pages show of each account, worked out when it was valued."""

    list_display = ["account_link", "time", "total_column", "time_weighted_return", "max_drawdown", "sharpe_ratio"]
    list_filter = ["account__provider", "as_of"]
    search_fields = ["account__strategy__name", "=account__id"]
    list_select_related = ["account__strategy"]
    empty_list = "Nothing has been valued yet. Runs and marks to market do."

    time = column("as of", "as_of", moment)
    total_column = column("total", "total", cash)


@admin.register(TradingStateChange)
class TradingStateChangeAdmin(BooksRecordAdmin):
    """Who halted, limited or freed an account, newest first."""

    list_display = ["time", "account_link", "before", "after", "actor", "reason"]
    list_filter = ["after", "account__provider"]
    search_fields = ["=account__id", "account__strategy__name", "actor", "reason"]
    list_select_related = ["account__strategy"]
    date_hierarchy = "changed_at"
    empty_list = "No account has been halted, limited or freed yet."

    time = column("changed", "changed_at", moment)
