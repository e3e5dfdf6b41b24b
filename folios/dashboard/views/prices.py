"""Refused prices of what is held: those that wait for a person, and the page that accepts one."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db import Error
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from common.db.errors import explain
from common.text import counted
from common.web.forms import ReasonForm
from common.web.tables import Column, Listing, Row
from execution.engine.vocabulary import Code, Refusal
from execution.models import RefusedPrice
from execution.selectors.refused_prices import WaitingHolding, find_refused, waiting_holdings
from execution.services import AcceptedPrice, accept_price
from folios.dashboard.views.pages import EXECUTE, page, see_other
from portfolios.selectors.books import one_snapshot

_COLUMNS = (
    Column("symbol", "Symbol", "text", ""),
    Column("account", "Account", "text", ""),
    Column("mark", "Last mark", "price"),
    Column("price", "Refused price", "price"),
    Column("difference", "Difference", "gain_percent", ""),
    Column("value", "Value", "cash", ""),
    Column("then", "Value if accepted", "cash", ""),
    Column("source", "Source"),
    Column("as_of", "Price of", "time", ""),
    Column("accept", "Action"),
)


def waiting_listing(held: list[WaitingHolding], *, may_accept: bool) -> Listing[Any]:
    """Return the table of holdings that keep their last mark, with the way to accept the price for who may."""

    def row(item: WaitingHolding) -> Row:
        return _row(item, may_accept=may_accept)

    return Listing(
        name="waiting", caption="Holdings that keep their last mark", source=held, row=row,
        columns=_COLUMNS if may_accept else _COLUMNS[:-1],
        order="symbol", empty="No price of anything held waits for a person.", size=50,
    )  # fmt: skip


@require_safe
def prices(request: HttpRequest) -> HttpResponse:
    """List every holding that keeps its last mark because its new price was refused."""
    with one_snapshot():
        held = waiting_holdings()
    listing = waiting_listing(held, may_accept=request.user.has_perm(EXECUTE))
    return page(request, "pages/prices.html", {}, listings=[listing])


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(EXECUTE, raise_exception=True)
def accept(request: HttpRequest, refused_id: int) -> HttpResponse:
    """Show what accepting a price would do; sent with a reason, do it once. Raises Http404 for no such price."""
    found = find_refused(refused_id)
    if found is None:
        raise Http404(f"there is no refused price {refused_id}")
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return _page(request, found, form, status=400 if form.is_bound else 200)
    answer = _accepted(request, found, form)
    if isinstance(answer, Refusal):
        return _page(request, found, form, refusal=answer, status=409)
    marked = f"{counted(answer.positions, 'position')} of {counted(answer.accounts, 'account')}"
    messages.success(request, f"Accepted {found}: {marked} marked at it.")
    for problem in answer.out_of_range.values():
        messages.error(request, f"Not valued: {problem}.")
    return see_other("dashboard:prices")


def _accepted(request: HttpRequest, found: RefusedPrice, form: ReasonForm) -> AcceptedPrice | Refusal:
    try:
        return accept_price(
            found.pk,
            actor=request.user.get_username(),
            reason=form.cleaned_data["reason"],
            now=timezone.now(),
        )
    except Error as error:
        return Refusal(Code.CANNOT_BOOK, f"the database refused: {explain(error)}. Nothing was marked")


def _page(
    request: HttpRequest, found: RefusedPrice, form: ReasonForm, *, status: int, refusal: Refusal | None = None
) -> HttpResponse:
    waits = found.resolved_at is None
    listing = waiting_listing(waiting_holdings(refused=found) if waits else [], may_accept=False)
    context = {
        "refused": found,
        "difference": found.difference_percent / 100,
        "waits": waits,
        "refusal": refusal,
        "form": form,
    }
    return page(request, "pages/price_accept.html", context, listings=[listing], status=status)


def _row(item: WaitingHolding, *, may_accept: bool) -> Row:
    position, refused = item.position, item.refused
    links = {"account": reverse("dashboard:account", args=[position.account_id])}
    if may_accept:
        links["accept"] = reverse("dashboard:price-accept", args=[refused.pk])
    return Row(
        {
            "symbol": position.security_id,
            "account": str(position.account),
            "mark": position.mark_price,
            "price": refused.price,
            "difference": item.difference_percent / 100,
            "value": item.value,
            "then": item.value_then,
            "source": refused.source,
            "as_of": refused.as_of,
            "accept": "Accept" if may_accept else "",
        },
        links,
    )
