"""The limits: each only shrinks, together they hold, and every clamp says what it saw."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.money import UNIT_LIMIT, ZERO, quantize_percent, quantize_quantity
from execution.engine.planning.costs import simulate_fill
from execution.engine.planning.exits import affordable_quantity
from execution.engine.planning.limit_engine import apply_limits
from execution.engine.planning.limits import Entry, RiskContext, Verdict, verdict_as_data
from execution.engine.planning.policy import Costs, Policy
from execution.engine.vocabulary import Code, OnBreach
from portfolios.domain.accounting import Action
from portfolios.domain.snapshot import AccountSnapshot
from tests.builders import Number, account, orders, planned, rec, roomy
from tests.builders import given as given_situation
from tests.execution.engine import strategies

MICRO = "0.000001"
TECHNOLOGY = {"AAPL": "Technology", "NVDA": "Technology", "MSFT": "Technology", "XOM": "Energy"}


def wish(
    symbol: str, percent: Number, *, price: Number = 100, action: str = "BUY", step: Number = "0.01", **fields: Any
) -> Entry:
    """An entry that wants `percent` of 100,000."""
    wanted = Decimal(1000) * Decimal(percent) / Decimal(price)
    entry = Entry(0, symbol, Action(action), TECHNOLOGY.get(symbol, ""), Decimal(price), Decimal(step), wanted)
    return replace(entry, **fields)


def limited(
    *wishes: Entry,
    policy: Policy | None = None,
    on: AccountSnapshot | None = None,
    total: Number = 100_000,
    sectors: Mapping[str, str] = TECHNOLOGY,
) -> tuple[Entry, ...]:
    """What the limits leave of the wishes, in an account worth `total` before the run."""
    context = RiskContext(
        total_value=Decimal(total), after_exits=on or account(), sectors=sectors, policy=policy or roomy()
    )
    return apply_limits(wishes, context)


def sizes(entries: tuple[Entry, ...]) -> list[Decimal]:
    return [entry.quantity for entry in entries]


def percents(entries: tuple[Entry, ...]) -> list[Decimal]:
    """The entries as percent of 100,000."""
    return [quantize_percent(entry.quantity * entry.price / 1000) for entry in entries]


def decimals(*values: Number) -> list[Decimal]:
    return [Decimal(value) for value in values]


def breaches(entry: Entry) -> list[Code]:
    """The limits that made an entry smaller, in the order in which they did."""
    return [verdict.code for verdict in entry.verdicts if verdict.result in ("clamped", "rejected")]


def verdict(entry: Entry, code: Code) -> Verdict:
    (found,) = (each for each in entry.verdicts if each.code is code)
    return found


def test_without_a_breach_a_size_is_rounded_as_published():
    (entry,) = limited(wish("MSFT", 10, price=450))
    assert entry.quantity == Decimal("22.22")
    assert not entry.clamped
    assert not entry.rounded_down


def test_every_limit_leaves_its_verdict_in_the_published_sequence():
    (entry,) = limited(wish("MSFT", 10), policy=Policy(max_order_value=Decimal(50_000)))
    assert [(each.code, each.result, each.before, each.after, each.headroom) for each in entry.verdicts] == [
        (Code.MAXIMUM_ORDER, "passed", Decimal(10_000), Decimal(10_000), Decimal(50_000)),
        (Code.POSITION_LIMIT, "passed", Decimal(10_000), Decimal(10_000), Decimal(20_000)),
        (Code.SECTOR_LIMIT, "passed", Decimal(10_000), Decimal(10_000), Decimal(40_000)),
        (Code.GROSS_LIMIT, "passed", Decimal(10_000), Decimal(10_000), Decimal(200_000)),
        (Code.INSUFFICIENT_CASH, "passed", Decimal(10_000), Decimal(10_000), Decimal(100_000)),
    ]


def test_the_published_sector_vector():
    entries = limited(
        *(
            wish(symbol, percent, price=1, step=MICRO)
            for symbol, percent in (("AAPL", 25), ("NVDA", 15), ("MSFT", 10), ("XOM", 10))
        ),
        policy=Policy(),
    )
    assert percents(entries) == decimals("17.7778", "13.3333", "8.8889", "10")
    assert [breaches(entry) for entry in entries] == [
        [Code.POSITION_LIMIT, Code.SECTOR_LIMIT],
        [Code.SECTOR_LIMIT],
        [Code.SECTOR_LIMIT],
        [],
    ]


def test_a_clamped_size_is_rounded_down():
    entries = limited(wish("AAPL", 25), wish("NVDA", 15), wish("MSFT", 10), policy=Policy())
    assert sizes(entries) == decimals("177.77", "133.33", "88.88")


def test_a_position_counts_what_is_held():
    (entry,) = limited(wish("MSFT", 15), on=account(cash=88_000, long={"MSFT": (120, 100)}), policy=Policy())
    assert entry.quantity == 80
    assert verdict(entry, Code.POSITION_LIMIT) == Verdict(
        Code.POSITION_LIMIT, "clamped", Decimal(15_000), Decimal(8_000), Decimal(8_000)
    )


def test_a_sector_counts_what_is_held_of_its_other_symbols():
    books = account(cash=65_000, long={"AAPL": (150, 100), "NVDA": (150, 100), "XOM": (50, 100)})
    (entry,) = limited(wish("MSFT", 15), on=books, policy=Policy())
    assert entry.quantity == 100
    assert breaches(entry) == [Code.SECTOR_LIMIT]


def test_a_sector_counts_shorts_as_exposure():
    books = account(cash=130_000, short={"AAPL": (300, 100)})
    (entry,) = limited(wish("MSFT", 15), on=books, policy=Policy())
    assert entry.quantity == 100


def test_an_unknown_sector_is_unverified_and_never_passed():
    (entry,) = limited(wish("JPM", 50), policy=roomy(max_sector_percent=Decimal(40)))
    assert entry.quantity == 500
    assert verdict(entry, Code.SECTOR_LIMIT) == Verdict(
        Code.SECTOR_LIMIT, "unverified", Decimal(50_000), Decimal(50_000), None
    )


def test_unknown_sectors_are_not_one_sector():
    entries = limited(wish("JPM", 20), wish("GS", 20), wish("BAC", 20), policy=Policy())
    assert sizes(entries) == decimals(200, 200, 200)


def test_gross_exposure_counts_both_sides():
    policy = roomy(max_gross_exposure_percent=Decimal(50), allow_short=True)
    books = account(cash=100_000, long={"JPM": (100, 100)}, short={"GS": (100, 100)})
    entries = limited(wish("MSFT", 20), wish("XOM", 20, action="SELL_SHORT"), on=books, policy=policy)
    assert sizes(entries) == decimals(150, 150)
    assert breaches(entries[1]) == [Code.GROSS_LIMIT]


def test_buys_beyond_the_cash_are_scaled_by_one_factor():
    entries = limited(wish("JPM", 60), wish("GS", 60), wish("BAC", 30))
    assert sizes(entries) == decimals(400, 400, 200)
    assert [breaches(entry) for entry in entries] == [[Code.INSUFFICIENT_CASH]] * 3


def test_a_verdict_names_all_the_others_that_share():
    entries = limited(wish("JPM", 60), wish("GS", 60), wish("BAC", 30), wish("XOM", 0))
    assert [len(verdict(entry, Code.INSUFFICIENT_CASH).beside) for entry in entries] == [2, 2, 2, 0]


def test_the_net_exposure_is_trimmed_with_what_the_other_side_makes_room_for():
    policy = roomy(allow_short=True, max_net_exposure_percent=Decimal(10))
    entries = limited(wish("MSFT", 40), wish("XOM", 30, action="SELL_SHORT"), policy=policy)
    assert sizes(entries) == decimals(400, 300)


def test_the_cash_reserve_is_left_untouched():
    (entry,) = limited(wish("MSFT", 100), policy=roomy(cash_reserve_percent=Decimal(5)))
    assert entry.quantity == 950


def test_the_proceeds_of_shorts_do_not_pay_for_buys():
    # 120,000 less the 20,000 owed and the 10,000 of margin on them.
    books = account(cash=120_000, short={"GS": (200, 100)})
    (entry,) = limited(wish("MSFT", 100), on=books)
    assert entry.quantity == 900


def test_a_short_takes_its_margin_from_the_cash():
    policy = roomy(allow_short=True, short_margin_percent=Decimal(50))
    books = account(cash=10_000, long={"GS": (900, 100)})
    (entry,) = limited(wish("XOM", 30, action="SELL_SHORT"), on=books, policy=policy)
    assert entry.quantity == 200
    assert verdict(entry, Code.INSUFFICIENT_CASH) == Verdict(
        Code.INSUFFICIENT_CASH, "clamped", Decimal(15_000), Decimal(10_000), Decimal(10_000)
    )


def test_shorts_have_limits_of_their_own():
    policy = roomy(allow_short=True, max_single_short_percent=Decimal(10), max_short_exposure_percent=Decimal(20))
    books = account(cash=104_000, short={"JPM": (40, 100)})
    entries = limited(
        *(wish(symbol, 12, action="SELL_SHORT") for symbol in ("JPM", "GS", "BAC")),
        wish("MSFT", 30),
        on=books,
        policy=policy,
    )
    # 6 % more of JPM and 10 % of the others are 26 %, of which the shorts have room for 16 %.
    assert sizes(entries) == decimals("36.92", "61.53", "61.53", 300)
    assert breaches(entries[1]) == [Code.SINGLE_SHORT_LIMIT, Code.SHORT_EXPOSURE_LIMIT]
    assert breaches(entries[3]) == []


def test_a_run_makes_so_many_orders_and_refuses_the_last_lines():
    policy = roomy(max_orders_per_run=3)
    context = RiskContext(Decimal(100_000), account(), TECHNOLOGY, policy, exit_count=1)
    entries = apply_limits([wish("AAPL", 10), wish("JPM", 0), wish("MSFT", 10), wish("XOM", 10)], context)
    assert sizes(entries) == decimals(100, 0, 100, 0)
    assert breaches(entries[3]) == [Code.ORDERS_PER_RUN]


def test_the_largest_order_clamps_each_order_by_itself():
    entries = limited(wish("AAPL", 30), wish("MSFT", 5), policy=roomy(max_order_value=Decimal(10_000)))
    assert sizes(entries) == decimals(100, 50)
    assert [breaches(entry) for entry in entries] == [[Code.MAXIMUM_ORDER], []]


def test_fees_and_slippage_are_paid_out_of_the_same_cash():
    costs = Costs(commission_per_order=Decimal(5), commission_bps=Decimal(10), slippage_bps=Decimal(100))
    entries = limited(wish("AAPL", 60), wish("MSFT", 60), policy=roomy(costs=costs))
    paid = [
        simulate_fill(symbol=each.symbol, action=each.action, quantity=each.quantity, price=each.price, costs=costs)
        for each in entries
    ]
    spent = sum(fill.notional + fill.fee for fill in paid)
    # What is left is less than one more step of both.
    assert Decimal(100_000) - Decimal("2.03") < spent <= Decimal(100_000)


def test_fees_that_no_size_can_pay_leave_nothing():
    costs = Costs(commission_minimum=Decimal(60))
    entries = limited(wish("AAPL", 60), wish("MSFT", 60), on=account(cash=100), policy=roomy(costs=costs))
    assert sizes(entries) == [ZERO, ZERO]


@pytest.mark.parametrize("room", ["0", "-500"])
def test_no_room_leaves_nothing(room: str):
    books = AccountSnapshot(Decimal(room), {})
    (entry,) = limited(wish("MSFT", 10), on=books)
    assert entry.quantity == 0
    assert breaches(entry) == [Code.INSUFFICIENT_CASH]


def test_a_rounding_that_breaks_a_limit_takes_one_step_less():
    (entry,) = limited(wish("MSFT", 100, price=6))
    assert entry.quantity == Decimal("16666.66")
    assert entry.rounded_down
    assert not entry.clamped


def test_of_several_roundings_the_last_symbol_gives_way_first_whatever_the_order_of_the_lines():
    # Both round up, to 0.02 more than the cash.
    one = limited(wish("JPM", 20, price=3), wish("GS", 80, price=3))
    other = limited(wish("GS", 80, price=3), wish("JPM", 20, price=3))
    assert sizes(one) == decimals("6666.66", "26666.67")
    assert sizes(other) == decimals("26666.67", "6666.66")
    assert [entry.rounded_down for entry in one] == [True, False]


def test_the_rounding_mode_of_the_policy_applies_to_unclamped_sizes():
    (entry,) = limited(wish("MSFT", "22.226"), policy=roomy(rounding="ROUND_DOWN"))
    assert entry.quantity == Decimal("222.26")
    (entry,) = limited(wish("MSFT", "22.2268", step="0.1"), policy=roomy(rounding="ROUND_DOWN"))
    assert entry.quantity == Decimal("222.2")
    (entry,) = limited(wish("MSFT", "22.2268", step="0.1"))
    assert entry.quantity == Decimal("222.3")


def test_an_order_to_a_target_is_of_whole_steps_whatever_is_held():
    books = account(cash=90_000, long={"MSFT": ("100.005", 100)})
    wanted = Decimal("200.004") - Decimal("100.005")
    (entry,) = limited(wish("MSFT", 0, wanted=wanted, anchor=Decimal("100.005")), on=books)
    # 99.999 are wanted.
    assert entry.quantity == Decimal("100.00")


# Division leaves noise in the last digit, and a limit must not act on it.


@pytest.mark.parametrize(
    ("percent", "price", "quantity"), [(45, 20, 1000), (99, 20, 1000), (35, 70, "285.71"), (30, 7, "2857.14")]
)
def test_a_clamp_to_a_whole_number_of_steps_keeps_the_last_one(percent: int, price: int, quantity: Number):
    (entry,) = limited(wish("MSFT", percent, price=price), policy=Policy())
    assert entry.quantity == Decimal(quantity)


@pytest.mark.parametrize("on_breach", OnBreach)
def test_a_size_of_exactly_the_limit_breaks_nothing(on_breach: OnBreach):
    for price in range(1, 400):
        entries = limited(
            *(wish(symbol, 20, price=price) for symbol in ("MSFT", "JPM", "GS", "BAC", "C")),
            policy=Policy(on_breach=on_breach),
        )
        assert not any(entry.clamped for entry in entries), price


# What one run's rounding left over, the next one must not share out.


LEFT_OVER = account(cash=5, long={"JPM": ("499.99", 100), "GS": ("49.99", 1000)})


def weighed(*wishes: Entry, rounding: Number = 0) -> tuple[Entry, ...]:
    """What the limits leave of wishes for weights to reach."""
    context = RiskContext(
        Decimal(100_000), LEFT_OVER, TECHNOLOGY, roomy(), are_weights=True, rounding=Decimal(rounding)
    )
    return apply_limits(wishes, context)


def test_a_line_rests_where_a_limit_leaves_less_than_a_step_of_it_and_the_others_share_what_there_is():
    jpm = wish("JPM", 1, anchor=Decimal("499.99"))
    gs = wish("GS", 1, price=1000, anchor=Decimal("49.99"))
    entries = weighed(jpm, gs)
    assert sizes(entries) == [Decimal("0.05"), ZERO]
    assert [entry.resting for entry in entries] == [False, True]
    assert breaches(entries[1]) == [Code.INSUFFICIENT_CASH]


@pytest.mark.parametrize(("rounding", "quantity"), [("2.66", "0.05"), ("2.67", 0)])
def test_what_rounding_may_have_freed_is_no_room_for_a_weight(rounding: str, quantity: Number):
    # A step of 1.00 and a cent, and the rounding of the cash and of a margin of 50 %: 3.99 more than half of it.
    (entry,) = weighed(wish("JPM", 1, anchor=Decimal("499.99")), rounding=rounding)
    assert entry.quantity == Decimal(quantity)


def test_a_wish_of_the_limit_itself_does_not_rest_although_its_order_leaves_nothing():
    books = account(cash=90_000, long={"MSFT": (1, 10_000)})
    situation = given_situation(rec("MSFT", "BUY", 20), on=books, steps={"MSFT": 1}, policy=Policy(), mode="target")
    assert orders(planned(situation)) == ["BUY 1 MSFT @ 10000"]


def test_an_awake_symbol_takes_what_rounding_may_have_left():
    context = RiskContext(
        Decimal(100_000),
        LEFT_OVER,
        TECHNOLOGY,
        roomy(),
        are_weights=True,
        rounding=Decimal(9),
        awake=frozenset({"JPM"}),
    )
    wishes = [wish(symbol, 1, anchor=Decimal("499.99")) for symbol in ("JPM", "GS")]
    assert sizes(apply_limits(wishes, context)) == [Decimal("0.05"), ZERO]


def test_an_amount_to_trade_takes_whatever_room_there_is():
    entries = limited(wish("JPM", 1), wish("GS", 1, price=1000), on=LEFT_OVER)
    assert sizes(entries) == decimals("0.02", "0.00")


# Reject


def test_reject_trades_all_of_what_fits_and_nothing_of_what_does_not():
    policy = Policy(on_breach=OnBreach.REJECT)
    entries = limited(
        wish("AAPL", 20), wish("NVDA", 21), wish("MSFT", 15), wish("META", 5), wish("AMD", 20), policy=policy
    )
    assert sizes(entries) == decimals(200, 0, 150, 50, 200)
    assert breaches(entries[1]) == [Code.POSITION_LIMIT]


def test_reject_admits_in_the_order_of_the_artifact():
    policy = Policy(on_breach=OnBreach.REJECT)
    entries = limited(wish("AAPL", 20), wish("NVDA", 15), wish("MSFT", 10), wish("AAPL", 0), policy=policy)
    assert sizes(entries) == decimals(200, 150, 0, 0)
    assert verdict(entries[2], Code.SECTOR_LIMIT) == Verdict(
        Code.SECTOR_LIMIT, "rejected", Decimal(10_000), ZERO, Decimal(5_000)
    )
    assert breaches(entries[3]) == []


def test_what_one_limit_rejected_is_not_rejected_again():
    policy = Policy(on_breach=OnBreach.REJECT)
    (entry,) = limited(wish("MSFT", 30), on=account(cash=-1), policy=policy)
    assert breaches(entry) == [Code.POSITION_LIMIT]


# Shorts and small change


def test_a_short_whose_fee_falls_by_whole_cents_alone_is_still_trimmed():
    # The room is 0.006: the fee of six hundred million units rounds to a cent, and only that of a hundred million
    # less to nothing. One step at a time would not end.
    policy = roomy(
        allow_short=True,
        cash_reserve_percent=Decimal(100) - Decimal("0.0000000006"),
        short_margin_percent=ZERO,
        costs=Costs(commission_bps=Decimal("0.0000001")),
    )
    short = wish("XOM", 100, price=1, action="SELL_SHORT", wanted=Decimal(900_000_000))
    (entry,) = limited(short, on=account(cash=10**9), total=10**9, policy=policy)
    assert Decimal(250_000_000) < entry.quantity <= Decimal(500_000_000)
    # After the rest of the cent, each try took twice the one before.
    assert entry.quantity == Decimal("497050327.05")


def test_a_ceiling_beyond_the_books_is_no_limit():
    policy = roomy(max_gross_exposure_percent=Decimal(99_999))
    (entry,) = limited(wish("MSFT", 10), on=account(cash=10**11), total=10**11, policy=policy)
    assert verdict(entry, Code.GROSS_LIMIT).headroom is None
    assert entry.quantity == 100


def test_an_account_worth_nothing_has_no_room():
    (entry,) = limited(wish("MSFT", 10), total=-5)
    assert entry.quantity == 0


def test_a_verdict_can_be_kept_as_json():
    passed = Verdict(Code.MAXIMUM_ORDER, "passed", Decimal("9999.00"), Decimal("9999.00"), None)
    clamped = Verdict(Code.POSITION_LIMIT, "clamped", Decimal(15_000), Decimal(8_000), Decimal(8_000))
    assert verdict_as_data(passed) == {
        "code": "MAXIMUM_ORDER",
        "result": "passed",
        "before": "9999.00",
        "after": "9999.00",
        "room": None,
    }
    assert verdict_as_data(clamped)["room"] == "8000.00"


# Exits are bounded by nothing but the cash that pays for them


@pytest.mark.parametrize(
    ("action", "price", "cash", "costs", "affordable"),
    [
        ("BUY_TO_COVER", 100, 1000, Costs(), 10),
        ("BUY_TO_COVER", 100, "999.99", Costs(), "9.99"),
        ("BUY_TO_COVER", 100, 505, Costs(), "5.05"),
        ("BUY_TO_COVER", 100, 505, Costs(commission_per_order=Decimal(5)), 5),
        ("BUY_TO_COVER", 100, 1000, Costs(commission_bps=Decimal(100)), "9.90"),
        ("BUY_TO_COVER", 100, 0, Costs(), 0),
        ("BUY_TO_COVER", 100, "0.50", Costs(commission_minimum=Decimal(1)), 0),
        ("SELL", 100, 0, Costs(commission_minimum=Decimal(1)), 10),
        ("SELL", "0.05", 0, Costs(commission_minimum=Decimal(1)), 0),
        ("SELL", "0.05", 1, Costs(commission_minimum=Decimal(1)), 10),
        # Worth less than half a cent: only the fee has to be paid.
        ("BUY_TO_COVER", "0.0001", "0.50", Costs(commission_minimum=Decimal(1)), 0),
        ("BUY_TO_COVER", "0.0001", 1, Costs(commission_minimum=Decimal(1)), 10),
    ],
)
def test_an_exit_is_as_large_as_the_cash_pays_for(
    action: str, price: Number, cash: Number, costs: Costs, affordable: Number
):
    fill = simulate_fill(
        symbol="XOM", action=Action(action), quantity=Decimal(10), price=Decimal(price), costs=costs
    )
    quantity = affordable_quantity(fill, step=Decimal("0.01"), cash=Decimal(cash), costs=costs)
    assert quantity == Decimal(affordable)


@given(
    st.sampled_from([Action.SELL, Action.BUY_TO_COVER]),
    st.integers(1, 10**7),
    strategies.prices,
    strategies.amounts("0", "100000"),
    st.sampled_from(strategies.STEPS),
    strategies.costs,
)
def test_an_exit_never_takes_the_cash_below_zero(
    action: Action, steps: int, price: Decimal, cash: Decimal, step: Decimal, costs: Costs
):
    fill = simulate_fill(symbol="XOM", action=action, quantity=steps * step, price=price, costs=costs)
    quantity = affordable_quantity(fill, step=step, cash=cash, costs=costs)
    assert 0 <= quantity <= fill.quantity
    assert quantity % step == 0
    if quantity:
        done = simulate_fill(symbol="XOM", action=action, quantity=quantity, price=price, costs=costs)
        assert cash + done.cash_delta - done.fee >= 0


@st.composite
def baskets(draw: st.DrawFn) -> tuple[list[Entry], RiskContext]:
    """Wishes of different symbols, each of a size that the books can hold, and what limits them."""
    situation = draw(strategies.situations())
    symbols = draw(st.lists(st.sampled_from(strategies.SYMBOLS), min_size=1, unique=True))
    total = max(situation.snapshot.total_value, ZERO)
    entries = []
    for line, symbol in enumerate(symbols, start=1):
        held = situation.snapshot.holdings.get(symbol)
        price = held.mark_price if held else draw(strategies.amounts("0.01", "700000", places=4))
        grows = Action.BUY if held is None or held.signed_quantity > 0 else Action.SELL_SHORT
        entries.append(
            Entry(
                line=line,
                symbol=symbol,
                action=grows,
                sector=strategies.SECTORS[symbol],
                price=price,
                step=situation.instruments[symbol].step,
                wanted=min(total * draw(strategies.percents) / 100 / price, UNIT_LIMIT - 1),
            )
        )
    return entries, RiskContext(total, situation.snapshot, strategies.SECTORS, situation.policy)


@given(baskets())
def test_limits_only_shrink(basket: tuple[list[Entry], RiskContext]):
    entries, context = basket
    for wanted, left in zip(entries, apply_limits(entries, context), strict=True):
        published = quantize_quantity(wanted.wanted, step=wanted.step, rounding=ROUND_HALF_EVEN)
        assert 0 <= left.quantity <= published
        assert left.quantity % left.step == 0
        assert left.symbol == wanted.symbol
        assert all(0 <= each.after <= each.before for each in left.verdicts)


@given(baskets())
def test_under_reject_a_size_is_all_or_nothing(basket: tuple[list[Entry], RiskContext]):
    entries, context = basket
    strict = replace(context, policy=replace(context.policy, on_breach=OnBreach.REJECT))
    for wanted, left in zip(entries, apply_limits(entries, strict), strict=True):
        if left.clamped:
            assert left.quantity == 0
        elif not left.rounded_down:
            assert abs(left.quantity - wanted.wanted) < wanted.step
