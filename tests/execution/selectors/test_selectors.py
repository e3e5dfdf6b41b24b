"""What pages say of research and runs: what arrived, what waits, who agrees, whose confidence was worth it."""

import uuid
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from execution.engine.vocabulary import Refusal
from execution.research.resolutions import Author, ResolutionInput, resolve_line
from execution.research.scan import scan_inbox
from execution.runs.reversal import reverse_run
from execution.selectors.providers import provider_stats, provider_views
from execution.selectors.research import (
    answered_lines,
    answers_to,
    inbox_entries,
    stored_ids,
    unfinished_counts,
    waiting_lines,
)
from execution.selectors.runs import recent_runs
from portfolios.selectors.overview import curves
from tests.scenes import NOW, PUBLISHED, Desk, Inbox, line

DAY = timedelta(days=1)


def test_only_directories_named_by_an_id_have_arrived(tmp_path: Path):
    inbox = Inbox(tmp_path)
    request = inbox.put(PUBLISHED)
    (tmp_path / "notes").mkdir()
    (tmp_path / str(uuid.uuid4())).write_text("a file")
    (tmp_path / str(uuid.uuid4())).symlink_to(tmp_path / "notes")
    assert [str(item.request_id) for item in inbox_entries(tmp_path)] == [request]
    assert inbox_entries(tmp_path / "nowhere") == []


@pytest.mark.django_db
def test_a_request_is_unfinished_from_its_scan_until_its_run(desk: Desk):
    request = uuid.UUID(desk.inbox.put(PUBLISHED, strategy_id=str(desk.strategy.pk), provider="anthropic"))
    assert (stored_ids([request]), unfinished_counts()) == (set(), {})
    scan_inbox(desk.inbox.root, now=NOW)
    assert (stored_ids([request]), unfinished_counts()) == ({request}, {"ready": 1})
    desk.execute(str(request), prices="450")
    assert (stored_ids([request]), unfinished_counts()) == ({request}, {})


@pytest.mark.django_db
def test_an_answered_line_waits_for_a_run_and_no_longer_for_a_person(desk: Desk):
    request = desk.inbox.put([line("MSFT", "BUY", 5), line("KO", "PANIC", 1)])
    desk.execute(request)
    author = Author(actor="mia", reason="asked the analyst", now=NOW + DAY)
    resolve_line(request_id=uuid.UUID(request), line=2, resolution=ResolutionInput(action="BUY"), author=author)
    assert [found.symbol for found in waiting_lines()] == []
    assert [found.symbol for found in answered_lines()] == ["KO"]
    assert answers_to(uuid.UUID(request))[2].reason == "asked the analyst"
    desk.execute(request, now=NOW + 2 * DAY)
    assert [found.symbol for found in answered_lines()] == []


@pytest.mark.django_db
def test_no_line_waits_in_a_run_that_was_taken_back(desk: Desk):
    report = desk.run([line("MSFT", "BUY", 5), line("KO", "PANIC", 1)])
    assert [found.symbol for found in waiting_lines()] == ["KO"]
    reverse_run(uuid.UUID(report.run.id), actor="mia", source="dashboard", reason="a wrong price", now=NOW + DAY)
    assert [found.symbol for found in waiting_lines()] == []


@pytest.mark.django_db
def test_a_quarantined_line_waits_until_a_follow_up_run_decides_it(desk: Desk):
    request = desk.inbox.put([line("MSFT", "BUY", 5, current_price=100), line("KO", "PANIC", 1)])
    desk.execute(request, prices={"MSFT": "450"}, accepted_prices=frozenset())
    assert sorted(found.symbol for found in waiting_lines()) == ["KO", "MSFT"]
    desk.execute(request, prices={"MSFT": "450"}, accepted_prices=frozenset({"MSFT"}), now=NOW + DAY)
    assert [found.symbol for found in waiting_lines()] == ["KO"]
    assert [run.sequence for run in recent_runs(size=1)] == [2]


