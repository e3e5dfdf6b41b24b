"""From the rows of a folios_v2 database to what is booked: told in the books' own words, without the books."""

import math
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from common.identifiers import read_declared_symbol
from common.money import CASH_LIMIT, ZERO, plain
from portfolios.domain.accounting import Holding, Side, apply_fill, restate_holding
from portfolios.domain.opening_history import CashStated, Deposited, HoldingStated, PastEvent, Traded
from portfolios.importers.folios_v2 import values
from portfolios.importers.folios_v2.accounts import AccountPlan, LeftOut
from portfolios.importers.folios_v2.findings import Rule
from portfolios.importers.folios_v2.parse import understand
from portfolios.importers.folios_v2.plan import plan_accounts
from portfolios.importers.folios_v2.reading import read_database
from portfolios.importers.folios_v2.stored import AVERAGE_TOLERANCE
from portfolios.importers.folios_v2.types import Known
from tests.portfolios.importers.folios_v2.database import CONTROLS, STRATEGY, OldBooks, messes, new_id

NOW = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
OTHER = "2f6c2f8e-5a52-4b0e-9c51-0d7c3c1b2a02"


def understood(old: OldBooks) -> Known:
    """Write the rows, read them and return what is known."""
    with tempfile.TemporaryDirectory() as directory:
        return understand(read_database(old.write(Path(directory) / "old.db")))


@dataclass(frozen=True)
class Decided:
    """What the rules made of one account, and everything that was found."""

    plan: AccountPlan | LeftOut
    known: Known

    @property
    def events(self) -> tuple[PastEvent, ...]:
        """The history that is booked."""
        assert isinstance(self.plan, AccountPlan), self.plan
        return self.plan.events

    @property
    def story(self) -> list[str]:
        """The history in words."""
        return [words(event) for event in self.events]

    @property
    def rules(self) -> list[str]:
        """The rules that spoke of the account, and of its rows."""
        quiet = (Rule.FIELDS_LEFT_OUT, Rule.FLOAT_NOISE)
        return [
            finding.rule for finding in (*self.known.findings, *self.plan.findings) if finding.rule not in quiet
        ]

    @property
    def unfilled(self) -> list[str]:
        """The orders that have no entry."""
        assert isinstance(self.plan, AccountPlan)
        return [
            f"{order.status} {order.action} {plain(order.quantity)} {order.symbol}" for order in self.plan.unfilled
        ]


def words(event: PastEvent) -> str:
    """Return an event as text."""
    if isinstance(event, Deposited):
        return f"DEPOSIT {event.amount:f}"
    if isinstance(event, Traded):
        order = event.order
        return f"{order.action} {plain(order.quantity)} {order.symbol} @ {plain(order.limit_price)}"
    if isinstance(event, HoldingStated):
        return f"HOLDING {event.side} {plain(event.quantity)} {event.symbol} @ {plain(event.average_price)}"
    return f"CASH {event.balance:f}"


def decided(old: OldBooks) -> Decided:
    """Return what becomes of the one account that the rows speak of."""
    known = understood(old)
    (plan,) = plan_accounts(known, now=NOW)
    return Decided(plan, known)


def books(*lines: str, cash: str | None = None, equity: str = "0", **account: Any) -> OldBooks:
    """Return a database of one account: `long 5 MSFT @ 10` is a position, anything else an order.

    A word before an order is its status; the orders follow each other by the hour.
    """
    old = OldBooks()
    old.strategy()
    if cash is not None:
        old.account(cash, equity, **account)
    for hour, text in enumerate(lines):
        if text.startswith(("long", "short")):
            old.position(text)
            continue
        status, _, order = text.partition(" ") if text[0].islower() else ("filled", "", text)
        old.order(order, status=status, at=f"2025-10-02T{hour:02}:30:00Z")
    return old


# --- what people saw and trusted comes out again

