"""The fields of research and runs as the API shows them."""

from rest_framework import serializers

from common.api.shapes import shape_of
from execution.models import ExecutionRun, LineResolution, MappingRule, RefusedPrice, ResearchRequest
from execution.reports.planned_prices import PlannedPrice
from execution.reports.types import RunReport
from execution.selectors.run_detail import Reviewed
from execution.services import (
    AcceptedPrice,
    Done,
    Explanation,
    Reproduced,
    ReversalReport,
    ScanReport,
    ValuationReport,
)


class RequestProblem(serializers.Serializer[object]):
    """One reason why a request is not executed."""

    code = serializers.CharField()
    message = serializers.CharField()


class ResearchRow(serializers.ModelSerializer[ResearchRequest]):
    """One piece of research: where it stands, whose it is, and what keeps it from being executed."""

    problems = RequestProblem(many=True)

    class Meta:
        model = ResearchRequest
        fields = [
            "id", "state", "strategy", "provider", "problems", "task_id", "origin", "digest", "source_path",
            "recommendation_count", "problem_count", "market_context", "received_at",
        ]  # fmt: skip


class ResearchDetail(ResearchRow):
    """One piece of research with its content, as it was read."""

    class Meta(ResearchRow.Meta):
        fields = [*ResearchRow.Meta.fields, "content"]


class RunRow(serializers.ModelSerializer[ExecutionRun]):
    """One execution of one request in one account."""

    reversed_at = serializers.DateTimeField(
        source="reversal__reversed_at", allow_null=True, help_text="When the run was reversed; null: it was not."
    )
    outcome_counts = serializers.DictField(
        child=serializers.IntegerField(), help_text="How many lines ended in which outcome."
    )

    class Meta:
        model = ExecutionRun
        fields = [
            "id", "request", "strategy", "provider", "account", "sequence", "status", "task_id", "digest",
            "is_simulated", "is_settled", "is_market_open", "actor", "source", "started_at", "finished_at",
            "reversed_at", "recommendation_count", "order_count", "position_count", "outcome_counts", "error",
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


class PreviewReport(Report):
    """What executing would do now, and at which prices."""

    prices = shape_of(PlannedPrice)(many=True)


class Reproduction(shape_of(Reproduced)):  # type: ignore[misc]  # made from the dataclass
    """A run planned again from what it stored, and what comes out differently: nothing, where it is reproduced."""

    reproduced = serializers.BooleanField()


class ResolutionRow(serializers.ModelSerializer[LineResolution]):
    """What a person said of one line; the newest counts."""

    class Meta:
        model = LineResolution
        fields = [
            "id",
            "request",
            "line",
            "action",
            "symbol",
            "allocation_percent",
            "actor",
            "reason",
            "created_at",
        ]


class MappingRuleRow(serializers.ModelSerializer[MappingRule]):
    """How one word of one provider is meant: the newest version counts, an empty meaning withdraws the rule."""

    class Meta:
        model = MappingRule
        fields = ["id", "provider", "field", "written", "meaning", "version", "actor", "reason", "created_at"]


class RefusedPriceRow(serializers.ModelSerializer[RefusedPrice]):
    """A price of something held that was too far from the last one. Without a resolution, it waits for a person."""

    symbol = serializers.CharField(source="security_id", help_text="Symbol in canonical form.")

    class Meta:
        model = RefusedPrice
        fields = [
            "id", "symbol", "price", "source", "as_of", "reference", "basis", "band_percent", "refused_at",
            "resolution", "resolved_at", "resolved_by", "reason",
        ]  # fmt: skip


class PendingReport(serializers.Serializer[object]):
    """What became of each request, how many ended in which way, and how many are still ready."""

    results = shape_of(Done)(many=True)
    summary = serializers.DictField(child=serializers.IntegerField())
    left = serializers.IntegerField()


AcceptedPriceShape = shape_of(AcceptedPrice)
ReversalReportShape = shape_of(ReversalReport)
ScanReportShape = shape_of(ScanReport)
ExplanationShape = shape_of(Explanation)
ValuationReportShape = shape_of(ValuationReport)
