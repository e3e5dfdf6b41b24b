"""Runs: the list, one run with what happened to every line, its report as a file, and its reproduction."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from common.web.tables import Column, Listing, Row
from execution.engine.vocabulary import Refusal
from execution.models import ExecutionRun
from execution.reports.types import WaitingPricePart
from execution.selectors.research import deferred_lines
from execution.selectors.runs import all_runs, find_run, lines_as_of, orders_of, reversal_of, runs_of_request
from execution.services import reproduce_run
from folios.dashboard.tables import outcome_words, runs_listing, waiting_words
from folios.dashboard.views.pages import EXECUTE, page
from portfolios.selectors.books import one_snapshot

_ORDER_COLUMNS = (
    Column("line", "Line", "count", ""),
    Column("action", "Action"),
    Column("symbol", "Symbol", "text", ""),
    Column("quantity", "Quantity", "quantity"),
    Column("limit_price", "Reference price", "price"),
    Column("fill_price", "Fill price", "price"),
    Column("notional", "Amount", "cash", ""),
    Column("fee", "Fee", "cash"),
    Column("status", "Status", "badge"),
    Column("order", "Order", "code"),
)
_PRICE_COLUMNS = (
    Column("symbol", "Symbol", "text", ""),
    Column("price", "Price", "price"),
    Column("source", "Source"),
    Column("as_of", "Of", "time"),
    Column("kind", "Kind"),
)


@require_safe
def runs(request: HttpRequest) -> HttpResponse:
    """List the runs, perhaps of one status."""
    wanted = request.GET.get("status", "")
    rows = all_runs()
    rows = rows.filter(status=wanted) if wanted in ExecutionRun.Status.values else rows
    context = {"status": wanted, "statuses": ExecutionRun.Status.choices}
    with one_snapshot():
        return page(request, "pages/runs.html", context, listings=[runs_listing(rows)])


@require_safe
def run(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Show what one run did. Raises Http404 for one that there is not."""
    with one_snapshot():
        found = _run_or_404(run_id)
        links = orders_of(found)
        lines = lines_as_of(found, now=timezone.now())
        context = {
            "run": found,
            "lines": lines,
            "summary": found.report.get("summary"),
            "waiting": waiting_words(WaitingPricePart(**item) for item in found.report.get("waiting_prices", ())),
            "mode": found.parameters.get("mode", ""),
            "policy_version": found.parameters.get("policy", {}).get("version", ""),
            "outcomes": outcome_words(found.outcome_counts.items()),
            "reversal": reversal_of(found),
            "may_reverse": _may_be_reversed(found) and request.user.has_perm(EXECUTE),
            "may_execute": request.user.has_perm(EXECUTE),
            **_deferred(found),
        }
        return page(request, "pages/run.html", context, listings=_listings(found, links))


def _deferred(found: ExecutionRun) -> dict[str, Any]:
    """Return until when the run's deferred lines are tried again, where any of them still is."""
    still = list(deferred_lines(timezone.now()).filter(run=found))
    if not still:
        return {}
    words, them = ("1 line is", "it") if len(still) == 1 else (f"{len(still)} lines are", "them")
    return {"deferred_words": words, "deferred_them": them, "deferred_until": still[0].expires_at}


def _may_be_reversed(found: ExecutionRun) -> bool:
    """Whether it is worth asking: whether later bookings stand on the run is said by the preview."""
    is_done = found.status == ExecutionRun.Status.SUCCEEDED and found.order_count > 0
    return is_done and reversal_of(found) is None


def _run_or_404(run_id: UUID) -> ExecutionRun:
    found = find_run(run_id)
    if found is None:
        raise Http404(f"there is no run {run_id}")
    return found


def _listings(found: ExecutionRun, links: list[Any]) -> list[Listing[Any]]:
    return [
        Listing(
            name="orders", caption="Orders", columns=_ORDER_COLUMNS, source=links, row=_order_row, order="line",
            empty="The run made no order.", size=100,
        ),
        Listing(
            name="prices", caption="Prices", columns=_PRICE_COLUMNS, source=sorted(found.prices.items()),
            row=_price_row, order="symbol", empty="No price was needed.", size=100,
        ),
        replace(
            runs_listing(
                runs_of_request(found.request_id).exclude(pk=found.pk),
                name="others", caption="Other runs of the request", size=10,
            ),
            empty="The request has no other run.",
        ),
    ]  # fmt: skip


def _order_row(link: Any) -> Row:
    order = link.order
    return Row(
        {
            "line": link.recommendation.line,
            "action": order.get_action_display(),
            "symbol": order.security_id,
            "quantity": order.quantity,
            "limit_price": order.limit_price,
            "fill_price": order.average_fill_price,
            "notional": order.notional,
            "fee": order.fee,
            "status": order.status,
            "order": order.pk,
        }
    )


def _price_row(item: tuple[str, dict[str, Any]]) -> Row:
    symbol, quote = item
    kind = "default price" if quote.get("simulated") else "last mark" if quote.get("reduce_only") else "price"
    price, as_of = Decimal(quote["price"]), datetime.fromisoformat(quote["as_of"])
    return Row({"symbol": symbol, "price": price, "source": quote["source"], "as_of": as_of, "kind": kind})


@require_safe
def run_report(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Return the stored report of a run as a JSON file. Raises Http404."""
    found = _run_or_404(run_id)
    disposition = f'attachment; filename="folios-run-{run_id}.json"'
    return JsonResponse(found.report, headers={"Content-Disposition": disposition}, json_dumps_params={"indent": 2})


@require_safe
def run_check(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Plan the run again from what it stored, and say whether the same comes out. Raises Http404."""
    answer = reproduce_run(_run_or_404(run_id).pk)
    context = {"run_id": run_id, "refusal" if isinstance(answer, Refusal) else "reproduced": answer}
    template = "includes/reproduction.html" if getattr(request, "htmx", False) else "pages/reproduction.html"
    return render(request, template, context)
