"""Several sizes in one line, the borders of a weight, and what a size may be."""

from decimal import Decimal

import pytest

from execution.engine.parsing.mapping_rules import Rules, Unclear
from execution.engine.parsing.sizes import read_size, size_scales
from execution.engine.vocabulary import Code, RecommendedAction

NO_RULES = Rules()
BUY, SELL = RecommendedAction.BUY, RecommendedAction.SELL


def size_of(action: RecommendedAction = BUY, **sizes: str) -> Decimal | Code | None:
    """The percentage that a document of this one line is read as, or why it has none."""
    fields: dict[str, Decimal | str] = {name: Decimal(value) for name, value in sizes.items()}
    found = read_size(fields, {}, action=action, scales=size_scales([fields], NO_RULES))
    return found.code if isinstance(found, Unclear) else found


def weights(*values: str) -> list[Decimal | Code | None]:
    """How a document with these weights is read, line by line."""
    lines: list[dict[str, Decimal | str]] = [{"weight": Decimal(value)} for value in values]
    scales = size_scales(lines, NO_RULES)
    read = [read_size(line, {}, action=BUY, scales=scales) for line in lines]
    return [found.code if isinstance(found, Unclear) else found for found in read]


@pytest.mark.parametrize(
    ("allocation", "other", "value"),
    [
        ("8", "weight_percent", "8"),
        ("8", "position_size_pct", "8"),
        # Half of everything, or half a percent: beside 50 percent it can only be the first.
        ("50", "weight", "0.5"),
        ("0.5", "weight", "0.5"),
        ("8", "position_size", "3"),
    ],
)
def test_two_size_fields_that_may_mean_the_same_are_one_size(allocation: str, other: str, value: str):
    assert size_of(allocation_percent=allocation, **{other: value}) == Decimal(allocation)


@pytest.mark.parametrize(
    ("allocation", "other", "value"),
    [
        ("8", "weight_percent", "9"),
        ("8", "position_size_pct", "9"),
        # A position_size_pct of 0.5 may be half a percent or half of everything: neither is 8, and 50 is a guess.
        ("8", "position_size_pct", "0.5"),
        ("50", "position_size_pct", "0.5"),
        ("40", "weight", "0.5"),
        ("5", "weight", "0.5"),
    ],
)
def test_two_size_fields_that_contradict_each_other_are_no_size(allocation: str, other: str, value: str):
    assert size_of(allocation_percent=allocation, **{other: value}) is Code.SIZE_UNIT_UNCLEAR


@pytest.mark.parametrize(
    ("size", "read"),
    [
        ("0", Decimal(0)),
        ("0.0001", Decimal("0.0001")),
        ("100", Decimal(100)),
        ("100.0001", Code.SIZE_OUT_OF_RANGE),
        ("-0.0001", Code.SIZE_NEGATIVE),
    ],
)
def test_a_size_is_between_nothing_and_everything_both_included(size: str, read: Decimal | Code):
    assert size_of(allocation_percent=size) == read


@pytest.mark.parametrize(
    ("size", "read"), [("2", Code.SIZE_UNIT_UNCLEAR), ("2.01", Decimal("2.01")), ("0", Decimal(0))]
)
def test_a_pct_is_percent_from_above_two_on(size: str, read: Decimal | Code):
    assert size_of(position_size_pct=size) == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        # Each at most 0.30, and not above a whole together: shares.
        (["0.30"], [Decimal(30)]),
        (["0.30", "0.30", "0.30", "0.11"], [Decimal(30)] * 3 + [Decimal(11)]),
        # A whole, with its rounding on both sides.
        (["0.60", "0.35"], [Decimal(60), Decimal(35)]),
        (["0.60", "0.41"], [Decimal(60), Decimal(41)]),
        # Neither usual nor a whole, or one alone that is everything: nobody can tell.
        (["0.31"], [Code.SIZE_UNIT_UNCLEAR]),
        (["0.60", "0.34"], [Code.SIZE_UNIT_UNCLEAR] * 2),
        (["0.60", "0.42"], [Code.SIZE_UNIT_UNCLEAR] * 2),
        (["0.30", "0.30", "0.30", "0.12"], [Code.SIZE_UNIT_UNCLEAR] * 4),
        (["1"], [Code.SIZE_UNIT_UNCLEAR]),
        (["2"], [Code.SIZE_UNIT_UNCLEAR]),
        # Above 2 it can only be percent, and the smaller ones with it.
        (["2.01", "0.5"], [Decimal("2.01"), Decimal("0.5")]),
    ],
)
def test_weights_are_shares_where_they_are_usual_or_make_a_whole(written: list[str], read: list[Decimal | Code]):
    assert weights(*written) == read


def test_only_a_short_may_have_a_negative_weight():
    assert size_of(RecommendedAction.SELL_SHORT, weight="-0.2") == 20
    assert size_of(BUY, weight="-0.2") is Code.SIZE_NEGATIVE
    assert size_of(RecommendedAction.SELL_SHORT, weight="0.2") == 20


def test_a_sale_to_a_target_weight_above_nothing_waits_for_a_person():
    assert size_of(SELL, target_weight="0.2") is Code.SIZE_UNIT_UNSUPPORTED
    assert size_of(SELL, target_weight="0") == 0
    assert size_of(BUY, target_weight="0.2") == 20
