"""The fields in which a person decides about research, the same for the admin and the dashboard."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms

from common.money import plain
from execution.engine.vocabulary import RecommendedAction, Refusal
from execution.prices.typed import parse_typed_prices
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


class TypedPricesInput(forms.TextInput):
    """A text of prices, and beside it a field for each symbol of a preview, which stands over the text."""

    prefix = "price."

    def value_from_datadict(self, data: Any, files: Any, name: str) -> str:
        """Return the text, with what was typed beside the symbols in place of what it says of them."""
        text = str(super().value_from_datadict(data, files, name) or "")
        beside = {
            key.removeprefix(self.prefix).upper(): str(data[key]).strip()
            for key in sorted(data)
            if key.startswith(self.prefix)
        }
        typed = {symbol: price for symbol, price in beside.items() if price}
        if not typed:
            return text
        words = [word for word in text.replace(",", " ").split() if word.partition("=")[0].upper() not in typed]
        return ", ".join([*words, *(f"{symbol}={price}" for symbol, price in typed.items())])


class TypedPricesField(forms.CharField):
    """Prices that a person typed; its value is the price per unit by symbol."""

    widget = TypedPricesInput

    def __init__(self) -> None:
        """Make the field, which may stay empty."""
        super().__init__(
            required=False,
            label="Prices",
            help_text="Prices that you know, as MSFT=450.10, KO=70. They count before every source.",
            max_length=4_000,
        )

    def clean(self, value: Any) -> dict[str, Decimal]:
        """Return the prices. Raises ValidationError for the first thing that is wrong with them."""
        found = parse_typed_prices(super().clean(value))
        if isinstance(found, Refusal):
            raise forms.ValidationError(found.message)
        return found


def prices_as_text(prices: Mapping[str, Decimal]) -> str:
    """Return prices as the field takes them: "KO=70.00, MSFT=450.10"."""
    return ", ".join(f"{symbol}={plain(price)}" for symbol, price in prices.items())
