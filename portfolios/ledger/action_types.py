"""What corporate actions come to: in one account, and in all of them."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from common.money import ZERO


class Effect(StrEnum):
    """What an action means for an account."""

    BOOKED = "booked"
    UNAFFECTED = "unaffected"  # nothing was held at the close before
    BOOKED_BEFORE = "booked_before"
    LEFT_OUT = "left_out"  # a person has to look; `message` says at what


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountEffect:
    """What an action does, or did, to one account.

    `then` are the signed units that were held at the close before; `before` and `after` the signed units as the
    books have them now, with their costs. `cash` is the signed cash that the account gets; `owed` the part of what
    it pays that its cash does not cover. `realized_pnl` is the profit that the action adds.
    """

    account_id: uuid.UUID
    account: str
    effect: Effect
    message: str = ""
    then: Decimal = ZERO
    before: Decimal = ZERO
    after: Decimal = ZERO
    cost_before: Decimal = ZERO
    cost_after: Decimal = ZERO
    cash: Decimal = ZERO
    owed: Decimal = ZERO
    realized_pnl: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionReport:
    """What an action comes to in all accounts. `action_id` is None in a preview; `repeated`: it stood already."""

    action_id: int | None
    kind: str
    symbol: str
    successor: str
    terms: str
    effective_on: date
    price: Decimal | None
    repeated: bool
    effects: Sequence[AccountEffect]

    @property
    def booked(self) -> list[AccountEffect]:
        """The accounts that the action changes."""
        return self.having(Effect.BOOKED)

    @property
    def accounts(self) -> int:
        """Accounts that the action is booked in, now or before."""
        return len(self.booked) + len(self.having(Effect.BOOKED_BEFORE))

    @property
    def cash(self) -> Decimal:
        """Signed cash of all accounts that the action changes, with what is owed."""
        return sum((each.cash for each in self.booked), ZERO)

    @property
    def owed(self) -> Decimal:
        """What accounts owe because their cash did not suffice."""
        return sum((each.owed for each in self.booked), ZERO)

    def having(self, effect: Effect) -> list[AccountEffect]:
        """Return the accounts with that effect."""
        return [each for each in self.effects if each.effect is effect]
