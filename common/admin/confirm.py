"""Actions that ask before they act: a page says what will happen and wants a reason, then makes one call.

An action is a small class: what it is called, who may use it, what it would do (`preview`) and the one call that
does it (`perform`). The page, its address, the buttons, the check of what was previewed and the line in the admin's
log are the same for all.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.options import get_content_type_for_model
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.text import capfirst

from common.admin.forms import ConfirmForm

MOST_ROWS = 100  # of one confirmation: more would be neither read nor checked


@dataclass(frozen=True, slots=True)
class EffectTable:
    """A further table of an effect, under a title of its own."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Effect:
    """What an action would do, in sentences and a table. `token` is what the call needs to do exactly this.

    `tables` are shown before the effect's own; `verb` is what the button says, where that depends on the effect.
    """

    sentences: Sequence[str]
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[Any]] = ()
    token: str = ""
    tables: Sequence[EffectTable] = ()
    verb: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why an action is not possible now."""

    message: str


@dataclass(frozen=True, slots=True)
class Call:
    """One use of an action: the rows, what the form says, who asks and when. `token` is the preview's."""

    rows: Sequence[Any]
    values: Mapping[str, Any]
    user: Any
    now: datetime
    reason: str = ""
    token: str = ""

    @property
    def actor(self) -> str:
        """The name under which it is done."""
        return str(self.user.get_username())


class ConfirmedAction:
    """An action with a page of its own. `permission` is what a person needs to see and to use it.

    `for_lists`: offered for the rows that are ticked in the list; `for_rows`: a button on a row's page; neither: a
    button above the list, for no row in particular.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    button: ClassVar[str]
    verb: ClassVar[str] = ""  # on the page itself, where it differs from the button that leads there
    permission: str
    form: ClassVar[type[forms.Form]] = forms.Form
    for_lists: ClassVar[bool] = False
    for_rows: ClassVar[bool] = True
    most_rows: ClassVar[int] = MOST_ROWS
    is_dangerous: ClassVar[bool] = False
    log_flag: ClassVar[int] = CHANGE

    def applies(self, row: Any) -> bool:
        """Whether the button is shown on a row's page."""
        return True

    def initial(self, rows: Sequence[Any]) -> dict[str, str]:
        """Return what the form says before anybody has typed."""
        return {}

    def preview(self, call: Call) -> Effect | Refused:
        """Return what would happen now. Writes nothing."""
        raise NotImplementedError

    def perform(self, call: Call) -> str | Refused:
        """Make the one call, and return what was done as a sentence. Not inside a transaction."""
        raise NotImplementedError

    @property
    def wants_rows(self) -> bool:
        """Whether the action is about rows that somebody chose."""
        return self.for_lists or self.for_rows


def confirm(request: HttpRequest, action: ConfirmedAction, *, admin: Any, back: str) -> HttpResponse:
    """Show the page of an action, or perform it where what was previewed is confirmed with a reason.

    Raises PermissionDenied, and Http404 for rows that do not exist.
    """
    if not request.user.has_perm(action.permission):
        raise PermissionDenied
    rows = _rows(request, action, admin)
    data = request.POST if request.method == "POST" else _first_data(request, action, rows)
    page = _Page(request, action, admin, rows, action.form(data), back)
    if request.method == "POST" and "_confirm" in request.POST:
        return page.confirmed()
    return page.shown()


def _first_data(request: HttpRequest, action: ConfirmedAction, rows: Sequence[Any]) -> QueryDict:
    """What the form says when the page opens: what is usual, and what the address says."""
    data = QueryDict(mutable=True)
    data.update({**action.initial(rows), **request.GET.dict()})
    return data


def _rows(request: HttpRequest, action: ConfirmedAction, admin: Any) -> list[Any]:
    if not action.wants_rows:
        return []
    asked = (request.POST if request.method == "POST" else request.GET).get("ids", "").split(",")
    if len(asked) > action.most_rows:
        raise Http404(f"{action.title} takes {action.most_rows} at a time")
    try:
        found = list(admin.get_queryset(request).filter(pk__in=asked))
    except (ValueError, ValidationError) as error:
        raise Http404 from error
    if len(found) != len(set(asked)):
        raise Http404(f"{action.title}: some of the rows do not exist")
    return found


