"""How much of an exit the cash pays for: covers cost their price, sales at most their fee."""

from decimal import Decimal

import pytest

from execution.engine.planning.costs import commission, simulate_fill
from execution.engine.planning.exits import affordable_quantity
from execution.engine.planning.policy import Costs
from portfolios.domain.accounting import Action
from tests.builders import Number

STEP = Decimal("0.01")


def costs(**amounts: Number) -> Costs:
    """Commissions by their short names: costs(minimum=5, per_share="0.10", bps=100)."""
    return Costs(**{f"commission_{name}": Decimal(amount) for name, amount in amounts.items()})


def affordable(
    action: Action, quantity: Number, price: Number, *, cash: Number, costs: Costs, step: Number = STEP
) -> Decimal:
    fill = simulate_fill(symbol="XOM", action=action, quantity=Decimal(quantity), price=Decimal(price), costs=costs)
    return affordable_quantity(fill, step=Decimal(step), cash=Decimal(cash), costs=costs)


def cover(quantity: Number, price: Number, *, cash: Number, costs: Costs, step: Number = STEP) -> Decimal:
    return affordable(Action.BUY_TO_COVER, quantity, price, cash=cash, costs=costs, step=step)


def sale(quantity: Number, price: Number, *, cash: Number, costs: Costs) -> Decimal:
    return affordable(Action.SELL, quantity, price, cash=cash, costs=costs)


def spent(quantity: Decimal, price: Number, costs: Costs) -> Decimal:
    """What covering that much takes out of the cash."""
    filled = simulate_fill(
        symbol="XOM", action=Action.BUY_TO_COVER, quantity=quantity, price=Decimal(price), costs=costs
    )
    return filled.notional + filled.fee


@pytest.mark.parametrize(("cash", "sold"), [("0.77", 0), ("0.78", 20)])
def test_a_sale_whose_fee_per_share_is_above_its_price_is_all_or_nothing(cash: str, sold: int):
    # 20 shares bring 1.22 and cost 2.00. Three quarters of the difference do not sell three quarters.
    assert sale(20, "0.061", cash=cash, costs=costs(per_share="0.10")) == sold


def test_a_sale_that_brings_its_fee_to_the_cent_needs_no_cash():
    assert sale(10, "0.10", cash=0, costs=costs(minimum=1)) == 10


@pytest.mark.parametrize(("cash", "covered"), [(0, 0), ("5.00", 0), ("5.01", 0), ("5.99", 0), ("6.00", "0.01")])
def test_the_larger_of_the_minimum_and_the_fee_per_order_is_paid_before_the_first_step(cash: str, covered: Number):
    assert cover(10, 100, cash=cash, costs=costs(minimum=5, per_order=2)) == Decimal(covered)
    assert cover(10, 100, cash=cash, costs=costs(minimum=2, per_order=5)) == Decimal(covered)


def test_with_a_minimum_and_a_fee_per_order_a_cover_spends_what_is_left_after_the_larger():
    # 4.99 are left after the dollar: what the books round to that is covered at 5 cents.
    assert cover(100, "0.05", cash="5.99", costs=costs(per_order=1)) == Decimal("99.89")
    both = costs(minimum=5, per_order=2)
    assert cover(10, 100, cash=505, costs=both) == 5
    assert cover(10, 100, cash="504.99", costs=both) == Decimal("4.99")


@pytest.mark.parametrize(("minimum", "per_order"), [(5, 2), (2, 5), (5, 0), (0, 5)])
def test_a_fixed_fee_is_set_aside_once(minimum: int, per_order: int):
    fees = costs(minimum=minimum, per_order=per_order)
    for cash in range(6, 1005, 7):
        # Whole dollars at 100 a share: nothing is lost to rounding.
        assert cover(10, 100, cash=cash, costs=fees) == Decimal(cash - 5) / 100


def test_a_first_estimate_that_rounding_puts_over_the_cash_takes_steps_off():
    # 24.71 at 3.3330 are 82.3584 and a fee of 0.082: 82.36 and 0.08. 24.70 and 24.69 come to the same way.
    fees = costs(bps=10)
    quantity = cover(25, "3.3330", cash="82.40", costs=fees)
    assert quantity == Decimal("24.69")
    assert spent(quantity, "3.3330", fees) <= Decimal("82.40") < spent(quantity + 2 * STEP, "3.3330", fees)


@pytest.mark.parametrize(
    ("price", "cash", "fees", "covered"),
    [
        ("3.33", "1.57", costs(bps=35), "0.46"),
        ("333.3333", "310.73", costs(bps=100, per_order=1), "0.91"),
    ],
)
def test_a_cover_of_less_than_a_share_does_not_overdraw_the_cash_either(
    price: str, cash: str, fees: Costs, covered: str
):
    # The first estimate is a step more, and costs a cent or more too much.
    assert cover(1, price, cash=cash, costs=fees) == Decimal(covered)
    assert spent(Decimal(covered), price, fees) <= Decimal(cash) < spent(Decimal(covered) + STEP, price, fees)


@pytest.mark.parametrize(
    ("quantity", "cash", "fees", "covered"),
    [
        ("7.77", "0.20", Costs(), "4.10"),
        ("7.77", "5.35", costs(minimum=5), "7.09"),
        (10, "1.57", costs(per_order=1, per_share="0.01", minimum=1), "9.49"),
    ],
)
def test_at_a_price_of_five_cents_a_cover_takes_every_step_that_the_books_round_down(
    quantity: Number, cash: str, fees: Costs, covered: str
):
    # What is left would pay for a step more before it is rounded, and a second plan would cover that step.
    assert cover(quantity, "0.05", cash=cash, costs=fees) == Decimal(covered)
    assert spent(Decimal(covered), "0.05", fees) <= Decimal(cash) < spent(Decimal(covered) + STEP, "0.05", fees)


def test_a_fee_of_half_a_cent_is_paid_as_the_books_round_it():
    # Half a cent and a little more is a cent: beside it, 2 cents pay for one step of 1 cent, 1 cent for none.
    fees = costs(per_order="0.005", bps=50)
    assert cover("0.03", 1, cash="0.02", costs=fees) == Decimal("0.01")
    assert cover(1, "0.02", cash="0.01", costs=fees, step=1) == 0


@pytest.mark.parametrize("cash", ["-0.01", "-100"])
def test_an_account_below_zero_covers_nothing(cash: str):
    assert cover(10, 100, cash=cash, costs=Costs()) == 0
    assert cover(10, 100, cash=cash, costs=costs(minimum=1)) == 0


def test_a_cover_worth_less_than_half_a_cent_is_still_paid_for_by_an_account_at_zero():
    assert cover(25, "0.0001", cash=0, costs=Costs()) == 25


def test_a_cover_stays_within_the_cash_for_every_cent_of_it():
    fees = costs(minimum=1, per_order="0.50", per_share="0.013", bps=35)
    for cents in range(0, 2000, 3):
        cash = Decimal(cents) / 100
        quantity = cover("7.77", "2.345", cash=cash, costs=fees)
        assert quantity == 0 or spent(quantity, "2.345", fees) <= cash
        assert quantity % STEP == 0


def test_the_fee_of_a_part_is_what_a_broker_charges_for_that_part():
    fees = costs(per_order=1, bps=10)
    assert commission(quantity=Decimal(5), price=Decimal(100), costs=fees) == Decimal("1.50")
    assert cover(10, 100, cash="501.50", costs=fees) == 5
    assert cover(10, 100, cash="501.49", costs=fees) == Decimal("4.99")
