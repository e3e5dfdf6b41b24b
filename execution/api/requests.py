"""Bodies of the calls that plan, and the requests to execute that they become."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from common.api.bodies import IdField, StrictSerializer, TruthField
from common.identifiers import NoSymbol
from common.text import one_line
from execution.api.refusals import granted
from execution.arguments import find_symbol, parse_amount
from execution.engine.parsing.artifact import MAX_RECOMMENDATIONS
from execution.engine.planning.market import Quote
from execution.engine.vocabulary import Code, Mode, Refusal
from execution.models import ExecutionRun
from execution.prices import PriceChain, configured_chain
from execution.prices.source import parse_price
from execution.services import (
    ExecutionRequest,
    LoadedArtifact,
    load_latest_research,
    load_pushed,
    load_targets,
    targets_of,
)
from portfolios.selectors.books import PROVIDERS


@extend_schema_field(
    {
        "type": "array",
        "minItems": 1,
        "maxItems": MAX_RECOMMENDATIONS,
        "items": {},
        "description": "The lines as research writes them. What is wrong with one line quarantines that line.",
    }
)
class RecommendationsField(serializers.Field[Any, Any, Any, Any]):
    """A list of lines. What is in them is the engine's to judge, line by line."""

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list):
            raise serializers.ValidationError("must be a list")
        return data


class ResearchBody(StrictSerializer):
    """Research that is sent instead of laid into a directory."""

    request_id = IdField(help_text="A new UUID of yours: it stands for this content for ever.")
    task_id = IdField(
        required=False, help_text="UUID of the task; without it, one that follows from the request's."
    )
    recommendations = RecommendationsField()
    market_context = serializers.CharField(required=False, max_length=10_000, help_text="What the research saw.")


class GivenPricesBody(StrictSerializer):
    """Where prices come from before the configured sources are asked."""

    prices = serializers.DictField(
        child=serializers.CharField(max_length=40),
        required=False,
        help_text="Price by symbol, as text; each of a symbol that is named or held.",
    )
    default_price = serializers.CharField(
        required=False, max_length=40, help_text="Price of symbols without one; marks the run as simulated."
    )


class PricesBody(GivenPricesBody):
    """Where prices come from, and which of them somebody has looked at."""

    accept_prices = serializers.ListField(
        child=serializers.CharField(max_length=32),
        required=False,
        help_text="Symbols to trade though their price is far from the last close or the research's claim.",
    )


class PlanBody(PricesBody):
    """What all calls that plan have in common."""

    request_id = IdField(help_text="UUID of the request. It is executed once: the same call again is a replay.")
    strategy_id = IdField(help_text="UUID of the strategy.")
    provider = serializers.ChoiceField(PROVIDERS, default="anthropic", help_text="Whose account it is.")
    initial_balance = serializers.CharField(
        required=False, max_length=40, help_text="Cash of an account that is created (default 100000)."
    )
    close_unlisted = TruthField(default=False, help_text="Close holdings that are not listed; rebalance mode only.")
    plan_token = serializers.CharField(
        required=False, max_length=200, help_text="Execute only if the plan is still the one with this token."
    )


