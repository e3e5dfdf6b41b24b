"""Splits, dividends and changes of symbol over HTTP: previewed, booked once, reversed."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.filters import SearchFilter
from rest_framework.request import Request
from rest_framework.response import Response

from common.api.bodies import checked
from common.api.filters import Filters, Ordering
from common.api.openapi import listed
from common.api.problems import ProblemError
from common.api.rows import chosen, columns_of, shown, shown_object
from common.api.shapes import data_of, shape_of
from common.api.views import RowsViewSet
from portfolios import ledger
from portfolios.action_forms import BOOK, REVERSE, VIEW
from portfolios.action_reports import Doing, ShownReport, shown_report
from portfolios.api import filters
from portfolios.api import serializers as rows
from portfolios.api.requests import (
    ActionReversalBody,
    DividendBody,
    DividendPreviewBody,
    SplitBody,
    SplitPreviewBody,
    SymbolChangeBody,
    SymbolChangePreviewBody,
)
from portfolios.ledger import ActionReport, AuditContext, CannotBookError
from portfolios.models import CorporateAction
from portfolios.selectors import corporate_actions

_ONCE = (
    " A new one is answered with 201. The same call again is answered with 200 and `repeated: true`, and books"
    " nothing twice; it books who was left out before and can be booked by now, and that is 201. Other terms for"
    " the same symbol and day are refused with 422: reverse the action first."
)
_PREVIEW = "What booking it would do to each account now, or why it is refused. Writes nothing."


class ActionEntryRow(rows.LedgerRow):
    """One thing that a corporate action did to an account, or its reversal."""

    class Meta(rows.LedgerRow.Meta):
        fields = ["account", *rows.LedgerRow.Meta.fields]


class ActionDetail(rows.ActionRow):
    """An action with its entries in the ledgers of all accounts."""

    entries = ActionEntryRow(many=True)

    class Meta(rows.ActionRow.Meta):
        fields = [*rows.ActionRow.Meta.fields, "entries"]


ActionReportShape = shape_of(ShownReport, name="ActionReport")
_REPORTS = {200: ActionReportShape, 201: ActionReportShape}


@extend_schema_view(retrieve=extend_schema(summary="One corporate action with its entries", responses=ActionDetail))
@listed("corporate actions", "corporate action")
class ActionViewSet(RowsViewSet):
    """Splits, dividends and changes of symbol, those that were reversed too."""

    queryset = CorporateAction.objects.all()
    serializer_class = rows.ActionRow
    detail_class = ActionDetail
    filterset_class = filters.ActionFilter
    filter_backends = [Filters, SearchFilter, Ordering]
    ordering_fields = {"effective_on": "effective_on", "booked_at": "booked_at", "symbol": "security_id"}
    ordering = ("-effective_on",)
    search_fields = ("security__symbol", "successor__symbol", "actor", "reason")
    reading_actions = frozenset({"split_preview", "dividend_preview", "symbol_change_preview"})
    needs = {
        "list": VIEW, "retrieve": VIEW, "split": BOOK, "split_preview": VIEW, "dividend": BOOK,
        "dividend_preview": VIEW, "symbol_change": BOOK, "symbol_change_preview": VIEW, "reverse": REVERSE,
        "reverse_preview": VIEW,
    }  # fmt: skip

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        columns = chosen(columns_of(ActionDetail), request.query_params.get("fields"))
        found = corporate_actions.all_actions().filter(pk=self.kwargs["pk"]).values().first()
        if found is None:
            raise Http404
        entries = [shown_object(each, ActionEntryRow) for each in corporate_actions.entries_of(self.kwargs["pk"])]
        return Response(shown({**found, "entries": entries}, columns))

    @extend_schema(
        summary="Apply a split",
        description="Split what was held at the close before the day, in every account: units traded since keep"
        " their size, costs stay, and what is left below a step is paid in cash." + _ONCE,
        request=SplitBody,
        responses=_REPORTS,
    )
    def split(self, request: Request) -> Response:
        return _booked(request, ledger.apply_split, _split(checked(SplitBody, request.data)))

    @extend_schema(
        summary="Preview a split", description=_PREVIEW, request=SplitPreviewBody, responses=ActionReportShape
    )
    def split_preview(self, request: Request) -> Response:
        return _previewed(request, ledger.preview_split, _split(checked(SplitPreviewBody, request.data)))

    @extend_schema(
        summary="Record a dividend",
        description="Pay a cash dividend on what was held at the close before the ex-date, in every account, also"
        " where it was sold since. Shorts pay it; what their cash does not cover, they owe." + _ONCE,
        request=DividendBody,
        responses=_REPORTS,
    )
    def dividend(self, request: Request) -> Response:
        return _booked(request, ledger.record_dividend, _dividend(checked(DividendBody, request.data)))

    @extend_schema(
        summary="Preview a dividend",
        description=_PREVIEW,
        request=DividendPreviewBody,
        responses=ActionReportShape,
    )
    def dividend_preview(self, request: Request) -> Response:
        return _previewed(request, ledger.preview_dividend, _dividend(checked(DividendPreviewBody, request.data)))

    @extend_schema(
        summary="Change a symbol",
        description="Carry every holding over to a new symbol, with its units, its cost and its history." + _ONCE,
        request=SymbolChangeBody,
        responses=_REPORTS,
    )
    def symbol_change(self, request: Request) -> Response:
        return _booked(request, ledger.change_symbol, _symbol_change(checked(SymbolChangeBody, request.data)))

    @extend_schema(
        summary="Preview a change of symbol",
        description=_PREVIEW,
        request=SymbolChangePreviewBody,
        responses=ActionReportShape,
    )
    def symbol_change_preview(self, request: Request) -> Response:
        body = checked(SymbolChangePreviewBody, request.data)
        return _previewed(request, ledger.preview_symbol_change, _symbol_change(body))

    @extend_schema(
        summary="Reverse a corporate action",
        description="Reverse what the action did, to the cent, in all accounts or in none, so that the right one"
        " can be entered. Refused with 422 where that is not possible, and where it was reversed before.",
        request=ActionReversalBody,
        responses=ActionReportShape,
    )
    def reverse(self, request: Request, pk: int) -> Response:
        reason = checked(ActionReversalBody, request.data)["reason"]
        _require_known(pk)
        with _refusals():
            report = ledger.reverse_action(pk, context=_context(request, reason))
        return Response(_report(report, doing=Doing.REVERSED))

    @extend_schema(
        summary="Preview the reversal of a corporate action",
        description="What reversing the action would do to each account now, or why it is refused. Writes nothing.",
        responses=ActionReportShape,
    )
    def reverse_preview(self, request: Request, pk: int) -> Response:
        _require_known(pk)
        with _refusals():
            report = ledger.preview_action_reversal(pk, context=_context(request, ""))
        return Response(_report(report, doing=Doing.REVERSED))


def _split(body: Mapping[str, Any]) -> dict[str, Any]:
    return {**_common(body), "ratio": body["ratio"], "price": body.get("price")}


def _dividend(body: Mapping[str, Any]) -> dict[str, Any]:
    return {**_common(body), "per_share": body["per_share"]}


def _symbol_change(body: Mapping[str, Any]) -> dict[str, Any]:
    common = _common(body)
    return {"old": common["symbol"], "new": body["new_symbol"], "on": common["on"], "reason": common["reason"]}


def _common(body: Mapping[str, Any]) -> dict[str, Any]:
    return {"symbol": body["symbol"], "on": body["effective_on"], "reason": body.get("reason", "")}


def _booked(request: Request, book: Callable[..., ActionReport], terms: dict[str, Any]) -> Response:
    context = _context(request, terms.pop("reason"))
    with _refusals():
        report = book(**terms, context=context)
    if report.repeated:
        return Response(_report(report))
    where = request.build_absolute_uri(f"../{report.action_id}/")
    return Response(_report(report), status=status.HTTP_201_CREATED, headers={"Location": where})


def _previewed(request: Request, preview: Callable[..., ActionReport], terms: dict[str, Any]) -> Response:
    context = _context(request, terms.pop("reason"))
    with _refusals():
        return Response(_report(preview(**terms, context=context)))


def _context(request: Request, reason: str) -> AuditContext:
    return AuditContext(actor=request.user.get_username(), now=timezone.now(), reason=reason)


def _report(report: ActionReport, *, doing: Doing = Doing.BOOKED) -> dict[str, Any]:
    data: dict[str, Any] = data_of(shown_report(report, doing=doing))
    return data


def _require_known(key: int) -> None:
    if not corporate_actions.all_actions().filter(pk=key).exists():
        raise Http404


@contextmanager
def _refusals() -> Iterator[None]:
    """Answer what the books do not take with 422."""
    try:
        yield
    except CannotBookError as error:
        raise ProblemError(status=422, code="CANNOT_BOOK", detail=str(error)) from error
