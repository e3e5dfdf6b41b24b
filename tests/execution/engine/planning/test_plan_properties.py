"""What holds of every plan, whatever the research, the account, the prices and the policy."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from common.money import CENT, HUNDRED, ZERO
from execution.engine.planning.costs import simulate_fill
from execution.engine.planning.limits import LIMITS
from execution.engine.planning.market import Instrument, Quote
from execution.engine.planning.plan import OrderIntent, Plan, PlanInput, is_settled, make_plan, right_after
from execution.engine.planning.policy import Costs, Policy
from execution.engine.vocabulary import Code, Mode, Outcome, RecommendedAction, Refusal, TradingState
from portfolios.domain.accounting import Action, Side, apply_fill
from portfolios.domain.snapshot import AccountSnapshot
from tests.builders import AS_OF, holding, orders, planned
from tests.counts import count
from tests.execution.engine.strategies import SECTORS, STEPS, SYMBOLS, amounts, no_costs, policies, situations

Value = TypeVar("Value")

HALF_CENT = CENT / 2
ACTIVE = TradingState.ACTIVE


def entries_of(plan: Plan) -> list[OrderIntent]:
    return [intent for intent in plan.intents if intent.leg == "entry"]


def exact_value(account: AccountSnapshot) -> Decimal:
    """Cash and holdings at their marks, before any market value is rounded to cents."""
    return account.cash_balance + sum(
        (held.signed_quantity * held.mark_price for held in account.holdings.values()), ZERO
    )


def exposure(account: AccountSnapshot, symbols: Iterable[str]) -> Decimal:
    return sum(
        (abs(account.holdings[symbol].market_value) for symbol in symbols if symbol in account.holdings), ZERO
    )


extreme = amounts("0.000001", "0.01", places=6) | amounts("999999", "999999999", places=4)


@st.composite
def extremes(draw: st.DrawFn) -> PlanInput:
    """Situations at the ends of the books, with holdings off their quantity step."""
    marks = {symbol: draw(extreme) for symbol in SYMBOLS}
    holdings = {
        symbol: holding(draw(st.sampled_from(Side)), symbol, quantity, marks[symbol])
        for symbol, quantity in draw(
            st.dictionaries(st.sampled_from(SYMBOLS), amounts("0.000001", "9999", places=6), max_size=4)
        ).items()
    }
    situation = draw(situations())
    return replace(
        situation,
        snapshot=AccountSnapshot(draw(amounts("0", "0.05") | amounts("0", "9999999999999")), holdings),
        quotes={symbol: Quote(mark, "test", AS_OF) for symbol, mark in marks.items()},
        instruments={
            symbol: Instrument(symbol, SECTORS[symbol], draw(st.sampled_from(STEPS))) for symbol in SYMBOLS
        },
    )


@given(situations() | extremes())
def test_a_plan_or_a_refusal_and_never_an_error(situation: PlanInput):
    plan = make_plan(situation)
    if isinstance(plan, Refusal):
        assert plan.code is Code.BOOKS_RANGE
        return
    assert plan.after.cash_balance >= 0
    assert all(held.quantity > 0 for held in plan.after.holdings.values())


@given(situations())
def test_every_line_gets_exactly_one_decision(situation: PlanInput):
    plan = planned(situation)
    lines = [decision.line for decision in plan.decisions]
    assert lines == list(range(1, len(lines) + 1))
    assert len(lines) >= situation.artifact.line_count
    swept = plan.decisions[situation.artifact.line_count :]
    assert all(Code.UNLISTED in decision.codes and decision.symbol for decision in swept)
    for decision in plan.decisions:
        event(decision.outcome)
        traded = any(intent.line == decision.line for intent in plan.intents)
        assert traded == (decision.outcome in (Outcome.EXECUTED, Outcome.CLAMPED))
        assert decision.reason.endswith(".")


@given(situations())
def test_every_order_is_of_a_line_and_a_line_has_one_of_a_kind(situation: PlanInput):
    plan = planned(situation)
    legs = Counter((intent.line, intent.leg) for intent in plan.intents)
    assert all(count == 1 for count in legs.values())
    symbols = Counter((intent.symbol, intent.leg) for intent in plan.intents)
    assert all(count == 1 for count in symbols.values())
    by_line = {decision.line: decision for decision in plan.decisions}
    assert all(by_line[intent.line].symbol == intent.symbol for intent in plan.intents)


@given(situations())
def test_the_account_after_is_what_the_orders_make_of_it(situation: PlanInput):
    plan = planned(situation)
    cash, books, exact = plan.before.cash_balance, dict(plan.before.holdings), ZERO
    for intent in plan.intents:
        # Raises where an exit is more than is held, or an entry stands against the other side.
        result = apply_fill(books.pop(intent.symbol, None), intent.fill)
        if result.holding.is_open:
            books[intent.symbol] = replace(result.holding, mark_price=intent.price)
        cash += intent.fill.cash_delta - intent.fill.fee
        exact -= intent.fill.signed_quantity * intent.fill.price + intent.fill.fee
    assert plan.after.cash_balance == cash
    assert plan.after.holdings == books
    assert abs(cash - plan.before.cash_balance - exact) <= HALF_CENT * len(plan.intents)


@given(situations())
def test_purchases_leave_the_reserve_and_the_collateral_of_the_shorts(situation: PlanInput):
    plan = planned(situation)
    assert plan.after.cash_balance >= 0
    if not entries_of(plan):
        return
    policy = situation.policy
    reserve = max(plan.before.total_value * policy.cash_reserve_percent / HUNDRED, ZERO)
    available = plan.after.available_cash(short_margin=policy.short_margin)
    # A short's market value is rounded to the cent, and its margin with it; the cash itself is exact.
    shorts = sum(1 for held in plan.after.holdings.values() if held.side is Side.SHORT)
    assert available >= reserve - CENT - shorts * HALF_CENT * (1 + policy.short_margin)


@given(situations(policy=policies.map(lambda policy: replace(policy, costs=Costs()))))
def test_free_orders_at_the_mark_leave_the_total_value_as_it_was(situation: PlanInput):
    plan = planned(situation)
    # Each fill rounds its cash once, by at most half a cent. Market values are rounded too, before and after.
    assert abs(exact_value(plan.after) - exact_value(plan.before)) <= HALF_CENT * len(plan.intents)
    assert abs(plan.after.total_value - plan.before.total_value) <= CENT * len(plan.intents)


@given(situations())
def test_costs_and_rounding_are_all_that_a_plan_can_lose(situation: PlanInput):
    plan = planned(situation)
    costs = sum(
        (abs(intent.fill.price - intent.price) * intent.quantity + intent.fill.fee for intent in plan.intents), ZERO
    )
    lost = exact_value(plan.before) - exact_value(plan.after)
    assert abs(lost - costs) <= HALF_CENT * len(plan.intents)


@given(situations())
def test_what_was_bought_breaks_no_limit_together(situation: PlanInput):
    plan = planned(situation)
    policy, total = situation.policy, max(plan.before.total_value, ZERO)
    after = plan.after
    # Each market value is rounded to the cent, which a limit measured in exact values does not see.
    slack = HALF_CENT * (len(after.holdings) + 1)
    entered = entries_of(plan)
    for intent in entered:
        worth = intent.quantity * intent.price
        assert worth >= max(policy.min_order_value, CENT)
        assert policy.max_order_value is None or worth <= policy.max_order_value
        assert exposure(after, [intent.symbol]) <= total * policy.max_position_percent / HUNDRED + slack
        sector = SECTORS[intent.symbol]
        together = [symbol for symbol in SYMBOLS if SECTORS[symbol] == sector]
        assert not sector or exposure(after, together) <= total * policy.max_sector_percent / HUNDRED + slack
        if intent.action is Action.SELL_SHORT:
            assert policy.allow_short
            assert exposure(after, [intent.symbol]) <= total * policy.max_single_short_percent / HUNDRED + slack
            assert after.short_value <= total * policy.max_short_exposure_percent / HUNDRED + slack
    if policy.max_net_exposure_percent is not None:
        most = total * policy.max_net_exposure_percent / HUNDRED + slack
        actions = {intent.action for intent in entered}
        assert after.net_exposure <= most or Action.BUY not in actions
        assert after.net_exposure >= -most or Action.SELL_SHORT not in actions
    if entered:
        assert exposure(after, SYMBOLS) <= total * policy.max_gross_exposure_percent / HUNDRED + slack
        assert policy.max_orders_per_run is None or len(plan.intents) <= policy.max_orders_per_run


@given(situations() | extremes())
def test_a_quantity_is_a_whole_number_of_steps_or_all_that_is_held(situation: PlanInput):
    plan = make_plan(situation)
    whole_shorts = situation.policy.whole_share_shorts
    for intent in plan.intents if isinstance(plan, Plan) else ():
        assert intent.quantity > 0
        held = plan.before.holdings.get(intent.symbol) if isinstance(plan, Plan) else None
        if intent.leg == "exit" and held is not None and intent.quantity == held.quantity:
            continue
        assert intent.quantity % situation.instruments[intent.symbol].step == 0
        assert intent.quantity % 1 == 0 or intent.action.side is Side.LONG or not whole_shorts


@given(situations())
def test_exits_come_first_and_sales_before_covers_and_last_what_costs_more_than_it_brings(situation: PlanInput):
    plan = planned(situation)
    ranks = [
        (
            intent.leg == "entry",
            intent.leg == "exit" and intent.action is not Action.SELL,
            intent.leg == "exit" and intent.fill.cash_delta <= intent.fill.fee,
        )
        for intent in plan.intents
    ]
    assert ranks == sorted(ranks)
    for rank in set(ranks):
        lines = [intent.line for intent, its in zip(plan.intents, ranks, strict=True) if its == rank]
        assert lines == sorted(lines)


ALLOWED = {
    RecommendedAction.BUY: {Action.BUY, Action.BUY_TO_COVER},
    RecommendedAction.SELL: {Action.SELL},
    RecommendedAction.SELL_SHORT: {Action.SELL_SHORT, Action.SELL},
    RecommendedAction.BUY_TO_COVER: {Action.BUY_TO_COVER},
    RecommendedAction.HOLD: set[Action](),
}


@given(situations())
def test_no_buy_sells_and_no_sell_shorts(situation: PlanInput):
    plan = planned(situation)
    asked = {item.line: item.action for item in situation.artifact.recommendations}
    for intent in plan.intents:
        if intent.line not in asked:
            assert situation.close_unlisted
            assert intent.leg == "exit"
            continue
        allowed = ALLOWED[asked[intent.line]]
        if situation.mode is Mode.REBALANCE and intent.leg == "exit":
            allowed = allowed | {Action.SELL, Action.BUY_TO_COVER}
        assert intent.action in allowed


@given(situations())
def test_what_may_only_be_reduced_does_not_grow(situation: PlanInput):
    plan = planned(situation)
    entered = {intent.symbol for intent in entries_of(plan)}
    assert not entered & situation.policy.restricted_symbols
    if situation.state is not ACTIVE:
        assert entered == set()
    if situation.state is TradingState.HALTED:
        assert plan.intents == ()


@given(situations(state=ACTIVE, mode=Mode.ALLOCATE))
def test_no_limit_stops_a_sale_that_brings_more_than_its_fee(situation: PlanInput):
    plan = planned(situation)
    wishes = Counter(item.symbol for item in situation.artifact.recommendations)
    sold = {intent.symbol for intent in plan.intents if intent.action is Action.SELL}
    for item in situation.artifact.recommendations:
        held, quote = plan.before.holdings.get(item.symbol), situation.quotes.get(item.symbol)
        if item.action is not RecommendedAction.SELL or wishes[item.symbol] > 1 or not quote:
            continue
        if held is None or held.side is Side.SHORT:
            continue
        sale = simulate_fill(
            symbol=item.symbol,
            action=Action.SELL,
            quantity=held.quantity,
            price=quote.price,
            costs=situation.policy.costs,
        )
        assert item.symbol in sold or sale.fee > sale.notional


def backwards(mapping: Mapping[str, Value]) -> dict[str, Value]:
    return dict(reversed(list(mapping.items())))


@given(situations())
def test_equal_inputs_give_equal_plans(situation: PlanInput):
    other = replace(
        situation,
        snapshot=replace(situation.snapshot, holdings=backwards(situation.snapshot.holdings)),
        quotes=backwards(situation.quotes),
        instruments=backwards(situation.instruments),
    )
    assert make_plan(other) == make_plan(situation)


@given(situations(close_unlisted=True, mode=Mode.REBALANCE))
def test_a_sweep_spares_what_a_line_names(situation: PlanInput):
    artifact = situation.artifact
    plan = planned(situation)
    named = {item.symbol for item in artifact.recommendations} | {item.symbol for item in artifact.problems}
    swept = {decision.symbol for decision in plan.decisions[artifact.line_count :]}
    assert not swept & named
    if "" in named or not artifact.recommendations:
        assert not swept


modest_costs = st.builds(
    Costs,
    commission_per_order=amounts("0", "5"),
    commission_bps=amounts("0", "50"),
    commission_minimum=amounts("0", "5"),
    slippage_bps=amounts("0", "100"),
)


def limits(costs: st.SearchStrategy[Costs]) -> st.SearchStrategy[Policy]:
    """Policies that share out what there is; those that refuse, slice or skip orders leave room on purpose."""
    return st.builds(
        Policy,
        max_position_percent=st.sampled_from([Decimal(20), Decimal(100)]),
        max_sector_percent=st.sampled_from([Decimal(40), Decimal(100)]),
        max_gross_exposure_percent=st.sampled_from([Decimal(200), Decimal(90)]),
        max_short_exposure_percent=st.just(Decimal(1000)),
        cash_reserve_percent=st.sampled_from([Decimal(0), Decimal(5)]),
        allow_short=st.booleans(),
        rounding=st.sampled_from(["ROUND_HALF_EVEN", "ROUND_DOWN"]),
        costs=costs,
    )


SLICES = {Code.MAXIMUM_ORDER, Code.ORDERS_PER_RUN}


def settle(situation: PlanInput) -> Plan:
    """The first plan of two; not one with nothing to do, nor one that only does a part on purpose."""
    plan = planned(situation)
    assume(plan.intents)
    assume(not any(SLICES & set(decision.codes) for decision in plan.decisions))
    return plan


@given(situations(policy=limits(no_costs), mode=Mode.TARGET, state=ACTIVE))
def test_planning_a_target_again_right_after_gives_no_orders(situation: PlanInput):
    plan = settle(situation)
    assert orders(planned(right_after(situation, plan))) == []


@given(situations(policy=limits(no_costs), mode=Mode.REBALANCE, state=ACTIVE))
def test_rebalancing_again_right_after_gives_no_orders(situation: PlanInput):
    plan = settle(situation)
    assert orders(planned(right_after(situation, plan))) == []


@given(situations(policy=limits(modest_costs), mode=Mode.TARGET, state=ACTIVE))
def test_planning_a_target_again_after_paying_for_it_gives_no_orders(situation: PlanInput):
    plan = settle(situation)
    assert orders(planned(right_after(situation, plan))) == []


@given(situations(policy=limits(modest_costs), mode=Mode.REBALANCE, state=ACTIVE))
def test_rebalancing_again_after_paying_for_it_gives_no_orders(situation: PlanInput):
    plan = settle(situation)
    assert orders(planned(right_after(situation, plan))) == []


@settings(max_examples=count(100, 12_000))
@given(situations(mode=Mode.TARGET) | situations(mode=Mode.REBALANCE))
def test_a_plan_is_settled_where_planning_again_gives_no_orders(situation: PlanInput):
    plan = make_plan(situation)
    assume(isinstance(plan, Plan))
    assert isinstance(plan, Plan)
    again = make_plan(asked_again(situation, plan))
    assert is_settled(situation, plan) == (isinstance(again, Plan) and again.intents == ())
    sliced = any(SLICES & set(decision.codes) for decision in plan.decisions)
    event("sliced" if sliced else "whole")
    assert sliced or is_settled(situation, plan)


def asked_again(situation: PlanInput, plan: Plan) -> PlanInput:
    """What the doors would hand the planner for the same request.

    A price for each symbol that it may trade, and the last mark of what is held and has none.
    """
    sweeps = situation.close_unlisted
    named = {
        item.symbol for item in situation.artifact.recommendations if item.action is not RecommendedAction.HOLD
    }
    wanted = named | set(plan.after.holdings) if sweeps else named
    real = {symbol: quote for symbol, quote in situation.quotes.items() if not quote.reduce_only}
    quotes = {symbol: quote for symbol, quote in real.items() if symbol in wanted}
    for symbol in wanted & plan.after.holdings.keys() - quotes.keys() - situation.held_back.keys():
        if symbol in situation.quotes:
            quotes[symbol] = situation.quotes[symbol]
    return replace(situation, snapshot=plan.after, quotes=quotes)


@given(situations(mode=Mode.ALLOCATE))
def test_an_amount_to_trade_is_never_called_settled(situation: PlanInput):
    assert is_settled(situation, planned(situation)) is None


@given(situations())
def test_verdicts_come_in_the_sequence_of_the_limits(situation: PlanInput):
    sequence = [limit.code for limit in LIMITS]
    for decision in planned(situation).decisions:
        places = [sequence.index(verdict.code) for verdict in decision.verdicts]
        assert places == sorted(set(places))
