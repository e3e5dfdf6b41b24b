"""What the database tests are made of: research in a directory, a strategy, and one call."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Model

from execution.engine.planning.market import Quote
from execution.engine.vocabulary import Refusal
from execution.prices import PriceChain
from execution.prices.sources.constant import ConstantSource
from execution.prices.sources.given import GivenSource
from execution.reports.types import RunReport
from execution.services import ExecutionRequest, ValuationReport, execute, mark_to_market, preview
from portfolios.ledger import check_books
from portfolios.models import LedgerEntry, Order, PortfolioAccount, Position, Security, Strategy, Valuation

NOW = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
PUBLISHED_REQUEST = "79b9930c-3a6f-4f41-ae9b-a3fa8ec37ef2"
PUBLISHED_TASK = "5f1f84b5-424f-4f6d-a66a-9784bf9e6604"


def line(symbol: str, action: str, percent: float | None = None, **more: Any) -> dict[str, Any]:
    """One recommendation as research writes it."""
    return {"symbol": symbol, "action": action, "allocation_percent": percent, **more}


PUBLISHED = [line("MSFT", "BUY", 10.0), line("AAPL", "HOLD", 6.0)]


@dataclass(frozen=True)
class Inbox:
    """A directory where research arrives."""

    root: Path

    def put(
        self,
        lines: Sequence[object],
        *,
        request_id: str | None = None,
        task_id: str | None = None,
        name: str = "structured.json",
        **document: Any,
    ) -> str:
        """Write an artifact; return its request's id."""
        content = json.dumps({"recommendations": list(lines), **document}).encode()
        return self.put_bytes(content, request_id=request_id, task_id=task_id, name=name)

    def put_bytes(
        self,
        content: bytes,
        *,
        request_id: str | None = None,
        task_id: str | None = None,
        name: str = "structured.json",
    ) -> str:
        """Write an artifact of any content; return its request's id."""
        request = request_id or str(uuid.uuid4())
        directory = self.root / request / (task_id or str(uuid.uuid4()))
        directory.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(content)
        return request


@dataclass(frozen=True)
class Desk:
    """One strategy's account at one provider, and the way to trade in it."""

    inbox: Inbox
    strategy: Strategy
    provider: str = "anthropic"

    def execution_request(
        self, request_id: str, *, prices: Mapping[str, str] | str = "100", **changes: Any
    ) -> ExecutionRequest:
        """Return the call for a request; `prices` by symbol, which the desk stands by, or one for all."""
        base = ExecutionRequest(
            request_id=request_id,
            strategy_id=str(self.strategy.pk),
            provider=self.provider,
            initial_balance=Decimal(100_000),
            prices=price_chain(prices),
            artifacts_root=self.inbox.root,
            actor="alice",
            source="service",
            now=NOW,
            accepted_prices=frozenset(prices if isinstance(prices, Mapping) else ()),
        )
        return replace(base, **changes)

    def run(self, lines: Sequence[object], **options: Any) -> RunReport:
        """Execute new research and return its report."""
        return self.execute(self.inbox.put(lines), **options)

    def execute(self, request_id: str, **options: Any) -> RunReport:
        """Execute a request and return its report; a refusal fails the test."""
        return report_of(execute(self.execution_request(request_id, **options)))

    def refused(self, lines: Sequence[object], **options: Any) -> Refusal:
        """Try to execute new research and return why it is refused; a report fails the test."""
        return refusal_of(execute(self.execution_request(self.inbox.put(lines), **options)))

    def preview(self, request_id: str, **options: Any) -> RunReport:
        """Preview a request and return its report; a refusal fails the test."""
        return report_of(preview(self.execution_request(request_id, **options)))

    @property
    def account(self) -> PortfolioAccount:
        """The account as it stands."""
        return PortfolioAccount.objects.get(strategy=self.strategy, provider=self.provider)

    def position(self, symbol: str) -> Position:
        """The open position in `symbol`."""
        return Position.objects.get(account=self.account, security_id=symbol, status="open")


