"""The action that accepts a refused price."""

from typing import Any

from common.admin.columns import cash, units
from common.admin.confirm import Call, ConfirmedAction, Effect, Refused
from common.money import plain
from common.text import counted
from execution.admin.refusals import refused
from execution.engine.vocabulary import Refusal
from execution.models import RefusedPrice
from execution.selectors.refused_prices import WaitingHolding, waiting_holdings
from execution.services import accept_price

MOST_SHOWN = 100  # holdings in the preview


class AcceptPrice(ConfirmedAction):
    """Marks every holding of a symbol at a price that was refused, because somebody has looked at it."""

    name = "accept-price"
    title = "Accept the price"
    button = "Accept the price"
    permission = "execution.add_executionrun"
    most_rows = 1
    is_dangerous = True

    def applies(self, row: RefusedPrice) -> bool:
        """Only what waits is accepted, and once."""
        return row.resolved_at is None

    def preview(self, call: Call) -> Effect | Refused:
        """Show what every holding would be worth."""
        row: RefusedPrice = call.rows[0]
        if not self.applies(row):
            return Refused(f"the price does not wait any more: {row.get_resolution_display().lower()}.")
        held = waiting_holdings(refused=row)
        said = (
            f"{counted(len(held), 'holding')} of {row.security_id} would be marked at {plain(row.price)} from "
            f"{row.source}, and the accounts valued. No cash and no quantity moves. Later prices are compared "
            "with this one."
        )
        cells = [_cells(each) for each in held[:MOST_SHOWN]]
        return Effect([said], ("Account", "Mark", "Price", "Difference", "Value", "Then"), cells)

    def perform(self, call: Call) -> str | Refused:
        row: RefusedPrice = call.rows[0]
        done = accept_price(row.pk, actor=call.actor, reason=call.reason, now=call.now)
        if isinstance(done, Refusal):
            return refused(done)
        said = f"{row} was accepted: {counted(done.positions, 'position')} marked."
        return " ".join([said, *(f"Not valued: {problem}." for problem in done.out_of_range.values())])


def _cells(item: WaitingHolding) -> tuple[Any, ...]:
    return (
        str(item.position.account),
        units(item.position.mark_price),
        units(item.refused.price),
        f"{item.difference_percent:+.2f} %",
        cash(item.value),
        cash(item.value_then),
    )
