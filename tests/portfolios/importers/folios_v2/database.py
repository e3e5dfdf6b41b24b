"""Writes databases as folios_v2 left them behind: its tables, its columns, its JSON payloads."""

import json
import sqlite3
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

LAYOUT = """
CREATE TABLE strategies (id TEXT PRIMARY KEY, name TEXT NOT NULL, status TEXT NOT NULL, payload TEXT NOT NULL);
CREATE TABLE portfolio_accounts (id TEXT PRIMARY KEY, strategy_id TEXT NOT NULL, provider_id TEXT NOT NULL,
    payload TEXT NOT NULL, UNIQUE (strategy_id, provider_id));
CREATE TABLE positions (id TEXT PRIMARY KEY, strategy_id TEXT NOT NULL, provider_id TEXT NOT NULL,
    symbol TEXT NOT NULL, status TEXT NOT NULL, opened_at TIMESTAMP, closed_at TIMESTAMP, payload TEXT NOT NULL);
CREATE TABLE orders (id TEXT PRIMARY KEY, strategy_id TEXT NOT NULL, provider_id TEXT NOT NULL,
    status TEXT NOT NULL, symbol TEXT NOT NULL, placed_at TIMESTAMP, payload TEXT NOT NULL);
CREATE TABLE requests (id TEXT PRIMARY KEY, strategy_id TEXT, provider_id TEXT, mode TEXT, request_type TEXT,
    priority TEXT, lifecycle_state TEXT, scheduled_for TIMESTAMP, started_at TIMESTAMP, completed_at TIMESTAMP,
    created_at TIMESTAMP, updated_at TIMESTAMP, payload TEXT);
CREATE TABLE execution_tasks (id TEXT PRIMARY KEY, request_id TEXT, sequence INTEGER, mode TEXT,
    lifecycle_state TEXT, payload TEXT);
CREATE TABLE email_digests (id TEXT PRIMARY KEY, payload TEXT);
CREATE TABLE folios_schema_migrations (version TEXT PRIMARY KEY);
"""
STRATEGY = "1f6c2f8e-5a52-4b0e-9c51-0d7c3c1b2a01"
CONTROLS = {
    "max_position_size": 10.0,
    "max_exposure": 150.0,
    "stop_loss": 8.0,
    "max_leverage": 1.2,
    "max_short_exposure": 30.0,
    "max_single_name_short": 5.0,
    "borrow_available": True,
}


