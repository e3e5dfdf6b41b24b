"""The action table, line by line, before any limit."""

from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from common.money import plain
from execution.engine.planning.market import Market, noise_of
from execution.engine.planning.policy import Costs, Policy
from execution.engine.planning.sizing import Route, exit_unlisted, route
from portfolios.domain.accounting import Side
from portfolios.domain.snapshot import AccountSnapshot
from tests.builders import account, given, holding, rec, roomy

SHORTS = roomy(allow_short=True)

# Worth 100,000: 10 % of it long MSFT, 10 % short XOM, and no AAPL.
BOOKS = account(cash=100_000, long={"MSFT": (100, 100)}, short={"XOM": (50, 200)})


def market(*lines: Any, **situation: Any) -> Market:
    asked: dict[str, Any] = {"on": BOOKS, "policy": SHORTS}
    it = given(*lines, **(asked | situation))
    return Market(
        snapshot=it.snapshot,
        quotes=it.quotes,
        instruments=it.instruments,
        policy=it.policy,
        mode=it.mode,
        state=it.state,
        total_value=it.snapshot.total_value,
        noise=noise_of(it.snapshot, it.quotes, it.policy.costs),
        held_back=it.held_back,
    )


def told(found: Route) -> str:
    """The route as text: `SELL 100 all, then BUY 25` or `SKIPPED NO_POSITION`."""
    legs = []
    if found.exit:
        legs.append(
            f"{found.exit.action} {plain(found.exit.quantity, places=0)}{' all' if found.exit.full else ''}"
        )
    if found.entry:
        legs.append(f"{found.entry.action} {plain(found.entry.wanted, places=0)}")
    return " ".join([", then ".join(legs) or str(found.outcome), *found.codes])


def routed(text: str, percent: Any = None, **situation: Any) -> str:
    """Where a line as `BUY MSFT` goes."""
    action, symbol = text.split()
    item = rec(symbol, action, percent)
    return told(route(item, market(item, **situation)))


@pytest.mark.parametrize(
    ("line", "percent", "expected"),
    [
        ("BUY AAPL", 10, "BUY 100"),
        ("BUY MSFT", 10, "BUY 100"),
        ("BUY AAPL", 0, "SKIPPED ZERO_SIZE"),
        ("BUY MSFT", 0, "SKIPPED ZERO_SIZE"),
        ("BUY XOM", 0, "SKIPPED ZERO_SIZE"),
        ("BUY XOM", 4, "BUY_TO_COVER 20"),
        ("BUY XOM", 10, "BUY_TO_COVER 50 all"),
        ("BUY XOM", 15, "BUY_TO_COVER 50 all, then BUY 25"),
        ("BUY XOM", "0.0001", "SKIPPED BELOW_STEP"),
        ("SELL MSFT", None, "SELL 100 all"),
        ("SELL MSFT", 0, "SELL 100 all"),
        ("SELL MSFT", 5, "SELL 100 all"),
        ("SELL MSFT", 100, "SELL 100 all"),
        ("SELL AAPL", 10, "SKIPPED NO_POSITION"),
        ("SELL XOM", 10, "SKIPPED NO_POSITION"),
        ("SELL_SHORT AAPL", 10, "SELL_SHORT 100"),
        ("SELL_SHORT XOM", 10, "SELL_SHORT 50"),
        ("SELL_SHORT AAPL", 0, "SKIPPED ZERO_SIZE"),
        ("SELL_SHORT MSFT", 4, "SELL 40"),
        ("SELL_SHORT MSFT", 10, "SELL 100 all"),
        ("SELL_SHORT MSFT", 15, "SELL 100 all, then SELL_SHORT 50"),
        ("BUY_TO_COVER XOM", None, "BUY_TO_COVER 50 all"),
        ("BUY_TO_COVER XOM", 0, "BUY_TO_COVER 50 all"),
        ("BUY_TO_COVER XOM", 4, "BUY_TO_COVER 20"),
        ("BUY_TO_COVER XOM", 10, "BUY_TO_COVER 50 all"),
        ("BUY_TO_COVER XOM", 30, "BUY_TO_COVER 50 all CLAMPED_TO_POSITION"),
        ("BUY_TO_COVER XOM", "0.0001", "SKIPPED BELOW_STEP"),
        ("BUY_TO_COVER MSFT", 10, "SKIPPED NO_POSITION"),
        ("BUY_TO_COVER AAPL", 10, "SKIPPED NO_POSITION"),
        ("HOLD MSFT", 6, "HELD"),
        ("HOLD AAPL", None, "HELD"),
    ],
)
def test_in_allocate_mode_a_size_is_what_to_trade(line: str, percent: Any, expected: str):
    assert routed(line, percent) == expected


