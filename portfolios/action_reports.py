"""What every door says of a corporate action that is previewed, booked or reversed: words and numbers."""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from common.text import counted
from portfolios.ledger import AccountEffect, ActionReport, Effect
from portfolios.models import CorporateAction

_Kind = CorporateAction.Kind


class Doing(StrEnum):
    """What is done with an action, in the word for it being done."""

    BOOKED = "booked"
    REVERSED = "reversed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownEffect:
    """What an action does, or did, to one account.

    `then` are the signed units at the close before the day; `before` and `after` the signed units as the books
    have them now and afterwards, with their costs; `cash` is what the account gets, signed, and `owed` the part of
    what it pays that its cash does not cover. A number is null where the action has nothing to do with it, or the
    account is left out.
    """

    account_id: uuid.UUID
    account: str
    effect: Effect
    message: str
    then: Decimal | None = None
    before: Decimal | None = None
    after: Decimal | None = None
    cost_before: Decimal | None = None
    cost_after: Decimal | None = None
    cash: Decimal | None = None
    owed: Decimal | None = None
    realized_pnl: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownReport:
    """What an action comes to in all accounts, and in each.

    `action_id` is null in a preview of a new one; `repeated`: it stood already, and nothing new is booked.
    `accounts` are those it is booked in, now or before; `cash` is what those that it changes get, with what is
    `owed`.
    """

    action_id: int | None
    kind: str
    symbol: str
    successor: str
    terms: str
    effective_on: date
    price: Decimal | None
    repeated: bool
    accounts: int
    cash: Decimal
    owed: Decimal
    effects: Sequence[ShownEffect]


_UNITS = ("before", "after")
_COSTS = ("cost_before", "cost_after")
_CASH = ("cash", "owed")
# What an action of each kind changes in an account that it is booked in, and what its reversal does.
NUMBERS: dict[tuple[str, Doing], tuple[str, ...]] = {
    (_Kind.SPLIT, Doing.BOOKED): ("then", *_UNITS, *_COSTS, *_CASH, "realized_pnl"),
    (_Kind.SPLIT, Doing.REVERSED): (*_UNITS, *_COSTS, *_CASH, "realized_pnl"),
    (_Kind.DIVIDEND, Doing.BOOKED): ("then", *_CASH),
    (_Kind.DIVIDEND, Doing.REVERSED): _CASH,
    (_Kind.SYMBOL_CHANGE, Doing.BOOKED): (*_UNITS, *_COSTS),
    (_Kind.SYMBOL_CHANGE, Doing.REVERSED): _UNITS,
}


def shown_report(report: ActionReport, *, doing: Doing) -> ShownReport:
    """Return the report as doors show it; accounts that are left out come first, then by name."""
    ordered = sorted(report.effects, key=lambda each: (each.effect is not Effect.LEFT_OUT, each.account))
    return ShownReport(
        action_id=report.action_id,
        kind=report.kind,
        symbol=report.symbol,
        successor=report.successor,
        terms=report.terms,
        effective_on=report.effective_on,
        price=report.price,
        repeated=report.repeated,
        accounts=report.accounts,
        cash=report.cash,
        owed=report.owed,
        effects=[_shown(each, NUMBERS[report.kind, doing]) for each in ordered],
    )


def _shown(effect: AccountEffect, numbers: Sequence[str]) -> ShownEffect:
    known = {Effect.BOOKED: numbers, Effect.UNAFFECTED: _UNITS}.get(effect.effect, ())
    return ShownEffect(
        account_id=effect.account_id,
        account=effect.account,
        effect=effect.effect,
        message="" if effect.effect is Effect.BOOKED_BEFORE else effect.message,  # it says no more than the effect
        **{name: getattr(effect, name) for name in known},
    )


def effect_words(effect: Effect, *, doing: Doing) -> str:
    """Return what a preview says of an account."""
    words = {Effect.BOOKED: f"to be {doing}", Effect.UNAFFECTED: "not affected"}
    return words.get(effect, effect.replace("_", " "))


def fingerprint(report: ActionReport) -> str:
    """Return what a preview said, short: what is booked is what was seen."""
    said = (report.action_id, report.terms, report.price, report.repeated, report.effects)
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


def is_bookable(report: ActionReport) -> bool:
    """Whether booking would write something: not where it stands already, or where every account is left out."""
    return not report.repeated and (bool(report.booked) or not report.having(Effect.LEFT_OUT))


def headline(report: ActionReport) -> str:
    """Return what the action is: `Split 3:1 of MSFT on 2026-01-06`."""
    day = report.effective_on
    if report.kind == _Kind.SYMBOL_CHANGE:
        return f"Change of symbol from {report.symbol} to {report.successor} on {day}"
    what = "Split" if report.kind == _Kind.SPLIT else "Dividend"
    unit = "" if report.kind == _Kind.SPLIT else " per unit"
    return f"{what} {report.terms}{unit} of {report.symbol} on {day}"


def outcome(report: ActionReport) -> str:
    """Return in how many accounts it is booked now, before, and not: `2 accounts, 1 left out`."""
    before, left = len(report.having(Effect.BOOKED_BEFORE)), len(report.having(Effect.LEFT_OUT))
    words = [counted(len(report.booked), "account")]
    words += [f"{before} booked before"] if before else []
    words += [f"{left} left out"] if left else []
    return ", ".join(words)


def obstacle(report: ActionReport) -> str:
    """Return why there is nothing to book; empty where there is."""
    if is_bookable(report):
        return ""
    if report.repeated and report.having(Effect.LEFT_OUT):
        return "This is booked already: nothing would be booked now. Who is left out still wants somebody to look."
    if report.repeated:
        return "This is booked already: nothing would be booked again."
    return "Nothing would be booked: every account that it concerns is left out, and wants somebody to look first."
