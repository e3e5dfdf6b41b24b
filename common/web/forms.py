"""What forms have in common, whoever shows them."""

from django import forms


class ReasonForm(forms.Form):
    """Why a person decides what the button says."""

    reason = forms.CharField(max_length=1_000, help_text="Goes into the audit trail with your name.")