@pytest.mark.parametrize(
    ("line", "percent", "expected"),
    [
        ("BUY AAPL", 10, "BUY 100"),
        ("BUY MSFT", 15, "BUY 50"),
        ("BUY MSFT", 10, "SKIPPED ALREADY_AT_TARGET"),
        ("BUY MSFT", 5, "SKIPPED ALREADY_AT_TARGET"),
        ("BUY MSFT", 0, "SKIPPED ZERO_SIZE"),
        ("BUY AAPL", 0, "SKIPPED ZERO_SIZE"),
        ("BUY XOM", 5, "BUY_TO_COVER 50 all, then BUY 25"),
        ("BUY XOM", 0, "SKIPPED ZERO_SIZE"),
        ("SELL MSFT", None, "SELL 100 all"),
        ("SELL MSFT", 0, "SELL 100 all"),
        ("SELL MSFT", 4, "SELL 60"),
        ("SELL MSFT", 10, "SKIPPED ALREADY_AT_TARGET"),
        ("SELL MSFT", 15, "SKIPPED ALREADY_AT_TARGET"),
        ("SELL XOM", 4, "SKIPPED NO_POSITION"),
        ("SELL_SHORT AAPL", 10, "SELL_SHORT 100"),
        ("SELL_SHORT XOM", 15, "SELL_SHORT 25"),
        ("SELL_SHORT XOM", 5, "SKIPPED ALREADY_AT_TARGET"),
        ("SELL_SHORT MSFT", 5, "SELL 100 all, then SELL_SHORT 50"),
        ("BUY_TO_COVER XOM", None, "BUY_TO_COVER 50 all"),
        ("BUY_TO_COVER XOM", 4, "BUY_TO_COVER 30"),
        ("BUY_TO_COVER XOM", 10, "SKIPPED ALREADY_AT_TARGET"),
        ("BUY_TO_COVER XOM", 15, "SKIPPED ALREADY_AT_TARGET"),
        ("BUY_TO_COVER AAPL", 5, "SKIPPED NO_POSITION"),
        ("HOLD MSFT", 6, "HELD"),
    ],
)
def test_in_target_mode_a_size_is_the_weight_to_reach(line: str, percent: Any, expected: str):
    assert routed(line, percent, mode="target") == expected


@pytest.mark.parametrize(
    ("line", "percent", "expected"),
    [
        ("BUY AAPL", 10, "BUY 100"),
        ("BUY MSFT", 15, "BUY 50"),
        ("BUY MSFT", 10, "SKIPPED ALREADY_AT_TARGET"),
        ("BUY MSFT", 4, "SELL 60"),
        ("BUY MSFT", 0, "SELL 100 all"),
        ("BUY AAPL", 0, "SKIPPED ALREADY_AT_TARGET"),
        ("BUY XOM", 0, "BUY_TO_COVER 50 all"),
        ("BUY XOM", 5, "BUY_TO_COVER 50 all, then BUY 25"),
        ("SELL MSFT", 4, "SELL 60"),
        ("SELL MSFT", None, "SELL 100 all"),
        ("SELL_SHORT XOM", 4, "BUY_TO_COVER 30"),
        ("SELL_SHORT XOM", 0, "BUY_TO_COVER 50 all"),
        ("SELL_SHORT XOM", 15, "SELL_SHORT 25"),
        ("SELL_SHORT MSFT", 0, "SELL 100 all"),
        ("BUY_TO_COVER XOM", 4, "BUY_TO_COVER 30"),
        ("HOLD MSFT", 6, "HELD"),
    ],
)
def test_in_rebalance_mode_a_weight_is_also_trimmed_to(line: str, percent: Any, expected: str):
    assert routed(line, percent, mode="rebalance") == expected


