"""The action that reverses a run."""

from decimal import Decimal
from typing import Any

from common.admin.columns import cash, units
from common.admin.confirm import Call, ConfirmedAction, Effect, Refused
from common.money import format_cash
from common.text import counted
from execution.admin.refusals import refused
from execution.engine.vocabulary import Refusal
from execution.models import ExecutionRun
from execution.services import RestoredPart, preview_reversal, reverse_run


class ReverseRun(ConfirmedAction):
    """Reverses a run by compensating entries, while nothing later stands on it."""

    name = "reverse"
    title = "Reverse the run"
    button = "Reverse"
    permission = "execution.add_reversal"
    most_rows = 1
    is_dangerous = True

    def applies(self, row: ExecutionRun) -> bool:
        """Only what was booked is reversed, and once."""
        return row.status == ExecutionRun.Status.SUCCEEDED and row.order_count > 0 and not hasattr(row, "reversal")

    def preview(self, call: Call) -> Effect | Refused:
        """Show the holdings and the cash as they would be."""
        found = preview_reversal(call.rows[0].pk)
        if isinstance(found, Refusal):
            return refused(found)
        if found.replay:
            return Refused(f"the run was reversed at {found.reversed_at}.")
        moved, balance = format_cash(Decimal(found.cash)), format_cash(Decimal(found.cash_balance))
        taken = (
            f"{counted(found.orders, 'order is', 'orders are')} reversed by "
            f"{counted(found.entries, 'entry', 'entries')} at the same prices."
        )
        sentences = [
            f"{taken} Cash moves by {moved} to {balance}.",
            "The run and its orders stay in the record. Its request counts as executed and is not executed again.",
        ]
        rows = [_restored(part) for part in found.positions]
        return Effect(sentences, ("Symbol", "Side", "Now", "Then", "Average price", "Realized"), rows)

    def perform(self, call: Call) -> str | Refused:
        found = reverse_run(
            call.rows[0].pk, actor=call.actor, source=ExecutionRun.Source.ADMIN, reason=call.reason, now=call.now
        )
        if isinstance(found, Refusal):
            return refused(found)
        if found.replay:
            return Refused(f"the run was reversed at {found.reversed_at}.")
        orders = counted(found.orders, "order was", "orders were")
        return f"{orders} reversed; cash moved by {format_cash(Decimal(found.cash))}."


def _restored(part: RestoredPart) -> tuple[Any, ...]:
    return (
        part.symbol,
        part.side,
        units(Decimal(part.reversed_quantity)),
        units(Decimal(part.quantity)),
        units(Decimal(part.average_price)),
        cash(Decimal(part.realized_pnl)),
    )
