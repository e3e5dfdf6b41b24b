"""The one call behind every door: `preview` says what would be done, `execute` does it, exactly once.

Both make the same preparation and the same plan; there is no second way to plan. An expected no is a `Refusal`, and
nothing is written then. A fault rolls everything back, is recorded as a failed run, and is raised again.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction

from common.db.retry import run_transaction
from common.money import plain
from execution.engine.parsing.artifact import Recommendation
from execution.engine.planning.plan import Plan, PlanInput, make_plan, symbols_to_price
from execution.engine.planning.policy import policy_as_data
from execution.engine.planning.serialization import plan_input_as_data
from execution.engine.planning.sizing import Instrument, Quote
from execution.engine.vocabulary import Code, Mode, Refusal, TradingState
from execution.prices.storing import to_store
from execution.reports.build import make_report
from execution.reports.types import AccountPart, ArtifactPart, RunPart, RunReport
from execution.research.submission import INLINE, keep
from execution.runs import records
from execution.runs.effective_policy import system_state
from execution.runs.eligibility import Turn
from execution.runs.plan_token import make_token, what_changed
from execution.runs.prepare import Instruction, Prepared, prepare, strategy_refusal
from portfolios import reference_data
from portfolios.ledger import bookkeeping
from portfolios.ledger.bookkeeping import Booked, Stamp, Ticket
from portfolios.selectors import books as queries

__all__ = ["Instruction", "Preview", "execute", "preview", "preview_plan"]


@dataclass(frozen=True, slots=True)
class Preview:
    """What `execute` would do now: the report, and the plan with what it was made of."""

    report: RunReport
    plan: Plan
    plan_input: PlanInput


def preview(instruction: Instruction) -> RunReport | Refusal:
    """Return what `execute` would do now, or its refusal. Writes nothing, not even the account."""
    found = preview_plan(instruction)
    return found.report if isinstance(found, Preview) else found


def preview_plan(instruction: Instruction) -> Preview | RunReport | Refusal:
    """Return the preview with its plan, for a door that shows the account before and after.

    A request that was executed before has no plan any more: its report comes back, as a replay.
    """
    found = prepare(instruction)
    if not isinstance(found, Prepared):
        return found
    account = queries.find_account(strategy_id=found.strategy_id, provider=found.provider)
    view = _view(found, account)
    plan = _plan(found, view)
    if isinstance(plan, Refusal):
        return plan
    token = _token(found, view)
    changed = _token_refusal(found, token)
    if changed is not None:
        return changed
    return Preview(_report(found, view, plan, run_id=None, booked=[], token=token), plan, view.plan_input)


def execute(instruction: Instruction) -> RunReport | Refusal:
    """Execute a request once: the report of the run, of the earlier run (`replay`), or why it is refused.

    Must not be called inside a transaction. Raises what the database raises when 5 attempts did not help; the
    failure is recorded then, where the database still allows it.
    """
    found = prepare(instruction)
    if not isinstance(found, Prepared):
        return found
    refusal = _market_refusal(found) or _keep_inline(found)
    if refusal is not None:
        return refusal
    try:
        return run_transaction(lambda: _execute_once(found))
    except Exception as error:
        _record_failure(found, error)
        raise


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """One account as a plan sees it. `account` is None where it is still to be opened."""

    account_id: uuid.UUID | None
    is_new: bool
    positions: Sequence[Any]
    plan_input: PlanInput
    books: str


def _view(found: Prepared, account: Any, *, is_new: bool = False) -> _View:
    instruction = found.instruction
    positions = queries.open_positions(account) if account is not None and not is_new else []
    cash = account.cash_balance if account is not None else instruction.initial_balance
    quotes = _with_last_marks(found, positions)
    marks = {symbol: quote.price for symbol, quote in quotes.items()}
    snapshot = queries.snapshot(
        cash_balance=cash,
        positions=positions,
        marks=marks,
        book_version=account.book_version if account is not None else 0,
    )
    state = account.trading_state if account is not None else TradingState.ACTIVE
    is_first = account is None or is_new
    return _View(
        account_id=account.pk if account is not None else None,
        is_new=is_first,
        positions=positions,
        books=f"new {plain(cash)}" if is_first else f"{account.pk} {account.book_version} {state}",
        plan_input=PlanInput(
            artifact=found.artifact,
            snapshot=snapshot,
            quotes=quotes,
            instruments=_instruments({*quotes, *snapshot.holdings}),
            policy=found.policy,
            mode=instruction.mode,
            close_unlisted=_sweeps(found),
            state=TradingState.strictest(TradingState(state), system_state()),
            age_hours=found.age_hours,
            confirmed=found.loaded.interpretation.confirmed,
            held_back=found.prices.held_back,
            unpriced=found.unpriced,
        ),
    )


def _with_last_marks(found: Prepared, positions: Sequence[Any]) -> dict[str, Quote]:
    """Return the run's quotes, and the last mark of what is held and may be traded but has no price."""
    quotes = dict(found.prices.quotes)
    held = {position.security_id: position for position in positions}
    wanted = symbols_to_price(found.artifact, held=held, close_unlisted=_sweeps(found))
    for symbol in sorted(wanted & held.keys() - quotes.keys() - found.prices.held_back.keys()):
        position = held[symbol]
        quotes[symbol] = Quote(position.mark_price, "last mark", position.marked_at, reduce_only=True)
    return quotes


