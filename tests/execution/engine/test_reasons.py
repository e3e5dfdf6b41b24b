"""The sentences: English, with numbers that can be followed, and in the conditional where nothing was done yet."""

from decimal import Decimal
from typing import Any

import pytest

from execution.engine.planning.policy import Costs, Policy
from execution.engine.reasons import Explanation, Share, Shortfall, Tense, explain
from execution.engine.vocabulary import Code, Outcome
from portfolios.domain.accounting import Action, Fill
from tests.builders import account, plan_of, rec, roomy

SECTORS = {"AAPL": "Technology", "NVDA": "Technology", "MSFT": "Technology", "XOM": "Energy"}


def reason(*lines: Any, at: int = 0, **situation: Any) -> str:
    """Return the sentence of one line."""
    return plan_of(*lines, **({"sectors": SECTORS} | situation)).decisions[at].reason


def clamped(*beside: Action, of: str = " of cash") -> str:
    """Return the sentence of a purchase that shares what there is with others."""
    share = Share(Decimal("26321.37"), of, Decimal("0.8731"), beside) if beside else None
    short = Shortfall(Code.INSUFFICIENT_CASH, Decimal("15373.40"), Decimal("13422.51"), share=share)
    fill = Fill("NVDA", Action.BUY, Decimal(100), Decimal("134.22"))
    return explain(
        Explanation(Outcome.CLAMPED, (Code.INSUFFICIENT_CASH,), "NVDA", fills=(fill,), shortfalls=(short,))
    )


BOUGHT = "Bought 100.00 NVDA at 134.22 for $13,422.00, reduced by the available cash: "
NUMBERS = "$15,373.40 wanted, $13,422.51 available"


@pytest.mark.parametrize(
    ("beside", "words"),
    [
        ((), "."),
        ((Action.BUY,), "; shares $26,321.37 of cash with 1 other purchase: 87.3 % of each."),
        ((Action.BUY,) * 2, "; shares $26,321.37 of cash with 2 other purchases: 87.3 % of each."),
        ((Action.SELL_SHORT,), "; shares $26,321.37 of cash with 1 other short sale: 87.3 % of each."),
        ((Action.SELL_SHORT,) * 3, "; shares $26,321.37 of cash with 3 other short sales: 87.3 % of each."),
        ((Action.BUY, Action.SELL_SHORT), "; shares $26,321.37 of cash with 2 other orders: 87.3 % of each."),
    ],
)
def test_the_numbers_of_a_limit_can_be_followed_and_plurals_are_right(beside: tuple[Action, ...], words: str):
    assert clamped(*beside) == BOUGHT + NUMBERS + words


def test_two_purchases_share_the_cash():
    first = reason(rec("MSFT", "BUY", 60), rec("XOM", "BUY", 100))
    assert first == (
        "Bought 375.00 MSFT at 100.00 for $37,500.00, reduced by the available cash: "
        "$60,000.00 wanted, $37,500.00 available; "
        "shares $100,000.00 of cash with 1 other purchase: 62.5 % of each."
    )


def test_a_line_that_asks_for_nothing_shares_nothing():
    wide = roomy(max_position_percent=Decimal(200), max_sector_percent=Decimal(200))
    first = reason(rec("MSFT", "BUY", 150), rec("XOM", "BUY", 0), policy=wide)
    assert first.endswith("reduced by the available cash: $150,000.00 wanted, $100,000.00 available.")


def test_two_limits_are_two_reasons():
    first = reason(rec("AAPL", "BUY", 25), rec("NVDA", "BUY", 30), policy=Policy())
    assert first == (
        "Bought 200.00 AAPL at 100.00 for $20,000.00, reduced by the position limit: "
        "$25,000.00 wanted, $20,000.00 available."
    )
    policy = Policy(max_sector_percent=Decimal(30))
    assert reason(rec("AAPL", "BUY", 25), rec("NVDA", "BUY", 20), policy=policy) == (
        "Bought 150.00 AAPL at 100.00 for $15,000.00, reduced by the position limit: "
        "$25,000.00 wanted, $20,000.00 available; and by the sector limit: "
        "$20,000.00 wanted, $15,000.00 available; shares $30,000.00 of the sector "
        "with 1 other purchase: 75.0 % of each."
    )


