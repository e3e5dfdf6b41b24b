"""Readers during writes: whoever adds up several queries in one snapshot never sees half of a booking."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from decimal import Decimal
from threading import Thread
from uuid import UUID

import pytest
from django.db import connections

from common.money import ZERO
from portfolios.ledger import check_books
from portfolios.models import LedgerEntry, PortfolioAccount, Strategy, Valuation
from portfolios.selectors import books
from tests.counts import count, seeded
from tests.processes import Forked, environment, fork
from tests.scenes import Desk, Inbox, line

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

WRITERS = 2


@dataclass(frozen=True)
class Reading:
    """What a page would add up: each number from a query of its own."""

    cash: Decimal
    version: int
    ledger: Decimal
    entries: int
    equity: Decimal
    holdings: Decimal
    valued: Decimal

    @property
    def torn(self) -> list[str]:
        """What does not belong together."""
        found = {
            "cash and ledger": self.cash == self.ledger,
            "version and entries": self.version == self.entries,
            "equity and positions": self.equity == self.holdings,
            "total and valuation": self.cash + self.equity == self.valued,
        }
        return [name for name, fits in found.items() if not fits]


def nothing() -> None:
    """Do nothing between two queries."""


def read(account_id: UUID, between: Callable[[], None] = nothing) -> Reading:
    """Read the account, then what belongs to it; `between` happens after the first query."""
    account = PortfolioAccount.objects.get(pk=account_id)
    between()
    amounts = list(LedgerEntry.objects.filter(account=account).values_list("amount", flat=True))
    holdings = [position.as_holding().market_value for position in books.open_positions(account)]
    valuation = Valuation.objects.filter(account=account).latest("pk")
    return Reading(
        cash=account.cash_balance,
        version=account.book_version,
        ledger=sum(amounts, ZERO),
        entries=len(amounts),
        equity=account.equity_value,
        holdings=sum(holdings, ZERO),
        valued=valuation.cash + valuation.equity,
    )


@pytest.fixture
def account(inbox: Inbox, transactional_db: None) -> PortfolioAccount:
    """Return an account that has traded once."""
    desk = Desk(inbox, Strategy.objects.create(name="Bank"))
    desk.run([line("MSFT", "BUY", 10)])
    return desk.account


@contextmanager
def writers(account: PortfolioAccount, inbox: Inbox, seed: int) -> Iterator[None]:
    """Let processes trade in the account for as long as the block lasts."""
    env = environment(inbox.root)
    module = "tests.reliability.snapshot_writer"
    running = [fork(module, str(account.strategy_id), f"{seed}-{n}", env=env) for n in range(WRITERS)]
    try:
        for process in running:
            assert process.stdout.readline() == "ready\n", process.communicate()
        yield
    finally:
        (inbox.root / "stop").touch()
        results = [_finish(process) for process in running]
    assert results == [(0, "")] * WRITERS


def _finish(process: Forked) -> tuple[int, str]:
    _, errors = process.communicate(timeout=60)
    return process.wait(), errors


def test_no_read_in_one_snapshot_is_torn(account: PortfolioAccount, inbox: Inbox):
    wanted, versions = count(30, 1000), set[int]()
    torn: list[object] = []
    chance = seeded("bank")
    with writers(account, inbox, chance.getrandbits(32)):
        for number in range(wanted):
            with books.one_snapshot():
                reading = read(account.pk)
                if number % 10 == 0:
                    torn += check_books(PortfolioAccount.objects.get(pk=account.pk))
            torn += reading.torn
            versions.add(reading.version)
            time.sleep(chance.random() * 0.05)  # reads at all moments of a booking, and room for the writers
    print(f"bank: {wanted} reads of {len(versions)} states of the books, {len(torn)} torn")  # noqa: T201
    assert torn == []
    assert len(versions) > wanted // 10, "the writers hardly wrote while the readers read"


@contextmanager
def another_writer(desk: Desk) -> Iterator[Callable[[], None]]:
    """Give a call that lets somebody else trade; where a reader holds the trade up, it is done afterwards."""

    def trade() -> None:
        try:
            desk.run([line("KO", "BUY", 10), line("MSFT", "SELL")], prices="120")
        finally:
            connections.close_all()

    thread = Thread(target=trade)

    def begin() -> None:
        thread.start()
        thread.join(timeout=2)

    yield begin
    thread.join()


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (books.one_snapshot, []),
        (nullcontext, ["cash and ledger", "version and entries", "equity and positions", "total and valuation"]),
    ],
)
def test_a_write_between_two_queries_is_seen_only_without_a_snapshot(
    account: PortfolioAccount, inbox: Inbox, view: Callable[[], AbstractContextManager[None]], expected: list[str]
):
    """The second line is the control: the same reader without a snapshot is torn every time."""
    with another_writer(Desk(inbox, account.strategy)) as begin, view():
        reading = read(account.pk, between=begin)
    assert reading.torn == expected
    after = read(account.pk)
    assert (after.torn, after.version) == ([], reading.version + 2)
