"""Research: the inbox, one request with its lines, the preview of its plan, and the button that executes it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core import signing
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from execution import showing
from execution.engine.artifact import Artifact, parse_artifact
from execution.engine.vocabulary import Code, Refusal
from execution.inbox import LoadedArtifact, load_artifact
from execution.inputs import provider_meant
from execution.models import ResearchRequest
from execution.report import RunReport
from execution.services import Preview, execute, preview_plan
from execution.views.before_after import BeforeAfter, compare, warnings_of
from execution.views.listings import runs_listing
from execution.views.pages import EXECUTE, page
from execution.views.plan_form import PlanForm
from portfolios import queries
from portfolios.faults import explain
from portfolios.money import format_percent, plain
from portfolios.tables import Column, Listing, Row

_SALT = "folios.preview"

_REQUEST_COLUMNS = (
    Column("arrived", "Arrived", "time"),
    Column("request", "Request", "code"),
    Column("provider", "Provider"),
    Column("lines", "Lines", "count"),
    Column("problems", "Unclear lines", "count"),
    Column("status", "Status", "badge"),
    Column("what", "What it says", "long"),
)
_WAITING_COLUMNS = (
    Column("since", "Since", "time", "run__started_at"),
    Column("strategy", "Strategy", "text", "run__strategy__name"),
    Column("line", "Line", "count"),
    Column("symbol", "Symbol", "text", "symbol"),
    Column("action", "Action", "text", "action"),
    Column("reason", "Why it waits", "long"),
    Column("run", "Run", "code"),
)


@dataclass(frozen=True, slots=True)
class Item:
    """One request of the inbox: a directory, a stored request, or both."""

    request_id: UUID
    arrived_at: datetime
    stored: ResearchRequest | None


@require_safe
def research(request: HttpRequest) -> HttpResponse:
    """Show the inbox: every request that arrived or was executed, and the lines that wait for a person."""
    with queries.one_snapshot():
        listings: list[Listing[Any]] = [
            Listing(
                name="requests", caption="Requests", columns=_REQUEST_COLUMNS, source=_items(), row=_item_row,
                empty=f"No research yet. It arrives in {settings.ARTIFACTS_ROOT}, one directory a request.",
            ),
            Listing(
                name="waiting", caption="Quarantined lines", columns=_WAITING_COLUMNS,
                source=showing.waiting_lines(), row=_waiting_row, order="-since", empty="No line waits.",
            ),
        ]  # fmt: skip
        return page(request, "pages/research.html", {}, listings=listings)


def _items() -> list[Item]:
    stored = {row.pk: row for row in showing.requests_stored()}
    arrived = {item.request_id: item.modified_at for item in showing.arrivals(settings.ARTIFACTS_ROOT)}
    items = [
        Item(key, arrived.get(key) or stored[key].received_at, stored.get(key))
        for key in arrived.keys() | stored.keys()
    ]
    return sorted(items, key=lambda item: (item.arrived_at, item.request_id), reverse=True)


def _item_row(item: Item) -> Row:
    """Return a row; what was not executed yet is read now, for the rows of one page alone."""
    facts = _facts_of_stored(item.stored) if item.stored else _facts_of_directory(item.request_id)
    return Row(
        {"arrived": item.arrived_at, "request": item.request_id, **facts},
        {"request": reverse("request", args=[item.request_id])},
    )


def _facts_of_stored(stored: Any) -> dict[str, Any]:
    runs = stored.run_count
    return {
        "provider": "",
        "lines": stored.recommendation_count,
        "problems": stored.problem_count,
        "status": "executed" if runs else "failed",
        "what": f"{stored.market_context or stored.get_origin_display()} ({runs} run{'' if runs == 1 else 's'})",
    }


def _facts_of_directory(request_id: UUID) -> dict[str, Any]:
    loaded = load_artifact(settings.ARTIFACTS_ROOT, request_id=request_id, task_id=None)
    if isinstance(loaded, Refusal):
        return {"status": "unreadable", "what": loaded.message}
    artifact = loaded.artifact
    said = ", ".join(f"{line.action} {line.symbol}" for line in artifact.recommendations[:6])
    return {
        "provider": artifact.claims.provider,
        "lines": artifact.line_count,
        "problems": len(artifact.problems),
        "status": "new",
        "what": artifact.market_context or said,
    }


def _waiting_row(line: Any) -> Row:
    return Row(
        {
            "since": line.run.started_at,
            "strategy": line.run.strategy.name,
            "line": line.line,
            "symbol": line.symbol,
            "action": line.action,
            "reason": line.reason,
            "run": line.run_id,
        },
        {"run": reverse("run", args=[line.run_id]), "symbol": reverse("request", args=[line.run.request_id])},
    )


@require_safe
def request_page(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Show one request: its lines against the market, its runs, and the form of a preview."""
    form = PlanForm(initial={"initial_balance": plain(settings.DEFAULT_INITIAL_BALANCE)})
    return _request_page(request, request_id, form)


