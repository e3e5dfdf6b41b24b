"""What a venue reports is what is booked; from the simulated one that is what the plan expected."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
from hypothesis import given, settings

from execution.engine.planning.plan import Plan, PlanInput, make_plan
from execution.engine.planning.policy import Costs
from execution.models import ExecutionRun
from execution.runs import execute
from execution.runs.fills import OrderNotFilledError, as_filled, new_orders
from execution.venues.base import ExecType, ExecutionReport, NewOrder, Venue
from execution.venues.simulated import SimulatedVenue
from portfolios.ledger import check_books
from portfolios.models import LedgerEntry, Order, Strategy
from tests.counts import count
from tests.execution.engine.strategies import situations
from tests.scenes import Desk, Inbox, line

LINES = [line("MSFT", "BUY", 10.0), line("KO", "BUY", 5.0)]
PRICES = {"MSFT": "450", "KO": "60"}


@dataclass(frozen=True)
class OtherVenue:
    """A venue that says something else than the simulated one."""

    change: Callable[[list[ExecutionReport]], list[ExecutionReport]]

    def submit(self, orders: Sequence[NewOrder]) -> list[ExecutionReport]:
        """Fill as the simulated venue does, and change the reports."""
        return self.change(SimulatedVenue(Costs()).submit(orders))


def a_cent_worse(reports: list[ExecutionReport]) -> list[ExecutionReport]:
    """Fill every order a cent above its price."""
    return [
        replace(report, fill=replace(report.fill, price=report.fill.price + Decimal("0.01")))
        for report in reports
        if report.fill
    ]


def the_second_rejected(reports: list[ExecutionReport]) -> list[ExecutionReport]:
    """Reject one order."""
    text = "not traded here"
    return [reports[0], replace(reports[1], exec_type=ExecType.REJECTED, fill=None, text=text)]


def only_a_part(reports: list[ExecutionReport]) -> list[ExecutionReport]:
    """Fill one unit of each order."""
    return [replace(report, fill=replace(report.fill, quantity=Decimal(1))) for report in reports if report.fill]


def nothing(reports: list[ExecutionReport]) -> list[ExecutionReport]:
    """Do not answer."""
    return []


@pytest.mark.slow
@settings(max_examples=count(150, 2000), deadline=None)
@given(given_=situations())
def test_what_the_simulated_venue_fills_is_the_plan(given_: PlanInput):
    plan = make_plan(given_)
    if not isinstance(plan, Plan):
        return
    orders = new_orders(plan.intents, [f"order {number}" for number in range(len(plan.intents))])
    assert as_filled(plan, orders, SimulatedVenue(given_.policy.costs).submit(orders)) == plan


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch, inbox: Inbox, strategy: Strategy) -> Callable[[Venue], Desk]:
    """Return a desk whose runs go to another venue."""

    def desk(venue: Venue) -> Desk:
        monkeypatch.setattr(execute, "_venue", lambda _: venue)
        return Desk(inbox, strategy)

    return desk


@pytest.mark.django_db
def test_a_run_books_what_the_venue_reports_and_says_so(at: Callable[[Venue], Desk]):
    desk = at(OtherVenue(a_cent_worse))
    report = desk.run(LINES, prices=PRICES)
    filled = {order.security_id: order.average_fill_price for order in Order.objects.all()}
    assert filled == {"MSFT": Decimal("450.01"), "KO": Decimal("60.01")}
    assert [(order.symbol, Decimal(order.fill_price)) for order in report.orders] == [
        ("MSFT", Decimal("450.01")),
        ("KO", Decimal("60.01")),
    ]
    assert Decimal(report.account.cash_balance) == desk.account.cash_balance
    assert Decimal(report.account.equity_value) == desk.account.equity_value
    assert check_books(desk.account) == []


@pytest.mark.django_db
def test_reports_are_known_by_their_client_order_id_and_not_by_their_place(at: Callable[[Venue], Desk]):
    desk = at(OtherVenue(lambda reports: reports[::-1]))
    desk.run(LINES, prices=PRICES)
    assert desk.position("MSFT").average_price == 450
    assert check_books(desk.account) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "why"),
    [
        (the_second_rejected, "rejected by the venue: not traded here"),
        (only_a_part, "the venue reports BUY of 1 MSFT"),
        (nothing, "the venue did not report on it"),
    ],
)
def test_a_run_whose_orders_are_not_all_filled_books_nothing_and_is_recorded_as_failed(
    at: Callable[[Venue], Desk], change: Callable[[list[ExecutionReport]], list[ExecutionReport]], why: str
):
    desk = at(OtherVenue(change))
    with pytest.raises(OrderNotFilledError, match=why):
        desk.run(LINES, prices=PRICES)
    assert (Order.objects.count(), LedgerEntry.objects.count()) == (0, 0)
    run = ExecutionRun.objects.get()
    assert (run.status, why in run.error) == ("failed", True)
