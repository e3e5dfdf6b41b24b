"""Research as it arrives: found, read once, assigned, executed; what people say of it, and what follows."""

import json
import os
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from execution.engine.vocabulary import Code, Mode, Refusal
from execution.models import ExecutionRun, LineResolution, MappingRule, ResearchRequest
from execution.prices import PriceChain
from execution.prices.source import Missing, Offer
from execution.research import resolutions, triage
from execution.research.resolutions import Author, ResolutionInput, resolve_line, save_rule
from execution.research.scan import ScanReport, scan_inbox
from execution.runs.batch import Batch, Done, execute_pending
from execution.runs.rebalance import load_latest_research
from execution.runs.reproduction import reproduce_run
from execution.runs.reversal import reverse_run
from execution.services import execute
from portfolios.models import Order, RiskPolicy, Strategy
from tests.scenes import NOW, Desk, Inbox, assert_books_balance, line, outcomes, refusal_of, whole_database

pytestmark = pytest.mark.django_db

AUTHOR = Author(actor="bob", reason="asked the desk", now=NOW)


def scanned(inbox: Inbox, *, now: datetime = NOW) -> ScanReport:
    """Scan the inbox; a refusal fails the test."""
    report = scan_inbox(inbox.root, now=now)
    assert isinstance(report, ScanReport), report
    return report


def row(request: str) -> ResearchRequest:
    """Return the stored request."""
    return ResearchRequest.objects.get(pk=request)


def codes(request: str) -> list[str]:
    """Return what keeps the request from being executed."""
    return [problem["code"] for problem in row(request).problems]


def put(desk: Desk, lines: Any = None, **document: Any) -> str:
    """Put research into the inbox that says whose it is."""
    said = {"strategy_id": str(desk.strategy.pk), "provider": "anthropic", **document}
    return desk.inbox.put(lines or [line("MSFT", "BUY", 10)], **said)


# --- the scan ---


def test_research_that_says_whose_it_is_is_ready(desk: Desk):
    request = put(desk, market_context="Rates are falling", generated_at="2026-01-04T08:00:00+01:00")
    report = scanned(desk.inbox)
    assert (report.found, report.new, report.changed, report.states) == (1, 1, 0, {"ready": 1})
    found = row(request)
    assert (found.state, found.strategy, found.provider) == ("ready", desk.strategy, "anthropic")
    assert (found.recommendation_count, found.problem_count, found.market_context) == (1, 0, "Rates are falling")
    assert (found.received_at, found.written_at) == (NOW, datetime(2026, 1, 4, 7, tzinfo=UTC))
    assert found.content.startswith('{"recommendations"')


def test_parsed_json_says_whose_research_is_beside_the_structured_one(desk: Desk):
    task = str(uuid.uuid4())
    request = desk.inbox.put([line("MSFT", "BUY", 10)], task_id=task)
    said = {"strategy_id": str(desk.strategy.pk), "provider": "claude"}
    desk.inbox.put([line("KO", "BUY", 10)], request_id=request, task_id=task, name="parsed.json", **said)
    scanned(desk.inbox)
    assert (row(request).state, row(request).provider) == ("ready", "anthropic")
    assert '"MSFT"' in row(request).content


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"strategy_id": str(uuid.uuid4())}, ["UNKNOWN_STRATEGY"]),
        ({"strategy_id": ""}, ["UNKNOWN_STRATEGY"]),
        ({"provider": "somebody"}, ["UNKNOWN_PROVIDER"]),
        ({"provider": "", "strategy_id": ""}, ["UNKNOWN_STRATEGY", "UNKNOWN_PROVIDER"]),
    ],
)
def test_research_that_nobody_knows_waits_for_a_person(desk: Desk, document: dict[str, str], expected: list[str]):
    request = put(desk, **document)
    scanned(desk.inbox)
    assert (row(request).state, codes(request)) == ("new", expected)


