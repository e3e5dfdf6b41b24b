"""Raw rows -> what is known. Pure: what cannot be understood becomes a finding, never a guess.

Ids and keys are taken from the columns, which the predecessor's database kept unique; everything else from the
payload, which its program read, and from the column where the payload is silent.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from common.identifiers import canonical_uuid
from common.money import ZERO
from portfolios.domain.accounting import Side
from portfolios.importers.folios_v2 import values
from portfolios.importers.folios_v2.cells import (
    action_of,
    held_of,
    is_open_of,
    metadata_of,
    named_by_of,
    order_status_of,
    state_of,
    text_of,
    uuid_of,
)
from portfolios.importers.folios_v2.findings import Finding, Rule, shown
from portfolios.importers.folios_v2.reading import RawDatabase, RawRow
from portfolios.importers.folios_v2.types import (
    AccountKey,
    Known,
    KnownAccount,
    KnownOrder,
    KnownPosition,
    KnownStrategy,
)

MAX_NAME = 200  # characters of a strategy's name


_HUNDRED = Decimal(100)


_STRATEGY_STATUSES = frozenset({"active", "inactive", "draft"})


_WITHOUT_COUNTERPART = (
    "tickers", "metadata", "preferred_providers", "active_modes", "screener", "research_day", "runtime_weight",
)  # fmt: skip


_ROUNDED = "rounded as the books round: cash to cents, prices to 4 places from 1 on, quantities to 6"


_EXECUTED_STATES = frozenset({"done", "completed", "executed"})


# A control of the predecessor -> the column of a risk policy, and the most that the column takes.
_LIMITS: Mapping[str, tuple[str, Decimal]] = {
    "max_position_size": ("max_position_percent", _HUNDRED),
    "max_exposure": ("max_gross_exposure_percent", Decimal(99_999)),
    "max_short_exposure": ("max_short_exposure_percent", Decimal(99_999)),
    "max_single_name_short": ("max_single_short_percent", Decimal(99_999)),
}


def understand(raw: RawDatabase) -> Known:
    """Return what the rows say in the words of the books, with a finding for each that says nothing usable."""
    reader = _Reader(raw)
    read_by_table: Mapping[str, Callable[[RawRow, str], None]] = {
        "strategies": reader.strategy,
        "portfolio_accounts": reader.account,
        "positions": reader.position,
        "orders": reader.order,
    }
    for table, read in read_by_table.items():
        for row in raw.rows[table]:
            reader.row(row, read)
    reader.known.executed_requests = _executed_requests(raw, reader)
    reader.summarize()
    return reader.known


class _Reader:
    """Reads one row after another and keeps what it has seen."""

    def __init__(self, raw: RawDatabase) -> None:
        self.known = Known(raw.file, findings=list(raw.findings))
        self._noise: Counter[str] = Counter()
        self._left_out: Counter[str] = Counter()
        self._seen: set[tuple[str, str]] = set()
        self._accounts: set[AccountKey] = set()

    def row(self, row: RawRow, read: Callable[[RawRow, str], None]) -> None:
        """Read one row, if it says which one it is."""
        source_id = text_of(row.columns.get("id"))
        if source_id is None:
            self.find(Rule.ROW_WITHOUT_ID, row.table, f"id is {shown(row.columns.get('id'))}", "not imported")
            return
        if (row.table, source_id) in self._seen:
            self.find(Rule.ID_TWICE, row.name, "another row has that id", "the first one was taken")
            return
        self._seen.add((row.table, source_id))
        self._compare_columns(row)
        read(row, source_id)

    def _compare_columns(self, row: RawRow) -> None:
        for name in ("id", "strategy_id", "provider_id", "name", "status", "symbol"):
            inside, column = row.payload.get(name), row.columns.get(name)
            if inside is not None and column is not None and str(inside) != str(column):
                wins = "column" if name.endswith("id") else "payload"
                found = f"{name} is {shown(column)} in the column and {shown(inside)} in the payload"
                self.find(Rule.COLUMN_DIFFERS, row.name, found, f"the {wins} was taken")

    def find(self, rule: Rule, subject: str, found: str, done: str) -> None:
        """Note what did not fit."""
        self.known.findings.append(Finding(rule, subject, found, done))

    def summarize(self) -> None:
        """Note what concerns many rows alike, once a table."""
        for table, count in sorted(self._noise.items()):
            found = f"{count} numbers have more than 6 places"
            self.find(Rule.FLOAT_NOISE, table, found, _ROUNDED)
        if self._left_out:
            words = ", ".join(f"{name} ({count})" for name, count in sorted(self._left_out.items()))
            self.find(Rule.FIELDS_LEFT_OUT, "strategies", f"fields without a counterpart: {words}", "not imported")

    # --- strategies

    def strategy(self, row: RawRow, source_id: str) -> None:
        """Read a strategy with its limits."""
        key = self._strategy_id(source_id, report=True)
        controls = row.payload.get("risk_controls")
        self._left_out.update(name for name in _WITHOUT_COUNTERPART if row.payload.get(name))
        self.known.strategies.append(
            KnownStrategy(
                id=key,
                name=self._name(row, key),
                description=text_of(row.value("prompt")) or "",
                status=self._status(row),
                limits=None if controls is None else self._limits(row, controls),
            )
        )

    def _strategy_id(self, source_id: str, *, report: bool = False) -> UUID:
        found = canonical_uuid(source_id)
        if found is not None:
            return found
        replaced = values.own_id("strategy", source_id)
        if report:
            subject = f"strategies {shown(source_id)}"
            self.find(Rule.ID_REPLACED, subject, "the id is not a canonical UUID", f"imported as {replaced}")
        return replaced

    def _name(self, row: RawRow, key: UUID) -> str:
        name = " ".join((text_of(row.value("name")) or "").split())
        if name and len(name) <= MAX_NAME:
            return name
        better = name[:MAX_NAME] or f"Strategy {key}"
        self.find(Rule.NAME_CHANGED, row.name, f"name is {shown(name)}", f"imported as {shown(better)}")
        return better

    def _status(self, row: RawRow) -> str:
        status = str(row.value("status")).strip().lower()
        if status in _STRATEGY_STATUSES:
            return status
        found = f"status is {shown(row.value('status'))}"
        self.find(Rule.STATUS_UNKNOWN, row.name, found, "imported as inactive: it executes nothing")
        return "inactive"

    def _limits(self, row: RawRow, controls: object) -> Mapping[str, Decimal | bool] | None:
        if not isinstance(controls, dict):
            self.find(Rule.LIMIT_UNREADABLE, row.name, f"risk_controls is {shown(controls)}", "no policy written")
            return None
        limits: dict[str, Decimal | bool] = {}
        for name, (column, most) in _LIMITS.items():
            limit = self._limit(row, name, controls.get(name), most)
            if limit is not None:
                limits[column] = limit
        self._leverage(row, controls.get("max_leverage"), limits)
        limits["allow_short"] = self._allows_short(row, controls.get("borrow_available"))
        for name in sorted(set(controls) - {*_LIMITS, "max_leverage", "borrow_available"}):
            if controls[name] is not None:
                found = f"{shown(name)} is {shown(controls[name])}"
                self.find(Rule.LIMIT_WITHOUT_COUNTERPART, row.name, found, "not imported: nothing here enforces it")
        return limits

    def _limit(self, row: RawRow, name: str, value: object, most: Decimal) -> Decimal | None:
        if value is None:
            return None
        try:
            return values.percent(value, name, most=most)
        except ValueError as error:
            self.find(Rule.LIMIT_UNREADABLE, row.name, str(error), "left empty: the system's limit holds")
            return None

    def _leverage(self, row: RawRow, value: object, limits: dict[str, Decimal | bool]) -> None:
        """A leverage of x is a gross exposure of 100 * x percent; the stricter of the two stands."""
        leverage = self._limit(row, "max_leverage", value, Decimal(999))
        if leverage is not None:
            column = _LIMITS["max_exposure"][0]
            limits[column] = min(limits.get(column, leverage * _HUNDRED), leverage * _HUNDRED)

    def _allows_short(self, row: RawRow, value: object) -> bool:
        if isinstance(value, bool) or value is None:
            return value is True
        found = f"borrow_available is {shown(value)}: neither true nor false"
        self.find(Rule.LIMIT_UNREADABLE, row.name, found, "shorts are not allowed")
        return False

    # --- accounts, positions, orders

    def _key(self, row: RawRow) -> AccountKey | None:
        strategy = text_of(row.columns.get("strategy_id"))
        provider = values.provider(row.columns.get("provider_id"))
        if strategy is None:
            self.find(Rule.ROW_WITHOUT_ID, row.name, "strategy_id is missing", "not imported")
            return None
        if provider is None:
            found = f"provider_id is {shown(row.columns.get('provider_id'))}"
            self.find(Rule.PROVIDER_UNKNOWN, row.name, found, "not imported")
            return None
        return AccountKey(self._strategy_id(strategy), provider)

    def account(self, row: RawRow, source_id: str) -> None:
        """Read an account; of two for the same strategy and provider neither is taken."""
        key = self._key(row)
        if key is None:
            return
        if key in self._accounts:
            self.known.ambiguous.add(key)
            self.find(Rule.ACCOUNT_TWICE, row.name, f"another row stands for {key}", "neither is imported")
            return
        self._accounts.add(key)
        self.known.accounts.append(
            KnownAccount(
                id=values.own_id("account", source_id),
                key=key,
                cash=self._cash(row, "cash_balance", "its cash is worked out from its orders"),
                equity=self._cash(row, "equity_value", "not compared"),
                as_of=values.moment(row.value("updated_at")),
            )
        )

    def _cash(self, row: RawRow, name: str, done: str) -> Decimal | None:
        try:
            found = values.cash(row.value(name), name)
        except ValueError as error:
            self.find(Rule.CASH_UNREADABLE, row.name, str(error), done)
            return None
        self._note_noise(row, name)
        return found

    def _note_noise(self, row: RawRow, *names: str) -> None:
        self._noise[row.table] += sum(values.is_noise(row.value(name)) for name in names)
        self._noise += Counter()  # a table without noise is none of the counter's

    def position(self, row: RawRow, source_id: str) -> None:
        """Read a position. One of which only the symbol is sure is kept as doubtful."""
        key = self._key(row)
        if key is None:
            return
        try:
            symbol = values.symbol(row.value("symbol"))
        except ValueError as error:
            self.find(Rule.POSITION_UNREADABLE, row.name, str(error), "not imported")
            return
        is_open = is_open_of(row)
        holding = self._holding(row, symbol, is_open=is_open)
        if is_open and holding is not None and not holding[1]:
            self.find(Rule.ZERO_QUANTITY, row.name, f"an open position of 0 {symbol}", "not imported")
            return
        side, quantity, average = holding or (Side.LONG, ZERO, ZERO)
        self.known.positions.append(
            KnownPosition(
                name=f"position {source_id}",
                key=key,
                symbol=symbol,
                side=side,
                quantity=quantity,
                average_price=average,
                is_open=is_open,
                opened_at=values.moment(row.value("opened_at")),
                doubtful=holding is None,
            )
        )

    def _holding(self, row: RawRow, symbol: str, *, is_open: bool) -> tuple[Side, Decimal, Decimal] | None:
        """Return side, quantity and average; None where they cannot be read, which matters where it is open."""
        try:
            holding = held_of(row)
        except ValueError as error:
            if is_open:
                done = "what its orders say stands"
                self.find(Rule.POSITION_UNREADABLE, row.name, f"{symbol}: {error}", done)
            return None
        self._note_noise(row, "quantity", "average_price")
        return holding

    def order(self, row: RawRow, source_id: str) -> None:
        """Read an order; one that the books cannot keep is left out."""
        key = self._key(row)
        if key is None:
            return
        try:
            status = order_status_of(row)
            symbol, action = values.symbol(row.value("symbol")), action_of(row)
            quantity = values.quantity(row.value("quantity"))
            price = values.price(row.value("limit_price"), "limit_price")
        except ValueError as error:
            self.find(Rule.ORDER_UNREADABLE, row.name, str(error), "not imported")
            return
        if not quantity:
            found = f"a {status} {action} of {shown(row.value('quantity'))} {symbol}"
            self.find(Rule.ZERO_QUANTITY, row.name, found, "not imported")
            return
        times = self._times(row, status)
        if times is None:
            return
        self._note_noise(row, "quantity", "limit_price")
        canonical = canonical_uuid(source_id)
        self.known.orders.append(
            KnownOrder(
                id=values.own_id("order", source_id),
                source_id=source_id if canonical else str(values.own_id("order id", source_id)),
                key=key,
                symbol=symbol,
                action=action,
                quantity=quantity,
                limit_price=price,
                status=status,
                placed_at=times[0],
                at=times[1],
                metadata=metadata_of(row),
            )
        )

    def _times(self, row: RawRow, status: str) -> tuple[datetime, datetime] | None:
        """Return when the order was placed, and when it was filled, or placed where it was not."""
        placed, filled = values.moment(row.value("placed_at")), values.moment(row.value("filled_at"))
        start = placed or filled
        if start is None:
            found = f"placed_at is {shown(row.value('placed_at'))}, filled_at {shown(row.value('filled_at'))}"
            self.find(Rule.TIME_UNREADABLE, row.name, found, "not imported")
            return None
        if status != "filled":
            return start, start
        if filled is None:
            found = f"a filled order, filled_at is {shown(row.value('filled_at'))}"
            self.find(Rule.FILLED_AT_MISSING, row.name, found, "booked at the time it was placed")
        return start, filled or start


def _executed_requests(raw: RawDatabase, reader: _Reader) -> list[UUID]:
    """The requests that the predecessor says it has executed, and those that its orders name."""
    requests: set[UUID] = set()
    executed: set[UUID] = set()
    for row in raw.rows["requests"]:
        request = uuid_of(row, "id")
        if request is None:
            reader.find(Rule.REQUEST_UNREADABLE, row.name, "the id is not a canonical UUID", "not listed")
            continue
        requests.add(request)
        if state_of(row) in _EXECUTED_STATES:
            executed.add(request)
    tasks = [(uuid_of(row, "id"), uuid_of(row, "request_id"), state_of(row)) for row in raw.rows["execution_tasks"]]
    executed |= {request for _, request, state in tasks if request and state == "executed"}
    of_task = {task: request for task, request, _ in tasks if request}
    named = {of_task.get(found, found) for row in raw.rows["orders"] for found in named_by_of(row)}
    # A key may hold other ids than a request's; where the file lists its requests, it must be one of them.
    others = {uuid_of(row, "id") for row in raw.rows["strategies"]}
    return sorted(executed | (named & requests if requests else named - others))