def _request_page(
    request: HttpRequest, request_id: UUID, form: PlanForm, *, status: int = 200, refusal: Refusal | None = None
) -> HttpResponse:
    artifact, source, task_id = _artifact_of(request_id, request.GET.get("task_id", ""))
    if isinstance(artifact, Artifact) and not form.is_bound:
        form.initial["provider"] = provider_meant(artifact.claims.provider)
        form.initial["strategy"] = artifact.claims.strategy_id
        form.initial["task_id"] = task_id
    context = {
        "request_id": request_id,
        "source": _below_root(source),
        "problem": artifact if isinstance(artifact, Refusal) else refusal,
        "artifact": artifact if isinstance(artifact, Artifact) else None,
        "lines": _lines(artifact) if isinstance(artifact, Artifact) else [],
        "form": form,
        "may_execute": request.user.has_perm(EXECUTE),
    }
    runs = replace(
        runs_listing(showing.runs_of_request(request_id), size=10),
        empty="No account has executed this request yet.",
    )
    code = status if isinstance(artifact, Artifact) else 404
    return page(request, "pages/request.html", context, listings=[runs], status=code)


def _artifact_of(request_id: UUID, task: str) -> tuple[Artifact | Refusal, str, str]:
    """Return the artifact from its directory, else as it was stored; where it is from, and the task asked for."""
    task_id = UUID(task) if _is_uuid(task) else None
    loaded = load_artifact(settings.ARTIFACTS_ROOT, request_id=request_id, task_id=task_id)
    if isinstance(loaded, LoadedArtifact):
        return loaded.artifact, loaded.source, task
    stored = showing.find_request(request_id)
    if stored is None:
        return loaded, "", task
    return parse_artifact(stored.content.encode()), stored.source_path, task


def _below_root(source: str) -> str:
    """Return where the artifact was read from, the root left out: it is the same for all of them."""
    path = Path(source)
    return (
        str(path.relative_to(settings.ARTIFACTS_ROOT)) if path.is_relative_to(settings.ARTIFACTS_ROOT) else source
    )


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _lines(artifact: Artifact) -> list[dict[str, Any]]:
    """Return the lines of an artifact in their order, with the newest stored price of each symbol."""
    symbols = {line.symbol for line in artifact.recommendations}
    prices = queries.latest_prices(symbols, until=timezone.now())
    read = {line.line: _line_facts(line, prices.get(line.symbol)) for line in artifact.recommendations}
    unclear = {problem.line: {"problem": problem} for problem in artifact.problems}
    return [facts for _, facts in sorted({**read, **unclear}.items())]


def _line_facts(line: Any, price: Any) -> dict[str, Any]:
    claimed, market = line.current_price, price.price if price else None
    return {"line": line, "price": price, "difference": _apart(claimed, market)}


def _apart(claimed: Decimal | None, market: Decimal | None) -> str:
    """Say how far a claimed price is from the market's; nothing where one of them is missing."""
    if claimed is None or market is None:
        return ""
    word = "above" if claimed >= market else "below"
    return f"{format_percent(abs(claimed / market - 1))} {word} the market"


