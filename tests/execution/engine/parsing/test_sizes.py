"""Several sizes in one line, the borders of a weight, and what a size may be."""

from collections.abc import Mapping
from decimal import Decimal

import pytest

from execution.engine.parsing.mapping_rules import Rules, Unclear
from execution.engine.parsing.sizes import read_size, size_scales
from execution.engine.vocabulary import Code, RecommendedAction

NO_RULES = Rules()
BUY, SELL = RecommendedAction.BUY, RecommendedAction.SELL


Fields = Mapping[str, Decimal | str]


def numbers(**sizes: str) -> Fields:
    """The size fields of a line, written as numbers."""
    return {name: Decimal(value) for name, value in sizes.items()}


def read(*lines: Fields, action: RecommendedAction = BUY) -> list[Decimal | Code | None]:
    """The percentage that each line of a document is read as, or why it has none."""
    scales = size_scales(lines, NO_RULES)
    sizes = [read_size(line, {}, action=action, scales=scales) for line in lines]
    return [size.code if isinstance(size, Unclear) else size for size in sizes]


def size_of(action: RecommendedAction = BUY, **sizes: str) -> Decimal | Code | None:
    """How a document of this one line is read."""
    (size,) = read(numbers(**sizes), action=action)
    return size


def size_beside(allocation: str, other: str, value: str) -> Decimal | Code | None:
    """How a line with two sizes is read."""
    (size,) = read({**numbers(allocation_percent=allocation), **numbers(**{other: value})})
    return size


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
    assert size_beside(allocation, other, value) == Decimal(allocation)


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
    assert size_beside(allocation, other, value) is Code.SIZE_UNIT_UNCLEAR


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ("0", Decimal(0)),
        ("0.0001", Decimal("0.0001")),
        ("100", Decimal(100)),
        ("100.0001", Code.SIZE_OUT_OF_RANGE),
        ("-0.0001", Code.SIZE_NEGATIVE),
    ],
)
def test_a_size_is_between_nothing_and_everything_both_included(size: str, expected: Decimal | Code):
    assert size_of(allocation_percent=size) == expected


@pytest.mark.parametrize(
    ("size", "expected"), [("2", Code.SIZE_UNIT_UNCLEAR), ("2.01", Decimal("2.01")), ("0", Decimal(0))]
)
def test_a_pct_is_percent_from_above_two_on(size: str, expected: Decimal | Code):
    assert size_of(position_size_pct=size) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
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
def test_weights_are_shares_where_they_are_usual_or_make_a_whole(
    written: list[str], expected: list[Decimal | Code]
):
    assert read(*(numbers(weight=value) for value in written)) == expected


def test_only_a_short_may_have_a_negative_weight():
    assert size_of(RecommendedAction.SELL_SHORT, weight="-0.2") == 20
    assert size_of(BUY, weight="-0.2") is Code.SIZE_NEGATIVE
    assert size_of(RecommendedAction.SELL_SHORT, weight="0.2") == 20


def test_a_sale_to_a_target_weight_above_nothing_waits_for_a_person():
    assert size_of(SELL, target_weight="0.2") is Code.SIZE_UNIT_UNSUPPORTED
    assert size_of(SELL, target_weight="0") == 0
    assert size_of(BUY, target_weight="0.2") == 20


def test_a_size_in_words_beside_one_in_numbers_says_nothing_of_its_unit():
    lines: list[Fields] = [{"position_size_pct": "8%"}, {"position_size_pct": Decimal(12)}]
    assert read(*lines) == [8, 12]
    lines = [{"position_size_pct": "8%"}, {"position_size_pct": Decimal("0.12")}]
    assert read(*lines) == [8, Code.SIZE_UNIT_UNCLEAR]


@pytest.mark.parametrize(("length", "expected"), [(64, Decimal(10)), (65, Code.SIZE_NOT_A_NUMBER)])
def test_words_longer_than_any_size_are_none(length: int, expected: Decimal | Code):
    assert read({"allocation_percent": "10%".ljust(length)}) == [expected]


def test_words_as_long_as_a_size_may_be_are_read_to_their_end():
    assert read({"allocation_percent": f"{'10%'.ljust(63)}?"}) == [Code.SIZE_NOT_A_NUMBER]
