"""Where a limit begins and ends: no room at all, a whole step, a line between two others of its group."""

from dataclasses import replace
from decimal import Decimal

import pytest

from common.money import ZERO, AmountOutOfRangeError
from execution.engine.planning.limit_engine import apply_limits
from execution.engine.planning.limits import Entry, RiskContext, Verdict
from execution.engine.planning.plan import make_plan
from execution.engine.planning.policy import Costs, Policy
from execution.engine.vocabulary import Code, OnBreach, Refusal
from portfolios.domain.accounting import Action
from portfolios.domain.snapshot import AccountSnapshot
from tests.builders import Number, account, given, orders, plan_of, planned, rec, roomy

SECTORS = {"AAPL": "Technology", "NVDA": "Technology", "MSFT": "Technology", "XOM": "Energy"}


def wish(symbol: str, wanted: Number, *, price: Number = 100, anchor: Number = 0, step: Number = "0.01") -> Entry:
    return Entry(
        line=0,
        symbol=symbol,
        action=Action.BUY,
        sector=SECTORS.get(symbol, ""),
        price=Decimal(price),
        step=Decimal(step),
        wanted=Decimal(wanted),
        anchor=Decimal(anchor),
    )


def context(policy: Policy, on: AccountSnapshot | None = None) -> RiskContext:
    snapshot = on or account()
    return RiskContext(snapshot.total_value, snapshot, SECTORS, policy)


def of_weights(policy: Policy, on: AccountSnapshot, *, noise: Number = 0) -> RiskContext:
    return replace(context(policy, on), are_weights=True, noise=Decimal(noise))


def bought(wishes: list[Entry], policy: Policy, on: AccountSnapshot | None = None) -> list[Decimal]:
    return [entry.quantity for entry in apply_limits(wishes, context(policy, on))]


def test_a_limit_of_no_orders_lets_none_through():
    (entry,) = apply_limits([wish("MSFT", 10)], context(roomy(max_orders_per_run=0)))
    assert entry.quantity == 0
    assert [verdict.code for verdict in entry.verdicts if verdict.result == "rejected"] == [Code.ORDERS_PER_RUN]


def test_a_limit_of_one_order_lets_the_first_line_through():
    assert bought([wish("MSFT", 10), wish("XOM", 10)], roomy(max_orders_per_run=1)) == [10, 0]


def test_a_run_without_a_number_of_orders_makes_them_all():
    assert bought([wish("MSFT", 10), wish("XOM", 10)], roomy()) == [10, 10]


def test_exits_use_up_the_orders_of_a_run():
    plan = plan_of(
        rec("JPM", "SELL"),
        rec("MSFT", "BUY", 5),
        on=account(long={"JPM": (10, 100)}),
        policy=roomy(max_orders_per_run=1),
    )
    assert orders(plan) == ["SELL 10 JPM @ 100"]


@pytest.mark.parametrize("on_breach", OnBreach)
def test_lines_of_one_sector_share_its_room_wherever_they_stand(on_breach: OnBreach):
    # 60 % of technology with something else between, where 40 % are allowed.
    wishes = [wish("AAPL", 300), wish("XOM", 100), wish("JPM", 50), wish("MSFT", 300)]
    policy = roomy(max_sector_percent=Decimal(40), on_breach=on_breach)
    shared = {OnBreach.CLAMP: [200, 100, 50, 200], OnBreach.REJECT: [300, 100, 50, 0]}
    assert bought(wishes, policy) == shared[on_breach]


def test_a_clamped_target_from_a_holding_off_the_step_stays_within_its_room():
    # Held are 100.005 where the step is 1, and 20 % of the account leave room for 99.996.
    on = account(cash=90_000, long={"MSFT": ("100.005", 100)})
    policy = roomy(max_position_percent=Decimal(20))
    (entry,) = apply_limits([wish("MSFT", 300, anchor="100.005", step=1)], context(policy, on))
    assert entry.clamped
    assert Decimal("98.996") < entry.quantity <= Decimal("99.996")


def test_a_clamp_a_hair_below_the_step_does_not_reach_it_from_a_holding_off_the_step():
    # The sum of both has more digits than a number keeps, and comes out as the whole step above.
    hair = wish("MSFT", "0.4999999999999999999999", anchor="123456789.5", price="0.01", step=1)
    clamped = replace(hair, verdicts=(Verdict(Code.POSITION_LIMIT, "clamped", Decimal(1), ZERO, ZERO),))
    (entry,) = apply_limits([clamped], context(roomy(), account(cash=10**7)))
    assert entry.quantity == 0


