"""The inbox: what has arrived and what it waits for, and what a person decides about whole requests."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from common.money import format_cash
from common.text import cause_of, counted
from common.web.forms import ReasonForm
from common.web.tables import Column, Listing, Row
from execution.engine.vocabulary import Refusal
from execution.models import ExecutionRun, ResearchRequest
from execution.prices import configured_chain
from execution.selectors.request_detail import read_arrived
from execution.selectors.research import (
    answered_lines,
    deferred_lines,
    find_request,
    inbox_entries,
    requests_stored,
    unfinished_counts,
    waiting_lines,
)
from execution.services import (
    Author,
    Batch,
    Done,
    assign_request,
    execute_pending,
    ignore_request,
    scan_inbox,
)
from folios.dashboard.forms.decisions import AssignForm
from folios.dashboard.views.pages import EXECUTE, page, see_other
from portfolios.selectors import books

ARRIVED = "arrived"  # a directory that no scan has read yet: it is not stored
_MOST_REASONS = 10  # of requests that were not executed; their pages and runs have all of them
_STATES = ((ARRIVED, "Arrived: not scanned yet"), *ResearchRequest.State.choices)

_REQUEST_COLUMNS = (
    Column("arrived", "Arrived", "time"),
    Column("request", "Request", "code"),
    Column("strategy", "Strategy"),
    Column("provider", "Provider"),
    Column("lines", "Lines", "count"),
    Column("problems", "Unclear lines", "count"),
    Column("status", "Status", "badge"),
    Column("what", "What it says", "long"),
)
_LINE_COLUMNS = (
    Column("since", "Since", "time", "run__started_at"),
    Column("strategy", "Strategy", "text", "run__strategy__name"),
    Column("line", "Line", "count"),
    Column("symbol", "Symbol", "text", "symbol"),
    Column("action", "Action", "text", "action"),
    Column("reason", "Why it waits", "long"),
    Column("request", "Request", "code"),
    Column("run", "Run", "code"),
)


@dataclass(frozen=True, slots=True)
class Item:
    """One request of the inbox: a directory, a stored request, or both."""

    request_id: UUID
    arrived_at: datetime
    stored: ResearchRequest | None


@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """Show every request, perhaps of one state, and the lines that wait for a person or for another execution."""
    wanted = request.GET.get("state", "")
    with books.one_snapshot():
        listings: list[Listing[Any]] = [
            Listing(
                name="requests", caption="Requests", columns=_REQUEST_COLUMNS, source=_items(wanted), row=_item_row,
                empty=f"No such research. It arrives in {settings.ARTIFACTS_ROOT}, one directory a request.",
            ),
            Listing(
                name="waiting", caption="Quarantined lines", columns=_LINE_COLUMNS,
                source=waiting_lines(), row=_line_row, order="-since", empty="No line waits.",
            ),
            Listing(
                name="resolved", caption="Resolved lines that wait for a run", columns=_LINE_COLUMNS,
                source=answered_lines(), row=_line_row, order="-since", empty="No resolved line waits for a run.",
            ),
            Listing(
                name="deferred", caption="Deferred lines, tried again with their requests", columns=_LINE_COLUMNS,
                source=deferred_lines(timezone.now()), row=_line_row, order="-since", empty="No line is deferred.",
            ),
        ]  # fmt: skip
        ready = unfinished_counts().get(ResearchRequest.State.READY, 0)
        context = {
            "state": wanted,
            "states": _STATES,
            "ready": ready,
            "ready_note": _ready_note(ready),
            "may_execute": request.user.has_perm(EXECUTE),
        }
        return page(request, "pages/research.html", context, listings=listings)


def _ready_note(ready: int) -> str:
    """Return what the buttons above it do now."""
    if not ready:
        return (
            "No request is ready. Scanning reads what arrived, with its strategy and provider; it executes nothing."
        )
    return (
        "Each ready request is executed for its own strategy and provider, buying the stated sizes in addition to "
        "what is held, at prices of the sources, without a preview. An account that does not exist yet is opened "
        f"with {format_cash(settings.DEFAULT_INITIAL_BALANCE)}."
    )


def _items(state: str) -> list[Item]:
    """Return the requests, the newest first; with a state, those alone that are in it."""
    stored = {row.pk: row for row in requests_stored()}
    arrived = {item.request_id: item.modified_at for item in inbox_entries(settings.ARTIFACTS_ROOT)}
    items = [
        Item(key, arrived.get(key) or stored[key].received_at, stored.get(key))
        for key in arrived.keys() | stored.keys()
    ]
    if state in dict(_STATES):
        items = [item for item in items if (item.stored.state if item.stored else ARRIVED) == state]
    return sorted(items, key=lambda item: (item.arrived_at, item.request_id), reverse=True)


def _item_row(item: Item) -> Row:
    """Return a row; what was not stored yet is read now, for the rows of one page alone."""
    facts = _facts_of_stored(item.stored) if item.stored else _facts_of_directory(item.request_id)
    return Row(
        {"arrived": item.arrived_at, "request": item.request_id, **facts},
        {"request": reverse("dashboard:request", args=[item.request_id])},
    )


def _facts_of_stored(stored: Any) -> dict[str, Any]:
    runs = stored.run_count
    said = "; ".join(problem["message"] for problem in stored.problems)
    count = f" ({runs} run{'' if runs == 1 else 's'})" if runs else ""
    return {
        "strategy": stored.strategy.name if stored.strategy else "",
        "provider": stored.get_provider_display() if stored.provider else "",
        "lines": stored.recommendation_count,
        "problems": stored.problem_count,
        "status": stored.state,
        "what": f"{said or stored.market_context or stored.get_origin_display()}{count}",
    }


def _facts_of_directory(request_id: UUID) -> dict[str, Any]:
    artifact = read_arrived(request_id, root=settings.ARTIFACTS_ROOT)
    if isinstance(artifact, Refusal):
        return {"status": "unreadable", "what": artifact.message}
    said = ", ".join(f"{line.action} {line.symbol}" for line in artifact.recommendations[:6])
    return {
        "provider": artifact.claims.provider,
        "lines": artifact.line_count,
        "problems": len(artifact.problems),
        "status": ARRIVED,
        "what": artifact.market_context or said,
    }


def _line_row(line: Any) -> Row:
    request_address = reverse("dashboard:request", args=[line.run.request_id])
    return Row(
        {
            "since": line.run.started_at,
            "strategy": line.run.strategy.name,
            "line": line.line,
            "symbol": line.symbol,
            "action": line.action,
            "reason": cause_of(line.reason, line.outcome),
            "request": line.run.request_id,
            "run": line.run_id,
        },
        {
            "run": reverse("dashboard:run", args=[line.run_id]),
            "line": f"{request_address}#line-{line.line}",
            "request": request_address,
        },
    )


@require_POST
@permission_required(EXECUTE, raise_exception=True)
def scan(request: HttpRequest) -> HttpResponse:
    """Bring the stored requests up to date with their directories, and say what was found."""
    report = scan_inbox(settings.ARTIFACTS_ROOT, now=timezone.now())
    if isinstance(report, Refusal):
        messages.error(request, report.message)
        return see_other("dashboard:research")
    messages.success(
        request,
        f"Inbox scanned: {counted(report.found, 'request')}, {report.new} new, {report.changed} changed.",
    )
    for name, reason in list(report.refused.items())[:_MOST_REASONS]:
        messages.warning(request, f"Not scanned: {name}: {reason}")
    return see_other("dashboard:research")


@require_POST
@permission_required(EXECUTE, raise_exception=True)
def execute_ready(request: HttpRequest) -> HttpResponse:
    """Execute as many of the ready requests as the reader saw, the oldest first, and say what became of them."""
    limit = request.POST.get("count", "")
    now = timezone.now()
    prices = configured_chain(now=now)
    if isinstance(prices, Refusal) or not limit.isdecimal() or len(limit) > 6:
        words = (
            prices.message if isinstance(prices, Refusal) else "the page did not say how many requests it showed"
        )
        messages.error(request, f"Nothing was executed: {words}")
        return see_other("dashboard:research")
    batch = Batch(
        actor=request.user.get_username(),
        source=ExecutionRun.Source.DASHBOARD,
        clock=lambda: now,
        prices_at=lambda _: prices,
        limit=int(limit),
    )
    done = execute_pending(batch)
    if isinstance(done, Refusal):
        messages.error(request, f"Nothing was executed: {done.message}")
    else:
        _say(request, list(done))
    return see_other("dashboard:research")


def _say(request: HttpRequest, done: list[Done]) -> None:
    """Say how many requests ended how, and why those that were not executed were not."""
    if not done:
        messages.info(request, "No request is ready: nothing was executed.")
        return
    results = Counter(item.result for item in done)
    orders = sum(item.orders for item in done if item.result == "executed")
    counts = ", ".join(f"{number} {result}" for result, number in sorted(results.items()))
    messages.success(request, f"Requests: {counts}. Orders: {orders}.")
    reasons = [item for item in done if item.reason]
    for item in reasons[:_MOST_REASONS]:
        messages.error(request, f"Request {item.request_id} was {item.result}: {item.reason}")
    if len(reasons) > _MOST_REASONS:
        messages.error(request, f"{len(reasons) - _MOST_REASONS} more were not executed; the list below has them.")


@require_POST
@permission_required(EXECUTE, raise_exception=True)
def assign(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Say whose a request is."""
    form = AssignForm(request.POST)
    if not form.is_valid():
        return refuse_form(request, request_id, form)
    given = form.cleaned_data
    bring_in(request_id)
    answer = assign_request(
        request_id, strategy_id=given["strategy"].pk, provider=given["provider"], author=author_of(request, form)
    )
    if isinstance(answer, Refusal):
        messages.error(request, f"Not assigned: {answer.message}")
    else:
        messages.success(request, f"Assigned. The request is {answer.get_state_display().lower()}.")
    return see_other("dashboard:request", request_id)


