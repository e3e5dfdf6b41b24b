"""Corporate actions as they were booked, and what they did to each account."""

from datetime import date

from django.db.models import QuerySet

from portfolios.models import CorporateAction, LedgerEntry


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
