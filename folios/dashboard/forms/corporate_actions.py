"""What an action is about, beside the terms that portfolios.action_forms asks for."""

from typing import Any

from django import forms

from portfolios.action_forms import read_symbol, symbol_field


class SecurityForm(forms.Form):
    """The security that an action is about."""

    symbol = symbol_field()

    def __init__(self, *args: Any, label: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["symbol"].label = label

    def clean_symbol(self) -> str:
        """Return the symbol in canonical form. Raises ValidationError."""
        return read_symbol(self.cleaned_data["symbol"])
