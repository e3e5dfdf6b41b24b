"""Reads the books for pages: sums over all accounts, and the values, measures and positions of some.

What is added up over all accounts comes from columns that stand in their rows; measures come from the stored
summaries, which say of which books they are. Sums are made here, not in SQL: SQLite would add doubles.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from django.db.models import BooleanField, Case, Count, Exists, F, Max, OuterRef, Q, QuerySet, Subquery, Value, When

from common.money import ZERO
from portfolios.domain.performance import (
    BenchmarkPoint,
    IndexPoint,
    NotEnoughData,
    ValuePoint,
    last_of_each_day,
    time_weighted_index,
)
from portfolios.models import (
    AccountSummary,
    LedgerEntry,
    Order,
    PortfolioAccount,
    Position,
    Price,
    Provider,
    RiskPolicy,
    Security,
    Strategy,
    Valuation,
)
from portfolios.selectors import stored_prices

# What a strategy needs before its providers are compared: with less, luck decides.
LEAGUE_DAYS = 20
LEAGUE_CLOSED = 5

NOT_VALUED = "not valued yet"  # what pages say of an account without a valuation


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """All accounts together, in cash; `total` is less what is owed.

    `change` is the sum over the `changed` accounts that have one.
    """

    accounts: int
    matching: int
    total: Decimal
    cash: Decimal
    equity: Decimal
    change: Decimal | None
    changed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which accounts a page is about; empty text means all."""

    text: str = ""
    provider: str = ""
    state: str = ""
    margin: str = ""

    def condition(self) -> Q:
        """Return the condition on accounts."""
        wanted = Q(strategy__name__icontains=self.text) if self.text else Q(pk__isnull=False)
        wanted &= Q(provider=self.provider) if self.provider else Q()
        wanted &= Q(trading_state=self.state) if self.state else Q()
        return wanted & (Q(summary__margin_status=self.margin) if self.margin else Q())


def _flag(condition: Q) -> Case:
    return Case(When(condition, then=Value(True)), default=Value(False), output_field=BooleanField())  # noqa: FBT003


def totals(filters: Filters) -> Totals:
    """Return the sums over all accounts, and how many of them match. One query."""
    rows = PortfolioAccount.objects.order_by().values_list(
        "cash_balance",
        "equity_value",
        "payable",
        "summary__change",
        _flag(filters.condition()),
    )
    found = list(rows)
    changes = [row[3] for row in found if row[3] is not None]
    cash, equity = sum((row[0] for row in found), ZERO), sum((row[1] for row in found), ZERO)
    owed = sum((row[2] for row in found), ZERO)
    return Totals(
        accounts=len(found),
        matching=sum(row[4] for row in found),
        total=cash + equity - owed,
        cash=cash,
        equity=equity,
        change=sum(changes, ZERO) if changes else None,
        changed=len(changes),
    )


@dataclass(frozen=True, slots=True)
class Marked:
    """How many positions are open, and how many of them are marked at no price that is stored, as a default one."""

    positions: int
    invented: int


def marked(*, since: datetime) -> Marked:
    """Count the open positions, and those whose mark is no price that is stored since `since`. One query."""
    stored = Price.objects.filter(
        security=OuterRef("security"),
        price=OuterRef("mark_price"),
        as_of__gte=since,
        as_of__lte=OuterRef("marked_at"),
    )
    found = Position.objects.filter(status=Position.Status.OPEN).aggregate(
        positions=Count("pk"), invented=Count("pk", filter=~Exists(stored))
    )
    return Marked(**found)


def accounts(filters: Filters) -> "QuerySet[PortfolioAccount]":
    """Return the matching accounts with strategy and summary, to be ordered (`ordering_total`) and sliced."""
    rows = PortfolioAccount.objects.filter(filters.condition()).select_related("strategy", "summary")
    return rows.annotate(ordering_total=F("cash_balance") + F("equity_value") - F("payable"))


def league(*, start: int, size: int) -> list[PortfolioAccount]:
    """Return the accounts of strategies that several providers trade, by strategy: `size` strategies from `start`.

    Each has its summary, and the version of its strategy's newest policy as `policy_version`. One query.
    """
    shared = (
        Strategy.objects.annotate(providers=Count("accounts"))
        .filter(providers__gte=2)
        .order_by("name")
        .values("pk")
    )
    newest = RiskPolicy.objects.filter(strategy=OuterRef("strategy")).order_by("-version").values("version")[:1]
    rows = accounts(Filters()).filter(strategy_id__in=shared[start : start + size])
    return list(rows.annotate(policy_version=Subquery(newest)).order_by("strategy__name", "provider"))


def summary_of(account: PortfolioAccount) -> AccountSummary | None:
    """Return the stored measures of an account that was read with them; None where it was never valued."""
    return getattr(account, "summary", None)


def total_of(account: PortfolioAccount) -> Decimal:
    """Return cash plus equity, less what is owed, as they stand in the books."""
    return account.total_value


def is_current(account: PortfolioAccount) -> bool:
    """Whether the stored measures are of the account's books as they stand."""
    found = summary_of(account)
    return found is not None and (found.book_version, found.total) == (account.book_version, total_of(account))


def is_eligible(account: PortfolioAccount) -> bool:
    """Whether an account has enough behind it to be compared: LEAGUE_DAYS of values, LEAGUE_CLOSED positions."""
    found = summary_of(account)
    return found is not None and found.valuation_days >= LEAGUE_DAYS and found.closed_positions >= LEAGUE_CLOSED