def _sweeps(found: Prepared) -> bool:
    """Whether holdings that the research does not list are closed: by the first run, which sees all its lines."""
    return found.instruction.close_unlisted and found.turn.lines is None


def _instruments(symbols: set[str]) -> dict[str, Instrument]:
    return {
        symbol: Instrument(
            symbol, security.sector, security.quantity_step, security.minimum_quantity, security.is_active
        )
        for symbol, security in queries.securities(symbols).items()
    }


def _plan(found: Prepared, view: _View) -> Plan | Refusal:
    plan = make_plan(view.plan_input)
    if isinstance(plan, Refusal):
        return Refusal(plan.code, f"{found.loaded.source}: {plan.message}", plan.details)
    return plan


def _token(found: Prepared, view: _View) -> str:
    instruction = found.instruction
    return make_token(
        digest=found.loaded.artifact.digest,
        prices={symbol: quote.price for symbol, quote in view.plan_input.quotes.items()},
        books=view.books,
        rules={
            **_parameters(found),
            "state": view.plan_input.state,
            "sweep": instruction.close_unlisted,
            "lines": _lines_of(found),
            "interpretation": found.loaded.interpretation.as_data(),
        },
    )


def _lines_of(found: Prepared) -> list[int] | None:
    return None if found.turn.lines is None else sorted(found.turn.lines)


def _market_refusal(found: Prepared) -> Refusal | None:
    """A policy may want an open market; the request can be executed when it is."""
    market = found.market
    if market.is_open or not found.policy.require_open_market:
        return None
    if market.opens_at is None:
        rule = "the calendar of the stock market does not cover today"
    else:
        rule = f"the stock market opens {market.opens_at:%Y-%m-%d %H:%M} UTC"
    return Refusal(Code.MARKET_CLOSED, f"policy version {found.policy.version} wants an open market: {rule}")


def _keep_inline(found: Prepared) -> Refusal | None:
    """Store research that came with the call before it is executed: its id stands for this content from now on."""
    if found.instruction.inline is None or found.loaded.origin != INLINE:
        return None
    kept = keep(found.loaded, request_id=found.request_id, now=found.instruction.now)
    return kept if isinstance(kept, Refusal) else None


def _token_refusal(found: Prepared, token: str) -> Refusal | None:
    expected = found.instruction.plan_token
    if expected is None or expected == token:
        return None
    changed = what_changed(expected=expected, actual=token)
    return Refusal(
        Code.PLAN_CHANGED,
        f"the plan is not the one that was previewed: {changed}",
        {"plan_token": token, "difference": changed},
    )


def _parameters(found: Prepared) -> dict[str, Any]:
    instruction = found.instruction
    return {
        "mode": str(instruction.mode),
        "close_unlisted": instruction.close_unlisted,
        "policy": policy_as_data(found.policy),
    }


