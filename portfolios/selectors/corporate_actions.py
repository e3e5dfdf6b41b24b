"""Corporate actions as they were booked, and what they did to each account."""

from collections.abc import Collection
from datetime import date

from django.db.models import Exists, OuterRef, QuerySet

from portfolios.models import CorporateAction, LedgerEntry, Position

_Kind = CorporateAction.Kind


def find_standing(kind: str, symbol: str, *, on: date) -> int | None:
    """Return the key of the action that stands for a symbol and a day, or None."""
    rows = CorporateAction.objects.filter(kind=kind, security_id=symbol, effective_on=on, reversed_at=None)
    return rows.values_list("pk", flat=True).first()


def all_actions() -> QuerySet[CorporateAction]:
    """Return every action with its security, the newest day first; reversed ones too."""
    return CorporateAction.objects.select_related("security", "successor").order_by("-effective_on", "-pk")


def entries_of(action_id: int) -> QuerySet[LedgerEntry]:
    """Return what an action did, and its reversal, by account."""
    rows = LedgerEntry.objects.filter(action_id=action_id).select_related("account__strategy")
    return rows.order_by("account_id", "sequence")


def successors(symbols: Collection[str], *, on: date) -> dict[str, tuple[str, date]]:
    """Return what became of those of `symbols` that a security has no more on a day: its symbol now, since when.

    A symbol that came back, or that another security has taken since, is no former one. One query.
    """
    kind = CorporateAction.Kind.SYMBOL_CHANGE
    standing = CorporateAction.objects.filter(kind=kind, reversed_at=None, effective_on__lte=on)
    found: dict[str, tuple[str, date]] = {}
    for action in standing.order_by("effective_on", "pk"):
        old, new = action.security_id, str(action.successor_id)
        found = {symbol: (new if last == old else last, day) for symbol, (last, day) in found.items()}
        found[old] = (new, action.effective_on)
        found.pop(new, None)
    return {symbol: found[symbol] for symbol in symbols if symbol in found}


def positions_left_out() -> QuerySet[Position]:
    """Return the open positions that a split or a change of symbol left out, and that nobody has corrected since.

    They were held at the close before its day, and it has no entry in their account. Their units are former ones,
    while prices are per unit of today.
    """
    held_then = LedgerEntry.objects.filter(
        position=OuterRef(OuterRef("pk")),
        security=OuterRef("security"),
        effective_on__lt=OuterRef("effective_on"),
    )
    booked = LedgerEntry.objects.filter(action=OuterRef("pk"), account=OuterRef(OuterRef("account")))
    stated = LedgerEntry.objects.filter(
        kind=LedgerEntry.Kind.CORRECTION,
        position=OuterRef(OuterRef("pk")),
        effective_on__gte=OuterRef("effective_on"),
    )
    standing = CorporateAction.objects.filter(
        Exists(held_then), ~Exists(booked), ~Exists(stated),
        security=OuterRef("security"), kind__in=[_Kind.SPLIT, _Kind.SYMBOL_CHANGE], reversed_at=None,
    )  # fmt: skip
    return Position.objects.filter(Exists(standing), status=Position.Status.OPEN)
