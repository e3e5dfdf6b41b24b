"""What follows from an account's books: weights and exposures now, performance over time. Nothing is written."""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from common.money import ZERO, cash_or_none, notional, quantize_cash, quantize_ratio
from portfolios.domain.accounting import Action
from portfolios.domain.performance import (
    NOT_ENOUGH_DATA,
    BenchmarkPoint,
    Measure,
    Performance,
    Trade,
    ValuePoint,
    measure,
)
from portfolios.domain.snapshot import AccountSnapshot
from portfolios.models import Order, PortfolioAccount, Position, Valuation
from portfolios.selectors import books, stored_prices
from portfolios.selectors.margin import short_margins


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldingFigures:
    """One open position at its last mark. `weight` is signed and a fraction of the total value, None where that is
    not above zero; `unrealized_pnl` is before the fees of a sale.
    """

    symbol: str
    sector: str
    side: str
    quantity: Decimal
    average_price: Decimal
    cost_basis: Decimal
    mark_price: Decimal
    marked_at: datetime
    market_value: Decimal
    unrealized_pnl: Decimal
    weight: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SectorExposure:
    """What the open positions of one sector come to; an empty sector is unknown. Weights are fractions."""

    sector: str
    gross_exposure: Decimal
    net_exposure: Decimal
    gross_weight: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFigures:
    """An account at the last marks of its positions, all read at one moment.

    `available_cash` is what no short keeps as its collateral, with the margin of the policy in force; None where it
    is more than the books hold.
    """

    cash_balance: Decimal
    equity_value: Decimal
    total_value: Decimal
    gross_exposure: Decimal
    net_exposure: Decimal
    short_value: Decimal
    available_cash: Decimal | None
    cash_weight: Decimal | None
    book_version: int
    holdings: tuple[HoldingFigures, ...]
    sectors: tuple[SectorExposure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceFigures:
    """How an account did; a ratio is a fraction, None where the data does not give it.

    `first` and `last` are the times of the first and the last valuation that went in.
    """

    valuations: int
    first: datetime | None
    last: datetime | None
    total_costs: Decimal
    time_weighted_return: Decimal | None
    annualized_return: Decimal | None
    volatility: Decimal | None
    sharpe_ratio: Decimal | None
    hit_rate: Decimal | None
    turnover: Decimal | None
    max_drawdown: Decimal | None
    drawdown_peak: date | None
    drawdown_trough: date | None
    drawdown_recovery: date | None
    benchmark: str | None
    benchmark_return: Decimal | None
    excess_return: Decimal | None
    tracking_difference: Decimal | None
    tracking_error: Decimal | None
    beta: Decimal | None


def account_figures(account_id: uuid.UUID) -> tuple[PortfolioAccount, AccountFigures] | None:
    """Return the account with its figures, or None where there is no such account. Four queries."""
    with books.one_snapshot():
        account = books.get_account(account_id)
        if account is None:
            return None
        positions = books.open_positions(account)
        known = books.securities(position.security_id for position in positions)
        margin = short_margins([account_id])[account_id]
    snapshot = books.snapshot(
        cash_balance=account.cash_balance,
        positions=positions,
        marks={},
        book_version=account.book_version,
        payable=account.payable,
    )
    sectors = {symbol: security.sector for symbol, security in known.items()}
    return account, AccountFigures(
        cash_balance=snapshot.cash_balance,
        equity_value=quantize_cash(snapshot.equity_value),
        total_value=quantize_cash(snapshot.total_value),
        gross_exposure=quantize_cash(snapshot.gross_exposure),
        net_exposure=quantize_cash(snapshot.net_exposure),
        short_value=quantize_cash(snapshot.short_value),
        available_cash=cash_or_none(snapshot.available_cash(short_margin=margin)),
        cash_weight=_weight(snapshot.cash_balance, snapshot),
        book_version=snapshot.book_version,
        holdings=tuple(_holding(position, snapshot, sectors) for position in positions),
        sectors=tuple(_sectors(snapshot, sectors)),
    )


def account_performance(
    account_id: uuid.UUID, *, since: datetime | None, until: datetime | None, benchmark: str | None
) -> PerformanceFigures | None:
    """Return how the account did from `since` on and before `until` (None: its whole life), or None for no account.

    `benchmark` is the symbol of a security with stored prices. The number of queries does not depend on the time.
    """
    times = {name: value for name, value in (("gte", since), ("lt", until)) if value is not None}
    with books.one_snapshot():
        if books.get_account(account_id) is None:
            return None
        points = _points(account_id, times)
        found = measure(
            _with_its_start(points) if since is None else points,
            benchmark=_benchmark(benchmark, times) if benchmark is not None else (),
            closed_pnl=_closed_pnl(account_id, times),
            trades=_trades(account_id, times),
        )
    return _performance(found, points, benchmark)


def _weight(part: Decimal, snapshot: AccountSnapshot) -> Decimal | None:
    return quantize_ratio(part / snapshot.total_value) if snapshot.total_value > 0 else None


def _holding(position: Position, snapshot: AccountSnapshot, sectors: dict[str, str]) -> HoldingFigures:
    held = snapshot.holdings[position.security_id]
    return HoldingFigures(
        symbol=held.symbol,
        sector=sectors.get(held.symbol, ""),
        side=str(held.side.value),
        quantity=held.quantity,
        average_price=held.average_price,
        cost_basis=held.cost_basis,
        mark_price=held.mark_price,
        marked_at=position.marked_at,
        market_value=held.market_value,
        unrealized_pnl=held.unrealized_pnl,
        weight=_weight(held.market_value, snapshot),
    )


def _sectors(snapshot: AccountSnapshot, sectors: dict[str, str]) -> Iterable[SectorExposure]:
    values: dict[str, list[Decimal]] = defaultdict(list)
    for symbol, held in snapshot.holdings.items():
        values[sectors.get(symbol, "")].append(held.market_value)
    for sector, parts in sorted(values.items()):
        gross = sum((abs(part) for part in parts), ZERO)
        yield SectorExposure(
            sector=sector,
            gross_exposure=gross,
            net_exposure=sum(parts, ZERO),
            gross_weight=_weight(gross, snapshot),
        )


def _points(account_id: uuid.UUID, times: dict[str, datetime]) -> list[ValuePoint]:
    """The account's values in time order."""
    rows = Valuation.objects.filter(account_id=account_id, **_between("as_of", times)).order_by("as_of", "pk")
    return [ValuePoint(*row) for row in rows.values_list("as_of", "total", "external_flow")]


def _with_its_start(points: list[ValuePoint]) -> list[ValuePoint]:
    """A life begins with nothing: then the first deposit counts, and what the first trades made of it."""
    return [ValuePoint(points[0].as_of, ZERO), *points] if points else []


def _benchmark(symbol: str, times: dict[str, datetime]) -> list[BenchmarkPoint]:
    series = stored_prices.price_series(symbol, since=times.get("gte"), until=times.get("lt"))
    return [BenchmarkPoint(as_of, price) for as_of, price in series]


def _closed_pnl(account_id: uuid.UUID, times: dict[str, datetime]) -> list[Decimal]:
    closed = Position.objects.filter(
        account_id=account_id, status=Position.Status.CLOSED, **_between("closed_at", times)
    )
    return list(closed.order_by("closed_at", "pk").values_list("realized_pnl", flat=True))


def _trades(account_id: uuid.UUID, times: dict[str, datetime]) -> list[Trade]:
    filled = Order.objects.filter(account_id=account_id, filled_at__isnull=False, **_between("filled_at", times))
    rows = filled.order_by("filled_at", "pk").values_list("action", "filled_quantity", "average_fill_price", "fee")
    return [
        Trade(Action(action), notional(quantity=quantity, price=price), fee)
        for action, quantity, price, fee in rows
        if price is not None
    ]


def _between(column: str, times: dict[str, datetime]) -> dict[str, datetime]:
    return {f"{column}__{lookup}": time for lookup, time in times.items()}


def _performance(found: Performance, points: list[ValuePoint], benchmark: str | None) -> PerformanceFigures:
    drawdown, beside = found.max_drawdown, found.comparison
    fall = None if drawdown is NOT_ENOUGH_DATA else drawdown
    return PerformanceFigures(
        valuations=len(points),
        first=points[0].as_of if points else None,
        last=points[-1].as_of if points else None,
        total_costs=found.total_costs,
        time_weighted_return=_known(found.time_weighted_return),
        annualized_return=_known(found.annualized_return),
        volatility=_known(found.volatility),
        sharpe_ratio=_known(found.sharpe_ratio),
        hit_rate=_known(found.hit_rate),
        turnover=_known(found.turnover),
        max_drawdown=fall.depth if fall else None,
        drawdown_peak=fall.peak if fall else None,
        drawdown_trough=fall.trough if fall else None,
        drawdown_recovery=fall.recovery if fall else None,
        benchmark=benchmark,
        benchmark_return=_known(beside.benchmark_return),
        excess_return=_known(beside.excess_return),
        tracking_difference=_known(beside.tracking_difference),
        tracking_error=_known(beside.tracking_error),
        beta=_known(beside.beta),
    )


def _known(value: Measure) -> Decimal | None:
    return None if value is NOT_ENOUGH_DATA else value
