from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from itertools import accumulate, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolios.domain.accounting import Action
from portfolios.domain.performance import (
    NOT_ENOUGH_DATA,
    BenchmarkPoint,
    Comparison,
    Drawdown,
    Performance,
    Trade,
    UnusableSeriesError,
    ValuePoint,
    hit_rate,
    last_of_each_day,
    max_drawdown,
    measure,
    time_weighted_index,
)

MONDAY = date(2026, 1, 5)
MILLIONTH = 0.000001


def close(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 21, tzinfo=UTC)


def weekdays(count: int) -> list[date]:
    """The first weekdays from Monday, 5 January 2026 on."""
    return [MONDAY + timedelta(days=number // 5 * 7 + number % 5) for number in range(count)]


def values(*totals: str | int | Decimal) -> list[ValuePoint]:
    """One value a weekday from Monday on; `110+10` is worth 110 after a deposit of 10 since the day before."""
    points = []
    for day, text in zip(weekdays(len(totals)), totals, strict=True):
        total, plus, deposit = str(text).partition("+")
        points.append(ValuePoint(close(day), Decimal(total), Decimal(deposit) if plus else Decimal(0)))
    return points


def prices(*closes: str | int | Decimal) -> list[BenchmarkPoint]:
    return [BenchmarkPoint(day, Decimal(price)) for day, price in zip(weekdays(len(closes)), closes, strict=True)]


def returned(*totals: str | int | Decimal) -> Any:
    return measure(values(*totals)).time_weighted_return


def at(day: int, hour: int, total: int, flow: int = 0) -> ValuePoint:
    return ValuePoint(datetime(2026, 1, day, hour, tzinfo=UTC), Decimal(total), Decimal(flow))


# Return


def test_the_return_of_two_values_is_their_growth():
    assert returned(100, 105) == Decimal("0.05")


def test_a_deposit_is_no_return():
    assert returned(100, "150+50") == 0


def test_a_withdrawal_is_no_loss():
    assert returned(100, "60+-40") == 0


def test_the_growths_of_the_sub_periods_are_multiplied_whatever_came_in():
    # 110/100, then 220/(110+90), then 209/220
    assert returned(100, 110, "220+90", 209) == Decimal("1.1") * Decimal("1.1") * Decimal("0.95") - 1


def test_a_flow_counts_at_the_start_of_its_sub_period():
    # The gain of 15 was made with 150; at the end of the sub-period it would be a return of 15 %.
    assert returned(100, "165+50") == Decimal("0.1")


def test_the_flow_of_the_first_value_lies_before_the_series():
    assert returned("100+100", 110) == Decimal("0.1")


def test_from_a_value_of_zero_on_the_first_deposit_counts_and_so_do_the_fees_of_the_first_trades():
    assert returned(0, "99990+100000", 99990) == Decimal("-0.0001")


def test_the_time_before_the_first_money_does_not_count():
    paid_in_late = measure(values(0, 0, 0, "100+100", 120, 90))
    paid_in_at_once = measure(values(0, "100+100", 120, 90))
    assert paid_in_late.time_weighted_return == Decimal("-0.1")
    assert paid_in_late.time_weighted_return == paid_in_at_once.time_weighted_return
    assert paid_in_late.volatility == paid_in_at_once.volatility


def test_while_all_money_is_out_nothing_is_earned():
    assert returned(100, 110, "0+-110", 0, "50+50", 55) == Decimal("0.21")


@pytest.mark.parametrize(
    "totals",
    [
        [],
        [100],
        [0, 0],
        [0, 0, 0],
        ["0", "5"],  # a value out of nothing
        [-5, 10],
        [100, "20+-150"],  # more went out than there was, and yet something is left
    ],
)
def test_where_nothing_was_at_stake_or_the_start_was_not_above_zero_there_is_no_return(totals: list[str | int]):
    found = measure(values(*totals))
    measures = [found.time_weighted_return, found.annualized_return, found.volatility, found.sharpe_ratio]
    assert [*measures, found.max_drawdown] == [NOT_ENOUGH_DATA] * 5


def test_a_total_loss_is_a_return_of_minus_one_and_later_money_does_not_bring_it_back():
    lost = measure(values(100, 80, 0, "50+50", 75))
    assert lost.time_weighted_return == -1
    assert lost.max_drawdown == Drawdown(Decimal(-1), peak=MONDAY, trough=date(2026, 1, 7))
    assert (lost.volatility, lost.sharpe_ratio) == (NOT_ENOUGH_DATA, NOT_ENOUGH_DATA)


def test_an_account_that_owes_more_than_it_has_lost_more_than_all():
    assert returned(100, -20, -30) == Decimal("-1.2")


# Days


def test_only_the_last_value_of_a_day_makes_a_daily_return():
    several = [at(5, 15, 100), at(5, 20, 102), at(6, 15, 50), at(6, 20, 101), at(7, 20, 103)]
    single = [at(5, 20, 102), at(6, 20, 101), at(7, 20, 103)]
    assert measure(several).volatility == measure(single).volatility


def test_a_deposit_at_noon_does_not_thin_out_the_gain_of_the_morning():
    points = [at(5, 20, 100), at(6, 10, 110), at(6, 12, 1000, 890), at(6, 20, 1000)]
    index = time_weighted_index(points)
    assert index is not NOT_ENOUGH_DATA
    assert last_of_each_day(index) == {date(2026, 1, 5): 1, date(2026, 1, 6): Decimal("1.1")}


def test_a_day_is_a_day_of_the_given_zone():
    index = time_weighted_index([at(5, 20, 100), at(6, 2, 110), at(6, 20, 120)])
    assert index is not NOT_ENOUGH_DATA
    assert list(last_of_each_day(index).values()) == [1, Decimal("1.2")]
    assert list(last_of_each_day(index, zone=ZoneInfo("America/New_York")).values()) == [
        Decimal("1.1"),
        Decimal("1.2"),
    ]


def test_weekly_values_have_a_return_but_no_volatility_of_252_days():
    weekly = [ValuePoint(close(MONDAY + timedelta(weeks=week)), Decimal(100 + week % 3)) for week in range(30)]
    found: Any = measure(weekly, benchmark=[BenchmarkPoint(point.as_of, point.total) for point in weekly])
    assert found.time_weighted_return == Decimal("0.02")
    assert (found.volatility, found.sharpe_ratio) == (NOT_ENOUGH_DATA, NOT_ENOUGH_DATA)
    assert (found.comparison.benchmark_return, found.comparison.excess_return) == (Decimal("0.02"), 0)
    assert (found.comparison.tracking_error, found.comparison.beta) == (NOT_ENOUGH_DATA, NOT_ENOUGH_DATA)


def test_the_days_around_a_holiday_are_daily():
    # Wednesday, the Friday after Thanksgiving, Monday
    days = [date(2026, 11, 25), date(2026, 11, 27), date(2026, 11, 30)]
    found = measure([ValuePoint(close(day), Decimal(100 + n**2)) for n, day in enumerate(days)])
    assert found.volatility != NOT_ENOUGH_DATA


# Drawdown


def test_the_deepest_fall_has_its_peak_its_trough_and_its_recovery():
    fell = measure(values(100, 120, 110, 90, 119, 120, 119)).max_drawdown
    assert fell == Drawdown(
        Decimal("-0.25"), peak=date(2026, 1, 6), trough=date(2026, 1, 8), recovery=date(2026, 1, 12)
    )


def test_a_fall_that_lasts_has_no_recovery():
    fell = measure(values(100, 120, 90, 119)).max_drawdown
    assert fell == Drawdown(Decimal("-0.25"), peak=date(2026, 1, 6), trough=date(2026, 1, 7))


def test_a_deposit_does_not_hide_a_fall():
    fell = measure(values(100, "150+100", 150)).max_drawdown
    assert fell == Drawdown(Decimal("-0.25"), peak=MONDAY, trough=date(2026, 1, 6))


def test_without_a_fall_the_depth_is_zero_and_has_no_days():
    assert measure(values(100, 100, 110)).max_drawdown == Drawdown(Decimal(0))


def test_a_peak_is_the_last_day_at_the_high():
    fell = measure(values(120, 100, 120, 100)).max_drawdown
    assert fell == Drawdown(Decimal("-0.166667"), peak=MONDAY, trough=date(2026, 1, 6), recovery=date(2026, 1, 7))
    assert measure(values(100, 120, 120, 90)).max_drawdown == Drawdown(
        Decimal("-0.25"), peak=date(2026, 1, 7), trough=date(2026, 1, 8)
    )


def test_a_fall_within_a_day_counts():
    fell = measure([at(5, 15, 100), at(5, 17, 80), at(5, 20, 100)]).max_drawdown
    assert fell == Drawdown(Decimal("-0.2"), peak=MONDAY, trough=MONDAY, recovery=MONDAY)


def test_an_index_of_one_point_has_no_drawdown():
    index = time_weighted_index(values(100, 90))
    assert index is not NOT_ENOUGH_DATA
    assert max_drawdown(index[:1]) is NOT_ENOUGH_DATA


# Risk


def test_the_volatility_is_the_sample_deviation_of_the_daily_returns_over_a_stated_year():
    # Daily returns +10 % and -10 %: deviation 0.141421..., times the root of the periods.
    assert measure(values(100, 110, 99)).volatility == Decimal("2.244994")
    assert measure(values(100, 110, 99), periods_per_year=1).volatility == Decimal("0.141421")
    assert measure(values(100, 110, 99), periods_per_year=365).periods_per_year == 365


def test_two_values_are_one_return_and_one_return_has_no_deviation():
    found = measure(values(100, 110))
    assert (found.volatility, found.sharpe_ratio) == (NOT_ENOUGH_DATA, NOT_ENOUGH_DATA)


def test_an_account_that_does_not_move_has_a_volatility_of_zero_and_no_sharpe_ratio():
    found: Any = measure(values(100, 100, 100, 100), benchmark=prices(50, 50, 50, 50))
    assert (found.time_weighted_return, found.volatility) == (0, 0)
    assert found.sharpe_ratio is NOT_ENOUGH_DATA
    assert found.comparison.beta is NOT_ENOUGH_DATA


def test_the_same_gain_each_day_has_no_sharpe_ratio():
    found: Any = measure(values(100, 110, 121, "133.1"))
    assert (found.volatility, found.sharpe_ratio) == (0, NOT_ENOUGH_DATA)


def test_a_volatility_that_shows_as_zero_has_no_sharpe_ratio_beside_it():
    found: Any = measure(values("1000000.00", "1000000.01", "1000000.01", "1000000.02"))
    assert (found.volatility, found.sharpe_ratio) == (0, NOT_ENOUGH_DATA)


def test_the_risk_free_rate_is_a_rate_of_a_year():
    found: Any = measure(values(100, 110, 99, 108), risk_free=Decimal("0.05"))
    without: Any = measure(values(100, 110, 99, 108))
    assert found.volatility == without.volatility
    lower = without.sharpe_ratio - found.sharpe_ratio
    assert lower == pytest.approx(Decimal("0.05") / found.volatility, abs=Decimal("0.000002"))


def test_less_than_a_year_is_not_annualized():
    start = datetime(2025, 1, 6, 21, tzinfo=UTC)
    year = [ValuePoint(start, Decimal(100)), ValuePoint(start + timedelta(days=365), Decimal(108))]
    two = [ValuePoint(start, Decimal(100)), ValuePoint(start + timedelta(days=730), Decimal(121))]
    short = [ValuePoint(start, Decimal(100)), ValuePoint(start + timedelta(days=364), Decimal(108))]
    assert measure(year).annualized_return == Decimal("0.08")
    assert measure(two).annualized_return == Decimal("0.1")
    assert measure(short).annualized_return is NOT_ENOUGH_DATA


# Trading


@pytest.mark.parametrize(
    ("closed", "rate"),
    [
        ([10, -5, 3, -1], "0.5"),
        ([10, -5, 0], "0.333333"),
        ([0], "0"),
        ([1], "1"),
    ],
)
def test_the_hit_rate_counts_closed_positions_with_a_profit_and_zero_is_none(closed: list[int], rate: str):
    assert hit_rate([Decimal(pnl) for pnl in closed]) == Decimal(rate)


def test_without_a_closed_position_there_is_no_hit_rate():
    assert hit_rate([]) is NOT_ENOUGH_DATA


TRADES = [
    Trade(Action.BUY, Decimal(300), Decimal("1.50")),
    Trade(Action.SELL_SHORT, Decimal(100), Decimal("0.25")),
    Trade(Action.BUY_TO_COVER, Decimal(50), Decimal("0.25")),
    Trade(Action.SELL, Decimal(120)),
]


def test_the_turnover_is_the_lesser_of_bought_and_sold_by_the_average_value():
    # bought 300 + 50, sold 100 + 120, average (1000 + 1100 + 1200) / 3
    assert measure(values(1000, 1100, 1200), trades=TRADES).turnover == Decimal("0.2")


def test_the_average_value_takes_each_day_once_and_leaves_out_the_days_before_any_money():
    points = [at(5, 20, 0), at(6, 9, 5000, 5000), at(6, 20, 1000), at(7, 20, 1200)]
    assert measure(points, trades=TRADES).turnover == Decimal("0.2")


def test_an_account_that_only_bought_turned_nothing_over():
    assert measure(values(1000, 1100), trades=TRADES[:1]).turnover == 0


@pytest.mark.parametrize("totals", [[], [1000], [0, 0], [-10, -10]])
def test_without_an_average_value_above_zero_there_is_no_turnover(totals: list[str | int]):
    assert measure(values(*totals), trades=TRADES).turnover is NOT_ENOUGH_DATA


def test_the_costs_are_the_fees_and_known_without_any_value():
    assert measure([], trades=TRADES).total_costs == Decimal("2.00")
    assert measure([]).total_costs == 0


def test_without_data_every_measure_but_the_costs_says_so():
    nothing = Performance(
        periods_per_year=252,
        hit_rate=NOT_ENOUGH_DATA,
        turnover=NOT_ENOUGH_DATA,
        total_costs=Decimal("0.00"),
        comparison=Comparison(),
    )
    assert measure([]) == measure(values(100)) == nothing
    assert str(nothing.sharpe_ratio) == "not enough data"


# Benchmark


def test_the_benchmark_is_measured_over_the_same_days():
    compared: Any = measure(values(100, 110, 120), benchmark=prices(50, 60, 55, 80)).comparison
    assert (compared.benchmark_return, compared.excess_return) == (Decimal("0.1"), Decimal("0.1"))
    assert compared.tracking_difference is NOT_ENOUGH_DATA


def test_the_excess_return_is_the_difference_of_the_two_returns_shown():
    points = [at(5, 9, 0), at(5, 20, 98, 100), at(6, 20, 100), at(7, 20, 110)]
    found: Any = measure(points, benchmark=prices(100, 101, 104))
    assert (found.time_weighted_return, found.comparison.benchmark_return) == (Decimal("0.1"), Decimal("0.04"))
    assert found.comparison.excess_return == Decimal("0.06")


def test_a_day_without_a_price_has_the_last_one_before():
    friday, sunday, monday = at(9, 20, 100), at(11, 20, 100), at(12, 20, 103)
    closes = [BenchmarkPoint(date(2026, 1, 9), Decimal(50)), BenchmarkPoint(date(2026, 1, 12), Decimal(51))]
    found = measure([friday, sunday, monday], benchmark=closes)
    assert found.comparison.benchmark_return == Decimal("0.02")
    assert found.comparison.beta == Decimal("1.5")


def test_a_price_with_a_time_belongs_to_its_day_in_the_zone():
    late = datetime(2026, 1, 7, 1, tzinfo=UTC)  # the evening of the 6th in New York
    series = [BenchmarkPoint(MONDAY, Decimal(100)), BenchmarkPoint(late, Decimal(110))]
    new_york = measure(values(100, 100), benchmark=series, zone=ZoneInfo("America/New_York"))
    assert new_york.comparison.benchmark_return == Decimal("0.1")
    assert measure(values(100, 100), benchmark=series).comparison == Comparison()


@pytest.mark.parametrize(
    "series",
    [
        [],
        [BenchmarkPoint(date(2026, 1, 6), Decimal(50))],  # nothing on the first day
        [BenchmarkPoint(date(2025, 12, 31), Decimal(50)), BenchmarkPoint(date(2026, 1, 6), Decimal(51))],  # too old
        [BenchmarkPoint(MONDAY, Decimal(50))],  # the same price at both ends
    ],
)
def test_without_prices_of_its_own_at_both_ends_nothing_is_compared(series: list[BenchmarkPoint]):
    assert measure(values(100, 110), benchmark=series).comparison == Comparison()


def test_an_account_that_is_its_benchmark_differs_in_nothing():
    closes = [Decimal(100 + day % 7 + day % 3) for day in range(300)]
    compared: Any = measure(values(*closes), benchmark=prices(*closes)).comparison
    assert (compared.excess_return, compared.tracking_difference, compared.tracking_error) == (0, 0, 0)
    assert compared.beta == 1


def test_the_tracking_difference_is_that_of_the_yearly_returns():
    start, end = MONDAY, MONDAY + timedelta(days=730)
    points = [ValuePoint(close(start), Decimal(100)), ValuePoint(close(end), Decimal(121))]
    series = [BenchmarkPoint(start, Decimal(100)), BenchmarkPoint(end, Decimal("112.36"))]
    assert measure(points, benchmark=series).comparison.tracking_difference == Decimal("0.04")


# What no caller may send


@pytest.mark.parametrize(
    ("points", "series", "why"),
    [
        ([at(6, 9, 100), at(5, 9, 100)], [], "before"),
        ([ValuePoint(datetime(2026, 1, 5), Decimal(1))], [], "time zone"),  # noqa: DTZ001  # naive on purpose
        ([], [BenchmarkPoint(datetime(2026, 1, 5), Decimal(1))], "time zone"),  # noqa: DTZ001  # the same
        ([], [BenchmarkPoint(MONDAY, Decimal(0))], "above zero"),
        ([], [BenchmarkPoint(MONDAY, Decimal("NaN"))], "above zero"),
    ],
)
def test_a_series_that_would_give_a_wrong_number_is_refused(
    points: list[ValuePoint], series: list[BenchmarkPoint], why: str
):
    with pytest.raises(UnusableSeriesError, match=why):
        measure(points, benchmark=series)


def test_a_year_has_at_least_one_period():
    with pytest.raises(UnusableSeriesError, match="periods_per_year is 0"):
        measure([], periods_per_year=0)


# For all series

cents = st.integers(1, 10**9).map(lambda number: Decimal(number) / 100)
daily_totals = st.lists(cents, min_size=2, max_size=40)


@given(daily_totals)
def test_without_flows_the_return_is_that_of_the_ends(totals: list[Decimal]):
    growth = totals[-1] / totals[0] - 1
    assert abs(returned(*totals) - growth) <= Decimal("0.0000005") + abs(growth) * Decimal("1e-20")


@given(daily_totals, st.data())
def test_no_deposit_changes_the_index(totals: list[Decimal], data: st.DataObject):
    # Any deposits, and after each the account grows as it would have without.
    bare = values(*totals)
    held, points = totals[0], [bare[0]]
    for before, after in pairwise(bare):
        deposit = data.draw(cents)
        held = (held + deposit) * after.total / before.total
        points.append(ValuePoint(after.as_of, held, deposit))
    expected, found = time_weighted_index(bare), time_weighted_index(points)
    assert expected is not NOT_ENOUGH_DATA
    assert found is not NOT_ENOUGH_DATA
    for one, other in zip(expected, found, strict=True):
        assert abs(one.level - other.level) <= one.level * Decimal("1e-20")


@given(daily_totals)
def test_the_drawdown_lies_between_a_total_loss_and_none_and_holds_for_its_days(totals: list[Decimal]):
    fell = measure(values(*totals)).max_drawdown
    assert isinstance(fell, Drawdown)
    assert -1 <= fell.depth <= 0
    if fell.peak is not None and fell.trough is not None:
        of_day = dict(zip(weekdays(len(totals)), totals, strict=True))
        assert abs(of_day[fell.trough] / of_day[fell.peak] - 1 - fell.depth) <= Decimal("0.0000005")
        assert fell.peak < fell.trough < (fell.recovery or date.max)


signed_cents = st.integers(-(10**5), 10**5).map(lambda number: Decimal(number) / 100)
# Few values, so that no chain of growths from a cent leaves the range of a ratio.
steps_of_time = st.lists(st.tuples(st.integers(0, 72), signed_cents, signed_cents), max_size=5)


@given(steps_of_time, st.lists(cents, max_size=10))
def test_any_series_gives_values_or_says_there_are_none(
    steps: list[tuple[int, Decimal, Decimal]], closes: list[Decimal]
):
    hours = accumulate(hour for hour, *_ in steps)
    start = close(MONDAY)
    points = [
        ValuePoint(start + timedelta(hours=hour), total, flow)
        for hour, (_, total, flow) in zip(hours, steps, strict=True)
    ]
    found = measure(points, benchmark=prices(*closes))
    ratios = [getattr(found, field.name) for field in fields(found) if field.name not in _NO_RATIO]
    ratios += [getattr(found.comparison, field.name) for field in fields(found.comparison)]
    assert all(ratio is NOT_ENOUGH_DATA or ratio.is_finite() for ratio in ratios)


_NO_RATIO = {"periods_per_year", "max_drawdown", "total_costs", "comparison"}


# Beside a published library, which computes in floats from daily returns

walks = st.lists(st.integers(-900, 900), min_size=3, max_size=260)


def walk(steps: Sequence[int], start: int) -> list[Decimal]:
    """Prices in cents, each step in hundredths of a percent."""
    closes = [Decimal(start)]
    for step in steps:
        closes.append(max((closes[-1] * (10_000 + step) / 10_000).quantize(Decimal("0.01")), Decimal(1)))
    return closes


def daily_returns(closes: Sequence[Decimal]) -> Any:
    levels = np.array([float(price) for price in closes])
    return levels[1:] / levels[:-1] - 1


@pytest.fixture(scope="module")
def empyrical() -> Any:
    """Return the library, which takes seconds to import."""
    return import_module("empyrical")


@given(steps=walks)
def test_return_and_risk_are_those_of_empyrical(empyrical: Any, steps: list[int]):
    closes = walk(steps, 100_000)
    theirs, ours = daily_returns(closes), measure(values(*closes), risk_free=Decimal("0.0252"))
    assert float(ours.time_weighted_return) == pytest.approx(empyrical.cum_returns_final(theirs), abs=MILLIONTH)
    assert isinstance(ours.max_drawdown, Drawdown)
    assert float(ours.max_drawdown.depth) == pytest.approx(empyrical.max_drawdown(theirs), abs=MILLIONTH)
    assert float(ours.volatility) == pytest.approx(empyrical.annual_volatility(theirs), abs=MILLIONTH)
    if ours.sharpe_ratio is not NOT_ENOUGH_DATA:
        sharpe = empyrical.sharpe_ratio(theirs, risk_free=0.0001)
        assert float(ours.sharpe_ratio) == pytest.approx(sharpe, abs=MILLIONTH, rel=0.000001)


@given(steps=st.lists(st.tuples(st.integers(-900, 900), st.integers(-900, 900)), min_size=3, max_size=260))
def test_the_comparison_with_a_benchmark_is_that_of_empyrical(empyrical: Any, steps: list[tuple[int, int]]):
    own, other = walk([step for step, _ in steps], 100_000), walk([step for _, step in steps], 5_000)
    ours: Any = measure(values(*own), benchmark=prices(*other)).comparison
    own_returns, other_returns = daily_returns(own), daily_returns(other)
    excess = empyrical.cum_returns_final(own_returns) - empyrical.cum_returns_final(other_returns)
    tracking_error = empyrical.annual_volatility(own_returns - other_returns)
    assert float(ours.excess_return) == pytest.approx(excess, abs=MILLIONTH)
    assert float(ours.tracking_error) == pytest.approx(tracking_error, abs=MILLIONTH)
    if (
        np.std(other_returns) > 0.0001
    ):  # of a benchmark that hardly varies floats give noise, Decimal still the value
        beta = empyrical.beta(own_returns, other_returns)
        assert float(ours.beta) == pytest.approx(beta, abs=MILLIONTH, rel=0.000001)
