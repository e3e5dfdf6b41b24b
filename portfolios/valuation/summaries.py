"""Works out what pages show of each account: its performance and its exposures. The ledger stores it.

A page that worked this out itself would read years of valuations for every account. A summary is no record of the
books: it follows from them, says of which version of them it is, and can be made again at any time.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import takewhile

from common.money import ZERO, AmountOutOfRangeError, quantize_cash
from portfolios.domain.accounting import Action
from portfolios.domain.performance import Drawdown, Measure, NotEnoughData, Performance, Trade, ValuePoint, measure
from portfolios.models import AccountSummary, LedgerEntry, PortfolioAccount, Position, Valuation
from portfolios.selectors import books

_TRADES = [action.value for action in Action]


@dataclass(slots=True)
class SummarySource:
    """What one summary is made of. `points` are the valuations in time order, `version` the newest one's key."""

    points: list[ValuePoint] = field(default_factory=list)
    version: int | None = None
    positions: list[Position] = field(default_factory=list)
    closed_pnl: list[Decimal] = field(default_factory=list)
    trades: list[Trade] = field(default_factory=list)
    fees: Decimal = ZERO


def read_sources(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, SummarySource]:
    """Return what summaries are made of, by account. Four queries, which want one snapshot or the lock."""
    read = {key: SummarySource() for key in ids}
    valuations = Valuation.objects.filter(account_id__in=ids).order_by("as_of", "pk")
    # Values, not rows: a year of them for thousands of accounts takes a quarter of the time.
    columns = ("account_id", "pk", "as_of", "total", "external_flow")
    for account_id, key, as_of, total, flow in valuations.values_list(*columns):
        one = read[account_id]
        one.points.append(ValuePoint(as_of, total, flow))
        one.version = max(key, one.version or 0)
    for position in books.open_positions_of(ids):
        read[position.account_id].positions.append(position)
    closed = Position.objects.filter(account_id__in=ids, status=Position.Status.CLOSED)
    for account_id, profit in closed.values_list("account_id", "realized_pnl").order_by():
        read[account_id].closed_pnl.append(profit)
    _read_trades(ids, read)
    return read


def _read_trades(ids: Sequence[uuid.UUID], read: dict[uuid.UUID, SummarySource]) -> None:
    entries = LedgerEntry.objects.filter(account_id__in=ids, kind__in=[*_TRADES, LedgerEntry.Kind.FEE])
    for account_id, kind, amount in entries.values_list("account_id", "kind", "amount").order_by():
        if kind == LedgerEntry.Kind.FEE:
            read[account_id].fees -= amount
        else:
            read[account_id].trades.append(Trade(Action(kind), abs(amount)))


def summaries_of(
    accounts: Sequence[PortfolioAccount], sources: dict[uuid.UUID, SummarySource], *, now: datetime
) -> list[AccountSummary]:
    """Return the summaries of these accounts, still to be written. One without a valuation has none."""
    return [_summary(account, sources[account.pk], now) for account in accounts if sources[account.pk].points]


def _summary(account: PortfolioAccount, read: SummarySource, now: datetime) -> AccountSummary:
    found, last = _measured(read), read.points[-1]
    holdings = [position.as_holding() for position in read.positions]
    return AccountSummary(
        account=account,
        as_of=last.as_of,
        book_version=account.book_version,
        total=last.total,
        change=_change(read.points),
        valuation_days=len({_day(point) for point in read.points}),
        time_weighted_return=_stored(found.time_weighted_return) if found else None,
        max_drawdown=_depth(found.max_drawdown) if found else None,
        sharpe_ratio=_stored(found.sharpe_ratio) if found else None,
        hit_rate=_stored(found.hit_rate) if found else None,
        turnover=_stored(found.turnover) if found else None,
        closed_positions=len(read.closed_pnl),
        open_positions=len(holdings),
        total_costs=read.fees,
        gross_exposure=quantize_cash(sum((abs(held.market_value) for held in holdings), ZERO)),
        net_exposure=quantize_cash(sum((held.market_value for held in holdings), ZERO)),
        oldest_mark_at=min((position.marked_at for position in read.positions), default=None),
        refreshed_at=now,
    )


def _measured(read: SummarySource) -> Performance | None:
    """Return the measures; None where a ratio is larger than the books hold, which must not stop a valuation."""
    start = ValuePoint(read.points[0].as_of, ZERO)  # so that the first deposit counts
    try:
        return measure([start, *read.points], closed_pnl=read.closed_pnl, trades=read.trades)
    except AmountOutOfRangeError:
        return None


def _change(points: Sequence[ValuePoint]) -> Decimal | None:
    """Return what the account gained since the last valuation of an earlier day (UTC), None where there is none."""
    today = _day(points[-1])
    earlier = sum(1 for _ in takewhile(lambda point: _day(point) < today, points))
    if not earlier:
        return None
    flows = sum((point.external_flow for point in points[earlier:]), ZERO)
    return points[-1].total - points[earlier - 1].total - flows


def _day(point: ValuePoint) -> date:
    return point.as_of.astimezone(UTC).date()


def _stored(found: Measure) -> Decimal | None:
    return None if isinstance(found, NotEnoughData) else found


def _depth(found: Drawdown | NotEnoughData) -> Decimal | None:
    return None if isinstance(found, NotEnoughData) else found.depth