def _wishes(instruction: Instruction) -> dict[str, Any]:
    """What a failed run keeps of its call, beside what it was to plan with, so that it can be tried again."""
    return {
        "initial_balance": plain(instruction.initial_balance),
        "accepted_prices": sorted(instruction.accepted_prices),
    }


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
    refusal = strategy_refusal(found.strategy_id, found.instruction)
    if refusal is not None:
        return refusal
    run_id = uuid.uuid4()
    account, is_new = _locked_account(found, run_id)
    turn = found.whose_turn()
    if not isinstance(turn, Turn):
        return turn
    found = replace(found, turn=turn)
    view = _view(found, account, is_new=is_new)
    plan = _plan(found, view)
    if isinstance(plan, Refusal):
        return plan
    token = _token(found, view)
    changed = _token_refusal(found, token)
    if changed is not None:
        return changed
    return _write(found, view, plan, account=account, run_id=run_id, token=token)


def _locked_account(found: Prepared, run_id: uuid.UUID) -> tuple[Any, bool]:
    """Return the account under its lock, opened where it is missing, and whether it was."""
    account = bookkeeping.lock_account(strategy_id=found.strategy_id, provider=found.provider)
    if account is not None:
        return account, False
    if found.creates_strategy is not None and queries.find_strategy(found.strategy_id) is None:
        reference_data.create_strategy(strategy_id=found.strategy_id, name=found.creates_strategy)
    opened = bookkeeping.open_account(
        strategy_id=found.strategy_id,
        provider=found.provider,
        initial_balance=found.instruction.initial_balance,
        stamp=_stamp(found, run_id, reason="Initial balance"),
    )
    return opened, True


def _stamp(found: Prepared, run_id: uuid.UUID, *, reason: str = "") -> Stamp:
    return Stamp(actor=found.instruction.actor, now=found.instruction.now, run_id=run_id, reason=reason)


def _write(found: Prepared, view: _View, plan: Plan, *, account: Any, run_id: uuid.UUID, token: str) -> RunReport:
    """Past this line nothing is refused: everything is written, or the transaction fails as a whole."""
    inputs = plan_input_as_data(view.plan_input)
    run = records.begin_run(
        _facts(found, inputs, prices=view.plan_input.quotes), run_id=run_id, account_id=account.pk
    )
    traded = {intent.symbol for intent in plan.intents}
    reference_data.ensure_securities(traded, known=view.plan_input.instruments)
    known = traded | view.plan_input.instruments.keys()
    used = {symbol: quote for symbol, quote in found.prices.quotes.items() if symbol in known}
    reference_data.store_prices(to_store(used))
    booked = bookkeeping.book_orders(
        account,
        _tickets(found, view, plan),
        positions=view.positions,
        marks={symbol: quote.price for symbol, quote in found.prices.quotes.items()},
        stamp=_stamp(found, run_id),
    )
    records.record_decisions(run, plan, booked)
    report = _report(found, view, plan, run_id=run_id, booked=booked, token=token)
    records.finish_run(
        run,
        plan,
        booked,
        report=report.as_data(),
        is_settled=_is_settled(view, plan),
        now=found.instruction.now,
    )
    return report


def _is_settled(view: _View, plan: Plan) -> bool | None:
    """Plan again on what the run leaves behind: where sizes are weights to reach, nothing may be left to do."""
    if view.plan_input.mode is Mode.ALLOCATE:
        return None
    again = make_plan(replace(view.plan_input, snapshot=plan.after))
    return isinstance(again, Plan) and not again.intents


def _facts(found: Prepared, inputs: Mapping[str, Any], *, prices: Mapping[str, Quote]) -> records.RunFacts:
    """What is known of the run before its orders; `inputs` are what its plan was made of, without the prices."""
    instruction = found.instruction
    return records.RunFacts(
        request_id=found.request_id,
        strategy_id=found.strategy_id,
        provider=found.provider,
        loaded=found.loaded,
        parameters={
            **{name: value for name, value in inputs.items() if name != "quotes"},
            "lines": _lines_of(found),
            "interpretation": found.loaded.interpretation.as_data(),
        },
        prices=prices,
        is_simulated=found.is_simulated,
        is_market_open=found.market.is_open,
        sequence=found.turn.sequence,
        actor=instruction.actor,
        door=instruction.door,
        now=instruction.now,
    )


