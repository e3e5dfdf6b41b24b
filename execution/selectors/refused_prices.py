"""Reads refused prices for pages: those that wait for a person, and what each would change."""

from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from common.money import AmountOutOfRangeError, percent_difference, plain
from execution.models import RefusedPrice
from portfolios.models import Position

MOST_NAMED = 5  # in one sentence


@dataclass(frozen=True, slots=True)
class WaitingHolding:
    """One open position that keeps its mark because of a refused price. Values are signed and in cash.

    `value_then` is what it would be worth at the refused price, None where that is more than the books hold.
    """

    position: Position
    refused: RefusedPrice
    value: Decimal
    value_then: Decimal | None

    @property
    def difference_percent(self) -> Decimal:
        """How far the refused price is from the mark, in percent of it."""
        return percent_difference(self.refused.price, base=self.position.mark_price)

    @property
    def change(self) -> Decimal | None:
        """What accepting the price would add to the account's value."""
        return None if self.value_then is None else self.value_then - self.value


def waiting_prices() -> "QuerySet[RefusedPrice]":
    """Return the refused prices that nobody has settled, of what somebody holds, the newest first."""
    held = Position.objects.filter(security=OuterRef("security"), status=Position.Status.OPEN)
    return RefusedPrice.objects.filter(Exists(held), resolved_at=None)


def find_refused(refused_id: int) -> RefusedPrice | None:
    """Return the refused price, or None."""
    return RefusedPrice.objects.filter(pk=refused_id).first()


def waiting_holdings(
    *, account_id: UUID | None = None, refused: RefusedPrice | None = None
) -> list[WaitingHolding]:
    """Return what is held at another mark than the newest price that waits, by symbol.

    Of one account, or because of one refused price. At most two queries.
    """
    prices = waiting_prices().order_by("as_of", "pk") if refused is None else [refused]
    newest = {row.security_id: row for row in prices}
    held = Position.objects.filter(security_id__in=sorted(newest), status=Position.Status.OPEN)
    held = held if account_id is None else held.filter(account_id=account_id)
    rows = held.select_related("account__strategy").order_by("security_id", "account_id") if newest else ()
    return [
        _waiting(position, newest[position.security_id])
        for position in rows
        if position.mark_price != newest[position.security_id].price
    ]


def named(rows: "QuerySet[RefusedPrice]") -> str:
    """Return the newest of these prices in words: symbol, price, source and how far off, the first five of them."""
    found = list(rows.order_by("-refused_at", "-pk")[: MOST_NAMED + 1])
    words = [
        f"{row.security_id} {plain(row.price)} from {row.source} ({row.difference_percent:+.2f} %)"
        for row in found[:MOST_NAMED]
    ]
    return ", ".join([*words, *(["and more"] if len(found) > MOST_NAMED else [])])


def _waiting(position: Position, refused: RefusedPrice) -> WaitingHolding:
    held = position.as_holding()
    try:
        then = replace(held, mark_price=refused.price).market_value
    except AmountOutOfRangeError:
        then = None
    return WaitingHolding(position, refused, held.market_value, then)
