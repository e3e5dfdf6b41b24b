"""Reverses a finished run: compensating entries at the same prices, while nothing later depends on the run.

Afterwards cash, quantities, averages, costs and realized profits are what they were before the run, to the cent; an
account that the run opened keeps its deposit. The run, its orders and its entries stay in the record, and its
request counts as executed. A reversal is a correction of the books and no trade: trading states do not stop it.
"""

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from common.db.retry import run_transaction
from common.money import format_cash, plain
from common.text import counted
from execution.engine.vocabulary import Code, Refusal
from execution.models import ExecutionRun
from execution.prices.typed import TYPED
from execution.runs import records
from portfolios import ledger, reference_data
from portfolios.ledger import AuditContext, CannotBookError, Restoration, ReversalPlan
from portfolios.selectors import books

_SHOWN = 3  # dependents in a refusal's sentence; its details have all of them


@dataclass(frozen=True, slots=True)
class RestoredPart:
    """One position as it is after the reversal. `reversed_quantity` is what it held until then."""

    position_id: str
    symbol: str
    side: str
    reversed_quantity: str
    quantity: str
    average_price: str
    cost_basis: str
    realized_pnl: str


@dataclass(frozen=True, slots=True)
class ReversalReport:
    """What a reversal did, or would do (`status` "previewed"): the same to every door. Decimals are text."""

    run_id: str
    request_id: str
    account_id: str
    status: str  # "reversed", "previewed"
    replay: bool
    orders: int
    entries: int
    cash: str
    cash_balance: str
    positions: list[RestoredPart]
    actor: str
    reason: str
    reversed_at: str | None

    def as_data(self) -> dict[str, Any]:
        """Return the report as JSON-ready values."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "ReversalReport":
        """Return the report that `as_data` made."""
        return cls(**{**data, "positions": [RestoredPart(**part) for part in data["positions"]]})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """Who wants which run reversed, when and why."""

    run_id: uuid.UUID
    actor: str
    source: str
    reason: str
    now: datetime


def preview_reversal(run_id: uuid.UUID) -> ReversalReport | Refusal:
    """Return what `reverse_run` would do now, or its refusal. Writes nothing."""
    with books.one_snapshot():
        account_id = records.account_of_run(run_id)
        account = books.get_account(account_id) if account_id else None
        found = _decide(run_id, account)
    if not isinstance(found, _Decided):
        return found
    return _report(found)


def reverse_run(
    run_id: uuid.UUID, *, actor: str, source: str, reason: str, now: datetime
) -> ReversalReport | Refusal:
    """Reverse a run once: the report, the first reversal's report again (`replay`), or why it is refused.

    Refused: an unknown, failed or running run (RUN_NOT_FOUND, RUN_NOT_FINISHED), one without orders
    (RUN_WITHOUT_ORDERS), one that something later depends on (RUN_HAS_SUCCESSORS, which names it), a missing reason
    (REASON_MISSING). Must not be called inside a transaction. Raises what the database raises when 5 attempts did
    not help.
    """
    if not actor.strip() or not reason.strip():
        return Refusal(Code.REASON_MISSING, f"run {run_id}: a reversal needs an actor and a reason")
    order = _Order(run_id=run_id, actor=actor, source=source, reason=reason.strip(), now=now)
    try:
        return run_transaction(lambda: _reverse_once(order))
    except CannotBookError as error:
        return Refusal(Code.CANNOT_BOOK, f"run {run_id}: {error}")


@dataclass(frozen=True, slots=True)
class _Decided:
    """A run that may be reversed, and what that means."""

    run: ExecutionRun
    plan: ReversalPlan


def _reverse_once(order: _Order) -> ReversalReport | Refusal:
    """One attempt, one transaction: lock, look, decide, write."""
    with transaction.atomic(durable=True):
        account_id = records.account_of_run(order.run_id)
        locked = ledger.lock_accounts([account_id]) if account_id else []
        found = _decide(order.run_id, locked[0] if locked else None)
        if not isinstance(found, _Decided):
            return found
        return _write(found, order)


def _decide(run_id: uuid.UUID, account: Any) -> _Decided | ReversalReport | Refusal:
    run = records.find_run(run_id)
    if run is None:
        return Refusal(Code.RUN_NOT_FOUND, f"run {run_id} does not exist")
    reversal = records.reversal_of(run)
    if reversal is not None:
        return replace(ReversalReport.from_data(reversal.report), replay=True)
    if run.status != ExecutionRun.Status.SUCCEEDED or account is None:
        return Refusal(Code.RUN_NOT_FINISHED, f"run {run_id} is {run.status}: it has booked nothing")
    try:
        plan = ledger.plan_reversal(account, run_id=run_id)
    except CannotBookError as error:
        return Refusal(Code.CANNOT_BOOK, f"run {run_id}: {error}")
    if not plan.entries:
        return Refusal(Code.RUN_WITHOUT_ORDERS, f"run {run_id} has no orders: there is nothing to reverse")
    return _successors(run, plan) or _Decided(run, plan)


def _successors(run: ExecutionRun, plan: ReversalPlan) -> Refusal | None:
    """Refuse where something later depends on the run, and say what has to be reversed first."""
    found = [str(dependent) for dependent in plan.dependents]
    if not found:
        return None
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return Refusal(
        Code.RUN_HAS_SUCCESSORS,
        f"run {run.pk} cannot be reversed, later bookings depend on it: {'; '.join(found[:_SHOWN])}{more}",
        {
            "successors": "; ".join(found),
            "runs": ", ".join(dict.fromkeys(str(item.run_id) for item in plan.dependents if item.run_id)),
            "symbols": ", ".join(sorted({item.symbol for item in plan.dependents if item.symbol})),
        },
    )


def _write(found: _Decided, order: _Order) -> ReversalReport:
    """Past this line nothing is refused: everything is written, or the transaction fails as a whole."""
    plan = found.plan
    report = replace(
        _report(found), status="reversed", actor=order.actor, reason=order.reason, reversed_at=order.now.isoformat()
    )
    ledger.reverse_entries(
        plan.account,
        plan.entries,
        positions=plan.positions,
        before=plan.before,
        context=AuditContext(actor=order.actor, now=order.now, run_id=order.run_id, reason=order.reason),
    )
    _forget_typed_prices(found.run)
    records.record_reversal(
        found.run,
        actor=order.actor,
        source=order.source,
        reason=order.reason,
        entry_count=len(plan.entries),
        cash=plan.cash,
        report=report.as_data(),
        now=order.now,
    )
    return report


def _forget_typed_prices(run: ExecutionRun) -> None:
    """Take the prices that a person typed for the run out of the store, whoever they were meant for.

    A wrong one would be traded at by the next run, and the right one be out of the band beside it. A right one can
    be typed again; the run and its orders keep what they used.
    """
    typed: dict[datetime, list[str]] = {}
    for symbol, quote in run.prices.items():
        if quote["source"] == TYPED:
            typed.setdefault(datetime.fromisoformat(quote["as_of"]), []).append(symbol)
    for as_of, symbols in typed.items():
        reference_data.forget_prices(symbols, source=TYPED, as_of=as_of)


def _report(found: _Decided) -> ReversalReport:
    """The report of a preview; it is made before anything is written."""
    plan = found.plan
    return ReversalReport(
        run_id=str(found.run.pk),
        request_id=str(found.run.request_id),
        account_id=str(plan.account.pk),
        status="previewed",
        replay=False,
        orders=len({entry.order_id for entry in plan.entries}),
        entries=len(plan.entries),
        cash=plain(plan.cash),
        cash_balance=plain(plan.account.cash_balance + plan.cash),
        positions=[_restored(each) for each in plan.restorations],
        actor="",
        reason="",
        reversed_at=None,
    )


def _restored(found: Restoration) -> RestoredPart:
    now, after = found.now, found.after
    return RestoredPart(
        position_id=str(found.position_id),
        symbol=after.symbol,
        side=str(after.side),
        reversed_quantity=plain(now.quantity),
        quantity=plain(after.quantity),
        average_price=plain(after.average_price),
        cost_basis=plain(after.cost_basis),
        realized_pnl=plain(after.realized_pnl),
    )


def render_reversal(report: ReversalReport) -> str:
    """Return the report as lines for people."""
    return "\n".join([_headline(report), *map(_line, report.positions), _footer(report)]) + "\n"


def _headline(report: ReversalReport) -> str:
    if report.replay:
        return f"Replay: run {report.run_id} was reversed before, at {report.reversed_at}; its report:"
    if report.status == "previewed":
        return f"Preview: run {report.run_id} would be reversed; nothing is written"
    return f"Reversed run {report.run_id}"


def _line(part: RestoredPart) -> str:
    held = f"{part.side} {part.quantity} @ ${part.average_price}"
    after = held if Decimal(part.quantity) else "nothing held"
    realized = format_cash(Decimal(part.realized_pnl))
    return f"  {part.symbol}: {part.reversed_quantity} -> {after}, realized {realized}"


def _footer(report: ReversalReport) -> str:
    counts = f"{counted(report.orders, 'order')}, {counted(report.entries, 'ledger entry', 'ledger entries')}"
    cash, balance = format_cash(Decimal(report.cash)), format_cash(Decimal(report.cash_balance))
    return f"{counts}; cash {cash}, balance after it {balance}"