def _client_order_ids(found: Prepared, plan: Plan) -> list[str]:
    """Derive each order's id from the run key, the symbol and the leg alone: never from a price or a quantity."""
    key = _run_key(found)
    # Another line of the same symbol may have traded in an earlier run of the request.
    turn = "" if found.turn.sequence == 1 else f"/{found.turn.sequence}"
    return [
        str(uuid.uuid5(found.request_id, f"{key}/{intent.symbol}/{intent.action}{turn}")) for intent in plan.intents
    ]


def _run_key(found: Prepared) -> str:
    return f"{found.strategy_id}/{found.provider}/{found.request_id}"


def _tickets(found: Prepared, view: _View, plan: Plan) -> list[Ticket]:
    items = {item.line: item for item in found.loaded.artifact.recommendations}
    asked_for = found.instruction.prices.stand_in_asked_for
    quotes = view.plan_input.quotes
    return [
        Ticket(
            fill=intent.fill,
            limit_price=intent.price,
            client_order_id=client_order_id,
            is_simulated=asked_for or quotes[intent.symbol].simulated,
            metadata=_order_metadata(found, quotes[intent.symbol], line=intent.line, item=items.get(intent.line)),
        )
        for intent, client_order_id in zip(plan.intents, _client_order_ids(found, plan), strict=True)
    ]


def _order_metadata(found: Prepared, quote: Quote, *, line: int, item: Recommendation | None) -> dict[str, Any]:
    confidence = item.confidence if item else None
    return {
        "request_id": str(found.request_id),
        "task_id": str(found.loaded.task_id),
        "idempotency_key": _run_key(found),
        "line": line,
        "recommendation_confidence": plain(confidence) if confidence is not None else None,
        "market_context": found.loaded.artifact.market_context,
        "rationale": item.rationale if item else "",
        "price_source": quote.source,
        "price_as_of": quote.as_of.isoformat(),
    }


def _report(
    found: Prepared,
    view: _View,
    plan: Plan,
    *,
    run_id: uuid.UUID | None,
    booked: Sequence[Booked],
    token: str,
) -> RunReport:
    after = plan.after
    return make_report(
        run=RunPart(
            id=str(run_id) if run_id else None,
            status="succeeded" if run_id else "previewed",
            replay=False,
            simulated=found.is_simulated,
            request_id=str(found.request_id),
            task_id=str(found.loaded.task_id),
            digest=found.loaded.artifact.digest,
            mode=str(found.instruction.mode),
            sequence=found.turn.sequence,
            market_open=found.market.is_open,
        ),
        artifact=ArtifactPart(found.loaded.source, found.artifact.line_count),
        account=AccountPart(
            id=str(view.account_id) if view.account_id else None,
            strategy_id=str(found.strategy_id),
            provider_id=found.provider,
            cash_balance=plain(after.cash_balance),
            equity_value=plain(after.equity_value),
            total_value=plain(after.total_value),
            initial_balance=plain(found.instruction.initial_balance) if view.is_new else None,
        ),
        plan=plan,
        client_order_ids=_client_order_ids(found, plan),
        booked=booked,
        plan_token=token,
    )


def _record_failure(found: Prepared, error: Exception) -> None:
    """Keep what went wrong, in a transaction of its own; where that fails too, the first error stands."""
    try:
        account = queries.find_account(strategy_id=found.strategy_id, provider=found.provider)
        if queries.find_strategy(found.strategy_id) is None:
            return
        if isinstance(found.whose_turn(), RunReport):
            return  # it is done: only the answer to its COMMIT was lost, every time
        with transaction.atomic(durable=True):
            records.record_failure(
                _facts(found, {**_parameters(found), **_wishes(found.instruction)}, prices=found.prices.quotes),
                account_id=account.pk if account else None,
                error=error,
            )
    except Exception as second:  # noqa: BLE001  # whatever it is, it must not hide the fault
        error.add_note(f"The failure could not be recorded: {type(second).__name__}: {second}")