@pytest.mark.parametrize(
    ("mode", "symbol"),
    [*product(["allocate", "target"], ["AAPL", "MSFT", "XOM"]), ("rebalance", "AAPL"), ("rebalance", "XOM")],
)
def test_where_shorts_are_not_allowed_none_is_opened_nor_anything_sold_for_it(mode: str, symbol: str):
    assert routed(f"SELL_SHORT {symbol}", 10, mode=mode, policy=roomy()) == "DENIED SHORT_NOT_ALLOWED"


def test_a_weight_below_zero_closes_the_long_where_shorts_are_not_allowed():
    assert routed("SELL_SHORT MSFT", 10, mode="rebalance", policy=roomy()) == "SELL 100 all SHORT_NOT_ALLOWED"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("BUY AAPL", "DEFERRED TRADING_HALTED"),
        ("SELL MSFT", "DEFERRED TRADING_HALTED"),
        ("SELL_SHORT AAPL", "DEFERRED TRADING_HALTED"),
        ("BUY_TO_COVER XOM", "DEFERRED TRADING_HALTED"),
        ("HOLD MSFT", "HELD"),
    ],
)
def test_where_trading_is_halted_nothing_trades(line: str, expected: str):
    assert routed(line, 15, state="HALTED") == expected


REDUCTIONS = [
    ("BUY AAPL", "{stopped} {code}"),
    ("BUY MSFT", "{stopped} {code}"),
    ("BUY XOM", "BUY_TO_COVER 50 all {code}"),
    ("SELL MSFT", "SELL 100 all"),
    ("SELL_SHORT AAPL", "{stopped} {code}"),
    ("SELL_SHORT XOM", "{stopped} {code}"),
    ("SELL_SHORT MSFT", "SELL 100 all {code}"),
    ("BUY_TO_COVER XOM", "BUY_TO_COVER 50 all CLAMPED_TO_POSITION"),
    ("HOLD MSFT", "HELD"),
]


@pytest.mark.parametrize(("line", "expected"), REDUCTIONS)
def test_a_reducing_account_only_reduces(line: str, expected: str):
    assert routed(line, 15, state="REDUCING") == expected.format(stopped="DEFERRED", code="REDUCING_ONLY")


@pytest.mark.parametrize(("line", "expected"), REDUCTIONS)
def test_a_restricted_symbol_may_only_be_reduced(line: str, expected: str):
    restricted = roomy(allow_short=True, restricted_symbols=frozenset({line.split()[1]}))
    assert routed(line, 15, policy=restricted) == expected.format(stopped="DENIED", code="RESTRICTED_SYMBOL")


def test_a_restricted_symbol_may_be_trimmed_to_its_weight():
    restricted = roomy(restricted_symbols=frozenset({"MSFT"}))
    assert routed("BUY MSFT", 4, mode="rebalance", policy=restricted) == "SELL 60"


@pytest.mark.parametrize("line", ["BUY MSFT", "SELL MSFT", "SELL_SHORT AAPL", "BUY_TO_COVER XOM"])
def test_a_symbol_without_a_price_is_skipped(line: str):
    assert routed(line, 10, unpriced={line.split()[1]}) == "DEFERRED NO_PRICE"


@pytest.mark.parametrize(
    ("line", "situation", "expected"),
    [
        ("HOLD AAPL", {"state": "HALTED", "unpriced": {"AAPL"}}, "HELD"),
        ("SELL_SHORT AAPL", {"state": "HALTED", "policy": roomy()}, "DEFERRED TRADING_HALTED"),
        ("SELL_SHORT AAPL", {"policy": roomy(), "unpriced": {"AAPL"}}, "DENIED SHORT_NOT_ALLOWED"),
        ("SELL AAPL", {"unpriced": {"AAPL"}}, "SKIPPED NO_POSITION"),
        ("BUY AAPL", {"unpriced": {"AAPL"}, "state": "REDUCING"}, "DEFERRED NO_PRICE"),
        (
            "BUY AAPL",
            {"state": "REDUCING", "policy": roomy(restricted_symbols=frozenset({"AAPL"}))},
            "DENIED RESTRICTED_SYMBOL",
        ),
    ],
)
def test_of_several_reasons_the_first_is_given(line: str, situation: dict[str, Any], expected: str):
    assert routed(line, 10, **situation) == expected


