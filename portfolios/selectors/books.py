"""The only reader of the books for other apps and the doors."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Max

from common.money import ZERO
from portfolios.domain.accounting import Holding
from portfolios.domain.snapshot import AccountSnapshot
from portfolios.models import (
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

PROVIDERS: tuple[str, ...] = tuple(Provider.values)


def find_strategy(strategy_id: UUID) -> Strategy | None:
    """Return the strategy, or None."""
    return Strategy.objects.filter(pk=strategy_id).first()


def strategy_name_taken(name: str, *, strategy_id: UUID) -> bool:
    """Whether another strategy has that name; names are compared to the letter.

    The strategy itself may have come into being since the caller looked for it: another caller creates it too.
    """
    return Strategy.objects.filter(name=name).exclude(pk=strategy_id).exists()


def strategy_names() -> dict[str, UUID]:
    """Return the id of every strategy by its name."""
    return dict(Strategy.objects.values_list("name", "pk"))


def newest_risk_policy(strategy_id: UUID) -> RiskPolicy | None:
    """Return the strategy's newest policy version, or None where it has none of its own."""
    return RiskPolicy.objects.filter(strategy_id=strategy_id).order_by("-version").first()


def find_price(symbol: str, *, source: str, as_of: datetime) -> Price | None:
    """Return the stored price of that source and time, or None."""
    return Price.objects.filter(security_id=symbol, source=source, as_of=as_of).first()


def find_account(*, strategy_id: UUID, provider: str) -> PortfolioAccount | None:
    """Return the account without a lock: a look, not a basis for writing."""
    return PortfolioAccount.objects.filter(strategy_id=strategy_id, provider=provider).first()


def open_positions(account: PortfolioAccount) -> list[Position]:
    """Return the account's open positions by symbol. To write on what they say, hold the account's lock."""
    return list(account.positions.filter(status=Position.Status.OPEN).order_by("security_id"))


def held_marks(account: PortfolioAccount) -> dict[str, Decimal]:
    """Return the last marks of the account's open positions by symbol."""
    open_rows = account.positions.filter(status=Position.Status.OPEN)
    return {str(symbol): mark for symbol, mark in open_rows.values_list("security_id", "mark_price")}


def snapshot(
    *,
    cash_balance: Decimal,
    positions: Sequence[Position],
    marks: Mapping[str, Decimal],
    book_version: int,
    payable: Decimal = ZERO,
) -> AccountSnapshot:
    """Return the frozen picture of an account, its holdings marked at `marks`, else at their last mark."""
    holdings = (position.as_holding() for position in positions)
    marked = {held.symbol: _marked(held, marks.get(held.symbol)) for held in holdings}
    return AccountSnapshot(cash_balance=cash_balance, holdings=marked, book_version=book_version, payable=payable)


def external_flows(accounts: Iterable[UUID]) -> dict[UUID, Decimal]:
    """Return for each account the deposits minus the withdrawals since its last valuation, where there were any."""
    ids = list(accounts)
    versions = (
        Valuation.objects.filter(account_id__in=ids).values("account_id").annotate(version=Max("book_version"))
    )
    valued = {row["account_id"]: row["version"] for row in versions.order_by()}
    outside = [LedgerEntry.Kind.DEPOSIT, LedgerEntry.Kind.WITHDRAWAL]
    flows: dict[UUID, Decimal] = {}
    for entry in LedgerEntry.objects.filter(account_id__in=ids, kind__in=outside):
        if entry.sequence > valued.get(entry.account_id, 0):
            flows[entry.account_id] = flows.get(entry.account_id, Decimal(0)) + entry.amount
    return flows


def changed_since(accounts: Iterable[UUID], time: datetime) -> set[UUID]:
    """Return those of the accounts whose last ledger entry is later than `time`."""
    last = LedgerEntry.objects.filter(account_id__in=list(accounts), sequence=F("account__book_version"))
    return set(last.filter(occurred_at__gt=time).values_list("account_id", flat=True))


