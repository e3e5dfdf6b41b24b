"""The fields in which a person decides about research, the same for the admin and the dashboard."""

from django import forms

from execution.engine.vocabulary import RecommendedAction
from execution.services import ResolutionInput
from portfolios.models import Provider, Strategy

_ACTIONS = (
    ("", "As it is written"),
    *((str(word), word.replace("_", " ").capitalize()) for word in RecommendedAction),
)


class AssignForm(forms.Form):
    """Whose a request is."""

    strategy = forms.ModelChoiceField(Strategy.objects.filter(status=Strategy.Status.ACTIVE))
    provider = forms.ChoiceField(choices=Provider.choices)


class ResolutionForm(forms.Form):
    """What a line means. What is left empty is meant as it is written."""

    action = forms.ChoiceField(choices=_ACTIONS, required=False)
    symbol = forms.CharField(max_length=16, required=False)
    size = forms.CharField(max_length=20, required=False, help_text="In percent, 0 to 100.")
    keep = forms.BooleanField(required=False, label="Keep as a rule for this provider's later research")

    def resolution(self) -> ResolutionInput:
        """Return the resolution of a valid form."""
        given = self.cleaned_data
        return ResolutionInput(action=given["action"], symbol=given["symbol"], allocation_percent=given["size"])
