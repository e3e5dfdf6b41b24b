"""Nothing is used up by what passes: a line that it stopped is tried again while it can be, and trades once."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from execution.engine.planning.market import Quote
from execution.engine.vocabulary import Refusal
from execution.models import ExecutionRun
from execution.prices import PriceChain
from execution.prices.sources.database import DatabaseSource
from execution.prices.sources.given import GivenSource
from execution.reports.text import render_text
from execution.reports.types import RunReport
from execution.selectors.research import deferred_lines, expired_lines
from execution.selectors.runs import lines_as_of
from execution.services import (
    Batch,
    Done,
    ReversalReport,
    count_deferred,
    count_ready,
    execute,
    execute_pending,
    preview,
    reverse_run,
)
from portfolios.models import LedgerEntry, Order, PortfolioAccount, Price, RiskPolicy
from tests.scenes import (
    NOW,
    Desk,
    assert_books_balance,
    line,
    outcomes,
    price_chain,
    refusal_of,
    report_of,
    whole_database,
)

pytestmark = pytest.mark.django_db(transaction=True)

LINES = [line("MSFT", "BUY", 10), line("KO", "BUY", 5)]
MSFT = {"MSFT": "450"}
BOTH = {"MSFT": "450", "KO": "50"}
HOUR = timedelta(hours=1)
UNVERIFIED = "the sector of KO is unknown, so its limit was not checked."


def deferred(desk: Desk, **options: Any) -> str:
    """Execute two lines while only one has a price; return the request."""
    request = desk.inbox.put(LINES)
    assert outcomes(desk.execute(request, prices=MSFT, **options)) == ["EXECUTED", "DEFERRED"]
    return request


def traded() -> list[str]:
    """Return every order, in the order of the books."""
    fills = LedgerEntry.objects.exclude(order=None).select_related("order").order_by("sequence")
    return [f"{fill.order.action} {fill.order.security_id}" for fill in fills if fill.order]


def reverse(report: RunReport, *, now: datetime = NOW) -> None:
    """Reverse the run of a report."""
    answer = reverse_run(UUID(report.run.id), actor="alice", source="service", reason="wrong price", now=now)
    assert isinstance(answer, ReversalReport), answer


# A line is taken up when what stopped it has passed


def test_a_line_without_a_price_is_taken_up_when_there_is_one_and_trades_once(desk: Desk):
    request = deferred(desk)
    report = desk.execute(request, prices=BOTH, now=NOW + HOUR)
    assert (report.run.sequence, report.run.replay) == (2, False)
    assert [(item.symbol, item.outcome) for item in report.decisions] == [("KO", "EXECUTED")]
    again = desk.execute(request, prices=BOTH, now=NOW + 2 * HOUR)
    assert (again.run.replay, again.run.id) == (True, report.run.id)
    assert traded() == ["BUY MSFT", "BUY KO"]
    assert_books_balance(desk.account)


def test_while_nothing_has_changed_the_earlier_report_stands_and_says_what_stops_the_line(desk: Desk):
    request = deferred(desk)
    before = whole_database()
    report = desk.execute(request, prices=MSFT, now=NOW + HOUR)
    assert report.run.replay
    assert outcomes(report) == ["EXECUTED", "DEFERRED"]
    assert report.notes == ["Line 2 (KO) is still deferred: there is no price for KO (no source has a price)."]
    assert whole_database() == before


def test_a_preview_shows_what_the_follow_up_would_do_and_writes_nothing(desk: Desk):
    request = deferred(desk)
    before = whole_database()
    report = desk.preview(request, prices=BOTH, now=NOW + HOUR)
    assert [(item.symbol, item.outcome, item.reason) for item in report.decisions] == [
        (
            "KO",
            "EXECUTED",
            f"Would buy 100.00 KO at 50.00 for $5,000.00; {UNVERIFIED}",
        )
    ]
    assert whole_database() == before


def test_an_exit_that_a_reduced_account_would_lose_is_none_and_an_entry_comes_later(desk: Desk):
    desk.run([line("MSFT", "BUY", 10)], prices=MSFT)
    PortfolioAccount.objects.update(trading_state="REDUCING")
    request = desk.inbox.put([line("MSFT", "SELL"), line("KO", "BUY", 5)])
    first = desk.execute(request, prices=BOTH, now=NOW + HOUR)
    assert [(item.outcome, item.codes) for item in first.decisions] == [
        ("EXECUTED", []),
        ("DEFERRED", ["REDUCING_ONLY"]),
    ]
    PortfolioAccount.objects.update(trading_state="ACTIVE")
    assert outcomes(desk.execute(request, prices=BOTH, now=NOW + 2 * HOUR)) == ["EXECUTED"]
    assert traded() == ["BUY MSFT", "SELL MSFT", "BUY KO"]


@pytest.mark.parametrize("halts", ["account", "system"])
def test_a_halt_refuses_the_request_records_nothing_and_the_exit_is_done_after_it(
    desk: Desk, settings: Any, halts: str
):
    desk.run([line("MSFT", "BUY", 10)], prices=MSFT)
    if halts == "system":
        settings.TRADING_STATE = "HALTED"
    else:
        PortfolioAccount.objects.update(trading_state="HALTED")
    request = desk.inbox.put([line("MSFT", "SELL")])
    before = whole_database()
    for service in (preview, execute):
        refusal = refusal_of(service(desk.execution_request(request, prices=MSFT)))
        assert refusal.code == "TRADING_HALTED"
        assert ("whole system" in refusal.message) == (halts == "system")
    assert whole_database() == before

    settings.TRADING_STATE = "ACTIVE"
    PortfolioAccount.objects.update(trading_state="ACTIVE")
    assert outcomes(desk.execute(request, prices=MSFT, now=NOW + HOUR)) == ["EXECUTED"]
    assert traded() == ["BUY MSFT", "SELL MSFT"]


def test_what_was_executed_is_still_answered_while_trading_is_halted(desk: Desk):
    request = deferred(desk)
    PortfolioAccount.objects.update(trading_state="HALTED")
    report = desk.execute(request, prices=BOTH, now=NOW + HOUR)
    assert report.run.replay
    assert report.notes[0].startswith(
        "Still deferred: [TRADING_HALTED] trading is halted in the account of anthropic"
    )


def test_a_follow_up_takes_what_a_person_settled_and_what_was_deferred_together(desk: Desk):
    request = desk.inbox.put([line("MSFT", "BUY", 10), line("KO", "BUY", 5), line("PG", "BUY", 5)])
    first = desk.execute(request, prices={"MSFT": "450", "KO": "50"}, now=NOW)
    assert outcomes(first) == ["EXECUTED", "EXECUTED", "DEFERRED"]
    report = desk.execute(request, prices={"MSFT": "450", "KO": "50", "PG": "100"}, now=NOW + HOUR)
    assert [(item.line, item.outcome) for item in report.decisions] == [(3, "EXECUTED")]


def test_all_lines_or_none_means_none_while_one_is_deferred(desk: Desk):
    RiskPolicy.objects.create(strategy=desk.strategy, all_or_nothing=True)
    request = desk.inbox.put(LINES)
    refusal = refusal_of(execute(desk.execution_request(request, prices=MSFT)))
    assert refusal.code == "ALL_OR_NOTHING"
    assert outcomes(desk.execute(request, prices=BOTH)) == ["EXECUTED", "EXECUTED"]


# Until its time is over


@pytest.mark.parametrize(
    ("hours", "policy", "expected"), [(71, None, "KO"), (72, None, ""), (5, 6, "KO"), (6, 6, ""), (0, 0, "")]
)
def test_it_is_tried_for_as_long_as_the_policy_says_from_the_first_run_on(
    desk: Desk, hours: int, policy: int | None, expected: str
):
    RiskPolicy.objects.create(strategy=desk.strategy, defer_hours=policy)
    request = deferred(desk)
    report = desk.execute(request, prices=BOTH, now=NOW + timedelta(hours=hours))
    assert (report.decisions[0].symbol if not report.run.replay else "") == expected


def test_what_has_expired_says_so_wherever_it_is_shown(desk: Desk):
    request = deferred(desk)
    later = NOW + timedelta(hours=73)
    report = desk.execute(request, prices=BOTH, now=later)
    until = f"{NOW + timedelta(hours=72):%Y-%m-%d %H:%M} UTC"
    words = f"Expired, because it was tried until {until}; there is no price for KO (no source has a price)."
    assert (report.decisions[1].outcome, report.decisions[1].reason) == ("EXPIRED", words)
    assert "  Expired [NO_PRICE]: because it was tried until" in render_text(report)
    assert not deferred_lines(later).exists()
    assert [row.symbol for row in expired_lines(later)] == ["KO"]
    run = ExecutionRun.objects.get()
    assert [row.outcome for row in lines_as_of(run, now=later)] == ["EXECUTED", "EXPIRED"]
    assert [row.outcome for row in lines_as_of(run, now=NOW)] == ["EXECUTED", "DEFERRED"]


def test_newer_research_of_the_account_takes_its_place(desk: Desk):
    request = deferred(desk)
    desk.run([line("PG", "BUY", 1)], prices={"PG": "100"}, now=NOW + HOUR)
    report = desk.execute(request, prices=BOTH, now=NOW + 2 * HOUR)
    assert (report.run.replay, report.decisions[1].outcome) == (True, "EXPIRED")
    assert "newer research has been executed" in report.decisions[1].reason
    assert traded() == ["BUY MSFT", "BUY PG"]


def test_newer_research_that_was_reversed_does_not(desk: Desk):
    request = deferred(desk)
    newer = desk.run([line("PG", "BUY", 1)], prices={"PG": "100"}, now=NOW + HOUR)
    reverse(newer, now=NOW + HOUR)
    assert outcomes(desk.execute(request, prices=BOTH, now=NOW + 2 * HOUR)) == ["EXECUTED"]


def test_research_of_another_provider_does_not(desk: Desk):
    request = deferred(desk)
    other = Desk(desk.inbox, desk.strategy, provider="openai")
    other.run([line("PG", "BUY", 1)], prices={"PG": "100"}, now=NOW + HOUR)
    assert outcomes(desk.execute(request, prices=BOTH, now=NOW + 2 * HOUR)) == ["EXECUTED"]


def test_a_follow_up_of_older_research_does_not_stop_the_newer_one(desk: Desk):
    older = desk.inbox.put([line("MSFT", "BUY", 1), line("PG", "BUY", 1)])
    desk.execute(older, prices=MSFT)
    newer = desk.inbox.put([line("MSFT", "BUY", 1), line("KO", "BUY", 1)])
    desk.execute(newer, prices=MSFT, now=NOW + HOUR)
    desk.execute(older, prices={"PG": "100"}, now=NOW + 2 * HOUR)
    assert outcomes(desk.execute(newer, prices=BOTH, now=NOW + 3 * HOUR)) == ["EXECUTED"]
    assert traded() == ["BUY MSFT", "BUY MSFT", "BUY KO"]


# Everything says so


def test_the_end_of_the_report_names_what_is_deferred_and_until_when(desk: Desk):
    report = desk.run(LINES, prices=MSFT)
    text = render_text(report)
    assert "  Deferred [NO_PRICE]: there is no price for KO (no source has a price). No order created\n" in text
    until = f"{NOW + timedelta(hours=72):%Y-%m-%d %H:%M} UTC"
    assert text.splitlines()[-2] == f"Deferred: 1 line (KO). Executing the request again tries it until {until}"
    assert RunReport.from_data(report.as_data()) == report


def test_of_what_is_decided_the_report_says_nothing_more(desk: Desk):
    report = desk.run(LINES, prices=BOTH)
    assert (report.notes, report.run.deferred_until) == ([], None)
    assert "Deferred" not in render_text(report)


def batch(now: datetime, prices: dict[str, str], desk: Desk, **options: Any) -> Batch:
    """Return a batch at a time, with these prices."""
    return Batch(
        actor="alice", source="command", clock=lambda: now, prices_at=lambda _: price_chain(prices),
        artifacts_root=desk.inbox.root, **options,
    )  # fmt: skip


def pending(asked: Batch) -> list[Done]:
    """Execute what is ready or deferred; a refusal fails the test."""
    done = execute_pending(asked)
    assert not isinstance(done, Refusal), done
    return list(done)


def test_a_batch_tries_what_was_deferred_in_the_mode_that_it_was_asked_in(desk: Desk):
    desk.run([line("KO", "BUY", 2)], prices=BOTH)
    request = desk.inbox.put(LINES)
    desk.execute(request, prices=MSFT, mode="target", now=NOW + HOUR)
    late = batch(NOW + 2 * HOUR, BOTH, desk)
    assert (count_ready(late), count_deferred(late)) == (0, 1)
    (done,) = pending(late)
    assert (done.result, done.request_id, done.outcomes) == ("executed", request, {"EXECUTED": 1})
    assert desk.position("KO").quantity == 100  # 5 % in all
    assert pending(late) == []


def test_a_batch_leaves_what_is_still_stopped_as_it_is(desk: Desk):
    deferred(desk)
    (done,) = pending(batch(NOW + HOUR, MSFT, desk))
    assert (done.result, done.outcomes) == ("replayed", {"DEFERRED": 1, "EXECUTED": 1})
    assert pending(batch(NOW + HOUR, BOTH, desk, provider="openai")) == []
    assert pending(batch(NOW + timedelta(hours=72), BOTH, desk)) == []


def test_the_same_call_with_its_plan_token_is_a_replay_and_never_a_changed_plan(desk: Desk):
    """Seen: after the first click had traded, the second one said that nothing was executed: PLAN_CHANGED."""
    request = desk.inbox.put(LINES)
    shown = report_of(preview(desk.execution_request(request, prices=MSFT)))
    first = desk.execute(request, prices=MSFT, plan_token=shown.plan_token)
    assert outcomes(first) == ["EXECUTED", "DEFERRED"]
    for prices in (MSFT, BOTH):
        again = desk.execute(request, prices=prices, plan_token=shown.plan_token)
        assert (again.run.replay, again.run.id) == (True, first.run.id)
    other = refusal_of(execute(desk.execution_request(request, prices=BOTH, plan_token="1.2.3")))
    assert other.code == "PLAN_CHANGED"
    assert traded() == ["BUY MSFT"]
    follow_up = report_of(preview(desk.execution_request(request, prices=BOTH)))
    assert not desk.execute(request, prices=BOTH, plan_token=follow_up.plan_token).run.replay
    assert desk.execute(request, prices=MSFT, plan_token=shown.plan_token).run.replay
    assert traded() == ["BUY MSFT", "BUY KO"]


# A call that asks for something else than what was done says so


def test_a_replay_says_in_what_the_call_differs_from_the_run(desk: Desk):
    request = desk.inbox.put([line("MSFT", "BUY", 10)])
    desk.execute(request, prices=MSFT)
    report = desk.execute(request, prices=MSFT, mode="rebalance", close_unlisted=True, initial_balance=Decimal(5))
    assert report.notes == [
        "This call asks for mode rebalance; the request was executed in mode allocate.",
        "This call asks to close what is not listed; the request was executed without.",
        "The account was opened with $100,000.00, not with the $5.00 of this call.",
    ]
    assert all(note in render_text(report) for note in report.notes)
    assert desk.execute(request, prices=MSFT).notes == []


def test_a_follow_up_says_so_as_well(desk: Desk):
    request = deferred(desk)
    report = desk.execute(request, prices=BOTH, mode="target", now=NOW + HOUR)
    assert (report.run.sequence, report.notes) == (
        2, ["This call asks for mode target; the request was executed in mode allocate."],
    )  # fmt: skip


def test_a_replay_names_what_was_traded_at_another_price_than_the_call_gives(desk: Desk):
    request = deferred(desk)
    second = desk.execute(request, prices=BOTH, now=NOW + HOUR)
    replay = desk.execute(request, prices={"MSFT": "500", "KO": "49.5"}, now=NOW + HOUR)
    note = "This call gives other prices than the request was executed at (in brackets):"
    assert (replay.run.id, replay.notes) == (second.run.id, [f"{note} KO 49.50 (50.00), MSFT 500.00 (450.00)."])
    assert desk.execute(request, prices="7", now=NOW + HOUR).notes == []  # a last resort, and nothing was without
    at_default = desk.inbox.put([line("XOM", "BUY", 1)])
    desk.execute(at_default, prices="100")
    assert desk.execute(at_default, prices="100").notes == []
    assert desk.execute(at_default, prices="50").notes == [f"{note} XOM 50.00 (100.00)."]


# The take-back for a wrong price is no dead end


def test_a_reversed_request_is_executed_again_on_purpose_with_its_own_number(desk: Desk):
    request = desk.inbox.put(LINES)
    first = desk.execute(request, prices={"MSFT": "4.50", "KO": "50"})
    reverse(first)
    assert desk.execute(request, prices=BOTH, now=NOW + HOUR).run.replay
    report = desk.execute(request, prices=BOTH, again=True, now=NOW + HOUR)
    assert (report.run.sequence, report.run.again, report.run.replay) == (2, True, False)
    assert outcomes(report) == ["EXECUTED", "EXECUTED"]
    assert render_text(report).startswith("Run 2 of the request, executed again after its orders were reversed\n")
    run = ExecutionRun.objects.get(pk=str(report.run.id))
    assert (run.generation, run.is_follow_up) == (2, False)
    assert desk.position("MSFT").quantity == Decimal("22.22")
    assert len(set(Order.objects.values_list("client_order_id", flat=True))) == 4
    assert_books_balance(desk.account)


def test_the_wrong_price_goes_with_the_run_that_is_taken_back(desk: Desk):
    """Seen: "again" bought at the typed 45 once more, and held the right 450 back as too far from it."""
    request, later = desk.inbox.put([line("MSFT", "BUY", 10)]), NOW + timedelta(days=1)
    first = desk.execute(request, prices={"MSFT": "45"})
    assert Price.objects.get().source == "given"
    reverse(first)
    stored = desk.execution_request(request, prices={}, again=True, now=later)
    report = report_of(preview(replace(stored, prices=PriceChain((DatabaseSource(later),), now=later))))
    assert outcomes(report) == ["DEFERRED"]
    right = GivenSource("given", {"MSFT": Quote(Decimal(450), "given", later)})
    report = report_of(execute(replace(stored, prices=PriceChain((right,), now=later))))
    assert outcomes(report) == ["EXECUTED"]
    assert [price.price for price in Price.objects.all()] == [450]


def test_asked_for_twice_it_is_executed_again_once(desk: Desk):
    request = desk.inbox.put(LINES)
    reverse(desk.execute(request, prices=BOTH))
    again = desk.execute(request, prices=BOTH, again=True, now=NOW + HOUR)
    for options in ({"again": True}, {}):
        replay = desk.execute(request, prices=BOTH, now=NOW + 2 * HOUR, **options)
        assert (replay.run.id, replay.run.replay, replay.run.reversed_at) == (again.run.id, True, None)
    reverse(again, now=NOW + 2 * HOUR)
    third = desk.execute(request, prices=BOTH, again=True, now=NOW + 3 * HOUR)
    assert (third.run.sequence, ExecutionRun.objects.get(pk=str(third.run.id)).generation) == (3, 3)


def test_what_still_stands_is_not_executed_again(desk: Desk):
    request = desk.inbox.put(LINES)
    call = desk.execution_request(request, prices=BOTH, again=True)
    never = refusal_of(execute(call))
    assert (never.code, "has not been executed in this account" in never.message) == ("RUN_NOT_REVERSED", True)
    report = desk.execute(request, prices=BOTH)
    before = whole_database()
    refusal = refusal_of(execute(call))
    assert (refusal.code, refusal.details) == ("RUN_NOT_REVERSED", {"run": report.run.id})
    assert whole_database() == before


def test_a_follow_up_that_stands_keeps_the_request_from_being_executed_again(desk: Desk):
    request = deferred(desk)
    first = ExecutionRun.objects.get()
    follow_up = desk.execute(request, prices=BOTH, now=NOW + HOUR)
    reverse(RunReport.from_data(first.report), now=NOW + 2 * HOUR)
    refusal = refusal_of(execute(desk.execution_request(request, prices=BOTH, again=True, now=NOW + 3 * HOUR)))
    assert refusal.details == {"run": follow_up.run.id}
    reverse(follow_up, now=NOW + 3 * HOUR)
    report = desk.execute(request, prices=BOTH, again=True, now=NOW + 4 * HOUR)
    assert (outcomes(report), report.run.sequence) == (["EXECUTED", "EXECUTED"], 3)


def test_what_the_second_time_defers_is_taken_up_as_the_first_time(desk: Desk):
    request = desk.inbox.put(LINES)
    reverse(desk.execute(request, prices=BOTH))
    again = desk.execute(request, prices=MSFT, again=True, now=NOW + 80 * HOUR)
    assert outcomes(again) == ["EXECUTED", "DEFERRED"]
    report = desk.execute(request, prices=BOTH, now=NOW + 81 * HOUR)
    assert ([item.symbol for item in report.decisions], report.run.sequence) == (["KO"], 3)


def test_a_reversed_request_has_no_deferred_lines(desk: Desk):
    request = deferred(desk)
    reverse(RunReport.from_data(ExecutionRun.objects.get().report))
    assert not deferred_lines(NOW).exists()
    assert desk.execute(request, prices=BOTH, now=NOW + HOUR).run.replay
    assert report_of(preview(desk.execution_request(request, prices=BOTH, now=NOW + HOUR))).run.replay
