"""Nobody spends what is not there, however many try at once; and what is there can be spent to the last cent."""

import random
import uuid
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from portfolios.models import PortfolioAccount, Strategy
from tests.counts import count, seeded
from tests.reliability.children.briefs import Answer, Call
from tests.reliability.children.doors import DOORS
from tests.reliability.crowds import (
    Crowd,
    Expected,
    complaints_about_answers,
    complaints_about_books,
    shares_of,
)
from tests.scenes import Inbox, line

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

PROCESSES = count(4, 8)
STEPS = 4
STEP = Decimal("0.01")


@pytest.fixture
def crowd(tmp_path: Path, inbox: Inbox) -> Crowd:
    """Return the way to let several processes call at once."""
    return Crowd(tmp_path, inbox.root)


def _race_for_the_cash(
    strategy: Strategy, inbox: Inbox, crowd: Crowd, *, affordable: int, asking: int, defects: Sequence[str] = ()
) -> list[str]:
    """Let `asking` requests each buy a symbol of its own, with cash for `affordable`; say what went wrong."""
    price = Decimal(100)
    cash = price * 10 * affordable
    percent = Decimal(100) / affordable
    _open_account(crowd, inbox, strategy, cash=cash, price=price)
    doors = list(DOORS)
    calls = [
        Call(
            doors[number % len(doors)],
            inbox.put([line(f"S{number}", "BUY", float(percent))]),
            str(strategy.pk),
            {f"S{number}": str(price)},
        )
        for number in range(asking)
    ]
    processes = asking if defects else PROCESSES
    answers = crowd.call(shares_of(calls, processes), defects=defects)

    expected = Expected(
        runs=asking + 1, orders=affordable, entries=affordable + 1, positions=affordable, recommendations=asking + 1
    )
    said = Counter(outcome for answer in answers for outcome in answer.outcomes)
    wanted = {"EXECUTED SECTOR_UNVERIFIED": affordable, _DENIED: asking - affordable}
    return [
        *complaints_about_answers(answers, executed=asking),
        *complaints_about_books(strategy, expected),
        *([] if said == wanted else [f"{wanted} expected, {dict(said)}"]),
        *_complaint_about_cash(strategy, left=Decimal(0)),
    ]


_DENIED = "DENIED SECTOR_UNVERIFIED INSUFFICIENT_CASH"


def _open_account(crowd: Crowd, inbox: Inbox, strategy: Strategy, *, cash: Decimal, price: Decimal) -> None:
    """Make the account with its cash, and nothing bought."""
    first = Call("service", inbox.put([line("PG", "HOLD")]), str(strategy.pk), {}, str(cash))
    assert [answer.kind for answer in crowd.call([[first]])] == ["executed"]


def _complaint_about_cash(strategy: Strategy, *, left: Decimal) -> list[str]:
    cash = PortfolioAccount.objects.get(strategy=strategy).cash_balance
    return [] if cash == left else [f"cash is {cash}, {left} expected"]


def test_cash_for_half_of_the_buys_buys_exactly_that_half_and_the_others_are_denied(
    strategy: Strategy, inbox: Inbox, crowd: Crowd
):
    affordable = count(20, 100)
    assert _race_for_the_cash(strategy, inbox, crowd, affordable=affordable, asking=2 * affordable) == []


def test_without_the_lock_the_harness_notices_buys_that_nobody_decided(
    strategy: Strategy, inbox: Inbox, crowd: Crowd
):
    found = _race_for_the_cash(strategy, inbox, crowd, affordable=5, asking=5, defects=["no_lock", "no_retry"])

    # All saw cash for their buy; the ledger's key, behind the lock, lets one of them write, or none.
    assert (found[0], found[-1]) in [
        (f"5 were to be executed, the others replayed: {answers}", f"cash is {cash}, 0 expected")
        for answers, cash in (("{'error': 4, 'executed': 1}", "4000.00"), ("{'error': 5}", "5000.00"))
    ]


def _steps(chance: random.Random, inbox: Inbox, *, strategy: Strategy, divides: bool) -> list[Call]:
    """Four requests that each spend a quarter of an account's balance, in whole steps where `divides`."""
    price = Decimal(chance.randint(1, 900))
    balance = STEPS * STEP * chance.randint(100, 5_000) * price
    if not divides:
        balance += Decimal(chance.randint(1, 99)) / 100
        price += Decimal(chance.randint(1, 9_999)) / 10_000
    symbols = [f"S{number}" for number in range(STEPS)]
    return [
        Call(
            "service", inbox.put([line(symbol, "BUY", 25)]), str(strategy.pk), {symbol: str(price)}, str(balance),
            strategy.name,
        )
        for symbol in symbols
    ]  # fmt: skip


def _left_over(calls: Sequence[Call], *, divides: bool) -> Decimal:
    """The most cash that may be left: none, or what the rounding of four orders leaves."""
    if divides:
        return Decimal(0)
    price = Decimal(next(iter(calls[0].prices.values())))
    return STEPS * (price * STEP + STEP)


def _refused(answers: Sequence[Answer]) -> list[str]:
    """Say which buys were not executed; one made a step smaller by its rounding is."""
    return [
        f"{answer.request_id} {answer.kind} {answer.words} {outcome}"
        for answer in answers
        for outcome in answer.outcomes or ["nothing"]
        if answer.kind != "executed" or not outcome.startswith(("EXECUTED", "CLAMPED"))
    ]


def test_every_account_can_spend_exactly_what_it_has_in_four_steps(inbox: Inbox, crowd: Crowd):
    chance = seeded("spend exactly everything")
    strategies = [Strategy(name=f"{number} {uuid.uuid4()}") for number in range(count(20, 3_000))]
    work = {
        strategy: (_steps(chance, inbox, strategy=strategy, divides=number % 4 != 0), number % 4 != 0)
        for number, strategy in enumerate(strategies)
    }

    shares = [[call for strategy in strategies[n::2] for call in work[strategy][0]] for n in range(2)]
    answers = crowd.call(shares, limits={"max_position_percent": "25"})

    assert _refused(answers) == []
    assert complaints_about_answers(answers, executed=STEPS * len(strategies)) == []
    expected = Expected(runs=STEPS, orders=STEPS, entries=STEPS + 1, positions=STEPS, recommendations=STEPS)
    for strategy, (calls, divides) in work.items():
        assert complaints_about_books(strategy, expected) == []
        cash = PortfolioAccount.objects.get(strategy=strategy).cash_balance
        assert 0 <= cash <= _left_over(calls, divides=divides)
