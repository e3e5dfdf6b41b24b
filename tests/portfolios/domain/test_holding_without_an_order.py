"""What a position comes to once one of its orders is taken out of the ledger."""

from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from portfolios.domain.accounting import Side
from portfolios.domain.projection import Entry, StillNeededError, holding_without

FIRST, SECOND, THIRD = uuid4(), uuid4(), uuid4()


def fill(
    sequence: int, kind: str, quantity: int, price: int, order: UUID | None, *, reverses: int | None = None
) -> Entry:
    """An entry of one fill; `quantity` is positive, as in an order."""
    sign = 1 if kind in ("BUY", "BUY_TO_COVER") else -1
    return Entry(
        sequence=sequence,
        kind=kind,
        amount=Decimal(-sign * quantity * price),
        balance_after=Decimal(0),
        symbol="MSFT",
        quantity=Decimal(sign * quantity),
        price=Decimal(price),
        order_id=order,
        reverses=reverses,
    )


def other(sequence: int, kind: str, *, order: UUID | None = None, **columns: Decimal) -> Entry:
    """An entry that is no fill."""
    return Entry(
        sequence=sequence,
        kind=kind,
        amount=columns.pop("amount", Decimal(0)),
        balance_after=Decimal(0),
        symbol="MSFT",
        order_id=order,
        **columns,  # type: ignore[arg-type]
    )


BOUGHT = fill(1, "BUY", 10, 100, FIRST)
ADDED = fill(2, "BUY", 10, 200, SECOND)
SOLD = fill(3, "SELL", 5, 300, THIRD)


def test_the_only_order_leaves_nothing():
    assert holding_without([BOUGHT], FIRST) is None


def test_later_fills_are_worked_out_again():
    held = holding_without([BOUGHT, ADDED, SOLD], FIRST)
    assert held is not None
    assert [held.side, held.quantity, held.average_price, held.cost_basis] == [Side.LONG, 5, 200, 1000]
    assert held.realized_pnl == 500


def test_an_order_in_the_middle_leaves_those_before_and_after():
    held = holding_without([BOUGHT, ADDED, SOLD], SECOND)
    assert held is not None
    assert [held.quantity, held.average_price, held.realized_pnl] == [5, 100, 1000]


def test_an_order_whose_shares_were_sold_since_is_still_needed():
    with pytest.raises(StillNeededError, match=r"entry 2 .* more than is held") as caught:
        holding_without([BOUGHT, fill(2, "SELL", 10, 300, SECOND)], FIRST)
    assert caught.value.sequence == 2


@pytest.mark.parametrize("kind", ["SPLIT", "DIVIDEND", "CORRECTION"])
def test_what_was_done_to_the_holding_after_the_order_needs_it(kind: str):
    with pytest.raises(StillNeededError, match=rf"entry 3 .* a {kind} of what was held"):
        holding_without([BOUGHT, ADDED, other(3, kind)], SECOND)


def test_what_was_done_to_the_holding_before_the_order_stays():
    split = other(2, "SPLIT", quantity=Decimal(30), price=Decimal(25), cost_basis=Decimal(1000))
    held = holding_without([BOUGHT, split, fill(3, "BUY", 10, 50, SECOND)], SECOND)
    assert held is not None
    assert [held.quantity, held.average_price, held.cost_basis] == [40, 25, 1000]


def test_a_fee_stays_with_its_order_and_goes_with_it():
    fee_of_first = other(2, "FEE", order=FIRST, amount=Decimal(-3))
    fee_of_second = other(4, "FEE", order=SECOND, amount=Decimal(-5))
    entries = [BOUGHT, fee_of_first, fill(3, "BUY", 10, 200, SECOND), fee_of_second]
    kept = holding_without(entries, FIRST)
    assert kept is not None
    assert [kept.quantity, kept.realized_pnl] == [10, -5]
    kept = holding_without(entries, SECOND)
    assert kept is not None
    assert [kept.quantity, kept.realized_pnl] == [10, -3]


def test_an_order_that_was_reversed_before_is_left_out_as_well():
    reversal = other(3, "CORRECTION", order=FIRST, quantity=Decimal(-10), cost_basis=Decimal(2000))
    later = fill(4, "BUY", 1, 50, THIRD)
    assert reversal.reverses_its_order
    held = holding_without([BOUGHT, ADDED, reversal, later], THIRD)
    assert held is not None
    assert [held.quantity, held.average_price] == [10, 200]


def test_a_fill_that_was_reversed_is_left_out_with_its_reversal():
    reversal = fill(3, "REVERSAL", 10, 200, None, reverses=2)
    held = holding_without([BOUGHT, ADDED, reversal, fill(4, "BUY", 1, 50, THIRD)], THIRD)
    assert held is not None
    assert [held.quantity, held.average_price] == [10, 100]


@pytest.mark.parametrize(
    ("entry", "reverses"),
    [(other(1, "CORRECTION", order=FIRST), True), (other(1, "CORRECTION"), False), (BOUGHT, False)],
)
def test_only_a_correction_that_names_an_order_reverses_it(entry: Entry, reverses: bool):
    assert entry.reverses_its_order is reverses
