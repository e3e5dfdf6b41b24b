"""What a corporate action does to one account, worked out in memory; nothing is written here.

A preview drops the books that come back, a booking writes them: both say the same.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from common.money import QUANTITY_STEP, ZERO, notional, quantize_average, quantize_quantity
from portfolios.domain.accounting import Holding
from portfolios.domain.exchange_day import exchange_day
from portfolios.domain.projection import Entry, steps
from portfolios.domain.split import Rest, Split, divided
from portfolios.domain.symbol_history import HistoryError, SymbolHistory, tell, units_at_close_before
from portfolios.ledger.account_books import AccountBooks
from portfolios.ledger.action_types import AccountEffect, Effect
from portfolios.ledger.audit_context import AuditContext
from portfolios.ledger.refusals import CannotBookError
from portfolios.ledger.valuations import value_accounts
from portfolios.models import CorporateAction, LedgerEntry, PortfolioAccount, Position
from portfolios.selectors import stored_prices

Kind = LedgerEntry.Kind


@dataclass(frozen=True, slots=True)
class WorkedOut:
    """The changed books of an account, still to be written where its effect is BOOKED, and what was done to it."""

    books: AccountBooks | None
    effect: AccountEffect


@dataclass(frozen=True, slots=True)
class AccountEntries:
    """An account with its entries in the symbols that an action is about, by sequence."""

    account: PortfolioAccount
    rows: Sequence[LedgerEntry]

    @property
    def entries(self) -> list[Entry]:
        """The entries as the pure arithmetic knows them."""
        return [row.as_entry() for row in self.rows]


def write_all(worked_out: Iterable[WorkedOut], context: AuditContext) -> None:
    """Write the books of each locked account that the action changes, and what the account is worth then."""
    changed = [each.books for each in worked_out if each.books is not None and each.effect.effect is Effect.BOOKED]
    for books in changed:
        books.write()
    if changed:
        value_accounts([books.account for books in changed], now=context.now)


def split_position(
    found: AccountEntries,
    *,
    action: CorporateAction,
    split: Split,
    ratios: Mapping[int, Fraction],
    context: AuditContext,
) -> WorkedOut:
    """Split what the account held at the close before, and work out again what was traded since.

    Raises HistoryError where a later trade is impossible then, NoSplitPriceError for a rest without a price, and
    CannotBookError for what the books do not take.
    """
    account = found.account
    books, entries = AccountBooks.of(account, context), found.entries
    _require_no_later_transfer(entries, split)
    told = tell(entries, ratios=ratios, adding=split)
    if told.held_then is None:
        return WorkedOut(books, _unaffected(account, entries))
    if told.stated_since:
        raise HistoryError("a person has stated since then what is held: correct the position by hand")
    now = history_as_booked(entries, ratios=ratios)
    _state_split(books, now, told, action=action, split=split)
    owed = _pay_rest(books, told, action) if told.rest else ZERO
    return WorkedOut(books, _split_effect(account, now, told, owed))


def _require_no_later_transfer(entries: Sequence[Entry], split: Split) -> None:
    """Raise HistoryError where the units came from a former symbol that was still traded on the day, or later."""
    undone = {entry.reverses for entry in entries}
    for entry in entries:
        if entry.kind == Kind.TRANSFER and entry.effective_on >= split.on and entry.sequence not in undone:
            raise HistoryError(
                f"it took {entry.symbol} over on {entry.effective_on} only: reverse that change first"
            )


def history_as_booked(entries: Sequence[Entry], *, ratios: Mapping[int, Fraction]) -> SymbolHistory:
    """Return the history as the books have it. Raises HistoryError where the books came to something else: then
    nobody may state a holding by it.
    """
    told = tell(entries, ratios=ratios)
    booked = {step.entry.position_id: step.after for step in steps(entries) if step.after is not None}
    held = [(key, holding) for key, holding in booked.items() if holding.is_open]
    same = held == [] if told.holding is None else held == [(told.position_id, _like(told.holding, held))]
    realized = {key: holding.realized_pnl for key, holding in booked.items() if key is not None}
    if not same or any(told.realized.get(key, ZERO) != profit for key, profit in realized.items()):
        raise HistoryError("its history does not add up to what is held: correct the position by hand")
    return told


def _like(told: Holding, held: Sequence[tuple[uuid.UUID | None, Holding]]) -> Holding:
    """The told holding with what a history does not tell: the mark, and the profit, which is told by position."""
    booked = held[0][1] if held else told
    return replace(told, mark_price=booked.mark_price, realized_pnl=booked.realized_pnl)


def _unaffected(account: PortfolioAccount, entries: Sequence[Entry]) -> AccountEffect:
    held = sum((entry.quantity for entry in entries), ZERO)
    message = "nothing was held at the close before; what was bought since keeps its units" if held else ""
    return AccountEffect(
        account_id=account.pk,
        account=str(account),
        effect=Effect.UNAFFECTED,
        message=message,
        before=held,
        after=held,
    )


def _state_split(
    books: AccountBooks, now: SymbolHistory, told: SymbolHistory, *, action: CorporateAction, split: Split
) -> None:
    """One SPLIT entry for each position whose profit is another now, the last for the one that holds the units."""
    target = told.position_id
    assert target is not None  # noqa: S101  # something was held
    gains = {key: profit - now.realized.get(key, ZERO) for key, profit in told.realized.items()}
    positions = {row.pk: row for row in Position.objects.filter(pk__in=[target, *gains])}
    about: dict[str, Any] = {"action": action, "effective_on": action.effective_on}
    for key, gain in sorted(gains.items(), key=lambda item: str(item[0])):
        if gain and key != target:
            closed = positions[key]
            mark = closed.mark_price
            restate_as(books, Kind.SPLIT, closed, closed.as_holding(), realized=gain, mark_before=mark, **about)
    position = books.find(action.security_id) or positions[target]
    before = position.as_holding()
    after = replace(_stated(told, before, told.rest), mark_price=_mark(position, split))
    if after.is_open and not (after.average_price and after.mark_price):
        raise CannotBookError(f"leaves {after.quantity} {after.symbol} @ {after.average_price}")
    restate_as(
        books,
        Kind.SPLIT,
        position,
        after,
        realized=gains.get(target, ZERO),
        mark_before=before.mark_price,
        **about,
    )


def _stated(told: SymbolHistory, before: Holding, rest: Rest | None) -> Holding:
    """What is held once the split is booked, with the rest that is to be paid out still in it."""
    then = told.held_then
    assert then is not None  # noqa: S101  # the caller has looked
    held = told.holding or replace(then, quantity=ZERO, cost_basis=ZERO, average_price=before.average_price)
    return replace(
        held,
        symbol=before.symbol,
        quantity=held.quantity + (rest.quantity if rest else ZERO),
        cost_basis=held.cost_basis + (rest.cost if rest else ZERO),
        realized_pnl=before.realized_pnl,
        mark_price=before.mark_price,
    )


def _mark(position: Position, split: Split) -> Decimal:
    """The last mark in new units; one at a price of the split's day or later is in them."""
    mark = position.as_holding().mark_price
    held_at = stored_prices.time_of_mark(position.security_id, mark, marked_at=position.marked_at)
    return mark if exchange_day(held_at) >= split.on else divided(mark, split.ratio)


