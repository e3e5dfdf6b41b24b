"""What was booked is reversed: the entries of a run by their mirror images, one order by a correction."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace

from common.money import ZERO
from portfolios.domain.accounting import Holding
from portfolios.domain.projection import StillNeededError, holding_without
from portfolios.ledger.account_books import AccountBooks
from portfolios.ledger.audit_context import AuditContext
from portfolios.ledger.refusals import CannotBookError, range_is_a_rule
from portfolios.ledger.valuations import value_account
from portfolios.models import LedgerEntry, Order, PortfolioAccount, Position
from portfolios.selectors import books as queries

Kind = LedgerEntry.Kind


@range_is_a_rule()
def reverse_entries(
    account: PortfolioAccount,
    entries: Sequence[LedgerEntry],
    *,
    positions: Sequence[Position],
    before: Mapping[uuid.UUID, Holding | None],
    context: AuditContext,
) -> None:
    """Reverse the fills and fees of `entries`: a REVERSAL for each, at its price, that names it.

    `positions` are all that the entries changed, open or closed; `before` says what each was before them (None:
    nothing), and is what it is afterwards, at its last mark. The entries must be the last of their positions
    that still stand. Values the account. Raises CannotBookError where the cash would leave its range.
    """
    books = AccountBooks.of(account, context)
    mine = {position.pk: [entry for entry in entries if entry.position_id == position.pk] for position in positions}
    # What brings cash in comes first, so that the balance does not pass below zero on its way.
    for position in sorted(positions, key=lambda each: sum(entry.amount for entry in mine[each.pk])):
        books.reverse(position, mine[position.pk], before[position.pk])
    books.write()
    value_account(account, now=context.now)


@range_is_a_rule()
def reverse_order(account: PortfolioAccount, *, order: Order, context: AuditContext) -> LedgerEntry:
    """Book a CORRECTION that undoes what a filled order of the account did, and return it. The order stays.

    Its cash and its fee come back, what is held becomes what it would be without the order, and its profit goes.
    Raises CannotBookError for an order that moved nothing or was reversed before, where a later entry needs what
    it did, and where the cash that has to be given back is not there.
    """
    books = AccountBooks.of(account, context)
    entries = queries.ledger_of_orders([order.pk]).get(order.pk, [])
    if not entries:
        raise CannotBookError(f"order is {order.status}: it moved nothing that could be reversed")
    if any(entry.kind in (Kind.CORRECTION, Kind.REVERSAL) for entry in entries):
        raise CannotBookError(f"order {order.pk} was reversed before, by entry {entries[-1].sequence}")
    position = _position_of(books, entries[0])
    after = _without(position, order)
    books.restate(
        Kind.CORRECTION,
        position,
        after,
        amount=-sum((entry.amount for entry in entries), ZERO),
        order=order,
        effective_on=entries[0].effective_on,
    )
    books.write()
    return books.last_entry


def _position_of(books: AccountBooks, fill: LedgerEntry) -> Position:
    """Return the position that a fill changed, unless another one has been opened in its security since."""
    position = Position.objects.get(ledger=fill)
    current = books.find(position.security_id)
    if current is not None and current.pk != position.pk:
        raise CannotBookError(
            f"the position in {position.security_id} was closed and another one opened since: correct that one"
        )
    return current or position


def _without(position: Position, order: Order) -> Holding:
    """Return the position as it would be without one of its orders. Raises CannotBookError."""
    entries = [entry.as_entry() for entry in LedgerEntry.objects.filter(position=position).order_by("sequence")]
    before = position.as_holding()
    try:
        after = holding_without(entries, order.pk)
    except StillNeededError as error:
        raise CannotBookError(f"order {order.pk} cannot be reversed: {error}") from error
    if after is None or not after.is_open:
        realized = after.realized_pnl if after else ZERO
        return replace(before, quantity=ZERO, cost_basis=ZERO, realized_pnl=realized)
    return replace(after, mark_price=before.mark_price)
