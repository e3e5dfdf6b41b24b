"""Every row of the registry is breached once through `make_plan`: a limit that stops nothing is no limit.

The cases are looked up by the registry's rows, so that a new row without a case fails here.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

from execution.engine.planning.market import Quote
from execution.engine.planning.plan import Plan, PlanInput, make_plan
from execution.engine.planning.policy import Policy
from execution.engine.planning.price_checks import screen
from execution.engine.vocabulary import Code, OnBreach, Outcome, Refusal
from portfolios.domain.limit import Limit
from portfolios.domain.risk_limits import LIMITS
from tests.builders import AS_OF, account, ending, given, rec, roomy, unreadable

BUY = rec("MSFT", "BUY", 10)
SHORT = rec("XOM", "SELL_SHORT", 10)
SECTORS = {"MSFT": "Technology", "XOM": "Energy"}
HOLDS_MSFT = account(cash=90_000, long={"MSFT": (100, 100)})
OWES_HALF = account(cash=120_000, short={"GS": (600, 100)})
QUOTED_130 = {"MSFT": Quote(Decimal(130), "test", AS_OF)}


@dataclass(frozen=True)
class Case:
    """A value that a line breaches, and one that it does not; how the situation is made under a policy."""

    tight: Any
    loose: Any
    situation: Callable[[Policy], PlanInput]


def buying(**situation: Any) -> Callable[[Policy], PlanInput]:
    return lambda policy: given(BUY, policy=policy, sectors=SECTORS, **situation)


def shorting(line: Any = SHORT, **situation: Any) -> Callable[[Policy], PlanInput]:
    return lambda policy: given(line, policy=policy, sectors=SECTORS, **situation)


def adding_to_a_target(policy: Policy) -> PlanInput:
    return given(rec("MSFT", "BUY", 12), policy=policy, sectors=SECTORS, mode="target", on=HOLDS_MSFT)


def at_a_price_far_from_the_last_close(policy: Policy) -> PlanInput:
    lines = [BUY]
    screened = screen(
        QUOTED_130, closes={"MSFT": Decimal(100)}, lines=lines, accepted=(), band_percent=policy.price_band_percent
    )
    situation = given(*lines, policy=policy, sectors=SECTORS, unpriced={"MSFT"})
    return replace(situation, quotes=screened.quotes, held_back=screened.held_back)


def on_research_of_two_days(policy: Policy) -> PlanInput:
    return replace(given(BUY, policy=policy, sectors=SECTORS), age_hours=Decimal(48))


def beside_a_line_that_cannot_be_read(policy: Policy) -> PlanInput:
    return given(BUY, unreadable("XOM"), policy=policy, sectors=SECTORS)


ALL = Decimal(1000)
CASES: dict[str, Case] = {
    "max_order_value": Case(Decimal("0.50"), None, buying()),
    "max_position_percent": Case(Decimal(0), Decimal(100), buying()),
    "max_single_short_percent": Case(Decimal(0), ALL, shorting()),
    "max_short_exposure_percent": Case(Decimal(0), ALL, shorting()),
    "max_sector_percent": Case(Decimal(0), Decimal(100), buying()),
    "max_gross_exposure_percent": Case(Decimal(0), ALL, buying()),
    "max_net_exposure_percent": Case(Decimal(0), None, buying()),
    "cash_reserve_percent": Case(Decimal(100), Decimal(0), buying()),
    "max_orders_per_run": Case(0, None, buying()),
    "min_order_value": Case(Decimal(10_001), Decimal(10_000), buying()),
    "drift_band_percent": Case(Decimal("2.1"), Decimal(2), adding_to_a_target),
    "restricted_symbols": Case(frozenset({"MSFT"}), frozenset({"GME"}), buying()),
    "allow_short": Case(False, True, shorting()),
    "whole_share_shorts": Case(True, False, shorting(rec("XOM", "SELL_SHORT", "0.04"))),
    "short_margin_percent": Case(Decimal(100), Decimal(50), shorting(on=OWES_HALF)),
    "price_band_percent": Case(Decimal(29), Decimal(30), at_a_price_far_from_the_last_close),
    "max_research_age_hours": Case(47, 48, on_research_of_two_days),
    "all_or_nothing": Case(True, False, beside_a_line_that_cannot_be_read),
}
# Kept before a plan is made: see tests/execution/runs/test_effective_policy.py.
BEFORE_A_PLAN = {"require_open_market"}

STOPPING = [row for row in LIMITS if row.code and row.field not in BEFORE_A_PLAN]
EVERY_LIMIT = pytest.mark.parametrize("row", STOPPING, ids=lambda row: row.field)


def policy(row: Limit, value: Any) -> Policy:
    """Return a policy under which nothing but this limit can stop the case."""
    return roomy(**{"allow_short": True, row.field: value})


def outcome_of(plan: Plan | Refusal) -> tuple[str, str, str]:
    """Return outcome, codes and sentence of the first line, or of the refusal."""
    if isinstance(plan, Refusal):
        return "REFUSED", str(plan.code), plan.message
    (first, *_) = plan.decisions
    return str(first.outcome), " ".join(first.codes), first.reason


def test_every_row_that_stops_something_has_a_case():
    assert sorted(CASES) == sorted(row.field for row in STOPPING)
    assert {row.field for row in LIMITS if not row.code} == {"on_breach", "rounding", "defer_hours"}


@EVERY_LIMIT
def test_a_breach_ends_in_the_outcome_the_code_and_the_sentence_of_the_row(row: Limit):
    case = CASES[row.field]
    outcome, codes, sentence = outcome_of(make_plan(case.situation(policy(row, case.tight))))
    assert (outcome, codes) == (row.outcome, row.code)
    assert row.sentence.format(symbol="MSFT" if "MSFT" in sentence else "XOM") in sentence


@EVERY_LIMIT
def test_without_the_breach_the_same_line_is_executed(row: Limit):
    case = CASES[row.field]
    assert outcome_of(make_plan(case.situation(policy(row, case.loose))))[:2] == (Outcome.EXECUTED, "")


@pytest.mark.parametrize("row", [row for row in LIMITS if row.rule and row.rule.scales], ids=lambda row: row.field)
def test_on_a_breach_a_limit_clamps_or_rejects_as_the_policy_says(row: Limit):
    # Half of what is asked for: 10 % of 100,000.
    half = {"max_order_value": Decimal(5_000), "cash_reserve_percent": Decimal(95)}.get(row.field, Decimal(5))
    situation = CASES[row.field].situation
    for on_breach, expected in ((OnBreach.CLAMP, Outcome.CLAMPED), (OnBreach.REJECT, Outcome.DENIED)):
        plan = make_plan(situation(replace(policy(row, half), on_breach=on_breach)))
        assert isinstance(plan, Plan)
        assert [ending(decision) for decision in plan.decisions] == [f"{expected} {row.code}"]


@pytest.mark.parametrize("code", sorted({row.code for row in LIMITS if row.code}))
def test_a_code_of_the_registry_is_one_of_the_engines(code: str):
    assert Code(code) == code
    sentences = {row.sentence for row in LIMITS if row.code == code}
    assert len(sentences) == 1, "rows with one code say one sentence"


@pytest.mark.parametrize("outcome", sorted({row.outcome for row in LIMITS if row.outcome} - {"REFUSED"}))
def test_an_outcome_of_the_registry_is_one_of_the_engines(outcome: str):
    assert Outcome(outcome) == outcome