def restate_as(
    books: AccountBooks,
    kind: LedgerEntry.Kind,
    position: Position,
    after: Holding,
    *,
    realized: Decimal,
    **about: Any,
) -> None:
    """Book what a holding is, with the profit that comes with it. What it was marked at keeps its time."""
    marked_at = position.marked_at
    grown = replace(after, realized_pnl=position.realized_pnl + realized)
    books.restate(kind, position, grown, realized_pnl=realized, **about)
    position.marked_at = marked_at


def _pay_rest(books: AccountBooks, told: SymbolHistory, action: CorporateAction) -> Decimal:
    """Pay what the split left below a step, after the split was stated; return what could not be paid."""
    rest = told.rest
    assert rest is not None  # noqa: S101  # the caller has looked
    position = books.last_position
    held = position.as_holding()
    after = replace(held, quantity=held.quantity - rest.quantity, cost_basis=held.cost_basis - rest.cost)
    amount, owed = books.payment(rest.cash)
    restate_as(
        books,
        Kind.CASH_IN_LIEU,
        position,
        after,
        realized=rest.realized,
        amount=amount,
        owed=owed,
        action=action,
        effective_on=action.effective_on,
    )
    return owed


def _split_effect(
    account: PortfolioAccount, now: SymbolHistory, told: SymbolHistory, owed: Decimal
) -> AccountEffect:
    then, rest = told.held_then, told.rest
    gain = sum(told.realized.values(), ZERO) - sum(now.realized.values(), ZERO)
    return AccountEffect(
        account_id=account.pk,
        account=str(account),
        effect=Effect.BOOKED,
        then=then.signed_quantity if then else ZERO,
        before=now.holding.signed_quantity if now.holding else ZERO,
        after=told.holding.signed_quantity if told.holding else ZERO,
        cost_before=now.holding.cost_basis if now.holding else ZERO,
        cost_after=told.holding.cost_basis if told.holding else ZERO,
        cash=rest.cash if rest else ZERO,
        owed=owed,
        realized_pnl=gain + (rest.realized if rest else ZERO),
    )


