"""The only writer of the books. Every change of cash or holdings is one ledger entry and what follows from it.

All functions here want an open transaction, and all but `open_account` the account's lock (`lock_account`): what is
read, decided and written under the lock is true together. The number of statements does not depend on the number of
orders.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from portfolios.accounting import Fill, Holding, apply_fill
from portfolios.models import LedgerEntry, Order, PortfolioAccount, Position, Valuation
from portfolios.money import ZERO, quantize_cash


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """Who changes the books, when, for which run and why; goes onto every entry."""

    actor: str
    now: datetime
    run_id: uuid.UUID | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A filled order on its way into the books. `limit_price` is the price per unit that sized it."""

    fill: Fill
    limit_price: Decimal
    client_order_id: str
    is_simulated: bool
    metadata: Mapping[str, Any]
    order_id: uuid.UUID = field(default_factory=uuid.uuid4)


@dataclass(frozen=True, slots=True)
class Booked:
    """One order as it stands in the books: the position it touched, and how."""

    order: Order
    position_id: uuid.UUID
    effect: str  # "opened", "increased", "reduced", "closed"


def lock_account(*, strategy_id: uuid.UUID, provider: str) -> PortfolioAccount | None:
    """Return the account, locked until the transaction ends, or None where there is none yet.

    On PostgreSQL the row is locked against other writers, while rows that refer to it may still be inserted; on
    SQLite the transaction itself holds the one write lock from its first statement on.
    """
    rows = PortfolioAccount.objects.select_for_update(no_key=True, of=("self",))
    return rows.filter(strategy_id=strategy_id, provider=provider).first()


def open_account(
    *, strategy_id: uuid.UUID, provider: str, initial_balance: Decimal, stamp: Stamp
) -> PortfolioAccount:
    """Write a new account with its DEPOSIT of `initial_balance` > 0. The new row is the caller's alone.

    Raises IntegrityError where another transaction opened the account first: leave the block and look again.
    """
    amount = quantize_cash(initial_balance)
    account = PortfolioAccount.objects.create(
        strategy_id=strategy_id, provider=provider, cash_balance=amount, book_version=1
    )
    LedgerEntry.objects.create(
        account=account,
        sequence=1,
        kind=LedgerEntry.Kind.DEPOSIT,
        amount=amount,
        balance_after=amount,
        actor=stamp.actor,
        reason=stamp.reason or "Initial balance",
        run_id=stamp.run_id,
        occurred_at=stamp.now,
    )
    return account


def book_orders(
    account: PortfolioAccount,
    tickets: Sequence[Ticket],
    *,
    positions: Sequence[Position],
    marks: Mapping[str, Decimal],
    external_flow: Decimal,
    stamp: Stamp,
) -> list[Booked]:
    """Write filled orders, in their order, with ledger, positions, marks, balances and a valuation.

    `positions` are all open positions of the account, read under its lock; `marks` are prices per unit by symbol.
    `external_flow` is what was deposited since the last valuation. The account object is brought up to date.
    Raises ImpossibleFillError for a sale of more than is held, IntegrityError for a used client_order_id or a cash
    balance below zero; nothing is written then, once the caller's transaction rolls back.
    """
    booking = _Booking(account, positions, stamp)
    booked = [booking.apply(ticket) for ticket in tickets]
    booking.mark(marks)
    booking.write(external_flow=external_flow)
    return booked