CASES: dict[str, tuple[OldBooks, list[str], list[str]]] = {
    "an account that is right": (
        books("BUY 22.22 MSFT @ 450", "long 22.22 MSFT @ 450", cash="90001", equity="9999"),
        ["DEPOSIT 100000.00", "BUY 22.22 MSFT @ 450.00"],
        [],
    ),
    "float noise": (
        books(
            "BUY 22.220000000000002 MSFT @ 528.5700073242188", "long 22.220000000000002 MSFT @ 528.5700073242188",
            cash="88255.17443725586", equity="11744.825562744",
        ),
        ["DEPOSIT 100000.00", "BUY 22.22 MSFT @ 528.57"],
        [],
    ),
    "cents that add up to another balance": (
        books("BUY 0.5 MSFT @ 0.03", "BUY 0.5 MSFT @ 0.03", "long 1 MSFT @ 0.03", cash="99999.97", equity="0.03"),
        ["DEPOSIT 100000.00", "BUY 0.50 MSFT @ 0.03", "BUY 0.50 MSFT @ 0.03", "CASH 99999.97"],
        ["CASH_ROUNDING", "EQUAL_ORDERS"],
    ),
    "an account without orders": (books(cash="100000"), ["DEPOSIT 100000.00"], []),
    "an empty account": (books(cash="0"), [], ["OPENING_DERIVED"]),
    "another opening balance": (
        books("BUY 10 MSFT @ 450", "long 10 MSFT @ 450", cash="245500", equity="4500"),
        ["DEPOSIT 250000.00", "BUY 10.00 MSFT @ 450.00"],
        ["OPENING_DERIVED"],
    ),
    "a round trip": (
        books("BUY 10 MSFT @ 450", "SELL 10 MSFT @ 460", cash="100100"),
        ["DEPOSIT 100000.00", "BUY 10.00 MSFT @ 450.00", "SELL 10.00 MSFT @ 460.00"],
        [],
    ),
    "a second buy that opened a second position": (
        books(
            "BUY 10 MSFT @ 450", "BUY 5 MSFT @ 480", "long 10 MSFT @ 450", "long 5 MSFT @ 480",
            cash="93100", equity="7200",
        ),
        ["DEPOSIT 100000.00", "BUY 10.00 MSFT @ 450.00", "BUY 5.00 MSFT @ 480.00"],
        ["DUPLICATE_POSITION"],
    ),
    "bought twice and debited once": (
        books(
            "BUY 10 MSFT @ 450", "BUY 10 MSFT @ 450", "long 10 MSFT @ 450", "long 10 MSFT @ 450",
            cash="95500", equity="9000",
        ),
        ["DEPOSIT 100000.00", "BUY 10.00 MSFT @ 450.00", "BUY 10.00 MSFT @ 450.00", "CASH 95500.00"],
        ["DUPLICATE_POSITION", "CASH_EXPLAINED", "CASH_CORRECTED", "EQUAL_ORDERS"],
    ),
    "a naked sell that created value": (
        books("SELL 50 XOM @ 110", cash="105500"),
        ["DEPOSIT 100000.00", "CASH 105500.00"],
        ["SELL_WITHOUT_HOLDING", "CASH_EXPLAINED", "CASH_CORRECTED"],
    ),
    "a naked sell that did nothing": (
        books("SELL 50 XOM @ 110", cash="100000"),
        ["DEPOSIT 100000.00"],
        ["SELL_WITHOUT_HOLDING"],
    ),
    "a sell that left position and cash as they were": (
        books("BUY 10 MSFT @ 450", "SELL 10 MSFT @ 460", "long 10 MSFT @ 450", cash="95500", equity="4500"),
        [
            "DEPOSIT 100000.00", "BUY 10.00 MSFT @ 450.00", "SELL 10.00 MSFT @ 460.00",
            "HOLDING long 10.00 MSFT @ 450.00", "CASH 95500.00",
        ],
        ["POSITION_DIFFERS", "CASH_EXPLAINED", "CASH_CORRECTED"],
    ),
    "sales that left everything as it was": (
        books(
            "BUY 10 MSFT @ 450", "BUY 10 XOM @ 50", "SELL 10 MSFT @ 460", "SELL 5 XOM @ 60",
            "long 10 MSFT @ 450", "long 10 XOM @ 50", cash="95000", equity="5000",
        ),
        [
            "DEPOSIT 100000.00", "BUY 10.00 MSFT @ 450.00", "BUY 10.00 XOM @ 50.00", "SELL 10.00 MSFT @ 460.00",
            "SELL 5.00 XOM @ 60.00", "HOLDING long 10.00 MSFT @ 450.00", "HOLDING long 10.00 XOM @ 50.00",
            "CASH 95000.00",
        ],
        ["POSITION_DIFFERS", "POSITION_DIFFERS", "CASH_EXPLAINED", "CASH_CORRECTED", "EQUITY_DIFFERS"],
    ),
    "a short never booked to cash": (
        books("SELL_SHORT 28 NVDA @ 175.44", "short 28 NVDA @ 175.44", cash="100000", equity="-4912.32"),
        ["DEPOSIT 100000.00", "SELL_SHORT 28.00 NVDA @ 175.44", "CASH 100000.00"],
        ["SHORT_NOT_IN_CASH", "CASH_CORRECTED"],
    ),
    "a short that was": (
        books("SELL_SHORT 28 NVDA @ 175.44", "short 28 NVDA @ 175.44", cash="104912.32", equity="-4912.32"),
        ["DEPOSIT 100000.00", "SELL_SHORT 28.00 NVDA @ 175.44"],
        [],
    ),
    "a short beside the long of the same symbol": (
        books(
            "BUY 100 MSFT @ 50", "SELL_SHORT 40 MSFT @ 60", "long 100 MSFT @ 50", "short 40 MSFT @ 60",
            cash="97400", equity="2600",
        ),
        ["DEPOSIT 100000.00", "BUY 100.00 MSFT @ 50.00", "HOLDING long 60.00 MSFT @ 50.00", "CASH 97400.00"],
        [
            "ORDER_AGAINST_POSITION", "OPPOSITE_POSITIONS", "POSITION_DIFFERS", "CASH_EXPLAINED", "CASH_CORRECTED",
            "EQUITY_DIFFERS",
        ],
    ),
    "a short that takes away the long": (
        books(
            "BUY 100 MSFT @ 50", "SELL_SHORT 100 MSFT @ 60", "long 100 MSFT @ 50", "short 100 MSFT @ 60",
            cash="101000",
        ),
        ["DEPOSIT 100000.00", "BUY 100.00 MSFT @ 50.00", "HOLDING long 0.00 MSFT @ 0.00", "CASH 101000.00"],
        ["ORDER_AGAINST_POSITION", "OPPOSITE_POSITIONS", "POSITION_DIFFERS", "CASH_EXPLAINED", "CASH_CORRECTED"],
    ),
    "more sold than held": (
        books("BUY 10 MSFT @ 50", "SELL 15 MSFT @ 60", cash="100400"),
        ["DEPOSIT 100000.00", "BUY 10.00 MSFT @ 50.00", "SELL 10.00 MSFT @ 60.00", "CASH 100400.00"],
        ["SOLD_MORE_THAN_HELD", "CASH_EXPLAINED", "CASH_CORRECTED"],
    ),
    "a position that no order made": (
        books("long 10 MSFT @ 450", cash="95500", equity="4500"),
        ["DEPOSIT 100000.00", "HOLDING long 10.00 MSFT @ 450.00", "CASH 95500.00"],
        ["POSITION_DIFFERS", "CASH_EXPLAINED", "CASH_CORRECTED"],
    ),
    "an average that the orders do not make": (
        books("BUY 10 MSFT @ 450", "long 10 MSFT @ 470", cash="95500", equity="4700"),
        ["DEPOSIT 100000.00", "BUY 10.00 MSFT @ 450.00", "HOLDING long 10.00 MSFT @ 470.00"],
        ["POSITION_DIFFERS", "EQUITY_DIFFERS"],
    ),
    "an average with another last place": (
        books("BUY 1 KO @ 60.0001", "BUY 2 KO @ 60", "long 3 KO @ 60.0001", cash="99820", equity="180"),
        ["DEPOSIT 100000.00", "BUY 1.00 KO @ 60.0001", "BUY 2.00 KO @ 60.00"],
        [],
    ),
    "a position that is gone": (
        books("BUY 10 MSFT @ 450", cash="95500"),
        ["DEPOSIT 100000.00", "BUY 10.00 MSFT @ 450.00", "HOLDING long 0.00 MSFT @ 0.00"],
        ["POSITION_DIFFERS"],
    ),
    "five buys of 30 %": (
        books(
            *(f"BUY 300 {symbol} @ 101" for symbol in ("AAPL", "GOOG", "MSFT", "NVDA", "XOM")),
            *(f"long 300 {symbol} @ 101" for symbol in ("AAPL", "GOOG", "MSFT", "NVDA", "XOM")),
            cash="-51500", equity="151500",
        ),
        [
            "DEPOSIT 100000.00", "BUY 300.00 AAPL @ 101.00", "BUY 300.00 GOOG @ 101.00", "BUY 300.00 MSFT @ 101.00",
            "CASH 30300.00", "BUY 300.00 NVDA @ 101.00", "CASH 30300.00", "BUY 300.00 XOM @ 101.00",
        ],
        ["CASH_OVERDRAWN", "CASH_OVERDRAWN", "CASH_NEGATIVE"],
    ),
    "two cents too many": (
        books("BUY 16666.67 KO @ 6", "long 16666.67 KO @ 6", cash="-0.02", equity="100000.02"),
        ["DEPOSIT 100000.00", "CASH 100000.02", "BUY 16666.67 KO @ 6.00"],
        ["CASH_OVERDRAWN", "CASH_NEGATIVE"],
    ),
    "an opening balance that cannot have been": (
        books("BUY 10 MSFT @ 50", "SELL 10 MSFT @ 6000", cash="3"),
        ["DEPOSIT 100000.00", "BUY 10.00 MSFT @ 50.00", "SELL 10.00 MSFT @ 6000.00", "CASH 3.00"],
        ["CASH_DOES_NOT_FOLLOW", "CASH_CORRECTED"],
    ),
    "orders at the default price": (
        books("BUY 10 MSFT @ 100", "SELL 5 XOM @ 100", "long 10 MSFT @ 100", cash="99500", equity="1000"),
        ["DEPOSIT 100000.00", "BUY 10.00 MSFT @ 100.00", "CASH 99500.00"],
        ["SELL_WITHOUT_HOLDING", "CASH_EXPLAINED", "CASH_CORRECTED", "DEFAULT_PRICE", "DEFAULT_PRICE"],
    ),
    "a stored equity of another kind": (
        books("BUY 10 MSFT @ 450", "long 10 MSFT @ 450", cash="95500", equity="5000"),
        ["DEPOSIT 100000.00", "BUY 10.00 MSFT @ 450.00"],
        ["EQUITY_DIFFERS"],
    ),
    "a position of which only the symbol is sure": (
        books("BUY 10 MSFT @ 450", "long NaN MSFT @ 450", cash="95500", equity="4500"),
        ["DEPOSIT 100000.00", "BUY 10.00 MSFT @ 450.00"],
        ["POSITION_UNREADABLE"],
    ),
    "a second position that can be read beside it": (
        books("BUY 10 MSFT @ 450", "long NaN MSFT @ 450", "long 10 MSFT @ 450", cash="95500", equity="4500"),
        ["DEPOSIT 100000.00", "BUY 10.00 MSFT @ 450.00"],
        ["POSITION_UNREADABLE"],
    ),
    "an open position of nothing": (
        books("long 0.0000001 MSFT @ 450", cash="100000"),
        ["DEPOSIT 100000.00"],
        ["ZERO_QUANTITY"],
    ),
    "symbols in another spelling": (
        books("BUY 10 brk-b @ 450", "BUY 5 BRK.B @ 450", "long 10 BRK.B @ 450", "long 5 Brk-b @ 450",
              cash="93250", equity="6750"),
        ["DEPOSIT 100000.00", "BUY 10.00 BRK.B @ 450.00", "BUY 5.00 BRK.B @ 450.00"],
        ["DUPLICATE_POSITION"],
    ),
    "fills that together are more than the books hold": (
        books("BUY 600000000 KO @ 0.0001", "BUY 600000000 KO @ 0.0001", "long 600000000 KO @ 0.0001",
              cash="40000", equity="60000"),
        ["DEPOSIT 100000.00", "BUY 600000000.00 KO @ 0.0001"],
        ["OUT_OF_RANGE", "EQUAL_ORDERS"],
    ),
    "a fill that the books cannot hold": (
        books("BUY 900000000 MSFT @ 900000", cash="100000"),
        ["DEPOSIT 100000.00"],
        ["OUT_OF_RANGE"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_is_booked_and_what_is_said(name: str):
    old, story, rules = CASES[name]
    found = decided(old)
    assert (found.story, found.rules) == (story, rules)
    assert_possible(found.plan)


def test_the_stated_time_of_a_position_without_orders_is_when_it_was_opened():
    (_, stated, _) = decided(books("long 10 MSFT @ 450", cash="95500", equity="4500")).events
    assert stated.at == datetime(2025, 10, 2, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("position", "story"),
    [
        ("long 10 XOM @ 50", ["HOLDING long 10.00 XOM @ 50.00", "BUY 10.00 MSFT @ 450.00"]),
        ("long 7 MSFT @ 450", ["BUY 10.00 MSFT @ 450.00", "HOLDING long 7.00 MSFT @ 450.00"]),
    ],
    ids=["no order in its symbol", "an order in its symbol"],
)
def test_a_stated_position_stands_before_a_later_order_unless_that_made_it(position: str, story: list[str]):
    old = books(cash="95500", equity="4500")
    old.order("BUY 10 MSFT @ 450", at="2025-10-09T14:30:00Z")
    if "XOM" in position:
        old.position("long 10 MSFT @ 450")
    old.position(position, opened_at="2025-10-01T14:30:00Z")
    found = decided(old)
    assert found.story[1:3] == story
    assert_possible(found.plan)


def test_a_correction_names_file_rule_and_numbers():
    *_, last = decided(books("SELL 50 XOM @ 110", cash="105500")).events
    assert last.reason == "old.db: CASH_CORRECTED: the entries add up to 100000.00, stored is 105500.00"
    assert last.at == datetime(2025, 11, 1, 12, tzinfo=UTC), "when the stored cash was written"


def test_orders_of_one_moment_are_booked_in_an_order_that_fits():
    old = books(cash="100100")
    first, second = sorted(new_id(number) for number in range(2))
    old.order("SELL 10 MSFT @ 460", key=first)
    old.order("BUY 10 MSFT @ 450", key=second)
    found = decided(old)
    assert found.rules == []
    assert found.story[1:] == ["BUY 10.00 MSFT @ 450.00", "SELL 10.00 MSFT @ 460.00"]


def test_orders_that_were_not_filled_are_kept_without_an_event():
    found = decided(
        books(
            "pending BUY 1 MSFT @ 5",
            "failed BUY 2 MSFT @ 5",
            "cancelled BUY 3 MSFT @ 5",
            "SELL 4 XOM @ 5",
            cash="100000",
        )
    )
    assert found.story == ["DEPOSIT 100000.00"]
    assert found.unfilled == [
        "failed SELL 4.00 XOM", "pending BUY 1.00 MSFT", "failed BUY 2.00 MSFT", "canceled BUY 3.00 MSFT",
    ]  # fmt: skip


# --- accounts of which no cash is stored


@pytest.mark.parametrize("lines", [["BUY 10 MSFT @ 450"], ["BUY 10 MSFT @ 450", "long 10 MSFT @ 450"]])
def test_orders_that_make_sense_alone_make_the_account(lines: list[str]):
    found = decided(books(*lines))
    assert (found.story, found.rules) == (["DEPOSIT 100000.00", "BUY 10.00 MSFT @ 450.00"], ["ACCOUNT_MISSING"])


def test_cash_that_cannot_be_read_is_worked_out_from_the_orders():
    found = decided(books("BUY 10 MSFT @ 450", "long 10 MSFT @ 450", cash="plenty", equity="4500"))
    assert found.story == ["DEPOSIT 100000.00", "BUY 10.00 MSFT @ 450.00"]
    assert found.rules == ["CASH_UNREADABLE", "CASH_UNREADABLE"]


@pytest.mark.parametrize(
    ("lines", "because"),
    [
        (["pending BUY 10 MSFT @ 450"], "no filled order"),
        (["long 10 MSFT @ 450"], "no filled order"),
        (["SELL 10 MSFT @ 450", "BUY 1 MSFT @ 450"], "contradict each other (SELL_WITHOUT_HOLDING order"),
        (["BUY 10 MSFT @ 450", "long 9 MSFT @ 450"], "do not make the position in MSFT"),
        (["BUY 10 MSFT @ 450", "long 10 XOM @ 450"], "do not make the position in MSFT"),
        (["BUY 10 MSFT @ 450", "long NaN MSFT @ 450"], "a position cannot be read"),
        (["BUY 1000 MSFT @ 450"], "spend more than 100000.00"),
    ],
)
def test_orders_that_do_not_make_sense_alone_are_left_out(lines: list[str], because: str):
    plan = decided(books(*lines)).plan
    assert isinstance(plan, LeftOut)
    (finding,) = plan.findings
    assert finding.rule == Rule.ACCOUNT_LEFT_OUT
    assert because in finding.found


@pytest.mark.parametrize(
    "lines",
    [
        ["BUY 900 MSFT @ 900000000", "SELL 900 MSFT @ 900000000"] * 6,
        ["BUY 900000000 MSFT @ 0.01", "short 900000000 MSFT @ 0.01"],
        ["long 600000000 MSFT @ 0.01", "long 600000000 MSFT @ 0.01"],
        ["BUY 900000000 MSFT @ 0.01", "BUY 1 MSFT @ 900000", "long 900000001 MSFT @ 0.011"],
    ],
    ids=["cash", "change of a holding", "quantity", "equity"],
)
def test_an_account_that_is_more_than_the_books_hold_is_left_out(lines: list[str]):
    plan = decided(books(*lines, cash="9000000")).plan
    assert isinstance(plan, LeftOut)
    assert plan.findings[0].rule == Rule.OUT_OF_RANGE


# --- rows that say nothing usable


@pytest.mark.parametrize(
    ("field", "value", "rule", "words_of_it"),
    [
        ("quantity", "0", "ZERO_QUANTITY", "a filled BUY of '0' MSFT"),
        ("quantity", "0.0000004", "ZERO_QUANTITY", "a filled BUY of '0.0000004' MSFT"),
        ("quantity", "-5", "ORDER_UNREADABLE", "quantity is '-5': must not be below zero"),
        ("quantity", None, "ORDER_UNREADABLE", "quantity is 'None': not a number"),
        ("quantity", "NaN", "ORDER_UNREADABLE", "quantity is 'NaN': not a number"),
        ("quantity", math.nan, "ORDER_UNREADABLE", "quantity is 'NaN': not a number"),
        ("quantity", math.inf, "ORDER_UNREADABLE", "quantity is 'Infinity': not a number"),
        ("quantity", "ten", "ORDER_UNREADABLE", "quantity is 'ten': not a number"),
        ("quantity", True, "ORDER_UNREADABLE", "quantity is 'True': not a number"),
        ("quantity", "1_000", "ORDER_UNREADABLE", "not a number"),
        ("quantity", "1e9", "ORDER_UNREADABLE", "outside the books' range"),
        ("quantity", "1e9999", "ORDER_UNREADABLE", "outside the books' range"),
        ("quantity", "9" * 100, "ORDER_UNREADABLE", "not a number"),
        ("limit_price", None, "ORDER_UNREADABLE", "limit_price is 'None': not a number"),
        ("limit_price", "0", "ORDER_UNREADABLE", "limit_price is '0': must be above zero"),
        ("limit_price", "-450", "ORDER_UNREADABLE", "limit_price is '-450': must be above zero"),
        ("action", "HOLD", "ORDER_UNREADABLE", "action is 'HOLD': none of BUY, SELL"),
        ("action", None, "ORDER_UNREADABLE", "action is 'None'"),
        ("status", "settled", "ORDER_UNREADABLE", "status is 'settled': none of pending, filled"),
        ("symbol", "NOT A SYMBOL", "COLUMN_DIFFERS", "symbol is 'MSFT' in the column"),
        ("filled_at", None, "FILLED_AT_MISSING", "filled_at is 'None'"),
        ("filled_at", "soon", "FILLED_AT_MISSING", "filled_at is 'soon'"),
    ],
)
def test_an_order_is_booked_as_it_stands_or_reported(field: str, value: object, rule: str, words_of_it: str):
    old = books(cash="100000")
    fields: dict[str, Any] = {field: value}
    old.order("BUY 1 MSFT @ 450", **fields)
    reported = [finding for finding in understood(old).findings if finding.rule != Rule.FIELDS_LEFT_OUT]
    assert reported[0].rule == rule
    assert words_of_it in reported[0].found


def test_an_order_that_was_filled_needs_no_time_of_its_placing():
    old = books(cash="100000")
    old.order("BUY 1 MSFT @ 450", placed_at="soon")
    (order,) = understood(old).orders
    assert order.placed_at == order.at == datetime(2025, 10, 2, 14, 30, tzinfo=UTC)


def test_an_order_without_any_time_is_reported():
    old = books(cash="100000")
    old.order("BUY 1 MSFT @ 450", at="soon")
    assert [finding.rule for finding in understood(old).findings][:1] == [Rule.TIME_UNREADABLE]
    assert understood(old).orders == []


@pytest.mark.parametrize(
    "text",
    ["2025-10-02T14:30:00Z", "2025-10-02 14:30:00", "2025-10-02T16:30:00+02:00", " 2025-10-02T14:30:00.000000Z "],
)
def test_times_are_utc_where_they_name_no_zone(text: str):
    assert values.moment(text) == datetime(2025, 10, 2, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize("value", [None, "", "soon", 5, "0001-01-01T00:00:00+14:00", "2025-13-01"])
def test_what_is_no_time_is_none(value: object):
    assert values.moment(value) is None


@pytest.mark.parametrize(
    "payload", ["", "{", "[]", "null", "[" * 5000, '{"a": 1, "a": 2}', '{"a":' * 40 + "1" + "}" * 40, "5", b"\xff"]
)
def test_a_payload_that_is_no_object_is_reported_and_the_columns_are_read(payload: object):
    old = OldBooks()
    old.row("strategies", id=STRATEGY, name="Momentum", status="active", payload="")
    old.rows["strategies"][0]["payload"] = payload
    known = understood(old)
    assert [finding.rule for finding in known.findings] == [Rule.PAYLOAD_UNREADABLE]
    assert (known.strategies[0].name, known.strategies[0].status) == ("Momentum", "active")


def test_the_payload_stands_over_the_column_but_for_the_keys():
    old = books(cash="100000")
    old.order("BUY 1 MSFT @ 450", symbol="AAPL", provider_id="openai", status="pending")
    row = old.rows["orders"][0]
    row["status"] = "filled"
    known = understood(old)
    assert [str(finding.rule) for finding in known.findings[:3]] == ["COLUMN_DIFFERS"] * 3
    (order,) = known.orders
    assert (order.symbol, order.status, order.key.provider) == ("AAPL", "pending", "anthropic")


def test_a_row_without_an_id_and_an_id_twice_are_reported():
    old = books(cash="100000")
    for key in (None, ""):
        old.row("strategies", id=key, name="Nameless", status="active", payload={})
    old.row("strategies", id=7, name="Seven", status="active", payload={})
    known = understood(old)
    assert [finding.rule for finding in known.findings][:3] == ["ROW_WITHOUT_ID", "ROW_WITHOUT_ID", "ID_REPLACED"]
    assert {strategy.name for strategy in known.strategies} == {"Momentum", "Seven"}


def test_of_two_rows_that_only_unprintable_letters_tell_apart_the_first_is_taken():
    old = OldBooks()
    old.strategy("momentum\x01", "First")
    old.strategy("momentum\x02", "Second")
    known = understood(old)
    assert [strategy.name for strategy in known.strategies] == ["First"]
    assert [finding.rule for finding in known.findings if finding.rule == Rule.ID_TWICE] == [Rule.ID_TWICE]


# --- providers


@pytest.mark.parametrize(
    ("word", "meant"),
    [("claude", "anthropic"), ("google", "gemini"), (" OpenAI ", "openai"), ("custom", "custom"), ("grok", None)],
)
def test_providers_have_one_name(word: str, meant: str | None):
    assert values.provider(word) == meant


def test_a_provider_that_nobody_knows_is_reported():
    old = books(cash="100000", provider="grok")
    known = understood(old)
    assert (known.accounts, known.findings[0].rule) == ([], Rule.PROVIDER_UNKNOWN)


def test_of_two_accounts_with_one_key_neither_is_taken():
    old = books("BUY 10 MSFT @ 450", cash="95500")
    old.account("7", provider="claude")
    known = understood(old)
    assert plan_accounts(known, now=NOW) == []
    assert Rule.ACCOUNT_TWICE in {finding.rule for finding in known.findings}


# --- strategies


def strategy_of(**fields: Any) -> tuple[Any, list[str]]:
    """Return the one strategy of a database, and the rules that spoke of it."""
    old = OldBooks()
    old.strategy(**fields)
    known = understood(old)
    quiet = (Rule.FIELDS_LEFT_OUT,)
    return known.strategies[0], [finding.rule for finding in known.findings if finding.rule not in quiet]


def test_a_strategy_keeps_id_name_status_and_prompt():
    found, rules = strategy_of(status="draft", prompt="Buy low.\nSell high.\x00")
    assert (str(found.id), found.name, found.status, found.limits) == (STRATEGY, "Momentum", "draft", None)
    assert found.description == "Buy low.\nSell high.\N{REPLACEMENT CHARACTER}"
    assert rules == []


@pytest.mark.parametrize(
    ("fields", "rules"),
    [
        ({"key": "momentum"}, ["ID_REPLACED"]),
        ({"key": STRATEGY.upper()}, ["ID_REPLACED"]),
        ({"name": ""}, ["NAME_CHANGED"]),
        ({"name": "x" * 201}, ["NAME_CHANGED"]),
        ({"status": "archived"}, ["STATUS_UNKNOWN"]),
    ],
)
def test_what_a_strategy_cannot_keep_is_replaced_and_reported(fields: dict[str, Any], rules: list[str]):
    found, reported = strategy_of(**fields)
    assert reported == rules
    assert 0 < len(found.name) <= 200
    assert found == strategy_of(**fields)[0], "the same each time"


def test_risk_controls_become_the_limits_of_a_policy():
    found, rules = strategy_of(risk_controls=CONTROLS)
    assert found.limits == {
        "max_position_percent": Decimal(10),
        "max_gross_exposure_percent": Decimal(120),
        "max_short_exposure_percent": Decimal(30),
        "max_single_short_percent": Decimal(5),
        "allow_short": True,
    }
    assert rules == ["LIMIT_WITHOUT_COUNTERPART"]


@pytest.mark.parametrize(
    ("controls", "limits", "rules"),
    [
        ({}, {"allow_short": False}, []),
        ({"max_exposure": 90, "max_leverage": 2}, {"max_gross_exposure_percent": 90, "allow_short": False}, []),
        ({"max_leverage": 2}, {"max_gross_exposure_percent": 200, "allow_short": False}, []),
        ({"max_position_size": 101}, {"allow_short": False}, ["LIMIT_UNREADABLE"]),
        ({"max_position_size": -1}, {"allow_short": False}, ["LIMIT_UNREADABLE"]),
        ({"max_position_size": "NaN"}, {"allow_short": False}, ["LIMIT_UNREADABLE"]),
        ({"max_exposure": 1e9}, {"allow_short": False}, ["LIMIT_UNREADABLE"]),
        ({"borrow_available": "yes"}, {"allow_short": False}, ["LIMIT_UNREADABLE"]),
        ({"stop_loss": None, "trailing": 3}, {"allow_short": False}, ["LIMIT_WITHOUT_COUNTERPART"]),
        ([10], None, ["LIMIT_UNREADABLE"]),
    ],
)
def test_a_limit_is_taken_as_it_stands_or_left_to_the_system(controls: Any, limits: Any, rules: list[str]):
    found, reported = strategy_of(risk_controls=controls)
    assert (found.limits, reported) == (limits, rules)


# --- what was executed


def test_requests_that_were_executed_are_listed():
    old = books(cash="100000")
    for number, state in enumerate(["done", "completed", "EXECUTED", "pending", "failed"]):
        old.request(new_id("request", number), state)
    by_key, by_task = old.request(new_id("by key"), "running"), old.request(new_id("by task"), "running")
    old.row("execution_tasks", id=new_id("task"), request_id=by_task, lifecycle_state="pending", payload={})
    old.order("BUY 1 MSFT @ 450", metadata={"idempotency_key": f"{by_key}:MSFT:BUY"})
    old.order("BUY 1 MSFT @ 450", metadata={"idempotency_key": f"{new_id('task')}:MSFT", "rationale": new_id("no")})
    old.order("BUY 1 MSFT @ 450", metadata={"idempotency_key": f"{STRATEGY}:{new_id('of nothing')}"})
    old.request("not an id", "done")
    executed = [new_id("request", number) for number in range(3)]
    assert understood(old).executed_requests == sorted(UUID(key) for key in [*executed, by_key, by_task])


def test_where_no_requests_are_listed_a_key_names_one_unless_it_is_the_strategys():
    old = books(cash="100000")
    old.order("BUY 1 MSFT @ 450", metadata={"idempotency_key": f"{STRATEGY}:{new_id('request')}:MSFT"})
    assert understood(old).executed_requests == [UUID(new_id("request"))]


def test_every_rule_is_documented_and_no_other():
    text = (settings.BASE_DIR / "docs" / "predecessor.md").read_text()
    named = {
        name for row in text.splitlines() if row.startswith("| `") for name in row.split("|")[1].split("`")[1::2]
    }
    assert {name for name in named if name.isupper()} == set(Rule)


# --- what holds for all rows


def assert_possible(plan: AccountPlan | LeftOut) -> None:
    """The events can be booked one after another, and come to the plan's own cash and holdings."""
    assert isinstance(plan, AccountPlan)
    cash, held = ZERO, dict[str, Holding]()
    for event in plan.events:
        if isinstance(event, Deposited):
            cash += event.amount
        elif isinstance(event, CashStated):
            assert cash != event.balance, "a correction of nothing"
            cash = event.balance
        elif isinstance(event, Traded):
            result = apply_fill(held.get(event.order.symbol), event.order.fill)
            cash += result.cash_delta
            put(held, result.holding)
        else:
            put(held, stated(event, held.get(event.symbol)))
        assert 0 <= cash < CASH_LIMIT
    assert (cash, held) == (plan.cash, plan.holdings)
    assert [event.at for event in plan.events] == sorted(event.at for event in plan.events)
    assert all(event.at <= plan.as_of for event in plan.events)


def stated(event: HoldingStated, before: Holding | None) -> Holding:
    """Return the holding that an event states; it must change something."""
    held = before or Holding(event.symbol, event.side, ZERO, ZERO, ZERO)
    after = restate_holding(held, side=event.side, quantity=event.quantity, average_price=event.average_price)
    assert after != before
    return after


def put(held: dict[str, Holding], holding: Holding) -> None:
    """Keep what is open."""
    if holding.is_open:
        held[holding.symbol] = holding
    else:
        del held[holding.symbol]


@given(messes())
def test_whatever_was_stored_the_history_is_possible(old: OldBooks):
    known = understood(old)
    for plan in plan_accounts(known, now=NOW):
        if isinstance(plan, LeftOut):
            assert plan.findings
            continue
        assert_possible(plan)
        assert_as_stored(plan, known)
        assert {order.order_id for order in plan.orders} == {order.id for order in known.orders}


def assert_as_stored(plan: AccountPlan, known: Known) -> None:
    """Cash and holdings are those that the predecessor stored."""
    for account in known.accounts:
        if account.cash is not None:
            assert plan.cash == max(account.cash, ZERO)
    if not known.accounts and not known.positions:
        return
    opened = [position for position in known.positions if position.is_open]
    doubtful = {position.symbol for position in opened if position.doubtful}
    for symbol in {position.symbol for position in known.positions} - doubtful:
        rows = [position for position in opened if position.symbol == symbol]
        held = plan.holdings.get(symbol)
        signed = sum((row.quantity if row.side is Side.LONG else -row.quantity for row in rows), ZERO)
        assert (held.signed_quantity if held else ZERO) == signed
        if len(rows) == 1 and held:
            assert abs(held.average_price - rows[0].average_price) <= AVERAGE_TOLERANCE


@given(messes(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_in_the_file_decides_nothing(old: OldBooks, chance: Any):
    plans = plan_accounts(understood(old), now=NOW)
    for rows in old.rows.values():
        chance.shuffle(rows)
    assert plan_accounts(understood(old), now=NOW) == plans


@given(st.text(max_size=10) | st.from_regex(r"[a-zA-Z]{1,6}[-.]?[A-Za-z0-9]{0,3}"))
def test_symbols_are_the_ones_that_securities_may_have(text: str):
    """What the predecessor held was declared there: MKC.V stays the share class that it is."""
    declared = read_declared_symbol(text)
    try:
        found: str | None = values.symbol(text)
    except values.UnreadableError:
        found = None
    assert found == (declared if isinstance(declared, str) else None)
