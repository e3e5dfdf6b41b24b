"""In which order corporate actions of one symbol may be booked and reversed."""

from collections.abc import Mapping
from fractions import Fraction

from django.db.models import Q, QuerySet

from portfolios.ledger.refusals import CannotBookError
from portfolios.models import CorporateAction

_Kind = CorporateAction.Kind


def ratios_of(symbol: str) -> Mapping[int, Fraction]:
    """Return the ratio of each split of the symbol by its key."""
    return {
        action.pk: action.ratio for action in CorporateAction.objects.filter(security_id=symbol, kind=_Kind.SPLIT)
    }


def terms_of(action: CorporateAction) -> str:
    """Return the terms in short: 4:1, the cash per unit, or the new symbol."""
    return action.terms


def require_in_order(action: CorporateAction) -> None:
    """Raise CannotBookError where an action that stands was booked on what this one would change.

    A later dividend was paid on units that a split would have made others; a later split multiplied them. Both can
    be reversed, and entered again after this one.
    """
    for other in _standing(action.security_id).exclude(pk=action.pk).order_by("-effective_on"):
        why = _in_the_way(action, other)
        if why:
            raise CannotBookError(why)


def _standing(symbol: str) -> QuerySet[CorporateAction]:
    return CorporateAction.objects.filter(Q(security_id=symbol) | Q(successor_id=symbol), reversed_at=None)


def _in_the_way(action: CorporateAction, other: CorporateAction) -> str:
    """Why `other` has to be reversed before `action` is booked or reversed; empty where it has not."""
    symbol, day = action.security_id, action.effective_on
    if other.kind == _Kind.SYMBOL_CHANGE:
        return _change_in_the_way(action, other)
    named = f"{symbol} has a {other.get_kind_display().lower()} on {other.effective_on}"
    if action.kind == _Kind.DIVIDEND:
        return ""
    if other.kind == _Kind.SPLIT and other.effective_on >= day:
        return f"{named}, booked before: reverse it first, and enter both in the order of their days"
    if other.kind == _Kind.DIVIDEND and other.effective_on > day:
        return f"{named}, paid on other units: reverse it first, and enter both in the order of their days"
    return ""


def _change_in_the_way(action: CorporateAction, change: CorporateAction) -> str:
    symbol, day = action.security_id, action.effective_on
    if change.security_id == symbol:
        if action.kind == _Kind.DIVIDEND and day <= change.effective_on:
            return ""
        if day < change.effective_on:
            return f"{symbol} is {change.successor_id} since {change.effective_on}: reverse that change first"
        return f"{symbol} is {change.successor_id} since {change.effective_on}: enter it for that symbol"
    if day <= change.effective_on:
        return f"{symbol} was {change.security_id} until {change.effective_on}: enter it for that symbol"
    return ""
