"""The lines of a request, and the resolution of one that waits."""

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from common.identifiers import canonical_uuid
from common.money import format_percent, plain
from execution.engine.parsing.artifact import Artifact, Problem
from execution.engine.vocabulary import CONFIRMABLE, Code, Refusal
from execution.selectors.request_detail import RequestDetail, read_request
from execution.selectors.research import answers_to, deferred_lines, waiting_lines
from execution.services import ResolutionInput, resolve_line, save_rule, suggested_rule
from folios.dashboard.forms.decisions import ResolutionForm
from folios.dashboard.views.inbox import author_of, bring_in
from folios.dashboard.views.pages import EXECUTE
from portfolios.selectors import stored_prices


def find_detail(request_id: UUID, *, task: str) -> RequestDetail:
    """Return the request with that id; `task` names one of its tasks, where it has several."""
    return read_request(request_id, root=settings.ARTIFACTS_ROOT, task_id=canonical_uuid(task))


def lines_of(request: HttpRequest, request_id: UUID, found: RequestDetail) -> list[dict[str, Any]]:
    """Return the lines in their order: what each says, what waits, what was answered, and the form of an answer."""
    artifact = found.artifact
    if isinstance(artifact, Refusal):
        return []
    symbols = {line.symbol for line in artifact.recommendations}
    prices = stored_prices.latest_prices(symbols, until=timezone.now())
    facts = {line.line: _line_facts(line, prices.get(line.symbol)) for line in artifact.recommendations}
    facts |= {
        problem.line: {"problem": problem, "problem_words": _problem_words(problem)}
        for problem in artifact.problems
    }
    waiting = {row.line: row for row in waiting_lines().filter(run__request_id=request_id)}
    deferred = {row.line: row for row in deferred_lines(timezone.now()).filter(run__request_id=request_id)}
    answers = answers_to(request_id)
    for number, line in facts.items():
        line.update(number=number, **_waiting(waiting.get(number)), **_answered(answers.get(number)))
        line.update(deferred=deferred.get(number))
        if request.user.has_perm(EXECUTE):
            line.update(_asked_of(request, line, is_open=not found.runs))
    return [line for _, line in sorted(facts.items())]


def _asked_of(request: HttpRequest, line: dict[str, Any], *, is_open: bool) -> dict[str, Any]:
    """Return the form of an answer where one is wanted: for an unclear line, or one that waits for a nod."""
    problem, waits, number = line.get("problem"), line["waits"], line["number"]
    is_asked = request.GET.get("line") == str(number)
    form = ResolutionForm(initial=request.GET.dict() if is_asked else {}, auto_id=f"line-{number}-%s")
    if problem is not None and (is_open or waits is not None or is_asked):
        words = {"question": f"What does line {number} mean?", "button": f"Resolve line {number}"}
        return {"form": form, "may_keep": _may_keep(problem), **words}
    if is_asked or (waits is not None and CONFIRMABLE.intersection(waits.codes)):
        words = {"question": f"Is line {number} meant as it is written?", "button": f"Confirm line {number}"}
        return {"form": form, "is_confirmed": True, **words}
    return {}


def _may_keep(problem: Problem) -> bool:
    """Whether a rule could make such a line clear."""
    return suggested_rule(problem, ResolutionInput(action="HOLD", symbol="X")) is not None


def _line_facts(line: Any, price: Any) -> dict[str, Any]:
    claimed, market = line.current_price, price.price if price else None
    return {
        "line": line,
        "price": price,
        "difference": _apart(claimed, market),
        "confidence": _confidence_words(line),
        "notes": _how_understood(line),
    }


def _confidence_words(line: Any) -> str:
    """Say how confident the research is; nothing where it did not say."""
    if line.confidence is not None:
        return format_percent(line.confidence)
    return f"{line.confidence_raw} (scale unclear)" if line.confidence_raw else ""


