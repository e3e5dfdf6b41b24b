"""Laws that hold between two plans: more cash, other units, another order, the same again."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st

from common.money import CENT, ZERO, quantize_cash
from execution.engine.parsing.artifact import Problem, Recommendation
from execution.engine.planning.costs import simulate_fill
from execution.engine.planning.limit_engine import apply_limits
from execution.engine.planning.limits import Entry, RiskContext
from execution.engine.planning.market import Quote
from execution.engine.planning.plan import Plan, PlanInput, make_plan
from execution.engine.planning.policy import Costs, Policy
from execution.engine.vocabulary import Code, Mode, OnBreach, TradingState
from portfolios.domain.accounting import Action, Side, apply_fill
from portfolios.domain.snapshot import AccountSnapshot
from tests import builders
from tests.builders import AS_OF, artifact_of, holding, rec
from tests.execution.engine.strategies import SECTORS, SYMBOLS, amounts, documents, lines, percents, situations

long_only = st.lists(
    st.builds(rec, st.sampled_from(SYMBOLS), st.sampled_from(["BUY", "BUY", "SELL", "HOLD"]), percents),
    min_size=1,
    max_size=6,
    unique_by=lambda item: item.symbol,
)
# Whole units at whole cents: every product is exact, and another unit of money rounds nothing.
whole_prices = st.fixed_dictionaries({symbol: amounts("1", "900") for symbol in SYMBOLS})
calm = st.builds(
    Policy,
    max_position_percent=st.sampled_from([Decimal(20), Decimal(35), Decimal(100)]),
    max_sector_percent=st.sampled_from([Decimal(40), Decimal(100)]),
    cash_reserve_percent=st.sampled_from([Decimal(0), Decimal(5)]),
)


def plan(situation: PlanInput) -> Plan:
    """Return the plan; a refusal fails the test."""
    made = make_plan(situation)
    assert isinstance(made, Plan)
    return made


def bought(made: Plan) -> dict[str, Decimal]:
    """Return what the plan buys, by symbol."""
    return {intent.symbol: intent.quantity for intent in made.intents if intent.action is Action.BUY}


@st.composite
def simple_situations(draw: st.DrawFn) -> PlanInput:
    """Return a long-only account in whole units at prices of whole cents, without costs."""
    marks = draw(whole_prices)
    held = {
        symbol: holding(Side.LONG, symbol, draw(st.integers(1, 40)), marks[symbol])
        for symbol in draw(st.lists(st.sampled_from(SYMBOLS), unique=True, max_size=4))
    }
    situation = draw(situations(policy=calm))
    return replace(
        situation,
        artifact=artifact_of(*draw(long_only)),
        snapshot=AccountSnapshot(draw(amounts("0", "90000")), held),
        quotes={symbol: Quote(mark, "test", AS_OF) for symbol, mark in marks.items()},
        instruments={
            symbol: replace(known, step=Decimal(1), minimum=Decimal(0))
            for symbol, known in situation.instruments.items()
        },
        mode=Mode.ALLOCATE,
        state=TradingState.ACTIVE,
        close_unlisted=False,
    )


@given(simple_situations(), amounts("0", "50000"))
def test_more_cash_never_invests_less_but_for_a_step_of_the_dearest_line(situation: PlanInput, more: Decimal):
    richer = replace(situation.snapshot, cash_balance=situation.snapshot.cash_balance + more)
    prices = {symbol: quote.price for symbol, quote in situation.quotes.items()}

    def invested(made: Plan) -> Decimal:
        return sum((quantity * prices[symbol] for symbol, quantity in bought(made).items()), ZERO)

    # A single line may get less: one that could not pay for its first step before takes its share now.
    dearest = max(prices.values(), default=ZERO)
    assert invested(plan(replace(situation, snapshot=richer))) >= invested(plan(situation)) - dearest


@given(simple_situations(), st.sampled_from([2, 10, 1000]))
def test_another_unit_of_money_gives_the_same_quantities(situation: PlanInput, factor: int):
    held = {
        symbol: replace(
            kept,
            average_price=kept.average_price * factor,
            cost_basis=kept.cost_basis * factor,
            mark_price=kept.mark_price * factor,
        )
        for symbol, kept in situation.snapshot.holdings.items()
    }
    cash = quantize_cash(situation.snapshot.cash_balance * factor)
    other = replace(
        situation,
        snapshot=AccountSnapshot(cash, held),
        quotes={s: replace(quote, price=quote.price * factor) for s, quote in situation.quotes.items()},
    )
    ours, theirs = plan(situation), plan(other)
    assert [(i.symbol, i.action, i.quantity) for i in ours.intents] == [
        (i.symbol, i.action, i.quantity) for i in theirs.intents
    ]


unrelated = st.lists(lines, min_size=2, max_size=6, unique_by=lambda item: item.symbol)


@given(situations(), unrelated, st.data())
def test_the_order_of_unrelated_lines_makes_no_difference_to_targets_but_where_a_limit_is_shared_out(
    situation: PlanInput, wishes: list[Recommendation | Problem], data: st.DataObject
):
    # First come, first served is the rule where a limit refuses rather than shares, and where cash pays for covers.
    policy = replace(situation.policy, on_breach=OnBreach.CLAMP, max_orders_per_run=None)
    longs = {s: held for s, held in situation.snapshot.holdings.items() if held.side is Side.LONG}
    snapshot = replace(situation.snapshot, holdings=longs)
    base = replace(situation, mode=Mode.TARGET, policy=policy, snapshot=snapshot)
    one = plan(replace(base, artifact=artifact_of(*wishes)))
    other = plan(replace(base, artifact=artifact_of(*data.draw(st.permutations(wishes)))))
    # What rounding leaves over of a limit is given out step by step, in the order of the artifact.
    shared = any(verdict.cut for decision in one.decisions for verdict in decision.verdicts)
    trimmed = any(Code.ROUNDED_DOWN in decision.codes for decision in one.decisions)
    assert (
        shared
        or trimmed
        or {(i.symbol, i.action, i.quantity) for i in one.intents}
        == {(i.symbol, i.action, i.quantity) for i in other.intents}
    )


def after_exits(situation: PlanInput, made: Plan) -> AccountSnapshot:
    """Return the account once the plan's exits are done, at the marks."""
    cash, holdings = situation.snapshot.cash_balance, dict(situation.snapshot.holdings)
    for intent in made.intents:
        if intent.leg == "exit":
            result = apply_fill(holdings.pop(intent.symbol), intent.fill)
            cash += result.cash_delta - result.fee
            if result.holding.is_open:
                holdings[intent.symbol] = replace(result.holding, mark_price=intent.price)
    return AccountSnapshot(cash, holdings)


