"""The form of a plan: what a person chooses before a preview, and the call that it describes."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms

from common.identifiers import NoSymbol
from execution.arguments import find_symbol, parse_amount
from execution.engine.vocabulary import Mode, Refusal
from execution.forms import TypedPricesField, prices_as_text
from execution.models import ExecutionRun
from execution.prices import configured_chain
from execution.prices.source import parse_price
from execution.prices.typed import typed_quotes
from execution.reports.planned_prices import PlannedPrice
from execution.services import ExecutionRequest
from portfolios.models import Provider, Strategy

_MODES = (
    (Mode.ALLOCATE, "Allocate: buys the stated size in addition to what is held"),
    (Mode.TARGET, "Target: each size is the weight to reach"),
    (Mode.REBALANCE, "Rebalance: also sell down to the weights"),
)


def active_strategies() -> list[tuple[str, str]]:
    """Return the strategies that research may be executed for, as (id, name). One query."""
    found = Strategy.objects.filter(status=Strategy.Status.ACTIVE).values_list("pk", "name")
    return [(str(key), name) for key, name in found]


class PlanForm(forms.Form):
    """Everything that a preview depends on and that a person may choose."""

    strategy = forms.ChoiceField(choices=active_strategies)
    provider = forms.ChoiceField(choices=Provider.choices)
    mode = forms.ChoiceField(choices=_MODES, initial=Mode.ALLOCATE)
    close_unlisted = forms.BooleanField(required=False, label="Close holdings that the research does not list")
    initial_balance = forms.CharField(
        label="Opening balance", help_text="In USD, where the account does not exist yet.", max_length=20
    )
    prices = TypedPricesField()
    default_price = forms.CharField(
        required=False,
        label="Default price (simulated)",
        help_text="For symbols that no source prices. It marks the run as simulated.",
        max_length=20,
    )
    accepted = forms.CharField(
        required=False,
        label="Accepted prices",
        help_text="Symbols whose price somebody has checked, as MSFT, KO.",
        max_length=400,
    )
    again = forms.BooleanField(
        required=False,
        label="Execute it again",
        help_text="The whole request once more, after its orders were reversed.",
    )
    task_id = forms.CharField(required=False, widget=forms.HiddenInput, max_length=36)

    def clean_initial_balance(self) -> Decimal:
        """Return the balance. Raises ValidationError in the words of the command."""
        return _accepted_value(parse_amount(self.cleaned_data["initial_balance"], name="Opening balance"))

    def clean_default_price(self) -> Decimal | None:
        """Return the price, None where none was given. Raises ValidationError."""
        text = self.cleaned_data["default_price"].strip()
        return _accepted_value(parse_price(text, what="default price")) if text else None

    def clean_accepted(self) -> frozenset[str]:
        """Return the symbols. Raises ValidationError for a word that is none."""
        words = self.cleaned_data["accepted"].replace(",", " ").split()
        symbols = {word: find_symbol(word) for word in words}
        for word, symbol in symbols.items():
            if isinstance(symbol, NoSymbol):
                raise forms.ValidationError(f"{word[:20]} is not a symbol: {symbol.rule}")
        return frozenset(symbol for symbol in symbols.values() if isinstance(symbol, str))

    def as_typed(self, *, without: Iterable[PlannedPrice] = ()) -> dict[str, str]:
        """Return what a person typed into a valid form, `without` the prices that have a field of their own."""
        own = {row.symbol for row in without}
        prices = {symbol: price for symbol, price in self.cleaned_data["prices"].items() if symbol not in own}
        typed = {name: str(self.data[name]) for name in self.fields if self.data.get(name)}
        return {**typed, "prices": prices_as_text(prices)}

    def execution_request(
        self, request_id: UUID, *, actor: str, now: datetime, plan_token: str | None = None
    ) -> ExecutionRequest | Refusal:
        """Return the call that a valid form describes, or why the price sources cannot work."""
        given: dict[str, Any] = self.cleaned_data
        typed = typed_quotes(given["prices"], now=now)
        prices = configured_chain(given=typed, default_price=given["default_price"], now=now)
        if isinstance(prices, Refusal):
            return prices
        return ExecutionRequest(
            request_id=str(request_id),
            strategy_id=given["strategy"],
            provider=given["provider"],
            initial_balance=given["initial_balance"],
            prices=prices,
            actor=actor,
            source=ExecutionRun.Source.DASHBOARD,
            now=now,
            task_id=given["task_id"] or None,
            mode=Mode(given["mode"]),
            close_unlisted=given["close_unlisted"],
            plan_token=plan_token,
            accepted_prices=given["accepted"],
            again=given.get("again", False),
        )


def _accepted_value(value: Decimal | Refusal) -> Decimal:
    if isinstance(value, Refusal):
        raise forms.ValidationError(value.message)
    return value
