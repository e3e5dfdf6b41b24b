"""Splits, dividends and changes of symbol: what was booked, and the pages that preview, book and reverse one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db import Error
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from common.db.errors import explain
from common.text import counted
from common.web.forms import ReasonForm
from common.web.tables import Column, Listing, Row
from folios.dashboard.forms.corporate_actions import SecurityForm
from folios.dashboard.views.pages import page, see_other
from portfolios import action_reports, ledger
from portfolios.action_forms import BOOK, FORMS, REVERSE
from portfolios.action_reports import NUMBERS, Doing, ShownEffect
from portfolios.ledger import ActionReport, AuditContext, CannotBookError, Effect
from portfolios.models import CorporateAction, LedgerEntry
from portfolios.selectors import corporate_actions

_MOST_NAMED = 10  # accounts that are left out and named one by one; the preview has them all

_ACTION_COLUMNS = (
    Column("effective", "Effective", "date", "effective_on"),
    Column("symbol", "Symbol", "text", "security_id"),
    Column("kind", "Kind", "text", "kind"),
    Column("terms", "Terms"),
    Column("state", "State", "badge", "reversed_at"),
    Column("accounts", "Accounts", "count", "account_count"),
    Column("booked", "Booked", "time", "booked_at"),
    Column("actor", "By", "text", "actor"),
    Column("reason", "Reason", "long"),
)
_ENTRY_COLUMNS = (
    Column("account", "Account", "text", "account__strategy__name"),
    Column("sequence", "No.", "count"),
    Column("kind", "Kind"),
    Column("symbol", "Symbol"),
    Column("quantity", "Quantity", "quantity"),
    Column("price", "Price", "price"),
    Column("amount", "Cash", "cash"),
    Column("owed", "Owed", "cash"),
    Column("cost", "Cost after", "cash"),
    Column("realized", "Realized", "gain"),
    Column("occurred", "Booked", "time"),
)
_ACCOUNT, _OUTCOME, _WHY = (
    Column("account", "Account", "text", ""),
    Column("effect", "Outcome", "badge", ""),
    Column("why", "Why", "long"),
)
# The numbers of a preview by account.
_NUMBERS = {
    column.name: column
    for column in (
        Column("then", "At the close before", "quantity"),
        Column("before", "Units now", "quantity"),
        Column("after", "Units after", "quantity"),
        Column("cost_before", "Cost now", "cash"),
        Column("cost_after", "Cost after", "cash"),
        Column("cash", "Cash", "cash"),
        Column("owed", "Of which owed", "cash"),
        Column("realized_pnl", "Realized", "cash"),
    )
}


@require_safe
def actions(request: HttpRequest) -> HttpResponse:
    """Show every corporate action, the newest day first, those that were reversed too."""
    listing: Listing[Any] = Listing(
        name="actions", caption="Corporate actions", columns=_ACTION_COLUMNS, row=_action_row,
        source=corporate_actions.all_actions(), empty="No split, dividend or change of symbol has been booked.",
    )  # fmt: skip
    return page(request, "pages/corporate_actions.html", {"kinds": _kinds(request)}, listings=[listing])


def _kinds(request: HttpRequest) -> list[tuple[str, str]]:
    """Return what this person may book, each with the address of its form."""
    if not request.user.has_perm(BOOK):
        return []
    return [(form.title, reverse("dashboard:action-book", args=[kind])) for kind, form in FORMS.items()]


def _action_row(action: CorporateAction) -> Row:
    return Row(
        {
            "effective": action.effective_on,
            "symbol": action.security_id,
            "kind": action.get_kind_display(),
            "terms": action.terms,
            "state": _state(action),
            "accounts": action.account_count,
            "booked": action.booked_at,
            "actor": action.actor,
            "reason": action.reason,
        },
        {"symbol": reverse("dashboard:corporate-action", args=[action.pk])},
    )


def _state(action: CorporateAction) -> str:
    return "booked" if action.reversed_at is None else "reversed"


@require_safe
def action_page(request: HttpRequest, action_id: int) -> HttpResponse:
    """Show one action with what it did to each account. Raises Http404."""
    action = _found(action_id)
    listing: Listing[Any] = Listing(
        name="entries", caption="Ledger entries", columns=_ENTRY_COLUMNS, row=_entry_row, size=100,
        source=corporate_actions.entries_of(action_id), empty="None: no account held it at the close before.",
    )  # fmt: skip
    may_reverse = action.reversed_at is None and request.user.has_perm(REVERSE)
    context = {"action": action, "state": _state(action), "may_reverse": may_reverse}
    return page(request, "pages/corporate_action.html", context, listings=[listing])


def _found(action_id: int) -> CorporateAction:
    action = corporate_actions.all_actions().filter(pk=action_id).first()
    if action is None:
        raise Http404(f"there is no corporate action {action_id}")
    return action


def _entry_row(entry: LedgerEntry) -> Row:
    return Row(
        {
            "account": str(entry.account),
            "sequence": entry.sequence,
            "kind": entry.get_kind_display(),
            "symbol": entry.security_id or "",
            "quantity": entry.quantity or None,
            "price": entry.price,
            "amount": entry.amount,
            "owed": entry.owed or None,
            "cost": entry.cost_basis,
            "realized": entry.realized_pnl,
            "occurred": entry.occurred_at,
        },
        {"account": reverse("dashboard:account", args=[entry.account_id])},
    )


# --- booking and reversing ---


@dataclass(frozen=True, slots=True)
class _Answer:
    """What an action would do now, None where that is refused; what is said of it; and what was done, if it was."""

    report: ActionReport | None
    words: str = ""
    status: int = 200
    done: ActionReport | None = None


_Call = Callable[[AuditContext], ActionReport]


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@permission_required(BOOK, raise_exception=True)
def book_page(request: HttpRequest, kind: str) -> HttpResponse:
    """Show what an action would do to each account; sent with a reason, book it once. Raises Http404.

    The terms stand in the address, so that a preview can be reloaded and its table exported.
    """
    if kind not in FORMS:
        raise Http404(f"there is no kind {kind} of corporate action")
    data = request.GET if "on" in request.GET else None
    form = FORMS[kind](data)
    security = SecurityForm(data, initial=request.GET.dict(), label=form.symbol_label)
    forms = {"security": security, "form": form}
    if not (security.is_valid() and form.is_valid()):
        return _previewed(request, forms, None if data is None else _Answer(None, status=400))
    symbol, why = security.cleaned_data["symbol"], ReasonForm(_sent(request))
    answer = _answered(
        request,
        why,
        preview=lambda context: form.preview(symbol, context=context),
        perform=lambda context: form.book(symbol, context=context),
    )
    return _done(request, answer.done) if answer.done else _previewed(request, {**forms, "why": why}, answer)


def _sent(request: HttpRequest) -> QueryDict | None:
    return request.POST if request.method == "POST" else None


def _answered(request: HttpRequest, why: ReasonForm, *, preview: _Call, perform: _Call) -> _Answer:
    """Preview an action; with a reason, and where it is still what was looked at, perform it."""
    context = AuditContext(actor=request.user.get_username(), now=timezone.now())
    try:
        report = preview(context)
        if request.method != "POST":
            return _Answer(report)
        if report.repeated:
            return _Answer(report, done=report)
        if not why.is_valid():
            return _Answer(report, status=400)
        if request.POST.get("seen") != action_reports.fingerprint(report):
            return _Answer(report, "The books have changed since you looked. This is what would happen now.", 409)
        return _Answer(report, done=perform(replace(context, reason=why.cleaned_data["reason"])))
    except CannotBookError as error:
        return _Answer(None, str(error), 409)
    except Error as error:
        return _Answer(None, f"the database refused: {explain(error)}", 503)


def _previewed(request: HttpRequest, forms: dict[str, Any], answer: _Answer | None) -> HttpResponse:
    found = answer or _Answer(None)
    context = {**forms, **_shown(found)}
    listings = [_effects(found.report, doing=Doing.BOOKED)] if found.report else []
    return page(request, "pages/corporate_action_new.html", context, listings=listings, status=found.status)


def _shown(answer: _Answer) -> dict[str, Any]:
    """Return what both pages show of an answer."""
    report = answer.report
    return {
        "report": report,
        "words": answer.words,
        "headline": action_reports.headline(report) if report else "",
        "obstacle": action_reports.obstacle(report) if report else "",
        "outcome": action_reports.outcome(report) if report else "",
        "seen": action_reports.fingerprint(report) if report else "",
    }


def _done(request: HttpRequest, report: ActionReport) -> HttpResponse:
    """Say what was booked and who was left out, and go to the action."""
    headline = action_reports.headline(report)
    if report.repeated:
        messages.info(request, f"{headline} was booked before; nothing was booked again.")
    else:
        messages.success(request, f"{headline}: booked in {action_reports.outcome(report)}.")
    left = report.having(Effect.LEFT_OUT)
    for effect in left[:_MOST_NAMED]:
        messages.warning(request, f"Left out: {effect.account}: {effect.message}")
    if len(left) > _MOST_NAMED:
        messages.warning(request, f"Left out: {counted(len(left) - _MOST_NAMED, 'more account')}.")
    return see_other("dashboard:corporate-action", report.action_id)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@permission_required(REVERSE, raise_exception=True)
def reverse_page(request: HttpRequest, action_id: int) -> HttpResponse:
    """Show what reversing an action would do; sent with a reason, do it once. Raises Http404."""
    action, why = _found(action_id), ReasonForm(_sent(request))
    if action.reversed_at is not None:
        messages.info(request, "This was reversed before; nothing was booked again.")
        return see_other("dashboard:corporate-action", action_id)
    answer = _answered(
        request,
        why,
        preview=lambda context: ledger.preview_action_reversal(action_id, context=context),
        perform=lambda context: ledger.reverse_action(action_id, context=context),
    )
    if answer.done:
        accounts = counted(answer.done.accounts, "account")
        messages.success(request, f"{action_reports.headline(answer.done)}: reversed in {accounts}.")
        return see_other("dashboard:corporate-action", action_id)
    context = {"action": action, "why": why, **_shown(answer)}
    listings = [_effects(answer.report, doing=Doing.REVERSED)] if answer.report else []
    status = answer.status
    return page(request, "pages/corporate_action_reversal.html", context, listings=listings, status=status)


def _effects(report: ActionReport, *, doing: Doing) -> Listing[Any]:
    """Return what an action would do to each account; who is left out comes first."""
    names = NUMBERS[report.kind, doing]
    shown = action_reports.shown_report(report, doing=doing).effects
    why = [_WHY] if any(each.message for each in shown) else []
    return Listing(
        name="effects", caption="Accounts", columns=(_ACCOUNT, _OUTCOME, *why, *(_NUMBERS[name] for name in names)),
        source=shown, size=50, row=lambda each: _effect_row(each, names, doing),
        empty="No account held it at the close before.",
    )  # fmt: skip


def _effect_row(effect: ShownEffect, names: Sequence[str], doing: Doing) -> Row:
    return Row(
        {
            "account": effect.account,
            "effect": action_reports.effect_words(effect.effect, doing=doing),
            "why": effect.message,
            **{name: getattr(effect, name) for name in names},
        },
        {"account": reverse("dashboard:account", args=[effect.account_id])},
    )