def test_an_exit_that_the_cash_cuts_gives_its_numbers():
    books = account(cash=505, short={"XOM": (10, 100)})
    costs = roomy(costs=Costs(commission_per_order=Decimal(5)))
    assert reason(rec("XOM", "BUY_TO_COVER"), on=books, policy=costs) == (
        "Bought to cover 5.00 XOM at 100.00 for $500.00, fee $5.00, reduced by the available cash: "
        "$1,005.00 wanted, $505.00 available."
    )
    broke = account(cash=1, short={"XOM": (10, 100)})
    assert reason(rec("XOM", "BUY_TO_COVER"), on=broke, policy=costs) == (
        "Denied: the available cash would be exceeded: $1,005.00 wanted, $1.00 available."
    )


def test_orders_are_counted():
    few = roomy(max_orders_per_run=1)
    assert reason(rec("MSFT", "BUY", 5), rec("XOM", "BUY", 5), at=1, policy=few) == (
        "Denied: the limit on orders per run would be exceeded: 1 order wanted, 0 available."
    )


SHORT_OF_FAC = account(cash=120_000, short={"FAC": (200, 100)})
COVERED = "Bought to cover 200.00 FAC at 100.00 for $20,000.00; no more, because "


@pytest.mark.parametrize(
    ("lead", "situation", "words"),
    [
        (
            "Denied",
            {"policy": roomy(restricted_symbols=frozenset({"FAC"}))},
            "FAC is restricted to orders that reduce a position.",
        ),
        ("Deferred", {"state": "REDUCING"}, "trading is limited to orders that reduce a position."),
        ("Denied", {"inactive": {"FAC"}}, "FAC is no longer traded, and what is held of it may only be reduced."),
    ],
)
def test_a_flip_that_may_only_reduce_is_explained_in_english(lead: str, situation: dict[str, Any], words: str):
    assert reason(rec("FAC", "BUY", 30), on=SHORT_OF_FAC, **situation) == COVERED + words
    assert reason(rec("FAC", "BUY", 30), **situation) == f"{lead}: {words}"


def test_a_sale_of_more_than_is_held_is_reduced_to_what_is_held():
    assert reason(rec("FAC", "BUY_TO_COVER", 30), on=SHORT_OF_FAC) == (
        "Bought to cover 200.00 FAC at 100.00 for $20,000.00, reduced to the position that is held."
    )


@pytest.mark.parametrize(
    ("action", "percent", "held", "words"),
    [
        # With fees of 100 an order, a run may move the value by 402, and a tenth of that is worth less than 1 unit.
        ("BUY", "10", "100.20", "MSFT is close enough to its target that trading would cost more than it brings"),
        ("BUY", "10", "99.80", "MSFT is close enough to its target that trading would cost more than it brings"),
        ("SELL", "10", "100.20", "MSFT is close enough to its target that trading would cost more than it brings"),
        ("BUY", "10", "100", "MSFT is already at its target"),
        ("BUY", "10", "150", "MSFT is already at its target"),
        ("SELL", "10", "50", "MSFT is already at its target"),
    ],
)
def test_what_is_near_its_target_is_not_said_to_be_at_it(action: str, percent: str, held: str, words: str):
    books = account(cash=Decimal(100_000) - Decimal(held) * 100, long={"MSFT": (held, 100)})
    policy = roomy(costs=Costs(commission_per_order=Decimal(100)))
    line = rec("MSFT", action, percent)
    assert reason(line, on=books, policy=policy, mode="target") == f"Skipped: {words}."


def test_what_was_not_done_yet_is_said_in_the_conditional():
    books = account(cash=120_000, short={"XOM": (200, 100)})
    plan = plan_of(rec("XOM", "BUY", 30), rec("MSFT", "BUY", 10), rec("JPM", "SELL"), on=books, sectors=SECTORS)
    assert [decision.reason_of_preview for decision in plan.decisions] == [
        "Would buy to cover 200.00 XOM at 100.00 for $20,000.00 and buy 100.00 XOM at 100.00 for $10,000.00.",
        "Would buy 100.00 MSFT at 100.00 for $10,000.00.",
        "Skipped: there is no such position in JPM.",
    ]


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize(("tense", "start"), [(Tense.PAST, ("Bought", "Sold")), (Tense.CONDITIONAL, ("Would ",))])
def test_every_action_has_its_verb(action: Action, tense: Tense, start: tuple[str, ...]):
    fill = Fill("MSFT", action, Decimal(1), Decimal(2))
    said = explain(Explanation(Outcome.EXECUTED, (), "MSFT", fills=(fill,)), tense)
    assert said.startswith(start)
    assert said.endswith(" 1.00 MSFT at 2.00 for $2.00.")
