"""The history of a symbol with a split in its place, beside a second opinion that goes by the days."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolios.domain.accounting import Action, Fill, Holding, Side
from portfolios.domain.projection import Entry
from portfolios.domain.split import NoSplitPriceError, Split, divided, split_units
from portfolios.domain.symbol_history import HistoryError, tell, units_at_close_before
from tests.counts import count
from tests.portfolios.domain.chronicle import Chronicle, cents

FIRST = date(2026, 1, 5)
ratios = st.builds(Fraction, st.integers(1, 12), st.integers(1, 12)).filter(lambda ratio: ratio != 1)
steps = st.sampled_from([Decimal(text) for text in ("1", "0.01", "0.5", "0.000001")])
prices = st.decimals("0.02", "900", places=4)
units = st.integers(1, 4000).map(lambda number: Decimal(number) / 100)


@dataclass
class Ledger:
    """Entries of MSFT as the books would write them; each time nothing is held, the next trade opens a position."""

    def __post_init__(self) -> None:
        self.entries: list[Entry] = []
        self.held = Decimal(0)
        self.positions = 0

    def trade(self, day: int, signed: Decimal, price: Decimal) -> bool:
        """Book signed units; False where the books would not take them."""
        after = self.held + signed
        if self.held * after < 0:
            return False
        self.positions += self.held == 0
        increases = self.held * signed >= 0
        buys = Action.BUY if self.held > 0 or increases else Action.BUY_TO_COVER
        sells = Action.SELL_SHORT if self.held < 0 or increases else Action.SELL
        fill = Fill("MSFT", buys if signed > 0 else sells, abs(signed), price)
        self.entries.append(
            Entry(
                sequence=len(self.entries) + 1,
                kind=fill.action.value,
                amount=fill.cash_delta,
                balance_after=Decimal(0),
                symbol="MSFT",
                position_id=UUID(int=self.positions),
                quantity=signed,
                price=price,
                effective_on=FIRST + timedelta(days=day),
            )
        )
        self.held = after
        return True


trades = st.tuples(st.integers(0, 9), st.sampled_from([1, 1, -1]), units, prices)


@given(
    wishes=st.lists(trades, min_size=1, max_size=9), ratio=ratios, on=st.integers(1, 9), step=steps, price=prices
)
@settings(max_examples=count(400, 5000))
def test_a_late_split_gives_what_the_days_give(
    wishes: list[tuple[int, int, Decimal, Decimal]], ratio: Fraction, on: int, step: Decimal, price: Decimal
):
    ledger, chronicle, is_split, possible = Ledger(), Chronicle(), False, True
    for day, sign, size, each in sorted(wishes, key=lambda wish: wish[0]):
        if day >= on and not is_split:
            chronicle.split(ratio, step=Fraction(step), price=price)
            is_split = True
        opening = ledger.held * sign >= 0
        if ledger.trade(day, sign * size, each):
            possible = possible and chronicle.trade(Fraction(sign * size), each, opening=opening)
    if not is_split:
        chronicle.split(ratio, step=Fraction(step), price=price)
    split = Split(on=FIRST + timedelta(days=on), ratio=ratio, step=step, price=price)
    if not possible:
        with pytest.raises(HistoryError):
            tell(ledger.entries, ratios={}, adding=split)
        return
    told = tell(ledger.entries, ratios={}, adding=split)
    rest = told.rest
    earned = sum(told.realized.values(), Decimal(0)) + (rest.realized if rest else 0)
    held = told.holding
    assert Fraction(held.signed_quantity if held else 0) == chronicle.units
    assert (held.signed_cost if held else 0) == chronicle.cost
    assert earned == chronicle.earned
    # Cash in and out of a symbol is its profit less what is still held at cost, whatever was split.
    assert chronicle.cash == chronicle.earned - chronicle.cost


@given(wishes=st.lists(trades, min_size=1, max_size=9), on=st.integers(0, 10))
def test_units_at_a_close_are_those_of_the_days_before(wishes: list[tuple[int, int, Decimal, Decimal]], on: int):
    ledger = Ledger()
    before = Decimal(0)
    for day, sign, size, price in sorted(wishes, key=lambda wish: wish[0]):
        if ledger.trade(day, sign * size, price) and day < on:
            before += sign * size
    assert units_at_close_before(ledger.entries, FIRST + timedelta(days=on)) == before


holdings = st.builds(
    lambda side, size, cost: Holding("MSFT", side, size, Decimal(10), cost, mark_price=Decimal(10)),
    st.sampled_from(Side),
    units,
    st.decimals("0", "90000", places=2),
)


@given(holding=holdings, ratio=ratios, step=steps, price=prices)
@settings(max_examples=count(300, 3000))
def test_a_split_moves_neither_value_nor_cost(holding: Holding, ratio: Fraction, step: Decimal, price: Decimal):
    found = split_units(holding, Split(on=FIRST, ratio=ratio, step=step, price=price))
    rest = found.rest
    worth = Fraction(holding.quantity) * ratio * Fraction(price)
    sign = 1 if holding.side is Side.LONG else -1
    after = Fraction(found.quantity) * Fraction(price) + (sign * Fraction(rest.cash) if rest else 0)
    assert abs(after - worth) <= Fraction(1, 200)  # the cash is rounded to a cent, once
    assert found.quantity % step == 0
    assert rest is None or (rest.quantity < step and 0 <= rest.cost <= holding.cost_basis)
    assert rest is None or rest.realized == rest.cash - sign * rest.cost
    assert rest is None or abs(rest.cash) == cents(
        (worth / Fraction(price) - Fraction(found.quantity)) * Fraction(price)
    )


@given(holding=holdings, parts=st.integers(2, 1000))
def test_a_split_and_back_leaves_the_units(holding: Holding, parts: int):
    out = split_units(holding, Split(on=FIRST, ratio=Fraction(parts), step=Decimal("0.01"), price=None))
    there = Holding("MSFT", holding.side, out.quantity, Decimal(10), holding.cost_basis)
    back = split_units(there, Split(on=FIRST, ratio=Fraction(1, parts), step=Decimal("0.01"), price=None))
    assert (back.quantity, back.rest) == (holding.quantity, None)


def test_119_by_three_and_back_leaves_whole_units():
    held = Holding("MSFT", Side.LONG, Decimal(119), Decimal(10), Decimal(1190))
    third = split_units(held, Split(on=FIRST, ratio=Fraction(1, 3), step=Decimal(1), price=Decimal(30)))
    assert third.rest is not None
    assert [third.quantity, third.rest.cash] == [39, 20]
    there = Holding("MSFT", Side.LONG, third.quantity, Decimal(30), Decimal(1170))
    back = split_units(there, Split(on=FIRST, ratio=Fraction(3), step=Decimal(1), price=None))
    assert [back.quantity, back.rest] == [117, None]


def test_a_rest_without_a_price_is_not_guessed():
    held = Holding("MSFT", Side.LONG, Decimal(119), Decimal(10), Decimal(1190))
    with pytest.raises(NoSplitPriceError):
        split_units(held, Split(on=FIRST, ratio=Fraction(1, 3), step=Decimal(1), price=None))


@given(price=st.decimals("1", "100000", places=4), parts=st.integers(2, 99))
def test_a_price_divided_and_multiplied_is_the_price(price: Decimal, parts: int):
    there = divided(price, Fraction(parts))
    assert divided(there, Fraction(1, parts)).quantize(Decimal("0.0001")) == price


# --- splits that stand in the books ---


def booked_split(ledger: Ledger, *, position: int, adds: Decimal) -> Entry:
    """Return the split of the action 7, at the open of the tenth day, as the books would write it."""
    return Entry(
        sequence=len(ledger.entries) + 1,
        kind="SPLIT",
        amount=Decimal(0),
        balance_after=Decimal(0),
        symbol="MSFT",
        position_id=UUID(int=position),
        quantity=adds,
        price=Decimal(41),
        cost_basis=Decimal(1200),
        effective_on=FIRST + timedelta(days=9),
        action_id=7,
        at_the_open=True,
    )


@pytest.mark.parametrize(
    ("at_the_open", "action_id", "average"),
    [
        (True, 7, 40),  # of an action, in its place: by its ratio
        (False, 7, 41),  # older ones: as they were booked
        (True, None, 41),
        (False, None, 41),
    ],
)
def test_a_split_in_the_books_multiplies_what_is_held_and_leaves_its_cost(
    at_the_open: bool, action_id: int | None, average: int
):
    ledger = Ledger()
    ledger.trade(1, Decimal(10), Decimal(120))
    split = booked_split(ledger, position=1, adds=Decimal(20))
    split = replace(split, at_the_open=at_the_open, action_id=action_id)
    held = tell([*ledger.entries, split], ratios={7: Fraction(3)}).holding
    assert held is not None
    assert [held.quantity, held.average_price, held.cost_basis] == [30, average, 1200]


def test_a_split_in_the_books_contradicts_a_history_that_had_sold_everything_by_then():
    ledger = Ledger()
    ledger.trade(1, Decimal(10), Decimal(120))
    # Sold behind the split by the order of the books, before it by the days.
    split = booked_split(ledger, position=1, adds=Decimal(20))
    sale = replace(split, sequence=3, kind="SELL", quantity=Decimal(-10), price=Decimal(120))
    early = replace(sale, effective_on=FIRST + timedelta(days=5), at_the_open=False, action_id=None)
    with pytest.raises(HistoryError, match="the split of MSFT on 2026-01-14 finds nothing"):
        tell([*ledger.entries, split, early], ratios={7: Fraction(3)})
