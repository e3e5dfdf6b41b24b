"""Corporate actions as people enter them, the same in the admin and on the dashboard: a form for each kind.

A form knows the one call that books what it says, and the preview of that call. What may be booked is the ledger's
to decide; a form only reads what was typed.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, ClassVar

from django import forms

from common.identifiers import NoSymbol, read_declared_symbol
from portfolios import ledger
from portfolios.arguments import split_ratio
from portfolios.ledger import ActionReport, AuditContext, CannotBookError

# Who may book an action in all accounts, who may reverse one: the same at every door that knows people.
BOOK = "portfolios.add_corporateaction"
REVERSE = "portfolios.change_corporateaction"
VIEW = "portfolios.view_corporateaction"

_LONGEST = 40  # characters of a ratio


def symbol_field(**options: Any) -> forms.CharField:
    """Return a field for a symbol."""
    return forms.CharField(max_length=32, widget=forms.TextInput(attrs={"autocapitalize": "characters"}), **options)


def read_symbol(text: str) -> str:
    """Return the symbol in canonical form. Raises ValidationError for what is none."""
    found = read_declared_symbol(text)
    if isinstance(found, NoSymbol):
        raise forms.ValidationError(f"{text[:20]} is not a symbol: {found.rule}")
    return found


def _day_field(label: str, help_text: str) -> forms.DateField:
    words = f"{help_text} What was held at the close before counts."
    return forms.DateField(label=label, widget=forms.DateInput(attrs={"type": "date"}), help_text=words)


class ActionForm(forms.Form):
    """What an action of one kind says, but for the symbol that it is about."""

    title: ClassVar[str]
    explanation: ClassVar[str]
    symbol_label: ClassVar[str] = "Symbol"
    previewing: ClassVar[Callable[..., ActionReport]]
    booking: ClassVar[Callable[..., ActionReport]]

    on = _day_field("Effective date", "First day on the new terms, in New York.")

    def terms(self, symbol: str) -> dict[str, Any]:
        """Return what a valid form says of `symbol`, as the ledger's calls take it."""
        return {"symbol": symbol, **self.cleaned_data}

    def preview(self, symbol: str, *, context: AuditContext) -> ActionReport:
        """Return what booking would do. Writes nothing. Raises CannotBookError."""
        return self.previewing(**self.terms(symbol), context=context)

    def book(self, symbol: str, *, context: AuditContext) -> ActionReport:
        """Book it in every account that it concerns. Raises CannotBookError."""
        return self.booking(**self.terms(symbol), context=context)


class SplitForm(ActionForm):
    """A split, or a reverse split."""

    title = "Apply a split"
    explanation = (
        "What was held at the close before is multiplied, and its cost stays. Units traded since keep their size."
        " What is left below a step is paid in cash."
    )
    previewing = staticmethod(ledger.preview_split)
    booking = staticmethod(ledger.apply_split)
    field_order = ("ratio", "on", "price")

    ratio = forms.CharField(
        max_length=_LONGEST, help_text="New units for old ones: 4:1, or 1:10 for a reverse split."
    )
    price = forms.DecimalField(
        required=False,
        max_digits=15,
        decimal_places=6,
        label="Price per new unit",
        help_text="Pays what is left below a step. Empty: the last stored price.",
    )

    def clean_ratio(self) -> Fraction:
        """Return the ratio, exactly. Raises ValidationError in the words of the command."""
        try:
            return split_ratio(self.cleaned_data["ratio"])
        except CannotBookError as error:
            raise forms.ValidationError(str(error)) from error


class DividendForm(ActionForm):
    """A cash dividend."""

    title = "Record a dividend"
    explanation = (
        "Paid on what was held at the close before the ex-date, also to who has sold since. Shorts pay it; what"
        " their cash does not cover, they owe."
    )
    previewing = staticmethod(ledger.preview_dividend)
    booking = staticmethod(ledger.record_dividend)
    field_order = ("per_share", "on")

    per_share = forms.DecimalField(
        max_digits=15, decimal_places=6, label="Cash per unit", help_text="In USD, per unit of that time."
    )
    on = _day_field("Ex-date", "First day without it, in New York.")


class SymbolChangeForm(ActionForm):
    """A change of symbol."""

    title = "Change the symbol"
    symbol_label = "Old symbol"
    explanation = (
        "Every holding goes over to the new symbol with its units, its cost and its history. The old one is not"
        " traded any more, and its prices from before the day are prices of the new one."
    )
    previewing = staticmethod(ledger.preview_symbol_change)
    booking = staticmethod(ledger.change_symbol)
    field_order = ("new", "on")

    new = symbol_field(label="New symbol", help_text="From the effective date on.")

    def clean_new(self) -> str:
        """Return the symbol in canonical form. Raises ValidationError."""
        return read_symbol(self.cleaned_data["new"])

    def terms(self, symbol: str) -> dict[str, Any]:
        """Return the terms; the symbol is the old one."""
        return {"old": symbol, **self.cleaned_data}


# By the word that stands in addresses.
FORMS: Mapping[str, type[ActionForm]] = {
    "split": SplitForm,
    "dividend": DividendForm,
    "symbol-change": SymbolChangeForm,
}