def test_the_published_size_is_not_rounded_before_the_limits():
    item = rec("MSFT", "BUY", 10)
    entry = route(item, market(item, on=account(), prices={"MSFT": 450})).entry
    assert entry is not None
    assert entry.wanted == Decimal(10_000) / 450
    assert entry.price == 450
    assert entry.anchor == entry.quantity == 0


def test_a_target_is_measured_from_the_holding():
    item = rec("MSFT", "BUY", 15)
    entry = route(item, market(item, mode="target")).entry
    assert entry is not None
    assert (entry.wanted, entry.anchor) == (Decimal(50), Decimal(100))


def test_a_cover_that_rounds_up_to_all_leaves_nothing_to_buy():
    books = account(cash=100_000, short={"XOM": ("10.01", 100)})
    # 10.008 units at 100 round to the 10.01 that are open.
    percent = Decimal("10.008") * 100 / books.total_value * 100
    assert routed("BUY XOM", percent, on=books) == "BUY_TO_COVER 10.01 all"


def test_a_holding_between_two_steps_is_not_added_to_beyond_its_target():
    # 10.0051 rounds to 10.01, which is above the 10.008 that are held; the target itself is below them.
    books = account(cash=100_000 - Decimal("1000.80"), long={"MSFT": ("10.008", 100)})
    assert routed("BUY MSFT", "1.00051", on=books, mode="target") == "SKIPPED ALREADY_AT_TARGET"


@pytest.mark.parametrize("mode", ["target", "rebalance"])
@pytest.mark.parametrize(("units", "percent"), [("10.005", "1.0005"), ("0.004", "0.0004")])
def test_a_holding_off_the_step_that_is_its_target_to_the_last_digit_stays(units: str, percent: str, mode: str):
    # 0.004 units round to nothing, and are no reason to sell what is there.
    books = account(cash=100_000 - 100 * Decimal(units), long={"MSFT": (units, 100)})
    item = rec("MSFT", "SELL", percent)
    found = route(item, market(item, on=books, mode=mode))
    assert told(found) == "SKIPPED ALREADY_AT_TARGET"
    assert not found.is_near_target  # it is at it


def test_an_account_worth_nothing_buys_nothing_and_may_still_close():
    ruined = account(cash=1_000, short={"XOM": (50, 200)})
    assert routed("BUY AAPL", 0, on=ruined) == "SKIPPED ZERO_SIZE"
    for mode in ("allocate", "target", "rebalance"):
        assert routed("BUY AAPL", 10, on=ruined, mode=mode) == "DENIED NO_EQUITY"
        assert routed("SELL_SHORT XOM", 10, on=ruined, mode=mode) == "DENIED NO_EQUITY"
        assert routed("BUY XOM", 10, on=ruined, mode=mode) == "BUY_TO_COVER 50 all NO_EQUITY"
        assert routed("BUY_TO_COVER XOM", 5, on=ruined, mode=mode) == "BUY_TO_COVER 50 all CLOSED_IN_FULL"
        assert routed("BUY_TO_COVER XOM", None, on=ruined, mode=mode) == "BUY_TO_COVER 50 all"


@pytest.mark.parametrize("mode", ["allocate", "target", "rebalance"])
def test_a_quantity_beyond_the_books_is_denied(mode: str):
    assert routed("BUY AAPL", 10, prices={"AAPL": "0.000001"}, mode=mode) == "DENIED BOOKS_RANGE"


def test_a_billion_units_are_the_first_that_the_books_cannot_hold():
    prices = {"AAPL": "0.00001"}
    assert routed("BUY AAPL", 10, prices=prices) == "DENIED BOOKS_RANGE"
    assert routed("BUY AAPL", "9.99999999", prices=prices) == "BUY 999999999"
    # What is held already counts: 999.9 million and 0.1 million.
    situation: dict[str, Any] = {
        "on": account(cash=9_999, long={"MSFT": (100_000, "0.00001")}),
        "prices": {"MSFT": "0.00001"},
    }
    assert routed("BUY MSFT", "99.99", **situation) == "DENIED BOOKS_RANGE"
    assert routed("BUY MSFT", "99.98", **situation) == "BUY 999800000"