@pytest.mark.django_db
def test_a_line_with_an_answer_waits_for_its_execution(desk: Desk):
    request = desk.inbox.put([line("MSFT", "BUY", 5, current_price=100), line("KO", "PANIC", 1)])
    desk.execute(request, prices={"MSFT": "450"}, accepted_prices=frozenset())
    for number, action in ((1, "BUY"), (2, "SELL")):
        said = Author(actor="bob", reason="I asked", now=NOW + DAY)
        resolve_line(
            request_id=uuid.UUID(request), line=number, resolution=ResolutionInput(action=action), author=said
        )
    assert [list(waiting_lines()), answered_lines().count()] == [[], 2]
    desk.execute(
        request,
        prices={"MSFT": "450", "KO": "50"},
        accepted_prices=frozenset({"MSFT"}),
        now=NOW + 2 * DAY,
    )
    assert [list(waiting_lines()), list(answered_lines())] == [[], []]


@pytest.mark.django_db
def test_a_line_of_a_run_that_was_taken_back_waits_for_nobody(desk: Desk):
    report = desk.run([line("MSFT", "BUY", 5), line("KO", "PANIC", 1)])
    assert waiting_lines().count() == 1
    run_id = uuid.UUID(str(report.run.id))
    assert not isinstance(reverse_run(run_id, actor="bob", source="admin", reason="wrong", now=NOW + DAY), Refusal)
    assert waiting_lines().count() == 0


@pytest.mark.django_db
def test_a_position_counts_for_the_confidence_of_the_lines_that_opened_it(desk: Desk):
    desk.run([line("MSFT", "BUY", 5, confidence=0.9), line("KO", "BUY", 5, confidence=0.9), line("XOM", "BUY", 5)])
    desk.run([line("MSFT", "BUY", 1, confidence=0.3)], now=NOW + DAY)
    desk.run([line("MSFT", "SELL"), line("XOM", "SELL")], prices="120", now=NOW + 2 * DAY)
    desk.run([line("KO", "SELL")], prices="80", now=NOW + 3 * DAY)
    found = provider_stats([desk.account.pk])[desk.account.pk]
    assert [(bucket.closed, bucket.hits) for bucket in found.buckets] == [(1, 1), (0, 0), (0, 0), (2, 1)]
    assert (found.lines, found.refused, found.buckets[1].hit_rate) == (7, 0, None)


@pytest.mark.django_db
def test_providers_agree_where_their_newest_research_says_the_same(desk: Desk):
    desk.run([line("MSFT", "SELL"), line("XOM", "BUY", 5)])
    desk.run([line("MSFT", "BUY", 5), line("KO", "BUY", 5)], now=NOW + DAY)
    Desk(desk.inbox, desk.strategy, "openai").run([line("MSFT", "BUY", 9), line("KO", "HOLD")])
    said = {opinion.symbol: opinion.agrees for opinion in provider_views(desk.strategy.pk)}
    assert said == {"MSFT": True, "KO": False}
    desk.run([line("AAPL", "BUY", 1)], now=NOW + 2 * DAY)
    said = {opinion.symbol: opinion.agrees for opinion in provider_views(desk.strategy.pk)}
    assert said == {"AAPL": None, "MSFT": None, "KO": None}


@pytest.mark.django_db
def test_a_curve_falls_below_its_high_and_no_deeper_than_it_did(desk: Desk):
    desk.run([line("MSFT", "BUY", 10)], prices="100")
    for day, price in enumerate(("150", "90", "120"), start=1):
        desk.run([line("MSFT", "BUY", 0.1)], prices=price, now=NOW + day * DAY)
    curve = curves([desk.account.pk])[desk.account.pk]
    fallen = list(curve.drawdown.values())
    assert [value == 0 for value in fallen] == [True, True, False, False]
    assert Decimal("-0.058") < min(fallen) < Decimal("-0.056")