def test_research_in_the_wrong_directory_waits(desk: Desk):
    said = {"strategy_id": str(desk.strategy.pk), "provider": "anthropic", "request_id": str(uuid.uuid4())}
    content = json.dumps({"recommendations": [line("MSFT", "BUY", 10)], **said}).encode()
    request = desk.inbox.put_bytes(content)
    scanned(desk.inbox)
    assert (row(request).state, codes(request)) == ("new", ["ARTIFACT_MISMATCH"])


def test_what_cannot_be_read_is_quarantined_with_the_reason(desk: Desk):
    request = desk.inbox.put_bytes(b'{"recommendations": [')
    scanned(desk.inbox)
    assert (row(request).state, codes(request)) == ("quarantined", ["ARTIFACT_SYNTAX"])
    assert "structured.json: " in row(request).problems[0]["message"]


def test_a_request_with_two_readable_tasks_waits(desk: Desk):
    request = put(desk)
    desk.inbox.put([line("KO", "BUY", 5)], request_id=request)
    scanned(desk.inbox)
    assert (row(request).state, codes(request)) == ("quarantined", ["TASK_AMBIGUOUS"])


def test_directories_that_are_no_requests_are_named_and_left_out(desk: Desk):
    put(desk)
    for name in ("notes", "79B9930C-3A6F-4F41-AE9B-A3FA8EC37EF2"):
        (desk.inbox.root / name).mkdir()
    (desk.inbox.root / str(uuid.uuid4())).symlink_to(desk.inbox.root)
    report = scanned(desk.inbox)
    assert report.found == 1
    assert sorted(report.refused) == ["79B9930C-3A6F-4F41-AE9B-A3FA8EC37EF2", "notes"]


def test_an_inbox_that_is_not_there_is_refused(tmp_path: Path):
    refusal = scan_inbox(tmp_path / "nowhere", now=NOW)
    assert refusal == refusal_of(refusal)  # type: ignore[arg-type]  # a scan answers with another report
    assert "cannot be listed" in str(refusal)


def test_a_second_scan_reads_no_file(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    for _ in range(3):
        put(desk)
    scanned(desk.inbox)
    before = whole_database()
    opened: list[str] = []
    original: Callable[..., int] = os.open

    def watched(path: Any, *arguments: Any, **options: Any) -> int:
        opened.append(str(path))
        return original(path, *arguments, **options)

    monkeypatch.setattr(os, "open", watched)
    report = scanned(desk.inbox, now=NOW + timedelta(days=1))
    assert (report.found, report.new, report.changed) == (3, 0, 0)
    assert [path for path in opened if str(desk.inbox.root) in path] == []
    assert whole_database() == before


def test_a_file_that_changed_is_read_again(desk: Desk):
    task = str(uuid.uuid4())
    request = desk.inbox.put_bytes(b"{", task_id=task)
    scanned(desk.inbox)
    said = {"strategy_id": str(desk.strategy.pk), "provider": "anthropic"}
    desk.inbox.put([line("KO", "BUY", 5)], request_id=request, task_id=task, **said)
    report = scanned(desk.inbox)
    assert (report.changed, row(request).state, codes(request)) == (1, "ready", [])


def test_what_was_executed_stays_as_it_was_when_its_file_changes(desk: Desk):
    task = str(uuid.uuid4())
    request = desk.inbox.put([line("MSFT", "BUY", 10)], task_id=task)
    desk.execute(request)
    content = row(request).content
    desk.inbox.put([line("KO", "BUY", 5)], request_id=request, task_id=task)
    scanned(desk.inbox)
    found = row(request)
    assert (found.state, found.content, codes(request)) == ("executed", content, ["ARTIFACT_CHANGED"])
    assert (found.strategy, found.provider) == (desk.strategy, "anthropic")


# --- what people decide ---


def test_a_person_says_whose_research_is_and_a_new_scan_does_not_undo_it(desk: Desk):
    task = str(uuid.uuid4())
    request = desk.inbox.put([line("MSFT", "BUY", 10)], task_id=task)
    scanned(desk.inbox)
    answer = triage.assign_request(
        uuid.UUID(request), strategy_id=desk.strategy.pk, provider="openai", author=AUTHOR
    )
    assert isinstance(answer, ResearchRequest)
    assert (row(request).state, row(request).provider, row(request).assigned_by) == ("ready", "openai", "bob")
    desk.inbox.put([line("MSFT", "BUY", 9)], request_id=request, task_id=task)
    scanned(desk.inbox)
    assert (row(request).state, row(request).provider) == ("ready", "openai")


def test_ignored_research_is_executed_by_no_batch(desk: Desk):
    request = put(desk)
    scanned(desk.inbox)
    triage.ignore_request(uuid.UUID(request), author=AUTHOR)
    scanned(desk.inbox)
    assert row(request).state == "ignored"
    assert pending(desk) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"request_id": uuid.uuid4()}, Code.REQUEST_NOT_FOUND),
        ({"strategy_id": uuid.uuid4()}, Code.UNKNOWN_STRATEGY),
        ({"provider": "nobody"}, Code.UNKNOWN_PROVIDER),
        ({"author": replace(AUTHOR, reason=" ")}, Code.REASON_MISSING),
    ],
)
def test_an_assignment_that_is_none_is_refused(desk: Desk, changes: dict[str, Any], code: Code):
    request = desk.inbox.put([line("MSFT", "BUY", 10)])
    scanned(desk.inbox)
    asked = {"strategy_id": desk.strategy.pk, "provider": "openai", "author": AUTHOR, **changes}
    before = whole_database()
    answer: Any = triage.assign_request(asked.pop("request_id", uuid.UUID(request)), **asked)
    assert answer.code is code
    assert whole_database() == before


