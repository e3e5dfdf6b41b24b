"""Tables of the books that stand on several pages: what is held, and the ledger."""

from collections.abc import Iterable
from typing import Any

from common.admin.columns import Section, badge, cash, link, moment, units
from portfolios.models import LedgerEntry, Position


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


def ledger_section(title: str, entries: Iterable[LedgerEntry], **more: Any) -> Section:
    """Return entries of the ledger as a table; `more` goes to the section."""
    columns = ("No.", "Time", "Kind", "Symbol", "Quantity", "Amount", "Balance", "Who", "Reason")
    return Section(title, columns, [_entry(each) for each in entries], **more)


def _entry(entry: LedgerEntry) -> tuple[Any, ...]:
    return (
        link(entry, str(entry.sequence)),
        moment(entry.occurred_at),
        badge(entry.kind, entry.get_kind_display()),
        entry.security_id or "",
        units(entry.quantity) if entry.quantity else "",
        cash(entry.amount),
        cash(entry.balance_after),
        entry.actor,
        entry.reason,
    )
