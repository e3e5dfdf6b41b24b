"""What a second plan still trades today, right after a first one that paid for its trades.

A target should be left alone once it has been reached, costs included. Each of these is traded again, for a reason
of its own; test_plan_properties.py leaves out these three and no others.
"""

from dataclasses import replace
from decimal import Decimal

from execution.engine.planning.plan import PlanInput
from execution.engine.planning.policy import Costs
from execution.engine.planning.sizing import noise_of
from tests.builders import account, endings, given, orders, planned, rec, roomy


def twice(situation: PlanInput) -> tuple[list[str], list[str]]:
    """The orders of a plan, and those of the next one."""
    plan = planned(situation)
    return orders(plan), orders(planned(replace(situation, snapshot=plan.after)))


MINIMUM = Costs(commission_minimum=Decimal("1.87"))


def test_a_short_that_falls_below_its_step_takes_a_fee_from_the_others_that_the_next_plan_gives_back():
    # After the cover 3.89 are left: enough for two fees of 1.87, not for the third. MSFT's short is 0.0072 of a
    # share, a step of 0.01 rounded; with what the cover cost, it is 0.0049 and no line of the next plan.
    situation = given(
        rec("JPM", "BUY", 10),
        rec("GS", "BUY", 10),
        rec("MSFT", "SELL_SHORT", 100),
        on=account(cash="55.76", short={"JPM": (10, 5)}),
        prices={"GS": 1, "MSFT": 800},
        policy=roomy(allow_short=True, costs=MINIMUM),
        mode="target",
    )
    plan = planned(situation)
    assert plan.after.cash_balance == Decimal("3.89")
    assert orders(plan) == ["BUY_TO_COVER 10 JPM @ 5"]
    assert endings(plan)[1:] == [
        "DENIED SECTOR_UNVERIFIED INSUFFICIENT_CASH",
        "DENIED SECTOR_UNVERIFIED INSUFFICIENT_CASH",
    ]
    again = planned(replace(situation, snapshot=plan.after))
    assert orders(again) == ["BUY 0.01 JPM @ 5", "BUY 0.07 GS @ 1"]
    assert endings(again)[2] == "SKIPPED ALREADY_AT_TARGET"


def test_a_holding_within_the_noise_of_one_plan_may_be_outside_that_of_the_next():
    # GS is worth 33.04 of 72.73, where 40 % are 29.09, and fees of 1.87 a symbol may explain that much. They were
    # paid for the others, and what they cost moves the 40 % away.
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
    assert first == ["SELL 1.79 JPM @ 20", "BUY 0.15 AAPL @ 50", "BUY 2.08 XOM @ 7", "SELL_SHORT 0.18 JPM @ 20"]
    assert second == ["SELL 0.99 GS @ 7"]


def test_what_an_account_on_credit_paid_is_more_than_the_next_plan_calls_noise():
    # Two thousand change hands in an account worth 500, and the noise is measured where only 500 are left.
    situation = given(
        rec("XOM", "SELL", 50),
        rec("JPM", "BUY_TO_COVER"),
        on=account(cash=0, long={"XOM": (1500, 1)}, short={"JPM": (1000, 1)}),
        policy=roomy(costs=Costs(slippage_bps=Decimal(100))),
        mode="target",
    )
    plan = planned(situation)
    assert plan.before.total_value - plan.after.total_value > noise_of(
        plan.after, situation.quotes, situation.policy.costs
    )
    assert twice(situation) == (["SELL 1250 XOM @ 0.99", "BUY_TO_COVER 1000 JPM @ 1.01"], ["SELL 11.25 XOM @ 0.99"])
