"""`strategies.json` takes every field of the registry, within its bounds, and names what is wrong."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from execution.demo.files import ExampleFileError, read_examples
from portfolios.domain.limit import Kind, Limit
from portfolios.domain.risk_limits import FIELDS

SECURITIES = Path("examples/securities.csv").read_bytes()
EVERY_FIELD = pytest.mark.parametrize("row", FIELDS, ids=lambda row: row.field)


def read(directory: Path, policy: dict[str, Any]) -> dict[str, Any]:
    """Return the limits that the reader makes of a policy."""
    strategy = {
        "id": "b8f2a9d4-51c6-4f3a-a0e7-91d3c5b7e6a3",
        "name": "Growth",
        "risk_policy": {"version": 1, **policy},
    }
    (directory / "strategies.json").write_text(json.dumps({"strategies": [strategy]}))
    (directory / "securities.csv").write_bytes(SECURITIES)
    (line,) = read_examples(directory).strategies
    assert line.risk_policy is not None
    return line.risk_policy.limits()


def written(row: Limit) -> tuple[Any, Any]:
    """Return a value as the file has it, and as the columns get it."""
    if row.is_decimal:
        return 7.5, Decimal("7.5")
    word = row.words[-1] if row.words else None
    value = {Kind.COUNT: 7, Kind.HOURS: 36, Kind.FLAG: True, Kind.WORD: word, Kind.SYMBOLS: ["GME"]}[row.kind]
    return value, value


@EVERY_FIELD
def test_every_field_can_be_written(tmp_path: Path, row: Limit):
    value, column = written(row)
    assert read(tmp_path, {row.field: value}) == {row.field: column}


def test_what_is_left_out_stays_out(tmp_path: Path):
    assert read(tmp_path, {}) == {}


@EVERY_FIELD
def test_nothing_is_a_value_only_where_the_system_may_decide(tmp_path: Path, row: Limit):
    if row.may_be_empty:
        assert read(tmp_path, {row.field: None}) == {row.field: None}
    else:
        with pytest.raises(ExampleFileError, match=row.field):
            read(tmp_path, {row.field: None})


@EVERY_FIELD
def test_a_value_that_a_field_cannot_have_is_named(tmp_path: Path, row: Limit):
    wrong: Any = {Kind.FLAG: "perhaps", Kind.WORD: "maybe", Kind.SYMBOLS: "GME"}.get(row.kind, -1)
    with pytest.raises(ExampleFileError, match=f"field 'strategies.0.risk_policy.{row.field}"):
        read(tmp_path, {row.field: wrong})


def test_order_values_must_leave_something(tmp_path: Path):
    with pytest.raises(ExampleFileError, match="min_order_value is above max_order_value"):
        read(tmp_path, {"min_order_value": 10, "max_order_value": 5})