@require_safe
@never_cache
@permission_required(EXECUTE, raise_exception=True)
def preview(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Show what would be done now, with the button. Writes nothing: Reload and Back are safe."""
    form = PlanForm(request.GET)
    if not form.is_valid():
        return _request_page(request, request_id, form, status=400)
    return _preview(request, request_id, form)


def _preview(
    request: HttpRequest, request_id: UUID, form: PlanForm, *, seen: "Seen | None" = None, status: int = 200
) -> HttpResponse:
    instruction = form.instruction(request_id, actor=request.user.get_username(), now=timezone.now())
    found = instruction if isinstance(instruction, Refusal) else preview_plan(instruction)
    if isinstance(found, Refusal):
        return _request_page(request, request_id, form, status=409, refusal=found)
    if isinstance(found, RunReport):
        return _to_run(request, found)
    view = compare(found)
    context = {
        "request_id": request_id,
        "report": found.report,
        "before_after": view,
        "warnings": warnings_of(found),
        "strategy": dict(form.fields["strategy"].choices).get(form.cleaned_data["strategy"]),  # type: ignore[attr-defined]
        "policy": found.plan_input.policy,
        "fields": [(name, value) for name, value in form.data.items() if name in form.fields],
        "seen": signing.dumps(_seen(found.report, view), salt=_SALT, compress=True),
        "changes": _changes(seen, _seen(found.report, view)) if seen is not None else None,
        "held_back": sorted(found.plan_input.held_back),
        "accept_address": _accepting(request_id, form, found),
    }
    return page(request, "pages/preview.html", context, status=status)


def _accepting(request_id: UUID, form: PlanForm, found: Preview) -> str:
    """Return the address of the same preview with the prices in doubt accepted."""
    accepted = form.cleaned_data["accepted"] | found.plan_input.held_back.keys()
    query = {name: form.data[name] for name in form.fields if form.data.get(name)}
    query["accepted"] = ", ".join(sorted(accepted))
    return f"{reverse('preview', args=[request_id])}?{urlencode(query)}"


Seen = dict[str, str]


def _seen(report: RunReport, view: BeforeAfter) -> Seen:
    """Return a plan in a few words: what a person has looked at, to be compared with a later plan."""
    orders = {
        f"{order.action} {order.symbol}": f"{order.quantity} at {order.fill_price} for ${order.notional}"
        for order in report.orders
    }
    outcomes = {
        f"Line {decision.line}": f"{decision.outcome} {decision.symbol}".strip() for decision in report.decisions
    }
    cash = {"Cash before": plain(view.cash.before), "Cash after": plain(view.cash.after)}
    return {**orders, **outcomes, **cash, "Policy": view.policy_version}


def _changes(before: Seen, after: Seen) -> list[tuple[str, str, str]]:
    """Return what differs: the subject, as it was looked at, as it is now."""
    subjects = [*before, *(subject for subject in after if subject not in before)]
    return [
        (subject, before.get(subject, "nothing"), after.get(subject, "nothing"))
        for subject in subjects
        if before.get(subject) != after.get(subject)
    ]


@require_POST
@permission_required(EXECUTE, raise_exception=True)
def execute_request(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Execute the plan that was looked at, once, and go to its run. A plan that changed is shown again instead."""
    form = PlanForm(request.POST)
    if not form.is_valid():
        return _request_page(request, request_id, form, status=400)
    token = request.POST.get("plan_token", "")
    instruction = form.instruction(
        request_id, actor=request.user.get_username(), now=timezone.now(), plan_token=token
    )
    if isinstance(instruction, Refusal):
        return _request_page(request, request_id, form, status=409, refusal=instruction)
    try:
        answer = execute(instruction)
    except Error as error:
        refusal = Refusal(Code.RUN_NOT_FINISHED, f"the database refused: {explain(error)}. Nothing was traded")
        return _request_page(request, request_id, form, status=503, refusal=refusal)
    if isinstance(answer, RunReport):
        return _to_run(request, answer)
    if answer.code is Code.PLAN_CHANGED:
        return _preview(request, request_id, form, seen=_looked_at(request.POST), status=409)
    return _request_page(request, request_id, form, status=409, refusal=answer)


def _looked_at(data: Mapping[str, str]) -> Seen:
    try:
        return dict(signing.loads(data.get("seen", ""), salt=_SALT))
    except signing.BadSignature:  # not what this server wrote: then everything is new
        return {}


def _to_run(request: HttpRequest, report: RunReport) -> HttpResponse:
    """Go to the run of a report (303, so that Reload asks for the page alone)."""
    if report.run.replay:
        messages.info(request, "This request was executed before. This is that run; nothing was traded again.")
    else:
        count = report.summary.orders_created
        messages.success(request, f"Executed: {count} order{'' if count == 1 else 's'}.")
    response = redirect("run", report.run.id)
    response.status_code = 303
    return response