def test_what_was_executed_is_not_assigned_again(desk: Desk):
    request = put(desk)
    desk.execute(request)
    answer: Any = triage.assign_request(
        uuid.UUID(request), strategy_id=desk.strategy.pk, provider="openai", author=AUTHOR
    )
    assert answer.code is Code.REQUEST_NOT_READY


def test_what_another_system_executed_is_not_executed_again_unless_a_person_says_so(desk: Desk):
    known, unknown, mine = put(desk), put(desk, [line("KO", "BUY", 5)]), put(desk, [line("PG", "BUY", 5)])
    scanned(desk.inbox)
    ResearchRequest.objects.filter(pk=unknown).delete()
    done = triage.ignore_executed_elsewhere([uuid.UUID(known), uuid.UUID(unknown)], where="folios_v2", now=NOW)
    assert done == 2
    before = whole_database()
    assert triage.ignore_executed_elsewhere([uuid.UUID(known)], where="folios_v2", now=NOW) == 0
    assert whole_database() == before
    scanned(desk.inbox)
    assert [item.request_id for item in pending(desk)] == [mine]
    for request in (known, unknown):
        triage.assign_request(uuid.UUID(request), strategy_id=desk.strategy.pk, provider="anthropic", author=AUTHOR)
    scanned(desk.inbox)
    assert sorted(item.request_id for item in pending(desk)) == sorted([known, unknown])


# --- the batch ---


class Market:
    """A source that counts how often it is asked."""

    name = "market"

    def __init__(self) -> None:
        self.asked: list[frozenset[str]] = []

    def ask(self, symbols: frozenset[str]) -> dict[str, Offer | Missing]:
        """Offer 100 for everything."""
        self.asked.append(symbols)
        return {symbol: Offer(Decimal(100), "USD", NOW, "market") for symbol in symbols}


def pending(desk: Desk, market: Market | None = None, **changes: Any) -> list[Done]:
    """Execute what is ready."""
    source = market or Market()
    batch = Batch(
        artifacts_root=desk.inbox.root,
        initial_balance=Decimal(100_000),
        actor="alice",
        source="command",
        clock=lambda: NOW,
        prices_at=lambda now: PriceChain((source,), now=now),
    )
    done = execute_pending(replace(batch, **changes))
    assert not isinstance(done, Refusal), done
    return list(done)


