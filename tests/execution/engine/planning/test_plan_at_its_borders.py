"""Exactly old enough, exactly at the target, exactly a step too much; and what follows a line that is too small."""

from dataclasses import replace
from decimal import Decimal

import pytest

from execution.engine.planning.plan import PlanInput, make_plan
from execution.engine.planning.policy import Costs
from execution.engine.vocabulary import Code, Refusal
from tests.builders import (
    Number,
    account,
    artifact_of,
    endings,
    given,
    orders,
    plan_of,
    planned,
    rec,
    roomy,
    unreadable,
)


@pytest.mark.parametrize(("hours", "is_too_old"), [("24", False), ("24.01", True)])
def test_research_of_exactly_the_greatest_age_is_not_too_old(hours: str, is_too_old: bool):
    situation = given(rec("MSFT", "BUY", 10), policy=roomy(max_research_age_hours=24))
    ending = endings(planned(replace(situation, age_hours=Decimal(hours))))
    assert ending == ["QUARANTINED RESEARCH_TOO_OLD" if is_too_old else "EXECUTED SECTOR_UNVERIFIED"]


def aiming_at(action: str, target: Number) -> PlanInput:
    situation = given(rec("MSFT", action, 10), policy=roomy(allow_short=True))
    wish = replace(rec("MSFT", action, 10), target_price=Decimal(target))
    return replace(situation, artifact=artifact_of(wish))


@pytest.mark.parametrize(
    ("action", "target", "is_passed"),
    [("BUY", 100, True), ("BUY", "100.01", False), ("SELL_SHORT", 100, True), ("SELL_SHORT", "99.99", False)],
)
def test_a_price_of_exactly_the_target_has_reached_it(action: str, target: Number, is_passed: bool):
    assert (endings(planned(aiming_at(action, target))) == ["QUARANTINED TARGET_PASSED"]) == is_passed


def test_all_or_nothing_names_every_line_that_waits_and_the_reason_of_the_first():
    first, second = (
        replace(unreadable("AAPL"), message="one reason"),
        replace(unreadable("MSFT"), message="another"),
    )
    refused = make_plan(given(rec("XOM", "BUY", 10), first, second, policy=roomy(all_or_nothing=True)))
    assert isinstance(refused, Refusal)
    assert refused.code is Code.ALL_OR_NOTHING
    assert refused.details == {"lines": "2, 3"}
    assert "one reason" in refused.message
    assert "another" not in refused.message


@pytest.mark.parametrize(
    ("percent", "ending"),
    # 10.10 are held at 100, in an account worth 100,000.
    [
        ("1.0109", "EXECUTED"),
        ("1.011", "CLAMPED CLAMPED_TO_POSITION"),
    ],
)
def test_a_cover_of_a_whole_step_more_than_is_held_is_clamped_to_it(percent: str, ending: str):
    plan = plan_of(rec("GS", "BUY_TO_COVER", percent), on=account(cash=101_010, short={"GS": ("10.10", 100)}))
    assert orders(plan) == ["BUY_TO_COVER 10.1 GS @ 100"]
    assert endings(plan) == [ending]


def test_a_cover_of_exactly_what_is_held_closes_it_off_the_step_too():
    plan = plan_of(rec("GS", "BUY_TO_COVER", "1.0105"), on=account(cash="101010.50", short={"GS": ("10.105", 100)}))
    assert orders(plan) == ["BUY_TO_COVER 10.105 GS @ 100"]


def test_a_holding_off_the_step_that_is_exactly_its_weight_is_at_its_target():
    on = account(cash="98989.70", long={"GS": ("10.103", 100)})
    plan = plan_of(rec("GS", "SELL", "1.0103"), on=on, mode="target")
    assert (orders(plan), endings(plan)) == ([], ["SKIPPED ALREADY_AT_TARGET"])


@pytest.mark.parametrize(("least", "is_covered"), [("500", True), ("500.01", False)])
def test_a_cover_that_the_cash_cuts_below_the_smallest_order_is_not_made(least: str, is_covered: bool):
    on = account(cash=500, short={"GS": (10, 100)}, long={"JPM": (10, 100)})
    plan = plan_of(rec("GS", "BUY_TO_COVER"), on=on, policy=roomy(min_order_value=Decimal(least)))
    assert orders(plan) == (["BUY_TO_COVER 5 GS @ 100"] if is_covered else [])
    assert endings(plan) == ["CLAMPED INSUFFICIENT_CASH" if is_covered else "DENIED INSUFFICIENT_CASH"]


def test_a_line_that_is_too_small_does_not_keep_the_next_one_from_trading():
    policy = roomy(min_order_value=Decimal(500), costs=Costs())
    plan = plan_of(rec("MSFT", "BUY", "0.1"), rec("XOM", "BUY", 1), policy=policy)
    assert orders(plan) == ["BUY 10 XOM @ 100"]
