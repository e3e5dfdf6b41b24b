"""Bodies of what people decide about research, and of the batch that executes what is ready."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from common.api.bodies import IdField
from execution.api.refusals import granted
from execution.api.requests import PricesBody, ReasonBody, accepted_symbols, opening_balance, price_chain
from execution.engine.vocabulary import Code, Mode, RecommendedAction, Refusal
from execution.models import ExecutionRun, MappingRule
from execution.prices import PriceChain
from execution.services import Batch
from portfolios.selectors import books
from portfolios.selectors.books import PROVIDERS

MAX_REQUESTS = 500


class AssignBody(ReasonBody):
    """Whose research it is."""

    strategy_id = IdField(help_text="UUID of the strategy.")
    provider = serializers.ChoiceField(PROVIDERS, help_text="Whose account it is.")


class ResolveBody(ReasonBody):
    """What one line means; without action, symbol and size it is meant as it is written."""

    action = serializers.ChoiceField(
        [str(action) for action in RecommendedAction], required=False, help_text="What the line asks for."
    )
    symbol = serializers.CharField(required=False, max_length=16, help_text="The symbol that is meant.")
    allocation_percent = serializers.RegexField(
        r"^[0-9]{1,3}(\.[0-9]{1,4})?$",
        required=False,
        help_text="The size in percent, as text: 0 to 100, at most 4 places.",
    )


class RuleBody(ReasonBody):
    """How a provider's word is meant from now on."""

    provider = serializers.ChoiceField(PROVIDERS, help_text="Whose word it is.")
    field = serializers.ChoiceField(MappingRule.Field.values, help_text="Where the word stands.")
    written = serializers.CharField(max_length=64, help_text="The word, or the name of the size field.")
    meaning = serializers.CharField(
        max_length=16, allow_blank=True, help_text="An action, a symbol or a unit; empty withdraws the rule."
    )


class PendingBody(PricesBody):
    """Which requests, how many, and how."""

    provider = serializers.ChoiceField(PROVIDERS, required=False, help_text="Only research of this provider.")
    strategy_id = IdField(required=False, help_text="Only research for this strategy.")
    limit = serializers.IntegerField(
        default=100, min_value=1, max_value=MAX_REQUESTS, help_text="At most so many requests, oldest first."
    )
    mode = serializers.ChoiceField(
        [str(mode) for mode in Mode],
        default=str(Mode.ALLOCATE),
        help_text="How sizes are read, as in an execution.",
    )
    initial_balance = serializers.CharField(
        required=False, max_length=40, help_text="Cash of accounts that are created (default 100000)."
    )


def pending_batch(body: Mapping[str, Any], *, actor: str, now: datetime) -> Batch:
    """Return the batch that a checked body describes. Raises ProblemError for what is wrong with it."""
    strategy_id = body.get("strategy_id")
    if strategy_id is not None and books.find_strategy(strategy_id) is None:
        granted(Refusal(Code.UNKNOWN_STRATEGY, f"strategy {strategy_id} does not exist"))
    price_chain(body, now=now)  # refused before anything is executed

    def prices_at(moment: datetime) -> PriceChain:
        return price_chain(body, now=moment)

    return Batch(
        initial_balance=opening_balance(body),
        actor=actor,
        source=ExecutionRun.Source.API,
        clock=timezone.now,
        prices_at=prices_at,
        provider=body.get("provider"),
        strategy_id=strategy_id,
        limit=body["limit"],
        mode=Mode(body["mode"]),
        accepted_prices=accepted_symbols(body),
    )
