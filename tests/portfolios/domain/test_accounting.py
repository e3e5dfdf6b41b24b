from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.money import CASH_LIMIT, ZERO, AmountOutOfRangeError
from portfolios.domain.accounting import Action, Fill, FillResult, Holding, ImpossibleFillError, Side, apply_fill
from tests.builders import fill, holding


def book(*fills: Fill) -> list[FillResult]:
    """Apply fills of one symbol in turn; a closed holding is let go, as the books do."""
    held: Holding | None = None
    results = []
    for each in fills:
        results.append(apply_fill(held, each))
        held = results[-1].holding if results[-1].holding.is_open else None
    return results


def after(*fills: Fill) -> Holding:
    return book(*fills)[-1].holding


def test_adding_averages_the_price_by_quantity():
    held = after(fill("BUY 18.91 @ 528.57"), fill("BUY 10 @ 540"))
    assert held.quantity == Decimal("28.91")
    assert held.average_price == Decimal("532.523649")
    assert held.cost_basis == Decimal("15395.26")


def test_reducing_realizes_the_gain_and_leaves_the_average():
    *_, sold = book(fill("BUY 18.91 @ 528.57"), fill("BUY 10 @ 540"), fill("SELL 8.91 @ 560"))
    assert sold.cash_delta == Decimal("4989.60")
    assert sold.realized_pnl == Decimal("244.81")
    assert sold.holding.average_price == Decimal("532.523649")
    assert sold.holding.quantity == Decimal(20)
    assert sold.holding.cost_basis == Decimal("10650.47")


def test_the_cost_that_leaves_is_the_average_of_all_purchases():
    *_, sold = book(fill("BUY 10 @ 10"), fill("BUY 15 @ 5"), fill("SELL 15 @ 6"))
    assert sold.realized_pnl == Decimal(-15)
    assert sold.holding.average_price == Decimal(7)


def test_a_flip_from_long_to_short_is_two_fills():
    opened, sold = book(fill("BUY 100 @ 50"), fill("SELL 100 @ 55"))
    shorted = apply_fill(None, fill("SELL_SHORT 50 @ 55"))
    assert opened.realized_pnl == 0
    assert sold.realized_pnl == Decimal(500)
    assert not sold.holding.is_open
    assert sold.holding.cost_basis == 0
    assert (shorted.holding.side, shorted.holding.quantity) == (Side.SHORT, Decimal(50))
    assert shorted.holding.average_price == Decimal(55)
    assert shorted.cash_delta == Decimal(2750)


def test_covering_below_the_price_of_a_short_gains():
    shorted, covered = book(fill("SELL_SHORT 28 @ 175.44"), fill("BUY_TO_COVER 10 @ 150"))
    assert shorted.cash_delta == Decimal("4912.32")
    assert covered.cash_delta == Decimal(-1500)
    assert covered.realized_pnl == Decimal("254.40")
    assert covered.holding.quantity == Decimal(18)
    assert covered.holding.average_price == Decimal("175.44")


def test_covering_above_the_price_of_a_short_loses():
    *_, covered = book(fill("SELL_SHORT 10 @ 100"), fill("BUY_TO_COVER 10 @ 130"))
    assert covered.realized_pnl == Decimal(-300)


def test_fees_are_realized_at_once_and_stay_out_of_the_cost():
    opened, closed = book(fill("BUY 10 @ 100", fee="1.50"), fill("SELL 10 @ 110", fee="2.25"))
    assert opened.holding.cost_basis == Decimal(1000)
    assert opened.realized_pnl == Decimal("-1.50")
    assert (opened.cash_delta, opened.fee) == (Decimal(-1000), Decimal("1.50"))
    assert closed.realized_pnl == Decimal("97.75")
    assert closed.holding.realized_pnl == Decimal("96.25")


def test_a_holding_is_marked_at_its_last_fill():
    held = after(fill("BUY 10 @ 100"), fill("BUY 10 @ 110"))
    assert held.mark_price == Decimal(110)
    assert held.market_value == Decimal(2200)
    assert held.unrealized_pnl == Decimal(100)


@pytest.mark.parametrize(
    ("side", "mark", "worth", "unrealized"),
    [
        (Side.LONG, 60, 600, 100),
        (Side.LONG, 45, 450, -50),
        (Side.SHORT, 60, -600, -100),
        (Side.SHORT, 45, -450, 50),
    ],
)
def test_a_short_is_worth_less_the_higher_the_price(side: Side, mark: int, worth: int, unrealized: int):
    held = holding(side, "MSFT", 10, 50, mark)
    assert held.market_value == worth
    assert held.unrealized_pnl == unrealized


