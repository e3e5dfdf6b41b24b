"""Actions that say what research may do in accounts: halted, reduce-only, active."""

from collections.abc import Sequence
from typing import ClassVar

from common.admin.columns import badge
from common.admin.confirm import Call, ConfirmedAction, Effect, Refused
from common.text import counted
from portfolios.ledger import CannotBookError
from portfolios.models import PortfolioAccount
from portfolios.trading_states import set_trading_states

_State = PortfolioAccount.TradingState


class _SetTradingState(ConfirmedAction):
    """Brings accounts into one trading state; the change keeps who did it and why."""

    permission = "portfolios.change_portfolioaccount"
    for_lists = True
    state: ClassVar[PortfolioAccount.TradingState]
    explanation: ClassVar[str]

    def applies(self, row: PortfolioAccount) -> bool:
        return row.trading_state != self.state

    def preview(self, call: Call) -> Effect | Refused:
        """Say what the state means, and for which accounts it is new."""
        if not any(self.applies(row) for row in call.rows):
            return Refused(f"the trading state is {self.state.label} already.")
        rows = [
            (
                str(row),
                badge(row.trading_state, row.get_trading_state_display()),
                badge(self.state, self.state.label),
            )
            for row in call.rows
        ]
        return Effect([self.explanation], ("Account", "Before", "After"), rows, token=_standing(call.rows))

    def perform(self, call: Call) -> str | Refused:
        """Set the state of all of them, or of none."""
        if call.token != _standing(call.rows):
            return Refused("a trading state has changed since the preview. Look again.")
        try:
            answers = set_trading_states(
                [row.pk for row in call.rows],
                state=self.state,
                actor=call.actor,
                reason=call.reason,
                now=call.now,
            )
        except CannotBookError as error:
            return Refused(str(error))
        changed = sum(answer.changed for answer in answers)
        return f"{changed} of {counted(len(answers), 'account')} changed to {self.state.label}."


class Halt(_SetTradingState):
    """Research trades nothing in the account."""

    name = "halt"
    title = "Halt trading"
    button = "Halt"
    state = _State.HALTED
    explanation = "Research trades nothing there until somebody activates it. Holdings and cash stay as they are."
    is_dangerous = True


class ReduceOnly(_SetTradingState):
    """Research may only make holdings smaller."""

    name = "reduce-only"
    title = "Set to reduce-only"
    button = "Reduce only"
    state = _State.REDUCING
    explanation = "Research may make holdings there smaller, and opens or adds to none."


class Activate(_SetTradingState):
    """Research trades as its policy allows."""

    name = "activate"
    title = "Activate trading"
    button = "Activate"
    state = _State.ACTIVE
    explanation = "Research trades there as the strategy's policy allows."


def _standing(rows: Sequence[PortfolioAccount]) -> str:
    """What the accounts' states are: confirmed is what was seen."""
    return " ".join(sorted(f"{row.pk}={row.trading_state}" for row in rows))
