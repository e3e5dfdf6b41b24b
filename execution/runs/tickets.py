"""The plan's orders on their way to a venue and into the books, each under an id that follows from the run."""

import uuid
from collections.abc import Sequence
from typing import Any

from common.money import plain
from execution.engine.parsing.artifact import Recommendation
from execution.engine.planning.market import Quote
from execution.engine.planning.plan import Plan
from execution.runs.account_plan import AccountView
from execution.runs.fills import new_orders
from execution.runs.prepare import Prepared
from execution.venues.base import NewOrder
from portfolios.ledger import Ticket


def client_order_ids(found: Prepared, plan: Plan) -> list[str]:
    """Derive each order's id from the run key, the symbol and the leg alone: never from a price or a quantity."""
    key = run_key(found)
    # Another line of the same symbol may have traded in an earlier run of the request.
    attempt = "" if found.attempt.sequence == 1 else f"/{found.attempt.sequence}"
    return [
        str(uuid.uuid5(found.request_id, f"{key}/{intent.symbol}/{intent.action}{attempt}"))
        for intent in plan.intents
    ]


def run_key(found: Prepared) -> str:
    """Return what a run is known by: account and request. Prices and quantities are never part of it."""
    return f"{found.strategy_id}/{found.provider}/{found.request_id}"


def orders_of(found: Prepared, plan: Plan) -> list[NewOrder]:
    """Return the plan's orders as a venue takes them, in the plan's order."""
    return new_orders(plan.intents, client_order_ids(found, plan))


def tickets_of(found: Prepared, view: AccountView, plan: Plan, *, orders: Sequence[NewOrder]) -> list[Ticket]:
    """Return the fills of a plan that a venue has filled, as the books take them. `orders` are its orders."""
    items = {item.line: item for item in found.loaded.artifact.recommendations}
    asked_for = found.request.prices.default_price_asked_for
    quotes = view.plan_input.quotes
    return [
        Ticket(
            fill=intent.fill,
            limit_price=intent.price,
            client_order_id=order.client_order_id,
            is_simulated=asked_for or quotes[intent.symbol].simulated,
            metadata=_order_metadata(found, quotes[intent.symbol], line=intent.line, item=items.get(intent.line)),
        )
        for intent, order in zip(plan.intents, orders, strict=True)
    ]


def _order_metadata(found: Prepared, quote: Quote, *, line: int, item: Recommendation | None) -> dict[str, Any]:
    confidence = item.confidence if item else None
    return {
        "request_id": str(found.request_id),
        "task_id": str(found.loaded.task_id),
        "idempotency_key": run_key(found),
        "line": line,
        "recommendation_confidence": plain(confidence) if confidence is not None else None,
        "market_context": found.loaded.artifact.market_context,
        "rationale": item.rationale if item else "",
        "price_source": quote.source,
        "price_as_of": quote.as_of.isoformat(),
    }
