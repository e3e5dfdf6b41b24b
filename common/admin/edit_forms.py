"""Forms that change rows by hand: why it is done is asked, what changed in the meantime is not overwritten.

The admin opens the transaction, the row is locked in it, and what the books refuse comes back as an error of the
form with nothing written.
"""

import hashlib
from typing import Any, ClassVar

from django import forms
from django.contrib.admin.models import DELETION
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import Model, ProtectedError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from common.admin.base import FoliosAdmin, username
from common.admin.columns import page_of
from common.admin.confirm import Call, ConfirmedAction, Effect, Refused, confirm
from portfolios.history.models import TRACKED, sign, versions
from portfolios.ledger import AuditContext, CannotBookError

_REFUSAL = "folios.refusal"  # where a refused attempt leaves its reason for the form that is shown again


class EditForm(forms.ModelForm):  # type: ignore[type-arg]  # takes type parameters in the stubs only
    """A row with the reason for its change. `seen` says what the row was when the page was opened."""

    reason = forms.CharField(
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"}),
        help_text="Why, in your words. Goes into the audit trail with your name.",
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    refusal: ClassVar[str] = ""
    # Columns that say, beside the form's own, whether the row is still the one that was seen.
    watched: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.is_new = self.instance._state.adding
        if "seen" in self.fields:
            self.fields["seen"].initial = self._as_stored = "" if self.is_new else self.fingerprint()
        if "reason" in self.fields and self.is_new:
            self.fields["reason"].required = self.reason_is_needed_for_new
        for name in self.fields:
            self.fields[name].widget.attrs.setdefault("autocomplete", "off")

    reason_is_needed_for_new: ClassVar[bool] = False

    def fingerprint(self) -> str:
        """Return what the row is, short: two equal ones mean that nothing has changed."""
        columns = {field.name for field in self.instance._meta.concrete_fields} & {*self.fields, *self.watched}
        text = "|".join(f"{name}={getattr(self.instance, name)!s}" for name in sorted(columns))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def edited(self) -> list[str]:
        """The fields of the row that were changed."""
        return [name for name in self.changed_data if name not in ("reason", "seen")]

    def clean(self) -> dict[str, Any]:
        """Refuse what the books refused, what was changed by somebody else since, and a change of nothing."""
        values = super().clean() or {}
        if self.refusal:
            raise ValidationError(self.refusal)
        if not self.is_new and values.get("seen") != self._as_stored:
            raise ValidationError(
                "This has changed since you opened the page. Open it again, and look before you change it."
            )
        if not self.is_new and not self.errors and not self.edited:
            raise ValidationError("Nothing was changed.")
        return values


class EditAdmin(FoliosAdmin):
    """Rows that people add and change, with a reason, and delete on a page that asks first."""

    form = EditForm
    # The call that deletes; a subclass has another one where the ledger speaks of the row.
    deleting: ClassVar[type[ConfirmedAction]]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Ask for the reason below the row's own fields, where the person may change it."""
        fieldsets = list(super().get_fieldsets(request, obj))
        may_write = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        own = [(name, {**options, "fields": _without_ours(options["fields"])}) for name, options in fieldsets]
        return [*own, ("Reason", {"fields": ["reason", "seen"]})] if may_write else own

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002  # called by Django with these arguments
        """Return the form, which says why an attempt of this request was refused."""
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.refusal = request.META.get(_REFUSAL, "")
        return form

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show or save; what is refused while it is saved is rolled back and shown as an error of the form."""
        try:
            response: HttpResponse = super().changeform_view(request, *args, **kwargs)
        except CannotBookError as error:
            request.META[_REFUSAL] = str(error)
        except IntegrityError:
            request.META[_REFUSAL] = "Somebody else changed this at the same moment. Open the page again."
        else:
            return response
        return super().changeform_view(request, *args, **kwargs)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return the row, locked where it is about to be changed: what the form compares stays true."""
        if connection.in_atomic_block and request.method == "POST":
            row = super().get_object(request, object_id, from_field)
            if row is not None:
                self.lock(row)
        return super().get_object(request, object_id, from_field)

    def lock(self, row: Any) -> None:
        """Lock what a change of the row needs, until the transaction ends."""
        list(self.model._default_manager.select_for_update(of=("self",)).filter(pk=row.pk))

    def context(self, request: HttpRequest, form: Any) -> AuditContext:
        """Return who changes the books, when and why."""
        reason = form.cleaned_data["reason"] or f"{self.opts.verbose_name} added in the admin"
        return AuditContext(actor=username(request.user), now=timezone.now(), reason=reason)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001  # called by Django with these arguments
        """Save the row and its version, with who and why."""
        sign(obj, user=request.user, reason=form.cleaned_data["reason"])  # type: ignore[arg-type]  # nobody anonymous gets here
        super().save_model(request, obj, form, change)

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:  # noqa: FBT001, FBT002  # the same
        """Return for the admin's log what was changed from what to what, and why."""
        changes = [] if add else [_change(form, name) for name in form.edited]
        reason = form.cleaned_data.get("reason", "")
        told = "Added." if add else f"Changed {'; '.join(changes)}."
        return f"{told} Reason: {reason}" if reason else told

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Go the way of every action that asks first."""
        for name in ("GET", "POST"):
            data = getattr(request, name).copy()
            data["ids"] = unquote(object_id)
            setattr(request, name, data)
        row = super().get_object(request, unquote(object_id))
        if row is not None and not self.has_delete_permission(request, row):
            raise PermissionDenied
        action = self.deleting()
        action.permission = f"{self.opts.app_label}.delete_{self.opts.model_name}"
        return confirm(request, action, admin=self, back=page_of(self.model, "changelist"))

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Show the admin's log of the row, and its versions with what each changed."""
        known = {"versions": _versions(self.model, object_id)} if self.model in TRACKED else {}
        response: HttpResponse = super().history_view(request, object_id, {**known, **(extra_context or {})})
        return response


def _without_ours(fields: Any) -> list[Any]:
    return [name for name in fields if name not in ("reason", "seen")]


def _change(form: Any, name: str) -> str:
    label = form.fields[name].label or name
    before = form.initial.get(name, form.fields[name].initial)
    return f"{str(label).lower()} from {_shown(before)} to {_shown(form.cleaned_data.get(name))}"


def _shown(value: object) -> str:
    return str(value.pk) if isinstance(value, Model) else ("nothing" if value in (None, "") else str(value))


def _versions(model: type[Model], key: str) -> list[dict[str, Any]]:
    """Return the newest versions of a row, each with what it changed against the one before."""
    try:
        rows = list(versions(model).filter(id=key)[:51])
    except (ValueError, ValidationError):
        return []
    shown = []
    for row, before in zip(rows, [*rows[1:], None], strict=True):
        changes = row.diff_against(before).changes if before is not None else []
        shown.append({"row": row, "changes": changes})
    return shown[:50]


class DeleteRow(ConfirmedAction):
    """Deletes a row that nothing refers to."""

    name = "delete"
    title = "Delete"
    button = "Delete"
    is_dangerous = True
    log_flag = DELETION
    most_rows = 1

    def preview(self, call: Call) -> Effect | Refused:
        """Say what goes."""
        return Effect([f"{call.rows[0]} is deleted. Its versions stay in the audit trail."])

    def perform(self, call: Call) -> str | Refused:
        """Delete the row and keep its last version, or say what refers to it."""
        row = call.rows[0]
        text = str(row)
        sign(row, user=call.user, reason=call.reason)
        try:
            with transaction.atomic(durable=True):
                row.delete()
        except ProtectedError as error:
            kinds = sorted({str(each._meta.verbose_name_plural) for each in error.protected_objects})
            return Refused(f"{text} cannot be deleted: {', '.join(kinds)} refer to it.")
        return f"{text} was deleted."