class ExecutionBody(PlanBody):
    """One request for one account: by its id, or with its recommendations."""

    recommendations = RecommendationsField(required=False)
    market_context = serializers.CharField(
        required=False, max_length=10_000, help_text="With recommendations only."
    )
    task_id = IdField(required=False, help_text="Task to use where a request has several.")
    mode = serializers.ChoiceField(
        [str(mode) for mode in Mode],
        default=str(Mode.ALLOCATE),
        help_text="allocate: buys the stated size in addition to what is held; target: the weight to reach;"
        " rebalance: also sells down to it.",
    )
    again = TruthField(default=False, help_text="Execute the request once more, after its orders were reversed.")
    create_strategy = serializers.CharField(
        required=False, max_length=200, help_text="Name of the strategy, which is created if it does not exist."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse options that would say nothing."""
        if attrs["close_unlisted"] and attrs["mode"] != Mode.REBALANCE:
            raise serializers.ValidationError({"close_unlisted": ["needs mode rebalance"]})
        if "market_context" in attrs and "recommendations" not in attrs:
            raise serializers.ValidationError({"market_context": ["needs recommendations"]})
        return attrs


class RebalanceBody(PlanBody):
    """Weights to reach, or none for those of the account's latest research."""

    targets = serializers.DictField(
        child=serializers.CharField(max_length=20),
        required=False,
        help_text="Weight in percent by symbol, as text: 0 closes a holding, one below zero is a short. What could"
        " be a fraction of one is refused, unless a sign says percent: 0.5%.",
    )


class MarkBody(PricesBody):
    """Where the prices of the valuation come from."""


class RetryBody(GivenPricesBody):
    """Where the prices of now come from; all else is as in the run that failed."""


class ReasonBody(StrictSerializer):
    """Why. It stays on record with the caller's name."""

    reason = serializers.CharField(max_length=2_000, help_text="Why, for whoever reads the books later.")


def execution_request_of(body: Mapping[str, Any], *, actor: str, now: datetime) -> ExecutionRequest:
    """Return the call that a checked body describes. Raises ProblemError for what is wrong with it."""
    inline = load_body(body) if "recommendations" in body else None
    return _execution_request(body, mode=Mode(body["mode"]), inline=inline, actor=actor, now=now)


def rebalance_request_of(body: Mapping[str, Any], *, actor: str, now: datetime) -> ExecutionRequest:
    """Return the rebalance that a checked body describes. Raises ProblemError for what is wrong with it."""
    if "targets" in body:
        loaded = load_targets(granted(targets_of(body["targets"])))
    else:
        loaded = load_latest_research(strategy_id=body["strategy_id"], provider=body["provider"])
    return _execution_request(body, mode=Mode.REBALANCE, inline=granted(loaded), actor=actor, now=now)


def load_body(body: Mapping[str, Any]) -> LoadedArtifact:
    """Return the research in a checked body. Raises ProblemError."""
    return granted(
        load_pushed(
            body["recommendations"],
            market_context=body.get("market_context"),
            request_id=body["request_id"],
            task_id=body.get("task_id"),
        )
    )


def price_chain(body: Mapping[str, Any], *, now: datetime) -> PriceChain:
    """Return the prices that a body gives, in front of the configured sources. Raises ProblemError."""
    default: Decimal | None = None
    if "default_price" in body:
        default = granted(parse_price(body["default_price"], what="default_price"))
    quotes = _quotes(body.get("prices", {}), now=now)
    return granted(configured_chain(given=quotes, default_price=default, now=now))


def opening_balance(body: Mapping[str, Any]) -> Decimal:
    """Return the first deposit of an account that is created. Raises ProblemError."""
    balance = body.get("initial_balance", str(settings.DEFAULT_INITIAL_BALANCE))
    return granted(parse_amount(balance, name="initial_balance"))


def accepted_symbols(body: Mapping[str, Any]) -> frozenset[str]:
    """Return the symbols whose price somebody has looked at. Raises ProblemError."""
    return frozenset(_symbol(name, field="accept_prices") for name in body.get("accept_prices", []))


def _execution_request(
    body: Mapping[str, Any], *, mode: Mode, inline: LoadedArtifact | None, actor: str, now: datetime
) -> ExecutionRequest:
    task_id: uuid.UUID | None = body.get("task_id")
    return ExecutionRequest(
        request_id=str(body["request_id"]),
        strategy_id=str(body["strategy_id"]),
        provider=body["provider"],
        initial_balance=opening_balance(body),
        prices=price_chain(body, now=now),
        actor=actor,
        source=ExecutionRun.Source.API,
        now=now,
        task_id=str(task_id) if task_id else None,
        mode=mode,
        close_unlisted=body["close_unlisted"],
        plan_token=body.get("plan_token"),
        create_strategy=body.get("create_strategy"),
        again=body.get("again", False),
        inline=inline,
        accepted_prices=accepted_symbols(body),
    )


def _quotes(prices: Mapping[str, str], *, now: datetime) -> dict[str, Quote]:
    quotes: dict[str, Quote] = {}
    for name, text in prices.items():
        symbol = _symbol(name, field="prices")
        if symbol in quotes:
            granted(Refusal(Code.BAD_PRICE, f"prices: {symbol} is given twice"))
        quotes[symbol] = Quote(granted(parse_price(text, what=f"prices.{symbol}")), "given", now)
    return quotes


def _symbol(name: str, *, field: str) -> str:
    symbol = find_symbol(name)
    if isinstance(symbol, NoSymbol):
        raise serializers.ValidationError({field: [f"{one_line(name)} is not a symbol: {symbol.rule}"]})
    return symbol
