from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.money import AmountOutOfRangeError
from execution.engine.planning.costs import commission, fill_price, simulate_fill
from execution.engine.planning.policy import Costs
from portfolios.domain.accounting import Action
from tests.execution.engine.strategies import costs as any_costs
from tests.execution.engine.strategies import prices

TEN_BPS = Costs(slippage_bps=Decimal(10))


def test_without_costs_a_fill_is_at_the_price_and_free():
    done = simulate_fill(
        symbol="MSFT", action=Action.BUY, quantity=Decimal("22.22"), price=Decimal(450), costs=Costs()
    )
    assert (done.price, done.fee) == (Decimal(450), Decimal(0))
    assert (done.notional, done.cash_delta) == (Decimal(9999), Decimal(-9999))


@pytest.mark.parametrize(
    ("action", "paid"),
    [
        (Action.BUY, "450.45"),
        (Action.BUY_TO_COVER, "450.45"),
        (Action.SELL, "449.55"),
        (Action.SELL_SHORT, "449.55"),
    ],
)
def test_slippage_is_always_against_the_trader(action: Action, paid: str):
    assert fill_price(action=action, price=Decimal(450), costs=TEN_BPS) == Decimal(paid)


def test_a_fill_price_is_rounded_as_the_books_keep_prices():
    assert str(fill_price(action=Action.BUY, price=Decimal("333.3333"), costs=TEN_BPS)) == "333.6666"
    assert str(fill_price(action=Action.SELL, price=Decimal("0.5"), costs=Costs(slippage_bps=Decimal(3)))) == (
        "0.499850"
    )


def test_slippage_never_makes_a_price_nothing():
    steep = Costs(slippage_bps=Decimal("9999.99"))
    assert fill_price(action=Action.SELL, price=Decimal("0.000001"), costs=steep) == Decimal("0.000001")


def test_a_fill_price_beyond_the_books_is_out_of_range():
    with pytest.raises(AmountOutOfRangeError):
        fill_price(action=Action.BUY, price=Decimal("999999999"), costs=TEN_BPS)


@pytest.mark.parametrize(
    ("costs", "fee"),
    [
        (Costs(), "0.00"),
        (Costs(commission_per_order=Decimal("1.50")), "1.50"),
        (Costs(commission_per_share=Decimal("0.005")), "0.50"),
        (Costs(commission_bps=Decimal(5)), "2.50"),
        (Costs(commission_minimum=Decimal(1)), "1.00"),
        (Costs(commission_minimum=Decimal(1), commission_per_share=Decimal("0.005")), "1.00"),
        (Costs(commission_minimum=Decimal(1), commission_bps=Decimal(5)), "2.50"),
        (
            Costs(
                commission_per_order=Decimal(1),
                commission_per_share=Decimal("0.005"),
                commission_bps=Decimal(5),
                commission_minimum=Decimal(3),
            ),
            "4.00",
        ),
        (Costs(commission_bps=Decimal("0.01")), "0.00"),  # half a cent, to even
        (Costs(commission_bps=Decimal("0.03")), "0.02"),  # a cent and a half, to even
    ],
)
def test_the_commission_is_the_greater_of_the_minimum_and_the_sum(costs: Costs, fee: str):
    assert str(commission(quantity=Decimal(100), price=Decimal(50), costs=costs)) == fee


def test_the_commission_is_on_the_price_that_is_paid():
    costs = Costs(slippage_bps=Decimal(1000), commission_bps=Decimal(100))
    done = simulate_fill(symbol="MSFT", action=Action.SELL, quantity=Decimal(10), price=Decimal(100), costs=costs)
    assert (done.price, done.fee) == (Decimal(90), Decimal(9))


@given(st.sampled_from(Action), prices, st.decimals("0.000001", 1000, places=6), any_costs)
def test_costs_only_ever_cost(action: Action, price: Decimal, quantity: Decimal, costs: Costs):
    done = simulate_fill(symbol="MSFT", action=action, quantity=quantity, price=price, costs=costs)
    free = simulate_fill(symbol="MSFT", action=action, quantity=quantity, price=price, costs=Costs())
    assert done.cash_delta - done.fee <= free.cash_delta
    assert done.fee >= costs.commission_minimum
    assert done.price > 0