@pytest.mark.parametrize(
    ("line", "percent", "mode", "expected"),
    [
        ("SELL MSFT", 100, "allocate", "SELL 100 all"),
        ("SELL MSFT", 50, "target", "SKIPPED ALREADY_AT_TARGET"),
        ("BUY_TO_COVER XOM", 50, "allocate", "BUY_TO_COVER 50 all CLAMPED_TO_POSITION"),
    ],
)
def test_a_size_beyond_the_books_does_not_stop_a_reduction(line: str, percent: int, mode: str, expected: str):
    worthless = {"MSFT": "0.00001", "XOM": "0.00001"}
    assert routed(line, percent, mode=mode, prices=worthless) == expected


@pytest.mark.parametrize("mode", ["allocate", "target"])
def test_the_largest_quantity_of_the_books_can_be_reduced(mode: str):
    books = account(cash=100_000, short={"XOM": (999_999_999, "0.000001")})
    found = routed("BUY_TO_COVER XOM", 5, on=books, steps={"XOM": 1}, mode=mode)
    assert found == (
        "BUY_TO_COVER 999999999 all CLAMPED_TO_POSITION" if mode == "allocate" else "SKIPPED ALREADY_AT_TARGET"
    )


@pytest.mark.parametrize(
    ("line", "percent", "mode", "expected"),
    [
        ("BUY MSFT", "11.5", "target", "SKIPPED WITHIN_DRIFT_BAND"),
        ("BUY MSFT", 12, "target", "BUY 20"),
        ("BUY AAPL", 1, "target", "SKIPPED WITHIN_DRIFT_BAND"),
        ("SELL MSFT", "8.5", "target", "SKIPPED WITHIN_DRIFT_BAND"),
        ("SELL MSFT", 5, "target", "SELL 50"),
        ("SELL MSFT", 0, "target", "SELL 100 all"),
        ("BUY MSFT", "8.5", "rebalance", "SKIPPED WITHIN_DRIFT_BAND"),
        ("BUY MSFT", "1", "allocate", "BUY 10"),
    ],
)
def test_a_drift_within_the_band_is_not_traded(line: str, percent: Any, mode: str, expected: str):
    banded = roomy(drift_band_percent=Decimal(2))
    assert routed(line, percent, mode=mode, policy=banded) == expected


@pytest.mark.parametrize(("action", "step"), [("SELL_SHORT", 1), ("BUY", "0.01")])
def test_shorts_may_be_of_whole_units_only(action: str, step: Any):
    item = rec("AAPL", action, 10)
    entry = route(item, market(item, policy=roomy(allow_short=True, whole_share_shorts=True))).entry
    assert entry is not None
    assert entry.step == Decimal(step)


# Planning again must not trade on what the run before did to the total value.


@pytest.mark.parametrize(
    ("held", "percent", "mode", "expected"),
    [
        # 50 % of an account worth a cent more or less is half a cent: half a step at a price of 1.
        ("50000.00", 50, "target", "SKIPPED ALREADY_AT_TARGET"),
        ("49999.99", 50, "target", "SKIPPED ALREADY_AT_TARGET"),
        ("49999.90", 50, "target", "BUY 0.05"),
        ("50000.01", 50, "rebalance", "SKIPPED ALREADY_AT_TARGET"),
        ("50000.10", 50, "rebalance", "SELL 0.05"),
    ],
)
def test_a_difference_that_rounding_explains_is_no_drift(held: str, percent: int, mode: str, expected: str):
    books = account(cash=50_000, long={"MSFT": (held, 1)})
    assert routed("BUY MSFT", percent, on=books, mode=mode) == expected


