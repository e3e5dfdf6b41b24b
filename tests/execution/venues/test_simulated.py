"""The simulated venue fills at once, whole, and as planning expects."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from execution.engine.planning.costs import simulate_fill
from execution.engine.planning.policy import Costs
from execution.venues.base import ExecType, NewOrder
from execution.venues.simulated import SimulatedVenue
from portfolios.domain.accounting import Action, Fill
from tests.execution.engine.strategies import costs as any_costs
from tests.execution.engine.strategies import prices


def order(name: str, action: Action = Action.BUY, quantity: str = "10", price: str = "100") -> NewOrder:
    """Return an order of MSFT."""
    return NewOrder(
        client_order_id=name, symbol="MSFT", action=action, quantity=Decimal(quantity), price=Decimal(price)
    )


def test_every_order_is_filled_whole_and_reported_in_its_turn():
    reports = SimulatedVenue(Costs()).submit([order("first"), order("second", Action.SELL, "3")])
    assert [(report.client_order_id, report.exec_type) for report in reports] == [
        ("first", ExecType.TRADE),
        ("second", ExecType.TRADE),
    ]
    assert [report.fill and report.fill.quantity for report in reports] == [10, 3]


def test_a_buyer_pays_more_than_the_price_and_a_fee_beside_it():
    venue = SimulatedVenue(Costs(slippage_bps=Decimal(10), commission_per_order=Decimal("1.50")))
    (report,) = venue.submit([order("one")])
    assert report.fill == Fill("MSFT", Action.BUY, Decimal(10), Decimal("100.1"), Decimal("1.50"))


def test_without_orders_there_is_nothing_to_report():
    assert SimulatedVenue(Costs()).submit([]) == []


@given(
    action=st.sampled_from(Action),
    quantity=st.decimals(Decimal("0.01"), Decimal(1000), places=2),
    price=prices,
    costs=any_costs,
)
def test_the_fill_is_the_one_that_planning_expects(action: Action, quantity: Decimal, price: Decimal, costs: Costs):
    one = NewOrder(client_order_id="one", symbol="MSFT", action=action, quantity=quantity, price=price)
    (report,) = SimulatedVenue(costs).submit([one])
    assert report.fill == simulate_fill(symbol="MSFT", action=action, quantity=quantity, price=price, costs=costs)
