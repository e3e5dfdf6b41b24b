"""Requests: research as it was read, what keeps it from being executed, and its runs."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString

from common.admin.base import RecordAdmin, is_list
from common.admin.columns import Section, badge, column, moment
from execution.admin.execute import ExecuteRequests, ExecuteTyped
from execution.admin.sections import runs_section
from execution.admin.triage import AssignRequests, IgnoreRequests, ScanInbox
from execution.models import ResearchRequest


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

    received = column("received", "received_at", moment)

    @admin.display(description="state", ordering="state")
    def stage(self, row: ResearchRequest) -> SafeString:
        return badge(row.state, row.state.capitalize())

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the requests; a list does not need their content."""
        rows = super().get_queryset(request)
        return rows.defer("content", "market_context") if is_list(request) else rows

    def sections(self, request: HttpRequest, row: ResearchRequest) -> list[Section]:
        runs = row.runs.select_related("strategy").defer("report", "parameters", "prices").order_by("-started_at")
        problems = [(each["code"], each["message"]) for each in row.problems]
        return [
            Section("Blocking problems", ("Code", "What it says"), problems, empty="There are none."),
            runs_section("Runs", runs[:50], empty="It has not been executed."),
        ]