def pay_dividend(found: AccountEntries, *, action: CorporateAction, context: AuditContext) -> WorkedOut:
    """Pay the dividend on what the account held at the close before, whatever it holds now. A short pays it.

    Less than a cent is an entry of 0.00. What a short's cash does not cover is owed.
    """
    account, entries = found.account, found.entries
    books = AccountBooks.of(account, context)
    units = units_at_close_before(entries, action.effective_on)
    if not units:
        return WorkedOut(books, _unaffected(account, entries))
    earlier = [entry for entry in entries if entry.effective_on < action.effective_on and entry.position_id]
    cash = notional(quantity=units, price=action.value)
    amount, owed = books.payment(cash)
    position = books.position(earlier[-1].position_id)
    books.enter(
        Kind.DIVIDEND, amount, position=position, owed=owed, action=action, effective_on=action.effective_on
    )
    books.touch(position)
    books.settle(context)
    held = sum((entry.quantity for entry in entries), ZERO)
    effect = AccountEffect(
        account_id=account.pk, account=str(account), effect=Effect.BOOKED,
        then=units, before=held, after=held, cash=cash, owed=owed,
    )  # fmt: skip
    return WorkedOut(books, effect)


def transfer_position(found: AccountEntries, *, action: CorporateAction, context: AuditContext) -> WorkedOut:
    """Carry what is held under the old symbol over to the new one: units, cost and profit as they are.

    The position goes on under its new symbol; where that is held already, the units and the exact cost join it.
    Raises CannotBookError where one of them is long and the other short.
    """
    account = found.account
    books = AccountBooks.of(account, context)
    position, new = books.find(action.security_id), str(action.successor_id)
    if position is None:
        return WorkedOut(books, _unaffected(account, []))
    held, other = position.as_holding(), books.find(new)
    if other is not None and other.side != position.side:
        raise CannotBookError(f"holds {held.side} {held.symbol} and {other.side} {new}: close one of them first")
    about: dict[str, Any] = {"realized": ZERO, "action": action, "effective_on": _day_of_transfer(found, action)}
    restate_as(books, Kind.TRANSFER, position, replace(held, quantity=ZERO, cost_basis=ZERO), **about)
    if other is None:
        position.security_id = new
        restate_as(books, Kind.TRANSFER, position, replace(held, symbol=new), **about)
    else:
        restate_as(books, Kind.TRANSFER, other, _joined(held, other.as_holding()), **about)
    effect = AccountEffect(
        account_id=account.pk, account=str(account), effect=Effect.BOOKED, then=held.signed_quantity,
        before=held.signed_quantity, after=(other or position).as_holding().signed_quantity,
        cost_before=held.cost_basis, cost_after=(other or position).cost_basis,
    )  # fmt: skip
    return WorkedOut(books, effect)


def _day_of_transfer(found: AccountEntries, action: CorporateAction) -> date:
    """The day of the change; where the account has traded since, the day of its last trade: all of it goes over."""
    return max([action.effective_on, *(row.effective_on for row in found.rows)])


def _joined(held: Holding, other: Holding) -> Holding:
    quantity = quantize_quantity(held.quantity + other.quantity, step=QUANTITY_STEP)
    worth = held.average_price * held.quantity + other.average_price * other.quantity
    return replace(
        other,
        quantity=quantity,
        average_price=quantize_average(worth / quantity),
        cost_basis=held.cost_basis + other.cost_basis,
    )
