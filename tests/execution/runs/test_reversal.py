"""A run is taken back: the books are what they were before it, to the cent, or it is said what stands on it."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from execution.engine.vocabulary import Code, Mode, Refusal
from execution.models import ExecutionRun, Reversal
from execution.reports.types import RunReport
from execution.research.inbox import LoadedArtifact
from execution.runs.rebalance import load_latest_research
from execution.runs.reproduction import Reproduced, reproduce_run
from execution.runs.reversal import ReversalReport, preview_reversal, reverse_run
from portfolios import ledger
from portfolios.domain.accounting import Side
from portfolios.ledger import AuditContext, apply_split, check_books, record_dividend
from portfolios.ledger.triggers import remove_triggers
from portfolios.models import LedgerEntry, Order, PortfolioAccount, Position, RiskPolicy, Strategy
from portfolios.trading_states import set_trading_state
from tests.counts import count
from tests.scenes import NOW, Desk, Inbox, assert_books_balance, line, whole_database

pytestmark = pytest.mark.django_db

SYMBOLS = ("AAPL", "GME", "KO", "MSFT")
LATER = NOW + timedelta(days=1)
BY_HAND = AuditContext(actor="bob", now=LATER, reason="statement")


def costly(strategy: Strategy) -> RiskPolicy:
    """Write a policy that allows everything and charges for it, in cents that do not divide."""
    return RiskPolicy.objects.create(
        strategy=strategy,
        allow_short=True,
        short_margin_percent=0,
        max_position_percent=100,
        max_sector_percent=100,
        commission_per_order=Decimal("1.25"),
        commission_bps=Decimal("3.5"),
        slippage_bps=Decimal("7.5"),
    )


@dataclass(frozen=True)
class Books:
    """The cash and every position of an account, as it is stored."""

    cash: Decimal
    positions: dict[uuid.UUID, tuple[Any, ...]]

    @classmethod
    def of(cls, account: PortfolioAccount) -> "Books":
        """Read the books of an account."""
        rows = Position.objects.filter(account=account).values_list(
            "pk", "security_id", "side", "status", "quantity", "average_price", "cost_basis", "realized_pnl"
        )
        cash = PortfolioAccount.objects.get(pk=account.pk).cash_balance
        return cls(cash, {row[0]: row[1:] for row in rows})

    def without_traces(self) -> "Books":
        """Leave out positions that are closed with nothing realized: what a run opened and its reversal closed."""
        traces = {key for key, row in self.positions.items() if row[2] == "closed" and not row[6]}
        return replace(self, positions={key: row for key, row in self.positions.items() if key not in traces})


def taken_back(run: RunReport | ReversalReport | str, *, now: datetime = LATER, **changes: Any) -> ReversalReport:
    """Take a run back; a refusal fails the test."""
    answer = asked(run, now=now, **changes)
    assert isinstance(answer, ReversalReport), answer
    return answer


def asked(
    run: RunReport | ReversalReport | str, *, now: datetime = LATER, reason: str = "wrong research"
) -> ReversalReport | Refusal:
    """Ask for a run to be taken back."""
    return reverse_run(run_id(run), actor="bob", source="service", reason=reason, now=now)


def run_id(run: RunReport | ReversalReport | str) -> uuid.UUID:
    """Return the id of a run."""
    if isinstance(run, RunReport):
        return uuid.UUID(run.run.id)
    return uuid.UUID(run if isinstance(run, str) else run.run_id)


def refused(answer: ReversalReport | Refusal) -> Refusal:
    """Return the refusal; fail on a report."""
    assert isinstance(answer, Refusal), answer
    return answer


# --- everything is what it was ---

Lines = list[dict[str, Any]]
SITUATIONS: dict[str, tuple[list[Lines], Lines, dict[str, Any]]] = {
    "a first buy": ([], [line("MSFT", "BUY", 10)], {}),
    "several buys": ([[line("PG", "BUY", 3)]], [line("MSFT", "BUY", 10), line("KO", "BUY", 7)], {}),
    "adding to a long": ([[line("MSFT", "BUY", 10)]], [line("MSFT", "BUY", 7)], {}),
    "closing a long": ([[line("MSFT", "BUY", 10)]], [line("MSFT", "SELL")], {}),
    "trimming a long": ([[line("MSFT", "BUY", 10)]], [line("MSFT", "SELL", 4)], {"mode": Mode.TARGET}),
    "a first short": ([], [line("MSFT", "SELL_SHORT", 10)], {}),
    "adding to a short": ([[line("MSFT", "SELL_SHORT", 10)]], [line("MSFT", "SELL_SHORT", 3)], {}),
    "covering a part": ([[line("MSFT", "SELL_SHORT", 10)]], [line("MSFT", "BUY_TO_COVER", 3)], {}),
    "covering all": ([[line("MSFT", "SELL_SHORT", 10)]], [line("MSFT", "BUY_TO_COVER")], {}),
    "a flip": ([[line("MSFT", "SELL_SHORT", 3)]], [line("MSFT", "BUY", 9)], {}),
    "an exit beside a buy": ([[line("MSFT", "BUY", 20)]], [line("MSFT", "SELL"), line("KO", "BUY", 20)], {}),
    "a sweep": (
        [[line("MSFT", "BUY", 10), line("PG", "BUY", 5)]], [line("KO", "BUY", 4)],
        {"mode": Mode.REBALANCE, "close_unlisted": True},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SITUATIONS)
def test_cash_and_holdings_are_what_they_were_before_the_run(desk: Desk, name: str):
    costly(desk.strategy)
    earlier, lines, options = SITUATIONS[name]
    for number, some in enumerate([[line("XOM", "BUY", 1)], *earlier]):
        desk.run(some, prices=prices(f"{17 + number}.37"))
    before = Books.of(desk.account)

    run = desk.run(lines, prices=prices("23.11"), now=NOW + timedelta(hours=1), **options)
    assert Books.of(desk.account) != before
    assert run.orders
    report = taken_back(run)

    assert Books.of(desk.account).without_traces() == before
    assert report.cash_balance == f"{before.cash:f}"
    assert report.orders == len(run.orders)
    assert_books_balance(desk.account)


def prices(price: str) -> dict[str, str]:
    """Return one price for every symbol, by symbol: no stand-in."""
    return dict.fromkeys((*SYMBOLS, "PG", "XOM"), price)


def test_an_account_that_the_run_opened_keeps_its_deposit(desk: Desk):
    costly(desk.strategy)
    run = desk.run([line("MSFT", "BUY", 10), line("KO", "SELL_SHORT", 10)], prices=prices("17.37"))
    taken_back(run)
    assert desk.account.cash_balance == Decimal(100_000)
    assert desk.account.equity_value == 0
    assert {(row.status, row.realized_pnl) for row in Position.objects.all()} == {("closed", Decimal(0))}
    assert_books_balance(desk.account)


def test_every_entry_is_compensated_at_its_price_with_a_name_and_a_reason(desk: Desk):
    costly(desk.strategy)
    run = desk.run([line("MSFT", "BUY", 10)], prices=prices("450"))
    taken_back(run)
    fill, fee, *reversals = LedgerEntry.objects.order_by("sequence")[1:]
    assert [(e.kind, e.reverses, e.amount, e.quantity, e.price, e.order_id) for e in reversals] == [
        ("REVERSAL", fee.sequence, -fee.amount, 0, None, fill.order_id),
        ("REVERSAL", fill.sequence, -fill.amount, -fill.quantity, fill.price, fill.order_id),
    ]
    assert {(e.actor, e.reason, e.run_id, e.occurred_at) for e in reversals} == {
        ("bob", "wrong research", run_id(run), LATER)
    }


def test_the_run_its_orders_and_its_entries_stay_as_they_were(desk: Desk):
    run = desk.run([line("MSFT", "BUY", 10)])
    runs, orders, entries = (list(model.objects.values()) for model in (ExecutionRun, Order, LedgerEntry))
    taken_back(run)
    assert list(ExecutionRun.objects.values()) == runs
    assert list(Order.objects.values()) == orders
    assert list(LedgerEntry.objects.values())[: len(entries)] == entries
    reversal = Reversal.objects.get()
    assert (reversal.run_id, reversal.actor, reversal.source, reversal.reason, reversal.reversed_at) == (
        run_id(run), "bob", "service", "wrong research", LATER,
    )  # fmt: skip
    assert (reversal.entry_count, reversal.cash) == (1, Decimal(10_000))


def test_what_is_held_keeps_its_mark_and_the_account_is_valued_anew(desk: Desk):
    RiskPolicy.objects.create(strategy=desk.strategy, slippage_bps=10)
    desk.run([line("MSFT", "BUY", 10), line("KO", "BUY", 10)], prices={"MSFT": "100", "KO": "50"})
    cash = desk.account.cash_balance
    prices = {"MSFT": "130", "KO": "60"}
    run = desk.run([line("MSFT", "SELL"), line("KO", "BUY", 1)], prices=prices, now=NOW + timedelta(hours=1))
    taken_back(run)
    for symbol, price in prices.items():
        position = desk.position(symbol)
        assert (position.mark_price, position.marked_at) == (Decimal(price), NOW + timedelta(hours=1))
    newest = desk.account.valuations.latest("pk")
    assert (newest.as_of, newest.cash, newest.external_flow) == (LATER, cash, Decimal(0))
    assert newest.total == cash + desk.position("MSFT").quantity * 130 + desk.position("KO").quantity * 60


@pytest.mark.parametrize("mode", [Mode.ALLOCATE, Mode.TARGET])
def test_a_reversed_run_is_still_reproduced_from_what_it_stored(desk: Desk, mode: Mode):
    run = desk.run([line("MSFT", "BUY", 10)], mode=mode)
    taken_back(run)
    found = reproduce_run(run_id(run))
    assert isinstance(found, Reproduced)
    assert (found.orders, found.differences) == (1, ())


def test_the_request_of_a_reversed_run_counts_as_executed(desk: Desk):
    request = desk.inbox.put([line("MSFT", "BUY", 10)])
    run = desk.execute(request)
    assert desk.execute(request).run.reversed_at is None
    taken_back(run)
    before = whole_database()
    again = desk.execute(request)
    assert (again.run.id, again.run.replay, again.run.reversed_at) == (run.run.id, True, LATER.isoformat())
    assert whole_database() == before


def test_a_rebalance_to_the_latest_research_leaves_a_reversed_run_out(desk: Desk):
    first, second = (desk.run([line(symbol, "BUY", 10)]) for symbol in ("MSFT", "KO"))
    taken_back(second)
    latest = load_latest_research(strategy_id=desk.strategy.pk, provider=desk.provider)
    assert isinstance(latest, LoadedArtifact)
    assert latest.artifact.digest == first.run.digest
    assert latest.source == f"research {first.run.request_id}"


def test_a_halted_account_can_be_put_right(desk: Desk):
    run = desk.run([line("MSFT", "BUY", 10)])
    set_trading_state(desk.account.pk, state="HALTED", actor="bob", reason="wrong research", now=NOW)
    assert taken_back(run).status == "reversed"


# --- any life, undone step by step ---

a_line = st.builds(
    line,
    st.sampled_from(SYMBOLS),
    st.sampled_from(("BUY", "BUY", "SELL", "SELL_SHORT", "BUY_TO_COVER")),
    st.sampled_from((0.37, 2.5, 10.0, 33.3, 60.0)),
)
a_run = st.tuples(
    st.lists(a_line, min_size=1, max_size=4, unique_by=lambda item: item["symbol"]),
    st.decimals("0.05", "900", places=4),
    st.sampled_from(list(Mode)),
)


@pytest.mark.slow
@settings(
    max_examples=count(25, 500),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(runs=st.lists(a_run, min_size=1, max_size=6))
def test_runs_taken_back_from_the_last_to_the_first_bring_every_earlier_state_back(
    db: None, inbox: Inbox, runs: Sequence[tuple[Lines, Decimal, Mode]]
):
    desk = Desk(inbox, Strategy.objects.create(name=f"Life {uuid.uuid4()}"))
    costly(desk.strategy)
    opening = desk.run([line("XOM", "HOLD")])
    assert refused(asked(opening)).code == Code.RUN_WITHOUT_ORDERS
    states, done = list[Books](), list[RunReport]()
    for lines, price, mode in runs:
        states.append(Books.of(desk.account).without_traces())
        done.append(desk.run(lines, prices=prices(str(price)), mode=mode))
    while done:
        run, state = done.pop(), states.pop()
        assert bool(run.orders) is isinstance(asked(run), ReversalReport)
        assert Books.of(desk.account).without_traces() == state
        assert check_books(desk.account) == []
    assert desk.account.cash_balance == Decimal(100_000)


# --- once ---


def test_a_second_call_gives_the_first_report_again_and_writes_nothing(desk: Desk):
    run = desk.run([line("MSFT", "BUY", 10)])
    first = taken_back(run)
    before = whole_database()
    again = taken_back(run, now=LATER + timedelta(hours=1), reason="another one")
    assert again == replace(first, replay=True)
    assert preview_reversal(run_id(run)) == again
    assert whole_database() == before


def test_a_preview_says_what_would_be_done_and_writes_nothing(desk: Desk):
    costly(desk.strategy)
    desk.run([line("KO", "SELL_SHORT", 3)], prices=prices("17"))
    run = desk.run([line("KO", "BUY", 9), line("MSFT", "BUY", 5)], prices=prices("23"))
    before = whole_database()
    preview = preview_reversal(run_id(run))
    assert whole_database() == before
    assert isinstance(preview, ReversalReport)
    report = taken_back(run)
    assert report == replace(
        preview, status="reversed", actor="bob", reason="wrong research", reversed_at=LATER.isoformat()
    )
    assert ReversalReport.from_data(json.loads(json.dumps(report.as_data()))) == report
    restored = {part.position_id: part for part in report.positions}
    assert {str(row.pk): f"{row.quantity:.2f}" for row in Position.objects.all()} == {
        key: part.quantity for key, part in restored.items()
    }


def test_the_database_takes_no_entry_back_twice_and_none_in_part(desk: Desk):
    run = desk.run([line("MSFT", "BUY", 10)])
    taken_back(run)
    last = LedgerEntry.objects.latest("sequence")
    for changes in (
        {},
        {"amount": 1},
        {"quantity": 1},
        {"reverses": 1},
        {"reverses": None},
        {"run_id": uuid.uuid4()},
    ):
        entry = LedgerEntry.objects.get(pk=last.pk)
        for name, value in {"pk": None, "sequence": 4, "balance_after": 1, **changes}.items():
            setattr(entry, name, value)
        with pytest.raises(IntegrityError), transaction.atomic():
            entry.save(force_insert=True)


# --- what stands on it ---


def test_a_run_that_a_later_run_traded_on_is_refused_and_the_run_is_named(desk: Desk):
    first = desk.run([line("MSFT", "BUY", 10), line("KO", "BUY", 5)])
    second = desk.run([line("MSFT", "SELL")], now=NOW + timedelta(minutes=1))
    before = whole_database()
    refusal = refused(asked(first))
    assert refusal.code == Code.RUN_HAS_SUCCESSORS
    assert refusal.message == (
        f"run {first.run.id} cannot be reversed, later bookings depend on it: SELL of MSFT on 2026-01-05 09:31 UTC"
        f" by run {second.run.id}"
    )
    assert (refusal.details["runs"], refusal.details["symbols"]) == (second.run.id, "MSFT")
    assert preview_reversal(run_id(first)) == refusal
    assert whole_database() == before
    taken_back(second)
    assert taken_back(first).status == "reversed"


def test_later_runs_in_other_symbols_that_the_cash_pays_for_anyway_do_not_matter(desk: Desk):
    desk.run([line("MSFT", "BUY", 10)])
    run = desk.run([line("MSFT", "SELL")], prices={"MSFT": "130"})
    other = desk.run([line("KO", "BUY", 50)], prices={"KO": "10"})
    taken_back(run)
    assert desk.position("MSFT").quantity == 100
    assert desk.position("KO").quantity == Decimal(other.orders[0].quantity)
    assert desk.account.cash_balance == Decimal(90_000) - Decimal(other.orders[0].notional)
    assert_books_balance(desk.account)


def spend_everything(desk: Desk) -> tuple[RunReport, RunReport]:
    """Sell the only thing in an account without cash, and buy KO for the proceeds; return both runs."""
    return (
        sell_the_only_thing(desk),
        desk.run([line("KO", "BUY", 15)], prices=prices("10"), now=NOW + timedelta(minutes=1)),
    )


def sell_the_only_thing(desk: Desk) -> RunReport:
    """Sell what an account without cash holds; return the run."""
    costly(desk.strategy)
    desk.run([line("MSFT", "BUY", 20)], prices=prices("10"))
    ledger.withdraw(desk.account, amount=desk.account.cash_balance, context=BY_HAND)
    return desk.run([line("MSFT", "SELL")], prices=prices("10"))


def test_a_sale_whose_proceeds_were_spent_is_refused_and_says_on_what(desk: Desk):
    sale, purchase = spend_everything(desk)
    refusal = refused(asked(sale))
    assert refusal.code == Code.RUN_HAS_SUCCESSORS
    words = f"BUY of KO, which spent the run's cash, on 2026-01-05 09:31 UTC by run {purchase.run.id}"
    assert refusal.details["successors"] == words


def test_a_deposit_does_not_make_a_purchase_possible_that_was_made_before_it(desk: Desk):
    sale, purchase = spend_everything(desk)
    ledger.deposit(desk.account, amount=Decimal(500_000), context=BY_HAND)
    assert refused(asked(sale)).details["runs"] == purchase.run.id
    taken_back(purchase)
    taken_back(sale)
    assert_books_balance(desk.account)


def test_a_withdrawal_of_the_proceeds_is_named_too(desk: Desk):
    sale = sell_the_only_thing(desk)
    ledger.withdraw(desk.account, amount=Decimal(50), context=BY_HAND)
    assert "WITHDRAWAL, which spent the run's cash" in refused(asked(sale)).message


def test_the_balance_does_not_pass_below_zero_on_its_way(desk: Desk):
    costly(desk.strategy)
    run = desk.run([line("KO", "BUY", 10), line("MSFT", "SELL_SHORT", 20)], prices=prices("10"))
    assert [order.symbol for order in run.orders] == ["KO", "MSFT"]
    # Collateral of the short cannot be withdrawn; a correction may say that the cash is not there.
    ledger.correct_cash(desk.account, balance=desk.account.cash_balance - 100_000, context=BY_HAND)
    # To take the short back first would cost more than there is; once the buy is taken back, it is there.
    assert desk.account.cash_balance < Decimal(run.orders[1].notional)
    taken_back(run)
    assert desk.account.cash_balance == 0
    assert_books_balance(desk.account)


@pytest.mark.parametrize("kind", ["split", "dividend", "correction"])
def test_what_was_booked_on_a_position_since_is_named(desk: Desk, kind: str):
    run = desk.run([line("MSFT", "BUY", 10)])
    if kind == "split":
        apply_split(symbol="MSFT", ratio=Fraction(2), on=LATER.date(), context=BY_HAND)
    elif kind == "dividend":
        record_dividend(symbol="MSFT", per_share=Decimal(1), on=LATER.date(), context=BY_HAND)
    else:
        ledger.correct_position(
            desk.account,
            symbol="MSFT",
            side=Side.LONG,
            quantity=Decimal(3),
            average_price=Decimal(7),
            context=BY_HAND,
        )
    successors = refused(asked(run)).details["successors"]
    assert successors == f"{kind.upper()} of MSFT on 2026-01-06 09:30 UTC"


@pytest.mark.parametrize("kind", ["split", "dividend"])
def test_a_split_or_dividend_that_the_account_missed_because_the_run_sold_is_named(desk: Desk, kind: str):
    desk.run([line("MSFT", "BUY", 10)])
    run = desk.run([line("MSFT", "SELL")])
    if kind == "split":
        apply_split(symbol="MSFT", ratio=Fraction(2), on=LATER.date(), context=BY_HAND)
    else:
        record_dividend(symbol="MSFT", per_share=Decimal(2), on=LATER.date(), context=BY_HAND)
    assert refused(asked(run)).details["successors"] == f"{kind.upper()} of MSFT on 2026-01-06 09:30 UTC"


def test_a_split_before_the_run_does_not_matter(desk: Desk):
    desk.run([line("MSFT", "BUY", 10)])
    apply_split(symbol="MSFT", ratio=Fraction(2), on=LATER.date(), context=BY_HAND)
    run = desk.run([line("MSFT", "SELL")], prices={"MSFT": "50"}, now=LATER)
    taken_back(run)
    assert desk.position("MSFT").quantity == 200
    assert_books_balance(desk.account)


def test_a_dividend_on_what_was_held_before_the_run_does_not_matter(desk: Desk):
    desk.run([line("MSFT", "BUY", 10)])
    run = desk.run([line("MSFT", "SELL")], now=LATER)
    context = replace(BY_HAND, now=LATER + timedelta(hours=1))
    record_dividend(symbol="MSFT", per_share=Decimal(2), on=LATER.date(), context=context)
    taken_back(run)
    assert desk.position("MSFT").quantity == 100
    assert_books_balance(desk.account)


def test_a_run_is_reversed_once_the_split_that_came_after_it_is(desk: Desk):
    run = desk.run([line("MSFT", "BUY", 10)])
    report = apply_split(symbol="MSFT", ratio=Fraction(2), on=LATER.date(), context=BY_HAND)
    assert refused(asked(run)).details["successors"].startswith("SPLIT of MSFT")
    assert report.action_id is not None
    ledger.reverse_action(report.action_id, context=BY_HAND)
    taken_back(run)
    assert desk.account.cash_balance == 100_000
    assert_books_balance(desk.account)


def test_a_dividend_of_something_else_and_a_deposit_do_not_matter(desk: Desk):
    desk.run([line("KO", "BUY", 10)])
    run = desk.run([line("MSFT", "BUY", 10)])
    record_dividend(symbol="KO", per_share=Decimal(1), on=LATER.date(), context=BY_HAND)
    ledger.deposit(desk.account, amount=Decimal(7), context=BY_HAND)
    taken_back(run)
    assert desk.account.cash_balance == Decimal(90_107)


def test_more_than_three_dependents_are_counted_and_all_of_them_are_in_the_details(desk: Desk):
    first = desk.run([line("MSFT", "BUY", 1)])
    for _ in range(5):
        desk.run([line("MSFT", "BUY", 1)])
    refusal = refused(asked(first))
    assert refusal.message.endswith(" and 2 more")
    assert len(refusal.details["runs"].split(", ")) == 5


# --- what cannot be taken back ---


def test_an_unknown_run_is_refused(db: None):
    assert refused(asked(str(uuid.uuid4()))).code == Code.RUN_NOT_FOUND
    assert refused(preview_reversal(uuid.uuid4())).code == Code.RUN_NOT_FOUND


@pytest.mark.parametrize("status", ["failed", "running"])
def test_a_run_that_has_not_succeeded_is_refused(desk: Desk, status: str):
    run = desk.run([line("MSFT", "HOLD")])
    finished_at = NOW if status == "failed" else None
    ExecutionRun.objects.update(status=status, finished_at=finished_at)
    refusal = refused(asked(run))
    assert refusal.code == Code.RUN_NOT_FINISHED
    assert status in refusal.message


def test_a_run_without_orders_is_refused(desk: Desk):
    run = desk.run([line("MSFT", "HOLD")])
    assert refused(asked(run)).code == Code.RUN_WITHOUT_ORDERS


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_a_reversal_without_a_reason_is_refused(desk: Desk, reason: str):
    run = desk.run([line("MSFT", "BUY", 10)])
    before = whole_database()
    assert refused(asked(run, reason=reason)).code == Code.REASON_MISSING
    assert whole_database() == before


def test_more_cash_than_the_books_hold_is_refused_and_nothing_is_written(desk: Desk):
    run = desk.run([line("MSFT", "BUY", 10)])
    ledger.deposit(desk.account, amount=Decimal("9999999909999.00"), context=BY_HAND)
    before = whole_database()
    refusal = refused(asked(run))
    assert (refusal.code, "more than the books hold" in refusal.message) == (Code.CANNOT_BOOK, True)
    assert whole_database() == before


def test_where_the_ledger_contradicts_itself_nothing_is_taken_back(desk: Desk):
    desk.run([line("MSFT", "BUY", 10)])
    run = desk.run([line("MSFT", "BUY", 5)])
    remove_triggers(connection)
    LedgerEntry.objects.filter(kind="BUY", sequence=2).update(amount=Decimal(-1))
    refusal = refused(asked(run))
    assert refusal.code == Code.CANNOT_BOOK
    assert "entry 2: " in refusal.message
    assert "check_books" in refusal.message
    assert preview_reversal(run_id(run)) == refusal
    LedgerEntry.objects.filter(kind="BUY", sequence=2).update(amount=Decimal(-10_000))
    assert taken_back(run).status == "reversed"


# --- how much work it is ---


def test_the_number_of_queries_does_not_grow_with_the_orders_or_the_ledger(desk: Desk):
    few = desk.run([line("KO", "BUY", 1), line("PG", "BUY", 1)])
    with CaptureQueriesContext(connection) as captured:
        taken_back(few)
    many = desk.run([line(f"S{number}", "BUY", 0.2) for number in range(150)])
    desk.run([line(f"T{number}", "BUY", 0.2) for number in range(50)])
    with CaptureQueriesContext(connection) as more:
        assert taken_back(many).orders == 150
    assert len(more) == len(captured) <= 25
