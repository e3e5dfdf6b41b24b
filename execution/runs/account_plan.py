"""One account as a plan sees it, the plan of it, and the token that stands for both."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from common.money import ZERO, plain
from execution.engine.planning.market import Instrument, Quote, Successor
from execution.engine.planning.plan import Plan, PlanInput, make_plan, symbols_to_price
from execution.engine.planning.policy import policy_as_data
from execution.engine.vocabulary import Code, Refusal, TradingState
from execution.runs.effective_policy import system_state
from execution.runs.plan_token import make_token, what_changed
from execution.runs.prepare import Prepared
from portfolios.domain.exchange_day import exchange_day
from portfolios.selectors import books as queries
from portfolios.selectors.corporate_actions import successors


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """One account as a plan sees it. `account` is None where it is still to be opened."""

    account_id: uuid.UUID | None
    is_new: bool
    positions: Sequence[Any]
    plan_input: PlanInput
    books: str


def view_account(found: Prepared, account: Any, *, is_new: bool = False) -> AccountView:
    """Return the account at the run's prices; with what it will be opened with where it is still None or new."""
    request = found.request
    positions = queries.open_positions(account) if account is not None and not is_new else []
    cash = account.cash_balance if account is not None else request.initial_balance
    quotes = _with_last_marks(found, positions)
    marks = {symbol: quote.price for symbol, quote in quotes.items()}
    snapshot = queries.snapshot(
        cash_balance=cash,
        positions=positions,
        marks=marks,
        book_version=account.book_version if account is not None else 0,
        payable=account.payable if account is not None else ZERO,
    )
    state = account.trading_state if account is not None else TradingState.ACTIVE
    is_first = account is None or is_new
    return AccountView(
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
            mode=request.mode,
            close_unlisted=_sweeps(found),
            state=TradingState.strictest(TradingState(state), system_state()),
            age_hours=found.age_hours,
            confirmed=found.loaded.interpretation.confirmed,
            held_back=found.prices.held_back,
            unpriced=found.unpriced,
            former=_former(found),
        ),
    )


def _former(found: Prepared) -> dict[str, Successor]:
    """Return what became of the symbols of the research that their securities have no more."""
    named = {item.symbol for item in found.artifact.recommendations}
    known = successors(named, on=exchange_day(found.request.now))
    return {symbol: Successor(new, since) for symbol, (new, since) in known.items()}


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
    return found.request.close_unlisted and found.attempt.lines is None


def _instruments(symbols: set[str]) -> dict[str, Instrument]:
    return {
        symbol: Instrument(
            symbol, security.sector, security.quantity_step, security.minimum_quantity, security.is_active
        )
        for symbol, security in queries.securities(symbols).items()
    }


def plan_account(found: Prepared, view: AccountView) -> Plan | Refusal:
    """Return the plan, or why there is none, with the file that it is about. Nothing is planned while trading is
    halted: that passes, and research is not used up by it.
    """
    if view.plan_input.state is TradingState.HALTED:
        return _halted(found)
    plan = make_plan(view.plan_input)
    if isinstance(plan, Refusal):
        return Refusal(plan.code, f"{found.loaded.source}: {plan.message}", plan.details)
    return plan


def _halted(found: Prepared) -> Refusal:
    is_system = system_state() is TradingState.HALTED
    where = "in the whole system" if is_system else f"in the account of {found.provider}"
    message = f"trading is halted {where}: the request can be executed when trading is active again"
    return Refusal(Code.TRADING_HALTED, message)


def token_of(found: Prepared, view: AccountView) -> str:
    """Return what stands for everything that the plan depends on: equal tokens mean equal plans."""
    request = found.request
    return make_token(
        digest=found.loaded.artifact.digest,
        prices={symbol: quote.price for symbol, quote in view.plan_input.quotes.items()},
        books=view.books,
        rules={
            **parameters_of(found),
            "state": view.plan_input.state,
            "former": sorted((symbol, new.symbol) for symbol, new in view.plan_input.former.items()),
            "sweep": request.close_unlisted,
            "lines": attempt_lines(found),
            "interpretation": found.loaded.interpretation.as_data(),
        },
    )


def attempt_lines(found: Prepared) -> list[int] | None:
    """Return the lines that a follow-up run is about, None for a first run, which is about all."""
    return None if found.attempt.lines is None else sorted(found.attempt.lines)


def token_refusal(found: Prepared, token: str) -> Refusal | None:
    """Return why the plan is not the previewed one, None where it is or where nothing was previewed."""
    expected = found.request.plan_token
    if expected is None or expected == token:
        return None
    changed = what_changed(expected=expected, actual=token)
    return Refusal(
        Code.PLAN_CHANGED,
        f"the plan is not the one that was previewed: {changed}",
        {"plan_token": token, "difference": changed},
    )


def parameters_of(found: Prepared) -> dict[str, Any]:
    """Return how the request is planned, as JSON-ready values."""
    request = found.request
    return {
        "mode": str(request.mode),
        "close_unlisted": request.close_unlisted,
        "policy": policy_as_data(found.policy),
    }
