"""Research and runs over HTTP: each view parses, makes one call, and translates the answer."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from common.api.bodies import checked
from common.api.openapi import listed
from common.api.rows import chosen, columns_of, shown, shown_object
from common.api.shapes import data_of
from common.api.views import RowsViewSet, StrictViewSet
from execution.api import filters
from execution.api.refusals import granted
from execution.api.requests import (
    ExecutionBody,
    MarkBody,
    ReasonBody,
    RebalanceBody,
    ResearchBody,
    RetryBody,
    accepted_symbols,
    execution_request_of,
    load_body,
    price_chain,
    rebalance_request_of,
)
from execution.api.serializers import (
    ExplanationShape,
    PreviewReport,
    Report,
    Reproduction,
    ResearchDetail,
    ResearchRow,
    ReversalReportShape,
    RunDetail,
    RunRow,
    ValuationReportShape,
)
from execution.engine.vocabulary import Refusal
from execution.models import ExecutionRun, ResearchRequest
from execution.reports.types import RunReport
from execution.selectors.run_detail import reversed_at, review_run
from execution.services import (
    ExecutionRequest,
    Preview,
    execute,
    explain_run,
    mark_to_market,
    preview_plan,
    preview_reversal,
    push_research,
    reproduce_run,
    retry_failed_run,
    reverse_run,
    unused_marks,
)

VIEW_RUN = "execution.view_executionrun"
EXECUTE = "execution.add_executionrun"
TAKE_BACK = "execution.add_reversal"

_REPORTS = {200: Report, 201: Report}


@extend_schema_view(
    create=extend_schema(
        summary="Push research",
        description="Keep recommendations under an id, to be previewed and executed by it at every door. The same"
        " content again is answered with 200; other content under the id is refused with 409. Executes nothing.",
        request=ResearchBody,
        responses={200: ResearchDetail, 201: ResearchDetail},
    ),
    retrieve=extend_schema(summary="One piece of research with its content", responses=ResearchDetail),
)
@listed("research", "piece of research")
class ResearchViewSet(RowsViewSet):
    """Research as it was read, from directories and from callers."""

    queryset = ResearchRequest.objects.all()
    serializer_class = ResearchRow
    detail_class = ResearchDetail
    filterset_class = filters.ResearchFilter
    ordering_fields = {"received_at": "received_at", "recommendation_count": "recommendation_count"}
    ordering = ("-received_at",)
    search_fields = ("source_path", "market_context", "digest")
    needs = {
        "list": "execution.view_researchrequest",
        "retrieve": "execution.view_researchrequest",
        "create": "execution.add_researchrequest",
    }

    def create(self, request: Request) -> Response:
        body = checked(ResearchBody, request.data)
        kept, is_new = granted(
            push_research(
                load_body(body),
                request_id=body["request_id"],
                artifacts_root=settings.ARTIFACTS_ROOT,
                now=timezone.now(),
            )
        )
        data = shown_object(kept, ResearchDetail)
        return _created(request, data, address=f"{kept.pk}/") if is_new else Response(data)


@extend_schema_view(
    create=extend_schema(
        summary="Execute a request",
        description="Execute a request once: by its id, or with its recommendations, which are kept under the id"
        " first. A new run is answered with 201. The same call again, also at the same time, is answered with 200,"
        " `replay: true` and the report of the first; other content under the same id is refused with 409. With a"
        " `plan_token` of a preview, nothing is executed unless the plan is still that one.",
        request=ExecutionBody,
        responses=_REPORTS,
    ),
    retrieve=extend_schema(
        summary="One run with its decisions",
        description="A run, and the decision on every line of it.",
        responses=RunDetail,
    ),
)
@listed("runs", "run")
class ExecutionViewSet(RowsViewSet):
    """Runs: what went in, what came out, who asked and from where."""

    queryset = ExecutionRun.objects.all()
    serializer_class = RunRow
    detail_class = RunDetail
    filterset_class = filters.RunFilter
    ordering_fields = {
        "started_at": "started_at", "finished_at": "finished_at", "order_count": "order_count", "status": "status",
    }  # fmt: skip
    ordering = ("-started_at",)
    search_fields = ("strategy__name", "actor", "digest")
    reading_actions = frozenset({"preview"})
    needs = {
        "list": VIEW_RUN, "retrieve": VIEW_RUN, "explain": VIEW_RUN, "reproduction": VIEW_RUN, "preview": VIEW_RUN,
        "create": EXECUTE, "retry": EXECUTE, "reverse": TAKE_BACK, "reverse_preview": VIEW_RUN,
    }  # fmt: skip
    known_parameters = {"explain": frozenset({"symbol"})}

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        run, decisions = granted(review_run(self.kwargs["pk"], now=timezone.now()))
        columns = chosen(columns_of(RunDetail), request.query_params.get("fields"))
        values: dict[str, Any] = {**_values(run), "decisions": data_of(decisions)}
        return Response(shown(values, columns))

    def create(self, request: Request) -> Response:
        execution_request = execution_request_of(
            checked(ExecutionBody, request.data), actor=_actor(request), now=timezone.now()
        )
        return _executed(request, execute(execution_request))

    @extend_schema(
        summary="Preview a request",
        description="What executing the request would do now, planned the same way. Writes nothing, not even the"
        " research or the account. `plan_token` stands for the plan; `prices` says of each symbol at what it is"
        " planned, from where, how old that is, and what the research claims.",
        request=ExecutionBody,
        responses=PreviewReport,
    )
    def preview(self, request: Request) -> Response:
        execution_request = execution_request_of(
            checked(ExecutionBody, request.data), actor=_actor(request), now=timezone.now()
        )
        return Response(_previewed(execution_request))

    @extend_schema(
        summary="Why a run did that",
        description="For every line the chain from what was written to what was booked.",
        parameters=[OpenApiParameter("symbol", description="Only the lines of this symbol.")],
        responses=ExplanationShape,
    )
    def explain(self, request: Request, pk: UUID) -> Response:
        return Response(granted(explain_run(pk, symbol=request.query_params.get("symbol"))).as_data())

    @extend_schema(
        summary="Plan a run again",
        description="Plans the run again from what it stored and compares. Writes nothing.",
        responses=Reproduction,
    )
    def reproduction(self, request: Request, pk: UUID) -> Response:
        return Response(data_of(granted(reproduce_run(pk)).as_data()))

    @extend_schema(
        summary="Take a run back",
        description="Book the opposite of everything that the run booked, at the same prices, while nothing later"
        " stands on it. Answered with 201; the same call again with 200, `replay: true` and the first report. The"
        " run stays in the record, and its request counts as executed.",
        request=ReasonBody,
        responses={200: ReversalReportShape, 201: ReversalReportShape},
    )
    def reverse(self, request: Request, pk: UUID) -> Response:
        reason = checked(ReasonBody, request.data)["reason"]
        report = granted(
            reverse_run(
                pk, actor=_actor(request), source=ExecutionRun.Source.API, reason=reason, now=timezone.now()
            )
        )
        if report.replay:
            return Response(report.as_data())
        return _created(request, report.as_data(), address=reverse("api-execution", args=[pk]))

    @extend_schema(
        summary="Preview the reversal of a run",
        description="What reversing the run would do now, or why it is refused. Writes nothing.",
        responses=ReversalReportShape,
    )
    def reverse_preview(self, request: Request, pk: UUID) -> Response:
        return Response(granted(preview_reversal(pk)).as_data())

    @extend_schema(
        summary="Try a failed run again",
        description="Execute the request of a failed run as a new run, read in the same way, at prices of now. The"
        " failed run stays as it is.",
        request=RetryBody,
        responses=_REPORTS,
    )
    def retry(self, request: Request, pk: UUID) -> Response:
        body, now = checked(RetryBody, request.data), timezone.now()
        answer = retry_failed_run(
            pk,
            actor=_actor(request),
            source=ExecutionRun.Source.API,
            now=now,
            prices=price_chain(body, now=now),
            artifacts_root=settings.ARTIFACTS_ROOT,
        )
        return _executed(request, answer)


@extend_schema_view(
    create=extend_schema(
        summary="Rebalance an account",
        description="Bring an account to target weights, or to those of its latest research. A rebalance is a"
        " request of its own, under the id that you give it, and runs once.",
        request=RebalanceBody,
        responses=_REPORTS,
    ),
)
class RebalanceViewSet(StrictViewSet):
    """Rebalances."""

    reading_actions = frozenset({"preview"})
    needs = {"create": EXECUTE, "preview": VIEW_RUN}

    def create(self, request: Request) -> Response:
        body = checked(RebalanceBody, request.data)
        answer = execute(rebalance_request_of(body, actor=_actor(request), now=timezone.now()))
        return _executed(request, answer)

    @extend_schema(
        summary="Preview a rebalance",
        description="What the rebalance would do now. Writes nothing.",
        request=RebalanceBody,
        responses=PreviewReport,
    )
    def preview(self, request: Request) -> Response:
        body = checked(RebalanceBody, request.data)
        answer = rebalance_request_of(body, actor=_actor(request), now=timezone.now())
        return Response(_previewed(answer))


class MarkViewSet(StrictViewSet):
    """Marks to market."""

    needs = {"create": "portfolios.add_valuation"}

    @extend_schema(
        summary="Mark all accounts to market",
        description="Price every holding once, mark every account and store what it is worth.",
        request=MarkBody,
        responses={200: ValuationReportShape},
    )
    def create(self, request: Request) -> Response:
        body, now = checked(MarkBody, request.data), timezone.now()
        prices = price_chain(body, now=now)
        granted(unused_marks(prices))
        report = mark_to_market(
            prices=prices,
            accepted=accepted_symbols(body),
            as_of=now,
            now=now,
            actor=_actor(request),
        )
        return Response(report.as_data())


def _actor(request: Request) -> str:
    return str(request.user.get_username())


def _values(run: ExecutionRun) -> dict[str, Any]:
    """The run's columns by name, relations by their key, and when it was reversed."""
    columns = {field.name: getattr(run, field.attname) for field in run._meta.concrete_fields}
    return {**columns, "reversal__reversed_at": reversed_at(run)}


def _report(report: RunReport) -> dict[str, Any]:
    return {"replay": report.run.replay, **report.as_data()}


def _previewed(execution_request: ExecutionRequest) -> dict[str, Any]:
    """Return what executing would do. What was executed before is priced no more: its report has no such rows."""
    found = preview_plan(execution_request)
    if isinstance(found, Preview):
        return {**_report(found.report), "prices": data_of(found.prices)}
    return {**_report(granted(found)), "prices": []}


def _executed(request: Request, answer: RunReport | Refusal) -> Response:
    report = granted(answer)
    if report.run.replay:
        return Response(_report(report))
    return _created(request, _report(report), address=reverse("api-execution", args=[report.run.id]))


def _created(request: Request, data: dict[str, Any], *, address: str) -> Response:
    where = request.build_absolute_uri(address)
    return Response(data, status=status.HTTP_201_CREATED, headers={"Location": where})
