"""The only reader of the books for other apps and the doors."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Max

from portfolios.accounting import Holding
from portfolios.models import (
    LedgerEntry,
    PortfolioAccount,
    Position,
    Price,
    Provider,
    RiskPolicy,
    Security,
    Strategy,
)
from portfolios.snapshot import AccountSnapshot

PROVIDERS: tuple[str, ...] = tuple(Provider.values)


def find_strategy(strategy_id: UUID) -> Strategy | None:
    """Return the strategy, or None."""
    return Strategy.objects.filter(pk=strategy_id).first()


def strategy_name_taken(name: str, *, strategy_id: UUID) -> bool:
    """Whether another strategy has that name; names are compared to the letter.

    The strategy itself may have come into being since the caller looked for it: another caller creates it too.
    """
    return Strategy.objects.filter(name=name).exclude(pk=strategy_id).exists()


def newest_risk_policy(strategy_id: UUID) -> RiskPolicy | None:
    """Return the strategy's newest policy version, or None where it has none of its own."""
    return RiskPolicy.objects.filter(strategy_id=strategy_id).order_by("-version").first()


def find_account(*, strategy_id: UUID, provider: str) -> PortfolioAccount | None:
    """Return the account without a lock: a look, not a basis for writing."""
    return PortfolioAccount.objects.filter(strategy_id=strategy_id, provider=provider).first()


def open_positions(account: PortfolioAccount) -> list[Position]:
    """Return the account's open positions by symbol. To write on what they say, hold the account's lock."""
    return list(account.positions.filter(status=Position.Status.OPEN).order_by("security_id"))


def held_symbols(account: PortfolioAccount) -> frozenset[str]:
    """Return the symbols of the account's open positions."""
    open_rows = account.positions.filter(status=Position.Status.OPEN)
    return frozenset(str(symbol) for symbol in open_rows.values_list("security_id", flat=True))


def snapshot(
    *, cash_balance: Decimal, positions: Sequence[Position], marks: Mapping[str, Decimal], book_version: int
) -> AccountSnapshot:
    """Return the frozen picture of an account, its holdings marked at `marks`, else at their last mark."""
    holdings = (position.as_holding() for position in positions)
    marked = {held.symbol: _marked(held, marks.get(held.symbol)) for held in holdings}
    return AccountSnapshot(cash_balance=cash_balance, holdings=marked, book_version=book_version)


def external_flow(account: PortfolioAccount) -> Decimal:
    """Return the deposits minus the withdrawals since the account's last valuation."""
    last = account.valuations.aggregate(version=Max("book_version"))["version"] or 0
    outside = [LedgerEntry.Kind.DEPOSIT, LedgerEntry.Kind.WITHDRAWAL]
    flows = account.ledger.filter(sequence__gt=last, kind__in=outside).values_list("amount", flat=True)
    return sum(flows, Decimal(0))


def securities(symbols: Iterable[str]) -> dict[str, Security]:
    """Return the known securities among `symbols`, by symbol."""
    return {security.symbol: security for security in Security.objects.filter(symbol__in=sorted(symbols))}


def latest_prices(symbols: Iterable[str], *, until: datetime) -> dict[str, Price]:
    """Return each symbol's newest stored price not later than `until`; symbols without one are left out."""
    newest = Price.objects.filter(
        security_id__in=sorted(symbols), as_of__lte=until, security__currency=F("currency")
    )
    times = dict(newest.values_list("security_id").annotate(Max("as_of")).order_by())
    found = newest.filter(as_of__in=set(times.values())).order_by("pk")
    return {price.security_id: price for price in found if price.as_of == times[price.security_id]}


def _marked(holding: Holding, mark: Decimal | None) -> Holding:
    return holding if mark is None else replace(holding, mark_price=mark)


def accounts_holding(symbol: str) -> list[UUID]:
    """Return the ids of the accounts with an open position in `symbol`."""
    rows = Position.objects.filter(security_id=symbol, status=Position.Status.OPEN)
    return list(rows.order_by("account_id").values_list("account_id", flat=True))


def ledger_of_orders(order_ids: Iterable[UUID]) -> dict[UUID, list[LedgerEntry]]:
    """Return the ledger entries of each order, in their sequence."""
    found: dict[UUID, list[LedgerEntry]] = {}
    for entry in LedgerEntry.objects.filter(order_id__in=list(order_ids)).order_by("sequence"):
        if entry.order_id is not None:
            found.setdefault(entry.order_id, []).append(entry)
    return found


def get_account(account_id: UUID) -> PortfolioAccount | None:
    """Return the account without a lock, or None."""
    return PortfolioAccount.objects.filter(pk=account_id).first()


def account_ids(only: Iterable[UUID] | None = None) -> list[UUID]:
    """Return the ids of all accounts, or of those among `only` that exist, sorted."""
    rows = PortfolioAccount.objects.all() if only is None else PortfolioAccount.objects.filter(pk__in=list(only))
    return list(rows.order_by("pk").values_list("pk", flat=True))


@contextmanager
def one_snapshot() -> Iterator[None]:
    """Let several queries see the books at one moment: what adds up several rows must not see half of a booking.

    PostgreSQL: a REPEATABLE READ READ ONLY transaction. SQLite: a deferred read transaction, which waits for nobody
    and keeps nobody waiting. Inside a transaction that is open already, that one's view holds.
    """
    if connection.in_atomic_block:
        yield
        return
    if connection.vendor == "postgresql":
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield
        return
    connection.ensure_connection()  # connecting reads the mode from the settings
    sqlite: Any = connection  # the wrapper of SQLite alone has a transaction mode
    mode = sqlite.transaction_mode
    try:
        sqlite.transaction_mode = "DEFERRED"
        with transaction.atomic():
            yield
    finally:
        sqlite.transaction_mode = mode
