"""Random lives of a holding whose splits and dividends are booked days late, beside the days told one by one."""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portfolios import ledger
from portfolios.ledger import CannotBookError, check_books
from portfolios.models import PortfolioAccount, Position, Security, Strategy
from tests.counts import count
from tests.portfolios.domain.chronicle import Chronicle, cents
from tests.portfolios.ledger.actions import dividend, split
from tests.portfolios.ledger.by_hand import BY_HAND, typed
from tests.scenes import NOW

pytestmark = pytest.mark.django_db

START = Decimal(1_000_000_000)
PRICE = "40"  # of a new unit, for what is below a step


@dataclass(frozen=True)
class Trade:
    """Signed units on a day."""

    day: int
    units: Decimal
    price: Decimal


@dataclass(frozen=True)
class Action:
    """A split or a dividend of a day, and how many days later it is booked."""

    day: int
    kind: str
    terms: str
    late: int


@dataclass
class Life:
    """What was traded and booked so far, and the step of the security."""

    symbol: str
    step: Fraction
    trades: list[tuple[Trade, bool]] = field(default_factory=list)
    booked: list[Action] = field(default_factory=list)

    def told(self) -> tuple[Chronicle, Decimal] | None:
        """Return the days one by one with the actions booked so far, and the dividends; None where a trade is
        impossible then.
        """
        chronicle, paid = Chronicle(), Decimal(0)
        for day in range(12):
            for action in (each for each in self.booked if each.day == day and each.kind == "dividend"):
                paid += cents(chronicle.units * Fraction(action.terms))
            for action in (each for each in self.booked if each.day == day and each.kind == "split"):
                chronicle.split(ratio(action.terms), step=self.step, price=Decimal(PRICE))
            for trade, opening in self.trades:
                if trade.day == day and not chronicle.trade(Fraction(trade.units), trade.price, opening=opening):
                    return None
        return chronicle, paid


def ratio(text: str) -> Fraction:
    """Return `4:1` as a number."""
    new, _, old = text.partition(":")
    return Fraction(int(new), int(old))


trades = st.builds(
    Trade,
    st.integers(0, 9),
    st.integers(1, 900).map(lambda number: Decimal(number) / 100)
    | st.just(Decimal(-2))
    | st.just(Decimal("-0.31")),
    st.decimals("1", "90", places=2),
)
split_terms = st.sampled_from(["4:1", "1:3", "3:2", "6:5", "1:7"])
dividend_terms = st.sampled_from(["0.25", "1.111", "0.0001"])
splits = st.builds(Action, st.integers(1, 9), st.just("split"), split_terms, st.integers(0, 3))
dividends = st.builds(Action, st.integers(1, 9), st.just("dividend"), dividend_terms, st.integers(0, 3))


@given(
    wishes=st.lists(trades, min_size=1, max_size=6),
    actions=st.lists(splits | dividends, min_size=1, max_size=3, unique_by=lambda each: (each.kind, each.day)),
    step=st.sampled_from(["1", "0.01"]),
    short=st.booleans(),
)
@settings(max_examples=count(40, 2000), suppress_health_check=list(HealthCheck), deadline=None)
def test_late_actions_leave_the_books_that_the_days_make(
    wishes: list[Trade], actions: list[Action], step: str, short: bool
):
    number = Security.objects.count()  # every life has a security and an account of its own
    symbol = f"S{number}"
    Security.objects.create(symbol=symbol, quantity_step=step)
    owner = Strategy.objects.create(name=f"Life {number}")
    account = ledger.open_account(
        strategy_id=owner.pk, provider="anthropic", initial_balance=START, context=BY_HAND
    )
    _live(account, wishes, actions, Life(symbol, Fraction(step)), sign=-1 if short else 1)


def _live(account: PortfolioAccount, wishes: list[Trade], actions: list[Action], life: Life, *, sign: int) -> None:
    """Trade and book in the order of the days of booking; actions in the order of their own days."""
    steps: list[tuple[int, int, Trade | Action]] = [(wish.day, 0, wish) for wish in wishes]
    latest = 0
    for action in sorted(actions, key=lambda each: (each.day, each.kind)):
        latest = max(latest, action.day + action.late)
        steps.append((latest, 1, action))
    for day, _, what in sorted(steps, key=lambda each: each[:2]):
        if isinstance(what, Trade):
            _trade(account, replace(what, units=sign * what.units), life)
        elif not _book(account, what, day, life):
            return
    assert check_books(PortfolioAccount.objects.get(pk=account.pk)) == []


def _trade(account: PortfolioAccount, trade: Trade, life: Life) -> None:
    """Trade, where the books as they are then take it."""
    held = Position.objects.filter(account=account, status="open").first()
    signed = held.as_holding().signed_quantity if held else Decimal(0)
    opening = signed * trade.units >= 0
    word = {(True, True): "BUY", (True, False): "SELL_SHORT"}.get((opening, trade.units > 0)) or (
        "BUY_TO_COVER" if trade.units > 0 else "SELL"
    )
    order = typed(f"{word} {abs(trade.units)} {life.symbol} @ {trade.price}")
    account.refresh_from_db()
    with suppress(CannotBookError), transaction.atomic():
        context = replace(BY_HAND, now=NOW + timedelta(days=trade.day))
        ledger.record_order(account, typed=order, fee=Decimal(0), context=context)
        life.trades.append((trade, opening))


def _book(account: PortfolioAccount, action: Action, day: int, life: Life) -> bool:
    """Book an action and compare; False where a trade since was impossible, in the days and in the books."""
    life.booked.append(action)
    told = life.told()
    if told is None:
        with pytest.raises(CannotBookError, match="units were traded"):
            split(life.symbol, action.terms, on=action.day, booked=day, price=PRICE)
        return False
    if action.kind == "split":
        split(life.symbol, action.terms, on=action.day, booked=day, price=PRICE)
    else:
        dividend(life.symbol, action.terms, on=action.day, booked=day)
    chronicle, paid = told
    row = PortfolioAccount.objects.get(pk=account.pk)
    assert check_books(row) == []
    assert row.cash_balance == START + chronicle.cash + paid
    positions = [each.as_holding() for each in Position.objects.filter(account=account)]
    assert (
        sum((Fraction(each.signed_quantity) for each in positions if each.is_open), Fraction(0)) == chronicle.units
    )
    assert sum((each.signed_cost for each in positions), Decimal(0)) == chronicle.cost
    assert sum((each.realized_pnl for each in positions), Decimal(0)) == chronicle.earned
    return True