def test_everything_that_is_ready_is_executed_once_oldest_first(desk: Desk):
    requests = []
    for hour in range(3):
        requests.append(put(desk, [line(f"S{hour}", "BUY", 5)]))
        scanned(desk.inbox, now=NOW + timedelta(hours=hour))
    waiting = desk.inbox.put([line("KO", "BUY", 5)])
    scanned(desk.inbox)
    done = pending(desk)
    assert [(item.request_id, item.result, item.orders) for item in done] == [
        (request, "executed", 1) for request in requests
    ]
    assert [row(request).state for request in (*requests, waiting)] == ["executed"] * 3 + ["new"]
    assert pending(desk) == []
    assert_books_balance(desk.account)


def test_a_chunk_asks_for_all_its_prices_at_once(desk: Desk):
    for number in range(4):
        put(desk, [line(f"S{number}", "BUY", 5)])
    scanned(desk.inbox)
    market = Market()
    assert len(pending(desk, market, chunk_size=2)) == 4
    assert len(market.asked) == 2


def test_the_batch_can_be_limited(desk: Desk):
    other = Strategy.objects.create(name="Small caps")
    mine, theirs, openai = put(desk), put(desk, strategy_id=str(other.pk)), put(desk, provider="openai")
    scanned(desk.inbox)
    assert [item.request_id for item in pending(desk, strategy_id=other.pk)] == [theirs]
    assert [item.request_id for item in pending(desk, provider="openai")] == [openai]
    assert [item.request_id for item in pending(desk, limit=1)] == [mine]


def test_one_refused_request_does_not_keep_the_next_ones(desk: Desk):
    RiskPolicy.objects.create(strategy=desk.strategy, all_or_nothing=True)
    bad = put(desk, [line("MSFT", "BUY", 10), line("KO", "PANIC", 3)])
    scanned(desk.inbox)
    good = put(desk)
    scanned(desk.inbox, now=NOW + timedelta(hours=1))
    done = pending(desk)
    assert [(item.request_id, item.result) for item in done] == [(bad, "refused"), (good, "executed")]
    assert "[ALL_OR_NOTHING]" in done[0].reason
    assert row(bad).state == "ready"


# --- quarantined lines ---


def resolved(request: str, number: int, **answer: str) -> LineResolution:
    """Answer for a line; a refusal fails the test."""
    found = resolve_line(
        request_id=uuid.UUID(request), line=number, resolution=ResolutionInput(**answer), author=AUTHOR
    )
    assert isinstance(found, LineResolution), found
    return found


def test_a_line_that_a_person_made_clear_is_executed_in_a_follow_up_and_once(desk: Desk):
    request = put(desk, [line("MSFT", "BUY", 10), line("KO", "PANIC", 3)])
    assert outcomes(desk.execute(request)) == ["EXECUTED", "QUARANTINED"]
    assert desk.execute(request).run.replay

    resolved(request, 2, action="buy")
    report = desk.execute(request)
    assert (report.run.sequence, report.run.replay) == (2, False)
    assert [(item.symbol, item.action, item.outcome) for item in report.decisions] == [("KO", "BUY", "EXECUTED")]
    before = whole_database()
    assert desk.execute(request).run.replay
    assert whole_database() == before
    assert_books_balance(desk.account)


def test_an_answer_before_the_first_run_is_part_of_it(desk: Desk):
    request = put(desk, [line("MSFT", "BUY", 10), line("KO", "PANIC", 3)])
    scanned(desk.inbox)
    resolved(request, 2, action="BUY", allocation_percent="5")
    report = desk.execute(request)
    assert (report.run.sequence, outcomes(report)) == (1, ["EXECUTED", "EXECUTED"])
    assert desk.position("KO").quantity == Decimal(50)


def test_a_run_with_answers_can_be_planned_again(desk: Desk):
    request = put(desk, [line("MSFT", "BUY", 10), line("KO", "PANIC", 3)])
    desk.execute(request)
    resolved(request, 2, action="BUY")
    desk.execute(request)
    for run in ExecutionRun.objects.all():
        replayed: Any = reproduce_run(run.pk)
        assert replayed.differences == ()


