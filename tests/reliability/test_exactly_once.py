"""One request is executed once, whoever asks, how often and how many at the same time."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import cycle, islice
from pathlib import Path

import pytest

from execution.services import reverse_run
from portfolios import reference_data
from portfolios.models import Position, Strategy
from portfolios.reference_data import PriceData
from tests.counts import count
from tests.reliability.children.briefs import Call
from tests.reliability.children.doors import DOORS
from tests.reliability.crowds import (
    Crowd,
    Expected,
    complaints_about_answers,
    complaints_about_books,
    shares_of,
)
from tests.scenes import NOW, Desk, Inbox, line, outcomes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

LINES = [line("MSFT", "BUY", 10), line("AAPL", "HOLD", 6), line("KO", "BUY", 5)]
PRICES = {"MSFT": "450", "KO": "62.5", "PG": "100"}
PROCESSES = count(4, 8)
CALLS = count(24, 200)
WHOLE_COMMANDS = count(1, 4)


@pytest.fixture
def crowd(tmp_path: Path, inbox: Inbox) -> Crowd:
    """Return the way to let several processes call at once."""
    return Crowd(tmp_path, inbox.root)


@pytest.fixture
def new_desk(inbox: Inbox) -> Desk:
    """Return a desk whose strategy does not exist yet."""
    return Desk(inbox, Strategy(name=f"New {uuid.uuid4()}"))


def _calls(desk: Desk, requests: list[str], number: int, *, create: bool = False) -> list[Call]:
    """`number` calls for the requests in turn, through the doors in turn."""
    name = desk.strategy.name if create else None
    asked = islice(zip(cycle(DOORS), cycle(requests), strict=False), number)
    return [Call(door, request, str(desk.strategy.pk), PRICES, create_strategy=name) for door, request in asked]


def _one_settled_line(desk: Desk, crowd: Crowd, *, defects: tuple[str, ...] = ()) -> list[str]:
    """Confirm one price that held a line back, from everywhere at once; say what went wrong."""
    reference_data.ensure_securities(["MSFT"], known=())
    yesterday = NOW - timedelta(days=1)
    reference_data.store_prices([PriceData(symbol="MSFT", price=Decimal(45), source="yahoo", as_of=yesterday)])
    request = desk.inbox.put(LINES)
    waiting = desk.execute(request, prices=PRICES, accepted_prices=frozenset())
    assert outcomes(waiting) == ["QUARANTINED", "HELD", "EXECUTED"]
    calls = [replace(call, accept=("MSFT",)) for call in _calls(desk, [request], CALLS)]
    answers = crowd.call(shares_of(calls, PROCESSES), defects=defects)
    expected = Expected(runs=2, orders=2, entries=3, positions=2, recommendations=4)
    return [*complaints_about_answers(answers, executed=1), *complaints_about_books(desk.strategy, expected)]


def _one_request(desk: Desk, crowd: Crowd, *, create: bool = False, defects: tuple[str, ...] = ()) -> list[str]:
    """Ask for one new request from everywhere at once; say what went wrong in a so far untouched account."""
    calls = _calls(desk, [desk.inbox.put(LINES)], CALLS, create=create)
    many, whole = calls[:-WHOLE_COMMANDS], calls[-WHOLE_COMMANDS:]
    answers = crowd.call(shares_of(many, PROCESSES), whole_commands=whole, defects=defects)
    expected = Expected(runs=1, orders=2, entries=3, positions=2, recommendations=3)
    return [*complaints_about_answers(answers, executed=1), *complaints_about_books(desk.strategy, expected)]


@pytest.mark.parametrize("attempt", range(count(1, 20)))
def test_one_request_from_many_processes_is_one_run_and_otherwise_replays(desk: Desk, crowd: Crowd, attempt: int):
    desk.run([line("PG", "BUY", 1)], prices=PRICES)
    calls = _calls(desk, [desk.inbox.put(LINES)], CALLS)

    answers = crowd.call(shares_of(calls[:-WHOLE_COMMANDS], PROCESSES), whole_commands=calls[-WHOLE_COMMANDS:])

    assert complaints_about_answers(answers, executed=1) == []
    expected = Expected(runs=2, orders=3, entries=4, positions=3, recommendations=4)
    assert complaints_about_books(desk.strategy, expected) == []
    assert desk.account.cash_balance == Decimal("99000") - Decimal("22.22") * 450 - Decimal("80") * Decimal("62.5")


@pytest.mark.parametrize("attempt", range(count(1, 20)))
def test_the_account_of_a_first_request_is_opened_once(desk: Desk, crowd: Crowd, attempt: int):
    assert _one_request(desk, crowd) == []


@pytest.mark.parametrize("attempt", range(count(1, 20)))
def test_the_strategy_of_a_first_request_is_created_once(new_desk: Desk, crowd: Crowd, attempt: int):
    assert _one_request(new_desk, crowd, create=True) == []


def _different_requests(
    desk: Desk, crowd: Crowd, *, number: int, processes: int, defects: tuple[str, ...] = ()
) -> list[str]:
    """Let many requests of one account, all for one symbol, run at once; say what was lost or done twice."""
    desk.run([line("PG", "BUY", 1)], prices=PRICES)
    requests = [desk.inbox.put([line("KO", "BUY", 0.5)]) for _ in range(number)]
    answers = crowd.call(shares_of(_calls(desk, requests, number), processes), defects=defects)
    expected = Expected(
        runs=number + 1, orders=number + 1, entries=number + 2, positions=2, recommendations=number + 1
    )
    found = [*complaints_about_answers(answers, executed=number), *complaints_about_books(desk.strategy, expected)]
    held = Position.objects.filter(account=desk.account, security_id="KO").first()
    if held is None or held.quantity != 8 * number:  # 0.5 % of 100,000 at 62.50
        found.append(f"{held} after {number} buys of 8")
    return found


@pytest.mark.parametrize("attempt", range(count(1, 20)))
def test_different_requests_of_one_account_are_all_booked_and_none_is_lost(desk: Desk, crowd: Crowd, attempt: int):
    assert _different_requests(desk, crowd, number=25, processes=count(4, 8)) == []


# Controls: the same harness, and a protection that is missing


def test_without_the_lock_the_harness_notices_requests_that_are_lost(desk: Desk, crowd: Crowd):
    found = _different_requests(desk, crowd, number=4, processes=4, defects=("no_lock", "no_retry"))

    # All have planned on the same books; the ledger's key, behind the lock, lets one of them write, or none.
    at_most_one = ("{'error': 3, 'executed': 1}", "{'error': 4}")
    assert found[0] in [f"4 were to be executed, the others replayed: {answers}" for answers in at_most_one]
    assert any("failed or never ended" in complaint for complaint in found)


def test_with_the_lock_nobody_has_to_try_again(desk: Desk, crowd: Crowd):
    assert _different_requests(desk, crowd, number=12, processes=4, defects=("no_retry",)) == []


def test_without_the_look_under_the_lock_the_harness_notices_callers_that_get_errors(desk: Desk, crowd: Crowd):
    calls = _calls(desk, [desk.inbox.put(LINES)], 2)

    answers = crowd.call(shares_of(calls, 2), defects=["no_look"])

    found = complaints_about_answers(answers, executed=1)
    assert found[0] == "1 were to be executed, the others replayed: {'error': 1, 'executed': 1}"
    assert "unique" in found[1].lower()


def test_without_unique_keys_the_harness_notices_everything_that_is_there_twice(desk: Desk, crowd: Crowd):
    request = desk.inbox.put(LINES)

    answers = crowd.call(shares_of(_calls(desk, [request], 2), 2), defects=["no_look", "no_keys"])

    assert complaints_about_answers(answers, executed=1) == [
        "1 were to be executed, the others replayed: {'executed': 2}", f"executed twice: {request}",
    ]  # fmt: skip
    expected = Expected(runs=1, orders=2, entries=3, positions=2, recommendations=3)
    assert complaints_about_books(desk.strategy, expected) == [
        "2 execution runs, 1 expected", "2 valuations, 1 expected", "4 orders, 2 expected",
        "5 ledger entries, 3 expected", "6 recommendations, 3 expected",
    ]  # fmt: skip


@pytest.mark.parametrize("attempt", range(count(1, 20)))
def test_a_line_that_waited_is_executed_once_however_many_confirm_it(desk: Desk, crowd: Crowd, attempt: int):
    assert _one_settled_line(desk, crowd) == []


def test_without_the_second_look_a_line_that_waited_would_be_tried_by_all(desk: Desk, crowd: Crowd):
    """The control: the harness notices when nobody looks again under the lock."""
    assert _one_settled_line(desk, crowd, defects=("stale_turn",)) != []


def _one_deferred_line(desk: Desk, crowd: Crowd, *, defects: tuple[str, ...] = ()) -> list[str]:
    """Give the price that a line was deferred for, from everywhere at once; say what went wrong."""
    request = desk.inbox.put(LINES)
    first = desk.execute(request, prices={"MSFT": "450"}, now=datetime.now(UTC))
    assert outcomes(first) == ["EXECUTED", "HELD", "DEFERRED"]
    answers = crowd.call(shares_of(_calls(desk, [request], CALLS), PROCESSES), defects=defects)
    expected = Expected(runs=2, orders=2, entries=3, positions=2, recommendations=4)
    return [*complaints_about_answers(answers, executed=1), *complaints_about_books(desk.strategy, expected)]


@pytest.mark.parametrize("attempt", range(count(1, 20)))
def test_a_deferred_line_is_executed_once_however_many_bring_its_price(desk: Desk, crowd: Crowd, attempt: int):
    assert _one_deferred_line(desk, crowd) == []


def test_without_the_second_look_a_deferred_line_would_be_tried_by_all(desk: Desk, crowd: Crowd):
    """The control: the harness notices when nobody looks again under the lock."""
    assert _one_deferred_line(desk, crowd, defects=("stale_turn",)) != []


def _one_reversed_request(desk: Desk, crowd: Crowd, *, defects: tuple[str, ...] = ()) -> list[str]:
    """Ask from everywhere at once to execute a reversed request again; say what went wrong."""
    now = datetime.now(UTC)
    request = desk.inbox.put(LINES)
    first = desk.execute(request, prices=PRICES, now=now)
    reverse_run(uuid.UUID(first.run.id), actor="alice", source="service", reason="wrong price", now=now)
    calls = [replace(call, again=True) for call in _calls(desk, [request], CALLS)]
    answers = crowd.call(shares_of(calls, PROCESSES), defects=defects)
    # The deposit, two purchases, both reversed, and two purchases again.
    expected = Expected(runs=2, orders=4, entries=7, positions=4, recommendations=6, reversed=1)
    return [*complaints_about_answers(answers, executed=1), *complaints_about_books(desk.strategy, expected)]


@pytest.mark.parametrize("attempt", range(count(1, 20)))
def test_a_reversed_request_is_executed_again_once_however_many_ask_for_it(desk: Desk, crowd: Crowd, attempt: int):
    assert _one_reversed_request(desk, crowd) == []


def test_without_the_second_look_a_reversed_request_would_be_executed_again_by_all(desk: Desk, crowd: Crowd):
    """The control: the harness notices when nobody looks again under the lock."""
    assert _one_reversed_request(desk, crowd, defects=("stale_turn",)) != []