def valued_since(accounts: Iterable[UUID], time: datetime) -> set[UUID]:
    """Return those of the accounts that have a valuation of that time or a later one."""
    rows = Valuation.objects.filter(account_id__in=list(accounts), as_of__gte=time)
    return set(rows.values_list("account_id", flat=True))


def last_valuations(accounts: Iterable[UUID]) -> dict[UUID, int]:
    """Return the key of each account's last written valuation, where it has one."""
    rows = Valuation.objects.filter(account_id__in=list(accounts)).values_list("account_id")
    return dict(rows.annotate(Max("pk")).order_by())


def open_positions_of(accounts: Iterable[UUID]) -> list[Position]:
    """Return the open positions of several accounts. To write on what they say, hold their locks."""
    return list(Position.objects.filter(account_id__in=list(accounts), status=Position.Status.OPEN))


def symbols_held_by(accounts: Iterable[tuple[UUID, str]]) -> frozenset[str]:
    """Return the symbols of the open positions of several accounts, given by strategy and provider."""
    wanted = set(accounts)
    rows = Position.objects.filter(
        status=Position.Status.OPEN, account__strategy_id__in={strategy for strategy, _ in wanted}
    )
    held = rows.values_list("account__strategy_id", "account__provider", "security__symbol").order_by().distinct()
    return frozenset(symbol for strategy, provider, symbol in held if (strategy, provider) in wanted)


def strategy_ids() -> frozenset[UUID]:
    """Return the ids of all strategies."""
    return frozenset(Strategy.objects.values_list("pk", flat=True))


def symbols_held() -> frozenset[str]:
    """Return the symbols of all open positions of all accounts."""
    held = Security.objects.filter(positions__status=Position.Status.OPEN).order_by()
    return frozenset(held.values_list("symbol", flat=True).distinct())


def marks_of(symbols: Iterable[str]) -> dict[str, set[Decimal]]:
    """Return the marks of all open positions in `symbols`; a symbol that nobody holds is left out."""
    found: dict[str, set[Decimal]] = {}
    rows = Position.objects.filter(security_id__in=sorted(symbols), status=Position.Status.OPEN).order_by()
    for symbol, mark in rows.values_list("security__symbol", "mark_price").distinct():
        found.setdefault(symbol, set()).add(mark)
    return found


def securities(symbols: Iterable[str]) -> dict[str, Security]:
    """Return the known securities among `symbols`, by symbol."""
    return {security.symbol: security for security in Security.objects.filter(symbol__in=sorted(symbols))}


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


@dataclass(frozen=True, slots=True)
class Debt:
    """Cash > 0 that an account owes for one corporate action, and the entry that it began with."""

    action_id: int
    owed: Decimal
    position_id: UUID | None
    effective_on: date
    reason: str


def debts(account: PortfolioAccount) -> list[Debt]:
    """Return what the account owes for each corporate action, the oldest first."""
    owed: dict[int, Decimal] = {}
    first: dict[int, LedgerEntry] = {}
    for entry in LedgerEntry.objects.filter(account=account).exclude(owed=0).order_by("sequence"):
        key = entry.action_id or 0
        owed[key] = owed.get(key, ZERO) + entry.owed
        first.setdefault(key, entry)
    return [
        Debt(key, amount, first[key].position_id, first[key].effective_on, first[key].reason)
        for key, amount in owed.items()
        if amount > 0
    ]


def get_account(account_id: UUID) -> PortfolioAccount | None:
    """Return the account with its summary and without a lock, or None."""
    return PortfolioAccount.objects.filter(pk=account_id).select_related("summary").first()


def accounts_by_key() -> dict[tuple[UUID, str], UUID]:
    """Return the id of every account by strategy and provider."""
    rows = PortfolioAccount.objects.values_list("strategy_id", "provider", "pk")
    return {(strategy_id, provider): pk for strategy_id, provider, pk in rows}


def used_client_order_ids(prefix: str) -> frozenset[str]:
    """Return every client_order_id in the books that begins with `prefix`."""
    rows = Order.objects.filter(client_order_id__startswith=prefix)
    return frozenset(rows.values_list("client_order_id", flat=True))


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