def _how_understood(line: Any) -> list[str]:
    """Say what made an unclear line clear."""
    by_hand = ["Resolved manually."] if line.by_hand else []
    by_rule = ["Resolved by a mapping rule."] if line.by_rule else []
    return by_hand + by_rule


def _problem_words(problem: Problem) -> str:
    advice = f"; {problem.suggestion}" if problem.suggestion else ""
    return f"Line {problem.line} [{problem.code}]: {problem.message}{advice}"


def _waiting(line: Any) -> dict[str, Any]:
    """Return a line that waits, with where a person settles it."""
    is_in_doubt = line is not None and Code.PRICE_OUT_OF_BAND in line.codes
    note = f"To accept it, name {line.symbol} among the accepted prices and preview." if is_in_doubt else ""
    return {"waits": line, "waits_note": note}


def _answered(answer: Any) -> dict[str, Any]:
    """Return what a person said of a line, with its size and reason in words."""
    if answer is None:
        return {"answer": None}
    size = "" if answer.allocation_percent is None else f" {plain(answer.allocation_percent, places=0)} %"
    return {"answer": answer, "answer_words": f"{answer}{size}. {answer.reason}"}


def _apart(claimed: Decimal | None, market: Decimal | None) -> str:
    """Say how far a claimed price is from the market's; nothing where one of them is missing."""
    if claimed is None or market is None:
        return ""
    if claimed == market:
        return "at the market"
    word = "above" if claimed > market else "below"
    return f"{format_percent(abs(claimed / market - 1))} {word} the market"


@require_POST
@permission_required(EXECUTE, raise_exception=True)
def resolve(request: HttpRequest, request_id: UUID, number: int) -> HttpResponse:
    """Keep what a person says of one line, and perhaps a rule with it, and go back to the request."""
    form = ResolutionForm(request.POST)
    if not form.is_valid():
        faults = [str(fault) for found in form.errors.values() for fault in found]
        return _ask_again(request, request_id, number, " ".join(faults))
    bring_in(request_id)
    found = find_detail(request_id, task=request.POST.get("task_id", ""))  # before the answer makes it clear
    kept = resolve_line(
        request_id=request_id, line=number, resolution=form.resolution(), author=author_of(request, form)
    )
    if isinstance(kept, Refusal):
        return _ask_again(request, request_id, number, kept.message)
    messages.success(request, f"Kept: {kept}. A preview shows what follows from it.")
    if form.cleaned_data["keep"]:
        _keep_rule(request, found, number, form)
    return HttpResponseRedirect(f"{reverse('dashboard:request', args=[request_id])}#line-{number}", status=303)


def _keep_rule(request: HttpRequest, found: RequestDetail, number: int, form: ResolutionForm) -> None:
    """Keep the answer as a rule, and say so, or why it is none."""
    problems = found.artifact.problems if isinstance(found.artifact, Artifact) else ()
    rules = [suggested_rule(problem, form.resolution()) for problem in problems if problem.line == number]
    if not rules or rules[0] is None:
        messages.warning(request, "No rule was kept: it would have to give a word that is unclear its meaning.")
        return
    field, written, meaning = rules[0]
    rule = save_rule(
        provider=found.provider, field=field, written=written, meaning=meaning, author=author_of(request, form)
    )
    if isinstance(rule, Refusal):
        messages.warning(request, f"No rule was kept: {rule.message}")
    else:
        messages.success(request, f"Kept as a rule for research that is executed from now on: {rule}.")


def _ask_again(request: HttpRequest, request_id: UUID, number: int, why: str) -> HttpResponse:
    """Go back to the line with what was typed in, and say what is wrong with it."""
    messages.error(request, f"Line {number}: nothing was kept. {why}")
    typed = {name: request.POST.get(name, "")[:200] for name in ("action", "symbol", "size", "reason")}
    query = urlencode({"line": number, **{name: text for name, text in typed.items() if text}})
    return HttpResponseRedirect(
        f"{reverse('dashboard:request', args=[request_id])}?{query}#line-{number}", status=303
    )
