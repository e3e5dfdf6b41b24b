"""A corporate action is reversed: to the cent, in all accounts or in none, so that the right one can be entered."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db import transaction

from common.money import ZERO, AmountOutOfRangeError, quantize_price
from portfolios import reference_data
from portfolios.domain.accounting import Holding
from portfolios.domain.exchange_day import exchange_day
from portfolios.domain.projection import EntryStep, steps
from portfolios.domain.split import divided
from portfolios.domain.symbol_history import HistoryError, SymbolHistory, tell
from portfolios.ledger.account_books import AccountBooks
from portfolios.ledger.action_order import ratios_of, require_in_order
from portfolios.ledger.action_types import AccountEffect, ActionReport, Effect
from portfolios.ledger.audit_context import AuditContext
from portfolios.ledger.locks import lock_accounts, lock_securities
from portfolios.ledger.positions import AccountEntries, WorkedOut, history_as_booked, restate_as, write_all
from portfolios.ledger.refusals import CannotBookError, require_signed
from portfolios.models import CorporateAction, LedgerEntry, PortfolioAccount, Position
from portfolios.selectors import books as queries
from portfolios.selectors.stored_prices import time_of_mark

_Kind = CorporateAction.Kind
Kind = LedgerEntry.Kind


def reverse_action(action_id: int, *, context: AuditContext) -> ActionReport:
    """Reverse what a split, a dividend or a change of symbol did in every account, and return what was done.

    `context.reason` is required. What was traded since stays as it was traded. Must not be called inside a
    transaction. Raises CannotBookError, naming the account, where one of them cannot be reversed to the cent: then
    none is; and for an action that is unknown, reversed already, or that a later one was booked on.
    """
    require_signed(context)
    with transaction.atomic(durable=True):
        lock_securities(_symbols_of(action_id))
        action = _standing(action_id)
        accounts = lock_accounts(_accounts_of(action))
        found = _work_out(action, accounts, context)
        write_all(found, context)
        action.reversed_at, action.reversed_by, action.reversal_reason = context.now, context.actor, context.reason
        action.save(update_fields=["reversed_at", "reversed_by", "reversal_reason"])
        if action.kind == _Kind.SYMBOL_CHANGE:
            reference_data.revive_security(action.security_id)
    return _report(action, found)


def preview_action_reversal(action_id: int, *, context: AuditContext) -> ActionReport:
    """Return what `reverse_action` would do. Raises CannotBookError as it does; a reason is not needed yet."""
    context = context if context.reason.strip() else replace(context, reason="preview")
    with queries.one_snapshot():
        action = _standing(action_id)
        accounts = list(PortfolioAccount.objects.filter(pk__in=_accounts_of(action)).order_by("pk"))
        return _report(action, _work_out(action, accounts, context))


def _symbols_of(key: int) -> list[str]:
    rows = CorporateAction.objects.filter(pk=key).values_list("security_id", "successor_id")
    return [str(symbol) for row in rows for symbol in row if symbol]


def _standing(key: int) -> CorporateAction:
    action = CorporateAction.objects.filter(pk=key).first()
    if action is None:
        raise CannotBookError(f"corporate action {key} is not known")
    if action.reversed_at is not None:
        raise CannotBookError(
            f"{action} was reversed on {action.reversed_at:%Y-%m-%d %H:%M} UTC by {action.reversed_by}: "
            f"{action.reversal_reason}"
        )
    require_in_order(action)
    return action


def _accounts_of(action: CorporateAction) -> list[uuid.UUID]:
    rows = LedgerEntry.objects.filter(action=action).order_by().values_list("account_id", flat=True)
    return sorted(set(rows))


def _work_out(
    action: CorporateAction, accounts: Sequence[PortfolioAccount], context: AuditContext
) -> list[WorkedOut]:
    ratios = ratios_of(action.security_id)
    found = []
    for account in accounts:
        try:
            found.append(_reversed(action, account, ratios, context))
        except (CannotBookError, HistoryError, AmountOutOfRangeError) as error:
            raise CannotBookError(f"account {account.pk}: cannot be reversed: {error}") from error
    return found


def _reversed(
    action: CorporateAction, account: PortfolioAccount, ratios: Mapping[int, Fraction], context: AuditContext
) -> WorkedOut:
    symbols = [action.security_id, *([action.successor_id] if action.successor_id else [])]
    rows = list(LedgerEntry.objects.filter(account=account, security_id__in=symbols).order_by("sequence"))
    extra = LedgerEntry.objects.filter(account=account, action=action).exclude(security_id__in=symbols)
    mine = [row for row in sorted([*rows, *extra], key=lambda row: row.sequence) if row.action_id == action.pk]
    books = AccountBooks.of(account, context)
    found = AccountEntries(account, rows)
    if action.kind == _Kind.SPLIT:
        effect = _unsplit(books, found, mine, action, ratios)
    elif action.kind == _Kind.SYMBOL_CHANGE:
        effect = _carry_back(books, found, mine, action)
    else:
        effect = _take_back(books, found, mine)
    return WorkedOut(books, effect)


def _take_back(books: AccountBooks, found: AccountEntries, mine: Sequence[LedgerEntry]) -> AccountEffect:
    """Undo a dividend and what was paid of it later: cash alone."""
    owed = sum((row.owed for row in mine), ZERO)
    cash = sum((row.amount - row.owed for row in mine), ZERO)
    for row in reversed(mine):
        position = books.position(row.position_id)
        _enter(books, row, position)
        books.touch(position)
    held = sum((row.quantity for row in found.rows), ZERO)
    return _effect(found.account, before=held, after=held, cash=-cash, owed=-owed)


def _enter(books: AccountBooks, row: LedgerEntry, position: Position) -> None:
    books.enter(
        Kind.REVERSAL,
        -row.amount,
        position=position,
        quantity=-row.quantity,
        price=row.price,
        reverses=row.sequence,
        owed=-row.owed,
        action_id=row.action_id,
        effective_on=row.effective_on,
    )


def _unsplit(
    books: AccountBooks,
    found: AccountEntries,
    mine: Sequence[LedgerEntry],
    action: CorporateAction,
    ratios: Mapping[int, Fraction],
) -> AccountEffect:
    """State what is held without the split, at the cost and with the profits that the trades since give then."""
    now = history_as_booked(found.entries, ratios=ratios)
    told = tell(found.entries, ratios=ratios, leaving_out=action.pk)
    target = mine[-1].position_id
    if told.position_id != target:
        raise HistoryError("the position was closed and another one opened since: reverse those runs first")
    left = {row.position_id: _gain(told, now, row.position_id) for row in mine}
    for row in reversed(mine):
        position = books.position(row.position_id)
        is_last = row is next(each for each in mine if each.position_id == row.position_id)
        after = _without(told, position, row) if row.position_id == target else position.as_holding()
        realized = left[row.position_id] if is_last else -row.realized_pnl
        left[row.position_id] -= realized
        if is_last:
            mark, position.marked_at = _former_mark(position, row, action)
            after = replace(after, mark_price=mark)
        restate_as(
            books, Kind.REVERSAL, position, after, realized=realized, amount=-row.amount, owed=-row.owed,
            reverses=row.sequence, action=action, effective_on=row.effective_on,
        )  # fmt: skip
    return _effect(
        found.account,
        before=now.holding.signed_quantity if now.holding else ZERO,
        after=told.holding.signed_quantity if told.holding else ZERO,
        cost_before=now.holding.cost_basis if now.holding else ZERO,
        cost_after=told.holding.cost_basis if told.holding else ZERO,
        cash=-sum((row.amount - row.owed for row in mine), ZERO),
        owed=-sum((row.owed for row in mine), ZERO),
        realized_pnl=sum(told.realized.values(), ZERO) - sum(now.realized.values(), ZERO),
    )


def _gain(told: SymbolHistory, now: SymbolHistory, key: uuid.UUID | None) -> Decimal:
    return ZERO if key is None else told.realized.get(key, ZERO) - now.realized.get(key, ZERO)


def _without(told: SymbolHistory, position: Position, row: LedgerEntry) -> Holding:
    """What the position holds once `row` is reversed: units by its mirror image, cost and average as told."""
    before = position.as_holding()
    signed = before.signed_quantity - row.quantity
    held = told.holding
    average = held.average_price if held else before.average_price
    cost = held.cost_basis if held else ZERO
    side = held.side if held else before.side
    return replace(before, side=side, quantity=abs(signed), average_price=average, cost_basis=cost)


def _former_mark(position: Position, row: LedgerEntry, action: CorporateAction) -> tuple[Decimal, datetime]:
    """The mark without the split, and its time. A price of the split's day or later was never divided.

    Versions before `mark_before` divided every mark and gave it the time of the booking. Such a mark, multiplied
    again, is one of the day that the position was opened on, so that a split entered again divides it.
    """
    mark, marked_at = position.as_holding().mark_price, position.marked_at
    if row.kind != Kind.SPLIT:
        return mark, marked_at
    multiplied = quantize_price(divided(mark, 1 / action.ratio))
    if marked_at <= row.occurred_at:
        return (row.mark_before, marked_at) if row.mark_before is not None else (multiplied, position.opened_at)
    held_at = time_of_mark(position.security_id, mark, marked_at=marked_at)
    is_old = exchange_day(held_at) < min(row.effective_on, action.effective_on)
    return (multiplied, held_at) if is_old else (mark, marked_at)


def _carry_back(
    books: AccountBooks, found: AccountEntries, mine: Sequence[LedgerEntry], action: CorporateAction
) -> AccountEffect:
    """Undo a change of symbol; nothing may have happened in either symbol since."""
    last = mine[-1].sequence
    undone = {row.reverses for row in found.rows}
    for row in found.rows:
        if row.sequence > last and row.sequence not in undone and row.kind != Kind.REVERSAL:
            raise HistoryError(f"{row.kind} of {row.security_id} on {row.effective_on} came after it")
    before = {step.entry.sequence: step.before for step in _all_steps(found.account)}
    held = ZERO
    for row in reversed(mine):
        position = books.position(row.position_id)
        was = before[row.sequence]
        position.security_id = row.security_id or position.security_id
        former = was or replace(position.as_holding(), quantity=ZERO, cost_basis=ZERO)
        restate_as(
            books, Kind.REVERSAL, position, replace(former, symbol=position.security_id,
            mark_price=position.mark_price), realized=ZERO, reverses=row.sequence, action=action,
            effective_on=row.effective_on,
        )  # fmt: skip
        held = former.signed_quantity
    return _effect(found.account, before=held, after=held)


def _all_steps(account: PortfolioAccount) -> Iterable[EntryStep]:
    return steps(row.as_entry() for row in LedgerEntry.objects.filter(account=account).order_by("sequence"))


def _effect(account: PortfolioAccount, **numbers: Any) -> AccountEffect:
    return AccountEffect(account_id=account.pk, account=str(account), effect=Effect.BOOKED, **numbers)


def _report(action: CorporateAction, found: Sequence[WorkedOut]) -> ActionReport:
    return ActionReport(
        action_id=action.pk,
        kind=str(action.kind),
        symbol=action.security_id,
        successor=action.successor_id or "",
        terms=action.terms,
        effective_on=action.effective_on,
        price=action.price,
        repeated=False,
        effects=tuple(each.effect for each in found),
    )
