"""The policy in force: every limit is tightened once through a strategy's policy, and what the settings may say."""

from decimal import Decimal
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from execution.engine.planning.policy import Policy, limits_of
from execution.engine.vocabulary import Code, OnBreach
from execution.runs.effective_policy import check_risk_limits, policy_for, system_policy
from execution.services import execute
from portfolios.domain.limit import Limit
from portfolios.domain.risk_limits import COSTS, LIMITS
from portfolios.models import RiskPolicy
from portfolios.selectors.margin import short_margins
from tests.scenes import Desk, line, refusal_of

pytestmark = pytest.mark.django_db

# By field: what the system allows, a stricter value of the strategy, and a looser one.
TIGHTENED: dict[str, tuple[Any, Any, Any]] = {
    "max_order_value": (Decimal(5_000), Decimal(1_000), Decimal(9_000)),
    "max_position_percent": (Decimal(20), Decimal(10), Decimal(30)),
    "max_single_short_percent": (Decimal(20), Decimal(10), Decimal(30)),
    "max_short_exposure_percent": (Decimal(100), Decimal(30), Decimal(110)),
    "max_sector_percent": (Decimal(40), Decimal(10), Decimal(50)),
    "max_gross_exposure_percent": (Decimal(200), Decimal(90), Decimal(300)),
    "max_net_exposure_percent": (Decimal(60), Decimal(10), Decimal(70)),
    "cash_reserve_percent": (Decimal(5), Decimal(10), Decimal(1)),
    "max_orders_per_run": (20, 10, 30),
    "min_order_value": (Decimal(50), Decimal(100), Decimal(10)),
    "restricted_symbols": (frozenset({"GME"}), ["GME", "AMC"], []),
    "allow_short": (True, False, True),
    "whole_share_shorts": (False, True, False),
    "short_margin_percent": (Decimal(50), Decimal(80), Decimal(30)),
    "price_band_percent": (Decimal(25), Decimal(10), Decimal(40)),
    "max_research_age_hours": (48, 24, 72),
    "defer_hours": (48, 24, 96),
    "require_open_market": (False, True, False),
    "all_or_nothing": (False, True, False),
    "on_breach": ("clamp", "reject", "clamp"),
}
OWN = {"drift_band_percent": Decimal(3), "rounding": "ROUND_DOWN"}
# Without a default, a strategy's own limit holds although the system has none.
NO_DEFAULT = [row for row in LIMITS if row.default is None]


def in_force(desk: Desk, **columns: Any) -> Policy:
    """Return the policy of a strategy whose own one has these columns."""
    RiskPolicy.objects.create(strategy=desk.strategy, **columns)
    return policy_for(desk.strategy.pk)


def test_every_row_has_a_case():
    assert sorted([*TIGHTENED, *OWN]) == sorted(row.field for row in LIMITS)


@pytest.mark.parametrize("field", TIGHTENED)
def test_a_strategy_can_be_stricter_than_the_system(desk: Desk, settings: Any, field: str):
    system, own, _ = TIGHTENED[field]
    settings.RISK_LIMITS = {field: system}
    typed = next(row for row in LIMITS if row.field == field).typed(own)
    assert getattr(in_force(desk, **{field: own}), field) == typed


@pytest.mark.parametrize("field", [field for field in TIGHTENED if field != "allow_short"])
def test_a_strategy_cannot_be_looser_than_the_system(desk: Desk, settings: Any, field: str):
    system, _, loose = TIGHTENED[field]
    settings.RISK_LIMITS = {field: system}
    assert getattr(in_force(desk, **{field: loose}), field) == system


@pytest.mark.parametrize("row", NO_DEFAULT, ids=lambda row: row.field)
def test_a_limit_that_the_system_has_not_set_is_the_strategys(desk: Desk, row: Limit):
    _, own, _ = TIGHTENED[row.field]
    assert getattr(in_force(desk, **{row.field: own}), row.field) == own