def test_an_answer_that_leaves_something_unclear_trades_nothing(desk: Desk):
    request = put(desk, [line("MSFT", "BUY", 10), {"symbol": "KO", "action": "PANIC"}])
    desk.execute(request)
    resolved(request, 2, action="BUY")
    assert desk.execute(request).run.replay
    resolved(request, 2, action="BUY", allocation_percent="5")
    assert outcomes(desk.execute(request)) == ["EXECUTED"]


def test_an_answer_after_the_preview_changes_the_plan(desk: Desk):
    request = put(desk, [line("MSFT", "BUY", 10), line("KO", "PANIC", 3)])
    scanned(desk.inbox)
    token = desk.preview(request).plan_token
    resolved(request, 2, action="BUY")
    refusal = refusal_of(execute(desk.execution_request(request, plan_token=token)))
    assert refusal.code is Code.PLAN_CHANGED
    assert "the answers of people" in refusal.message


def test_a_request_that_was_taken_back_has_no_follow_up(desk: Desk):
    request = put(desk, [line("MSFT", "BUY", 10), line("KO", "PANIC", 3)])
    desk.execute(request)
    reverse_run(ExecutionRun.objects.get().pk, actor="bob", source="command", reason="wrong", now=NOW)
    resolved(request, 2, action="BUY")
    report = desk.execute(request)
    assert (report.run.replay, report.run.reversed_at) == (True, NOW.isoformat())
    assert Order.objects.count() == 1


@pytest.mark.parametrize(
    ("number", "answer", "code"),
    [
        (3, {"action": "BUY"}, Code.LINE_NOT_FOUND),
        (0, {"action": "BUY"}, Code.LINE_NOT_FOUND),
        (2, {"action": "PANIC"}, Code.BAD_RESOLUTION),
        (2, {"symbol": "toolong99x"}, Code.BAD_RESOLUTION),
        (2, {"allocation_percent": "101"}, Code.BAD_RESOLUTION),
        (2, {"allocation_percent": "-1"}, Code.BAD_RESOLUTION),
        (2, {"allocation_percent": "NaN"}, Code.BAD_RESOLUTION),
        (2, {"allocation_percent": "5.00001"}, Code.BAD_RESOLUTION),
        (2, {"allocation_percent": "five"}, Code.BAD_RESOLUTION),
    ],
)
def test_an_answer_that_is_none_is_refused(desk: Desk, number: int, answer: dict[str, str], code: Code):
    request = put(desk, [line("MSFT", "BUY", 10), line("KO", "PANIC", 3)])
    scanned(desk.inbox)
    found: Any = resolve_line(
        request_id=uuid.UUID(request), line=number, resolution=ResolutionInput(**answer), author=AUTHOR
    )
    assert found.code is code
    assert not LineResolution.objects.exists()


def test_an_answer_needs_a_request_and_a_reason(desk: Desk):
    found: Any = resolve_line(request_id=uuid.uuid4(), line=1, resolution=ResolutionInput(), author=AUTHOR)
    assert found.code is Code.REQUEST_NOT_FOUND
    request = put(desk)
    scanned(desk.inbox)
    silent = replace(AUTHOR, reason="")
    found = resolve_line(request_id=uuid.UUID(request), line=1, resolution=ResolutionInput(), author=silent)
    assert found.code is Code.REASON_MISSING


def test_of_two_lines_that_contradict_a_person_chooses_one(desk: Desk):
    request = put(desk, [line("MSFT", "BUY", 10), line("MSFT", "BUY", 5)])
    assert outcomes(desk.execute(request)) == ["QUARANTINED", "QUARANTINED"]
    resolved(request, 2)
    report = desk.execute(request)
    assert [(item.line, item.outcome) for item in report.decisions] == [(2, "EXECUTED")]
    assert desk.position("MSFT").quantity == Decimal(50)
    assert desk.execute(request).run.replay


# --- rules for a provider's words ---


