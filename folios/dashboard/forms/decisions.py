"""The forms in which a person decides about a request, a line or a run. Each wants a reason."""

from typing import Any

from django import forms

import execution.forms
from common.web.forms import ReasonForm
from execution.services import ResolutionInput


class AssignForm(execution.forms.AssignForm, ReasonForm):
    """Whose a request is, and why."""

    field_order = ["strategy", "provider", "reason"]


class ResolutionForm(execution.forms.ResolutionForm, ReasonForm):
    """What a line means, and why; `confirm` says that all of it is meant as it is written."""

    confirm = forms.BooleanField(required=False, widget=forms.HiddenInput)
    field_order = ["action", "symbol", "size", "reason", "keep", "confirm"]

    def clean(self) -> dict[str, Any]:
        """Return what was said. Raises ValidationError where nothing was."""
        given = super().clean() or self.cleaned_data
        if not given.get("confirm") and not any(given.get(name) for name in ("action", "symbol", "size")):
            raise forms.ValidationError("say what is meant: an action, a symbol or a size")
        return given

    def resolution(self) -> ResolutionInput:
        """Return the resolution of a valid form."""
        return ResolutionInput() if self.cleaned_data["confirm"] else super().resolution()