@require_POST
@permission_required(EXECUTE, raise_exception=True)
def ignore(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Take a request out of what waits."""
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return refuse_form(request, request_id, form)
    bring_in(request_id)
    answer = ignore_request(request_id, author=author_of(request, form))
    if isinstance(answer, Refusal):
        messages.error(request, f"Not ignored: {answer.message}")
    else:
        messages.success(request, "Ignored. It is executed only if somebody assigns it, or executes it by itself.")
    return see_other("dashboard:request", request_id)


def bring_in(request_id: UUID) -> None:
    """Store what has arrived, where a decision is about a request that no scan has seen."""
    if find_request(request_id) is None:
        scan_inbox(settings.ARTIFACTS_ROOT, now=timezone.now())


def author_of(request: HttpRequest, form: ReasonForm) -> Author:
    """Return who decides, when and why."""
    return Author(actor=request.user.get_username(), reason=form.cleaned_data["reason"], now=timezone.now())


def refuse_form(request: HttpRequest, request_id: UUID, form: ReasonForm) -> HttpResponse:
    """Go back to the request and say what is wrong in a form."""
    for name, faults in form.errors.items():
        label = form.fields[name].label or name.capitalize() if name in form.fields else "The form"
        messages.error(request, f"Nothing was kept. {label}: {' '.join(str(fault) for fault in faults)}")
    return see_other("dashboard:request", request_id)