def new_id(*words: object) -> str:
    """Return an id that is the same in every run of the tests."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, " ".join(map(str, words))))


@dataclass
class OldBooks:
    """A folios_v2 database in memory, one row after another; `write` makes the file."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def row(self, table: str, **columns: Any) -> dict[str, Any]:
        """Add a row; a payload that is no text becomes JSON."""
        payload = columns.get("payload")
        if payload is not None and not isinstance(payload, str):
            columns["payload"] = json.dumps(payload)
        self.rows.setdefault(table, []).append(columns)
        return columns

    def strategy(self, key: str = STRATEGY, name: str = "Momentum", status: str = "active", **payload: Any) -> str:
        """Add a strategy; return its id."""
        content = {
            "id": key, "name": name, "prompt": f"Trade {name}.", "tickers": ["MSFT"], "status": status,
            "risk_controls": None, "metadata": {}, "preferred_providers": ["anthropic"], "active_modes": ["batch"],
            "screener": None, "research_day": 4, "runtime_weight": 1.0,
            "created_at": "2025-10-01T08:00:00Z", "updated_at": "2025-10-01T08:00:00Z", **payload,
        }  # fmt: skip
        self.row("strategies", id=key, name=name, status=status, payload=content)
        return key

    def account(
        self, cash: str, equity: str = "0", *, strategy: str = STRATEGY, provider: str = "anthropic", **payload: Any
    ) -> str:
        """Add an account; return its id."""
        key = new_id("account", strategy, provider)
        content = {
            "id": key, "strategy_id": strategy, "provider_id": provider, "cash_balance": cash,
            "equity_value": equity, "updated_at": "2025-11-01T12:00:00Z", "metadata": {}, **payload,
        }  # fmt: skip
        self.row("portfolio_accounts", id=key, strategy_id=strategy, provider_id=provider, payload=content)
        return key

    def position(
        self,
        text: str,
        *,
        strategy: str = STRATEGY,
        provider: str = "anthropic",
        status: str = "open",
        opened_at: str = "2025-10-02T14:30:00Z",
        **payload: Any,
    ) -> str:
        """Add a position as `long 22.22 MSFT @ 450`; return its id."""
        side, quantity, symbol, _, price = text.split()
        key = new_id("position", text, strategy, provider, len(self.rows.get("positions", [])))
        closed_at = "2025-10-20T10:00:00Z" if status == "closed" else None
        content = {
            "id": key, "strategy_id": strategy, "provider_id": provider, "symbol": symbol, "side": side,
            "quantity": quantity, "average_price": price, "opened_at": opened_at, "closed_at": closed_at,
            "metadata": {}, **payload,
        }  # fmt: skip
        self.row(
            "positions", id=key, strategy_id=strategy, provider_id=provider, symbol=symbol, status=status,
            opened_at=opened_at.replace("T", " ").rstrip("Z"), closed_at=closed_at, payload=content,
        )  # fmt: skip
        return key

    def order(
        self,
        text: str,
        *,
        strategy: str = STRATEGY,
        provider: str = "anthropic",
        status: str = "filled",
        at: str = "2025-10-02T14:30:00Z",
        key: str | None = None,
        **payload: Any,
    ) -> str:
        """Add an order as `BUY 22.22 MSFT @ 450`; return its id."""
        action, quantity, symbol, _, price = text.split()
        key = key or new_id("order", text, strategy, provider, len(self.rows.get("orders", [])))
        content = {
            "id": key, "strategy_id": strategy, "provider_id": provider, "symbol": symbol, "action": action,
            "quantity": quantity, "limit_price": price, "status": status, "placed_at": at,
            "filled_at": at if status == "filled" else None, "fails_at": None, "metadata": {}, **payload,
        }  # fmt: skip
        self.row(
            "orders", id=key, strategy_id=strategy, provider_id=provider, status=status, symbol=symbol,
            placed_at=at.replace("T", " ").rstrip("Z"), payload=content,
        )  # fmt: skip
        return key

    def request(self, key: str, state: str, **columns: Any) -> str:
        """Add a request; return its id."""
        self.row("requests", id=key, lifecycle_state=state, payload={"id": key, "metadata": {}}, **columns)
        return key

    def write(self, path: Path, *, without: tuple[str, ...] = ()) -> Path:
        """Write the file, without some of the tables; return its path."""
        path.unlink(missing_ok=True)
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA synchronous = OFF")  # a file that is gone with its test
            database.executescript(LAYOUT)
            for table, rows in self.rows.items():
                for row in rows:
                    names, marks = ", ".join(row), ", ".join("?" * len(row))
                    database.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(row.values()))
            for table in without:
                database.execute(f"DROP TABLE {table}")
            database.commit()
        return path


NUMBERS = st.one_of(
    st.decimals(min_value="0.000001", max_value="999", places=6).map(str),
    st.sampled_from(["0", "1", "10", "22.220000000000002", "100", "-3", "NaN", "ten", "1e8", "999999999"]),
)
SYMBOLS = st.sampled_from(["MSFT", "XOM", " msft ", "BRK-B", "?"])
MOMENTS = st.integers(0, 9).map(lambda hour: f"2025-10-02T{hour:02}:00:00Z") | st.sampled_from(["soon"])


def put_order(old: OldBooks, draw: Callable[..., Any]) -> None:
    """Add any order."""
    action = draw(st.sampled_from(["BUY", "BUY", "SELL", "SELL_SHORT", "BUY_TO_COVER", "HOLD"]))
    old.order(
        "BUY 1 MSFT @ 1",
        status=draw(st.sampled_from(["filled", "filled", "filled", "pending", "cancelled", "lost"])),
        at=draw(MOMENTS),
        action=action,
        quantity=draw(NUMBERS),
        limit_price=draw(NUMBERS),
        symbol=draw(SYMBOLS),
    )


@st.composite
def messes(draw: Callable[..., Any]) -> OldBooks:
    """Any rows of one account."""
    old = OldBooks()
    old.strategy()
    if draw(st.booleans()):
        cash = draw(NUMBERS | st.decimals("-99999", "999999", places=9).map(str))
        old.account(cash, draw(NUMBERS), updated_at=draw(MOMENTS))
    for _ in range(draw(st.integers(0, 12))):
        put_order(old, draw)
    for _ in range(draw(st.integers(0, 4))):
        old.position(
            "long 1 MSFT @ 1",
            status=draw(st.sampled_from(["open", "open", "closed"])),
            opened_at=draw(MOMENTS),
            side=draw(st.sampled_from(["long", "short", "flat"])),
            quantity=draw(NUMBERS),
            average_price=draw(NUMBERS),
            symbol=draw(SYMBOLS),
        )
    return old
