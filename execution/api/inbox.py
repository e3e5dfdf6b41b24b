"""The inbox over HTTP: find research, say what it means, execute what is ready."""

from collections import Counter
from dataclasses import replace
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from common.api.bodies import checked
from common.api.openapi import listed
from common.api.problems import ProblemError
from common.api.rows import shown_object
from common.api.shapes import data_of
from common.api.views import RowsViewSet, StrictViewSet
from execution.api import filters
from execution.api.inbox_requests import AssignBody, PendingBody, ResolveBody, RuleBody, pending_batch
from execution.api.refusals import granted
from execution.api.requests import ReasonBody
from execution.api.serializers import MappingRuleRow, PendingReport, ResearchRow, ResolutionRow, ScanReportShape
from execution.models import MappingRule, ResearchRequest
from execution.services import (
    Author,
    ResolutionInput,
    assign_request,
    count_ready,
    execute_pending,
    ignore_request,
    resolve_line,
    save_rule,
    scan_inbox,
)

DECIDE = "execution.change_researchrequest"
RESULTS = ("executed", "replayed", "refused", "failed")


class InboxViewSet(StrictViewSet):
    """The inbox as a whole."""

    needs = {"scan": "execution.add_researchrequest", "execute": "execution.add_executionrun"}

    @extend_schema(
        summary="Scan the inbox",
        description="Scan the directory for research that is new or has changed. Executes nothing.",
        request=None,
        responses={200: ScanReportShape},
    )
    def scan(self, request: Request) -> Response:
        return Response(data_of(granted(scan_inbox(settings.ARTIFACTS_ROOT, now=timezone.now()))))

    @extend_schema(
        summary="Execute what is ready",
        description="Execute the requests that are ready, oldest first, each in a transaction of its own. The work"
        " is done before the answer is sent, as there are no workers: keep `limit` to what fits into your timeout."
        " The answer is 200 with one result a request, also where some were refused or failed; `left` says how many"
        " are still ready. After a timeout the same call goes on; nothing runs twice. Scan first: this reads no new"
        " research.",
        request=PendingBody,
        responses={200: PendingReport},
    )
    def execute(self, request: Request) -> Response:
        body = checked(PendingBody, request.data)
        batch = pending_batch(body, actor=request.user.get_username(), now=timezone.now())
        results = [done.as_data() for done in granted(execute_pending(batch))]
        counts = Counter(done["result"] for done in results)
        summary = {name: counts[name] for name in RESULTS}
        return Response({"results": results, "summary": summary, "left": count_ready(replace(batch, limit=None))})


class DecisionViewSet(StrictViewSet):
    """What a person says of one request, and of its lines."""

    needs = {"assign": DECIDE, "ignore": DECIDE, "resolve": "execution.add_lineresolution"}

    @extend_schema(
        summary="Assign strategy and provider",
        description="Where the research can be read, it is ready to be executed then. A request that was ignored"
        " waits again.",
        request=AssignBody,
        responses={200: ResearchRow},
    )
    def assign(self, request: Request, pk: UUID) -> Response:
        body = checked(AssignBody, request.data)
        return _research(
            granted(
                assign_request(
                    pk,
                    strategy_id=body["strategy_id"],
                    provider=body["provider"],
                    author=_author(request, body["reason"]),
                )
            )
        )

    @extend_schema(
        summary="Ignore a request",
        description="Take a request out of the inbox: no batch executes it any more. A call that names it still"
        " does.",
        request=ReasonBody,
        responses={200: ResearchRow},
    )
    def ignore(self, request: Request, pk: UUID) -> Response:
        reason = checked(ReasonBody, request.data)["reason"]
        return _research(granted(ignore_request(pk, author=_author(request, reason))))

    @extend_schema(
        summary="Resolve a line",
        description="Keep what one line of a request means; without action, symbol and size it is meant as it is"
        " written. The line trades when the request is executed again, in a follow-up run. The newest resolution"
        " counts.",
        request=ResolveBody,
        responses={201: ResolutionRow},
    )
    def resolve(self, request: Request, pk: UUID, line: int) -> Response:
        body = checked(ResolveBody, request.data)
        author = _author(request, body.pop("reason"))
        kept = granted(resolve_line(request_id=pk, line=line, resolution=ResolutionInput(**body), author=author))
        return Response(shown_object(kept, ResolutionRow), status=status.HTTP_201_CREATED)


@extend_schema_view(
    create=extend_schema(
        summary="Add a mapping rule",
        description="Keep how a provider's word is meant from now on, as the next version of the rule; an empty"
        " meaning withdraws it. Runs that are done stay as they are.",
        request=RuleBody,
        responses={201: MappingRuleRow},
    )
)
@listed("mapping rules", "mapping rule")
class MappingRuleViewSet(RowsViewSet):
    """How the words of providers are meant, one row a version; the newest of a word counts."""

    queryset = MappingRule.objects.all()
    serializer_class = MappingRuleRow
    filterset_class = filters.MappingRuleFilter
    ordering_fields = {"created_at": "created_at", "written": "written", "version": "version"}
    ordering = ("-created_at",)
    search_fields = ("written", "meaning")
    needs = {
        "list": "execution.view_mappingrule",
        "retrieve": "execution.view_mappingrule",
        "create": "execution.add_mappingrule",
    }

    def create(self, request: Request) -> Response:
        body = checked(RuleBody, request.data)
        author = _author(request, body.pop("reason"))
        try:
            return self.created(granted(save_rule(**body, author=author)))
        except IntegrityError as error:
            message = "another caller adds a version at the same time: look at it and try again"
            raise ProblemError(status=409, code="CONFLICT", detail=message) from error


def _author(request: Request, reason: str) -> Author:
    return Author(actor=request.user.get_username(), reason=reason, now=timezone.now())


def _research(row: ResearchRequest) -> Response:
    return Response(shown_object(row, ResearchRow))
