"""The report of an earlier run, given once more: with what has happened since, and how the call differs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from common.money import ZERO, format_cash, plain
from execution.engine.vocabulary import EXPIRED, Outcome
from execution.models import ExecutionRun, Recommendation
from execution.reports.types import DecisionPart, RunReport
from execution.runs import records


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a call asks for, beside the request itself. `initial_balance` None: the account was there already.

    `prices` are those that it names by symbol, `default_price` the one for all others, None where it names none.
    """

    now: datetime
    mode: str
    close_unlisted: bool
    initial_balance: Decimal | None
    prices: Mapping[str, Decimal] = field(default_factory=dict)
    default_price: Decimal | None = None


def call_like(run: ExecutionRun) -> Call:
    """Return the call that made the run, as far as a replay looks at it."""
    opened = run.report.get("account", {}).get("initial_balance")
    return Call(
        now=run.started_at,
        mode=run.parameters["mode"],
        close_unlisted=bool(run.parameters["close_unlisted"]),
        initial_balance=None if opened is None else Decimal(opened),
    )


def replay_of(run: ExecutionRun, call: Call) -> RunReport:
    """Return the run's report, marked as a replay: whether the run was reversed, which of its deferred lines have
    expired, and how the call differs from the one that made it.
    """
    reversal = records.reversal_of(run)
    report = RunReport.from_data(run.report)
    report = report.as_replay(reversed_at=reversal.reversed_at.isoformat() if reversal else None)
    notes = [*report.notes, *differences(run, call)]
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
        yield f"This call asks for an opening balance of {asked}; the account was opened with {was}."
    yield from _other_prices(run, call)


def _other_prices(run: ExecutionRun, call: Call) -> Iterator[str]:
    """Say which prices of the call are not those of the run, of what it priced."""
    for symbol, quote in sorted(run.prices.items()):
        used, default = Decimal(quote["price"]), quote.get("simulated", False)
        asked = call.prices.get(symbol, call.default_price if default else None)
        if asked is not None and asked != used:
            yield f"This call prices {symbol} at {plain(asked)}; the request was executed at {plain(used)}."
