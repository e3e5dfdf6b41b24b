"""What forms ask of everybody who changes something: why."""

from django import forms


def reason_field(help_text: str) -> forms.CharField:
    """Return the field for the reason, in the words of the person who does it."""
    area = forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"})
    return forms.CharField(max_length=500, widget=area, help_text=help_text)


class ReasonForm(forms.Form):
    """Why an action is done; and what its page showed."""

    reason = reason_field("Goes into the audit trail with your name.")
    token = forms.CharField(required=False, widget=forms.HiddenInput)
    previewed = forms.CharField(required=False, widget=forms.HiddenInput)
