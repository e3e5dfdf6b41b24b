"""Planning again right after a plan that paid for its trades: nothing is left to do.

Each of these was traded again once, for a reason of its own.
"""

from dataclasses import replace
from decimal import Decimal

import pytest

from execution.engine.planning.market import noise_of
from execution.engine.planning.plan import PlanInput, is_settled, right_after
from execution.engine.planning.policy import Costs
from tests.builders import account, endings, given, orders, planned, rec, roomy


def twice(situation: PlanInput) -> tuple[list[str], list[str]]:
    """The orders of a plan, and those of the next one."""
    plan = planned(situation)
    return orders(plan), orders(planned(right_after(situation, plan)))


MINIMUM = Costs(commission_minimum=Decimal("1.87"))


def test_a_short_that_cannot_trade_takes_no_fee_from_the_others():
    # After the cover 3.89 are left: enough for two fees of 1.87, not for the third.
    situation = given(
        rec("JPM", "BUY", 10),
        rec("GS", "BUY", 10),
        rec("MSFT", "SELL_SHORT", 100),
        on=account(cash="55.76", short={"JPM": (10, 5)}),
        prices={"GS": 1, "MSFT": 800},
        policy=roomy(allow_short=True, costs=MINIMUM),
        mode="target",
    )
    first, second = twice(situation)
    assert first == ["BUY_TO_COVER 10 JPM @ 5", "BUY 0.01 JPM @ 5", "BUY 0.1 GS @ 1"]
    assert second == []


def test_a_holding_that_the_other_orders_take_out_of_the_noise_is_traded_at_once():
    # GS is worth 33.04 of 72.73, where 40 % are 29.09, and fees of 1.87 a symbol may explain that much. But they
    # are paid for the others, and what they cost moves the 40 % away.
    situation = given(
        rec("AAPL", "BUY", 10),
        rec("XOM", "BUY", 20),
        rec("GS", "SELL", 40),
        rec("JPM", "SELL_SHORT", 5),
        on=account(cash="3.89", long={"GS": ("4.72", 7), "JPM": ("1.79", 20)}),
        prices={"AAPL": 50, "XOM": 7},
        policy=roomy(allow_short=True, costs=MINIMUM),
        mode="target",
    )
    first, second = twice(situation)
    assert first[0] == "SELL 0.56 GS @ 7"
    assert second == []


def test_what_an_account_on_credit_pays_is_taken_off_before_its_weights_are_measured():
    # Two thousand change hands in an account worth 500: more than the next plan, which sees 500, would call noise.
    situation = given(
        rec("XOM", "SELL", 50),
        rec("JPM", "BUY_TO_COVER"),
        on=account(cash=0, long={"XOM": (1500, 1)}, short={"JPM": (1000, 1)}),
        policy=roomy(costs=Costs(slippage_bps=Decimal(100))),
        mode="target",
    )
    plan = planned(situation)
    noise = noise_of(plan.after, situation.quotes, situation.policy.costs)
    assert plan.before.total_value - plan.after.total_value > noise
    # 22.50 of 500 are lost: 238.75 are half of what is left.
    assert twice(situation) == (["SELL 1261.25 XOM @ 0.99", "BUY_TO_COVER 1000 JPM @ 1.01"], [])


def test_a_sale_that_costs_more_than_it_brings_waits_for_the_cash_of_the_others():
    situation = given(
        rec("AAPL", "SELL"),
        rec("MSFT", "SELL"),
        on=account(cash=0, long={"AAPL": (1, 1), "MSFT": (1, 100)}),
        policy=roomy(costs=MINIMUM),
        mode="target",
    )
    assert twice(situation) == (["SELL 1 MSFT @ 100", "SELL 1 AAPL @ 1"], [])


# An adjustment that costs more than it moves is none

TEN = Costs(commission_per_order=Decimal(10))


def test_a_sweep_leaves_what_would_bring_less_than_its_fee_and_a_sale_by_name_does_not():
    books = account(cash=1_000, long={"JPM": (8, 1), "XOM": (500, 1)})
    policy = roomy(costs=TEN)
    swept = given(rec("MSFT", "BUY", 10), on=books, policy=policy, mode="rebalance", close_unlisted=True)
    plan = planned(swept)
    assert orders(plan) == ["SELL 500 XOM @ 1", "BUY 1.51 MSFT @ 100"]
    assert endings(plan)[1] == "SKIPPED BELOW_COST UNLISTED"
    assert plan.decisions[1].reason == (
        "Skipped: selling JPM would cost more than it brings; the research does not list JPM."
    )
    assert is_settled(swept, plan) is True
    assert orders(planned(given(rec("JPM", "SELL"), on=books, policy=policy))) == ["SELL 8 JPM @ 1"]


def test_a_sweep_closes_a_short_at_any_cost():
    books = account(cash=1_000, short={"JPM": (8, 1)})
    swept = given(rec("MSFT", "HOLD"), on=books, policy=roomy(costs=TEN), mode="rebalance", close_unlisted=True)
    assert twice(swept) == (["BUY_TO_COVER 8 JPM @ 1"], [])


@pytest.mark.parametrize(
    ("held", "expected"),
    [("108", []), ("110", []), ("111", ["SELL 11 MSFT @ 1"]), ("90", []), ("89", ["BUY 11 MSFT @ 1"])],
)
def test_a_drift_is_traded_where_that_moves_more_than_it_costs(held: str, expected: list[str]):
    # The fee is 10. Of what it moves the total value by, 10 % are noise: 2.
    books = account(cash=1_000 - Decimal(held), long={"MSFT": (held, 1)})
    situation = given(rec("MSFT", "BUY", 10), on=books, policy=roomy(costs=TEN), mode="rebalance")
    assert orders(planned(situation)) == expected


def test_slippage_is_a_cost_as_well():
    # At half of everything, no trade moves more than the half that it loses and a fee beside it.
    books = account(cash=900, long={"MSFT": (300, 1)})
    costs = Costs(commission_per_order=Decimal(60), slippage_bps=Decimal(5_000))
    situation = given(rec("MSFT", "SELL", "0.1"), on=books, policy=roomy(costs=costs), mode="target")
    assert orders(planned(situation)) == ["SELL 298.8 MSFT @ 0.5"]
    dearer = replace(costs, commission_per_order=Decimal(150))
    assert orders(planned(replace(situation, policy=roomy(costs=dearer)))) == []
