"""Research and runs: records of what was read, decided and done, and what they add to the pages of the books."""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from common.admin.base import RecordAdmin, is_list
from common.admin.columns import Section, badge, cash, link, link_to, list_of, moment, page_of, units
from execution.admin.execute import ExecuteRequests, ExecuteTyped, MarkToMarket, Rebalance, TryAgain
from execution.admin.triage import AssignRequests, IgnoreRequests, SayWhatItMeans, ScanInbox, TakeBack
from execution.models import (
    ExecutionRun,
    LineResolution,
    MappingRule,
    Recommendation,
    RecommendationOrder,
    ResearchRequest,
    Reversal,
)
from execution.selectors.research import answered_lines, waiting_lines
from portfolios.admin.books import OrderAdmin, PortfolioAccountAdmin
from portfolios.models import LedgerEntry, Order, PortfolioAccount


@admin.register(ResearchRequest)
class ResearchRequestAdmin(RecordAdmin):
    """Requests as they were read."""

    confirmed = (ScanInbox, ExecuteTyped, ExecuteRequests, AssignRequests, IgnoreRequests)
    list_display = ["received", "id", "stage", "strategy", "provider", "recommendation_count", "problem_count"]
    list_filter = ["state", "provider", "origin", "received_at"]
    list_select_related = ["strategy"]
    search_fields = ["=id", "=task_id", "digest"]
    search_help_text = "The id of a request or a task, or part of a digest."
    list_display_links = ["id"]
    date_hierarchy = "received_at"
    empty_list = (
        "No research yet. “Scan the inbox” lists what has arrived, “Execute a request” executes one by its id."
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the requests; a list does not need their content."""
        rows = super().get_queryset(request)
        return rows.defer("content", "market_context") if is_list(request) else rows

    @admin.display(description="state", ordering="state")
    def stage(self, row: ResearchRequest) -> SafeString:
        """Return the state as a badge."""
        return badge(row.state, row.state.capitalize())

    @admin.display(description="received", ordering="received_at")
    def received(self, row: ResearchRequest) -> str:
        """Return when it was read first."""
        return moment(row.received_at)

    def sections(self, request: HttpRequest, row: ResearchRequest) -> list[Section]:
        """Return what keeps it from being executed, and its runs."""
        runs = row.runs.select_related("strategy").defer("report", "parameters", "prices").order_by("-started_at")
        problems = [(each["code"], each["message"]) for each in row.problems]
        return [
            Section("What is in the way", ("Code", "What it says"), problems, empty="Nothing is in the way."),
            Section(
                "Runs", _RUN_COLUMNS, [_run_cells(run) for run in runs[:50]], empty="It has not been executed."
            ),
        ]


_RUN_COLUMNS = ("Started", "Strategy", "Provider", "Status", "Lines", "Orders", "Who", "Door")


def _run_cells(run: ExecutionRun) -> tuple[Any, ...]:
    return (
        link(run, moment(run.started_at)),
        str(run.strategy),
        run.get_provider_display(),
        badge(run.status, run.get_status_display()),
        str(run.recommendation_count),
        str(run.order_count),
        run.actor,
        run.get_door_display(),
    )


@admin.register(ExecutionRun)
class ExecutionRunAdmin(RecordAdmin):
    """Runs, newest first."""

    confirmed = (TryAgain, TakeBack)
    list_display = [
        "started", "strategy", "provider", "state", "lines", "orders", "simulated", "actor", "door",
    ]  # fmt: skip
    list_filter = ["status", "provider", "door", "is_simulated"]
    search_fields = ["=id", "=request__id", "strategy__name", "=actor", "digest"]
    list_select_related = ["strategy"]
    date_hierarchy = "started_at"
    empty_list = "Nothing has been executed yet."
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "status", "request_page", "account_page", "actor", "door", "started_at", "finished_at", "error",
                    "digest", "task_id", "sequence", "is_simulated", "is_settled", "is_market_open",
                    "outcome_counts", "recommendation_count", "order_count", "position_count", "id",
                ]
            },
        ),
        ("What the plan was made of", {"classes": ["collapse"], "fields": ["parameters"]}),
    ]  # fmt: skip
    readonly_fields = ["request_page", "account_page"]

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the runs; what a plan was made of is large, and not for lists."""
        rows = super().get_queryset(request)
        return rows.defer("report", "parameters", "prices") if is_list(request) else rows

    @admin.display(description="started", ordering="started_at")
    def started(self, row: ExecutionRun) -> str:
        """Return when it began."""
        return moment(row.started_at)

    @admin.display(description="status", ordering="status")
    def state(self, row: ExecutionRun) -> SafeString:
        """Return the status as a badge."""
        return badge(row.status, row.get_status_display())

    @admin.display(description="lines", ordering="recommendation_count")
    def lines(self, row: ExecutionRun) -> int:
        """Return how many lines were decided."""
        return row.recommendation_count

    @admin.display(description="orders", ordering="order_count")
    def orders(self, row: ExecutionRun) -> int:
        """Return how many orders it made."""
        return row.order_count

    @admin.display(description="sim.", ordering="is_simulated", boolean=True)
    def simulated(self, row: ExecutionRun) -> bool:
        """Whether a stand-in price was used or asked for."""
        return row.is_simulated

    @admin.display(description="request")
    def request_page(self, row: ExecutionRun) -> SafeString:
        """Return the request as a link."""
        return link_to(ResearchRequest, row.request_id, str(row.request_id))

    @admin.display(description="account")
    def account_page(self, row: ExecutionRun) -> SafeString | str:
        """Return the account as a link."""
        return link(row.account)

    def sections(self, request: HttpRequest, row: ExecutionRun) -> list[Section]:
        """Return its lines with what each limit said, its orders and its prices."""
        lines = list(row.recommendations.order_by("line"))
        orders = RecommendationOrder.objects.filter(recommendation__run=row).select_related(
            "order__security", "recommendation"
        )
        return [
            *_taken_back(row),
            Section("Recommendations", ("Line", "Symbol", "Action", "Size %", "Outcome", "Limits", "Why"),
                    [_line_cells(each) for each in lines], empty="No line was decided."),
            Section("Orders", ("Line", "Order", "Quantity", "Price", "Notional", "Status"),
                    [_order_cells(each) for each in orders.order_by("recommendation__line", "pk")],
                    empty="It made no order.", links=[("Its ledger entries", list_of(LedgerEntry, q=row.pk))]),
            Section("Prices", ("Symbol", "Price", "Source", "As of"),
                    [_price_cells(symbol, data) for symbol, data in row.prices.items()],
                    empty="It needed no price."),
        ]  # fmt: skip


def _taken_back(run: ExecutionRun) -> list[Section]:
    """Who took the run back, when and why; nothing where nobody did."""
    rows = [
        (link(each, moment(each.reversed_at)), str(each.entry_count), cash(each.cash), each.actor, each.reason)
        for each in Reversal.objects.filter(run=run)
    ]
    return [Section("Taken back", ("When", "Entries", "Cash", "Who", "Reason"), rows)] if rows else []


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


def _order_cells(item: RecommendationOrder) -> tuple[Any, ...]:
    order = item.order
    return (
        str(item.recommendation.line),
        link(order, f"{order.action} {order.security_id}"),
        units(order.quantity),
        units(order.average_fill_price or order.limit_price),
        cash(order.notional),
        badge(order.status, order.get_status_display()),
    )


def _price_cells(symbol: str, data: dict[str, Any]) -> tuple[Any, ...]:
    return (symbol, units(Decimal(str(data["price"]))), str(data.get("source", "")), str(data.get("as_of", "")))


class WaitingFilter(admin.SimpleListFilter):
    """Quarantined lines by what they wait for."""

    title = "waiting for"
    parameter_name = "waits"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the two things that a line can wait for."""
        return [("answer", "An answer"), ("execution", "Its execution")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Return the lines that wait for the chosen one."""
        waiting = {"answer": waiting_lines, "execution": answered_lines}.get(self.value() or "")
        return queryset.filter(pk__in=waiting().values("pk")) if waiting else queryset


@admin.register(Recommendation)
class RecommendationAdmin(RecordAdmin):
    """Lines of research with the decision on each."""

    confirmed = (SayWhatItMeans,)
    list_display = [
        "when",
        "symbol_named",
        "action",
        "percent",
        "decision",
        "reason",
        "line",
        "run_page",
        "provider",
    ]
    list_filter = [WaitingFilter, "outcome", "action", "run__provider"]
    search_fields = ["=symbol", "=run__id", "=run__request__id"]
    search_help_text = "A whole symbol, as MSFT, or the id of a run or a request."
    list_select_related = ["run"]
    list_display_links = ["symbol_named"]
    ordering = ["-id"]
    empty_list = "No line has been decided yet. Executing research decides every line."

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the lines without what their runs were made of."""
        rows = super().get_queryset(request)
        return rows.defer("run__report", "run__parameters", "run__prices")

    @admin.display(description="run started")
    def when(self, row: Recommendation) -> str:
        """Return when its run began."""
        return moment(row.run.started_at)

    @admin.display(description="symbol", ordering="symbol")
    def symbol_named(self, row: Recommendation) -> str:
        """Return the symbol, or what stands for it."""
        return row.symbol or f"line {row.line}"

    @admin.display(description="size %", ordering="allocation_percent")
    def percent(self, row: Recommendation) -> SafeString:
        """Return the size that was written."""
        return units(row.allocation_percent)

    @admin.display(description="outcome", ordering="outcome")
    def decision(self, row: Recommendation) -> SafeString:
        """Return the outcome as a badge."""
        return badge(row.outcome, row.get_outcome_display())

    @admin.display(description="run")
    def run_page(self, row: Recommendation) -> SafeString:
        """Return the run as a link, by the first part of its id: enough to tell one from another."""
        return link_to(ExecutionRun, row.run_id, str(row.run_id).partition("-")[0])

    @admin.display(description="provider", ordering="run__provider")
    def provider(self, row: Recommendation) -> str:
        """Return who wrote the line."""
        return row.run.get_provider_display()

    def sections(self, request: HttpRequest, row: Recommendation) -> list[Section]:
        """Return what was written, what people said of it, and its orders."""
        links = RecommendationOrder.objects.filter(recommendation=row).select_related(
            "order__security", "recommendation"
        )
        return [
            Section("As it was written", text=json.dumps(row.raw, indent=2, ensure_ascii=False)),
            _said_of(row),
            Section("Orders", ("Line", "Order", "Quantity", "Price", "Notional", "Status"),
                    [_order_cells(each) for each in links.order_by("pk")], empty="It made no order."),
        ]  # fmt: skip


def _said_of(row: Recommendation) -> Section:
    """What people said of a line, and the way on: an answer counts when the request is executed again."""
    said = LineResolution.objects.filter(request_id=row.run.request_id, line=row.line).order_by("-pk")
    cells = [
        (moment(each.created_at), each.action or "as written", each.symbol, units(each.allocation_percent),
         each.actor, each.reason) for each in said[:50]
    ]  # fmt: skip
    waits = row.outcome == Recommendation.Outcome.QUARANTINED
    return Section(
        "What people said of it, newest first", ("When", "Action", "Symbol", "Size %", "Who", "Reason"), cells,
        empty="Nothing yet. “Say what it means” answers for a quarantined line.",
        links=[("Execute the request again", _execute_again(row.run))] if waits else [],
    )  # fmt: skip


def _execute_again(run: ExecutionRun) -> str:
    """Return the address where a request is executed again, filled in as the run was executed."""
    wishes = {"strategy": run.strategy_id, "provider": run.provider, "mode": run.parameters["mode"]}
    sweep = {"close_unlisted": "on"} if run.parameters["close_unlisted"] else {}
    query = urlencode({"ids": run.request_id, **wishes, **sweep})
    return f"{page_of(ResearchRequest, 'do', ExecuteRequests.name)}?{query}"


admin.site.unregister([Order, PortfolioAccount])


@admin.register(Order)
class TradedOrderAdmin(OrderAdmin):
    """Orders with the line of research that they come from."""

    def sections(self, request: HttpRequest, row: Order) -> list[Section]:
        """Add the line of JSON."""
        found = RecommendationOrder.objects.filter(order=row).select_related("recommendation__run").first()
        return [_origin(found), *super().sections(request, row)]


def _origin(found: RecommendationOrder | None) -> Section:
    title = "The line of research that it comes from"
    if found is None:
        return Section(title, empty="None: it was typed by hand, or a sweep closed what the research did not list.")
    line = found.recommendation
    return Section(
        f"{title}: line {line.line}",
        text=json.dumps(line.raw, indent=2, ensure_ascii=False),
        links=_where_from(line),
    )


def _where_from(line: Recommendation) -> Sequence[tuple[str, str]]:
    run = line.run
    return [
        (f"Decision: {line.get_outcome_display()}", _address(line)),
        (f"Run of {moment(run.started_at)}", _address(run)),
        ("Research request", _address(ResearchRequest(pk=run.request_id))),
    ]


def _address(row: Model) -> str:
    return page_of(type(row), "change", row.pk)


@admin.register(PortfolioAccount)
class TradedAccountAdmin(PortfolioAccountAdmin):
    """Accounts with what was executed in them, and the actions that execute."""

    confirmed = (*PortfolioAccountAdmin.confirmed, Rebalance, MarkToMarket)

    def sections(self, request: HttpRequest, row: PortfolioAccount) -> list[Section]:
        """Add the newest runs."""
        runs = row.runs.select_related("strategy").defer("report", "parameters", "prices").order_by("-started_at")
        return [
            *super().sections(request, row),
            Section(
                "Runs, newest first",
                _RUN_COLUMNS,
                [_run_cells(run) for run in runs[:10]],
                empty="Nothing has been executed in it.",
                more=list_of(ExecutionRun, account__id__exact=row.pk),
            ),
        ]


@admin.register(LineResolution)
class LineResolutionAdmin(RecordAdmin):
    """What people said of single lines, newest first."""

    list_display = ["when", "request_page", "line", "action", "symbol", "allocation_percent", "actor", "reason"]
    list_filter = ["action"]
    search_fields = ["=request__id", "=symbol", "=actor", "reason"]
    date_hierarchy = "created_at"
    empty_list = "Nobody has answered for a line yet. A quarantined line has the action “Say what it means”."

    @admin.display(description="when", ordering="created_at")
    def when(self, row: LineResolution) -> str:
        """Return when it was said."""
        return moment(row.created_at)

    @admin.display(description="request")
    def request_page(self, row: LineResolution) -> SafeString:
        """Return the request as a link, by the first part of its id."""
        return link_to(ResearchRequest, row.request_id, str(row.request_id).partition("-")[0])


@admin.register(MappingRule)
class MappingRuleAdmin(RecordAdmin):
    """How providers' words are meant, every version."""

    list_display = ["provider", "field", "written", "meaning", "version", "actor", "reason", "when"]
    list_filter = ["provider", "field"]
    search_fields = ["written", "meaning", "=actor", "reason"]
    empty_list = "There are no rules for providers' words yet."

    @admin.display(description="when", ordering="created_at")
    def when(self, row: MappingRule) -> str:
        """Return since when it holds."""
        return moment(row.created_at)


@admin.register(Reversal)
class ReversalAdmin(RecordAdmin):
    """Runs that were taken back, newest first."""

    list_display = ["when", "run_page", "entry_count", "cash_moved", "actor", "door", "reason"]
    list_filter = ["door"]
    search_fields = ["=run__id", "=actor", "reason"]
    date_hierarchy = "reversed_at"
    empty_list = "No run has been taken back yet."

    @admin.display(description="when", ordering="reversed_at")
    def when(self, row: Reversal) -> str:
        """Return when it was taken back."""
        return moment(row.reversed_at)

    @admin.display(description="run")
    def run_page(self, row: Reversal) -> SafeString:
        """Return the run as a link, by the first part of its id."""
        return link_to(ExecutionRun, row.run_id, str(row.run_id).partition("-")[0])

    @admin.display(description="cash", ordering="cash")
    def cash_moved(self, row: Reversal) -> SafeString:
        """Return the signed cash that it moved."""
        return cash(row.cash)