def test_a_saved_rule_reads_the_next_research_of_its_provider(desk: Desk):
    save_rule(provider="anthropic", field="action", written="Panic", meaning="sell", author=AUTHOR)
    desk.run([line("KO", "BUY", 5)])
    assert outcomes(desk.run([line("KO", "PANIC")])) == ["EXECUTED"]
    other = replace(desk, provider="openai")
    assert outcomes(other.run([line("KO", "PANIC")])) == ["QUARANTINED"]


def test_a_rule_does_not_make_lines_of_earlier_research_trade(desk: Desk):
    request = put(desk, [line("MSFT", "BUY", 10), line("KO", "PANIC", 3)])
    desk.execute(request)
    save_rule(provider="anthropic", field="action", written="panic", meaning="BUY", author=AUTHOR)
    assert desk.execute(request).run.replay
    assert Order.objects.count() == 1


def test_rules_have_versions_and_an_empty_one_ends_them(desk: Desk):
    for meaning in ("SELL", "HOLD", ""):
        save_rule(provider="anthropic", field="action", written="panic", meaning=meaning, author=AUTHOR)
    versions = list(MappingRule.objects.order_by("version"))
    assert [(rule.version, rule.meaning) for rule in versions] == [(1, "SELL"), (2, "HOLD"), (3, "")]
    assert {(rule.actor, rule.reason) for rule in versions} == {("bob", "asked the desk")}
    assert not resolutions.rules_for("anthropic").actions
    assert outcomes(desk.run([line("KO", "PANIC", 3)])) == ["QUARANTINED"]


def test_rules_know_symbols_and_units_of_sizes(desk: Desk):
    save_rule(provider="anthropic", field="symbol", written="Alphabet", meaning="googl", author=AUTHOR)
    save_rule(provider="anthropic", field="size_unit", written="weight", meaning="Percent", author=AUTHOR)
    report = desk.run([{"symbol": "ALPHABET", "action": "BUY", "weight": 1.5}])
    assert [(item.symbol, item.allocation_percent, item.outcome) for item in report.decisions] == [
        ("GOOGL", "1.5", "EXECUTED")
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"provider": "nobody"},
        {"field": "mood"},
        {"written": " "},
        {"written": "x" * 65},
        {"meaning": "PANIC"},
        {"field": "size_unit", "meaning": "shares"},
        {"field": "symbol", "meaning": "toolong99x"},
        {"author": replace(AUTHOR, reason="")},
        {"author": replace(AUTHOR, actor="")},
    ],
)
def test_a_rule_that_is_none_is_refused(changes: dict[str, Any]):
    asked: dict[str, Any] = {
        "provider": "openai",
        "field": "action",
        "written": "panic",
        "meaning": "SELL",
        "author": AUTHOR,
    }
    answer: Any = save_rule(**(asked | changes))
    assert answer.code in (Code.UNKNOWN_PROVIDER, Code.BAD_RESOLUTION, Code.REASON_MISSING)
    assert not MappingRule.objects.exists()


# --- research that time has overtaken ---


def test_old_research_waits_for_a_person_and_then_trades(desk: Desk):
    RiskPolicy.objects.create(strategy=desk.strategy, max_research_age_hours=48)
    request = put(desk, [line("MSFT", "BUY", 10), line("AAPL", "HOLD")], generated_at="2026-01-03T08:00:00Z")
    report = desk.execute(request)
    assert [item.codes for item in report.decisions] == [["RESEARCH_TOO_OLD"], []]
    assert "(49 hours, at most 48)" in report.decisions[0].reason
    resolved(request, 1)
    assert outcomes(desk.execute(request)) == ["EXECUTED"]


def test_research_of_today_and_research_that_does_not_say_are_not_too_old(desk: Desk):
    RiskPolicy.objects.create(strategy=desk.strategy, max_research_age_hours=48)
    fresh = put(desk, generated_at="2026-01-03T10:00:00Z")
    silent = put(desk, [line("KO", "BUY", 5)])
    assert outcomes(desk.execute(fresh)) == outcomes(desk.execute(silent)) == ["EXECUTED"]


