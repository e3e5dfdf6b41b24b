"""Why a run did what it did: for every line the chain from what was written to what was booked."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from common.identifiers import NoSymbol
from common.money import format_cash, plain
from common.text import one_line
from execution.arguments import find_symbol
from execution.engine.vocabulary import Code, Refusal
from execution.models import ExecutionRun, Recommendation
from execution.runs import records
from portfolios.selectors import books


@dataclass(frozen=True, slots=True)
class ExplainedLine:
    """One line: as written, as understood, what each limit said, the orders, their fills and the decision."""

    line: int
    raw: Any
    understood: dict[str, str | None]
    verdicts: list[dict[str, str | None]]
    orders: list[dict[str, Any]]
    outcome: str
    codes: list[str]
    reason: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """One run with the account before it and the lines that were asked for."""

    run: dict[str, Any]
    before: dict[str, Any]
    lines: list[ExplainedLine]

    def as_data(self) -> dict[str, Any]:
        """Return the explanation as JSON-ready values."""
        return asdict(self)


def explain_run(run_id: uuid.UUID, *, symbol: str | None = None) -> Explanation | Refusal:
    """Return the explanation of a run, of all its lines or those of one symbol, or why there is none."""
    wanted = None if symbol is None else find_symbol(symbol)
    if isinstance(wanted, NoSymbol):
        return Refusal(Code.SYMBOL_INVALID, f"{one_line(symbol)} is not a symbol: {wanted.rule}")
    with books.one_snapshot():
        run = records.find_run(run_id)
        if run is None:
            return Refusal(Code.RUN_NOT_FOUND, f"run {run_id} does not exist")
        rows = records.lines_of(run, symbol=wanted)
        if wanted is not None and not rows:
            return Refusal(Code.SYMBOL_NOT_FOUND, f"run {run_id} has no line for {wanted}")
        orders = _orders(run)
        lines = [_line(row, orders.get(row.line, [])) for row in rows]
    return Explanation(run=_run(run), before=dict(run.parameters.get("snapshot", {})), lines=lines)


def _run(run: ExecutionRun) -> dict[str, Any]:
    return {
        "id": str(run.pk),
        "status": run.status,
        "strategy": run.strategy.name,
        "provider": run.provider,
        "request_id": str(run.request_id),
        "digest": run.digest,
        "mode": run.parameters.get("mode"),
        "policy_version": run.parameters.get("policy", {}).get("version"),
        "actor": run.actor,
        "source": run.source,
        "started_at": run.started_at.isoformat(),
        "simulated": run.is_simulated,
    }


def _orders(run: ExecutionRun) -> dict[int, list[dict[str, Any]]]:
    """The orders of each line, each with the ledger entries that it made."""
    links = records.orders_of(run)
    entries = books.ledger_of_orders([link.order_id for link in links])
    found: dict[int, list[dict[str, Any]]] = {}
    for link in links:
        order = link.order
        found.setdefault(link.recommendation.line, []).append(
            {
                "id": str(order.pk),
                "action": order.action,
                "symbol": order.security_id,
                "quantity": plain(order.quantity),
                "limit_price": plain(order.limit_price),
                "price_source": order.metadata.get("price_source"),
                "price_as_of": order.metadata.get("price_as_of"),
                "status": order.status,
                "ledger": [
                    {"sequence": entry.sequence, "kind": entry.kind, "amount": plain(entry.amount),
                     "price": plain(entry.price) if entry.price is not None else None,
                     "balance_after": plain(entry.balance_after)}
                    for entry in entries.get(order.pk, [])
                ],
            }
        )  # fmt: skip
    return found


def _line(row: Recommendation, orders: list[dict[str, Any]]) -> ExplainedLine:
    understood = {
        "symbol": row.symbol or None,
        "action": row.action or None,
        "allocation_percent": plain(row.allocation_percent, places=1)
        if row.allocation_percent is not None
        else None,
        "confidence": plain(row.confidence) if row.confidence is not None else None,
    }
    return ExplainedLine(
        row.line, row.raw, understood, list(row.verdicts), orders, row.outcome, list(row.codes), row.reason
    )


def render_explanation(explanation: Explanation) -> str:
    """Return the explanation as lines for people."""
    return "\n".join(_text(explanation)) + "\n"


def _text(explanation: Explanation) -> Iterator[str]:
    run = explanation.run
    yield f"Run {run['id']} of request {run['request_id']}, {run['status']}"
    yield f"{run['strategy']} / {run['provider']}, mode {run['mode']}, policy {run['policy_version']}"
    yield f"Started {run['started_at']} by {run['actor']} ({run['source']})"
    for line in explanation.lines:
        yield ""
        yield from _line_text(line)


def _line_text(line: ExplainedLine) -> Iterator[str]:
    understood = [f"{name} {value}" for name, value in line.understood.items() if value is not None]
    yield f"Line {line.line}: {line.outcome}{' ' + ', '.join(line.codes) if line.codes else ''}"
    yield f"  written     {json.dumps(line.raw, ensure_ascii=False, sort_keys=True)}"
    yield f"  understood  {', '.join(understood) or 'nothing'}"
    for verdict in line.verdicts:
        left = f", {_cash(verdict['room'])} available" if verdict["room"] is not None else ""
        sizes = f"{_cash(verdict['before'])} -> {_cash(verdict['after'])}"
        yield f"  {verdict['code']:<18} {verdict['result']}: {sizes}{left}"
    for order in line.orders:
        yield from _order_text(order)
    yield f"  decision    {line.reason}"


def _order_text(order: dict[str, Any]) -> Iterator[str]:
    price = f"{order['limit_price']} ({order['price_source']}, {order['price_as_of']})"
    yield f"  order       {order['action']} {order['quantity']} {order['symbol']} at {price}: {order['status']}"
    for entry in order["ledger"]:
        at = f" at {entry['price']}" if entry["price"] is not None else ""
        booked = f"{_cash(entry['amount'])}, balance {_cash(entry['balance_after'])}"
        yield f"  ledger {entry['sequence']:<4} {entry['kind']}{at}: {booked}"


def _cash(text: str | None) -> str:
    return format_cash(Decimal(text or 0))
