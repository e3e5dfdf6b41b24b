"""Research and runs in the admin: a record of what was read, decided and done."""

from django.contrib import admin

from execution.models import (
    ExecutionRun,
    LineResolution,
    MappingRule,
    Recommendation,
    ResearchRequest,
    Reversal,
)
from portfolios.admin import RecordAdmin


@admin.register(ResearchRequest)
class ResearchRequestAdmin(RecordAdmin):
    """Requests as they were read."""

    list_display = [
        "received_at", "id", "state", "strategy", "provider", "recommendation_count", "problem_count"
    ]  # fmt: skip
    list_filter = ["state", "provider", "origin", "received_at"]
    list_select_related = ["strategy"]
    search_fields = ["=id", "=task_id", "digest", "strategy__name"]
    date_hierarchy = "received_at"


@admin.register(ExecutionRun)
class ExecutionRunAdmin(RecordAdmin):
    """Runs, newest first."""

    list_display = [
        "started_at",
        "strategy",
        "provider",
        "status",
        "recommendation_count",
        "order_count",
        "is_simulated",
        "actor",
        "door",
    ]
    list_filter = ["status", "provider", "door", "is_simulated"]
    search_fields = ["=id", "=request__id", "strategy__name", "actor", "digest"]
    list_select_related = ["strategy"]
    date_hierarchy = "started_at"


@admin.register(Reversal)
class ReversalAdmin(RecordAdmin):
    """Runs that were taken back, newest first."""

    list_display = ["reversed_at", "run", "cash", "entry_count", "actor", "door", "reason"]
    list_filter = ["door", "run__provider"]
    search_fields = ["=run__id", "actor", "reason"]
    list_select_related = ["run"]
    date_hierarchy = "reversed_at"


@admin.register(Recommendation)
class RecommendationAdmin(RecordAdmin):
    """Lines of research with the decision on each."""

    list_display = ["symbol", "action", "allocation_percent", "outcome", "reason", "line", "request", "provider"]
    list_filter = ["outcome", "action", "run__provider"]
    search_fields = ["symbol", "=run__id", "=run__request__id"]
    list_select_related = ["run"]
    date_hierarchy = "run__started_at"
    ordering = ["-run__started_at", "line"]

    @admin.display(description="request", ordering="run__request_id")
    def request(self, row: Recommendation) -> str:
        """Return the first part of the request's id: enough to tell one from another."""
        return str(row.run.request_id).partition("-")[0]

    @admin.display(description="provider", ordering="run__provider")
    def provider(self, row: Recommendation) -> str:
        """Return who wrote the line."""
        return row.run.get_provider_display()


@admin.register(LineResolution)
class LineResolutionAdmin(RecordAdmin):
    """What people said of single lines."""

    list_display = ["created_at", "request", "line", "action", "symbol", "allocation_percent", "actor", "reason"]
    list_filter = ["action", "actor"]
    search_fields = ["=request__id", "symbol", "actor", "reason"]
    date_hierarchy = "created_at"


@admin.register(MappingRule)
class MappingRuleAdmin(RecordAdmin):
    """How providers' words are meant, every version."""

    list_display = ["provider", "field", "written", "meaning", "version", "actor", "reason", "created_at"]
    list_filter = ["provider", "field"]
    search_fields = ["written", "meaning", "actor", "reason"]
