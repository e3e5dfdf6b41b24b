"""Runs with their lines, orders and prices, and those that were reversed."""

from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from common.admin.base import RecordAdmin, is_list
from common.admin.columns import (
    Section,
    badge,
    cash,
    column,
    key_column,
    link,
    list_of,
    moment,
    short_id,
    state_column,
    units,
)
from execution.admin.execute import TryAgain
from execution.admin.reversal import ReverseRun
from execution.admin.sections import orders_section
from execution.models import (
    ExecutionRun,
    Recommendation,
    RecommendationOrder,
    RefusedPrice,
    ResearchRequest,
    Reversal,
)
from portfolios.models import LedgerEntry


@admin.register(ExecutionRun)
class ExecutionRunAdmin(RecordAdmin):
    """Runs, newest first."""

    confirmed = (TryAgain, ReverseRun)
    list_display = [
        "started", "strategy", "provider", "state", "lines", "orders", "simulated", "actor", "source",
    ]  # fmt: skip
    list_filter = ["status", "provider", "source", "is_simulated"]
    search_fields = ["=id", "=request__id", "strategy__name", "=actor", "digest"]
    list_select_related = ["strategy"]
    date_hierarchy = "started_at"
    empty_list = "Nothing has been executed yet."
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "status", "request_page", "account_page", "actor", "source", "started_at", "finished_at",
                    "error", "digest", "task_id", "sequence", "is_simulated", "is_settled", "is_market_open",
                    "outcome_counts", "recommendation_count", "order_count", "position_count", "id",
                ]
            },
        ),
        ("What the plan was made of", {"classes": ["collapse"], "fields": ["parameters"]}),
    ]  # fmt: skip
    readonly_fields = ["request_page", "account_page"]

    started = column("started", "started_at", moment)
    state = state_column("status", "status")
    lines = column("lines", "recommendation_count", int)
    orders = column("orders", "order_count", int)
    request_page = key_column("request", ResearchRequest, "request_id")
    account_page = column("account", "account", link, ordering=None)

    @admin.display(description="sim.", ordering="is_simulated", boolean=True)
    def simulated(self, row: ExecutionRun) -> bool:
        """Whether a default price was used or asked for."""
        return row.is_simulated

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the runs; what a plan was made of is large, and not for lists."""
        rows = super().get_queryset(request)
        return rows.defer("report", "parameters", "prices") if is_list(request) else rows

    def sections(self, request: HttpRequest, row: ExecutionRun) -> list[Section]:
        """Return its lines with what each limit said, its orders and its prices."""
        lines = list(row.recommendations.order_by("line"))
        orders = RecommendationOrder.objects.filter(recommendation__run=row).select_related(
            "order__security", "recommendation"
        )
        return [
            *_reversal(row),
            *_waiting(row),
            Section("Recommendations", ("Line", "Symbol", "Action", "Size %", "Outcome", "Limits", "Why"),
                    [_line_cells(each) for each in lines], empty="No line was decided."),
            orders_section(orders.order_by("recommendation__line", "pk"),
                           links=[("Its ledger entries", list_of(LedgerEntry, q=row.pk))]),
            Section("Prices", ("Symbol", "Price", "Source", "As of"),
                    [_price_cells(symbol, data) for symbol, data in row.prices.items()],
                    empty="It needed no price."),
        ]  # fmt: skip


def _reversal(run: ExecutionRun) -> list[Section]:
    """Who reversed the run, when and why; nothing where nobody did."""
    rows = [
        (link(each, moment(each.reversed_at)), str(each.entry_count), cash(each.cash), each.actor, each.reason)
        for each in Reversal.objects.filter(run=run)
    ]
    return [Section("Reversed", ("When", "Entries", "Cash", "Who", "Reason"), rows)] if rows else []


def _waiting(run: ExecutionRun) -> list[Section]:
    """The holdings that the run valued at their last mark, because their new price was refused."""
    keys = ("symbol", "mark_price", "price", "difference_percent", "source", "as_of")
    rows = [tuple(item[key] for key in keys) for item in run.report.get("waiting_prices", [])]
    columns = ("Symbol", "Mark that was kept", "Refused price", "Difference %", "Source", "Price of")
    more = list_of(RefusedPrice, waits="yes")
    return [Section("Prices that waited for a person", columns, rows, more=more)] if rows else []


def _line_cells(row: Recommendation) -> tuple[Any, ...]:
    said = [f"{item['code']} {item['result']}: {item['before']} → {item['after']}" for item in row.verdicts]
    return (
        link(row, str(row.line)),
        row.symbol,
        row.action,
        units(row.allocation_percent),
        badge(row.outcome, row.get_outcome_display()),
        "; ".join(said),
        row.reason,
    )


def _price_cells(symbol: str, data: dict[str, Any]) -> tuple[Any, ...]:
    return (symbol, units(Decimal(str(data["price"]))), str(data.get("source", "")), str(data.get("as_of", "")))


@admin.register(Reversal)
class ReversalAdmin(RecordAdmin):
    """Runs that were reversed, newest first."""

    list_display = ["when", "run_page", "entry_count", "cash_moved", "actor", "source", "reason"]
    list_filter = ["source"]
    search_fields = ["=run__id", "=actor", "reason"]
    date_hierarchy = "reversed_at"
    empty_list = "No run has been reversed yet."

    when = column("when", "reversed_at", moment)
    run_page = key_column("run", ExecutionRun, "run_id", short_id)
    cash_moved = column("cash", "cash", cash)
