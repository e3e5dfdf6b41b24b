"""How well an account did: return, risk, trading and costs of its values over time, beside a benchmark's.

Pure: values in, values out, Decimal throughout. A ratio is a fraction with 6 places (0.05 is 5 %). A measure that
the data does not give is NOT_ENOUGH_DATA, never 0; a 0 is a figure.

**Return.** Time-weighted (GIPS 2020, section 2): the growths of the sub-periods between two valuations, multiplied.
The external flow of a sub-period counts at its start: growth = value after / (value before + flow). A deposit pays
for the trades that follow it, and their valuation is the next one: the money was there while the result came about.
Nothing else would give the first run a return, which starts from nothing and pays fees. What the market did between
the valuation before and the deposit is spread over the deposit too; who values an account whenever money moves has
nothing to spread.

**Days.** The index is chained over all valuations, several a day too, and then taken at the last of each day in
a given zone. So a deposit at noon does not thin out the gain of the morning, as resampled values would.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Context, Decimal, localcontext
from enum import StrEnum
from itertools import dropwhile, pairwise
from typing import Final, TypeAlias

from common.money import ZERO, quantize_cash, quantize_ratio
from portfolios.domain.accounting import Action

TRADING_DAYS_A_YEAR = 252
ONE = Decimal(1)

_SATURDAY = 5
_YEAR = timedelta(days=365)
# The longest usual pause of a stock exchange: from Thursday's close before Good Friday to Monday.
_BENCHMARK_AGE = timedelta(days=4)
# Values have 15 digits and a chain multiplies many quotients; with 40 digits the error stays far below 6 places.
_CONTEXT = Context(prec=40)


class NotEnoughData(StrEnum):
    """The type of the one value that stands for a measure that cannot be told from the data."""

    NOT_ENOUGH_DATA = "not enough data"


NOT_ENOUGH_DATA: Final = NotEnoughData.NOT_ENOUGH_DATA
Measure: TypeAlias = Decimal | NotEnoughData


class UnusableSeriesError(ValueError):
    """A series that no caller may send: out of order, a time without a zone, a price not above zero."""


@dataclass(frozen=True, slots=True)
class ValuePoint:
    """What an account was worth at one time, and the deposits minus withdrawals since the point before, in cash.

    The flow of a series' first point lies before the series and does not count. For the whole life of an account,
    put a point of value zero in front: then the first deposit counts, and what the first trades made of it.
    """

    as_of: datetime
    total: Decimal
    external_flow: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class BenchmarkPoint:
    """The price of a benchmark on one day, or at one time of it; a total return series compares like with like."""

    as_of: date
    price: Decimal


@dataclass(frozen=True, slots=True)
class Trade:
    """One fill as performance sees it: what it did, its notional (positive, in cash) and its fee (in cash)."""

    action: Action
    notional: Decimal
    fee: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class IndexPoint:
    """The time-weighted index at one time: what 1 at the start has become, whatever came in or went out."""

    as_of: datetime
    level: Decimal


@dataclass(frozen=True, slots=True)
class Drawdown:
    """The deepest fall of the index from a high, as a fraction <= 0. Without any fall the days are None.

    `peak` is the last day at the high, `recovery` the first day at or above it again, None where that is to come.
    """

    depth: Decimal
    peak: date | None = None
    trough: date | None = None
    recovery: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """An account beside its benchmark, which has its last price of each day, or of the last day with one before.

    `benchmark_return` is from the first day of the index to its last. `excess_return` is the account's
    time-weighted return minus that. `tracking_difference` is the same of the annualized returns, so it takes a
    year, and `tracking_error` the annualized standard deviation of the daily differences (both ESMA/2014/937,
    definitions). `beta` is the covariance of the daily returns by the variance of the benchmark's.

    Nothing is compared where a day has no price of the last 4 days, or where both ends have the same one.
    """

    benchmark_return: Measure = NOT_ENOUGH_DATA
    excess_return: Measure = NOT_ENOUGH_DATA
    tracking_difference: Measure = NOT_ENOUGH_DATA
    tracking_error: Measure = NOT_ENOUGH_DATA
    beta: Measure = NOT_ENOUGH_DATA


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """What `measure` found. Each measure is a value or NOT_ENOUGH_DATA; `total_costs` is a sum and always known.

    `annualized_return` is (1 + return) ** (365 / days) - 1, and takes a year: GIPS annualizes nothing shorter.
    `volatility` is the sample standard deviation (n - 1) of the daily returns times the root of `periods_per_year`.
    `sharpe_ratio` is the mean daily return above the risk-free rate by that deviation, times the same root (Sharpe,
    The Sharpe Ratio, 1994); it does not exist where the volatility rounds to zero.
    `turnover` is the lesser of bought and sold notional by the average value (as SEC Form N-1A, item 13, but of the
    whole account with its cash, and of the time of the series), averaged over the last values of the days.
    """

    periods_per_year: int
    time_weighted_return: Measure = NOT_ENOUGH_DATA
    annualized_return: Measure = NOT_ENOUGH_DATA
    max_drawdown: Drawdown | NotEnoughData = NOT_ENOUGH_DATA
    volatility: Measure = NOT_ENOUGH_DATA
    sharpe_ratio: Measure = NOT_ENOUGH_DATA
    hit_rate: Measure
    turnover: Measure
    total_costs: Decimal
    comparison: Comparison = Comparison()


@dataclass(frozen=True, slots=True)
class _Track:
    """What 1 became over an index, its days, and its daily returns: none where they would mislead."""

    total: Decimal
    days: Sequence[date]
    returns: Sequence[Decimal]


def measure(
    points: Sequence[ValuePoint],
    *,
    benchmark: Sequence[BenchmarkPoint] = (),
    closed_pnl: Sequence[Decimal] = (),
    trades: Sequence[Trade] = (),
    periods_per_year: int = TRADING_DAYS_A_YEAR,
    risk_free: Decimal = ZERO,
    zone: tzinfo = UTC,
) -> Performance:
    """Return every measure of an account with these values, in time order (equal times allowed).

    Of several prices of `benchmark` for one day the last given counts. `closed_pnl` holds the realized profit of
    each closed position, `trades` the fills, both of the time of `points`. `risk_free` is a yearly rate as a
    fraction, of which each day has 1 / periods_per_year. Days are days in `zone`. Raises UnusableSeriesError, and
    AmountOutOfRangeError for a ratio of 10**22 or more.
    """
    _require_usable(points, benchmark, periods_per_year=periods_per_year)
    with localcontext(_CONTEXT):
        traded = Performance(
            periods_per_year=periods_per_year,
            hit_rate=hit_rate(closed_pnl),
            turnover=_turnover(trades, points, zone),
            total_costs=quantize_cash(sum((trade.fee for trade in trades), ZERO)),
        )
        index = time_weighted_index(points)
        if index is NOT_ENOUGH_DATA:
            return traded
        track = _track(index, zone)
        annualized = _annualized(track.total, track.days)
        volatility = _annual_deviation(track.returns, periods_per_year)
        return replace(
            traded,
            time_weighted_return=quantize_ratio(track.total - 1),
            annualized_return=_rounded(annualized),
            max_drawdown=max_drawdown(index, zone=zone),
            volatility=_rounded(volatility),
            sharpe_ratio=_rounded(_sharpe(track.returns, volatility, risk_free, periods_per_year)),
            comparison=_compare(track, annualized, _aligned(track.days, benchmark, zone), periods_per_year),
        )


def time_weighted_index(points: Sequence[ValuePoint]) -> tuple[IndexPoint, ...] | NotEnoughData:
    """Return the chained index of values in time order, 1 at the point before the first money at stake.

    A sub-period with nothing at stake (value plus flow zero, and zero after it) changes nothing. One that starts
    from zero or less and ends with a value has no growth: then the whole index is NOT_ENOUGH_DATA. At zero or below
    the index stays: what was there at the start is lost, and money that comes later does not bring it back.
    """
    steps = list(dropwhile(_is_empty, pairwise(points)))
    if not steps:
        return NOT_ENOUGH_DATA
    index = [IndexPoint(steps[0][0].as_of, ONE)]
    with localcontext(_CONTEXT):
        for step in steps:
            level = index[-1].level
            growth = _growth(step) if level > 0 else ONE
            if growth is NOT_ENOUGH_DATA:
                return NOT_ENOUGH_DATA
            index.append(IndexPoint(step[1].as_of, level * growth))
    return tuple(index)


def last_of_each_day(index: Iterable[IndexPoint], *, zone: tzinfo = UTC) -> dict[date, Decimal]:
    """Return the last level of each day in `zone`, in the order of the days. Days without a point are left out."""
    return {_day(point.as_of, zone): point.level for point in index}


def max_drawdown(index: Sequence[IndexPoint], *, zone: tzinfo = UTC) -> Drawdown | NotEnoughData:
    """Return the deepest fall of an index over all its points, with its days in `zone`; of two as deep the earlier.

    Of the index and not of the values: a deposit would hide a fall, a withdrawal look like one.
    """
    if len(index) < 2:
        return NOT_ENOUGH_DATA
    depth, peak, trough = ZERO, 0, 0
    high = 0
    with localcontext(_CONTEXT):
        for position, point in enumerate(index):
            if point.level >= index[high].level:
                high = position
            fall = point.level / index[high].level - 1
            if fall < depth:
                depth, peak, trough = fall, high, position
    if not quantize_ratio(depth):
        return Drawdown(quantize_ratio(depth))
    back = (point.as_of for point in index[trough:] if point.level >= index[peak].level)
    recovery = next(back, None)
    return Drawdown(
        quantize_ratio(depth),
        peak=_day(index[peak].as_of, zone),
        trough=_day(index[trough].as_of, zone),
        recovery=None if recovery is None else _day(recovery, zone),
    )


def hit_rate(closed_pnl: Sequence[Decimal]) -> Measure:
    """Return the closed positions that made a profit by all closed positions. Exactly zero is no hit."""
    if not closed_pnl:
        return NOT_ENOUGH_DATA
    return quantize_ratio(Decimal(sum(pnl > 0 for pnl in closed_pnl)) / len(closed_pnl))


def _require_usable(
    points: Sequence[ValuePoint], benchmark: Sequence[BenchmarkPoint], *, periods_per_year: int
) -> None:
    """Raise UnusableSeriesError for what would give a wrong number instead of none."""
    if periods_per_year < 1:
        raise UnusableSeriesError(f"periods_per_year is {periods_per_year}: must be 1 or more")
    for as_of in [*(point.as_of for point in points), *(price.as_of for price in benchmark)]:
        if isinstance(as_of, datetime) and as_of.utcoffset() is None:
            raise UnusableSeriesError(f"as_of is {as_of.isoformat()}: must have a time zone")
    for before, after in pairwise(points):
        if after.as_of < before.as_of:
            raise UnusableSeriesError(f"as_of is {after.as_of.isoformat()}: must not be before {before.as_of}")
    for price in benchmark:
        if not price.price.is_finite() or price.price <= 0:
            raise UnusableSeriesError(f"price of {price.as_of.isoformat()} is {price.price}: must be above zero")


def _day(as_of: date, zone: tzinfo) -> date:
    return as_of.astimezone(zone).date() if isinstance(as_of, datetime) else as_of


def _is_empty(step: tuple[ValuePoint, ValuePoint]) -> bool:
    before, after = step
    return before.total + after.external_flow == 0 and after.total == 0


def _growth(step: tuple[ValuePoint, ValuePoint]) -> Measure:
    """Return what 1 at the start of a sub-period became, the flow counted at its start."""
    before, after = step
    at_stake = before.total + after.external_flow
    if _is_empty(step):
        return ONE
    return after.total / at_stake if at_stake > 0 else NOT_ENOUGH_DATA


def _track(index: Sequence[IndexPoint], zone: tzinfo) -> _Track:
    daily = last_of_each_day(index, zone=zone)
    days, levels = list(daily), list(daily.values())
    returns = _returns(levels) if _are_daily(days) and min(levels) > 0 else []
    return _Track(index[-1].level, days, returns)


def _returns(levels: Sequence[Decimal]) -> list[Decimal]:
    return [after / before - 1 for before, after in pairwise(levels)]


def _are_daily(days: Sequence[date]) -> bool:
    """Whether at least two of three weekdays were valued; weekly returns as daily ones would double the volatility.

    Weekdays without a session need no calendar here: even a short week with two holidays passes.
    """
    first, last = days[0].toordinal(), days[-1].toordinal()
    weekdays = sum(date.fromordinal(day).weekday() < _SATURDAY for day in range(first + 1, last + 1))
    return 3 * (len(days) - 1) >= 2 * weekdays


def _annualized(level: Decimal, days: Sequence[date]) -> Measure:
    """Return the return of a year that gives `level` over the days; none for less than a year or a total loss."""
    span = days[-1] - days[0]
    if span < _YEAR or level <= 0:
        return NOT_ENOUGH_DATA
    return level ** (Decimal(_YEAR.days) / span.days) - 1


def _mean(values: Sequence[Decimal]) -> Decimal:
    return sum(values, ZERO) / len(values)


def _annual_deviation(returns: Sequence[Decimal], periods_per_year: int) -> Measure:
    """Return the sample standard deviation of daily figures, times the root of the periods of a year, exact."""
    if len(returns) < 2:
        return NOT_ENOUGH_DATA
    mean = _mean(returns)
    variance = sum(((each - mean) ** 2 for each in returns), ZERO) / (len(returns) - 1)
    return (variance * periods_per_year).sqrt()


def _sharpe(returns: Sequence[Decimal], volatility: Measure, risk_free: Decimal, periods_per_year: int) -> Measure:
    if volatility is NOT_ENOUGH_DATA or not quantize_ratio(volatility):
        return NOT_ENOUGH_DATA
    return (_mean(returns) * periods_per_year - risk_free) / volatility


def _turnover(trades: Sequence[Trade], points: Sequence[ValuePoint], zone: tzinfo) -> Measure:
    funded = dropwhile(lambda point: not point.total, points)
    closes = list({_day(point.as_of, zone): point.total for point in funded}.values())
    average = _mean(closes) if closes and len(points) > 1 else ZERO
    if average <= 0:
        return NOT_ENOUGH_DATA
    bought = sum((trade.notional for trade in trades if trade.action.cash_sign < 0), ZERO)
    sold = sum((trade.notional for trade in trades if trade.action.cash_sign > 0), ZERO)
    return quantize_ratio(min(bought, sold) / average)


def _aligned(days: Sequence[date], benchmark: Sequence[BenchmarkPoint], zone: tzinfo) -> list[Decimal]:
    """Return the benchmark's last price on or before each day; none at all where one of them is missing or old.

    The same price at both ends would be a return of 0 that nobody measured, so that gives none either.
    """
    priced = {_day(point.as_of, zone): point.price for point in benchmark}
    known = sorted(priced)
    found = [known[at - 1] if (at := bisect_right(known, day)) else date.min for day in days]
    stale = any(day - last > _BENCHMARK_AGE for day, last in zip(days, found, strict=True))
    return [] if stale or found[0] == found[-1] else [priced[day] for day in found]


def _compare(track: _Track, annualized: Measure, prices: Sequence[Decimal], periods_per_year: int) -> Comparison:
    if not prices:
        return Comparison()
    growth = prices[-1] / prices[0]
    returns = _returns(prices) if track.returns else []
    differences = [own - other for own, other in zip(track.returns, returns, strict=True)]
    return Comparison(
        benchmark_return=quantize_ratio(growth - 1),
        excess_return=quantize_ratio(track.total - growth),
        tracking_difference=_rounded(_difference(annualized, _annualized(growth, track.days))),
        tracking_error=_rounded(_annual_deviation(differences, periods_per_year)),
        beta=_rounded(_beta(track.returns, returns)),
    )


def _difference(own: Measure, other: Measure) -> Measure:
    if own is NOT_ENOUGH_DATA or other is NOT_ENOUGH_DATA:
        return NOT_ENOUGH_DATA
    return own - other


def _beta(own: Sequence[Decimal], other: Sequence[Decimal]) -> Measure:
    """Return the covariance of both by the variance of `other`; none where `other` does not move."""
    deviation = _annual_deviation(other, 1)
    if deviation is NOT_ENOUGH_DATA or not quantize_ratio(deviation):
        return NOT_ENOUGH_DATA
    own_mean, mean = _mean(own), _mean(other)
    together = sum(((a - own_mean) * (b - mean) for a, b in zip(own, other, strict=True)), ZERO)
    return together / sum(((b - mean) ** 2 for b in other), ZERO)


def _rounded(ratio: Measure) -> Measure:
    return NOT_ENOUGH_DATA if ratio is NOT_ENOUGH_DATA else quantize_ratio(ratio)
