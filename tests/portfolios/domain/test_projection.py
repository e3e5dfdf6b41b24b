"""The projection of a ledger, entry by entry, without a database."""

from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from portfolios.domain.accounting import Holding, Side
from portfolios.domain.projection import Entry, Projection, project, project_positions

FIRST, SECOND = uuid4(), uuid4()


def dec(text: str | int) -> Decimal:
    """Return a Decimal."""
    return Decimal(text)


class Ledger:
    """Writes entries as the books do: numbered, with the balance after each."""

    def __init__(self, cash: int = 100_000) -> None:
        self.entries: list[Entry] = []
        self.cash(cash)

    def cash(self, amount: int | str, kind: str = "DEPOSIT") -> "Ledger":
        """Add an entry of cash alone."""
        return self._add(Entry(sequence=0, kind=kind, amount=dec(amount), balance_after=dec(0)))

    def fill(self, kind: str, quantity: str, price: str, *, position: UUID = FIRST) -> "Ledger":
        """Add a fill; the quantity is positive, as in an order."""
        sign = 1 if kind in ("BUY", "BUY_TO_COVER") else -1
        return self._of(position, kind, amount=-sign * dec(quantity) * dec(price), quantity=sign * dec(quantity),
                        price=dec(price))  # fmt: skip

    def of_position(self, kind: str, amount: str, *, position: UUID = FIRST) -> "Ledger":
        """Add a fee or a dividend."""
        return self._of(position, kind, amount=dec(amount))

    def restate(self, kind: str, change: str, average: str, cost: str, *, position: UUID = FIRST) -> "Ledger":
        """Add a split or a correction of a holding."""
        return self._of(position, kind, quantity=dec(change), price=dec(average), cost_basis=dec(cost))

    def reverse(self, sequence: int) -> "Ledger":
        """Add the reversal of an entry."""
        taken = self.entries[sequence - 1]
        assert taken.position_id is not None
        return self._of(taken.position_id, "REVERSAL", amount=-taken.amount, quantity=-taken.quantity,
                        price=taken.price, reverses=sequence)  # fmt: skip

    def change(self, at: int, **columns: object) -> "Ledger":
        """Plant a defect in one entry."""
        self.entries[at] = replace(self.entries[at], **columns)  # type: ignore[arg-type]
        return self

    def projection(self) -> Projection:
        """Replay what was written."""
        return project(self.entries)

    def faults(self) -> str:
        """Return what the projection found, as text."""
        return "; ".join(f"{sequence} {message}" for sequence, message in self.projection().faults)

    def _of(self, position: UUID, kind: str, *, amount: Decimal = Decimal(0), **columns: Any) -> "Ledger":
        return self._add(
            Entry(sequence=0, kind=kind, amount=amount, balance_after=dec(0), symbol="MSFT", position_id=position,
                  **columns)
        )  # fmt: skip

    def _add(self, entry: Entry) -> "Ledger":
        before = self.entries[-1].balance_after if self.entries else dec(0)
        numbered = replace(entry, sequence=len(self.entries) + 1, balance_after=before + entry.amount)
        self.entries.append(numbered)
        return self


def holding(ledger: Ledger, position: UUID = FIRST) -> Holding:
    """Return the projected holding; the ledger must have no fault."""
    books = ledger.projection()
    assert books.faults == []
    return books.positions[position].holding


def test_nothing_adds_up_to_nothing():
    assert project([]) == Projection()


def test_cash_is_the_sum_of_the_amounts():
    books = Ledger(100).cash("-30.25", "WITHDRAWAL").cash("0.25", "CORRECTION").projection()
    assert (books.cash, books.book_version, books.positions, books.faults) == (dec(70), 3, {}, [])


def test_a_holding_grows_and_shrinks_at_average_cost():
    held = holding(Ledger().fill("BUY", "10", "10").fill("BUY", "15", "5").fill("SELL", "15", "6"))
    assert (held.side, held.quantity, held.average_price, held.cost_basis) == (Side.LONG, dec(10), dec(7), dec(70))
    assert held.realized_pnl == dec(-15)


def test_a_fee_is_realized_at_once():
    held = holding(Ledger().fill("BUY", "10", "10").of_position("FEE", "-1.50"))
    assert held.realized_pnl == dec("-1.50")


def test_a_short_earns_when_it_is_covered_lower():
    held = holding(Ledger().fill("SELL_SHORT", "28", "175").fill("BUY_TO_COVER", "10", "150"))
    assert (held.side, held.quantity, held.realized_pnl) == (Side.SHORT, dec(18), dec(250))