def mark_all(prices: Mapping[str, str], *, at: datetime, accepted: Sequence[str] = ()) -> ValuationReport:
    """Mark everything to market at what a file says, as alice does."""
    quotes = {symbol: Quote(Decimal(price), "file", at) for symbol, price in prices.items()}
    chain = PriceChain((GivenSource("file", quotes),), now=at)
    return mark_to_market(prices=chain, accepted=accepted, as_of=at, now=at, actor="alice")


def price_chain(prices: Mapping[str, str] | str) -> PriceChain:
    """Return a chain of given prices, or of one default price for every symbol, which was asked for."""
    if isinstance(prices, str):
        source = ConstantSource(Decimal(prices), NOW)
        return PriceChain((source,), now=NOW, default_price_asked_for=True, named_default=Decimal(prices))
    quotes = {symbol: Quote(Decimal(price), "given", NOW) for symbol, price in prices.items()}
    named = {symbol: quote.price for symbol, quote in quotes.items()}
    return PriceChain((GivenSource("given", quotes),), now=NOW, named=named)


def report_of(answer: RunReport | Refusal) -> RunReport:
    """Return the report; fail on a refusal."""
    assert isinstance(answer, RunReport), answer
    return answer


def refusal_of(answer: RunReport | Refusal) -> Refusal:
    """Return the refusal; fail on a report."""
    assert isinstance(answer, Refusal), answer
    return answer


def outcomes(report: RunReport) -> list[str]:
    """Return the outcome of each line."""
    return [decision.outcome for decision in report.decisions]


def whole_database() -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of both apps: what "nothing was written" is compared with."""
    from django.apps import apps  # noqa: PLC0415  # models are not ready when this module is imported

    models = [*apps.get_app_config("portfolios").get_models(), *apps.get_app_config("execution").get_models()]
    with connection.cursor() as cursor:
        return {model.__name__: _rows(cursor, model) for model in models}


def _rows(cursor: CursorWrapper, model: type[Model]) -> list[tuple[Any, ...]]:
    """Return a table as the database has it: to make Python's values of every row takes ten times as long."""
    columns = ", ".join(f'"{field.column}"' for field in model._meta.concrete_fields)
    cursor.execute(f'SELECT {columns} FROM {model._meta.db_table} ORDER BY "{model._meta.pk.column}"')
    return list(cursor.fetchall())


def assert_books_balance(account: PortfolioAccount) -> None:
    """Cash is the sum of the ledger, holdings are the sum of its quantities, equity their marked value."""
    entries = list(LedgerEntry.objects.filter(account=account).order_by("sequence"))
    assert [entry.sequence for entry in entries] == list(range(1, len(entries) + 1))
    assert sum(entry.amount for entry in entries) == account.cash_balance == entries[-1].balance_after
    assert account.book_version == len(entries)
    held: dict[str, Decimal] = {}
    for entry in entries:
        if entry.security_id:
            held[entry.security_id] = held.get(entry.security_id, Decimal(0)) + entry.quantity
    open_positions = list(Position.objects.filter(account=account, status="open"))
    found = {position.security_id: position.as_holding().signed_quantity for position in open_positions}
    assert found == {symbol: quantity for symbol, quantity in held.items() if quantity}
    assert account.equity_value == sum(position.as_holding().market_value for position in open_positions)
    valuation = Valuation.objects.filter(account=account).latest("pk")
    assert (valuation.cash, valuation.equity) == (account.cash_balance, account.equity_value)
    filled = Order.objects.filter(account=account, status="filled").count()
    assert filled == sum(1 for entry in entries if entry.order_id and entry.kind not in ("FEE", "REVERSAL"))
    assert check_books(account) == []


def security(symbol: str, sector: str = "", step: str = "0.01") -> Security:
    """Write a security."""
    return Security.objects.create(symbol=symbol, sector=sector, quantity_step=Decimal(step), is_verified=True)
