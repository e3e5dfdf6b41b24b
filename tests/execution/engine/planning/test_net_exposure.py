"""The net exposure limit: longs less shorts, on either side; each side makes headroom for the other."""

from decimal import Decimal
from typing import Any

import pytest

from execution.engine.planning.policy import Policy
from execution.engine.vocabulary import OnBreach
from portfolios.domain.snapshot import AccountSnapshot
from tests.builders import Number, account, endings, orders, plan_of, rec, roomy

SECTORS = dict.fromkeys(("MSFT", "AAPL", "NVDA", "XOM", "GS"), "Any")


def net(percent: Number, **limits: Any) -> Policy:
    return roomy(max_net_exposure_percent=Decimal(percent), allow_short=True, **limits)


def traded(*lines: Any, on: AccountSnapshot | None = None, policy: Policy, **situation: Any) -> list[str]:
    plan = plan_of(*lines, on=on or account(), policy=policy, sectors=SECTORS, **situation)
    return orders(plan)


def test_without_a_limit_nothing_is_held_back():
    assert traded(rec("MSFT", "BUY", 90), policy=roomy()) == ["BUY 900 MSFT @ 100"]


def test_purchases_grow_the_net_exposure_to_the_limit_and_no_further():
    assert traded(rec("MSFT", "BUY", 30), rec("AAPL", "BUY", 30), policy=net(40)) == [
        "BUY 200 MSFT @ 100", "BUY 200 AAPL @ 100",
    ]  # fmt: skip


def test_shorts_grow_it_on_the_other_side():
    books = account(cash=150_000, short={"GS": (500, 100)})
    # Worth 100,000, and 50 % short already.
    assert traded(rec("XOM", "SELL_SHORT", 20), on=books, policy=net(60)) == ["SELL_SHORT 100 XOM @ 100"]


def test_a_basket_that_is_hedged_in_itself_passes_whole():
    basket = [rec("MSFT", "BUY", 40), rec("XOM", "SELL_SHORT", 35)]
    assert traded(*basket, policy=net(5)) == ["BUY 400 MSFT @ 100", "SELL_SHORT 350 XOM @ 100"]
    assert traded(*reversed(basket), policy=net(5)) == ["SELL_SHORT 350 XOM @ 100", "BUY 400 MSFT @ 100"]


def test_only_the_side_that_is_too_large_is_made_smaller():
    basket = [rec("MSFT", "BUY", 40), rec("XOM", "SELL_SHORT", 10)]
    assert traded(*basket, policy=net(5)) == ["BUY 150 MSFT @ 100", "SELL_SHORT 100 XOM @ 100"]


def test_what_brings_the_net_exposure_down_is_free_although_the_limit_is_broken_already():
    books = account(cash=20_000, long={"GS": (800, 100)})
    assert traded(rec("XOM", "SELL_SHORT", 10), on=books, policy=net(50)) == ["SELL_SHORT 100 XOM @ 100"]
    assert traded(rec("MSFT", "BUY", 10), on=books, policy=net(50)) == []
    assert traded(rec("GS", "SELL"), on=books, policy=net(0)) == ["SELL 800 GS @ 100"]


def test_the_exits_of_the_basket_count():
    books = account(cash=50_000, long={"GS": (500, 100)})
    basket = [rec("MSFT", "BUY", 40), rec("GS", "SELL")]
    assert traded(*basket, on=books, policy=net(40)) == ["SELL 500 GS @ 100", "BUY 400 MSFT @ 100"]


def test_a_purchase_does_not_count_on_a_short_that_another_limit_takes():
    basket = [rec("MSFT", "BUY", 40), rec("XOM", "SELL_SHORT", 40)]
    few = net(10, max_orders_per_run=1)
    assert traded(*basket, policy=few) == ["BUY 100 MSFT @ 100"]
    small = net(10, max_single_short_percent=Decimal(20))
    assert traded(*basket, policy=small) == ["BUY 300 MSFT @ 100", "SELL_SHORT 200 XOM @ 100"]


def test_a_purchase_does_not_count_on_a_short_that_is_too_small_to_be_traded():
    # The short leaves at its rounding: 300 units in steps of 700.
    basket = [rec("MSFT", "BUY", 40), rec("XOM", "SELL_SHORT", 30)]
    plan = plan_of(*basket, policy=net(10), sectors=SECTORS, steps={"XOM": 700})
    assert orders(plan) == ["BUY 100 MSFT @ 100"]
    assert endings(plan) == ["CLAMPED NET_LIMIT", "SKIPPED BELOW_STEP"]


def test_a_purchase_that_has_nothing_left_says_so():
    basket = [rec("MSFT", "BUY", 40), rec("XOM", "SELL_SHORT", 30)]
    plan = plan_of(*basket, policy=net(0), sectors=SECTORS, steps={"XOM": 700})
    assert orders(plan) == []
    assert endings(plan) == ["DENIED NET_LIMIT", "SKIPPED BELOW_STEP"]
    assert plan.decisions[0].reason == (
        "Denied: the net exposure limit would be exceeded: $40,000.00 wanted, $0.00 available."
    )


def test_under_reject_neither_side_counts_on_what_was_refused():
    reject = net(50, on_breach=OnBreach.REJECT)
    basket = [rec("MSFT", "BUY", 60), rec("AAPL", "BUY", 200), rec("XOM", "SELL_SHORT", 120)]
    wide = account(cash=100_000, long={"GS": (1, 1)})
    assert traded(*basket, on=wide, policy=reject) == []


@pytest.mark.parametrize("step", ["0.01", "1", "7"])
def test_the_rounding_of_one_side_does_not_take_the_other_over_the_limit(step: str):
    basket = [rec("MSFT", "BUY", "33.337"), rec("XOM", "SELL_SHORT", "31.111")]
    plan = plan_of(*basket, policy=net(2), sectors=SECTORS, steps={"XOM": step})
    assert abs(plan.after.net_exposure) <= 2_000


def test_a_verdict_has_the_numbers_of_both_looks():
    basket = [rec("MSFT", "BUY", 40), rec("XOM", "SELL_SHORT", 40)]
    plan = plan_of(*basket, policy=net(10, max_orders_per_run=1), sectors=SECTORS)
    (said,) = (verdict for verdict in plan.decisions[0].verdicts if verdict.code == "NET_LIMIT")
    assert (said.before, said.after, said.headroom) == (Decimal(40_000), Decimal(10_000), Decimal(10_000))