def cash_taken(entry: Entry, quantity: Decimal, policy: Policy) -> Decimal:
    """Return the available cash that the books take for `quantity` of an entry: its cost, or a short's margin."""
    if not quantity:
        return ZERO
    fill = simulate_fill(
        symbol=entry.symbol, action=entry.action, quantity=quantity, price=entry.price, costs=policy.costs
    )
    collateral = quantity * entry.price * (1 + policy.short_margin) if entry.action is Action.SELL_SHORT else ZERO
    return collateral - fill.cash_delta + fill.fee


@given(situations())
@example(
    builders.given(
        rec("MSFT", "BUY", 5),
        prices={"MSFT": "0.000006"},
        policy=Policy(costs=Costs(commission_per_share=Decimal("0.0002"))),
    )
)
def test_limits_that_clamp_leave_alone_what_they_have_passed_but_for_rounded_fees(situation: PlanInput):
    # To refuse is all or nothing: there a fee that was rounded up to the cent would refuse a whole order.
    situation = replace(situation, policy=replace(situation.policy, on_breach=OnBreach.CLAMP))
    made = plan(situation)
    entries = [
        Entry(
            line=intent.line,
            symbol=intent.symbol,
            action=intent.action,
            sector=SECTORS[intent.symbol],
            price=intent.price,
            step=Decimal("0.000001"),
            wanted=intent.quantity,
        )
        for intent in made.intents
        if intent.leg == "entry"
    ]
    context = RiskContext(
        total_value=situation.snapshot.total_value,
        after_exits=after_exits(situation, made),
        sectors=SECTORS,
        policy=situation.policy,
        exit_count=sum(intent.leg == "exit" for intent in made.intents),
    )
    again = apply_limits(entries, context)
    assert all(entry.quantity <= entry.wanted for entry in again)
    clamped = {verdict.code for entry in again for verdict in entry.verdicts if verdict.result == "clamped"}
    assert clamped <= {Code.INSUFFICIENT_CASH}
    assert clamped or [entry.quantity for entry in again] == [entry.wanted for entry in entries]
    # A fee that was rounded up counts as a cent too much at most, and what is cut for it is cut to the step.
    given_back = sum(
        (
            cash_taken(entry, entry.wanted, situation.policy) - cash_taken(entry, entry.quantity, situation.policy)
            for entry in again
        ),
        ZERO,
    )
    assert given_back <= sum((2 * CENT + 2 * entry.step * entry.price for entry in again), ZERO)


@given(documents, situations())
def test_a_plan_says_of_every_line_how_it_ended(wishes: list[Recommendation | Problem], situation: PlanInput):
    artifact = artifact_of(*wishes)
    made = plan(replace(situation, artifact=artifact))
    assert [decision.line for decision in made.decisions][: artifact.line_count] == [
        line + 1 for line in range(artifact.line_count)
    ]
