import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from execution.engine.planning.policy import Costs, Policy, policy_as_data, policy_from_data, stricter
from execution.engine.vocabulary import OnBreach, TradingState
from tests.execution.engine.strategies import policies


def test_the_published_limits_are_the_defaults():
    policy = Policy()
    assert (policy.max_position_percent, policy.max_sector_percent) == (Decimal(20), Decimal(40))
    assert not policy.allow_short
    assert (policy.on_breach, policy.rounding) == (OnBreach.CLAMP, "ROUND_HALF_EVEN")
    assert policy.cash_reserve_percent == policy.min_order_value == 0
    assert policy.max_order_value is None
    assert policy.costs == Costs()


def test_the_short_margin_is_a_fraction():
    assert Policy(short_margin_percent=Decimal(50)).short_margin == Decimal("0.5")


@pytest.mark.parametrize(
    ("name", "loose", "strict"),
    [
        ("max_position_percent", Decimal(20), Decimal(10)),
        ("max_sector_percent", Decimal(40), Decimal(5)),
        ("max_gross_exposure_percent", Decimal(200), Decimal(100)),
        ("max_short_exposure_percent", Decimal(100), Decimal(30)),
        ("max_single_short_percent", Decimal(20), Decimal(5)),
        ("max_orders_per_run", 50, 10),
        ("max_orders_per_run", None, 10),
        ("whole_share_shorts", False, True),
        ("cash_reserve_percent", Decimal(0), Decimal(5)),
        ("min_order_value", Decimal(0), Decimal(100)),
        ("max_order_value", Decimal(5000), Decimal(1000)),
        ("max_order_value", None, Decimal(1000)),
        ("allow_short", True, False),
        ("short_margin_percent", Decimal(50), Decimal(100)),
        ("on_breach", OnBreach.CLAMP, OnBreach.REJECT),
    ],
)
def test_of_two_limits_the_stricter_holds(name: str, loose: Any, strict: Any):
    easy, hard = replace(Policy(), **{name: loose}), replace(Policy(), **{name: strict})
    for system, own in ((easy, hard), (hard, easy), (hard, hard)):
        assert getattr(stricter(system, own), name) == strict
    assert getattr(stricter(easy, easy), name) == loose


def test_what_either_restricts_is_restricted():
    system, own = Policy(restricted_symbols=frozenset({"GME"})), Policy(restricted_symbols=frozenset({"AMC"}))
    assert stricter(system, own).restricted_symbols == {"GME", "AMC"}


def test_what_is_no_limit_is_the_strategys_own():
    own = Policy(version="7", rounding="ROUND_DOWN", costs=Costs(slippage_bps=Decimal(5)))
    both = stricter(Policy(costs=Costs(slippage_bps=Decimal(1))), own)
    assert (both.version, both.rounding, both.costs) == (own.version, own.rounding, own.costs)


def test_a_policy_can_be_kept_as_json():
    policy = Policy(
        version="3",
        max_order_value=Decimal("1E+4"),
        restricted_symbols=frozenset({"GME", "AMC"}),
        costs=Costs(commission_bps=Decimal("0.50")),
    )
    kept = json.loads(json.dumps(policy_as_data(policy)))
    assert kept["version"] == "3"
    assert kept["max_order_value"] == "10000"
    assert kept["restricted_symbols"] == ["AMC", "GME"]
    assert kept["on_breach"] == "clamp"
    assert kept["allow_short"] is False
    assert kept["costs"]["commission_bps"] == "0.50"


def test_no_ceiling_is_kept_as_null():
    assert policy_as_data(Policy())["max_order_value"] is None


@given(policies)
def test_a_policy_comes_back_from_json_as_it_was(policy: Policy):
    assert policy_from_data(json.loads(json.dumps(policy_as_data(policy)))) == policy


@pytest.mark.parametrize(
    ("states", "strictest"),
    [
        (["ACTIVE", "ACTIVE"], "ACTIVE"),
        (["ACTIVE", "REDUCING"], "REDUCING"),
        (["HALTED", "ACTIVE"], "HALTED"),
        (["REDUCING", "HALTED"], "HALTED"),
    ],
)
def test_the_strictest_trading_state_holds(states: list[str], strictest: str):
    assert TradingState.strictest(*map(TradingState, states)) is TradingState(strictest)
