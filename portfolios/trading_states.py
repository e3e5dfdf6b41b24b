"""Halting, limiting and freeing accounts: who did it, when and why stays on record."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from portfolios.ledger import CannotBookError, lock_accounts
from portfolios.models import PortfolioAccount, TradingStateChange


@dataclass(frozen=True, slots=True)
class StateSet:
    """One account's trading state before and now; equal where it was so already, and nothing was written."""

    account_id: uuid.UUID
    before: str
    after: str

    @property
    def changed(self) -> bool:
        """Whether anything was written."""
        return self.before != self.after


def set_trading_state(account_id: uuid.UUID, *, state: str, actor: str, reason: str, now: datetime) -> StateSet:
    """Set one account's trading state, in a transaction of its own, and return what it was and is.

    Raises CannotBookError for an unknown account or state, or without an actor or a reason.
    """
    (answer,) = set_trading_states([account_id], state=state, actor=actor, reason=reason, now=now)
    return answer


def set_trading_states(
    account_ids: Sequence[uuid.UUID], *, state: str, actor: str, reason: str, now: datetime
) -> list[StateSet]:
    """Set the trading state of several accounts: all of them or, where one is unknown, none. Sorted by id.

    Each account that is in another state gets a TradingStateChange. A run that holds an account's lock ends first;
    the next one finds the new state. Raises CannotBookError as `set_trading_state` does.
    """
    _require(state=state, actor=actor, reason=reason)
    with transaction.atomic(durable=True):
        accounts = lock_accounts(account_ids)
        unknown = set(account_ids) - {account.pk for account in accounts}
        if unknown:
            raise CannotBookError(f"account {min(unknown)} does not exist")
        answers = [StateSet(account.pk, account.trading_state, state) for account in accounts]
        changed = [answer for answer in answers if answer.changed]
        TradingStateChange.objects.bulk_create(
            TradingStateChange(
                account_id=answer.account_id,
                before=answer.before,
                after=state,
                actor=actor,
                reason=reason.strip(),
                changed_at=now,
            )
            for answer in changed
        )
        rows = PortfolioAccount.objects.filter(pk__in=[answer.account_id for answer in changed])
        rows.update(trading_state=state, updated_at=now)
    return answers


def _require(*, state: str, actor: str, reason: str) -> None:
    known = PortfolioAccount.TradingState.values
    if state not in known:
        raise CannotBookError(f"state is {state!r}: must be one of {', '.join(known)}")
    if not actor.strip() or not reason.strip():
        raise CannotBookError("a change of the trading state needs an actor and a reason")
