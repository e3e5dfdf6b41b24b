"""In which order corporate actions of one symbol may be booked and reversed."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

from django.db.models import Q

from portfolios.ledger.refusals import CannotBookError
from portfolios.models import CorporateAction

_Kind = CorporateAction.Kind


def ratios_of(symbol: str) -> Mapping[int, Fraction]:
    """Return the ratio of each split of the symbol by its key."""
    return {
        action.pk: action.ratio for action in CorporateAction.objects.filter(security_id=symbol, kind=_Kind.SPLIT)
    }


def require_in_order(action: CorporateAction) -> None:
    """Raise CannotBookError where an action that stands was booked on what this one would change.

    A later dividend was paid on units that a split would have made others; a later split multiplied them; a change
    of symbol took them over. Each can be reversed, and entered again after this one.
    """
    symbols = [symbol for symbol in (action.security_id, action.successor_id) if symbol]
    for symbol in symbols:
        rows = CorporateAction.objects.filter(Q(security_id=symbol) | Q(successor_id=symbol), reversed_at=None)
        others = list(rows.exclude(pk=action.pk).order_by("effective_on", "pk"))
        changes = [other for other in others if other.kind == _Kind.SYMBOL_CHANGE]
        booked = [other for other in others if other.kind != _Kind.SYMBOL_CHANGE]
        why = _name_in_the_way(action, symbol, changes) or _units_in_the_way(action, symbol, booked)
        if why:
            raise CannotBookError(why)


def _units_in_the_way(action: CorporateAction, symbol: str, booked: Sequence[CorporateAction]) -> str:
    """The last split or dividend that was booked on units that `action` would have made others."""
    if action.kind == _Kind.DIVIDEND:
        return ""
    for other in reversed(booked):
        # On the day of a change the split is one of the former symbol, and comes first.
        is_later = other.effective_on > action.effective_on
        same_day = other.effective_on == action.effective_on and other.kind == action.kind == _Kind.SPLIT
        if is_later or same_day:
            named = f"{symbol} has a {other.get_kind_display().lower()} on {other.effective_on}"
            why = "booked before" if other.kind == _Kind.SPLIT else "paid on other units"
            return f"{named}, {why}: reverse it first, and enter both in the order of their days"
    return ""


def _name_in_the_way(action: CorporateAction, symbol: str, changes: Sequence[CorporateAction]) -> str:
    """Why the symbol is not the name of the security on the day, or was booked on under another one."""
    day = action.effective_on
    for change in reversed(changes):
        is_out = change.security_id == symbol
        if action.kind == _Kind.DIVIDEND and day == change.effective_on:
            # What was held at the close before had its former name.
            return "" if is_out else _was(symbol, change)
        if day < change.effective_on or (day == change.effective_on and action.kind == _Kind.SPLIT):
            if action.kind != _Kind.DIVIDEND:
                return f"{_is(symbol, change) if is_out else _was(symbol, change)}: reverse that change first"
            if not is_out:
                return _was(symbol, change)
            continue
        is_free_again = symbol == action.successor_id
        return f"{_is(symbol, change)}: enter it for that symbol" if is_out and not is_free_again else ""
    return ""


def _is(symbol: str, change: CorporateAction) -> str:
    return f"{symbol} is {change.successor_id} since {change.effective_on}"


def _was(symbol: str, change: CorporateAction) -> str:
    return f"{symbol} was {change.security_id} until {change.effective_on}: enter it for that symbol"