def test_a_flip_is_two_positions():
    ledger = Ledger().fill("BUY", "100", "50").fill("SELL", "100", "55")
    ledger.fill("SELL_SHORT", "50", "55", position=SECOND)
    assert not holding(ledger).is_open
    assert holding(ledger).realized_pnl == dec(500)
    assert holding(ledger, SECOND).signed_quantity == dec(-50)


def test_what_is_reversed_leaves_the_holding_as_it_was():
    ledger = Ledger().fill("BUY", "3", "10").of_position("FEE", "-1.25").fill("BUY", "4", "11")
    before = holding(ledger)
    ledger.fill("SELL", "2", "17").of_position("FEE", "-0.35").reverse(6).reverse(5)
    assert holding(ledger) == before
    assert ledger.projection().positions[FIRST].book_version == 8


def test_a_holding_that_was_opened_is_closed_without_a_profit_when_that_is_reversed():
    held = holding(Ledger().fill("SELL_SHORT", "3", "10").of_position("FEE", "-1").reverse(3).reverse(2))
    assert (held.is_open, held.side, held.cost_basis, held.realized_pnl) == (False, Side.SHORT, dec(0), dec(0))


def test_a_holding_that_was_closed_is_open_again_and_may_be_traded():
    ledger = Ledger().fill("BUY", "3", "10").fill("SELL", "3", "12").reverse(3).fill("SELL", "1", "15")
    held = holding(ledger)
    assert (held.quantity, held.cost_basis, held.realized_pnl) == (dec(2), dec(20), dec(5))


def test_entries_are_reversed_from_the_last_to_the_first():
    ledger = Ledger().fill("BUY", "1", "10").fill("BUY", "2", "10").fill("BUY", "3", "10")
    ledger.reverse(4).reverse(3)
    assert holding(ledger).quantity == dec(1)
    assert "reverses entry 2, the last that stands is 4" in (
        Ledger().fill("BUY", "1", "10").cash(1).fill("BUY", "2", "10").reverse(2).faults()
    )


def test_positions_alone_are_projected_without_what_lies_between_their_entries():
    ledger = Ledger().fill("BUY", "3", "10").cash(7).fill("BUY", "1", "10", position=SECOND).fill("BUY", "4", "11")
    found = project_positions(entry for entry in ledger.entries if entry.position_id == FIRST)
    assert found.faults == []
    assert found.positions == {FIRST: ledger.projection().positions[FIRST]}


def test_a_split_states_the_holding_anew_and_keeps_its_profit():
    ledger = Ledger().fill("BUY", "20", "500").of_position("FEE", "-2")
    held = holding(ledger.restate("SPLIT", "60", "125", "10000"))
    assert (held.quantity, held.average_price, held.cost_basis) == (dec(80), dec(125), dec(10_000))
    assert (held.realized_pnl, held.mark_price) == (dec(-2), dec(125))


@pytest.mark.parametrize(("change", "side", "size"), [("3", Side.LONG, 3), ("-3", Side.SHORT, 3)])
def test_a_correction_opens_what_was_missing(change: str, side: Side, size: int):
    held = holding(Ledger().restate("CORRECTION", change, "450", "1350"))
    assert (held.side, held.quantity, held.cost_basis, held.mark_price) == (side, dec(size), dec(1350), dec(450))


def test_a_correction_to_nothing_closes_a_holding_on_its_side():
    held = holding(Ledger().fill("SELL_SHORT", "3", "10").restate("CORRECTION", "3", "10", "0"))
    assert (held.is_open, held.side, held.cost_basis) == (False, Side.SHORT, dec(0))


def test_a_correction_may_change_the_side():
    held = holding(Ledger().fill("BUY", "3", "10").restate("CORRECTION", "-5", "10", "20"))
    assert (held.side, held.quantity, held.mark_price) == (Side.SHORT, dec(2), dec(10))


@pytest.mark.parametrize(("change", "side"), [("0.5", Side.LONG), ("-0.5", Side.SHORT)])
def test_a_correction_of_less_than_a_unit_has_a_side_too(change: str, side: Side):
    assert holding(Ledger().restate("CORRECTION", change, "450", "225")).side is side


def test_a_correction_that_names_no_average_keeps_that_of_the_holding():
    ledger = Ledger().fill("BUY", "10", "100").restate("CORRECTION", "-2", "0", "800").change(2, price=None)
    assert (holding(ledger).quantity, holding(ledger).average_price) == (dec(8), dec(100))
    opened = Ledger().restate("CORRECTION", "2", "0", "800").change(1, price=None)
    assert (holding(opened).quantity, holding(opened).average_price) == (dec(2), dec(0))


