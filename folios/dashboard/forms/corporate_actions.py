"""What an action is about, beside the terms that portfolios.action_forms asks for."""

from django import forms

from portfolios.action_forms import read_symbol, symbol_field


class SecurityForm(forms.Form):
    """The security that an action is about."""

    symbol = symbol_field(help_text="As it is held, before a change of symbol.")

    def clean_symbol(self) -> str:
        """Return the symbol in canonical form. Raises ValidationError."""
        return read_symbol(self.cleaned_data["symbol"])