def test_a_target_that_the_price_has_reached_holds_the_line_back(desk: Desk):
    request = put(desk, [line("MSFT", "BUY", 10, target_price=440), line("KO", "BUY", 5, target_price=70)])
    report = desk.execute(request, prices={"MSFT": "450", "KO": "60"})
    assert [item.codes for item in report.decisions] == [["TARGET_PASSED"], ["SECTOR_UNVERIFIED"]]
    assert "(target 440.00, price 450.00)" in report.decisions[0].reason
    resolved(request, 1)
    assert outcomes(desk.execute(request, prices={"MSFT": "450", "KO": "60"})) == ["EXECUTED"]


def test_a_short_has_reached_its_target_from_above(desk: Desk):
    RiskPolicy.objects.create(strategy=desk.strategy, allow_short=True)
    lines = [line("MSFT", "SELL_SHORT", 5, target_price=460), line("KO", "SELL_SHORT", 5, target_price=50)]
    report = desk.run(lines, prices={"MSFT": "450", "KO": "60"})
    assert [item.codes for item in report.decisions] == [["TARGET_PASSED"], ["SECTOR_UNVERIFIED"]]


def test_a_stand_in_price_reaches_no_target(desk: Desk):
    assert outcomes(desk.run([line("MSFT", "BUY", 10, target_price=440)], prices="450")) == ["EXECUTED"]


# --- all or nothing ---


def test_a_policy_may_want_all_lines_or_none(desk: Desk):
    RiskPolicy.objects.create(strategy=desk.strategy, all_or_nothing=True)
    request = put(desk, [line("MSFT", "BUY", 10), line("KO", "PANIC", 3)])
    before = whole_database()
    refusal = refusal_of(execute(desk.execution_request(request)))
    assert refusal.code is Code.ALL_OR_NOTHING
    assert "these are undecided: 2." in refusal.message
    assert whole_database() == before
    scanned(desk.inbox)
    resolved(request, 2, action="BUY")
    assert outcomes(desk.execute(request)) == ["EXECUTED", "EXECUTED"]


# --- what else is read ---


def test_the_reply_of_a_provider_is_executed_where_there_is_nothing_better(desk: Desk):
    reply = {"choices": [{"message": {"content": json.dumps({"recommendations": [line("MSFT", "BUY", 10)]})}}]}
    request = desk.inbox.put_bytes(json.dumps(reply).encode(), name="response.json")
    assert outcomes(desk.execute(request)) == ["EXECUTED"]


def test_the_results_of_a_batch_are_executed_line_by_line_and_planned_again(desk: Desk):
    task = str(uuid.uuid4())
    lines = []
    for name, symbol in ((str(uuid.uuid4()), "KO"), (task, "MSFT")):
        text = json.dumps({"recommendations": [line(symbol, "BUY", 10)]})
        message = {"type": "message", "role": "assistant", "content": [{"type": "text", "text": text}]}
        lines.append({"custom_id": name, "result": {"type": "succeeded", "message": message}})
    content = "\n".join(json.dumps(item) for item in lines).encode()
    request = desk.inbox.put_bytes(content, name="anthropic_batch_results.jsonl", task_id=task)
    report = desk.execute(request)
    assert [(item.symbol, item.outcome) for item in report.decisions] == [("MSFT", "EXECUTED")]
    replayed: Any = reproduce_run(uuid.UUID(report.run.id))
    assert replayed.differences == ()


def test_the_latest_research_is_rebalanced_to_as_it_was_understood(desk: Desk):
    request = put(desk, [line("MSFT", "BUY", 10), line("KO", "PANIC", 3)])
    desk.execute(request)
    resolved(request, 2, action="BUY")
    desk.execute(request)
    loaded: Any = load_latest_research(strategy_id=desk.strategy.pk, provider="anthropic")
    said = [(item.symbol, str(item.action), item.allocation_percent) for item in loaded.artifact.recommendations]
    assert said == [("MSFT", "BUY", Decimal(10)), ("KO", "BUY", Decimal(3))]
    again = desk.execute(str(uuid.uuid4()), inline=loaded, mode=Mode.REBALANCE)
    assert outcomes(again) == ["SKIPPED", "SKIPPED"]
