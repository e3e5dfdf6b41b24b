from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal

import pytest

from common.money import (
    AmountOutOfRangeError,
    cash_or_none,
    format_cash,
    format_percent,
    format_ratio,
    notional,
    percent_difference,
    plain,
    quantize_average,
    quantize_cash,
    quantize_percent,
    quantize_price,
    quantize_quantity,
    quantize_ratio,
    share,
)

CENT_STEP = Decimal("0.01")


@pytest.mark.parametrize(
    ("amount", "cents"),
    [
        ("2.665", "2.66"),  # half to even; binary floats and PostgreSQL disagree about this one
        ("2.675", "2.68"),
        ("-2.665", "-2.66"),
        ("2.6650000001", "2.67"),
        ("9999999999999.994", "9999999999999.99"),
    ],
)
def test_cash_is_kept_in_cents_half_to_even(amount: str, cents: str):
    assert str(quantize_cash(Decimal(amount))) == cents


@pytest.mark.parametrize(
    ("price", "kept"),
    [
        ("528.5700073242188", "528.5700"),
        ("450", "450.0000"),
        ("1", "1.0000"),
        ("0.99995", "0.999950"),
        ("0.0000125", "0.000012"),
        ("175.43999", "175.4400"),
    ],
)
def test_a_price_loses_the_float_noise_of_its_feed(price: str, kept: str):
    assert str(quantize_price(Decimal(price))) == kept


def test_an_average_price_keeps_six_places():
    worth = Decimal("18.91") * Decimal("528.57") + 10 * Decimal(540)
    assert str(quantize_average(worth / Decimal("28.91"))) == "532.523649"


def test_a_percentage_is_recorded_with_four_places():
    assert str(quantize_percent(Decimal("17.77777777"))) == "17.7778"


def test_a_ratio_keeps_the_four_places_of_its_percentage():
    assert [str(quantize_ratio(Decimal(ratio))) for ratio in ("0.0000005", "-0.1234565", "-0.0000001")] == [
        "0.000000",
        "-0.123456",
        "0.000000",
    ]


def test_a_ratio_may_be_larger_than_what_the_books_store():
    top = Decimal("9" * 22 + ".999999")
    assert quantize_ratio(top) == top
    with pytest.raises(AmountOutOfRangeError, match="ratio"):
        quantize_ratio(Decimal("1e22"))


@pytest.mark.parametrize(
    ("quantity", "step", "half_even", "down"),
    [
        ("22.2222", "0.01", "22.22", "22.22"),
        ("22.225", "0.01", "22.22", "22.22"),
        ("22.235", "0.01", "22.24", "22.23"),
        ("16666.6666", "0.01", "16666.67", "16666.66"),
        ("2.5", "1", "2", "2"),
        ("3.5", "1", "4", "3"),
        ("7.4", "5", "5", "5"),
        ("0.0000019", "0.000001", "0.000002", "0.000001"),
    ],
)
def test_a_quantity_is_a_whole_number_of_steps(quantity: str, step: str, half_even: str, down: str):
    assert quantize_quantity(Decimal(quantity), step=Decimal(step)) == Decimal(half_even)
    assert quantize_quantity(Decimal(quantity), step=Decimal(step), rounding=ROUND_DOWN) == Decimal(down)


@pytest.mark.parametrize("value", ["-0.004", "-0.0000001"])
def test_nothing_is_kept_as_minus_zero(value: str):
    kept = [
        quantize_cash(Decimal(value)),
        quantize_price(Decimal("-0.0000001")),
        quantize_quantity(Decimal(value), step=CENT_STEP),
    ]
    assert [str(amount) for amount in kept] == ["0.00", "0.000000", "0.000000"]


@pytest.mark.parametrize(("average", "kept"), [("7.0000005", "7.000000"), ("7.0000015", "7.000002")])
def test_an_average_is_kept_with_six_places_half_to_even(average: str, kept: str):
    assert str(quantize_average(Decimal(average))) == kept


@pytest.mark.parametrize(("percent", "kept"), [("5.00005", "5.0000"), ("5.00015", "5.0002")])
def test_a_percentage_is_kept_with_four_places_half_to_even(percent: str, kept: str):
    assert str(quantize_percent(Decimal(percent))) == kept


def test_a_step_finer_than_the_books_keep_is_cut_and_never_rounded_up():
    assert quantize_quantity(Decimal("0.0000015"), step=Decimal("0.0000005")) == Decimal("0.000001")


def quantize_hundredths(quantity: Decimal) -> Decimal:
    return quantize_quantity(quantity, step=CENT_STEP)


