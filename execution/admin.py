"""Research and runs in the admin: a record of what was read, decided and done."""

from django.contrib import admin

from execution.models import ExecutionRun, Recommendation, ResearchRequest
from portfolios.admin import RecordAdmin


@admin.register(ResearchRequest)
class ResearchRequestAdmin(RecordAdmin):
    """Requests as they were read."""

    list_display = ["received_at", "id", "task_id", "recommendation_count", "problem_count"]
    list_filter = ["received_at"]
    search_fields = ["=id", "=task_id", "digest"]
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


@admin.register(Recommendation)
class RecommendationAdmin(RecordAdmin):
    """Lines of research with the decision on each."""

    list_display = ["run", "line", "symbol", "action", "allocation_percent", "outcome", "reason"]
    list_filter = ["outcome", "action", "run__provider"]
    search_fields = ["symbol", "=run__id", "=run__request__id"]
    list_select_related = ["run"]
    date_hierarchy = "run__started_at"