@pytest.mark.parametrize("row", [row for row in LIMITS if row.may_be_empty], ids=lambda row: row.field)
def test_a_limit_that_the_strategy_leaves_empty_is_the_systems(desk: Desk, settings: Any, row: Limit):
    system = TIGHTENED[row.field][0] if row.field in TIGHTENED else OWN[row.field]
    settings.RISK_LIMITS = {row.field: system}
    assert getattr(in_force(desk, **{row.field: None}), row.field) == system


@pytest.mark.parametrize("field", OWN)
def test_what_is_no_limit_is_the_strategys_own(desk: Desk, field: str):
    assert getattr(in_force(desk, **{field: OWN[field]}), field) == OWN[field]


@pytest.mark.parametrize("row", COSTS, ids=lambda row: row.field)
def test_costs_are_the_strategys_own(desk: Desk, row: Limit):
    assert getattr(in_force(desk, **{row.field: Decimal("2.5")}).costs, row.field) == Decimal("2.5")


def test_shorts_are_the_strategys_to_allow_and_the_systems_to_forbid(desk: Desk, settings: Any):
    assert not policy_for(desk.strategy.pk).allow_short
    assert in_force(desk, allow_short=True).allow_short
    settings.RISK_LIMITS = {"allow_short": False}
    assert not policy_for(desk.strategy.pk).allow_short


def test_the_words_of_a_policy_are_the_engines(desk: Desk):
    assert in_force(desk, on_breach="reject").on_breach is OnBreach.REJECT


def test_the_system_has_the_defaults_of_the_registry():
    assert limits_of(system_policy()) == {row.field: row.default for row in LIMITS} | {"allow_short": True}


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        ({"max_position_percnt": 5}, "max_position_percnt is no limit"),
        ({"max_position_percent": 101}, "max_position_percent must be at least 0 and at most 100, not 101"),
    ],
)
def test_limits_that_nobody_can_keep_are_an_error(settings: Any, limits: dict[str, Any], problem: str):
    settings.RISK_LIMITS = limits
    assert [(error.id, error.msg) for error in check_risk_limits()] == [
        ("execution.E001", f"RISK_LIMITS: {problem}.")
    ]
    assert [error.id for error in run_checks() if error.id == "execution.E001"] == ["execution.E001"]
    with pytest.raises(ImproperlyConfigured, match=f"RISK_LIMITS: {problem}"):
        system_policy()


def test_the_limits_of_the_product_are_no_error():
    assert check_risk_limits() == []


def test_a_policy_that_requires_an_open_market_refuses_the_request_while_it_is_closed(desk: Desk):
    RiskPolicy.objects.create(strategy=desk.strategy, require_open_market=True)
    refusal = refusal_of(execute(desk.execution_request(desk.inbox.put([line("MSFT", "BUY", 10)]))))
    assert refusal.code is Code.MARKET_CLOSED
    RiskPolicy.objects.create(strategy=desk.strategy, version=2)
    assert desk.run([line("MSFT", "BUY", 10)]).decisions[0].outcome == "EXECUTED"


@pytest.mark.parametrize("system", [None, Decimal(70)])
@pytest.mark.parametrize(
    "own", [None, [Decimal(30)], [Decimal(90)], [Decimal(90), Decimal(60)], [Decimal(90), None]]
)
def test_the_margin_that_the_books_keep_to_is_that_of_the_policy_in_force(
    desk: Desk, settings: Any, system: Decimal | None, own: list[Decimal | None] | None
):
    desk.run([line("MSFT", "BUY", 10)])
    settings.RISK_LIMITS = {} if system is None else {"short_margin_percent": system}
    for version, percent in enumerate(own or [], start=1):
        RiskPolicy.objects.create(strategy=desk.strategy, version=version, short_margin_percent=percent)
    assert short_margins([desk.account.pk]) == {desk.account.pk: policy_for(desk.strategy.pk).short_margin}
