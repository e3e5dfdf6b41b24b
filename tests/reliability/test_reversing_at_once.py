"""A run is taken back once, whoever asks how often at the same time, and whatever else is executed meanwhile."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from execution.models import Reversal
from portfolios.models import LedgerEntry, Position
from tests.counts import count
from tests.reliability.children.briefs import Answer, Call
from tests.reliability.crowds import Crowd, shares_of
from tests.scenes import Desk, Inbox, assert_books_balance, line

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

PRICES = {"MSFT": "450", "KO": "62.5", "PG": "100"}
PROCESSES = count(4, 8)


@pytest.fixture
def crowd(tmp_path: Path, inbox: Inbox) -> Crowd:
    """Return the way to let several processes call at once."""
    return Crowd(tmp_path, inbox.root)


def reversals(desk: Desk, run_id: str | None, number: int) -> list[Call]:
    """`number` calls to take the same run back."""
    return [Call("reversal", run_id or "", str(desk.strategy.pk), PRICES)] * number


def executions(desk: Desk, symbol: str, number: int) -> list[Call]:
    """`number` calls, each for research of its own that buys `symbol`."""
    requests = [desk.inbox.put([line(symbol, "BUY", 0.5)]) for _ in range(number)]
    return [Call("service", request, str(desk.strategy.pk), PRICES) for request in requests]


def kinds(answers: Sequence[Answer], door: str) -> Counter[str]:
    """Return how often which answer was given at a door."""
    return Counter(answer.kind for answer in answers if answer.door == door)


@pytest.mark.parametrize("attempt", range(count(1, 20)))
def test_many_reversals_of_one_run_are_one_and_otherwise_replays(desk: Desk, crowd: Crowd, attempt: int):
    run = desk.run([line("MSFT", "BUY", 10), line("KO", "BUY", 5)], prices=PRICES)
    answers = crowd.call(shares_of(reversals(desk, run.run.id, 24), PROCESSES))

    assert kinds(answers, "reversal") == Counter(executed=1, replay=23)
    assert Reversal.objects.count() == 1
    assert LedgerEntry.objects.filter(kind="REVERSAL").count() == 2
    assert (desk.account.cash_balance, desk.account.equity_value) == (100_000, 0)
    assert_books_balance(desk.account)


@pytest.mark.parametrize("attempt", range(count(1, 20)))
def test_a_run_is_taken_back_while_others_buy_something_else(desk: Desk, crowd: Crowd, attempt: int):
    run = desk.run([line("MSFT", "BUY", 10)], prices=PRICES)
    calls = [*executions(desk, "KO", 11), *reversals(desk, run.run.id, 5)]
    answers = crowd.call(shares_of(calls, PROCESSES))

    assert kinds(answers, "service") == Counter(executed=11)
    assert kinds(answers, "reversal") == Counter(executed=1, replay=4)
    assert Position.objects.get(status="open").quantity == 8 * 11  # 0.5 % of 100,000 at 62.50
    assert_books_balance(desk.account)


@pytest.mark.parametrize("attempt", range(count(1, 20)))
def test_a_run_is_taken_back_before_others_trade_on_it_or_not_at_all(desk: Desk, crowd: Crowd, attempt: int):
    run = desk.run([line("KO", "BUY", 5)], prices=PRICES)
    calls = [*executions(desk, "KO", 4), *reversals(desk, run.run.id, 4)]
    answers = crowd.call([[call] for call in calls])

    assert kinds(answers, "service") == Counter(executed=4)
    said = kinds(answers, "reversal")
    held = Position.objects.get(status="open").quantity
    if Reversal.objects.exists():
        assert said == Counter(executed=1, replay=3)
        assert held == 8 * 4
    else:
        assert said == Counter(refused=4)
        assert all("[RUN_HAS_SUCCESSORS]" in answer.words for answer in answers if answer.door == "reversal")
        assert held == 80 + 8 * 4
    assert_books_balance(desk.account)


# Controls: the same harness, and a protection that is missing


def test_without_the_lock_the_harness_notices_reversals_that_fail(desk: Desk, crowd: Crowd):
    run = desk.run([line("MSFT", "BUY", 10)], prices=PRICES)
    answers = crowd.call(shares_of(reversals(desk, run.run.id, 4), 4), defects=("no_lock_on_reversals", "no_retry"))

    # All have decided on the same books; the ledger's keys, behind the lock, let one of them write, or none.
    assert kinds(answers, "reversal") in (Counter(executed=1, error=3), Counter(error=4))
    assert_books_balance(desk.account)


def test_with_the_lock_nobody_has_to_try_again(desk: Desk, crowd: Crowd):
    run = desk.run([line("MSFT", "BUY", 10)], prices=PRICES)
    answers = crowd.call(shares_of(reversals(desk, run.run.id, 4), 4), defects=("no_retry",))
    assert kinds(answers, "reversal") == Counter(executed=1, replay=3)
