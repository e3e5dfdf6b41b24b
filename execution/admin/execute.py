"""The actions of the admin that execute: each previews through the service that it then calls."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings

from common.admin.columns import units
from common.admin.confirm import Call, ConfirmedAction, Effect, Refused
from common.money import CENT
from common.text import counted
from execution.admin.plan_tables import DECISION_COLUMNS, decision_rows, kept_marks, price_tables
from execution.admin.refusals import refused, words
from execution.arguments import parse_symbols
from execution.engine.vocabulary import Mode, Refusal
from execution.forms import TypedPricesField
from execution.models import ExecutionRun, ResearchRequest
from execution.prices import PriceChain, configured_chain
from execution.prices.source import parse_price
from execution.prices.typed import typed_quotes
from execution.reports.types import RunReport
from execution.services import (
    ExecutionRequest,
    LoadedArtifact,
    Preview,
    execute,
    find_marks,
    find_retry,
    load_inline,
    load_latest_research,
    mark_to_market,
    preview_plan,
    sharing_prices,
)
from portfolios.models import PortfolioAccount, Provider, Strategy


def _accepted_field() -> forms.CharField:
    return forms.CharField(
        required=False, help_text="Symbols whose price is right although it is far from the last close, as MSFT KO."
    )


class PriceForm(forms.Form):
    """Prices that a person knows, and what stands in for those that no source has."""

    prices = TypedPricesField()
    default_price = forms.CharField(
        required=False,
        help_text="For symbols without a price. Marks the run as simulated. Empty: the configured sources alone.",
    )


class AcceptingForm(PriceForm):
    """Prices, and which of those in doubt are right."""

    accepted = _accepted_field()


class ExecuteForm(AcceptingForm):
    """For whom research is executed, and how its sizes are read."""

    strategy = forms.ModelChoiceField(Strategy.objects.filter(status=Strategy.Status.ACTIVE))
    provider = forms.ChoiceField(choices=Provider.choices)
    mode = forms.ChoiceField(
        choices=[(str(mode), str(mode)) for mode in Mode],
        help_text="allocate: buys the stated size in addition to what is held; target: the weight to reach;"
        " rebalance: also sells down to it",
    )
    close_unlisted = forms.BooleanField(required=False, help_text="With rebalance: close what is not listed.")
    initial_balance = forms.DecimalField(
        max_digits=15, decimal_places=2, min_value=CENT, help_text="Cash of an account that is opened."
    )

    again = forms.BooleanField(
        required=False, help_text="Execute the request once more, after its orders were reversed."
    )

    field_order = [
        "strategy", "provider", "mode", "close_unlisted", "prices", "default_price", "accepted", "initial_balance",
        "again",
    ]  # fmt: skip


class TypedRequestForm(ExecuteForm):
    """The same for a request that is named by its id."""

    request_id = forms.UUIDField(help_text="The name of the request's directory.")

    field_order = ["request_id", *ExecuteForm.field_order]


class RebalanceForm(AcceptingForm):
    """How an account comes back to its research."""

    close_unlisted = forms.BooleanField(required=False, help_text="Close holdings that the research does not list.")
    request_id = forms.UUIDField(widget=forms.HiddenInput)


class MarkForm(forms.Form):
    """Which prices in doubt are right."""

    accepted = _accepted_field()


class _Executes(ConfirmedAction):
    """What executes research: previews with the token that the execution then wants."""

    permission = "execution.add_executionrun"

    def execution_requests(self, call: Call) -> list[ExecutionRequest] | Refusal:
        raise NotImplementedError

    def _calls(self, call: Call) -> list[ExecutionRequest] | Refusal:
        """Return the calls; a price that was typed for all of them is for at least one."""
        calls = self.execution_requests(call)
        return calls if isinstance(calls, Refusal) else sharing_prices(calls)

    def preview(self, call: Call) -> Effect | Refused:
        """Plan each request and show what would become of every line."""
        calls = self._calls(call)
        if isinstance(calls, Refusal):
            return refused(calls)
        answers = [preview_plan(each) for each in calls]
        plans = [each for each in answers if isinstance(each, Preview)]
        reports = [
            each.report if isinstance(each, Preview) else each for each in answers if not isinstance(each, Refusal)
        ]
        refusals = [words(each) for each in answers if isinstance(each, Refusal)]
        if not reports:
            return Refused(" ".join(refusals))
        sentences = [*(_sentence(report) for report in reports), *(f"Refused: {said}" for said in refusals)]
        if len(answers) > 1:
            sentences.append("Each request is planned again after the one before it.")
        at_default = {each.report.run.request_id: each.default_lines for each in plans}
        rows = [
            row
            for report in reports
            for row in decision_rows(report, at_default=at_default.get(report.run.request_id, frozenset()))
        ]
        return Effect(
            sentences,
            DECISION_COLUMNS,
            rows,
            reports[0].plan_token if len(answers) == 1 else "",
            tables=price_tables(plans),
            verb=f"{self.verb or self.button} at default prices" if any(at_default.values()) else "",
        )

    def perform(self, call: Call) -> str | Refused:
        """Execute each request; where there is one, exactly the plan that was shown."""
        calls = self._calls(call)
        if isinstance(calls, Refusal):
            return refused(calls)
        answers = [execute(each) for each in calls]
        refusals = [words(each) for each in answers if isinstance(each, Refusal)]
        if len(refusals) == len(answers):
            return Refused(" ".join(refusals))
        done = [_done(each) for each in answers if isinstance(each, RunReport)]
        return " ".join([*done, *(f"Refused: {said}" for said in refusals)])

    def execution_request(
        self, call: Call, *, request_id: str, owner: tuple[str, str], **more: Any
    ) -> ExecutionRequest | Refusal:
        """Return the call for one request in the account of `owner`: strategy and provider."""
        prices = _prices(call, call.values["default_price"], typed=call.values["prices"])
        if isinstance(prices, Refusal):
            return prices
        accepted = _symbols(call.values["accepted"])
        if isinstance(accepted, Refusal):
            return accepted
        return ExecutionRequest(
            request_id=request_id,
            strategy_id=owner[0],
            provider=owner[1],
            prices=prices,
            actor=call.actor,
            source=ExecutionRun.Source.ADMIN,
            now=call.now,
            close_unlisted=call.values["close_unlisted"],
            accepted_prices=accepted,
            plan_token=call.token or None,
            **more,
        )


class ExecuteRequests(_Executes):
    """Executes requests that were read before, for another account or again after a failure."""

    name = "execute"
    title = "Execute research"
    button = "Execute"
    form = ExecuteForm
    for_lists = True
    most_rows = 20

    def initial(self, rows: Sequence[ResearchRequest]) -> dict[str, str]:
        """Return the published defaults."""
        return {
            "provider": str(Provider.ANTHROPIC),
            "mode": str(Mode.ALLOCATE),
            "initial_balance": str(settings.DEFAULT_INITIAL_BALANCE),
        }

    def execution_requests(self, call: Call) -> list[ExecutionRequest] | Refusal:
        """Return a call for each request, in the order in which they arrived."""
        made: list[ExecutionRequest] = []
        for row in sorted(call.rows, key=lambda row: (row.received_at, row.pk)):
            inline = _inline(row)
            if isinstance(inline, Refusal):
                return inline
            one = self._of(call, str(row.pk), inline)
            if isinstance(one, Refusal):
                return one
            made.append(one)
        return made

    def _of(self, call: Call, request_id: str, inline: LoadedArtifact | None) -> ExecutionRequest | Refusal:
        values = call.values
        return self.execution_request(
            call,
            request_id=request_id,
            owner=(str(values["strategy"].pk), values["provider"]),
            initial_balance=values["initial_balance"],
            # What was stored of a rebalance are weights to reach, whatever the form says.
            mode=Mode.REBALANCE if inline is not None else Mode(values["mode"]),
            inline=inline,
            again=values["again"],
        )


class ExecuteTyped(ExecuteRequests):
    """Executes a request that is named by its id: one that nobody has executed yet is in no list."""

    name = "execute-request"
    button = "Execute a request"
    verb = "Execute"
    form = TypedRequestForm
    for_lists = False
    for_rows = False

    def execution_requests(self, call: Call) -> list[ExecutionRequest] | Refusal:
        one = self._of(call, str(call.values["request_id"]), None)
        return one if isinstance(one, Refusal) else [one]


class Rebalance(_Executes):
    """Brings an account back to the weights of its latest research."""

    name = "rebalance"
    title = "Rebalance to the latest research"
    button = "Rebalance"
    form = RebalanceForm
    most_rows = 1

    def initial(self, rows: Sequence[PortfolioAccount]) -> dict[str, str]:
        """Return the id of the rebalance: confirmed twice, it runs once."""
        return {"request_id": str(uuid.uuid4())}

    def execution_requests(self, call: Call) -> list[ExecutionRequest] | Refusal:
        account: PortfolioAccount = call.rows[0]
        loaded = load_latest_research(strategy_id=account.strategy_id, provider=account.provider)
        if isinstance(loaded, Refusal):
            return loaded
        one = self.execution_request(
            call,
            request_id=str(call.values["request_id"]),
            owner=(str(account.strategy_id), account.provider),
            mode=Mode.REBALANCE,
            inline=loaded,
        )
        return one if isinstance(one, Refusal) else [one]


class TryAgain(_Executes):
    """Executes the research of a failed run again, in the way of that run, at prices of now."""

    name = "try-again"
    title = "Try the failed run again"
    button = "Try again"
    form = PriceForm
    most_rows = 1

    def applies(self, row: ExecutionRun) -> bool:
        return row.status == ExecutionRun.Status.FAILED

    def execution_requests(self, call: Call) -> list[ExecutionRequest] | Refusal:
        prices = _prices(call, call.values["default_price"], typed=call.values["prices"])
        if isinstance(prices, Refusal):
            return prices
        one = find_retry(
            call.rows[0].pk,
            actor=call.actor,
            source=ExecutionRun.Source.ADMIN,
            now=call.now,
            prices=prices,
            artifacts_root=settings.ARTIFACTS_ROOT,
        )
        return one if isinstance(one, Refusal) else [replace(one, plan_token=call.token or None)]


class MarkToMarket(ConfirmedAction):
    """Prices everything that is held and values every account."""

    name = "mark-to-market"
    title = "Mark every account to market"
    button = "Mark to market"
    permission = "portfolios.add_valuation"
    form = MarkForm
    for_rows = False

    def preview(self, call: Call) -> Effect | Refused:
        asked = self._asked(call)
        if isinstance(asked, Refusal):
            return refused(asked)
        found = find_marks(prices=asked[0], accepted=asked[1])
        rows: list[tuple[Any, ...]] = [
            (symbol, units(quote.price), quote.source, f"{quote.as_of:%Y-%m-%d %H:%M}", "")
            for symbol, quote in sorted(found.screened.quotes.items())
        ]
        rows += [
            (symbol, "", "", "", f"held back: {held.words}") for symbol, held in found.screened.held_back.items()
        ]
        rows += [
            (symbol, "", "", "", f"not repriced (last price kept): {why}") for symbol, why in found.unpriced.items()
        ]
        said = f"Every account is valued at {len(found.screened.quotes)} new prices. No cash and no quantity moves."
        return Effect([said], ("Symbol", "Price", "Source", "As of", ""), rows)

    def perform(self, call: Call) -> str | Refused:
        asked = self._asked(call)
        if isinstance(asked, Refusal):
            return refused(asked)
        report = mark_to_market(prices=asked[0], accepted=asked[1], as_of=call.now, now=call.now, actor=call.actor)
        said = f"Valued {counted(report.accounts, 'account')}, marked {counted(report.positions, 'position')}."
        left = [f"Not valued: {problem}." for problem in report.out_of_range.values()]
        return " ".join([said, *left, *_waiting(report.held_back)])

    def _asked(self, call: Call) -> tuple[PriceChain, frozenset[str]] | Refusal:
        prices = _prices(call, "", typed={})
        if isinstance(prices, Refusal):
            return prices
        accepted = _symbols(call.values["accepted"])
        return accepted if isinstance(accepted, Refusal) else (prices, accepted)


def _waiting(held_back: Mapping[str, str]) -> list[str]:
    """Return in words which holdings keep their last mark, because their new price waits for a person."""
    return [f"{symbol} keeps its last mark: {why}." for symbol, why in held_back.items()]


def _symbols(text: str) -> frozenset[str] | Refusal:
    return parse_symbols(text.replace(",", " ").split(), name="accepted prices")


def _prices(call: Call, default_price: str, *, typed: Mapping[str, Decimal]) -> PriceChain | Refusal:
    default: Decimal | Refusal | None = None
    if default_price.strip():
        default = parse_price(default_price, what="default price")
    if isinstance(default, Refusal):
        return default
    given = typed_quotes(typed, now=call.now)
    return configured_chain(given=given, default_price=default, now=call.now)


def _inline(row: ResearchRequest) -> LoadedArtifact | Refusal | None:
    """Return the targets of a rebalance, as they were stored; other research is found by its id."""
    if row.origin != ResearchRequest.Origin.REBALANCE or row.task_id is None:
        return None
    return load_inline(row.content.encode(), task_id=row.task_id, origin=row.origin, name=row.source_path)


def _sentence(report: RunReport) -> str:
    if report.run.replay:
        said = f"Request {report.run.request_id} was executed before: nothing is traded again."
        return " ".join([said, *report.notes, "Its report:"])
    after = report.account
    said = (
        f"{counted(len(report.orders), 'order')} from "
        f"{counted(report.artifact.recommendation_count, 'recommendation')}; afterwards "
        f"${Decimal(after.cash_balance):,.2f} in cash and ${Decimal(after.equity_value):,.2f} in positions."
    )
    return " ".join([said, *kept_marks(report)])


def _done(report: RunReport) -> str:
    if report.run.replay:
        said = f"Request {report.run.request_id} was executed before: nothing was traded again."
        return " ".join([said, *report.notes])
    said = f"Request {report.run.request_id} was executed: {counted(len(report.orders), 'order')}."
    return " ".join([said, *kept_marks(report)])
