"""What is written of a corporate action is read exactly, or refused with its text."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolios.arguments import number, split_ratio
from portfolios.ledger import CannotBookError

UNITS = st.integers(1, 10**6)


@given(new=UNITS, old=UNITS)
def test_a_ratio_is_the_exact_fraction_of_its_two_numbers(new: int, old: int):
    assert split_ratio(f"{new}:{old}") == Fraction(new, old)
    assert split_ratio(f" {new} ") == new


@given(st.decimals(min_value="0.000001", max_value=1_000_000, places=6))
def test_a_ratio_in_decimals_is_exact_too(value: object):
    assert split_ratio(f"{value}:1") == Fraction(str(value))


@pytest.mark.parametrize("text", ["", ":", "3:", ":2", "3:2:1", "3/2", "x", "NaN", "Infinity", "3:0", "3:-1"])
def test_what_is_no_ratio_is_refused_with_its_text(text: str):
    with pytest.raises(CannotBookError, match="ratio is"):
        split_ratio(text)


@pytest.mark.parametrize("text", ["1e999999999", "1e-999999999", "0e999999999", "1:1e99999999", "1" * 17])
def test_a_ratio_that_would_take_for_ever_is_refused_at_once(text: str):
    with pytest.raises(CannotBookError, match="at most 15 digits"):
        split_ratio(text)


def test_a_number_says_what_it_is_where_it_is_none():
    with pytest.raises(CannotBookError, match="price is '1,5': not a number"):
        number("1,5", name="price")