class _Booking:
    """The account while orders are booked: everything is worked out in memory and written once."""

    def __init__(self, account: PortfolioAccount, positions: Sequence[Position], stamp: Stamp) -> None:
        self._account = account
        self._stamp = stamp
        self._open = {position.security_id: position for position in positions}
        self._touched: dict[uuid.UUID, Position] = {}
        self._orders: list[Order] = []
        self._entries: list[LedgerEntry] = []

    def apply(self, ticket: Ticket) -> Booked:
        """Book one filled order: the order, its entries, the position and the cash."""
        fill = ticket.fill
        held = self._open.get(fill.symbol)
        result = apply_fill(held.as_holding() if held else None, fill)
        order = self._order(ticket)
        self._enter(LedgerEntry.Kind(fill.action), result.cash_delta, order, fill)
        if result.fee:
            self._enter(LedgerEntry.Kind.FEE, -result.fee, order, None)
        position = self._settle(held, result.holding)
        return Booked(order, position.id, _effect(held is None, fill, result.holding))

    def mark(self, marks: Mapping[str, Decimal]) -> None:
        """Mark the open positions at the prices that are known."""
        for symbol, position in self._open.items():
            if symbol in marks:
                position.mark_price = marks[symbol]
                position.marked_at = self._stamp.now
                self._touched[position.id] = position

    def write(self, *, external_flow: Decimal) -> None:
        """Write everything: orders before the entries that name them, closed positions before reopened ones."""
        account, now = self._account, self._stamp.now
        equity = sum((held.as_holding().market_value for held in self._open.values()), ZERO)
        account.equity_value = quantize_cash(equity)
        account.updated_at = now
        Order.objects.bulk_create(self._orders)
        self._write_positions()
        LedgerEntry.objects.bulk_create(self._entries)
        account.save(update_fields=["cash_balance", "equity_value", "book_version", "updated_at"])
        Valuation.objects.create(
            account=account,
            as_of=now,
            cash=account.cash_balance,
            equity=account.equity_value,
            total=account.cash_balance + account.equity_value,
            external_flow=external_flow,
        )

    def _write_positions(self) -> None:
        rows = sorted(self._touched.values(), key=lambda position: position.status != Position.Status.CLOSED)
        changing = [column.name for column in Position._meta.concrete_fields if not column.primary_key]  # noqa: SLF001  # Django's public model API
        Position.objects.bulk_create(rows, update_conflicts=True, unique_fields=["id"], update_fields=changing)

    def _order(self, ticket: Ticket) -> Order:
        fill = ticket.fill
        order = Order(
            id=ticket.order_id,
            account=self._account,
            security_id=fill.symbol,
            action=fill.action.value,
            quantity=fill.quantity,
            limit_price=ticket.limit_price,
            status=Order.Status.FILLED,
            filled_quantity=fill.quantity,
            average_fill_price=fill.price,
            fee=fill.fee,
            client_order_id=ticket.client_order_id,
            is_simulated=ticket.is_simulated,
            placed_at=self._stamp.now,
            filled_at=self._stamp.now,
            metadata=dict(ticket.metadata),
        )
        self._orders.append(order)
        return order

    def _enter(self, kind: LedgerEntry.Kind, amount: Decimal, order: Order, fill: Fill | None) -> None:
        account, stamp = self._account, self._stamp
        account.cash_balance += amount
        account.book_version += 1
        self._entries.append(
            LedgerEntry(
                account=account,
                sequence=account.book_version,
                kind=kind,
                amount=amount,
                balance_after=account.cash_balance,
                security_id=order.security_id,
                quantity=fill.signed_quantity if fill else ZERO,
                price=fill.price if fill else None,
                order=order,
                run_id=stamp.run_id,
                actor=stamp.actor,
                reason=stamp.reason,
                occurred_at=stamp.now,
            )
        )

    def _settle(self, held: Position | None, after: Holding) -> Position:
        now = self._stamp.now
        position = held or Position(
            account=self._account, security_id=after.symbol, side=after.side.value, opened_at=now
        )
        position.quantity = after.quantity
        position.average_price = after.average_price
        position.cost_basis = after.cost_basis
        position.realized_pnl = after.realized_pnl
        position.mark_price = after.mark_price
        position.marked_at = now
        if after.is_open:
            self._open[after.symbol] = position
        else:
            position.status = Position.Status.CLOSED
            position.closed_at = now
            del self._open[after.symbol]
        self._touched[position.id] = position
        return position


def _effect(is_new: bool, fill: Fill, after: Holding) -> str:  # noqa: FBT001  # a fact, not a switch
    if fill.action.increases:
        return "opened" if is_new else "increased"
    return "reduced" if after.is_open else "closed"
