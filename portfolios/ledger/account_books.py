"""The working books of one account: every change of cash or holdings is one entry and what follows from it.

The database checks the writer: triggers let cash and holdings change only together with a ledger entry
(`portfolios.ledger.triggers`), so the entries are written first.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from common.money import CASH_LIMIT, QUANTITY_STEP, ZERO, quantize_cash, quantize_quantity
from portfolios.domain.accounting import Fill, Holding, Side, apply_fill
from portfolios.domain.exchange_day import exchange_day
from portfolios.domain.snapshot import AccountSnapshot
from portfolios.ledger.audit_context import AuditContext
from portfolios.ledger.margins import note_margin
from portfolios.ledger.order_tickets import BookedOrder, Ticket
from portfolios.ledger.refusals import CannotBookError, require_signed
from portfolios.models import LedgerEntry, Order, PortfolioAccount, Position
from portfolios.selectors import books as queries

Kind = LedgerEntry.Kind


class AccountBooks:
    """One account while it changes: everything is worked out in memory and written once, under its lock."""

    def __init__(self, account: PortfolioAccount, positions: Sequence[Position], context: AuditContext) -> None:
        self._account = account
        self._context = context
        self._open = {position.security_id: position for position in positions}
        self._touched: dict[uuid.UUID, Position] = {}
        self._orders: list[Order] = []
        self._waiting: list[Order] = []
        self._entries: list[LedgerEntry] = []

    @classmethod
    def of(cls, account: PortfolioAccount, context: AuditContext) -> "AccountBooks":
        """Return the books of a locked account for a change that people asked for, and that needs a reason."""
        require_signed(context)
        return cls(account, queries.open_positions(account), context)

    @property
    def account(self) -> PortfolioAccount:
        """The account, as it is once everything is written."""
        return self._account

    def find(self, symbol: str) -> Position | None:
        """Return the open position in `symbol`, or None."""
        return self._open.get(symbol)

    def held(self, symbol: str) -> Position:
        """Return the open position in `symbol`. Raises CannotBookError."""
        position = self._open.get(symbol)
        if position is None:
            raise CannotBookError(f"{symbol} is not held by account {self._account.pk}")
        return position

    def new_position(self, symbol: str, side: Side) -> Position:
        """Return a position that is still to be written."""
        return Position(account=self._account, security_id=symbol, side=side.value, opened_at=self._context.now)

    def act_as(self, context: AuditContext) -> None:
        """Book what follows under another time and reason: what happened elsewhere, long ago."""
        self._context = context

    def keep(self, order: Order) -> None:
        """Keep an order that was not filled: a record without an entry."""
        self._orders.append(order)

    def fill(self, ticket: Ticket) -> BookedOrder:
        """Book one filled order: the order, its entries, the position and the cash."""
        return self.fill_new(self._order(ticket), ticket.fill)

    def fill_new(self, order: Order, fill: Fill) -> BookedOrder:
        """Book the fill of an order that is still to be written."""
        self._orders.append(order)
        return self._fill_as(order, fill)

    def fill_waiting(self, order: Order, fill: Fill) -> BookedOrder:
        """Book the fill of an order that is written already, and waits with its columns up to date."""
        self._waiting.append(order)
        return self._fill_as(order, fill)

    def _fill_as(self, order: Order, fill: Fill) -> BookedOrder:
        held = self._open.get(fill.symbol)
        result = apply_fill(held.as_holding() if held else None, fill)
        position = held or self.new_position(fill.symbol, fill.action.side)
        self.enter(
            Kind(fill.action),
            result.cash_delta,
            position=position,
            order=order,
            quantity=fill.signed_quantity,
            price=fill.price,
        )
        if result.fee:
            self.enter(Kind.FEE, -result.fee, position=position, order=order)
        self._settle(position, result.holding)
        return BookedOrder(order, position.id, _effect(held is None, fill, result.holding))

    @property
    def last_entry(self) -> LedgerEntry:
        """The entry that was made last."""
        return self._entries[-1]

    def restate(
        self,
        kind: LedgerEntry.Kind,
        position: Position,
        after: Holding,
        *,
        amount: Decimal = ZERO,
        order: Order | None = None,
        **about: Any,
    ) -> None:
        """Book what a holding is from now on: the entry keeps its new average and cost, and the cash that moves.

        `about` are further columns of the entry.
        """
        before = ZERO if position.quantity is None else position.as_holding().signed_quantity
        self.enter(
            kind,
            amount,
            position=position,
            order=order,
            # From a long to a short the change is larger than either.
            quantity=quantize_quantity(after.signed_quantity - before, step=QUANTITY_STEP),
            price=after.average_price,
            cost_basis=after.cost_basis,
            **about,
        )
        self._settle(position, after)

    def reverse(self, position: Position, entries: Sequence[LedgerEntry], before: Holding | None) -> None:
        """Book the opposite of each entry, the newest first; the position is what it was before them."""
        for entry in sorted(entries, key=lambda entry: -entry.sequence):
            self.enter(
                Kind.REVERSAL,
                -entry.amount,
                position=position,
                order=entry.order,
                quantity=-entry.quantity,
                price=entry.price,
                reverses=entry.sequence,
                effective_on=entry.effective_on,
            )
        now, marked_at = position.as_holding(), position.marked_at
        nothing = replace(now, quantity=ZERO, cost_basis=ZERO, realized_pnl=ZERO)
        self._settle(position, replace(before or nothing, mark_price=_mark_without(entries, now)))
        # A reversal says nothing new about what the security is worth.
        position.marked_at = marked_at

    def payment(self, cash: Decimal) -> tuple[Decimal, Decimal]:
        """Return what moves now of signed cash that the account gets or has to pay, and what it will owe of it."""
        short_of = max(-cash - self._account.cash_balance, ZERO)
        return cash + short_of, short_of

    def position(self, key: uuid.UUID | None) -> Position:
        """Return a position of the account, open or closed."""
        for position in (*self._open.values(), *self._touched.values()):
            if position.pk == key:
                return position
        return Position.objects.get(pk=str(key), account=self._account)

    @property
    def last_position(self) -> Position:
        """The position that the last entry is about."""
        position = self._entries[-1].position
        assert position is not None  # noqa: S101  # asked for by what has just stated a holding
        return position

    def settle(self, context: AuditContext) -> None:
        """Pay what the account owes out of the cash that it has now, the oldest debt first."""
        if not self._account.payable or not self._account.cash_balance:
            return
        for debt in queries.debts(self._account):
            paid = min(debt.owed, self._account.cash_balance)
            if paid:
                position = self.position(debt.position_id)
                self._context = replace(context, reason=f"Owed since {debt.effective_on}: {debt.reason}")
                self.enter(
                    Kind.DIVIDEND,
                    -paid,
                    position=position,
                    owed=-paid,
                    action_id=debt.action_id,
                    effective_on=debt.effective_on,
                )
                self.touch(position)
        self._context = context

    def touch(self, position: Position) -> None:
        """Note that the last entry concerns `position`."""
        position.book_version = self._account.book_version
        self._touched[position.id] = position

    def mark(self, marks: Mapping[str, Decimal]) -> None:
        """Mark the open positions at the prices that are known."""
        for symbol, position in self._open.items():
            if symbol in marks:
                position.mark_price = marks[symbol]
                position.marked_at = self._context.now
                self._touched[position.id] = position

    def enter(
        self,
        kind: LedgerEntry.Kind,
        amount: Decimal,
        *,
        position: Position | None = None,
        order: Order | None = None,
        quantity: Decimal = ZERO,
        price: Decimal | None = None,
        effective_on: date | None = None,
        **about: Any,
    ) -> None:
        """Add one entry and move the cash. Raises CannotBookError where the cash would leave its range.

        `effective_on` is the day that it belongs to, where that is not today; `about` are further columns.
        """
        account, context = self._account, self._context
        if account.cash_balance + amount < 0:
            raise CannotBookError(f"{kind} of {amount} is more than the cash balance of {account.cash_balance}")
        if account.cash_balance + amount >= CASH_LIMIT:
            raise CannotBookError(f"{kind} of {amount} brings the cash balance to more than the books hold")
        account.cash_balance += amount
        account.payable += about.get("owed", ZERO)
        account.book_version += 1
        self._entries.append(
            LedgerEntry(
                account=account,
                sequence=account.book_version,
                kind=kind,
                amount=amount,
                balance_after=account.cash_balance,
                security_id=position.security_id if position else None,
                position=position,
                quantity=quantity,
                price=price,
                order=order,
                run_id=context.run_id,
                actor=context.actor,
                reason=context.reason,
                occurred_at=context.now,
                effective_on=effective_on or exchange_day(context.now),
                **about,
            )
        )

    @property
    def snapshot(self) -> AccountSnapshot:
        """The account as it stands in these books, at its marks."""
        holdings = {symbol: held.as_holding() for symbol, held in self._open.items()}
        return AccountSnapshot(self._account.cash_balance, holdings, payable=self._account.payable)

    def write(self) -> None:
        """Write everything: orders, the entries that name them, then what follows from the entries."""
        account, snapshot = self._account, self.snapshot
        account.equity_value = quantize_cash(snapshot.equity_value)
        account.updated_at = self._context.now
        if self._orders:
            Order.objects.bulk_create(self._orders)
        for order in self._waiting:
            order.save()
        if self._entries:
            LedgerEntry.objects.bulk_create(self._entries)
        if self._touched:
            self._write_positions()
        account.save(update_fields=["cash_balance", "payable", "equity_value", "book_version", "updated_at"])
        note_margin(account, snapshot)

    def _write_positions(self) -> None:
        # A closed position goes before the one that was opened after it in the same security.
        rows = sorted(self._touched.values(), key=lambda position: position.status != Position.Status.CLOSED)
        changing = [column.name for column in Position._meta.concrete_fields if not column.primary_key]
        Position.objects.bulk_create(rows, update_conflicts=True, unique_fields=["id"], update_fields=changing)

    def _order(self, ticket: Ticket) -> Order:
        fill = ticket.fill
        return Order(
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
            placed_at=ticket.placed_at or self._context.now,
            filled_at=self._context.now,
            metadata=dict(ticket.metadata),
        )

    def _settle(self, position: Position, after: Holding) -> None:
        """Bring the position up to what its last entry made of it."""
        position.side = after.side.value
        position.quantity = after.quantity
        position.average_price = after.average_price
        position.cost_basis = after.cost_basis
        position.realized_pnl = after.realized_pnl
        position.mark_price = after.mark_price
        position.marked_at = self._context.now
        self.touch(position)
        if after.is_open:
            # A reversal may open again what was closed.
            position.status = Position.Status.OPEN
            position.closed_at = None
            self._open[after.symbol] = position
            return
        position.status = Position.Status.CLOSED
        position.closed_at = self._context.now
        # Reversed, a flip leaves the other leg's position open under the same symbol.
        if self._open.get(after.symbol) == position:
            del self._open[after.symbol]


def _mark_without(entries: Sequence[LedgerEntry], now: Holding) -> Decimal:
    """The mark of a holding after its entries are reversed: its own, or that of the order that closed it.

    What is closed keeps the price of its last fill, which the slippage has moved; the order has the market's.
    """
    prices = [entry.order.limit_price for entry in entries if entry.order is not None]
    return now.mark_price if now.is_open or not prices else prices[-1]


def _effect(is_new: bool, fill: Fill, after: Holding) -> str:  # noqa: FBT001  # a fact, not a switch
    if fill.action.increases:
        return "opened" if is_new else "increased"
    return "reduced" if after.is_open else "closed"
