"""Lines of research: the decision on each, what people said of them, and the rules for providers' words."""

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from common.admin.base import RecordAdmin
from common.admin.columns import Section, badge, column, key_column, moment, page_of, short_id, units
from execution.admin.execute import ExecuteRequests
from execution.admin.sections import orders_section
from execution.admin.triage import ResolveLine
from execution.engine.vocabulary import EXPIRED
from execution.models import (
    ExecutionRun,
    LineResolution,
    MappingRule,
    Recommendation,
    RecommendationOrder,
    ResearchRequest,
)
from execution.selectors.research import answered_lines, deferred_lines, expired_lines, waiting_lines, with_expiry


class WaitingFilter(admin.SimpleListFilter):
    """Undecided lines by what they wait for."""

    title = "waiting for"
    parameter_name = "waits"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("answer", "A resolution"),
            ("execution", "Its execution"),
            ("retry", "What stops it to pass"),
            ("over", "Nothing: it has expired"),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        now = timezone.now()
        lines = {
            "answer": waiting_lines(),
            "execution": answered_lines(),
            "retry": deferred_lines(now),
            "over": expired_lines(now),
        }.get(self.value() or "")
        return queryset if lines is None else queryset.filter(pk__in=lines.values("pk"))


@admin.register(Recommendation)
class RecommendationAdmin(RecordAdmin):
    """Lines of research with the decision on each."""

    confirmed = (ResolveLine,)
    list_display = [
        "when", "symbol_named", "action", "percent", "decision", "reason", "line", "run_page", "provider",
    ]  # fmt: skip
    list_filter = [WaitingFilter, "outcome", "action", "run__provider"]
    search_fields = ["=symbol", "=run__id", "=run__request__id"]
    search_help_text = "A whole symbol, as MSFT, or the id of a run or a request."
    list_select_related = ["run"]
    list_display_links = ["symbol_named"]
    ordering = ["-id"]
    empty_list = "No line has been decided yet. Executing research decides every line."

    when = column("run started", "run.started_at", moment, ordering=None)
    percent = column("size %", "allocation_percent", units)
    run_page = key_column("run", ExecutionRun, "run_id", short_id)

    @admin.display(description="symbol", ordering="symbol")
    def symbol_named(self, row: Recommendation) -> str:
        """Return the symbol, or what stands for it."""
        return row.symbol or f"line {row.line}"

    @admin.display(description="outcome", ordering="outcome")
    def decision(self, row: Any) -> SafeString:
        """Return the outcome; of a deferred line whose time is over, that it has expired."""
        return (
            badge(EXPIRED, EXPIRED.capitalize())
            if row.is_expired
            else badge(row.outcome, row.get_outcome_display())
        )

    @admin.display(description="provider", ordering="run__provider")
    def provider(self, row: Recommendation) -> str:
        return row.run.get_provider_display()

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the lines without what their runs were made of."""
        rows = with_expiry(super().get_queryset(request), now=timezone.now())
        return rows.defer("run__report", "run__parameters", "run__prices")

    def sections(self, request: HttpRequest, row: Recommendation) -> list[Section]:
        links = RecommendationOrder.objects.filter(recommendation=row).select_related(
            "order__security", "recommendation"
        )
        return [
            Section("As it was written", text=json.dumps(row.raw, indent=2, ensure_ascii=False)),
            _said_of(row),
            orders_section(links.order_by("pk")),
        ]


def _said_of(row: Recommendation) -> Section:
    """What people said of a line, and the way on: a resolution counts when the request is executed again."""
    said = LineResolution.objects.filter(request_id=row.run.request_id, line=row.line).order_by("-pk")
    cells = [
        (moment(each.created_at), each.action or "as written", each.symbol, units(each.allocation_percent),
         each.actor, each.reason) for each in said[:50]
    ]  # fmt: skip
    waits = row.outcome in (Recommendation.Outcome.QUARANTINED, Recommendation.Outcome.DEFERRED)
    return Section(
        "What people said of it, newest first", ("When", "Action", "Symbol", "Size %", "Who", "Reason"), cells,
        empty="Nothing yet. “Resolve line” says what a quarantined line means.",
        links=[("Execute the request again", _execute_again(row.run))] if waits else [],
    )  # fmt: skip


def _execute_again(run: ExecutionRun) -> str:
    """Return the address where a request is executed again, filled in as the run was executed."""
    wishes = {"strategy": run.strategy_id, "provider": run.provider, "mode": run.parameters["mode"]}
    sweep = {"close_unlisted": "on"} if run.parameters["close_unlisted"] else {}
    query = urlencode({"ids": run.request_id, **wishes, **sweep})
    return f"{page_of(ResearchRequest, 'do', ExecuteRequests.name)}?{query}"


@admin.register(LineResolution)
class LineResolutionAdmin(RecordAdmin):
    """What people said of single lines, newest first."""

    list_display = ["when", "request_page", "line", "action", "symbol", "allocation_percent", "actor", "reason"]
    list_filter = ["action"]
    search_fields = ["=request__id", "=symbol", "=actor", "reason"]
    date_hierarchy = "created_at"
    empty_list = "No line has been resolved yet. A quarantined line has the action “Resolve line”."

    when = column("when", "created_at", moment)
    request_page = key_column("request", ResearchRequest, "request_id", short_id)


@admin.register(MappingRule)
class MappingRuleAdmin(RecordAdmin):
    """How providers' words are meant, every version."""

    list_display = ["provider", "field", "written", "meaning", "version", "actor", "reason", "when"]
    list_filter = ["provider", "field"]
    search_fields = ["written", "meaning", "=actor", "reason"]
    empty_list = "There are no mapping rules yet."

    when = column("when", "created_at", moment)
