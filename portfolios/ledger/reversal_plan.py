"""What it takes to reverse the entries of one run, and what later depends on them.

Reversing is last in, first out: an entry may be reversed while nothing that still stands came after it in its
symbol, no split and no dividend of the symbol was booked since, and no later entry needed its cash.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from common.money import ZERO
from portfolios.domain.accounting import Action, Holding
from portfolios.domain.projection import project_positions
from portfolios.ledger.refusals import CannotBookError
from portfolios.models import CorporateAction, LedgerEntry, PortfolioAccount, Position

_Kind = LedgerEntry.Kind
_REVERSIBLE = frozenset({*Action, "FEE"})
# A split may be stamped, and then wait for the lock while a run that is stamped later closes the position.
_OVERLAP = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Dependent:
    """Something later that depends on the entries; `run_id` is None for what no run booked."""

    what: str
    symbol: str
    run_id: UUID | None
    at: datetime

    def __str__(self) -> str:
        by = f" by run {self.run_id}" if self.run_id else ""
        return f"{self.what} on {self.at:%Y-%m-%d %H:%M} UTC{by}"


class _Later(NamedTuple):
    """What counts of an entry after the run; there may be very many of them."""

    sequence: int
    kind: str
    amount: Decimal
    security_id: str | None
    run_id: UUID | None
    occurred_at: datetime
    reverses: int | None
    effective_on: date
    action_id: int | None


@dataclass(frozen=True, slots=True)
class Restoration:
    """One position as it is, and as it will be once the entries are reversed."""

    position_id: UUID
    now: Holding
    after: Holding


@dataclass(frozen=True, slots=True)
class ReversalPlan:
    """The fills and fees of one run, the positions they changed, and what each position was before (None: nothing).

    `dependents` are what has to be reversed first, in their order; without them the entries may be reversed.
    """

    account: PortfolioAccount
    entries: Sequence[LedgerEntry]
    positions: Sequence[Position]
    before: Mapping[UUID, Holding | None]
    dependents: Sequence[Dependent]

    @property
    def cash(self) -> Decimal:
        """Signed cash that the reversal moves, + into the account."""
        return -sum((entry.amount for entry in self.entries), ZERO)

    @property
    def restorations(self) -> list[Restoration]:
        """What becomes of each position; one that was nothing before is closed without a profit."""
        found = []
        for position in self.positions:
            now = position.as_holding()
            before = self.before[position.pk] or replace(now, quantity=ZERO, cost_basis=ZERO, realized_pnl=ZERO)
            found.append(Restoration(position.pk, now, before))
        return found


def plan_reversal(account: PortfolioAccount, *, run_id: UUID) -> ReversalPlan:
    """Read what reversing a run's entries means. To write on what it says, hold the account's lock.

    A deposit of the run stays: it opened the account. The number of queries does not depend on the number of
    entries. Raises CannotBookError where the ledger contradicts itself.
    """
    ledger = LedgerEntry.objects.filter(account=account)
    mine = list(
        ledger.filter(run_id=run_id, kind__in=sorted(_REVERSIBLE)).select_related("order").order_by("sequence")
    )
    if not mine:
        return ReversalPlan(account, [], [], {}, [])
    symbols = {str(entry.security_id) for entry in mine}
    first, last = mine[0], mine[-1]
    earlier = list(ledger.filter(security_id__in=sorted(symbols), sequence__lt=first.sequence).order_by("sequence"))
    rows = ledger.filter(sequence__gt=last.sequence).order_by("sequence").values_list(*_Later._fields)
    later = _standing([_Later(*row) for row in rows], after=last.sequence)
    return ReversalPlan(
        account=account,
        entries=mine,
        positions=list(Position.objects.filter(pk__in={entry.position_id for entry in mine}).order_by("pk")),
        before=_holdings(mine, earlier),
        dependents=[
            *_touching(later, symbols, day=first.effective_on),
            *_actions(symbols, first, booked=[*earlier, *later]),
            *_spending(later, cash=first.balance_after - first.amount),
        ],
    )


def _standing(later: Sequence[_Later], *, after: int) -> list[_Later]:
    """The later entries without those that were reversed, and without their reversals."""
    reversed_before = {entry.reverses for entry in later}
    return [entry for entry in later if entry.sequence not in reversed_before and (entry.reverses or 0) <= after]


def _holdings(mine: Sequence[LedgerEntry], earlier: Sequence[LedgerEntry]) -> dict[UUID, Holding | None]:
    books = project_positions(entry.as_entry() for entry in earlier)
    if books.faults:
        sequence, message = books.faults[0]
        raise CannotBookError(f"entry {sequence}: {message}; see manage.py check_books")
    before = {key: projected.holding for key, projected in books.positions.items()}
    return {entry.position_id: before.get(entry.position_id) for entry in mine if entry.position_id}


def _touching(later: Sequence[_Later], symbols: Collection[str], *, day: date) -> Iterator[Dependent]:
    """Each later entry in one of the symbols; the fee of a fill goes without saying. A dividend on what was held
    before the day of the run has nothing to do with it, however late it was booked.
    """
    for entry in later:
        symbol = entry.security_id or ""
        is_earlier = entry.kind == _Kind.DIVIDEND and entry.effective_on <= day
        if symbol in symbols and entry.kind != _Kind.FEE and not is_earlier:
            yield Dependent(f"{entry.kind} of {symbol}", symbol, entry.run_id, entry.occurred_at)


def _actions(
    symbols: Collection[str], first: LedgerEntry, *, booked: Sequence[LedgerEntry | _Later]
) -> Iterator[Dependent]:
    """Corporate actions of a later day that the account had no part in, because the run had sold what they were
    about.
    """
    had_part = {entry.action_id for entry in booked}
    rows = CorporateAction.objects.filter(
        security_id__in=sorted(symbols),
        booked_at__gte=first.occurred_at - _OVERLAP,
        effective_on__gt=first.effective_on,
        reversed_at=None,
    )
    for row in rows.order_by("booked_at", "pk"):
        if row.pk not in had_part:
            yield Dependent(f"{row.kind.upper()} of {row.security_id}", row.security_id, None, row.booked_at)


def _spending(later: Sequence[_Later], *, cash: Decimal) -> Iterator[Dependent]:
    """The first later entry that the cash before the run would not have paid for."""
    for entry in later:
        cash += entry.amount
        if cash < 0:
            what = f"{entry.kind} of {entry.security_id}" if entry.security_id else str(entry.kind)
            yield Dependent(
                f"{what}, which spent the run's cash,", entry.security_id or "", entry.run_id, entry.occurred_at
            )
            return
