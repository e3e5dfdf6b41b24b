"""New accounts: with a deposit, or with all that happened to them elsewhere."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from common.money import ZERO
from portfolios.domain.accounting import Holding
from portfolios.domain.opening_history import CashStated, Deposited, HoldingStated, PastEvent, PastOrder, Traded
from portfolios.ledger.account_books import AccountBooks
from portfolios.ledger.audit_context import AuditContext
from portfolios.ledger.cash import deposit
from portfolios.ledger.corrections import corrected_holding
from portfolios.ledger.order_tickets import Ticket
from portfolios.ledger.valuations import value_account
from portfolios.models import LedgerEntry, Order, PortfolioAccount

Kind = LedgerEntry.Kind


def open_account(
    *, strategy_id: uuid.UUID, provider: str, initial_balance: Decimal, context: AuditContext
) -> PortfolioAccount:
    """Write a new account with its DEPOSIT of `initial_balance` > 0, and what it is worth then.

    The new row is the caller's alone. Raises IntegrityError where another run of the same strategy and provider
    opened it first: leave the block and look again.
    """
    account = open_for_run(
        strategy_id=strategy_id, provider=provider, initial_balance=initial_balance, context=context
    )
    value_account(account, now=context.now)
    return account


def open_for_run(
    *, strategy_id: uuid.UUID, provider: str, initial_balance: Decimal, context: AuditContext
) -> PortfolioAccount:
    """Write a new account as `open_account` does, for a run, which values it when it books its orders."""
    account = PortfolioAccount.objects.create(strategy_id=strategy_id, provider=provider)
    deposit(account, amount=initial_balance, context=replace(context, reason=context.reason or "Initial balance"))
    return account


def open_with_history(
    *,
    account_id: uuid.UUID,
    strategy_id: uuid.UUID,
    provider: str,
    events: Sequence[PastEvent],
    unfilled: Sequence[PastOrder],
    context: AuditContext,
) -> PortfolioAccount:
    """Write a new account with what happened to it elsewhere, and what it is worth at `context.now`.

    Each entry has the time and the reason of its event and the context's actor; `unfilled` orders have none. The
    new row is the caller's alone. Raises IntegrityError where the account or an order is there already,
    ImpossibleFillError and CannotBookError for a history that contradicts itself: roll back then.
    """
    account = PortfolioAccount.objects.create(id=account_id, strategy_id=strategy_id, provider=provider)
    books = AccountBooks(account, [], context)
    for event in events:
        books.act_as(replace(context, now=event.at, reason=event.reason))
        _book(event, books, account)
    for order in unfilled:
        books.keep(_unfilled(order, account))
    books.write()
    value_account(account, now=context.now)
    return account


def _book(event: PastEvent, books: AccountBooks, account: PortfolioAccount) -> None:
    if isinstance(event, Deposited):
        books.enter(Kind.DEPOSIT, event.amount)
    elif isinstance(event, Traded):
        books.fill(_ticket(event.order))
    elif isinstance(event, CashStated):
        books.enter(Kind.CORRECTION, event.balance - account.cash_balance)
    else:
        _state(event, books)


def _state(event: HoldingStated, books: AccountBooks) -> None:
    position = books.find(event.symbol)
    before = position.as_holding() if position else Holding(event.symbol, event.side, ZERO, ZERO, ZERO)
    after = corrected_holding(before, side=event.side, quantity=event.quantity, average_price=event.average_price)
    books.restate(Kind.CORRECTION, position or books.new_position(event.symbol, event.side), after)


def _unfilled(order: PastOrder, account: PortfolioAccount) -> Order:
    return Order(
        id=order.order_id,
        account=account,
        security_id=order.symbol,
        action=order.action.value,
        quantity=order.quantity,
        limit_price=order.limit_price,
        status=order.status,
        client_order_id=order.client_order_id,
        is_simulated=order.is_simulated,
        placed_at=order.placed_at,
        metadata=dict(order.metadata),
    )


def _ticket(order: PastOrder) -> Ticket:
    return Ticket(
        fill=order.fill,
        limit_price=order.limit_price,
        client_order_id=order.client_order_id,
        is_simulated=order.is_simulated,
        metadata=order.metadata,
        order_id=order.order_id,
        placed_at=order.placed_at,
    )