def test_a_difference_that_costs_explain_is_no_drift():
    # At ten basis points, two turnovers of the account cost 200; half of that is 100.
    costly = roomy(costs=Costs(commission_bps=Decimal(6), slippage_bps=Decimal(4)))
    for held, expected in (("50060", "SKIPPED ALREADY_AT_TARGET"), ("50300", "SELL 150")):
        books = account(cash=50_000, long={"MSFT": (held, 1)})
        assert routed("BUY MSFT", 50, on=books, mode="rebalance", policy=costly) == expected


# Holdings that the research does not list


@pytest.mark.parametrize(
    ("side", "situation", "expected"),
    [
        (Side.LONG, {}, "SELL 10 all UNLISTED"),
        (Side.SHORT, {}, "BUY_TO_COVER 10 all UNLISTED"),
        (Side.LONG, {"state": "REDUCING"}, "SELL 10 all UNLISTED"),
        (Side.LONG, {"policy": Policy(restricted_symbols=frozenset({"JPM"}))}, "SELL 10 all UNLISTED"),
        (Side.LONG, {"state": "HALTED"}, "SKIPPED TRADING_HALTED UNLISTED"),
        (Side.LONG, {"unpriced": {"JPM"}}, "SKIPPED NO_PRICE UNLISTED"),
    ],
)
def test_an_unlisted_holding_is_closed(side: Side, situation: dict[str, Any], expected: str):
    unlisted = holding(side, "JPM", 10, 100)
    books = AccountSnapshot(Decimal(100_000), {"JPM": unlisted})
    assert told(exit_unlisted(unlisted, line=1, market=market(on=books, **situation))) == expected


@pytest.mark.parametrize(
    ("line", "percent", "expected"),
    [
        ("SELL MSFT", None, "SELL 100 all LAST_MARK"),
        ("BUY_TO_COVER XOM", 4, "BUY_TO_COVER 20 LAST_MARK"),
        ("BUY MSFT", 10, "DEFERRED NO_PRICE"),
        ("SELL_SHORT XOM", 10, "DEFERRED NO_PRICE"),
        ("BUY XOM", 20, "BUY_TO_COVER 50 all NO_PRICE LAST_MARK"),
    ],
)
def test_the_last_mark_is_good_enough_to_reduce_a_holding_and_for_nothing_else(
    line: str, percent: Any, expected: str
):
    assert routed(line, percent, last_marks=["MSFT", "XOM"]) == expected


@pytest.mark.parametrize(
    ("line", "percent", "expected"),
    [
        ("SELL MSFT", None, "SELL 100 all"),
        ("BUY MSFT", 10, "DENIED SECURITY_INACTIVE"),
        ("SELL_SHORT AAPL", 10, "DENIED SECURITY_INACTIVE"),
        ("BUY XOM", 20, "BUY_TO_COVER 50 all SECURITY_INACTIVE"),
    ],
)
def test_what_is_no_longer_traded_may_only_be_reduced(line: str, percent: Any, expected: str):
    assert routed(line, percent, inactive=["MSFT", "XOM", "AAPL"]) == expected


@pytest.mark.parametrize("line", ["BUY MSFT", "SELL MSFT", "BUY AAPL", "SELL_SHORT XOM"])
def test_nothing_is_traded_at_a_price_that_waits_for_a_person(line: str):
    assert routed(line, 10, held_back=["MSFT", "AAPL", "XOM"]) == "QUARANTINED PRICE_OUT_OF_BAND"


def test_a_hold_and_a_halt_do_not_ask_for_a_price():
    assert routed("HOLD MSFT", held_back=["MSFT"]) == "HELD"
    assert routed("SELL MSFT", held_back=["MSFT"], state="HALTED") == "DEFERRED TRADING_HALTED"


def test_a_sweep_waits_for_a_doubtful_price_and_takes_the_last_mark():
    msft = BOOKS.holdings["MSFT"]
    waits = market(rec("AAPL", "BUY", 5), held_back=["MSFT"])
    assert told(exit_unlisted(msft, line=2, market=waits)) == "QUARANTINED PRICE_OUT_OF_BAND UNLISTED"
    marked = market(rec("AAPL", "BUY", 5), last_marks=["MSFT"])
    assert told(exit_unlisted(msft, line=2, market=marked)) == "SELL 100 all UNLISTED LAST_MARK"
