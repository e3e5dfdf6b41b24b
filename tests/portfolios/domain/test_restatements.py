"""A holding that a person states anew."""

from decimal import Decimal

import pytest

from portfolios.domain.accounting import Holding, Side, restate_holding

LONG = Holding(
    symbol="MSFT",
    side=Side.LONG,
    quantity=Decimal("18.91"),
    average_price=Decimal("528.57"),
    cost_basis=Decimal("9995.26"),
    realized_pnl=Decimal("-3.50"),
    mark_price=Decimal(560),
)


@pytest.mark.parametrize(("side", "signed"), [(Side.LONG, 1), (Side.SHORT, -1)])
def test_the_signed_cost_is_what_a_long_took_and_a_short_brought_in(side: Side, signed: int):
    held = Holding("MSFT", side, Decimal(10), Decimal(50), Decimal(500))
    assert held.signed_cost == 500 * signed
    assert held.signed_quantity == 10 * signed


def test_a_restated_holding_costs_quantity_times_average_and_keeps_its_profit_and_mark():
    after = restate_holding(LONG, side=Side.SHORT, quantity=Decimal(3), average_price=Decimal("450.125"))
    assert after == Holding(
        symbol="MSFT",
        side=Side.SHORT,
        quantity=Decimal(3),
        average_price=Decimal("450.125"),
        cost_basis=Decimal("1350.38"),
        realized_pnl=LONG.realized_pnl,
        mark_price=LONG.mark_price,
    )


def test_a_holding_restated_without_a_mark_is_marked_at_its_average():
    unmarked = Holding("MSFT", Side.LONG, Decimal(1), Decimal(10), Decimal(10))
    after = restate_holding(unmarked, side=Side.LONG, quantity=Decimal(3), average_price=Decimal(450))
    assert after.mark_price == 450


def test_a_holding_restated_to_nothing_keeps_its_side_and_average_as_a_record():
    after = restate_holding(LONG, side=Side.SHORT, quantity=Decimal(0), average_price=Decimal(1))
    assert not after.is_open
    assert after.cost_basis == 0
    assert (after.side, after.average_price, after.mark_price) == (Side.LONG, LONG.average_price, LONG.mark_price)
    assert after.realized_pnl == LONG.realized_pnl
