"""The report of an earlier run, given once more: with what has happened since, and how the call differs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from common.money import ZERO, format_cash, plain
from execution.engine.vocabulary import EXPIRED, Outcome
from execution.models import ExecutionRun, Recommendation
from execution.reports.types import DecisionPart, RunReport
from execution.runs import records

_MOST_NAMED = 10  # symbols in a note


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a call asks for, beside the request itself. `initial_balance` None: the account was there already.
    `prices` came with the call by symbol, `default_price` for every other one; None where it named none.
    `plan_token` stands for the plan that was previewed for it, None where none was.
    """

    now: datetime
    mode: str
    close_unlisted: bool
    initial_balance: Decimal | None
    prices: Mapping[str, Decimal] = field(default_factory=dict)
    default_price: Decimal | None = None
    plan_token: str | None = None


def call_like(run: ExecutionRun) -> Call:
    """Return the call that made the run, as far as a replay looks at it."""
    opened = run.report.get("account", {}).get("initial_balance")
    return Call(
        now=run.started_at,
        mode=run.parameters["mode"],
        close_unlisted=bool(run.parameters["close_unlisted"]),
        initial_balance=None if opened is None else Decimal(opened),
    )


def replay_of(runs: Sequence[ExecutionRun], call: Call) -> RunReport:
    """Return the report of the last of a request's runs, marked as a replay: whether the run was reversed, which of
    its deferred lines have expired, and how the call differs from the one that made it, and from what was traded.
    """
    run = runs[-1]
    reversal = records.reversal_of(run)
    report = RunReport.from_data(run.report)
    report = report.as_replay(reversed_at=reversal.reversed_at.isoformat() if reversal else None)
    notes = [*report.notes, *differences(run, call), *_other_prices(runs, call)]
    return replace(report, decisions=_as_of_now(run, report.decisions, now=call.now), notes=notes)


def _as_of_now(run: ExecutionRun, decisions: list[DecisionPart], *, now: datetime) -> list[DecisionPart]:
    if all(decision.outcome != Outcome.DEFERRED for decision in decisions):
        return decisions
    expired = {row.line: expired_reason(row, now=now) for row in records.expired_lines(now).filter(run=run)}
    return [
        replace(decision, outcome=EXPIRED, reason=expired[decision.line]) if decision.line in expired else decision
        for decision in decisions
    ]


def expired_reason(row: Recommendation, *, now: datetime) -> str:
    """Return the sentence of a deferred line whose time is over at `now`."""
    is_late = row.expires_at is not None and row.expires_at <= now
    until = f"it was tried until {row.expires_at:%Y-%m-%d %H:%M} UTC"
    why = until if is_late else "newer research has been executed"
    return f"Expired, because {why}; {row.reason.removeprefix('Deferred: ')}"


def differences(run: ExecutionRun, call: Call) -> Iterator[str]:
    """Yield a sentence for each thing that the call asks for and the run did not do: nobody may take it as done."""
    done = call_like(run)
    if done.mode != call.mode:
        yield f"This call asks for mode {call.mode}; the request was executed in mode {done.mode}."
    if call.close_unlisted and not done.close_unlisted:
        yield "This call asks to close what is not listed; the request was executed without."
    if None not in (balances := (call.initial_balance, done.initial_balance)) and balances[0] != balances[1]:
        asked, was = (format_cash(balance or ZERO) for balance in balances)
        yield f"The account was opened with {was}, not with the {asked} of this call."


def _other_prices(runs: Sequence[ExecutionRun], call: Call) -> Iterator[str]:
    """Name what was traded at another price than the call gives: no order is changed by it."""
    others = [
        f"{symbol} {plain(asked)} ({plain(Decimal(quote['price']))})"
        for symbol, quote in sorted(_prices_traded_at(runs).items())
        if (asked := call.prices.get(symbol, call.default_price if quote["simulated"] else None)) is not None
        and asked != Decimal(quote["price"])
    ]
    if others:
        more = f" and {len(others) - _MOST_NAMED} more" if len(others) > _MOST_NAMED else ""
        named = ", ".join(others[:_MOST_NAMED])
        yield f"This call gives other prices than the request was executed at (in brackets): {named}{more}."


def _prices_traded_at(runs: Sequence[ExecutionRun]) -> dict[str, Mapping[str, Any]]:
    """Return the quote of every symbol that the runs have orders of."""
    return {
        order["symbol"]: run.prices[order["symbol"]]
        for run in runs
        for order in run.report.get("orders", ())
        if order["symbol"] in run.prices
    }
