"""Reversing a run: what it would do, the reason, and the button."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db import Error
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from common.db.errors import explain
from common.text import counted
from common.web.forms import ReasonForm
from common.web.tables import Column, Listing, Row
from execution.engine.vocabulary import Code, Refusal
from execution.models import ExecutionRun
from execution.services import RestoredPart, ReversalReport, preview_reversal, reverse_run
from folios.dashboard.views.pages import EXECUTE, page, see_other

_COLUMNS = (
    Column("symbol", "Symbol", "text", ""),
    Column("side", "Side"),
    Column("held", "Quantity now", "quantity"),
    Column("quantity", "Quantity after", "quantity"),
    Column("price", "Average price after", "price"),
    Column("cost", "Cost after", "cash"),
    Column("realized", "Realized after", "gain"),
)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(EXECUTE, raise_exception=True)
def reverse_page(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Show what reversing a run would do; sent with a reason, do it once. Raises Http404 for no such run."""
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return _page(request, run_id, form, status=400 if form.is_bound else 200)
    answer = _reversed(request, run_id, form)
    if isinstance(answer, Refusal):
        return _page(request, run_id, form, refusal=answer, status=409)
    if answer.replay:
        messages.info(request, "This run was reversed before; nothing was booked again.")
    else:
        entries = counted(answer.entries, "ledger entry", "ledger entries")
        messages.success(request, f"Reversed: {entries} of {counted(answer.orders, 'order')}.")
    return see_other("dashboard:run", run_id)


def _reversed(request: HttpRequest, run_id: UUID, form: ReasonForm) -> ReversalReport | Refusal:
    try:
        return reverse_run(
            run_id,
            actor=request.user.get_username(),
            source=ExecutionRun.Source.DASHBOARD,
            reason=form.cleaned_data["reason"],
            now=timezone.now(),
        )
    except Error as error:
        return Refusal(Code.RUN_NOT_FINISHED, f"the database refused: {explain(error)}. Nothing was booked")


def _page(
    request: HttpRequest, run_id: UUID, form: ReasonForm, *, status: int, refusal: Refusal | None = None
) -> HttpResponse:
    found = preview_reversal(run_id)
    if isinstance(found, Refusal) and found.code is Code.RUN_NOT_FOUND:
        raise Http404(found.message)
    if isinstance(found, ReversalReport) and found.replay:
        return see_other("dashboard:run", run_id)
    is_refused = isinstance(found, Refusal)
    context = {
        "run_id": run_id,
        "report": None if is_refused else found,
        "refusal": found if is_refused else refusal,
        "form": form,
    }
    code = 409 if is_refused and status == 200 else status
    return page(request, "pages/reversal.html", context, listings=[_positions(found)], status=code)


def _positions(found: ReversalReport | Refusal) -> Listing[Any]:
    return Listing(
        name="positions", caption="Positions", columns=_COLUMNS, row=_row, order="symbol", size=500,
        source=[] if isinstance(found, Refusal) else found.positions, empty="No position changes.",
    )  # fmt: skip


def _row(part: RestoredPart) -> Row:
    return Row(
        {
            "symbol": part.symbol,
            "side": part.side,
            "held": Decimal(part.reversed_quantity),
            "quantity": Decimal(part.quantity),
            "price": Decimal(part.average_price),
            "cost": Decimal(part.cost_basis),
            "realized": Decimal(part.realized_pnl),
        }
    )
