"""The one way to execute: `preview` says what would be done, `execute` does it, exactly once.

Both make the same preparation and the same plan; there is no second way to plan. An expected no is a `Refusal`, and
nothing is written then. A fault rolls everything back, is recorded as a failed run, and is raised again.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction

from common.db.retry import run_transaction
from execution.engine.planning.plan import Plan, PlanInput, is_settled
from execution.engine.planning.serialization import plan_input_as_data
from execution.engine.vocabulary import Code, Outcome, Refusal
from execution.prices.refused import note_refused
from execution.prices.store import to_store
from execution.reports.planned_prices import PlannedPrice, planned_prices
from execution.reports.types import RunReport
from execution.research.submission import INLINE, keep
from execution.runs import records
from execution.runs.account_plan import (
    AccountView,
    parameters_of,
    plan_account,
    token_of,
    token_refusal,
    view_account,
)
from execution.runs.eligibility import Attempt
from execution.runs.facts import facts_of, report_of, wishes_of
from execution.runs.fills import as_filled
from execution.runs.prepare import ExecutionRequest, Prepared, prepare, strategy_refusal
from execution.runs.tickets import orders_of, tickets_of
from execution.venues.base import Venue
from execution.venues.simulated import SimulatedVenue
from portfolios import ledger, reference_data
from portfolios.ledger import AuditContext
from portfolios.selectors import books as queries
from portfolios.selectors import stored_prices

__all__ = ["ExecutionRequest", "Preview", "execute", "preview", "preview_plan"]


@dataclass(frozen=True, slots=True)
class Preview:
    """What `execute` would do now: the report, the plan with what it was made of, a row for each of its prices."""

    report: RunReport
    plan: Plan
    plan_input: PlanInput
    prices: Sequence[PlannedPrice]

    @property
    def default_lines(self) -> frozenset[int]:
        """The lines whose orders are at a default price."""
        quotes = self.plan_input.quotes
        return frozenset(intent.line for intent in self.plan.intents if quotes[intent.symbol].simulated)


def preview(request: ExecutionRequest) -> RunReport | Refusal:
    """Return what `execute` would do now, or its refusal. Writes nothing, not even the account."""
    found = preview_plan(request)
    return found.report if isinstance(found, Preview) else found


def preview_plan(request: ExecutionRequest) -> Preview | RunReport | Refusal:
    """Return the preview with its plan, for a door that shows the account before and after.

    A request that was executed before has no plan any more: its report comes back, as a replay.
    """
    found = prepare(request)
    if not isinstance(found, Prepared):
        return found
    account = queries.find_account(strategy_id=found.strategy_id, provider=found.provider)
    view = view_account(found, account)
    plan = plan_account(found, view)
    if isinstance(plan, Refusal):
        return plan
    token = token_of(found, view)
    changed = token_refusal(found, token)
    if changed is not None:
        return changed
    report = report_of(found, view, plan, run_id=None, booked=[], token=token)
    return Preview(report, plan, view.plan_input, planned_prices(view.plan_input, now=request.now))


def execute(request: ExecutionRequest) -> RunReport | Refusal:
    """Execute a request once: the report of the run, of the earlier run (`replay`), or why it is refused.

    Must not be called inside a transaction. Raises what the database raises when 5 attempts did not help; the
    failure is recorded then, where the database still allows it.
    """
    found = prepare(request)
    if not isinstance(found, Prepared):
        return found
    closed = _market_refusal(found)
    if closed is not None:
        return _undecided(found, closed)
    refusal = _keep_inline(found)
    if refusal is not None:
        return refusal
    try:
        return run_transaction(lambda: _execute_once(found))
    except Exception as error:
        _record_failure(found, error)
        raise


def _undecided(found: Prepared, why: Refusal) -> RunReport | Refusal:
    """Answer a call that something passing stops. One that only tries deferred lines again gets their report."""
    replay = found.attempt.replay
    return why if replay is None else replay.with_note(f"Still deferred: [{why.code}] {why.message}.")


def _deferred_again(found: Prepared, plan: Plan) -> RunReport | None:
    """The report that stands, with what stops its lines, where deferred lines would all be deferred again."""
    replay = found.attempt.replay
    if replay is None or any(decision.outcome is not Outcome.DEFERRED for decision in plan.decisions):
        return None
    return replay.with_note(
        *(
            f"Line {each.line} ({each.symbol}) is still deferred: {each.reason.removeprefix('Deferred: ')}"
            for each in plan.decisions
        )
    )


def _market_refusal(found: Prepared) -> Refusal | None:
    """A policy may require the market to be open; the request can be executed when it is."""
    market = found.market
    if market.is_open or not found.policy.require_open_market:
        return None
    if market.opens_at is None:
        rule = "the calendar of the stock market does not cover today"
    else:
        rule = f"the stock market opens {market.opens_at:%Y-%m-%d %H:%M} UTC"
    return Refusal(
        Code.MARKET_CLOSED, f"policy version {found.policy.version} requires the market to be open: {rule}"
    )


def _keep_inline(found: Prepared) -> Refusal | None:
    """Store research that came with the call before it is executed: its id stands for this content from now on."""
    if found.request.inline is None or found.loaded.origin != INLINE:
        return None
    kept = keep(found.loaded, request_id=found.request_id, now=found.request.now)
    return kept if isinstance(kept, Refusal) else None


def _execute_once(found: Prepared) -> RunReport | Refusal:
    """One attempt, one transaction: lock, look again, decide, write."""
    with transaction.atomic(durable=True):
        outcome = _execute_locked(found)
        if isinstance(outcome, Refusal):
            # The account may have been opened for a plan that is refused after all.
            transaction.set_rollback(True)
    return outcome


def _execute_locked(found: Prepared) -> RunReport | Refusal:
    # Looked at again: since the first look it may have been switched off, or its name been taken by another one.
    refusal = strategy_refusal(found.strategy_id, found.request)
    if refusal is not None:
        return refusal
    run_id = uuid.uuid4()
    account, is_new = _locked_account(found, run_id)
    attempt = found.next_attempt()
    if not isinstance(attempt, Attempt):
        return attempt
    found = replace(found, attempt=attempt)
    refusal = _split_meanwhile(found)
    if refusal is not None:
        return refusal
    view = view_account(found, account, is_new=is_new)
    plan = plan_account(found, view)
    if isinstance(plan, Refusal):
        return _undecided(found, plan) if plan.code is Code.TRADING_HALTED else plan
    token = token_of(found, view)
    answer = token_refusal(found, token) or _deferred_again(found, plan)
    if answer is not None:
        return answer
    return _write(found, view, plan, account=account, run_id=run_id, token=token)


def _split_meanwhile(found: Prepared) -> Refusal | None:
    """Prices from before a split was booked are per unit of before, and what the account holds is in new ones."""
    split = stored_prices.split_since(found.prices.quotes, found.request.now)
    if not split:
        return None
    said = f"a split of {', '.join(split)} was booked or reversed since the prices were asked for: execute it again"
    return Refusal(Code.PLAN_CHANGED, said)


def _locked_account(found: Prepared, run_id: uuid.UUID) -> tuple[Any, bool]:
    """Return the account under its lock, opened where it is missing, and whether it was."""
    account = ledger.lock_account(strategy_id=found.strategy_id, provider=found.provider)
    if account is not None:
        return account, False
    if found.creates_strategy is not None and queries.find_strategy(found.strategy_id) is None:
        reference_data.create_strategy(strategy_id=found.strategy_id, name=found.creates_strategy)
    opened = ledger.open_for_run(
        strategy_id=found.strategy_id,
        provider=found.provider,
        initial_balance=found.request.initial_balance,
        context=_context(found, run_id, reason="Initial balance"),
    )
    return opened, True


def _context(found: Prepared, run_id: uuid.UUID, *, reason: str = "") -> AuditContext:
    return AuditContext(actor=found.request.actor, now=found.request.now, run_id=run_id, reason=reason)


def _write(
    found: Prepared, view: AccountView, plan: Plan, *, account: Any, run_id: uuid.UUID, token: str
) -> RunReport:
    """Past this line nothing is refused: everything is written, or the transaction fails as a whole."""
    inputs = plan_input_as_data(view.plan_input)
    run = records.begin_run(
        facts_of(found, inputs, prices=view.plan_input.quotes), run_id=run_id, account_id=account.pk
    )
    traded = {intent.symbol for intent in plan.intents}
    reference_data.ensure_securities(traded, known=view.plan_input.instruments)
    known = traded | view.plan_input.instruments.keys()
    used = {symbol: quote for symbol, quote in found.prices.quotes.items() if symbol in known}
    reference_data.store_prices(to_store(used))
    note_refused(
        found.prices, accepted=found.request.accepted_prices, actor=found.request.actor, now=found.request.now
    )
    orders = orders_of(found, plan)
    plan = as_filled(plan, orders, _venue(view).submit(orders))
    booked = ledger.book_orders(
        account,
        tickets_of(found, view, plan, orders=orders),
        positions=view.positions,
        marks={symbol: quote.price for symbol, quote in found.prices.quotes.items()},
        context=_context(found, run_id),
    )
    records.record_decisions(run, plan, booked, deferral=found.deferral)
    report = report_of(found, view, plan, run_id=run_id, booked=booked, token=token)
    records.finish_run(
        run,
        plan,
        booked,
        report=report.as_data(),
        is_settled=is_settled(view.plan_input, plan),
        now=found.request.now,
    )
    return report


def _venue(view: AccountView) -> Venue:
    """Return where the run's orders are filled: all are simulated, at the costs of the policy that planned them."""
    return SimulatedVenue(view.plan_input.policy.costs)


def _record_failure(found: Prepared, error: Exception) -> None:
    """Keep what went wrong, in a transaction of its own; where that fails too, the first error stands."""
    try:
        account = queries.find_account(strategy_id=found.strategy_id, provider=found.provider)
        if queries.find_strategy(found.strategy_id) is None:
            return
        if _is_done(found, found.next_attempt()):
            return  # only the answer to its COMMIT was lost, every time
        with transaction.atomic(durable=True):
            records.record_failure(
                facts_of(found, {**parameters_of(found), **wishes_of(found.request)}, prices=found.prices.quotes),
                account_id=account.pk if account else None,
                error=error,
            )
    except Exception as second:  # noqa: BLE001  # whatever it is, it must not hide the fault
        error.add_note(f"The failure could not be recorded: {type(second).__name__}: {second}")


def _is_done(found: Prepared, now: Attempt | RunReport | Refusal) -> bool:
    """Whether the run was made after all: nothing is left to do, or what is left is a later run's."""
    return isinstance(now, RunReport) or (isinstance(now, Attempt) and now.sequence > found.attempt.sequence)
