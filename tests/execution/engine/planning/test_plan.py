"""From an artifact to orders and decisions: the published vectors, and what must never happen again."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from common.money import CENT, quantize_percent
from execution.engine.planning.plan import Plan, make_plan, symbols_to_price, symbols_to_trade
from execution.engine.planning.policy import Costs, Policy
from execution.engine.vocabulary import Code, OnBreach, Outcome, Refusal
from portfolios.domain.accounting import Side, apply_fill
from tests.builders import (
    account,
    artifact_of,
    endings,
    given,
    held,
    marked,
    orders,
    parsed,
    plan_of,
    planned,
    rec,
    roomy,
    unreadable,
)

SHORTS = roomy(allow_short=True)
TECHNOLOGY = {"AAPL": "Technology", "NVDA": "Technology", "MSFT": "Technology", "XOM": "Energy"}
FIVE = ["AAPL", "MSFT", "NVDA", "XOM", "JPM"]


def plan_document(*lines: object, **situation: Any) -> Plan:
    """The plan for research as it is written."""
    artifact = parsed(*lines)
    return planned(replace(given(*artifact.recommendations, **situation), artifact=artifact))


def reasons(plan: Plan) -> list[str]:
    return [decision.reason for decision in plan.decisions]


# The published run and its vectors


def test_the_published_run():
    plan = plan_of(
        rec("MSFT", "BUY", 10), rec("AAPL", "HOLD", 6), prices={"MSFT": 450, "AAPL": 450}, policy=Policy()
    )
    assert orders(plan) == ["BUY 22.22 MSFT @ 450"]
    assert endings(plan) == ["EXECUTED SECTOR_UNVERIFIED", "HELD"]
    assert plan.intents[0].fill.notional == Decimal("9999.00")
    assert plan.after.cash_balance == Decimal("90001.00")
    assert plan.after.equity_value == Decimal("9999.00")
    assert plan.after.total_value == Decimal("100000.00")


def test_two_purchases_make_one_position_at_their_average():
    first = plan_of(rec("MSFT", "BUY", 10), prices={"MSFT": "528.57"})
    assert orders(first) == ["BUY 18.92 MSFT @ 528.57"]
    books = account(cash="90004.74", long={"MSFT": ("18.91", "528.57")})
    percent = 10 * Decimal(540) / marked(books, {"MSFT": 540}).total_value * 100
    second = plan_of(rec("MSFT", "BUY", percent), on=books, prices={"MSFT": 540})
    assert orders(second) == ["BUY 10 MSFT @ 540"]
    assert second.after.holdings["MSFT"].average_price == Decimal("532.523649")
    assert held(second) == {"MSFT": Decimal("28.91")}


def test_a_short_leaves_the_total_value_as_it_was():
    plan = plan_of(rec("MSFT", "SELL_SHORT", "4.91232"), prices={"MSFT": "175.44"}, policy=SHORTS)
    assert orders(plan) == ["SELL_SHORT 28 MSFT @ 175.44"]
    assert plan.after.cash_balance == Decimal("104912.32")
    assert plan.after.equity_value == Decimal("-4912.32")
    assert plan.after.total_value == Decimal("100000.00")
    assert marked(plan.after, {"MSFT": 193}).total_value == Decimal("99508.32")


def test_a_cover_realizes_what_the_short_gained():
    books = account(cash="104912.32", short={"MSFT": (28, "175.44")})
    percent = 10 * Decimal(150) / marked(books, {"MSFT": 150}).total_value * 100
    plan = plan_of(rec("MSFT", "BUY_TO_COVER", percent), on=books, prices={"MSFT": 150}, policy=SHORTS)
    assert orders(plan) == ["BUY_TO_COVER 10 MSFT @ 150"]
    assert plan.after.holdings["MSFT"].realized_pnl == Decimal("254.40")


def test_a_flip_is_two_orders_of_one_line():
    books = account(cash=22_000, long={"MSFT": (100, 50)})
    plan = plan_of(rec("MSFT", "SELL_SHORT", 30), on=books, prices={"MSFT": 55}, policy=SHORTS)
    assert orders(plan) == ["SELL 100 MSFT @ 55", "SELL_SHORT 50 MSFT @ 55"]
    assert endings(plan) == ["EXECUTED SECTOR_UNVERIFIED"]
    assert [(intent.line, intent.leg) for intent in plan.intents] == [(1, "exit"), (1, "entry")]
    sold = apply_fill(plan.before.holdings["MSFT"], plan.intents[0].fill)
    assert sold.realized_pnl == Decimal(500)
    short = plan.after.holdings["MSFT"]
    assert (short.side, short.quantity, short.average_price) == (Side.SHORT, Decimal(50), Decimal(55))


def test_the_published_sector_vector():
    plan = plan_of(
        rec("AAPL", "BUY", 25),
        rec("NVDA", "BUY", 15),
        rec("MSFT", "BUY", 10),
        rec("XOM", "BUY", 10),
        prices=dict.fromkeys(TECHNOLOGY, 1),
        steps=dict.fromkeys(TECHNOLOGY, "0.000001"),
        sectors=TECHNOLOGY,
        policy=Policy(),
    )
    assert [quantize_percent(intent.quantity / 1000) for intent in plan.intents] == [
        Decimal("17.7778"),
        Decimal("13.3333"),
        Decimal("8.8889"),
        Decimal("10.0000"),
    ]
    assert endings(plan) == [
        "CLAMPED POSITION_LIMIT SECTOR_LIMIT",
        "CLAMPED SECTOR_LIMIT",
        "CLAMPED SECTOR_LIMIT",
        "EXECUTED",
    ]


# What went wrong before


def test_five_buys_of_thirty_percent_spend_the_cash_and_no_more():
    buys = [rec(symbol, "BUY", 30) for symbol in FIVE]
    limited = plan_of(*buys, policy=Policy())
    assert orders(limited) == [f"BUY 200 {symbol} @ 100" for symbol in FIVE]
    assert endings(limited) == ["CLAMPED POSITION_LIMIT SECTOR_UNVERIFIED"] * 5
    scaled = plan_of(*buys, prices={"JPM": 7})
    assert orders(scaled) == [*(f"BUY 200 {symbol} @ 100" for symbol in FIVE[:4]), "BUY 2857.14 JPM @ 7"]
    assert (limited.after.cash_balance, scaled.after.cash_balance) == (Decimal("0.00"), Decimal("0.02"))


def test_everything_at_a_price_of_six_does_not_overdraw():
    plan = plan_of(rec("MSFT", "BUY", 100), prices={"MSFT": 6})
    assert orders(plan) == ["BUY 16666.66 MSFT @ 6"]
    assert endings(plan) == ["EXECUTED SECTOR_UNVERIFIED ROUNDED_DOWN"]
    assert plan.after.cash_balance == Decimal("0.04")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"allocation_percent": -5}, "QUARANTINED SIZE_NEGATIVE"),
        ({"allocation_percent": 0}, "SKIPPED ZERO_SIZE"),
        ({"allocation_percent": None}, "QUARANTINED SIZE_MISSING"),
        ({"allocation_percent": "10"}, "QUARANTINED SIZE_NOT_A_NUMBER"),
        ({"allocation_percent": "8-10%"}, "QUARANTINED SIZE_NOT_A_NUMBER"),
        ({"action": None}, "QUARANTINED ACTION_MISSING"),
        ({"action": "TRIM"}, "QUARANTINED ACTION_UNKNOWN"),
        ({"symbol": "MSFT.L"}, "QUARANTINED SYMBOL_INVALID"),
    ],
)
def test_what_is_no_plain_wish_makes_no_order(fields: dict[str, object], expected: str):
    wish = {"symbol": "MSFT", "action": "BUY", "allocation_percent": 10}
    plan = plan_document(wish | fields, wish | {"symbol": "AAPL"})
    assert endings(plan) == [expected, "EXECUTED SECTOR_UNVERIFIED"]
    assert held(plan) == {"AAPL": Decimal(100)}


def test_a_sell_closes_the_long():
    plan = plan_of(rec("MSFT", "SELL", 5), on=account(cash=0, long={"MSFT": (10, 50)}), prices={"MSFT": 60})
    assert orders(plan) == ["SELL 10 MSFT @ 60"]
    assert endings(plan) == ["EXECUTED"]
    assert plan.after.cash_balance == 600
    assert held(plan) == {}


def test_a_short_never_stands_beside_a_long():
    books = account(cash=90_000, long={"MSFT": (100, 100)})
    denied = plan_of(rec("MSFT", "SELL_SHORT", 5), on=books)
    assert endings(denied) == ["DENIED SHORT_NOT_ALLOWED"]
    assert held(denied) == {"MSFT": Decimal(100)}
    reduced = plan_of(rec("MSFT", "SELL_SHORT", 5), on=books, policy=SHORTS)
    assert orders(reduced) == ["SELL 50 MSFT @ 100"]
    assert held(reduced) == {"MSFT": Decimal(50)}


def test_a_symbol_is_one_security_whatever_its_case_and_padding():
    books = account(cash=90_000, long={"MSFT": (100, 100)})
    plan = plan_document({"symbol": " msft ", "action": "BUY", "allocation_percent": 10}, on=books)
    assert held(plan) == {"MSFT": Decimal(200)}


# One decision for every line


def test_every_line_is_decided_once_in_the_order_of_the_artifact():
    plan = plan_of(
        rec("AAPL", "HOLD", 6),
        unreadable("NVDA"),
        rec("MSFT", "BUY", 10),
        rec("XOM", "SELL"),
        rec("JPM", "SELL_SHORT", 10),
        rec("MSFT", "BUY", 10),
    )
    assert endings(plan) == [
        "HELD",
        "QUARANTINED ACTION_UNKNOWN",
        "EXECUTED SECTOR_UNVERIFIED",
        "SKIPPED NO_POSITION",
        "DENIED SHORT_NOT_ALLOWED",
        "SKIPPED DUPLICATE_LINE",
    ]
    assert [decision.line for decision in plan.decisions] == [1, 2, 3, 4, 5, 6]
    assert [decision.symbol for decision in plan.decisions] == ["AAPL", "NVDA", "MSFT", "XOM", "JPM", "MSFT"]


def test_a_decision_carries_its_line_and_its_numbers():
    plan = plan_document(
        {"symbol": "MSFT", "action": "buy", "allocation_percent": 25.5, "note": "x"}, policy=Policy()
    )
    (decision,) = plan.decisions
    assert (decision.symbol, decision.action, decision.allocation_percent) == ("MSFT", "BUY", Decimal("25.5"))
    assert decision.outcome is Outcome.CLAMPED
    assert decision.recommendation is not None
    assert decision.raw == {"symbol": "MSFT", "action": "buy", "allocation_percent": "25.5", "note": "x"}
    clamp = next(verdict for verdict in decision.verdicts if verdict.code is Code.POSITION_LIMIT)
    assert (clamp.before, clamp.after, clamp.headroom) == (Decimal(25_500), Decimal(20_000), Decimal(20_000))


def test_lines_that_say_the_same_trade_once():
    plan = plan_document(
        {"symbol": "MSFT", "action": "BUY", "allocation_percent": 10, "rationale": "growth"},
        {"symbol": "msft", "action": "buy", "allocation_percent": 10.0},
        {"ticker": "MSFT", "action": "BUY", "allocation_percent": 10.00, "position_size_pct": 10},
    )
    assert orders(plan) == ["BUY 100 MSFT @ 100"]
    assert endings(plan) == ["EXECUTED SECTOR_UNVERIFIED", "SKIPPED DUPLICATE_LINE", "SKIPPED DUPLICATE_LINE"]


@pytest.mark.parametrize(
    "other", [rec("MSFT", "SELL"), rec("MSFT", "BUY", 12), rec("MSFT", "HOLD", 10), rec("MSFT", "BUY", "10.0001")]
)
def test_lines_that_contradict_each_other_are_all_quarantined(other: Any):
    books = account(cash=90_000, long={"MSFT": (100, 100)})
    plan = plan_of(rec("MSFT", "BUY", 10), other, rec("MSFT", "BUY", 10), rec("AAPL", "BUY", 5), on=books)
    assert orders(plan) == ["BUY 50 AAPL @ 100"]
    assert endings(plan) == [*["QUARANTINED CONTRADICTORY_LINES"] * 3, "EXECUTED SECTOR_UNVERIFIED"]


def test_a_run_of_quarantined_lines_alone_changes_nothing():
    books = account(cash=90_000, long={"MSFT": (100, 100)})
    plan = plan_of(unreadable("MSFT"), unreadable(), on=books)
    assert plan.intents == ()
    assert plan.after == plan.before


@pytest.mark.parametrize(
    ("line", "situation", "sentence"),
    [
        (rec("MSFT", "BUY", 10), {"prices": {"MSFT": 450}}, "Bought 22.22 MSFT at 450.00 for $9,999.00."),
        (rec("MSFT", "HOLD"), {}, "Held: no order. MSFT is not closed as an unlisted position."),
        (rec("AAPL", "SELL"), {}, "Skipped: there is no such position in AAPL."),
        (rec("MSFT", "BUY", 10), {"unpriced": {"MSFT"}}, "Deferred: there is no price for MSFT."),
        (rec("MSFT", "SELL_SHORT", 10), {}, "Denied: the policy does not allow short selling."),
        (rec("MSFT", "BUY", 10), {"state": "HALTED"}, "Deferred: trading is halted."),
        (
            rec("MSFT", "BUY", 30),
            {"policy": Policy()},
            (
                "Bought 200.00 MSFT at 100.00 for $20,000.00, reduced by the position limit: "
                "$30,000.00 wanted, $20,000.00 available."
            ),
        ),
        (
            rec("MSFT", "BUY", 10),
            {"policy": roomy(costs=Costs(commission_minimum=Decimal(1)))},
            "Bought 100.00 MSFT at 100.00 for $10,000.00, fee $1.00.",
        ),
        (
            rec("MSFT", "BUY", 10),
            {"sectors": {}},
            (
                "Bought 100.00 MSFT at 100.00 for $10,000.00; "
                "the sector of MSFT is unknown, so its limit was not checked."
            ),
        ),
        (unreadable("MSFT"), {}, "Quarantined: field 'action' is unknown."),
    ],
)
def test_a_decision_is_explained_in_a_sentence(line: Any, situation: dict[str, Any], sentence: str):
    plan = plan_of(line, **({"sectors": TECHNOLOGY} | situation))
    assert reasons(plan) == [sentence]


def test_a_flip_is_explained_in_one_sentence():
    books = account(cash=120_000, short={"XOM": (200, 100)})
    plan = plan_of(rec("XOM", "BUY", 30), on=books, sectors=TECHNOLOGY)
    assert reasons(plan) == [
        "Bought to cover 200.00 XOM at 100.00 for $20,000.00 and bought 100.00 XOM at 100.00 for $10,000.00."
    ]


# The order of work, and the cash


def test_sales_pay_for_purchases_that_stand_before_them():
    books = account(cash=0, long={"MSFT": (500, 100), "XOM": (500, 100)})
    plan = plan_of(rec("AAPL", "BUY", 40), rec("JPM", "BUY", 10), rec("MSFT", "SELL"), on=books)
    assert orders(plan) == ["SELL 500 MSFT @ 100", "BUY 400 AAPL @ 100", "BUY 100 JPM @ 100"]
    assert plan.after.cash_balance == 0


def test_sales_come_before_covers_and_both_before_entries():
    books = account(cash=100, long={"MSFT": (500, 100)}, short={"XOM": (100, 100)})
    plan = plan_of(
        rec("AAPL", "BUY", 5), rec("XOM", "BUY_TO_COVER"), rec("MSFT", "SELL"), rec("JPM", "SELL_SHORT", 5),
        on=books, policy=SHORTS,
    )  # fmt: skip
    assert orders(plan) == [
        "SELL 500 MSFT @ 100",
        "BUY_TO_COVER 100 XOM @ 100",
        "BUY 20.05 AAPL @ 100",
        "SELL_SHORT 20.05 JPM @ 100",
    ]


def test_the_total_value_is_frozen_before_the_first_trade():
    costly = roomy(costs=Costs(commission_per_order=Decimal(1000)))
    books = account(cash=50_000, long={"MSFT": (500, 100)})
    plan = plan_of(rec("MSFT", "SELL"), rec("AAPL", "BUY", 10), on=books, policy=costly)
    assert orders(plan) == ["SELL 500 MSFT @ 100", "BUY 100 AAPL @ 100"]
    assert plan.after.cash_balance == Decimal(88_000)


def test_a_cover_without_the_cash_covers_what_the_cash_pays():
    books = account(cash=505, short={"XOM": (10, 100)})
    plan = plan_of(rec("XOM", "BUY_TO_COVER"), on=books)
    assert orders(plan) == ["BUY_TO_COVER 5.05 XOM @ 100"]
    assert endings(plan) == ["CLAMPED INSUFFICIENT_CASH"]
    assert plan.after.cash_balance == 0


def test_a_flip_that_cannot_leave_does_not_enter():
    books = account(cash=505, long={"MSFT": (1000, 100)}, short={"XOM": (10, 100)})
    plan = plan_of(rec("XOM", "BUY", 20), on=books)
    assert orders(plan) == ["BUY_TO_COVER 5.05 XOM @ 100"]
    assert held(plan)["XOM"] == Decimal("-4.95")
    assert endings(plan) == ["CLAMPED INSUFFICIENT_CASH"]


def test_an_exit_that_pays_nothing_of_its_fee_is_denied():
    books = account(cash="0.50", long={"MSFT": (1, "0.10")})
    plan = plan_of(rec("MSFT", "SELL"), on=books, policy=roomy(costs=Costs(commission_minimum=Decimal(1))))
    assert endings(plan) == ["DENIED INSUFFICIENT_CASH"]
    assert plan.after == plan.before


def test_a_worthless_cover_without_the_fee_is_denied():
    books = account(cash="0.50", short={"XOM": ("0.01", "0.10")})
    plan = plan_of(rec("XOM", "BUY_TO_COVER"), on=books, policy=roomy(costs=Costs(commission_minimum=Decimal(1))))
    assert endings(plan) == ["DENIED INSUFFICIENT_CASH"]


@pytest.mark.parametrize(
    "costs",
    [
        Costs(),
        Costs(commission_per_order=Decimal("4.95")),
        Costs(commission_per_share=Decimal("0.005"), commission_minimum=Decimal(1)),
        Costs(commission_bps=Decimal(25), slippage_bps=Decimal(50)),
        Costs(commission_minimum=Decimal(5_000)),
    ],
)
@pytest.mark.parametrize("price", ["6", "450", "0.0371", "13.37"])
def test_purchases_with_their_costs_leave_the_reserve(costs: Costs, price: str):
    policy = roomy(cash_reserve_percent=Decimal(5), costs=costs)
    prices = {"MSFT": price, "AAPL": 100, "XOM": "77.77"}
    plan = plan_of(*(rec(symbol, "BUY", 60) for symbol in prices), prices=prices, policy=policy)
    assert len(plan.intents) == 3
    assert Decimal(5_000) <= plan.after.cash_balance < Decimal(7_500)


# Limits and states


@pytest.mark.parametrize(
    ("line", "situation", "expected"),
    [
        (rec("AAPL", "BUY", 21), {"on_breach": OnBreach.REJECT}, "DENIED POSITION_LIMIT SECTOR_UNVERIFIED"),
        (rec("AAPL", "BUY", 20), {"on_breach": OnBreach.REJECT}, "EXECUTED SECTOR_UNVERIFIED"),
        (rec("MSFT", "BUY", 15), {"on_breach": OnBreach.REJECT}, "DENIED POSITION_LIMIT SECTOR_UNVERIFIED"),
        (rec("MSFT", "SELL", 15), {"max_position_percent": Decimal(0)}, "EXECUTED"),
        (rec("MSFT", "SELL", 15), {"max_order_value": Decimal(1)}, "EXECUTED"),
        (rec("MSFT", "SELL", 15), {"min_order_value": Decimal(50_000)}, "EXECUTED"),
        (rec("MSFT", "BUY", 15), {"max_position_percent": Decimal(0)}, "DENIED POSITION_LIMIT SECTOR_UNVERIFIED"),
        (
            rec("AAPL", "BUY", 5),
            {"max_order_value": Decimal(1_000)},
            "CLAMPED MAXIMUM_ORDER SECTOR_UNVERIFIED",
        ),
        (
            rec("AAPL", "BUY", 1),
            {"min_order_value": Decimal(1_001)},
            "SKIPPED BELOW_MINIMUM_ORDER",
        ),
        (
            rec("AAPL", "BUY", 30),
            {"min_order_value": Decimal(25_000)},
            "DENIED POSITION_LIMIT SECTOR_UNVERIFIED BELOW_MINIMUM_ORDER",
        ),
        (rec("AAPL", "BUY", "0.00001"), {}, "SKIPPED BELOW_STEP"),
        (rec("MSFT", "BUY", 5), {"restricted_symbols": frozenset({"MSFT"})}, "DENIED RESTRICTED_SYMBOL"),
        (rec("MSFT", "SELL", 5), {"restricted_symbols": frozenset({"MSFT"})}, "EXECUTED"),
    ],
)
def test_how_a_line_ends_under_a_policy(line: Any, situation: dict[str, Any], expected: str):
    books = account(cash=90_000, long={"MSFT": (100, 100)})
    assert endings(plan_of(line, on=books, policy=Policy(**situation))) == [expected]


def test_a_trim_below_the_smallest_order_is_skipped():
    books = account(cash=90_000, long={"MSFT": (100, 100)})
    small = roomy(min_order_value=Decimal(2_000))
    trim = plan_of(rec("MSFT", "SELL", 9), on=books, policy=small, mode="target")
    assert endings(trim) == ["SKIPPED BELOW_MINIMUM_ORDER"]
    close = plan_of(rec("MSFT", "SELL", 0), on=books, policy=small, mode="target")
    assert endings(close) == ["EXECUTED"]


@pytest.mark.parametrize(("symbol", "action"), [("AAPL", "BUY"), ("MSFT", "SELL")])
def test_nothing_is_traded_for_less_than_a_cent(symbol: str, action: str):
    books = account(cash=1, long={"MSFT": (100, "0.0001")})
    plan = plan_of(
        rec(symbol, action, "0.5"), on=books, prices={"AAPL": "0.0001"}, steps={"AAPL": 1, "MSFT": 1}, mode="target"
    )
    assert plan.intents == ()
    assert endings(plan)[0].endswith("BELOW_MINIMUM_ORDER")


def test_an_order_below_the_smallest_quantity_is_skipped():
    books = account(cash=90_000, long={"MSFT": (100, 100)})

    def in_tens(line: Any, **situation: Any) -> Plan:
        it = given(line, on=books, **situation)
        return planned(
            replace(
                it,
                instruments={name: replace(known, minimum=Decimal(10)) for name, known in it.instruments.items()},
            )
        )

    assert endings(in_tens(rec("AAPL", "BUY", "0.9"))) == ["SKIPPED BELOW_MINIMUM_QUANTITY"]
    assert endings(in_tens(rec("MSFT", "SELL", "9.5"), mode="target")) == ["SKIPPED BELOW_MINIMUM_QUANTITY"]
    assert endings(in_tens(rec("MSFT", "SELL"))) == ["EXECUTED"]


def test_a_reducing_account_keeps_the_exit_of_a_flip():
    books = account(cash=120_000, short={"XOM": (200, 100)})
    plan = plan_of(rec("XOM", "BUY", 30), rec("AAPL", "BUY", 10), on=books, state="REDUCING")
    assert orders(plan) == ["BUY_TO_COVER 200 XOM @ 100"]
    assert endings(plan) == ["CLAMPED REDUCING_ONLY", "DEFERRED REDUCING_ONLY"]


def test_a_halted_account_does_nothing():
    books = account(cash=90_000, long={"MSFT": (100, 100)})
    plan = plan_of(rec("MSFT", "SELL"), rec("AAPL", "BUY", 10), rec("XOM", "HOLD"), on=books, state="HALTED")
    assert plan.intents == ()
    assert endings(plan) == ["DEFERRED TRADING_HALTED", "DEFERRED TRADING_HALTED", "HELD"]


# Targets


def test_a_target_buys_the_difference():
    books = account(cash=90_000, long={"MSFT": (100, 100)})
    plan = plan_of(rec("MSFT", "BUY", 15), rec("AAPL", "BUY", 20), on=books, mode="target")
    assert orders(plan) == ["BUY 50 MSFT @ 100", "BUY 200 AAPL @ 100"]


def test_a_target_trims_with_a_sell_and_never_with_a_buy():
    books = account(cash=90_000, long={"MSFT": (100, 100)})
    assert orders(plan_of(rec("MSFT", "SELL", 4), on=books, mode="target")) == ["SELL 60 MSFT @ 100"]
    assert orders(plan_of(rec("MSFT", "BUY", 4), on=books, mode="target")) == []
    assert orders(plan_of(rec("MSFT", "BUY", 4), on=books, mode="rebalance")) == ["SELL 60 MSFT @ 100"]


def test_a_rebalance_leaves_what_is_not_listed():
    books = account(cash=80_000, long={"MSFT": (100, 100), "XOM": (100, 100)})
    plan = plan_of(rec("MSFT", "BUY", 5), rec("AAPL", "BUY", 5), on=books, mode="rebalance")
    assert orders(plan) == ["SELL 50 MSFT @ 100", "BUY 50 AAPL @ 100"]
    assert held(plan)["XOM"] == Decimal(100)


# Planning again right after

SPREAD = {"MSFT": "572.23", "NVDA": "801.18", "AAPL": "515.93", "AMD": "7.76"}


@pytest.mark.parametrize("mode", ["target", "rebalance"])
@pytest.mark.parametrize(
    ("weights", "situation"),
    [
        ({"MSFT": 10, "AAPL": "13.37"}, {}),
        # The sector leaves 7 of room: 28 hundredths of AMD, were it shared out again.
        (
            {"MSFT": 15, "NVDA": 22, "AAPL": 15, "AMD": 25},
            {"policy": Policy(), "sectors": dict.fromkeys(SPREAD, "Technology")},
        ),
        ({"MSFT": 60, "NVDA": 30, "AMD": 55}, {}),
        ({"MSFT": 60, "NVDA": 30, "AMD": 55}, {"steps": dict.fromkeys(SPREAD, 1)}),
        ({"MSFT": 60, "NVDA": 30, "AMD": 55}, {"policy": roomy(cash_reserve_percent=Decimal(3))}),
        ({"MSFT": 20, "AMD": 20}, {"policy": Policy(costs=Costs(commission_bps=Decimal(10)))}),
        ({"MSFT": 60, "AMD": 60}, {"policy": roomy(costs=Costs(commission_per_order=Decimal(5)))}),
        ({"MSFT": 20, "AMD": 20}, {"policy": Policy(costs=Costs(slippage_bps=Decimal(20)))}),
        # What the run costs lowers the reserve, and so leaves cash.
        (
            {"MSFT": 60, "AMD": 60},
            {"policy": roomy(cash_reserve_percent=Decimal(50), costs=Costs(slippage_bps=Decimal(50)))},
        ),
    ],
)
def test_planning_again_right_after_gives_no_orders(weights: dict[str, Any], situation: dict[str, Any], mode: str):
    lines = [rec(symbol, "BUY", weight) for symbol, weight in weights.items()]
    first = given(*lines, prices=SPREAD, mode=mode, **situation)
    plan = planned(first)
    assert len(plan.intents) == len(lines)
    assert orders(planned(replace(first, snapshot=plan.after))) == []


def test_planning_again_right_after_a_trim_gives_no_orders():
    books = account(cash=10_000, long={"MSFT": ("157.28", "572.23")})
    costly = roomy(costs=Costs(commission_per_order=Decimal(10), slippage_bps=Decimal(10)))
    first = given(rec("MSFT", "SELL", 30), on=books, mode="target", policy=costly)
    plan = planned(first)
    assert len(plan.intents) == 1
    assert orders(planned(replace(first, snapshot=plan.after))) == []


# What the research does not list

LISTED = account(
    cash=71_000, long={"MSFT": (100, 100), "XOM": (100, 100), "JPM": (100, 100)}, short={"GS": (10, 100)}
)


def sweep(*lines: Any, **situation: Any) -> Plan:
    asked: dict[str, Any] = {"on": LISTED, "mode": "rebalance", "close_unlisted": True}
    return plan_of(*lines, **(asked | situation))


def test_holdings_that_are_not_listed_are_closed_when_asked():
    plan = sweep(rec("MSFT", "BUY", 10), rec("JPM", "HOLD"))
    assert orders(plan) == ["SELL 100 XOM @ 100", "BUY_TO_COVER 10 GS @ 100"]
    assert endings(plan)[2:] == ["EXECUTED UNLISTED", "EXECUTED UNLISTED"]
    assert [(item.line, item.symbol, item.action) for item in plan.decisions[2:]] == [
        (3, "GS", "BUY_TO_COVER"),
        (4, "XOM", "SELL"),
    ]
    assert reasons(plan)[3] == "Sold 100.00 XOM at 100.00 for $10,000.00; the research does not list XOM."


@pytest.mark.parametrize(
    "protected",
    [
        rec("XOM", "HOLD"),
        rec("XOM", "BUY", 10),
        unreadable("XOM"),
    ],
)
def test_a_line_protects_its_holding_from_the_sweep(protected: Any):
    assert held(sweep(rec("MSFT", "BUY", 10), protected)) == {"MSFT": Decimal(100), "XOM": Decimal(100)}


def test_contradictory_lines_protect_their_holding_from_the_sweep():
    plan = sweep(rec("MSFT", "BUY", 10), rec("XOM", "BUY", 5), rec("XOM", "SELL"))
    assert held(plan) == {"MSFT": Decimal(100), "XOM": Decimal(100)}


@pytest.mark.parametrize(
    "lines",
    [
        [unreadable("MSFT")],
        [unreadable("MSFT"), unreadable("AAPL")],
        [rec("MSFT", "BUY", 10), unreadable()],
    ],
)
def test_research_that_may_have_meant_anything_sweeps_nothing(lines: list[Any]):
    plan = sweep(*lines)
    assert plan.intents == ()
    assert len(plan.decisions) == len(lines)


@pytest.mark.parametrize("names", [{"symbol": "MSFT", "ticker": "XOM"}, {"symbol": 7}, {"ticker": "XOM.L"}])
def test_a_line_whose_symbol_is_unclear_sweeps_nothing(names: dict[str, object]):
    plan = plan_document(
        {"symbol": "MSFT", "action": "BUY", "allocation_percent": 10},
        {"action": "BUY", "allocation_percent": 10} | names,
        on=LISTED,
        mode="rebalance",
        close_unlisted=True,
    )
    assert plan.intents == ()


@pytest.mark.parametrize("situation", [{"close_unlisted": False}, {"mode": "target"}, {"mode": "allocate"}])
def test_only_a_rebalance_that_is_told_to_sweeps(situation: dict[str, Any]):
    plan = sweep(rec("AAPL", "HOLD"), **situation)
    assert plan.intents == ()
    assert len(plan.decisions) == 1


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        ({"state": "HALTED"}, "SKIPPED TRADING_HALTED UNLISTED"),
        ({"unpriced": {"XOM"}}, "SKIPPED NO_PRICE UNLISTED"),
        ({"state": "REDUCING"}, "EXECUTED UNLISTED"),
        ({"policy": roomy(min_order_value=Decimal(50_000))}, "EXECUTED UNLISTED"),
    ],
)
def test_a_sweep_is_decided_like_any_line(situation: dict[str, Any], expected: str):
    plan = sweep(rec("MSFT", "HOLD"), rec("JPM", "HOLD"), rec("GS", "HOLD"), **situation)
    assert endings(plan) == ["HELD", "HELD", "HELD", expected]
    assert plan.decisions[3].symbol == "XOM"
    assert "XOM" in plan.decisions[3].reason


def test_the_symbols_that_a_plan_may_trade_need_a_price():
    artifact = artifact_of(rec("MSFT", "BUY", 10), rec("AAPL", "HOLD"), rec("XOM", "SELL"), unreadable("NVDA"))
    assert symbols_to_trade(artifact) == {"MSFT", "XOM"}
    assert symbols_to_price(artifact, held=["JPM"], close_unlisted=False) == {"MSFT", "XOM"}
    assert symbols_to_price(artifact, held=["JPM"], close_unlisted=True) == {"MSFT", "XOM", "JPM"}


# The ends of the books


def test_a_plan_beyond_the_books_is_refused():
    books = account(cash=8 * 10**12, long={"MSFT": (10**8, 5 * 10**4)})
    refused = make_plan(given(rec("MSFT", "SELL"), on=books))
    assert isinstance(refused, Refusal)
    assert refused.code is Code.BOOKS_RANGE


def test_a_quantity_beyond_the_books_leaves_the_other_lines():
    plan = plan_of(rec("MSFT", "BUY", 10), rec("AAPL", "BUY", 10), prices={"MSFT": "0.000001"})
    assert endings(plan) == ["DENIED BOOKS_RANGE", "EXECUTED SECTOR_UNVERIFIED"]


def test_slippage_of_nearly_everything_leaves_the_smallest_price():
    steep = roomy(costs=Costs(slippage_bps=Decimal(9_999)))
    books = account(cash=1_000, long={"MSFT": (1_000_000, "0.000001")})
    assert orders(plan_of(rec("MSFT", "SELL"), on=books, policy=steep)) == ["SELL 1000000 MSFT @ 0.000001"]


UNDER_WATER = account(cash=1_000, long={"MSFT": (10, 100)}, short={"XOM": (50, 200)})


def test_an_account_below_zero_may_close_and_not_open():
    plan = plan_of(rec("AAPL", "BUY", 10), rec("XOM", "BUY_TO_COVER"), on=UNDER_WATER)
    assert orders(plan) == ["BUY_TO_COVER 5 XOM @ 200"]
    assert endings(plan) == ["DENIED NO_EQUITY", "CLAMPED INSUFFICIENT_CASH"]
    assert plan.decisions[0].reason == (
        "Denied: the account is worth nothing after its debts, so only what reduces a position is traded."
    )


@pytest.mark.parametrize("cash", [8_000, 9_000])
def test_at_a_total_of_zero_as_below_it_a_sized_cover_closes_the_short(cash: int):
    books = account(cash=cash, long={"MSFT": (10, 100)}, short={"XOM": (50, 200)})
    plan = plan_of(rec("MSFT", "SELL"), rec("XOM", "BUY_TO_COVER", 5), on=books)
    covered = {8_000: "45", 9_000: "50"}[cash]
    assert orders(plan) == ["SELL 10 MSFT @ 100", f"BUY_TO_COVER {covered} XOM @ 200"]
    assert "CLOSED_IN_FULL" in endings(plan)[1]
    assert "a percentage of nothing is no size, so all is closed" in plan.decisions[1].reason


@pytest.mark.parametrize("mode", ["allocate", "target", "rebalance"])
def test_a_purchase_of_an_account_below_zero_covers_its_short_and_buys_nothing(mode: str):
    plan = plan_of(rec("MSFT", "SELL"), rec("XOM", "BUY", 10), on=UNDER_WATER, mode=mode)
    assert orders(plan) == ["SELL 10 MSFT @ 100", "BUY_TO_COVER 10 XOM @ 200"]
    assert endings(plan) == ["EXECUTED", "CLAMPED NO_EQUITY INSUFFICIENT_CASH"]


@pytest.mark.parametrize("mode", ["allocate", "target", "rebalance"])
def test_a_line_that_would_add_in_an_account_below_zero_leaves_what_is_held_alone(mode: str):
    plan = plan_of(
        rec("MSFT", "BUY", 10),
        rec("XOM", "SELL_SHORT", 10),
        on=UNDER_WATER,
        mode=mode,
        policy=roomy(allow_short=True),
    )
    assert orders(plan) == []
    assert endings(plan) == ["DENIED NO_EQUITY", "DENIED NO_EQUITY"]


# Orders are whole steps


def test_a_cover_of_whole_share_shorts_is_of_whole_units():
    policy = roomy(allow_short=True, whole_share_shorts=True)
    books = account(cash=10_000 + 33 * 303, short={"XOM": (33, 303)})
    # 50 % are 16.50 units.
    assert orders(plan_of(rec("XOM", "BUY_TO_COVER", 50), on=books, policy=policy)) == ["BUY_TO_COVER 17 XOM @ 303"]
    assert orders(plan_of(rec("XOM", "BUY", 50), on=books, policy=policy)) == ["BUY_TO_COVER 17 XOM @ 303"]
    trimmed = plan_of(rec("XOM", "SELL_SHORT", 50), on=books, policy=policy, mode="rebalance")
    assert orders(trimmed) == ["BUY_TO_COVER 16 XOM @ 303"]


def test_a_cover_of_whole_share_shorts_that_the_cash_does_not_pay_for_is_of_whole_units():
    policy = roomy(allow_short=True, whole_share_shorts=True)
    books = account(cash=505, long={"MSFT": (1000, 100)}, short={"XOM": (10, 100)})
    assert orders(plan_of(rec("XOM", "BUY_TO_COVER"), on=books, policy=policy)) == ["BUY_TO_COVER 5 XOM @ 100"]


@pytest.mark.parametrize(
    ("line", "mode", "expected"),
    [
        (rec("MSFT", "BUY", 7), "target", ["BUY 4 MSFT @ 1000"]),
        (rec("MSFT", "SELL", 1), "target", ["SELL 2 MSFT @ 1000"]),
        (rec("MSFT", "BUY", 1), "rebalance", ["SELL 2 MSFT @ 1000"]),
        (rec("MSFT", "BUY", "0.4"), "rebalance", ["SELL 3.3 MSFT @ 1000"]),
        (rec("MSFT", "SELL"), "target", ["SELL 3.3 MSFT @ 1000"]),
        (rec("MSFT", "BUY", "3.4"), "target", []),
    ],
)
def test_what_is_held_off_the_step_is_only_sold_whole(line: Any, mode: str, expected: list[str]):
    books = account(cash=96_700, long={"MSFT": ("3.3", 1_000)})
    made = plan_of(line, on=books, mode=mode, steps={"MSFT": 1})
    assert orders(made) == expected


@pytest.mark.parametrize(
    ("percent", "expected"), [(3, 3), ("3.25", 3), ("3.3", "3.3"), (10, "3.3"), ("0.4", None), ("3.6", "3.3")]
)
def test_of_a_short_off_the_step_whole_steps_are_covered_or_all_of_it(percent: Any, expected: Any):
    books = account(cash=103_300, short={"XOM": ("3.3", 1_000)})
    made = plan_of(rec("XOM", "BUY_TO_COVER", percent), on=books, steps={"XOM": 1})
    assert orders(made) == ([f"BUY_TO_COVER {expected} XOM @ 1000"] if expected else [])


def test_a_plan_marks_what_it_trades_at_the_price_and_not_at_the_fill():
    slipping = roomy(costs=Costs(slippage_bps=Decimal(100)))
    plan = plan_of(rec("MSFT", "BUY", 10), policy=slipping)
    assert plan.intents[0].fill.price == 101
    assert plan.after.holdings["MSFT"].mark_price == 100
    assert plan.after.total_value == Decimal(99_900)
    assert plan.after.cash_balance >= CENT
