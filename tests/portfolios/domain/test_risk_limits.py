"""The registry: every row is complete, agrees with its column, and is what settings and readers go by."""

from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import models

from portfolios.domain.limit import Bounds, Kind, Limit
from portfolios.domain.risk_limits import COSTS, FIELDS, LIMITS, by_section, settings_problems, value_problems
from portfolios.models import RiskPolicy, Strategy

COLUMNS: dict[Kind, Any] = {
    **dict.fromkeys((Kind.PERCENT, Kind.BASIS_POINTS, Kind.CASH, Kind.PER_UNIT), models.DecimalField),
    **dict.fromkeys((Kind.COUNT, Kind.HOURS), models.PositiveIntegerField),
    Kind.FLAG: models.BooleanField,
    Kind.WORD: models.CharField,
    Kind.SYMBOLS: models.JSONField,
}
BOUNDED = [row for row in FIELDS if row.bounds is not None]
EVERY_ROW = pytest.mark.parametrize("row", FIELDS, ids=lambda row: row.field)


@EVERY_ROW
def test_a_row_has_its_column(row: Limit):
    column = RiskPolicy._meta.get_field(row.field)
    assert isinstance(column, COLUMNS[row.kind])
    if row.is_decimal:
        assert (column.max_digits, column.decimal_places) == row.digits
    if row.words:
        assert tuple(value for value, _ in column.choices or ()) == row.words


def test_a_column_has_its_row():
    columns = {field.name for field in RiskPolicy._meta.concrete_fields}
    assert columns - {row.field for row in FIELDS} == {"id", "strategy", "version", "created_at"}


@EVERY_ROW
def test_a_column_that_is_left_empty_leaves_the_limit_to_the_system(row: Limit):
    column: Any = RiskPolicy._meta.get_field(row.field)
    assert column.null == row.may_be_empty
    assert column.null or column.get_default() == (list(row.default) if row.kind is Kind.SYMBOLS else row.default)


def at_the_ends(row: Limit) -> list[tuple[Decimal, bool]]:
    """Return values at and beyond the ends of the bounds, and whether they are allowed."""
    bounds = row.bounds or Bounds()
    step = Decimal(1).scaleb(-row.digits[1]) if row.is_decimal else Decimal(1)
    ends = [(bounds.least, bounds.least_allowed), (bounds.least - step, False), (bounds.least + step, True)]
    if bounds.most is not None:
        ends += [(bounds.most, bounds.most_allowed), (bounds.most + step, False), (bounds.most - step, True)]
    return ends


@pytest.mark.django_db
@pytest.mark.parametrize("row", BOUNDED, ids=lambda row: row.field)
def test_the_table_has_the_bounds_of_the_row(row: Limit):
    strategy = Strategy.objects.create(name="Growth")
    for value, allowed in at_the_ends(row):
        number = value if row.is_decimal else int(value)
        policy = RiskPolicy(strategy=strategy, **{row.field: number})
        try:
            policy.full_clean()
        except ValidationError:
            assert not allowed, f"the table refuses {number}"
        else:
            assert allowed, f"the table takes {number}"


@pytest.mark.parametrize("row", [row for row in LIMITS if row.bounds is not None], ids=lambda row: row.field)
def test_the_settings_have_the_bounds_of_the_row(row: Limit):
    for value, allowed in at_the_ends(row):
        number = value if row.is_decimal else int(value)
        assert (settings_problems({row.field: number}) == []) == allowed, number


@EVERY_ROW
def test_a_row_can_be_read_by_people(row: Limit):
    assert row.label
    assert row.text(row.default)
    assert (row.code == "") == (row.sentence == "") == (row.outcome == "")


def test_every_row_has_a_section():
    found = [row for rows in by_section().values() for row in rows]
    assert sorted(row.field for row in found) == sorted(row.field for row in FIELDS)
    assert all(rows for rows in by_section().values())


def test_costs_are_no_limits():
    assert not {row.field for row in COSTS} & {row.field for row in LIMITS}
    assert all(row.rule is None and not row.code for row in COSTS)


def test_the_defaults_are_fine_and_so_are_whole_numbers():
    assert settings_problems({row.field: row.default for row in LIMITS}) == []
    assert settings_problems({"max_position_percent": 15, "restricted_symbols": ["GME"]}) == []


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"max_position_percnt": 5}, "max_position_percnt is no limit"),
        ({"commission_bps": 5}, "commission_bps is no limit"),
        (
            {"max_position_percent": Decimal(101)},
            "max_position_percent must be at least 0 and at most 100, not Decimal('101')",
        ),
        ({"max_order_value": 0}, "max_order_value must be above 0, not 0"),
        ({"max_position_percent": 12.5}, "max_position_percent must be a Decimal or a whole number, not 12.5"),
        ({"max_position_percent": None}, "max_position_percent must have a value, not None"),
        (
            {"min_order_value": Decimal("0.001")},
            "min_order_value must have at most 2 places and be less than 10,000,000,000,000, not Decimal('0.001')",
        ),
        (
            {"cash_reserve_percent": Decimal("NaN")},
            "cash_reserve_percent must have at most 4 places and be less than 100,000, not Decimal('NaN')",
        ),
        ({"max_orders_per_run": True}, "max_orders_per_run must be a whole number, not True"),
        ({"max_orders_per_run": -1}, "max_orders_per_run must be at least 0, not -1"),
        ({"max_orders_per_run": 2**31}, "max_orders_per_run must be at most 2147483647, not 2147483648"),
        ({"allow_short": "yes"}, "allow_short must be True or False, not 'yes'"),
        ({"on_breach": "stop"}, "on_breach must be one of clamp, reject, not 'stop'"),
        ({"restricted_symbols": "GME"}, "restricted_symbols must be a list of symbols, not 'GME'"),
        ({"restricted_symbols": ["gme"]}, "restricted_symbols must be symbols in upper case, not ['gme']"),
    ],
)
def test_what_is_wrong_in_the_settings_is_said(given: dict[str, object], problem: str):
    assert settings_problems(given) == [problem]


@pytest.mark.parametrize("given", [None, [1], "20", 3])
def test_settings_that_are_no_dictionary_are_said_to_be_none(given: object):
    assert settings_problems(given) == ["must be a dictionary of limits by name"]


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("max_net_exposure_percent", Decimal(-1), "must be"),
        ("max_position_percent", Decimal(101), "must be"),
        ("max_order_value", Decimal(0), "must be"),
        ("max_orders_per_run", 10**12, "must be at most"),
        ("commission_bps", Decimal(-1), "must be"),
    ],
)
def test_a_value_out_of_bounds_is_named_by_its_field(field: str, value: object, says: str):
    (problem,) = value_problems({field: value}).items()
    assert problem[0] == field
    assert problem[1].startswith(says)


def test_an_empty_value_is_the_systems_and_no_problem():
    assert value_problems({row.field: None for row in FIELDS}) == {}
