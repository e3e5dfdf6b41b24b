"""One request of research: its lines, the preview of its plan, and the button that executes it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core import signing
from django.db import Error
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from common.db.errors import explain
from common.money import plain
from common.web.forms import ReasonForm
from execution.engine.parsing.artifact import Artifact
from execution.engine.vocabulary import CONFIRMABLE, Code, Refusal
from execution.reports.types import RunReport
from execution.selectors.request_detail import RequestDetail
from execution.selectors.runs import reversal_of, runs_of_request
from execution.services import Preview, execute, preview_plan
from folios.dashboard.forms.decisions import AssignForm
from folios.dashboard.forms.plan import PlanForm
from folios.dashboard.tables import runs_listing, waiting_words
from folios.dashboard.views.before_after import BeforeAfter, compare, warnings_of
from folios.dashboard.views.line_resolution import find_detail, lines_of
from folios.dashboard.views.pages import EXECUTE, page, policy_words, see_other
from portfolios.selectors.overview import provider_name

_SALT = "folios.preview"


@require_safe
def request_page(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Show one request: its lines against the market, its runs, and the form of a preview."""
    form = PlanForm(initial={"initial_balance": plain(settings.DEFAULT_INITIAL_BALANCE)})
    return _request_page(request, request_id, form)


def _request_page(
    request: HttpRequest, request_id: UUID, form: PlanForm, *, status: int = 200, refusal: Refusal | None = None
) -> HttpResponse:
    task = request.GET.get("task_id", "")
    found = find_detail(request_id, task=task)
    artifact = found.artifact if isinstance(found.artifact, Artifact) else None
    if not form.is_bound:
        own = {"strategy": found.strategy, "provider": found.provider, "task_id": task}
        form.initial = {**form.initial, **own, **_as_before(found), "again": bool(request.GET.get("again"))}
    if not any(reversal_of(run) for run in found.runs):
        form.fields.pop("again", None)
    context = {
        "request_id": request_id,
        "source": found.source,
        "stored": found.stored,
        "problem": refusal if artifact else found.artifact,
        "artifact": artifact,
        "lines": lines_of(request, request_id, found),
        "form": form,
        "may_execute": request.user.has_perm(EXECUTE),
        **_decisions_about(request, found),
    }
    runs = replace(
        runs_listing(runs_of_request(request_id), size=10),
        empty="No account has executed this request yet.",
    )
    is_known = artifact is not None or found.stored is not None
    return page(request, "pages/request.html", context, listings=[runs], status=status if is_known else 404)


def _as_before(found: RequestDetail) -> dict[str, Any]:
    """Return how the request was executed before: what is left of it is executed in the same way."""
    if not found.runs:
        return {}
    kept = found.runs[-1].parameters
    return {"mode": kept["mode"], "close_unlisted": kept["close_unlisted"]}


def _decisions_about(request: HttpRequest, found: RequestDetail) -> dict[str, Any]:
    """Return the forms that say whose a request is, and that it is to be ignored, where that is still open."""
    is_executed = bool(found.runs) or (found.stored is not None and found.stored.state == "executed")
    if is_executed or not request.user.has_perm(EXECUTE):
        return {}
    initial = {"strategy": found.strategy, "provider": found.provider}
    return {
        "assign_form": AssignForm(initial=initial, auto_id="assign-%s"),
        "ignore_form": ReasonForm(auto_id="ignore-%s"),
    }


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
    execution_request = form.execution_request(request_id, actor=request.user.get_username(), now=timezone.now())
    found = execution_request if isinstance(execution_request, Refusal) else preview_plan(execution_request)
    if isinstance(found, Refusal):
        return _request_page(request, request_id, form, status=409, refusal=found)
    if isinstance(found, RunReport):
        return _to_run(request, found)
    view = compare(found)
    context = {
        "request_id": request_id,
        "report": found.report,
        "waiting": waiting_words(found.report.waiting_prices),
        "before_after": view,
        "warnings": warnings_of(found),
        "strategy": dict(form.fields["strategy"].choices).get(form.cleaned_data["strategy"]),  # type: ignore[attr-defined]
        "provider": provider_name(found.report.account.provider_id),
        "policy_words": policy_words(found.plan_input.policy.version, system="of the system"),
        "fields": [*form.as_typed(without=found.prices).items()],
        "prices": [(row, _typed(form, row.symbol)) for row in found.prices],
        "default_lines": found.default_lines,
        "seen": signing.dumps(_seen(found.report, view), salt=_SALT, compress=True),
        "changes": _changes(seen, _seen(found.report, view)) if seen is not None else None,
        "held_back": sorted(found.plan_input.held_back),
        "accept_address": _accepting(request_id, form, found),
        "confirmable": [item.line for item in found.report.decisions if CONFIRMABLE.intersection(item.codes)],
    }
    return page(request, "pages/preview.html", context, status=status)


def _typed(form: PlanForm, symbol: str) -> str:
    price = form.cleaned_data["prices"].get(symbol)
    return "" if price is None else plain(price)


def _accepting(request_id: UUID, form: PlanForm, found: Preview) -> str:
    """Return the address of the same preview with the prices in doubt accepted."""
    accepted = form.cleaned_data["accepted"] | found.plan_input.held_back.keys()
    return _preview_address(request_id, {**form.as_typed(), "accepted": ", ".join(sorted(accepted))})


def _preview_address(request_id: UUID, query: Mapping[str, str]) -> str:
    return f"{reverse('dashboard:preview', args=[request_id])}?{urlencode(query)}"


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
    """Execute the plan that was looked at, once, and go to its run. A plan that changed is shown again instead.

    The form's other button asks for a preview at the prices that were typed; it goes to the page of that preview.
    """
    form = PlanForm(request.POST)
    if not form.is_valid():
        return _request_page(request, request_id, form, status=400)
    if "preview" in request.POST:
        response = HttpResponseRedirect(_preview_address(request_id, form.as_typed()))
        response.status_code = 303
        return response
    token = request.POST.get("plan_token", "")
    execution_request = form.execution_request(
        request_id, actor=request.user.get_username(), now=timezone.now(), plan_token=token
    )
    if isinstance(execution_request, Refusal):
        return _request_page(request, request_id, form, status=409, refusal=execution_request)
    try:
        answer = execute(execution_request)
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
        for note in report.notes:
            messages.warning(request, note)
    else:
        count = report.summary.orders_created
        messages.success(request, f"Executed: {count} order{'' if count == 1 else 's'}.")
    return see_other("dashboard:run", report.run.id)