LARGEST: dict[Callable[[Decimal], Decimal], str] = {
    quantize_cash: "9999999999999.99",
    quantize_price: "999999999.9999",
    quantize_average: "999999999.999999",
    quantize_percent: "99999.9999",
    quantize_hundredths: "999999999.99",
}


@pytest.mark.parametrize(("rounder", "largest"), LARGEST.items())
def test_the_books_end_at_fifteen_digits(rounder: Callable[[Decimal], Decimal], largest: str):
    top = Decimal(largest)
    assert rounder(top) == top
    assert rounder(-top) == -top
    # The second is in range and its rounding is not.
    for beyond in (top + 1, Decimal(f"{largest}9"), Decimal(f"-{largest}9"), Decimal("1e300")):
        with pytest.raises(AmountOutOfRangeError):
            rounder(beyond)


@pytest.mark.parametrize("rounder", LARGEST)
@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_out_of_range(rounder: Callable[[Decimal], Decimal], value: str):
    with pytest.raises(AmountOutOfRangeError):
        rounder(Decimal(value))


def test_a_number_out_of_range_says_which_and_how_much():
    with pytest.raises(AmountOutOfRangeError, match=r"price 1\.00000e\+9 is outside .* 1,000,000,000") as caught:
        quantize_price(Decimal(10**9))
    assert caught.value.name == "price"
    assert caught.value.value == caught.value.limit == 10**9


@pytest.mark.parametrize(
    ("quantity", "price", "cash"),
    [
        ("22.22", "450", "9999.00"),
        ("18.91", "528.57", "9995.26"),
        ("8.91", "560", "4989.60"),
        ("-28", "193", "-5404.00"),
        # 30 digits: rounded once, at the end.
        ("999999.999999", "999999.999999", "999999999998.00"),
    ],
)
def test_a_notional_is_quantity_times_price_rounded_once(quantity: str, price: str, cash: str):
    assert notional(quantity=Decimal(quantity), price=Decimal(price)) == Decimal(cash)


def test_a_share_of_the_whole_is_the_whole():
    whole = Decimal("3.000001")
    assert share(Decimal("100.01"), part=whole, whole=whole) == Decimal("100.01")
    assert share(Decimal("100.00"), part=Decimal(1), whole=Decimal(3)) == Decimal("33.33")


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("100000", "$100,000.00"),
        ("9999", "$9,999.00"),
        ("-1234.5", "-$1,234.50"),
        ("-0.004", "$0.00"),
        ("0", "$0.00"),
    ],
)
def test_cash_is_shown_in_dollars(amount: str, text: str):
    assert format_cash(Decimal(amount)) == text


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        ("450.000000", 2, "450.00"),
        ("22.220000", 2, "22.22"),
        ("0.000123", 2, "0.000123"),
        ("1E+3", 2, "1000.00"),
        ("450.0000", 0, "450"),
        ("-5.50", 1, "-5.5"),
    ],
)
def test_a_number_is_shown_plainly(value: str, places: int, text: str):
    assert plain(Decimal(value), places=places) == text


def test_a_number_is_shown_with_two_places_unless_asked_otherwise():
    assert plain(Decimal("450")) == "450.00"
    assert plain(Decimal("450.1")) == "450.10"


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        ("0.05", "5.00 %"),
        ("-0.01111", "-1.11 %"),
        ("0.00005", "0.00 %"),
        # Exactly between two: to the even one, up and down.
        ("0.00125", "0.12 %"),
        ("0.00135", "0.14 %"),
        ("-0.00125", "-0.12 %"),
        ("-0.00001", "0.00 %"),
        ("12.5", "1,250.00 %"),
    ],
)
def test_a_fraction_is_shown_as_a_percentage_rounded_half_to_even(fraction: str, text: str):
    assert format_percent(Decimal(fraction)) == text


@pytest.mark.parametrize(("ratio", "text"), [("1.005", "1.00"), ("-0.001", "0.00"), ("-2.345678", "-2.35")])
def test_a_ratio_is_shown_with_two_places(ratio: str, text: str):
    assert format_ratio(Decimal(ratio)) == text


@pytest.mark.parametrize(
    ("value", "base", "percent"),
    [("36", "100", "-64"), ("100", "100", "0"), ("1", "3", "-66.6667"), ("450", "0.0001", "449999900")],
)
def test_a_difference_is_in_percent_of_what_it_is_compared_with(value: str, base: str, percent: str):
    assert percent_difference(Decimal(value), base=Decimal(base)) == Decimal(percent)


def test_an_amount_that_the_books_cannot_hold_is_none():
    assert cash_or_none(Decimal("1.005")) == Decimal("1.00")
    assert cash_or_none(Decimal(10) ** 13) is None