@pytest.mark.parametrize(
    ("action", "side", "increases", "cash_delta", "signed_quantity"),
    [
        (Action.BUY, Side.LONG, True, -500, 10),
        (Action.SELL, Side.LONG, False, 500, -10),
        (Action.SELL_SHORT, Side.SHORT, True, 500, -10),
        (Action.BUY_TO_COVER, Side.SHORT, False, -500, 10),
    ],
)
def test_an_action_says_which_way_everything_moves(
    action: Action, side: Side, increases: bool, cash_delta: int, signed_quantity: int
):
    done = Fill("MSFT", action, Decimal(10), Decimal(50))
    assert (action.side, action.increases) == (side, increases)
    assert done.cash_delta == cash_delta
    assert done.signed_quantity == signed_quantity


LONG_TEN = holding(Side.LONG, "MSFT", 10, 50)
SHORT_TEN = holding(Side.SHORT, "MSFT", 10, 50)


@pytest.mark.parametrize(
    ("held", "impossible"),
    [
        (None, fill("SELL 1 @ 50")),
        (None, fill("BUY_TO_COVER 1 @ 50")),
        (LONG_TEN, fill("SELL 10.000001 @ 50")),
        (SHORT_TEN, fill("BUY_TO_COVER 11 @ 50")),
        (LONG_TEN, fill("SELL_SHORT 1 @ 50")),
        (LONG_TEN, fill("BUY_TO_COVER 1 @ 50")),
        (SHORT_TEN, fill("BUY 1 @ 50")),
        (SHORT_TEN, fill("SELL 1 @ 50")),
        (None, fill("BUY 0 @ 50")),
        (None, fill("BUY -5 @ 50")),
        (None, fill("BUY 1 @ 0")),
        (None, fill("BUY 1 @ -1")),
        (None, fill("BUY 1 @ 50", fee="-0.01")),
    ],
)
def test_what_no_planner_may_send_is_an_error(held: Holding | None, impossible: Fill):
    with pytest.raises(ImpossibleFillError):
        apply_fill(held, impossible)


def test_a_cost_beyond_the_books_is_out_of_range():
    nearly_full = Holding("MSFT", Side.LONG, Decimal(1000), Decimal(100), CASH_LIMIT - 1)
    with pytest.raises(AmountOutOfRangeError):
        apply_fill(nearly_full, fill("BUY 1 @ 100"))


quantities = st.decimals(Decimal("0.000001"), 5000, places=6)
unit_prices = st.decimals(Decimal("0.000001"), 2000, places=6)
fees = st.just(ZERO) | st.decimals(0, 10, places=2)


@st.composite
def lives(draw: st.DrawFn) -> list[Fill]:
    """Fills of one symbol and side that open a holding, change it and close it."""
    grow, shrink = draw(st.sampled_from([(Action.BUY, Action.SELL), (Action.SELL_SHORT, Action.BUY_TO_COVER)]))
    fills = [Fill("MSFT", grow, draw(quantities), draw(unit_prices), draw(fees))]
    held = fills[0].quantity
    for _ in range(draw(st.integers(0, 8))):
        quantity = draw(quantities)
        reduces = quantity < held and draw(st.booleans())
        fills.append(Fill("MSFT", shrink if reduces else grow, quantity, draw(unit_prices), draw(fees)))
        held += -quantity if reduces else quantity
    return [*fills, Fill("MSFT", shrink, held, draw(unit_prices), draw(fees))]


@given(lives())
def test_the_profit_of_a_closed_holding_is_its_cash_flow_to_the_cent(fills: list[Fill]):
    results = book(*fills)
    closed = results[-1].holding
    assert closed.quantity == closed.cost_basis == 0
    assert closed.realized_pnl == sum(result.cash_delta - result.fee for result in results)
    assert closed.realized_pnl == sum(result.realized_pnl for result in results)


@given(lives())
def test_profit_so_far_is_the_cash_flow_and_what_is_still_held(fills: list[Fill]):
    cash = ZERO
    for result in book(*fills):
        cash += result.cash_delta - result.fee
        held = result.holding
        assert held.realized_pnl + held.unrealized_pnl == cash + held.market_value


@given(lives())
def test_the_cost_stays_beside_the_average_price(fills: list[Fill]):
    # Every fill rounds its cash to the cent, and each growth the average to six places, in a cost of its own.
    for number, result in enumerate(book(*fills), start=1):
        held = result.holding
        bound = number * (Decimal("0.01") + held.quantity * Decimal("0.000001"))
        assert abs(held.cost_basis - held.average_price * held.quantity) <= bound
        assert held.cost_basis >= 0