@dataclass(frozen=True, slots=True)
class Button:
    """A button of the page: what it sends, what it says, and the admin's styles for it."""

    name: str
    label: str
    look: str


@dataclass(slots=True)
class _Page:
    request: HttpRequest
    action: ConfirmedAction
    admin: Any
    rows: list[Any]
    form: forms.Form
    back: str

    def shown(self, *, warning: str = "", reason: str = "") -> TemplateResponse:
        """Show what the action would do; where the form is not complete, the form alone."""
        effect = self.action.preview(self.call()) if self.form.is_valid() else None
        if isinstance(effect, Refused):
            return self._render(None, warning=warning, refused=effect.message, reason=reason)
        return self._render(effect, warning=warning, reason=reason)

    def confirmed(self) -> HttpResponse:
        """Perform the action; show the page again where something is missing or has changed."""
        why = ConfirmForm(self.request.POST)
        reason = self.request.POST.get("reason", "")
        if not self.form.is_valid():
            return self.shown(reason=reason)
        if self.request.POST.get("previewed") != self._fingerprint():
            return self.shown(warning="You changed the options: this is what would happen now.", reason=reason)
        if not why.is_valid():
            return self.shown(warning="Give a reason: it goes into the audit trail.", reason=reason)
        call = self.call(reason=why.cleaned_data["reason"], token=why.cleaned_data["token"])
        done = self.action.perform(call)
        if isinstance(done, Refused):
            return self.shown(warning=f"Nothing was done: {done.message}", reason=reason)
        self._log(f"{self.action.title}: {done} Reason: {call.reason}")
        messages.success(self.request, done)
        return HttpResponseRedirect(self.back)

    def call(self, *, reason: str = "", token: str = "") -> Call:
        """Return the call that the page describes."""
        return Call(self.rows, self.form.cleaned_data, self.request.user, timezone.now(), reason, token)

    def _fingerprint(self) -> str:
        """What the options say: to tell whether they are those of the preview."""
        values = {name: str(value) for name, value in sorted(self.form.cleaned_data.items())}
        return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:16]

    def _render(self, effect: Effect | None, *, warning: str, reason: str, refused: str = "") -> TemplateResponse:
        initial = {"reason": reason}
        if effect is not None:
            initial.update(token=effect.token, previewed=self._fingerprint())
        asked = self.request.method == "POST"
        context = {
            **self.admin.admin_site.each_context(self.request),
            "title": self.action.title,
            "action": self.action,
            "opts": self.admin.opts,
            "rows": self.rows,
            "rows_title": self._rows_title(),
            "ids": ",".join(str(row.pk) for row in self.rows),
            "form": self.form
            if asked or self.form.is_valid()
            else self.action.form(initial=dict(self.form.data.items())),
            "why": ConfirmForm(initial=initial),
            "effect": effect,
            "buttons": self._buttons(effect),
            "warning": warning,
            "refused": refused,
            "back": self.back,
            "media": self.form.media,
        }
        return TemplateResponse(self.request, "admin/folios/confirm.html", context)

    def _rows_title(self) -> str:
        opts, count = self.admin.opts, len(self.rows)
        return capfirst(opts.verbose_name) if count == 1 else f"{count} {opts.verbose_name_plural}"

    def _buttons(self, effect: Effect | None) -> list[Button]:
        """Return what can be pressed: what was previewed is confirmed, and options are previewed, perhaps again."""
        buttons = []
        if effect is not None:
            look = "default deletelink-button" if self.action.is_dangerous else "default"
            buttons.append(Button("_confirm", effect.verb or self.action.verb or self.action.button, look))
        if self.form.fields:
            label, look = ("Preview", "default") if effect is None else ("Preview again", "")
            buttons.append(Button("_preview", label, look))
        return buttons

    def _log(self, message: str) -> None:
        """Leave a line in the admin's log for each row, or for the table where the action has none."""
        kind, user = get_content_type_for_model(self.admin.model), int(self.request.user.pk or 0)
        targets: list[tuple[Any, str]] = [(row.pk, str(row)) for row in self.rows] or [(None, self.action.title)]
        LogEntry.objects.bulk_create(
            LogEntry(
                user_id=user,
                content_type=kind,
                object_id=key,
                object_repr=text[:200],
                action_flag=self.action.log_flag,
                change_message=message,
            )
            for key, text in targets
        )
