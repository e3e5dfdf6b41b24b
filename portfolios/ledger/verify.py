"""Checks the books against themselves: what the ledger says, and what stands in the tables beside it.

The ledger is the truth. Balances, versions and positions are worked out again from its entries by
`portfolios.domain.projection`, and each difference is reported with what was expected and what was found.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from uuid import UUID

from common.money import ZERO, plain, quantize_cash
from portfolios.domain.accounting import Holding
from portfolios.domain.order_states import EXECUTED
from portfolios.domain.projection import Projected, Projection, project
from portfolios.models import LedgerEntry, Order, PortfolioAccount, Position

_FILL_KINDS = ("BUY", "SELL", "SELL_SHORT", "BUY_TO_COVER")


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """One thing that does not fit. `repairable`: it is a projection, and can be worked out again."""

    code: str
    account_id: str
    subject: str
    expected: str
    found: str
    repairable: bool

    def __str__(self) -> str:
        mend = "repairable" if self.repairable else "not repairable"
        return (
            f"{self.code} account {self.account_id} {self.subject}: "
            f"expected {self.expected}, found {self.found} ({mend})"
        )

    def as_data(self) -> dict[str, str | bool]:
        """Return the discrepancy as JSON-ready values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class AuditedAccount:
    """One account with everything that is checked together, read in one snapshot."""

    account: PortfolioAccount
    projection: Projection
    positions: Sequence[Position]
    orders: Sequence[Order]
    entries: Sequence[LedgerEntry]


def read_account(account: PortfolioAccount) -> AuditedAccount:
    """Read what belongs to one account and project its ledger. Wants one snapshot: a transaction, or the lock."""
    entries = list(LedgerEntry.objects.filter(account=account).order_by("sequence", "pk"))
    return AuditedAccount(
        account=account,
        projection=project(entry.as_entry() for entry in entries),
        positions=list(Position.objects.filter(account=account).order_by("pk")),
        orders=list(Order.objects.filter(account=account).order_by("pk")),
        entries=entries,
    )


def check_books(account: PortfolioAccount) -> list[Discrepancy]:
    """Return every discrepancy of one account; an empty list where the books are right."""
    return audit(read_account(account))


def audit(read: AuditedAccount) -> list[Discrepancy]:
    """Return every discrepancy of what was read."""
    return [*_ledger(read), *_balances(read), *_positions(read), *_orders(read)]


def _ledger(read: AuditedAccount) -> Iterable[Discrepancy]:
    for sequence, message in read.projection.faults:
        yield _found(read, "LEDGER_FAULT", f"entry {sequence}", "an entry that follows", message, repairable=False)


def _balances(read: AuditedAccount) -> Iterable[Discrepancy]:
    account, projection = read.account, read.projection
    open_now = [position.as_holding() for position in read.positions if position.status == Position.Status.OPEN]
    equity = quantize_cash(sum((held.market_value for held in open_now), ZERO))
    for code, name, expected, found in (
        ("CASH_MISMATCH", "cash_balance", plain(projection.cash), plain(account.cash_balance)),
        ("PAYABLE_MISMATCH", "payable", plain(projection.owed), plain(account.payable)),
        ("VERSION_MISMATCH", "book_version", str(projection.book_version), str(account.book_version)),
        ("EQUITY_MISMATCH", "equity_value", plain(equity), plain(account.equity_value)),
    ):
        if expected != found:
            yield _found(read, code, name, expected, found)


def _positions(read: AuditedAccount) -> Iterable[Discrepancy]:
    stored = {position.pk: position for position in read.positions}
    for key, expected in read.projection.positions.items():
        position = stored.pop(key, None)
        subject = f"position {key} {expected.holding.symbol}"
        if position is None:
            yield _found(read, "POSITION_MISSING", subject, _words(expected.holding), "nothing")
        else:
            yield from _differences(read, position, expected, subject)
    for position in stored.values():
        subject = f"position {position.pk} {position.security_id}"
        yield _found(read, "POSITION_PHANTOM", subject, "nothing", _words(position.as_holding()))


def _differences(
    read: AuditedAccount, position: Position, expected: Projected, subject: str
) -> Iterable[Discrepancy]:
    held = position.as_holding()
    for column in fields(Holding):
        before, now = getattr(expected.holding, column.name), getattr(held, column.name)
        if column.name != "mark_price" and before != now:
            yield _found(read, "POSITION_MISMATCH", f"{subject} {column.name}", _text(before), _text(now))
    status = Position.Status.OPEN if expected.holding.is_open else Position.Status.CLOSED
    if position.status != status:
        yield _found(read, "POSITION_MISMATCH", f"{subject} status", status, position.status)
    if position.book_version != expected.book_version:
        yield _found(
            read,
            "POSITION_MISMATCH",
            f"{subject} book_version",
            str(expected.book_version),
            str(position.book_version),
        )


def _orders(read: AuditedAccount) -> Iterable[Discrepancy]:
    """Each filled order has exactly one fill in the ledger that says the same, and its fee beside it."""
    fills: dict[UUID | None, list[LedgerEntry]] = {}
    fees: dict[UUID | None, Decimal] = {}
    for entry in read.entries:
        if entry.kind in _FILL_KINDS:
            fills.setdefault(entry.order_id, []).append(entry)
        elif entry.kind == LedgerEntry.Kind.FEE:
            fees[entry.order_id] = fees.get(entry.order_id, ZERO) - entry.amount
    for order in read.orders:
        yield from _order(read, order, fills.pop(order.pk, []), fees.get(order.pk, ZERO))
    for key, entries in fills.items():
        for entry in entries:
            yield _found(
                read, "FILL_WITHOUT_ORDER", f"entry {entry.sequence}", "an order of this account", str(key),
                repairable=False,
            )  # fmt: skip


def _order(read: AuditedAccount, order: Order, fills: list[LedgerEntry], fee: Decimal) -> Iterable[Discrepancy]:
    subject = f"order {order.pk}"
    is_filled = order.status in EXECUTED
    if len(fills) != int(is_filled):
        expected = f"{int(is_filled)} fills of a {order.status} order"
        yield _found(read, "ORDER_FILLS", subject, expected, f"{len(fills)}", repairable=False)
        return
    for entry in fills:
        said = (entry.kind, entry.security_id, abs(entry.quantity), entry.price)
        asked = (order.action, order.security_id, order.filled_quantity, order.average_fill_price)
        if said != asked:
            yield _found(
                read, "ORDER_DIFFERS", subject, " ".join(map(_text, said)), " ".join(map(_text, asked)),
                repairable=False,
            )  # fmt: skip
    if fee != order.fee:
        yield _found(read, "ORDER_FEE", subject, plain(fee), plain(order.fee), repairable=False)


def _found(
    read: AuditedAccount, code: str, subject: str, expected: str, found: str, *, repairable: bool = True
) -> Discrepancy:
    return Discrepancy(
        code=code,
        account_id=str(read.account.pk),
        subject=subject,
        expected=expected,
        found=found,
        # Where the ledger contradicts itself there is nothing to work the projections out from.
        repairable=repairable and not read.projection.faults,
    )


def _words(held: Holding) -> str:
    return f"{held.side} {plain(held.quantity)} @ {plain(held.average_price)}"


def _text(value: object) -> str:
    return plain(value) if isinstance(value, Decimal) else str(value)
