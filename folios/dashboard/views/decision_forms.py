"""The forms in which a person decides about a request, a line or a run. Each wants a reason."""

from typing import Any

from django import forms

from execution.engine.vocabulary import RecommendedAction
from execution.services import Answer
from folios.dashboard.views.plan_form import active_strategies
from portfolios.models import Provider

_ACTIONS = (
    ("", "As it is written"),
    *((str(word), word.replace("_", " ").capitalize()) for word in RecommendedAction),
)


class ReasonForm(forms.Form):
    """Why a person decides what the button says."""

    reason = forms.CharField(max_length=1_000, help_text="It is kept with your name.")


class AssignForm(ReasonForm):
    """Whose a request is."""

    strategy = forms.ChoiceField(choices=active_strategies)
    provider = forms.ChoiceField(choices=Provider.choices)
    field_order = ["strategy", "provider", "reason"]


class AnswerForm(ReasonForm):
    """What a line means. What is left empty is meant as it is written; `confirm` says that all of it is."""

    action = forms.ChoiceField(choices=_ACTIONS, required=False)
    symbol = forms.CharField(max_length=20, required=False)
    size = forms.CharField(max_length=20, required=False, help_text="In percent, 0 to 100.")
    keep = forms.BooleanField(required=False, label="Keep as a rule for this provider's later research")
    confirm = forms.BooleanField(required=False, widget=forms.HiddenInput)
    field_order = ["action", "symbol", "size", "reason", "keep", "confirm"]

    def clean(self) -> dict[str, Any]:
        """Return what was said. Raises ValidationError where nothing was."""
        given = super().clean() or self.cleaned_data
        if not given.get("confirm") and not any(given.get(name) for name in ("action", "symbol", "size")):
            raise forms.ValidationError("say what is meant: an action, a symbol or a size")
        return given

    def answer(self) -> Answer:
        """Return the answer of a valid form."""
        given = self.cleaned_data
        if given["confirm"]:
            return Answer()
        return Answer(action=given["action"], symbol=given["symbol"], allocation_percent=given["size"])
