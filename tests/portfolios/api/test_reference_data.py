"""Strategies, policies and prices over HTTP: written once, held to the rules of their tables."""

from decimal import Decimal
from typing import Any

import pytest

from portfolios.domain.limit import Limit
from portfolios.domain.risk_limits import FIELDS
from portfolios.models import Price, RiskPolicy, Security, Strategy
from tests.folios.api.callers import Caller, new_id, problem
from tests.folios.api.conftest import token_of, user_with
from tests.scenes import whole_database

pytestmark = pytest.mark.django_db

PRICE = {"symbol": "MSFT", "price": "450.25", "source": "desk", "as_of": "2026-01-05T16:00:00-05:00"}


@pytest.fixture
def editor(db: None) -> Caller:
    """Return a program that may write reference data, and nothing else."""
    return Caller(token_of(user_with("frank", "add_strategy", "add_riskpolicy", "add_price")))


def test_a_strategy_is_created_once_and_its_name_is_one_of_a_kind(editor: Caller):
    body = {"id": new_id(), "name": "Small caps", "description": "Small and cheap."}
    answers = [editor.post("/strategies/", body) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["status"] == "active"
    assert answers[0].headers["Location"].endswith(f"/api/v1/strategies/{body['id']}/")
    problem(editor.post("/strategies/", {"name": "Small caps"}), 409, "STRATEGY_NAME_TAKEN")
    problem(editor.post("/strategies/", {**body, "name": "Large caps"}), 409, "CONFLICT")
    assert Strategy.objects.get().name == "Small caps"


@pytest.mark.parametrize("body", [{}, {"name": " "}, {"name": "x" * 201}, {"name": "x", "status": "active"}])
def test_a_strategy_without_a_proper_name_is_refused(editor: Caller, body: dict[str, Any]):
    problem(editor.post("/strategies/", body), 400, "INVALID")
    assert not Strategy.objects.exists()


def test_each_policy_is_the_next_version(editor: Caller, strategy: Strategy):
    bodies = [
        {"strategy": str(strategy.pk), "max_position_percent": "15.5"},
        {"strategy": str(strategy.pk), "allow_short": True, "restricted_symbols": ["GME"]},
    ]
    answers = [editor.post("/risk-policies/", body) for body in bodies]
    assert [(answer.status_code, answer.json()["version"]) for answer in answers] == [(201, 1), (201, 2)]
    assert (answers[0].json()["max_position_percent"], answers[1].json()["max_position_percent"]) == ("15.50", None)
    assert answers[0].json()["commission_per_order"] == "0.00"
    newest = RiskPolicy.objects.get(version=2)
    assert (newest.allow_short, newest.restricted_symbols) == (True, ["GME"])


@pytest.mark.parametrize(
    "changes",
    [
        {"max_position_percent": "101"},
        {"max_position_percent": "NaN"},
        {"min_order_value": "10", "max_order_value": "5"},
        {"restricted_symbols": ["gme"]},
        {"restricted_symbols": "GME"},
        {"allow_short": "yes"},
        {"on_breach": "panic"},
        {"max_postion_percent": "10"},
        {"version": 7},
        {"strategy": "00000000-0000-4000-8000-000000000000"},
    ],
)
def test_a_policy_that_breaks_a_rule_is_refused(editor: Caller, strategy: Strategy, changes: dict[str, Any]):
    before = whole_database()
    problem(editor.post("/risk-policies/", {"strategy": str(strategy.pk), **changes}), 400, "INVALID")
    assert whole_database() == before


@pytest.mark.parametrize("row", [row for row in FIELDS if row.bounds], ids=lambda row: row.field)
def test_a_value_out_of_bounds_is_named_by_its_field(editor: Caller, strategy: Strategy, row: Limit):
    body = {"strategy": str(strategy.pk), row.field: "-1"}
    said = problem(editor.post("/risk-policies/", body), 400, "INVALID")
    assert list(said["errors"]) == [row.field]


def test_every_field_of_a_policy_is_in_the_answer(editor: Caller, strategy: Strategy):
    answer = editor.post("/risk-policies/", {"strategy": str(strategy.pk)}).json()
    assert {row.field for row in FIELDS} <= answer.keys()


def test_a_price_is_stored_and_corrected_by_its_source(editor: Caller):
    Security.objects.create(symbol="MSFT")
    first = editor.post("/prices/", PRICE)
    assert (first.status_code, first.json()["price"], first.json()["as_of"]) == (
        201, "450.25", "2026-01-05T21:00:00+00:00",
    )  # fmt: skip
    again = editor.post("/prices/", {**PRICE, "price": "451"})
    assert again.json()["id"] == first.json()["id"]
    assert Price.objects.get().price == Decimal(451)


@pytest.mark.parametrize("symbol", [" msft ", "MSFT.US", "NASDAQ:MSFT"])
def test_a_price_is_of_a_symbol_however_it_is_written(editor: Caller, symbol: str):
    Security.objects.create(symbol="MSFT")
    assert editor.post("/prices/", {**PRICE, "symbol": symbol}).json()["symbol"] == "MSFT"
    refused = problem(editor.post("/prices/", {**PRICE, "symbol": "BP.L"}), 400, "INVALID")
    assert "names a listing elsewhere (London)" in refused["errors"]["symbol"][0]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"price": "0"}, "price"),
        ({"price": "-1"}, "price"),
        ({"price": "0.0000001"}, "price"),
        ({"price": "999999999.999999"}, "price"),
        ({"price": "1000000000"}, "price"),
        ({"symbol": "NONE"}, "symbol"),
        ({"as_of": "2100-01-01T00:00:00Z"}, "as_of"),
        ({"as_of": "0001-01-01T00:00:00+23:59"}, "as_of"),
        ({"as_of": "2026-01-05T16:00:00"}, "as_of"),
        ({"as_of": "2026-01-05"}, "as_of"),
        ({"source": ""}, "source"),
    ],
)
def test_a_price_that_is_none_is_refused(editor: Caller, changes: dict[str, Any], field: str):
    Security.objects.create(symbol="MSFT")
    refused = problem(editor.post("/prices/", {**PRICE, **changes}), 400, "INVALID")
    assert list(refused["errors"]) == [field]
    assert not Price.objects.exists()


@pytest.mark.parametrize(("field", "value"), [("max_order_value", "0"), ("max_orders_per_run", 10**12)])
def test_a_bound_that_is_not_allowed_itself_is_named_by_its_field_too(
    editor: Caller, strategy: Strategy, field: str, value: object
):
    answer = editor.post("/risk-policies/", {"strategy": str(strategy.pk), field: value})
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]
