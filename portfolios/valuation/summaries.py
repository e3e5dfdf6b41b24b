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
from typing import Any

from common.money import UNIT_LIMIT, ZERO, AmountOutOfRangeError, cash_or_none, quantize_cash
from portfolios.domain.accounting import Action, Holding
from portfolios.domain.performance import Drawdown, Measure, NotEnoughData, Performance, Trade, ValuePoint, measure
from portfolios.domain.snapshot import AccountSnapshot
from portfolios.models import AccountSummary, LedgerEntry, PortfolioAccount, Position, Valuation
from portfolios.selectors import books
from portfolios.selectors.margin import short_margins

_TRADES = [action.value for action in Action]


@dataclass(slots=True)
class SummarySource:
    """What one summary is made of. `points` are the valuations in time order, `version` the newest one's key;
    `marked_at` are the times of the holdings' marks, `short_margin` is a fraction.
    """

    points: list[ValuePoint] = field(default_factory=list)
    version: int | None = None
    holdings: list[Holding] = field(default_factory=list)
    marked_at: list[datetime] = field(default_factory=list)
    closed_pnl: list[Decimal] = field(default_factory=list)
    trades: list[Trade] = field(default_factory=list)
    fees: Decimal = ZERO
    short_margin: Decimal = ZERO


def read_sources(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, SummarySource]:
    """Return what summaries are made of, by account. Five queries, which want one snapshot or the lock."""
    read = {key: SummarySource(short_margin=margin) for key, margin in short_margins(ids).items()}
    valuations = Valuation.objects.filter(account_id__in=ids).order_by("as_of", "pk")
    # Values, not rows: a year of them for thousands of accounts takes a quarter of the time.
    columns = ("account_id", "pk", "as_of", "total", "external_flow")
    for account_id, key, as_of, total, flow in valuations.values_list(*columns):
        one = read[account_id]
        one.points.append(ValuePoint(as_of, total, flow))
        one.version = max(key, one.version or 0)
    for position in books.open_positions_of(ids):
        read[position.account_id].holdings.append(position.as_holding())
        read[position.account_id].marked_at.append(position.marked_at)
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
    values = summary_values(read, cash_balance=account.cash_balance, payable=account.payable)
    return AccountSummary(account=account, book_version=account.book_version, refreshed_at=now, **values)


def summary_values(read: SummarySource, *, cash_balance: Decimal, payable: Decimal = ZERO) -> dict[str, Any]:
    """Return the columns of a summary that follow from at least one valuation and what is held, by name.

    No model goes in or out: the migration that fills missing summaries has models of its own time.
    """
    found, last = _measured(read), read.points[-1]
    snapshot = AccountSnapshot(cash_balance, {held.symbol: held for held in read.holdings}, payable=payable)
    return {
        "as_of": last.as_of,
        "total": last.total,
        "change": _change(read.points),
        "valuation_days": len({_day(point) for point in read.points}),
        "time_weighted_return": _stored(found.time_weighted_return) if found else None,
        "max_drawdown": _depth(found.max_drawdown) if found else None,
        "sharpe_ratio": _stored(found.sharpe_ratio) if found else None,
        "hit_rate": _stored(found.hit_rate) if found else None,
        "turnover": _stored(found.turnover) if found else None,
        "closed_positions": len(read.closed_pnl),
        "open_positions": len(read.holdings),
        "total_costs": read.fees,
        "gross_exposure": quantize_cash(snapshot.gross_exposure),
        "net_exposure": quantize_cash(snapshot.net_exposure),
        "available_cash": cash_or_none(snapshot.available_cash(short_margin=read.short_margin)),
        "margin_status": snapshot.margin_status(short_margin=read.short_margin).value,
        "oldest_mark_at": min(read.marked_at, default=None),
    }


def _measured(read: SummarySource) -> Performance | None:
    """Return the measures; None where a ratio is larger than the books hold, which must not stop a valuation."""
    start = ValuePoint(read.points[0].as_of, ZERO)  # so that the first deposit counts
    try:
        return measure([start, *read.points], closed_pnl=read.closed_pnl, trades=read.trades)
    except AmountOutOfRangeError:
        return None


def _change(points: Sequence[ValuePoint]) -> Decimal | None:
    """Return what the account gained since the last valuation of an earlier day (UTC), None where there is none.

    None as well where it is more than the books hold.
    """
    today = _day(points[-1])
    earlier = sum(1 for _ in takewhile(lambda point: _day(point) < today, points))
    if not earlier:
        return None
    flows = sum((point.external_flow for point in points[earlier:]), ZERO)
    return cash_or_none(points[-1].total - points[earlier - 1].total - flows)


def _day(point: ValuePoint) -> date:
    return point.as_of.astimezone(UTC).date()


def _stored(found: Measure) -> Decimal | None:
    """Return a ratio as its column holds it: None where there is none, and where it is larger than the column."""
    return None if isinstance(found, NotEnoughData) or abs(found) >= UNIT_LIMIT else found


def _depth(found: Drawdown | NotEnoughData) -> Decimal | None:
    return None if isinstance(found, NotEnoughData) else _stored(found.depth)