def test_what_noise_frees_of_a_cash_reserve_is_no_room_for_a_target():
    # A run before lowered the total value by its costs, and the reserve of 50 % by half of them.
    on = account(cash="50002.50", long={"JPM": ("499.97", 100)})
    policy = roomy(cash_reserve_percent=Decimal(50))
    entry = wish("JPM", 1, anchor="499.97")
    room = on.cash_balance - on.total_value / 2
    assert room == Decimal("2.75")
    (quiet,) = apply_limits([entry], of_weights(policy, on))
    assert quiet.quantity == Decimal("0.02")
    (noisy,) = apply_limits([entry], of_weights(policy, on, noise="3.50"))
    assert noisy.quantity == 0
    (barely,) = apply_limits([entry], of_weights(policy, on, noise="3.48"))
    assert barely.quantity == Decimal("0.02")


@pytest.mark.parametrize(("minimum", "is_bought"), [("10", True), ("10.01", False)])
def test_an_entry_of_exactly_the_smallest_quantity_is_traded(minimum: str, is_bought: bool):
    situation = given(rec("MSFT", "BUY", 1), policy=roomy())
    known = {"MSFT": replace(situation.instruments["MSFT"], minimum=Decimal(minimum))}
    made = orders(planned(replace(situation, instruments=known)))
    assert made == (["BUY 10 MSFT @ 100"] if is_bought else [])


@pytest.mark.parametrize(("minimum", "is_sold"), [("10", True), ("10.01", False)])
def test_a_trim_of_exactly_the_smallest_quantity_is_traded(minimum: str, is_sold: bool):
    on = account(cash=98_000, long={"MSFT": (20, 100)})
    situation = given(rec("MSFT", "SELL", 1), on=on, policy=roomy(), mode="target")
    known = {"MSFT": replace(situation.instruments["MSFT"], minimum=Decimal(minimum))}
    made = orders(planned(replace(situation, instruments=known)))
    assert made == (["SELL 10 MSFT @ 100"] if is_sold else [])


@pytest.mark.parametrize(("least", "is_traded"), [("1000", True), ("1000.01", False)])
def test_an_order_of_exactly_the_smallest_value_is_traded(least: str, is_traded: bool):
    policy = roomy(min_order_value=Decimal(least))
    on = account(cash=98_000, long={"XOM": (20, 100)})
    assert orders(plan_of(rec("MSFT", "BUY", 1), policy=policy)) == (["BUY 10 MSFT @ 100"] if is_traded else [])
    trimmed = plan_of(rec("XOM", "SELL", 1), on=on, policy=policy, mode="target")
    assert orders(trimmed) == (["SELL 10 XOM @ 100"] if is_traded else [])


@pytest.mark.parametrize(("price", "is_traded"), [("0.01", True), ("0.0099", False)])
def test_an_order_of_a_cent_is_the_smallest_of_all(price: str, is_traded: bool):
    # One unit is all the account has the cash for.
    plan = plan_of(rec("PENNY", "BUY", 100), on=account(cash="0.01"), prices={"PENNY": price}, steps={"PENNY": 1})
    assert bool(orders(plan)) == is_traded


def test_a_clamped_order_from_a_holding_off_the_step_is_of_whole_steps():
    on = account(cash="89999.50", long={"MSFT": ("100.005", 100)})
    policy = roomy(max_position_percent=Decimal(20))
    (entry,) = apply_limits([wish("MSFT", 300, anchor="100.005")], context(policy, on))
    assert entry.clamped
    assert entry.quantity == Decimal("99.99")


def test_a_rounding_that_reaches_the_cash_to_the_cent_takes_nothing_off():
    (entry,) = apply_limits([wish("MSFT", "16.666", price=6)], context(roomy(), account(cash="100.02")))
    assert (entry.quantity, entry.rounded_down) == (Decimal("16.67"), False)


@pytest.mark.parametrize("wanted", ["10", "10.001"])
def test_only_what_was_rounded_up_gives_way_to_a_rounding(wanted: str):
    # GS alone was rounded up; JPM would come first if both had been.
    wishes = [wish("GS", "16.666", price=6), wish("JPM", wanted, price=6)]
    assert bought(wishes, roomy(), account(cash="160.01")) == [Decimal("16.66"), 10]


def test_a_ceiling_at_the_end_of_the_books_is_no_limit():
    (entry,) = apply_limits([wish("MSFT", 10)], context(roomy(), account(cash=10**12)))
    (gross,) = (verdict for verdict in entry.verdicts if verdict.code is Code.GROSS_LIMIT)
    assert (gross.result, gross.headroom) == ("passed", None)
    assert entry.quantity == 10


