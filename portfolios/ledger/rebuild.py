"""Works the projections out again from the ledger: balances, versions and positions. Entries are never touched.

A repair is in the ledger itself, with the name of who ran it: each position that is mended gets a CORRECTION entry
that states what the ledger already said, so that it follows from an entry like every other. Where only balances
were wrong, or a position that the ledger does not know is taken away, one entry that moves nothing says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from common.money import ZERO, quantize_cash
from portfolios.domain.accounting import Holding
from portfolios.domain.exchange_day import exchange_day
from portfolios.domain.projection import Projected
from portfolios.domain.snapshot import AccountSnapshot
from portfolios.ledger.audit_context import AuditContext
from portfolios.ledger.margins import note_margin
from portfolios.ledger.verify import AuditedAccount, Discrepancy, audit, read_account
from portfolios.models import LedgerEntry, PortfolioAccount, Position


@dataclass(frozen=True, slots=True)
class Repair:
    """What a repair has mended, and what it left for a person."""

    repaired: Sequence[Discrepancy]
    left: Sequence[Discrepancy]


def repair_books(account: PortfolioAccount, *, context: AuditContext) -> Repair:
    """Rebuild the projections of an account, locked by the caller, and return what came of it.

    The entries stay as they are; what contradicts itself between an order and its fill is left for a person, and so
    is the whole account where the ledger contradicts itself.
    """
    read = read_account(account)
    found = audit(read)
    if any(item.repairable for item in found):
        _remove_phantoms(read)
        _rebuild(read, context)
    left = audit(read_account(PortfolioAccount.objects.get(pk=account.pk)))
    return Repair([item for item in found if item not in left], left)


def _remove_phantoms(read: AuditedAccount) -> None:
    phantoms = [position.pk for position in read.positions if position.pk not in read.projection.positions]
    Position.objects.filter(pk__in=phantoms).delete()


def _rebuild(read: AuditedAccount, context: AuditContext) -> None:
    account = read.account
    account.cash_balance, account.book_version = read.projection.cash, read.projection.book_version
    account.payable = max(read.projection.owed, ZERO)
    stored = {position.pk: position for position in read.positions}
    mended = []
    for key, expected in read.projection.positions.items():
        before = stored.get(key)
        if before is None or not _is_right(before, expected):
            mended.append(_mended(account, key, before, expected, context))
    LedgerEntry.objects.bulk_create([entry for _, entry in mended] or [_note(account, context)])
    columns = [column.name for column in Position._meta.concrete_fields if not column.primary_key]
    rows = sorted((row for row, _ in mended), key=lambda row: row.status != Position.Status.CLOSED)
    Position.objects.bulk_create(rows, update_conflicts=True, unique_fields=["id"], update_fields=columns)
    holdings = Position.objects.filter(account=account, status=Position.Status.OPEN)
    by_symbol = {row.security_id: row.as_holding() for row in holdings}
    snapshot = AccountSnapshot(account.cash_balance, by_symbol, payable=account.payable)
    account.equity_value = quantize_cash(snapshot.equity_value)
    account.save(update_fields=["cash_balance", "payable", "equity_value", "book_version", "updated_at"])
    note_margin(account, snapshot)


def _is_right(position: Position, expected: Projected) -> bool:
    held = replace(position.as_holding(), mark_price=expected.holding.mark_price)
    is_open = position.status == Position.Status.OPEN
    return (
        held == expected.holding
        and is_open == expected.holding.is_open
        and position.book_version == expected.book_version
    )


def _mended(
    account: PortfolioAccount, key: UUID, before: Position | None, expected: Projected, context: AuditContext
) -> tuple[Position, LedgerEntry]:
    held = expected.holding
    position = before or Position(
        id=key, account=account, opened_at=context.now, mark_price=held.mark_price, marked_at=context.now
    )
    entry = _note(
        account,
        context,
        security_id=held.symbol,
        position=position,
        price=held.average_price,
        cost_basis=held.cost_basis,
    )
    _restate(position, held, book_version=entry.sequence, now=context.now)
    return position, entry


def _note(account: PortfolioAccount, context: AuditContext, **restated: Any) -> LedgerEntry:
    """Return the account's next entry, a CORRECTION that moves no cash."""
    account.book_version += 1
    return LedgerEntry(
        account=account,
        sequence=account.book_version,
        kind=LedgerEntry.Kind.CORRECTION,
        balance_after=account.cash_balance,
        actor=context.actor,
        reason=context.reason,
        occurred_at=context.now,
        effective_on=exchange_day(context.now),
        **restated,
    )


def _restate(position: Position, held: Holding, *, book_version: int, now: datetime) -> None:
    position.security_id = held.symbol
    position.side = held.side.value
    position.quantity = held.quantity
    position.average_price = held.average_price
    position.cost_basis = held.cost_basis
    position.realized_pnl = held.realized_pnl
    position.book_version = book_version
    position.status = Position.Status.OPEN if held.is_open else Position.Status.CLOSED
    position.closed_at = None if held.is_open else position.closed_at or now