def account_with_summary(account_id: uuid.UUID) -> Any | None:
    """Return one account with its strategy and its summary, or None."""
    return accounts(Filters()).filter(pk=account_id).first()


def accounts_of_strategy(strategy_id: uuid.UUID) -> list[Any]:
    """Return the accounts of a strategy with their summaries, by provider."""
    return list(accounts(Filters()).filter(strategy_id=strategy_id).order_by("provider"))


def positions_of(account_id: uuid.UUID) -> list[Position]:
    """Return all positions of an account with their securities, the open ones first."""
    rows = Position.objects.filter(account_id=account_id).select_related("security")
    return list(rows.order_by("-status", "security_id", "-opened_at"))


def orders_of(account_id: uuid.UUID, *, symbol: str) -> "QuerySet[Order]":
    """Return the orders of an account, of all symbols where `symbol` is empty."""
    rows = Order.objects.filter(account_id=account_id)
    return rows.filter(security_id=symbol) if symbol else rows


def ledger_of(account_id: uuid.UUID, *, symbol: str) -> "QuerySet[LedgerEntry]":
    """Return the ledger of an account, of all symbols and of cash alone where `symbol` is empty."""
    rows = LedgerEntry.objects.filter(account_id=account_id)
    return rows.filter(security_id=symbol) if symbol else rows


def strategies() -> "QuerySet[Strategy]":
    """Return all strategies with their number of accounts and the version of their newest policy."""
    return Strategy.objects.annotate(
        account_count=Count("accounts", distinct=True), policy_version=Max("risk_policies__version")
    )


def policies_of(strategy_id: uuid.UUID) -> list[RiskPolicy]:
    """Return the versions of a strategy's policy, newest first."""
    return list(RiskPolicy.objects.filter(strategy_id=strategy_id).order_by("-version"))


def has_strategies() -> bool:
    """Whether there is anything to execute research for."""
    return Strategy.objects.exists()


@dataclass(frozen=True, slots=True)
class Curve:
    """One account day by day (UTC): the last total, and what 1 at the start has become (the index)."""

    totals: dict[date, Decimal]
    index: dict[date, Decimal]

    @property
    def drawdown(self) -> dict[date, Decimal]:
        """For each day the index below its high so far, zero or less."""
        high, found = ZERO, {}
        for day, level in self.index.items():
            high = max(high, level)
            found[day] = level / high - 1 if high else ZERO
        return found


def curves(account_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Curve]:
    """Return the curve of each account that was valued. One query."""
    valuations: dict[uuid.UUID, list[Valuation]] = {}
    for row in Valuation.objects.filter(account_id__in=list(account_ids)).order_by("as_of", "pk"):
        valuations.setdefault(row.account_id, []).append(row)
    return {account: _curve(rows) for account, rows in valuations.items()}


def _curve(rows: Sequence[Valuation]) -> Curve:
    points = [
        ValuePoint(rows[0].as_of, ZERO),
        *(ValuePoint(row.as_of, row.total, row.external_flow) for row in rows),
    ]
    index = time_weighted_index(points)
    known: Sequence[IndexPoint] = () if isinstance(index, NotEnoughData) else index
    return Curve({row.as_of.date(): row.total for row in rows}, last_of_each_day(known))


def benchmark_prices(symbol: str, *, since: date) -> list[BenchmarkPoint]:
    """Return the last stored price of each day of a security, from a day (UTC) on, per unit of today."""
    begin = datetime.combine(since, time(), UTC)
    daily = {as_of.date(): price for as_of, price in stored_prices.price_series(symbol, since=begin, until=None)}
    return [BenchmarkPoint(day, price) for day, price in daily.items()]


def benchmarks() -> list[str]:
    """Return the symbols of the funds that have stored prices: what accounts are compared with."""
    funds = Security.objects.filter(asset_class=Security.AssetClass.FUND, prices__isnull=False)
    return list(funds.order_by("symbol").values_list("symbol", flat=True).distinct())


def fraction(part: Decimal, whole: Decimal) -> Decimal | None:
    """Return part / whole, None where the whole is nothing or less: a share of a debt would say the opposite."""
    return part / whole if whole > 0 else None


@dataclass(frozen=True, slots=True)
class Allocation:
    """One open position with what it is worth, signed, and its fraction of the account's total."""

    position: Position
    market_value: Decimal
    unrealized: Decimal
    weight: Decimal | None


def weighed(positions: Iterable[Position], *, total: Decimal) -> list[Allocation]:
    """Return the open positions among `positions` with values, gains and weights, the largest first."""
    found = []
    for position in positions:
        if position.status == Position.Status.OPEN:
            held = position.as_holding()
            value = held.market_value
            found.append(Allocation(position, value, held.unrealized_pnl, fraction(value, total)))
    return sorted(found, key=lambda item: (-abs(item.market_value), item.position.security_id))


def provider_name(word: str) -> str:
    """Return a provider's name as people write it."""
    return str(Provider(word).label) if word in Provider.values else word


def last_price_at() -> datetime | None:
    """Return the time of the newest stored price."""
    return Price.objects.order_by("-as_of").values_list("as_of", flat=True).first()


def last_valuation_at() -> datetime | None:
    """Return the time of the newest valuation."""
    return Valuation.objects.order_by("-as_of").values_list("as_of", flat=True).first()
