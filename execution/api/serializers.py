"""The fields of research and runs as the API shows them."""

from rest_framework import serializers

from execution.explaining import Explanation
from execution.models import ExecutionRun, ResearchRequest
from execution.replaying import Difference
from execution.report import RunReport
from execution.reviewing import Reviewed
from execution.valuing import ValuationReport
from portfolios.api.shapes import shape_of


class ResearchRow(serializers.ModelSerializer[ResearchRequest]):
    """One piece of research."""

    class Meta:
        model = ResearchRequest
        fields = [
            "id", "task_id", "origin", "digest", "source_path", "recommendation_count", "problem_count",
            "market_context", "received_at",
        ]  # fmt: skip


class ResearchDetail(ResearchRow):
    """One piece of research with its content, as it was read."""

    class Meta(ResearchRow.Meta):
        fields = [*ResearchRow.Meta.fields, "content"]


class RunRow(serializers.ModelSerializer[ExecutionRun]):
    """One execution of one request in one account."""

    outcome_counts = serializers.DictField(
        child=serializers.IntegerField(), help_text="How many lines ended in which outcome."
    )

    class Meta:
        model = ExecutionRun
        fields = [
            "id", "request", "strategy", "provider", "account", "sequence", "status", "task_id", "digest",
            "is_simulated", "is_settled", "is_market_open", "actor", "door", "started_at", "finished_at",
            "recommendation_count", "order_count", "position_count", "outcome_counts", "error",
        ]  # fmt: skip


class RunDetail(RunRow):
    """A run with the decision on every line, and the prices that it saw."""

    prices = serializers.DictField(
        child=serializers.JSONField(), help_text="Price, source and time of every symbol priced for the run."
    )
    decisions = shape_of(Reviewed)(many=True)

    class Meta(RunRow.Meta):
        fields = [*RunRow.Meta.fields, "prices", "decisions"]


class Report(shape_of(RunReport)):  # type: ignore[misc]  # made from the dataclass
    """What an execution or a preview says. `replay`: the request was executed before, and this is its report."""

    replay = serializers.BooleanField()


class Reproduction(serializers.Serializer[object]):
    """A run planned again from what it stored, and what comes out differently: nothing, where it is reproduced."""

    run_id = serializers.CharField()
    orders = serializers.IntegerField()
    decisions = serializers.IntegerField()
    differences = serializers.ListField(child=shape_of(Difference)())
    reproduced = serializers.BooleanField()


ExplanationShape = shape_of(Explanation)
ValuationReportShape = shape_of(ValuationReport)
