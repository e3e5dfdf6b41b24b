"""Tables of the books that stand on several pages: what is held, and the ledger."""

from collections.abc import Iterable
from typing import Any

from django.utils.safestring import SafeString

from common.admin.columns import Section, badge, cash, link, link_to, moment, units
from portfolios.models import CorporateAction, LedgerEntry, Position


def holdings_section(held: Iterable[Position], *, more: str) -> Section:
    """Return open positions as a table; `more` is the address of all of them."""
    columns = ("Symbol", "Side", "Quantity", "Average price", "Mark", "Value", "Unrealized")
    return Section("Holdings", columns, [_holding(each) for each in held], empty="Nothing is held.", more=more)


def _holding(row: Position) -> tuple[Any, ...]:
    held = row.as_holding()
    return (
        link(row, row.security_id),
        row.get_side_display(),
        units(row.quantity),
        units(row.average_price),
        units(row.mark_price),
        cash(held.market_value),
        cash(held.unrealized_pnl),
    )


def ledger_section(
    title: str, entries: Iterable[LedgerEntry], *, with_account: bool = False, **more: Any
) -> Section:
    """Return entries of the ledger as a table; `more` goes to the section. `with_account`: they are of several."""
    columns = (
        "No.", "Time", "Kind", "Effective", "Symbol", "Quantity", "Amount", "Balance", "Owed", "Who", "Reason",
    )  # fmt: skip
    if not with_account:
        return Section(title, columns, [_entry(each) for each in entries], **more)
    rows = [(link(each.account), *_entry(each)) for each in entries]
    return Section(title, ("Account", *columns), rows, **more)


def _entry(entry: LedgerEntry) -> tuple[Any, ...]:
    return (
        link(entry, str(entry.sequence)),
        moment(entry.occurred_at),
        badge(entry.kind, entry.get_kind_display()),
        _effective(entry),
        entry.security_id or "",
        units(entry.quantity) if entry.quantity else "",
        cash(entry.amount),
        cash(entry.balance_after),
        cash(entry.owed) if entry.owed else "",
        entry.actor,
        entry.reason,
    )


def _effective(entry: LedgerEntry) -> SafeString | str:
    """The day that the entry belongs to, with its corporate action where it has one."""
    day = entry.effective_on.isoformat()
    return link_to(CorporateAction, entry.action_id, day) if entry.action_id else day
