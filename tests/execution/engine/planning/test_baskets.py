"""A basket is shared out among the lines that can trade, to the last step.

Examples, and a check that shares none of the planner's own rules.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_DOWN, Decimal

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from common.money import CENT, HUNDRED, UNIT_LIMIT, ZERO, quantize_quantity
from execution.engine.planning.baskets import Basket, fill_basket
from execution.engine.planning.costs import simulate_fill
from execution.engine.planning.limits import Entry, RiskContext
from execution.engine.planning.policy import Costs, Policy
from execution.engine.vocabulary import Code, OnBreach
from portfolios.domain.accounting import Action
from tests.builders import account, endings, orders, plan_of, rec, roomy
from tests.execution.engine import strategies

TECHNOLOGY = dict.fromkeys(("AAPL", "MSFT", "NVDA"), "Technology")


# What cannot trade takes no share


def test_a_line_whose_own_size_is_less_than_a_step_takes_nothing_from_its_sector():
    plan = plan_of(
        rec("BRK.A", "BUY", 20),
        rec("JPM", "BUY", 20),
        rec("GS", "BUY", 20),
        prices={"BRK.A": 600_000},
        steps={"BRK.A": 1},
        sectors=dict.fromkeys(("BRK.A", "JPM", "GS"), "Financials"),
        policy=Policy(),
    )
    assert orders(plan) == ["BUY 200 JPM @ 100", "BUY 200 GS @ 100"]
    assert endings(plan) == ["SKIPPED BELOW_STEP", "EXECUTED", "EXECUTED"]
    assert plan.decisions[0].verdicts == ()


def test_a_line_that_a_limit_takes_below_its_step_leaves_its_share_to_the_others():
    # Each could have 13,333 of the sector: less than one share of NVR at 15,000.
    plan = plan_of(
        rec("NVR", "BUY", 20),
        rec("AAPL", "BUY", 20),
        rec("MSFT", "BUY", 20),
        prices={"NVR": 15_000},
        steps={"NVR": 1},
        sectors=TECHNOLOGY | {"NVR": "Technology"},
        policy=Policy(),
    )
    assert orders(plan) == ["BUY 200 AAPL @ 100", "BUY 200 MSFT @ 100"]
    assert endings(plan) == ["DENIED SECTOR_LIMIT", "EXECUTED", "EXECUTED"]


@pytest.mark.parametrize("on_breach", OnBreach)
def test_a_line_below_the_smallest_order_does_not_keep_another_from_trading(on_breach: OnBreach):
    policy = roomy(min_order_value=Decimal(1_000), on_breach=on_breach)
    plan = plan_of(rec("MSFT", "BUY", "0.9"), rec("AAPL", "BUY", "99.5"), policy=policy)
    assert orders(plan) == ["BUY 995 AAPL @ 100"]
    assert endings(plan) == ["SKIPPED BELOW_MINIMUM_ORDER", "EXECUTED SECTOR_UNVERIFIED"]


def test_of_lines_that_cannot_all_trade_the_first_ones_do():
    # 3,000 for four lines, each of which has to be worth 1,000 at least.
    policy = roomy(min_order_value=Decimal(1_000), max_gross_exposure_percent=Decimal("3.3"))
    plan = plan_of(*(rec(symbol, "BUY", 2) for symbol in ("AAPL", "MSFT", "NVDA", "XOM")), policy=policy)
    assert orders(plan) == [f"BUY 11 {symbol} @ 100" for symbol in ("AAPL", "MSFT", "NVDA")]
    assert endings(plan)[3] == "DENIED SECTOR_UNVERIFIED GROSS_LIMIT BELOW_MINIMUM_ORDER"


def test_under_reject_a_line_that_a_later_limit_refused_leaves_its_room_to_the_next():
    # AAPL fits the sector and not the cash; MSFT would have been refused beside it.
    policy = roomy(max_sector_percent=Decimal(40), on_breach=OnBreach.REJECT)
    books = account(cash=20_000, long={"XOM": (800, 100)})
    plan = plan_of(rec("AAPL", "BUY", 30), rec("MSFT", "BUY", 15), sectors=TECHNOLOGY, on=books, policy=policy)
    assert orders(plan) == ["BUY 150 MSFT @ 100"]
    assert endings(plan) == ["DENIED INSUFFICIENT_CASH", "EXECUTED"]


def test_under_reject_what_rounding_leaves_over_of_a_limit_goes_to_a_line_that_was_refused():
    # 50,010 and 40,000 are more than 90,000; 50,000 leaves 40,000, enough for 5 of the 5.71 asked for, not for 6.
    policy = roomy(max_gross_exposure_percent=Decimal(90), on_breach=OnBreach.REJECT)
    lines = rec("AAPL", "BUY", "50.01"), rec("MSFT", "BUY", 40)
    steps = {"AAPL": 1, "MSFT": 1}
    # 5 are worth 35,000: where that is less than the smallest order, nothing is bought.
    for least, bought in ((0, ["BUY 5 MSFT @ 7000"]), (35_000, ["BUY 5 MSFT @ 7000"]), (35_001, [])):
        asked = replace(policy, min_order_value=Decimal(least))
        plan = plan_of(*lines, prices={"MSFT": 7_000}, steps=steps, policy=asked)
        assert orders(plan) == ["BUY 500 AAPL @ 100", *bought]


# What rounding leaves over is shared out


def test_what_rounding_leaves_over_of_five_hundred_equal_lines_is_shared_out_step_by_step():
    symbols = [f"S{number:03}" for number in range(500)]
    plan = plan_of(
        *(rec(symbol, "BUY", "0.2") for symbol in symbols),
        prices=dict.fromkeys(symbols, "101.50"),
        steps=dict.fromkeys(symbols, 1),
        policy=roomy(rounding="ROUND_HALF_EVEN"),
    )
    # 985 shares for 99,977.50; one share each would be 50,750, two each 101,500.
    assert plan.after.cash_balance == Decimal("22.50")
    assert [intent.quantity for intent in plan.intents] == [2] * 485 + [1] * 15


def test_a_share_that_a_cent_keeps_out_is_halved_until_it_fits_and_leaves_less_than_a_cent():
    # Margin of 15 and 34.49985 for the shorts, 50.50 for the purchase: 99.99985 of 100.
    plan = plan_of(
        rec("AAPL", "SELL_SHORT", 60),
        rec("MSFT", "SELL_SHORT", 80),
        rec("NVDA", "BUY", 60),
        prices={"AAPL": 30, "MSFT": "0.07", "NVDA": "1.01"},
        steps={"AAPL": 1, "MSFT": "0.01", "NVDA": 1},
        on=account(cash=100),
        policy=roomy(allow_short=True),
    )
    assert orders(plan) == ["SELL_SHORT 1 AAPL @ 30", "SELL_SHORT 985.71 MSFT @ 0.07", "BUY 50 NVDA @ 1.01"]


def test_a_line_gets_no_more_than_it_asked_for():
    plan = plan_of(rec("AAPL", "BUY", 60), rec("MSFT", "BUY", "50.01"), prices={"AAPL": 7_000}, steps={"AAPL": 1})
    assert orders(plan) == ["BUY 7 AAPL @ 7000", "BUY 500.1 MSFT @ 100"]
    assert endings(plan)[1] == "EXECUTED SECTOR_UNVERIFIED"


def test_a_verdict_on_a_line_that_grew_has_the_size_that_it_has_in_the_end():
    plan = plan_of(rec("AAPL", "BUY", 60), rec("MSFT", "BUY", 80), prices={"AAPL": 7_000}, steps={"AAPL": 1})
    assert orders(plan) == ["BUY 6 AAPL @ 7000", "BUY 580 MSFT @ 100"]
    cut = [each for each in plan.decisions[1].verdicts if each.cut]
    assert [(each.code, each.before, each.after) for each in cut] == [
        (Code.INSUFFICIENT_CASH, Decimal(80_000), Decimal(58_000))
    ]


def test_cash_that_a_cover_waits_for_is_not_spent_on_something_else():
    # The cover costs 36 of 33, and half of it is worth less than the smallest order. A short would fit the margin.
    policy = roomy(
        allow_short=True,
        min_order_value=Decimal(30),
        short_margin_percent=ZERO,
        costs=Costs(slippage_bps=Decimal(2_000)),
    )
    books = account(cash=33, long={"AAPL": (10, 100)}, short={"XOM": (1, 30)})
    plan = plan_of(
        rec("XOM", "BUY_TO_COVER"), rec("MSFT", "SELL_SHORT", 3), on=books, policy=policy, steps={"XOM": 1}
    )
    assert orders(plan) == []


# The check: nothing breaks a limit, and nothing more would fit


def charged(entry: Entry, quantity: Decimal, policy: Policy) -> Decimal:
    """Cash that the entry takes of what is available."""
    if not quantity:
        return ZERO
    fill = simulate_fill(
        symbol=entry.symbol, action=entry.action, quantity=quantity, price=entry.price, costs=policy.costs
    )
    collateral = (1 + policy.short_margin_percent / HUNDRED) * quantity * entry.price
    return fill.fee - fill.cash_delta + (collateral if entry.action is Action.SELL_SHORT else ZERO)


def excesses(
    line: Entry, entries: Sequence[Entry], sizes: Mapping[int, Decimal], context: RiskContext
) -> dict[str, Decimal]:
    """By how much each limit that has a say in `line` is broken, below zero where there is room, on the whole."""
    policy, after = context.policy, context.after_exits
    worth = {each.line: sizes[each.line] * each.price for each in entries}
    value = {symbol: abs(held.market_value) for symbol, held in after.holdings.items()}
    short = after.short_value
    net = sum((held.market_value for held in after.holdings.values()), ZERO)
    sectors = {symbol: context.sectors.get(symbol, "") for symbol in value}
    for each in entries:
        value[each.symbol] = value.get(each.symbol, ZERO) + worth[each.line]
        sectors[each.symbol] = each.sector
        is_short = each.action is Action.SELL_SHORT
        short += worth[each.line] if is_short else ZERO
        net += -worth[each.line] if is_short else worth[each.line]

    def over(amount: Decimal, percent: Decimal) -> Decimal:
        return amount - max(context.total_value * percent / HUNDRED, ZERO)

    found = {
        "position": over(value[line.symbol], policy.max_position_percent),
        "gross": over(sum(value.values(), ZERO), policy.max_gross_exposure_percent),
    }
    if policy.max_order_value is not None:
        found["order"] = worth[line.line] - policy.max_order_value
    if line.sector:
        together = sum((value[symbol] for symbol in value if sectors[symbol] == line.sector), ZERO)
        found["sector"] = over(together, policy.max_sector_percent)
    if line.action is Action.SELL_SHORT:
        found["short"] = over(value[line.symbol], policy.max_single_short_percent)
        found["shorts"] = over(short, policy.max_short_exposure_percent)
    if policy.max_net_exposure_percent is not None:
        found["net"] = over(-net if line.action is Action.SELL_SHORT else net, policy.max_net_exposure_percent)
    spent = sum((charged(each, sizes[each.line], policy) for each in entries), ZERO)
    available = after.cash_balance - after.short_value * (1 + policy.short_margin_percent / HUNDRED)
    found["cash"] = spent - available + max(context.total_value * policy.cash_reserve_percent / HUNDRED, ZERO)
    if policy.max_orders_per_run is not None:
        count = context.exit_count + sum(1 for size in sizes.values() if size)
        found["orders"] = Decimal(count - policy.max_orders_per_run)
    return found


HAIR = Decimal("0.000000001")  # what the last digits of a division are worth


@st.composite
def baskets(draw: st.DrawFn) -> tuple[list[Entry], RiskContext]:
    """Wishes of different symbols that only add to what is held, and what limits them."""
    situation = draw(strategies.situations())
    symbols = draw(st.lists(st.sampled_from(strategies.SYMBOLS), min_size=1, unique=True))
    total = max(situation.snapshot.total_value, ZERO)
    entries = []
    for line, symbol in enumerate(symbols, start=1):
        held = situation.snapshot.holdings.get(symbol)
        price = held.mark_price if held else draw(strategies.prices)
        side = Action.BUY if held is None or held.signed_quantity > 0 else Action.SELL_SHORT
        action = draw(st.sampled_from([Action.BUY, Action.SELL_SHORT])) if held is None else side
        step = situation.instruments[symbol].step
        entries.append(
            Entry(
                line=line,
                symbol=symbol,
                action=action,
                sector=strategies.SECTORS[symbol],
                price=price,
                step=step,
                wanted=min(total * draw(strategies.percents) / 100 / price, UNIT_LIMIT - 1),
                minimum=draw(st.sampled_from([ZERO, ZERO, 3 * step, Decimal("2.5")])),
            )
        )
    context = RiskContext(
        total,
        situation.snapshot,
        strategies.SECTORS,
        situation.policy,
        exit_count=draw(st.integers(0, 2)),
        are_weights=draw(st.booleans()),
    )
    return entries, context


def sizes_of(basket: Basket) -> dict[int, Decimal]:
    """Return what is traded of each line."""
    return {line: ZERO if line in basket.short_of else entry.quantity for line, entry in basket.judged.items()}


def published(entry: Entry, policy: Policy) -> Decimal:
    """The size that a line asks for, in whole steps."""
    return quantize_quantity(entry.wanted, step=entry.step, rounding=policy.rounding)


def smallest(entry: Entry, policy: Policy) -> Decimal:
    """The smallest order of a line, in whole steps."""
    least = max(entry.step, entry.minimum, max(policy.min_order_value, CENT) / entry.price)
    return quantize_quantity(least, step=entry.step, rounding=ROUND_CEILING)


@given(baskets())
def test_a_basket_breaks_no_limit_and_has_no_order_below_the_smallest(basket: tuple[list[Entry], RiskContext]):
    entries, context = basket
    sizes = sizes_of(fill_basket(entries, context))
    for entry in entries:
        size = sizes[entry.line]
        assert size % entry.step == 0
        assert size <= published(entry, context.policy)
        if size:
            assert size >= entry.minimum
            assert size * entry.price >= max(context.policy.min_order_value, CENT)
            broken = {name: by for name, by in excesses(entry, entries, sizes, context).items() if by > HAIR}
            assert not broken


@given(baskets())
def test_no_line_of_a_basket_could_take_another_step(basket: tuple[list[Entry], RiskContext]):
    entries, context = basket
    clamping = replace(context, policy=replace(context.policy, on_breach=OnBreach.CLAMP))
    filled = fill_basket(entries, clamping)
    sizes = sizes_of(filled)
    for entry in entries:
        size = sizes[entry.line]
        more = size + entry.step if size else smallest(entry, clamping.policy)
        if more > published(entry, clamping.policy):
            event("has all it asked for")
            continue
        if filled.judged[entry.line].resting:
            continue  # what an earlier run left over: see the next test
        over = excesses(entry, entries, sizes | {entry.line: more}, clamping)
        event(f"stopped by {max(over, key=lambda name: over[name])}")
        assert max(over.values()) > -HAIR


@given(baskets())
def test_a_line_rests_only_where_a_limit_leaves_it_next_to_no_order(basket: tuple[list[Entry], RiskContext]):
    entries, context = basket
    filled = fill_basket(entries, context)
    for entry in entries:
        if not filled.judged[entry.line].resting:
            continue
        assert context.are_weights
        others = {each.line: ZERO for each in entries}
        over = excesses(entry, entries, others | {entry.line: smallest(entry, context.policy)}, context)
        # Without the others, even. The net limit counts on what the other side does.
        assert (
            max(over.values()) > -CENT * (len(entries) + 1) or context.policy.max_net_exposure_percent is not None
        )


@given(baskets())
def test_under_reject_nothing_is_left_out_that_would_fit_as_a_whole(basket: tuple[list[Entry], RiskContext]):
    entries, context = basket
    strict = replace(context, policy=replace(context.policy, on_breach=OnBreach.REJECT))
    filled = fill_basket(entries, strict)
    sizes = sizes_of(filled)
    for entry in entries:
        whole = published(entry, strict.policy)
        down = quantize_quantity(entry.wanted, step=entry.step, rounding=ROUND_DOWN)
        if sizes[entry.line]:
            assert whole - entry.step <= sizes[entry.line] <= whole or filled.judged[entry.line].rounded_down
        elif whole >= smallest(entry, strict.policy) and not filled.judged[entry.line].resting:
            for size in {whole, down} if down >= smallest(entry, strict.policy) else {whole}:
                over = excesses(entry, entries, sizes | {entry.line: size}, strict)
                assert max(over.values()) > -HAIR