@pytest.mark.parametrize(("kind", "back", "sign"), [("BUY", "SELL", 1), ("SELL_SHORT", "BUY_TO_COVER", -1)])
def test_a_profit_goes_with_the_order_that_made_it(kind: str, back: str, sign: int):
    # Ten at 100, five of them out at 130 (a short: at 70): 150 of profit, and taken back it is none.
    ledger = Ledger().fill(kind, "10", "100").fill(back, "5", str(100 + 30 * sign))
    assert holding(ledger).realized_pnl == dec(150)
    ledger.restate("CORRECTION", str(5 * sign), "100", "1000")
    ledger.change(
        3, order_id=uuid4(), amount=-ledger.entries[2].amount, balance_after=ledger.entries[1].balance_after
    )
    held = holding(ledger)
    assert (held.quantity, held.cost_basis, held.realized_pnl) == (dec(10), dec(1000), dec(0))


def test_what_a_first_order_is_corrected_to_is_no_profit():
    ledger = Ledger().restate("CORRECTION", "5", "100", "500").change(1, order_id=uuid4(), amount=dec(-500))
    ledger.change(1, balance_after=ledger.entries[0].balance_after - 500)
    assert holding(ledger).realized_pnl == dec(0)


def test_a_dividend_moves_cash_and_no_holding():
    ledger = Ledger(100).fill("BUY", "3", "10").of_position("DIVIDEND", "1.50")
    assert ledger.projection().cash == dec("71.50")
    assert (holding(ledger).realized_pnl, ledger.projection().positions[FIRST].book_version) == (dec(0), 3)


def test_a_missing_entry_and_a_double_one_are_faults():
    ledger = Ledger().cash(1).cash(1)
    del ledger.entries[1]
    assert "follows 1" in ledger.faults()
    ledger = Ledger().cash(1)
    ledger.entries.append(ledger.entries[-1])
    assert "stand twice" in ledger.faults()


def test_a_wrong_balance_is_a_fault():
    assert "2 balance is 7" in Ledger().cash(1).change(1, balance_after=dec(7)).faults()


@pytest.mark.parametrize(
    ("ledger", "words"),
    [
        (Ledger().fill("SELL", "1", "10"), "more than is held"),
        (Ledger().fill("BUY", "1", "10").fill("SELL", "2", "10"), "more than is held"),
        (Ledger().fill("BUY", "1", "10").fill("SELL_SHORT", "1", "10"), "works on the short side"),
        (Ledger().fill("BUY", "1", "1").fill("SELL", "1", "1").fill("BUY", "1", "1"), "position that is closed"),
        (Ledger().fill("BUY", "1", "10").change(1, amount=dec(-9)), "moves -10.00 of cash, the entry says -9"),
        (Ledger().fill("BUY", "1", "10").change(1, price=None), "price=Decimal('0')"),
        (Ledger().fill("BUY", "1", "10").change(1, quantity=dec(-1)), "the entry says"),
        (Ledger().fill("BUY", "1", "10").change(1, quantity=dec(10) ** 8, price=dec(10) ** 8), "range"),
        (Ledger().of_position("FEE", "-1"), "a position that nothing opened"),
        (Ledger().of_position("DIVIDEND", "1"), "a position that nothing opened"),
        (Ledger().of_position("REVERSAL", "1"), "a position that nothing opened"),
        (Ledger().fill("BUY", "1", "10").reverse(2).change(2, amount=dec(9)), "reverses 9 and -1 of entry 2"),
        (Ledger().fill("BUY", "1", "10").reverse(2).change(2, quantity=dec(0)), "reverses 10 and 0 of entry 2"),
        (Ledger().fill("BUY", "1", "10").reverse(2).reverse(2), "a position that nothing opened"),
        (Ledger().fill("BUY", "1", "10").fill("BUY", "1", "10").change(2, symbol="AAPL"), "position in MSFT"),
    ],
)
def test_an_impossible_entry_is_a_fault_and_is_passed_over(ledger: Ledger, words: str):
    assert words in ledger.faults()
    assert ledger.projection().book_version == len(ledger.entries)


def test_the_version_of_a_position_is_its_last_entry():
    ledger = Ledger().fill("BUY", "1", "10").cash(5).fill("BUY", "1", "10").of_position("FEE", "-1").cash(5)
    assert ledger.projection().positions[FIRST].book_version == 5
