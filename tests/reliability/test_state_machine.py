"""Random lives of an account on the real services and database, beside a second opinion on its books.

After every step the difference must be exactly nothing, check_books must be content, and the replayed ledger must
be what the tables hold.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import partial
from io import StringIO
from typing import Any, ClassVar
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import transaction
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from pytest_django import Settings

from common.money import CENT, notional
from execution.engine.vocabulary import Mode
from execution.reports.types import RunReport
from execution.runs.reversal import ReversalReport, reverse_run
from portfolios import ledger
from portfolios.domain import accounting
from portfolios.domain.accounting import Side
from portfolios.ledger import AuditContext, CannotBookError, audit, positions, read_account
from portfolios.ledger.account_books import AccountBooks
from portfolios.models import LedgerEntry, Order, PortfolioAccount, Position, RiskPolicy, Security, Strategy
from tests.counts import count, seeded
from tests.reliability.reference_books import Costs, ReferenceBooks, cents
from tests.scenes import NOW, Desk, Inbox, line

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

SYMBOLS = ("AAPL", "GME", "KO", "MSFT")
STEPS = 25  # a life
NO_COSTS = Costs()
SOME_COSTS = Costs(Decimal("1.25"), Decimal("3.5"), Decimal("7.5"))

symbols = st.sampled_from(SYMBOLS)
prices = st.decimals("0.05", "900", places=4)
amounts = st.decimals("0.01", "30000", places=2)
units = st.decimals("0.01", "400", places=2)
lines = st.builds(
    line,
    symbols,
    st.sampled_from(("BUY", "BUY", "SELL", "SELL_SHORT", "BUY_TO_COVER", "HOLD")),
    st.sampled_from((0.37, 2.5, 10.0, 33.3, 60.0)),
)


@dataclass
class Bench:
    """What all lives share: where research arrives, and how many steps have been made."""

    inbox: Inbox
    steps: int = 0
    lives: int = 0
    now: datetime = NOW  # a split is of one day in all accounts, so lives follow each other


class Life(RuleBasedStateMachine):
    """One account from its opening on. `books` is the second opinion."""

    bench: ClassVar[Bench]

    undo: tuple[RunReport, ReferenceBooks] | None = None  # the last run, and the second opinion before it

    @initialize(costs=st.sampled_from((NO_COSTS, SOME_COSTS)), balance=st.decimals("500", "200000", places=2))
    def open_account(self, costs: Costs, balance: Decimal) -> None:
        """Write a strategy that may do everything, and its account."""
        self.bench.lives += 1
        strategy = Strategy.objects.create(name=f"Life {self.bench.lives}")
        self.desk, self.costs, self.books, self.now = (
            Desk(self.bench.inbox, strategy),
            costs,
            ReferenceBooks(),
            self.bench.now,
        )
        RiskPolicy.objects.create(
            strategy=strategy,
            allow_short=True,
            short_margin_percent=0,
            commission_per_order=costs.per_order,
            commission_bps=costs.basis_points,
            slippage_bps=costs.slippage,
        )
        ledger.open_account(
            strategy_id=strategy.pk, provider=self.desk.provider, initial_balance=balance, context=self.context()
        )
        self.books.cash = cents(balance)
        self.compare()

    def context(self) -> AuditContext:
        """Return the next moment, with a name and a reason. What is done then stands on the last run."""
        self.undo = None
        self.now += timedelta(minutes=1)
        self.bench.now = self.now
        return AuditContext(actor="bob", now=self.now, reason="as the statement says")

    @rule(
        wishes=st.lists(lines, min_size=1, max_size=4),
        quotes=st.fixed_dictionaries(dict.fromkeys(SYMBOLS, prices)),
        mode=st.sampled_from(list(Mode)),
        sweep=st.booleans(),
    )
    def rebalance(self, wishes: list[dict[str, Any]], quotes: dict[str, Decimal], mode: Mode, sweep: bool) -> None:
        """Execute research in any mode."""
        self.execute(wishes, quotes, mode, sweep=sweep)

    def execute(self, wishes: list[dict[str, Any]], quotes: dict[str, Decimal], mode: Mode, *, sweep: bool) -> None:
        """Execute research; the orders say what was traded, the second opinion what that makes of the books."""
        self.context()
        self.books.mark(quotes)
        before = deepcopy(self.books)
        total, known = self.books.total, set(Order.objects.values_list("pk", flat=True))
        report = self.desk.run(
            wishes,
            prices={symbol: str(price) for symbol, price in quotes.items()},
            mode=mode,
            close_unlisted=sweep,
            now=self.now,
        )
        new = Order.objects.filter(account=self.account).exclude(pk__in=known)
        for order in sorted(new, key=lambda order: order.ledger.earliest("sequence").sequence):
            self.check_terms(order, quotes[order.security_id])
            self.books.fill(
                order.security_id,
                order.action,
                Fraction(order.filled_quantity),
                Fraction(order.average_fill_price or 0),
                cents(order.fee),
            )
        self.check_sizes(report, total, quotes, mode)
        self.books.mark(quotes)
        self.undo = report, before
        self.compare()

    @precondition(lambda self: self.undo is not None and bool(self.undo[0].orders))
    @rule()
    def take_back(self) -> None:
        """Take the last run back: the second opinion is the one from before it."""
        assert self.undo is not None
        (report, before), context = self.undo, self.context()
        answer = reverse_run(
            UUID(report.run.id), actor=context.actor, source="service", reason=context.reason, now=context.now
        )
        assert isinstance(answer, ReversalReport)
        self.books = before
        # What the run opened stays in the record, closed, with no profit.
        self.books.closed += [(each.symbol, 0) for each in report.orders if each.position_effect == "opened"]
        self.compare()

    def check_terms(self, order: Order, quote: Decimal) -> None:
        """The price and the fee of a fill are those of the policy."""
        buying = order.action in ("BUY", "BUY_TO_COVER")
        assert Fraction(order.average_fill_price or 0) == self.costs.paid(quote, buying=buying)
        assert cents(order.fee) == self.costs.fee(order.filled_quantity, order.average_fill_price or 0)

    def check_sizes(self, report: Any, total: int, quotes: dict[str, Decimal], mode: Mode) -> None:
        """A buy that nothing made smaller, of what was not held, is the published percentage of the total value."""
        orders = {order.symbol: order for order in report.orders if order.action == "BUY"}
        several = len(report.orders) != len({order.symbol for order in report.orders})
        for decision in report.decisions:
            plain_buy = decision.action == "BUY" and decision.outcome == "EXECUTED" and mode is Mode.ALLOCATE
            if plain_buy and decision.symbol in orders and not several:
                worth = Fraction(total, 100) * Fraction(decision.allocation_percent) / 100
                expected = Fraction(round(worth / Fraction(quotes[decision.symbol]) * 100), 100)
                assert Fraction(orders[decision.symbol].quantity) == expected

    @rule(wishes=st.lists(lines, min_size=1, max_size=2), price=prices)
    def trade(self, wishes: list[dict[str, Any]], price: Decimal) -> None:
        """Execute research in the published mode at one price: the steps that happen most."""
        self.execute(wishes, dict.fromkeys(SYMBOLS, price), Mode.ALLOCATE, sweep=False)

    @rule(amount=amounts)
    def deposit(self, amount: Decimal) -> None:
        """Bring cash in."""
        ledger.deposit(self.account, amount=amount, context=self.context())
        self.books.cash += cents(amount)
        self.books.settle()
        self.compare()

    @rule(amount=amounts)
    def withdraw(self, amount: Decimal) -> None:
        """Take cash out, or be refused."""
        free = self.books.cash - self.books.owed
        shorts = -sum(lot.value for lot in self.books.lots.values() if lot.units < 0)
        # A short keeps its value aside, and half of it more: the system's margin, as the strategy's is less.
        enough = cents(amount) <= (free - shorts * Fraction(3, 2) if shorts else free)
        self.attempt(enough, ledger.withdraw, amount=amount)
        if enough:
            self.books.cash -= cents(amount)
            self.books.settle()
        self.compare()

    @rule(balance=st.decimals("0", "150000", places=2))
    def correct_cash(self, balance: Decimal) -> None:
        """Say what the cash is."""
        self.attempt(cents(balance) != self.books.cash, ledger.correct_cash, balance=balance)
        self.books.cash = cents(balance)
        self.compare()

    @precondition(lambda self: bool(self.books.lots))
    @rule(data=st.data(), per_share=st.decimals("0.01", "5", places=4))
    def dividend(self, data: st.DataObject, per_share: Decimal) -> None:
        """Pay a dividend; a short owes what it cannot pay."""
        self.pay_dividend(data.draw(st.sampled_from(sorted(self.books.lots))), per_share)

    def pay_dividend(self, symbol: str, per_share: Decimal) -> None:
        """Pay a dividend on what was held at the close before."""
        context = self.tomorrow()
        ledger.record_dividend(symbol=symbol, per_share=per_share, on=context.now.date(), context=context)
        self.books.dividend(symbol, per_share)
        self.compare()

    def tomorrow(self) -> AuditContext:
        """Return the same time of the next day: what is held now was held at the close before it."""
        self.now += timedelta(days=1)
        return self.context()

    @precondition(lambda self: bool(self.books.lots))
    @rule(data=st.data(), ratio=st.sampled_from([Decimal(text) for text in ("2", "3", "1.5", "0.1", "0.3333")]))
    def split(self, data: st.DataObject, ratio: Decimal) -> None:
        """Split a holding; one in three times, reverse that and split again."""
        symbol = data.draw(st.sampled_from(sorted(self.books.lots)))
        lot, before = self.books.lots[symbol], deepcopy(self.books)
        price = Decimal(round(lot.mark / Fraction(ratio) * 10_000)) / 10_000
        if min(lot.average, lot.mark, Fraction(price)) / Fraction(ratio) < Fraction(1, 100):
            return
        context = self.tomorrow()
        book = partial(ledger.apply_split, symbol=symbol, ratio=Fraction(ratio), price=price, on=context.now.date())
        report = book(context=context)
        self.books.split(symbol, ratio, price)
        self.compare()
        if data.draw(st.integers(0, 2)) == 0:
            after, self.books = self.books, before
            assert report.action_id is not None
            ledger.reverse_action(report.action_id, context=self.context())
            self.compare()
            book(context=self.context())
            self.books = after
            self.compare()

    @rule(
        symbol=symbols, side=st.sampled_from(Side), quantity=st.one_of(st.just(Decimal(0)), units), average=prices
    )
    def correct_position(self, symbol: str, side: Side, quantity: Decimal, average: Decimal) -> None:
        """Say what is held: more, less, nothing, or the other side."""
        signed = quantity if side is Side.LONG else -quantity
        possible = self.books.would_change(symbol, signed, average)
        self.attempt(
            possible,
            ledger.correct_position,
            symbol=symbol,
            side=side,
            quantity=quantity,
            average_price=average,
        )
        if possible:
            self.books.state(symbol, signed, average)
        self.compare()

    @rule()
    def repair(self) -> None:
        """Repair books that are right: nothing happens."""
        entries = LedgerEntry.objects.count()
        call_command("check_books", repair=True, account=[self.account.pk], stdout=StringIO())
        assert LedgerEntry.objects.count() == entries
        self.compare()

    def attempt(self, possible: bool, change: Callable[..., object], **arguments: Any) -> None:
        """Make a change that is either booked or refused with nothing changed."""
        if possible:
            change(self.account, **arguments, context=self.context())
            return
        with pytest.raises(CannotBookError), transaction.atomic():
            change(self.account, **arguments, context=self.context())

    @property
    def account(self) -> PortfolioAccount:
        """The account as it is stored."""
        return self.desk.account

    def compare(self) -> None:
        """The books, the second opinion and the replayed ledger are the same, to the last digit."""
        self.bench.steps += 1
        read = read_account(self.account)
        assert audit(read) == []
        self.compare_cash(read.account)
        self.compare_holdings(read.positions)
        assert read.projection.cash == read.account.cash_balance
        replayed = {key: (found.holding.signed_quantity, found.holding.realized_pnl, found.book_version)
                    for key, found in read.projection.positions.items()}  # fmt: skip
        stored = {row.pk: (row.as_holding().signed_quantity, row.realized_pnl, row.book_version)
                  for row in read.positions}  # fmt: skip
        assert replayed == stored

    def compare_cash(self, account: PortfolioAccount) -> None:
        """Cash and equity."""
        assert Fraction(account.cash_balance) * 100 == self.books.cash
        assert Fraction(account.payable) * 100 == self.books.owed
        assert Fraction(account.total_value) * 100 == self.books.total

    def compare_holdings(self, positions: Any) -> None:
        """Open positions in full, closed ones with their profits."""
        opened = {row.security_id: row for row in positions if row.status == Position.Status.OPEN}
        assert set(opened) == set(self.books.lots)
        for symbol, lot in self.books.lots.items():
            row = opened[symbol]
            assert (Fraction(row.as_holding().signed_quantity), Fraction(row.average_price)) == (
                lot.units, lot.average,
            )  # fmt: skip
            found = (Fraction(row.cost_basis) * 100, Fraction(row.realized_pnl) * 100, Fraction(row.mark_price))
            assert found == (Fraction(lot.cost), Fraction(lot.profit), lot.mark)
        closed = [(row.security_id, cents(row.realized_pnl)) for row in positions if row.status == "closed"]
        assert sorted(closed) == sorted(self.books.closed)


def profile(lives: int, *phases: Phase) -> settings:
    """Return how Hypothesis runs the lives: without a database of examples, so that the seed alone decides."""
    return settings(
        max_examples=lives,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=phases,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture
def bench(inbox: Inbox, settings: Settings, db: None) -> Iterator[Bench]:
    """Return an empty bench with limits that leave room for everything."""
    settings.RISK_LIMITS = {
        **settings.RISK_LIMITS,
        "max_position_percent": Decimal(100),
        "max_sector_percent": Decimal(100),
        "max_gross_exposure_percent": Decimal(1000),
        "short_margin_percent": Decimal(0),
    }
    Security.objects.bulk_create([Security(symbol=symbol, is_verified=True) for symbol in SYMBOLS])
    Life.bench = Bench(inbox)
    yield Life.bench
    del Life.bench


def live(chance: Any, bench: Bench, steps: int, *phases: Phase) -> None:
    """Run lives until there are enough steps."""
    while bench.steps < steps:
        left = max(1, (steps - bench.steps) // STEPS)
        run_state_machine_as_test(seed(chance.getrandbits(64))(Life), settings=profile(left, *phases))


def test_the_books_and_a_second_opinion_agree_after_every_step(bench: Bench):
    steps = count(100, 10_000)
    live(seeded("state machine"), bench, steps, Phase.generate, Phase.shrink)
    print(f"state machine: {bench.steps} steps in {bench.lives} lives, difference 0")  # noqa: T201
    assert bench.steps >= steps


DEFECTS = ["a profit is a cent short", "a fee is forgotten", "a dividend is paid to shorts"]


@pytest.mark.parametrize("defect", [None, *DEFECTS])
def test_a_life_with_a_planted_defect_is_noticed(bench: Bench, defect: str | None, monkeypatch: pytest.MonkeyPatch):
    """The control: what is wrong in the books and in their replay alike is still found, and nothing else is."""
    if defect is None:
        short_life()
        return
    plant(defect, monkeypatch)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        short_life()


def short_life() -> None:
    """Trade with costs and at a profit, go short, and pay a dividend on that."""
    life = Life()
    life.open_account(costs=SOME_COSTS, balance=Decimal(100_000))
    life.trade(wishes=[line("KO", "BUY", 10.0)], price=Decimal(50))
    life.trade(wishes=[line("KO", "SELL")], price=Decimal(60))
    life.correct_position(symbol="GME", side=Side.SHORT, quantity=Decimal(10), average=Decimal(5))
    life.pay_dividend("GME", Decimal(1))


def plant(defect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the product wrong."""
    if defect == "a profit is a cent short":
        reduce = accounting._reduce

        def a_cent_short(holding: Any, fill: Any) -> Any:
            left, profit = reduce(holding, fill)
            return left, profit - CENT

        monkeypatch.setattr(accounting, "_reduce", a_cent_short)
    elif defect == "a fee is forgotten":
        enter = AccountBooks.enter

        def forgetful(books: Any, kind: Any, amount: Decimal, **more: Any) -> None:
            if kind != "FEE":
                enter(books, kind, amount, **more)

        monkeypatch.setattr(AccountBooks, "enter", forgetful)
    else:
        monkeypatch.setattr(positions, "notional", lambda **given: abs(notional(**given)))
