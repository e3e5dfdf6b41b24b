"""The forms in which people change the books. What they may say is the ledger's to decide; these only ask."""

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from common.admin.edit_forms import EditForm
from common.money import CENT
from portfolios.models import Order, Position, RiskPolicy

WAITS, IS_FILLED = "pending", "filled"


class OpenAccountForm(EditForm):
    """A new account with the cash that it starts with."""

    initial_balance = forms.DecimalField(
        max_digits=15, decimal_places=2, min_value=CENT, initial=Decimal(100_000), help_text="Booked as a deposit."
    )


class BooksForm(EditForm):
    """A change of the books: what they do not take, the ledger refuses, and in words."""

    def _get_validation_exclusions(self) -> set[str]:
        # The form's own fields check what is typed; the model's constraints would answer with their names.
        return {field.name for field in self.instance._meta.fields}


class AccountForm(BooksForm):
    """An account's cash."""

    watched = ("book_version",)


class PositionForm(BooksForm):
    """What is held of one security, as a person says it is."""

    watched = ("book_version", "status")
    reason_is_needed_for_new = True

    def clean(self) -> dict[str, Any]:
        """Refuse a second open position in a security: that one is edited."""
        values = super().clean()
        account, security = values.get("account"), values.get("security")
        if self.is_new and account and security:
            held = Position.objects.filter(account=account, security=security, status=Position.Status.OPEN)
            if held.exists():
                raise ValidationError(f"{account} holds {security} already. Open that position and change it.")
        return values


class NewOrderForm(BooksForm):
    """An order that was made outside: filled there, or still waiting."""

    reason_is_needed_for_new = True

    state = forms.ChoiceField(
        choices=[(IS_FILLED, "Filled: book it now"), (WAITS, "Pending: moves nothing yet")],
        help_text="A filled order changes cash and holdings at once.",
    )
    commission = forms.DecimalField(
        label="Fee", max_digits=15, decimal_places=2, min_value=Decimal(0), initial=Decimal(0), help_text="In cash."
    )

    class Meta:
        model = Order
        fields = ("account", "security", "action", "quantity", "limit_price")
        labels = {"limit_price": "Price"}
        help_texts = {"limit_price": "Per unit: of the fill, or the limit of a pending order."}


class PendingOrderForm(BooksForm):
    """The size and the price of an order that waits."""

    watched = ("status",)


class PolicyForm(EditForm):
    """Limits and costs; saved as the strategy's next version."""

    def fingerprint(self) -> str:
        """Return the newest version of the strategy: whoever saves must have known it."""
        return newest_version(self.instance.strategy_id)

    def clean(self) -> dict[str, Any]:
        """Refuse a new version that started from another one than the newest."""
        values = super().clean()
        strategy = values.get("strategy")
        if self.is_new and strategy and values.get("seen") != newest_version(strategy.pk):
            raise ValidationError("The strategy has another version since you opened the page. Open it again.")
        return values


def newest_version(strategy_id: Any) -> str:
    """Return the newest version of a strategy's policy, "0" where it has none."""
    newest = RiskPolicy.objects.filter(strategy_id=strategy_id).order_by("-version").first()
    return f"{newest.version if newest else 0}"


class FillForm(forms.Form):
    """How a pending order was filled."""

    price = forms.DecimalField(max_digits=15, decimal_places=6, help_text="Per unit.")
    fee = forms.DecimalField(max_digits=15, decimal_places=2, initial=Decimal(0), help_text="In cash.")


class AmountForm(forms.Form):
    """An amount of cash."""

    amount = forms.DecimalField(max_digits=15, decimal_places=2, min_value=CENT, help_text="In USD.")
