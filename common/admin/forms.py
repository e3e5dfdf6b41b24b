"""What forms ask of everybody who changes something: why."""

from typing import Any

from django import forms

from common.web.forms import ReasonForm


def reason_field(help_text: str) -> forms.CharField:
    """Return the field for the reason, in the words of the person who does it."""
    area = forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"})
    return forms.CharField(max_length=500, widget=area, help_text=help_text)


class ConfirmForm(ReasonForm):
    """Why an action is done; and what its page showed."""

    token = forms.CharField(required=False, widget=forms.HiddenInput)
    previewed = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        reason = self.fields["reason"]
        reason.widget = forms.Textarea(attrs={**reason.widget.attrs, "rows": 2, "class": "vLargeTextField"})