@pytest.mark.parametrize("on_breach", OnBreach)
@pytest.mark.parametrize(("over", "is_clamped"), [("0.000001", False), ("0.000002", True)])
def test_a_millionth_of_a_dollar_over_a_limit_is_noise(on_breach: OnBreach, over: str, is_clamped: bool):
    policy = roomy(max_position_percent=Decimal(20), on_breach=on_breach)
    big = wish("MSFT", Decimal(20_000) + Decimal(over), price=1, step="0.000001")
    (entry,) = apply_limits([big], context(policy))
    assert entry.clamped == is_clamped
    assert entry.quantity == (0 if is_clamped and on_breach is OnBreach.REJECT else 20_000)


def test_under_reject_a_line_a_millionth_over_what_the_lines_before_it_left_still_fits():
    policy = roomy(max_sector_percent=Decimal(20), on_breach=OnBreach.REJECT)
    wishes = [
        wish("AAPL", 10_000, price=1, step="0.000001"),
        wish("NVDA", 15_000, price=1, step="0.000001"),
        wish("MSFT", "10000.000001", price=1, step="0.000001"),
    ]
    assert bought(wishes, policy) == [10_000, 0, 10_000]


def test_a_clamped_size_is_cut_by_the_clamp_and_by_no_further_rounding():
    (entry,) = apply_limits([wish("MSFT", 300, price=7)], context(roomy(max_position_percent=Decimal("0.5"))))
    assert (entry.quantity, entry.rounded_down) == (Decimal("71.42"), False)


@pytest.mark.parametrize(("on_breach", "result"), [(OnBreach.CLAMP, "clamped"), (OnBreach.REJECT, "rejected")])
def test_room_that_a_rounding_left_is_refused_in_the_words_of_the_policy(on_breach: OnBreach, result: str):
    on = account(cash="0.50", long={"JPM": ("499.99", 100)})
    policy = roomy(on_breach=on_breach, max_position_percent=Decimal(1000))
    (entry,) = apply_limits([wish("JPM", 1, anchor="499.99")], of_weights(policy, on))
    assert entry.resting
    assert entry.quantity == 0
    assert [verdict.result for verdict in entry.verdicts if verdict.code is Code.INSUFFICIENT_CASH] == [result]


def test_fixed_fees_are_set_aside_before_the_cash_is_shared_in_proportion():
    on = account(cash=100, long={"JPM": (10, 100)})
    # Two fees of 5 leave 90 of 100 for wishes of 60 and 120: half of each, and nothing is left.
    policy = roomy(costs=Costs(commission_per_order=Decimal(5)))
    assert bought([wish("MSFT", 60, price=1), wish("XOM", 120, price=1)], policy, on) == [30, 60]


def test_slippage_and_fees_that_a_limit_leaves_nothing_for_leave_nothing():
    policy = roomy(costs=Costs(commission_minimum=Decimal(5)))
    assert bought([wish("MSFT", 10)], policy, account(cash=5)) == [ZERO]
    assert bought([wish("MSFT", 10)], policy, account(cash=6)) == [Decimal("0.01")]


# The books end at fifteen digits, and what does not fit them is no size.


@pytest.mark.parametrize("on_breach", OnBreach)
@pytest.mark.parametrize(
    ("wanted", "price"),
    [
        (10**9, 10_000),  # worth ten trillion
        (10**13, "0.01"),  # worth less, and more units than can be kept
    ],
)
def test_a_wish_that_does_not_fit_the_books_is_an_error_of_the_caller(
    on_breach: OnBreach, wanted: int, price: Number
):
    on = account(cash=9_999_999_999_999)
    with pytest.raises(AmountOutOfRangeError):
        apply_limits([wish("MSFT", wanted, price=price)], context(roomy(on_breach=on_breach), on))


@pytest.mark.parametrize("on_breach", OnBreach)
def test_a_plan_refuses_what_does_not_fit_the_books_whatever_the_policy_does_on_a_breach(on_breach: OnBreach):
    # The order itself fits; with its fee of 1 % it is worth more than ten trillion.
    on = account(cash=9_999_999_999_999)
    policy = roomy(on_breach=on_breach, costs=Costs(commission_bps=Decimal(100)))
    refused = make_plan(given(rec("MSFT", "BUY", 100), on=on, prices={"MSFT": 100_000}, policy=policy))
    assert isinstance(refused, Refusal)
    assert refused.code is Code.BOOKS_RANGE
    assert not isinstance(
        make_plan(given(rec("MSFT", "BUY", 90), on=on, prices={"MSFT": 100_000}, policy=policy)), Refusal
    )
