"""manage.py reverse_run, and what the other commands say of a reversed run."""

import io
import json
import uuid

import pytest
from django.core.management import CommandError, call_command

from execution.models import Reversal
from tests.scenes import Desk, line, whole_database

pytestmark = pytest.mark.django_db


def printed(*arguments: str) -> str:
    """Run a command; return what it prints."""
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def refused(*arguments: str) -> str:
    """Run a command that must fail with exit code 1; return its one line."""
    with pytest.raises(CommandError) as caught:
        printed(*arguments)
    assert caught.value.returncode == 1
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def request_id(desk: Desk) -> str:
    """Return a request whose run has bought MSFT and sold KO."""
    desk.run([line("KO", "BUY", 10)], prices={"KO": "50"})
    request = desk.inbox.put([line("MSFT", "BUY", 10), line("KO", "SELL")])
    desk.execute(request, prices={"MSFT": "450", "KO": "60"})
    return request


@pytest.fixture
def run_id(desk: Desk, request_id: str) -> str:
    """Return the id of that run."""
    return desk.execute(request_id).run.id or ""


def test_it_says_what_is_held_now_and_where_the_cash_is(run_id: str):
    lines = printed("reverse_run", run_id, "--reason", "wrong research").splitlines()
    assert lines[0] == f"Reversed run {run_id}"
    assert sorted(lines[1:3]) == [
        "  KO: 0.00 -> long 200.00 @ $50.00, realized $0.00",
        "  MSFT: 22.67 -> nothing held, realized $0.00",
    ]
    assert lines[3] == "2 orders, 2 ledger entries; cash -$1,798.50, balance after it $90,000.00"


def test_a_dry_run_needs_no_reason_and_writes_nothing(run_id: str):
    before = whole_database()
    assert printed("reverse_run", run_id, "--dry-run").startswith(
        f"Preview: run {run_id} would be reversed; nothing is written\n"
    )
    assert whole_database() == before


def test_json_is_the_report_and_a_second_call_is_a_replay(run_id: str):
    first = json.loads(printed("reverse_run", run_id, "--reason", "wrong research", "--format", "json"))
    assert (first["status"], first["replay"], first["cash_balance"]) == ("reversed", False, "90000.00")
    assert (first["reason"], first["orders"], first["entries"]) == ("wrong research", 2, 2)
    assert Reversal.objects.get().source == "command"
    again = json.loads(printed("reverse_run", run_id, "--reason", "again", "--format", "json"))
    assert again == {**first, "replay": True}
    assert printed("reverse_run", run_id, "--dry-run").startswith(f"Replay: run {run_id} was reversed before, at ")


def test_refusals_are_one_line_with_a_code(desk: Desk, run_id: str):
    desk.run([line("MSFT", "SELL")], prices={"MSFT": "450"})
    assert refused("reverse_run", run_id, "--reason", "x").startswith("[RUN_HAS_SUCCESSORS] ")
    assert refused("reverse_run", run_id, "--dry-run").startswith("[RUN_HAS_SUCCESSORS] ")
    assert refused("reverse_run", run_id).startswith("[REASON_MISSING] ")
    assert refused("reverse_run", "nonsense", "--reason", "x").startswith("[BAD_ID] ")
    assert refused("reverse_run", str(uuid.UUID(int=1)), "--reason", "x").startswith("[RUN_NOT_FOUND] ")


def test_the_other_commands_know_that_the_run_was_reversed(desk: Desk, request_id: str, run_id: str):
    printed("reverse_run", run_id, "--reason", "wrong research")
    again = printed("execute_recommendations", request_id, str(desk.strategy.pk)).splitlines()
    assert again[0].startswith("Replay: ")
    assert again[1].startswith("The run was reversed at ")
    assert printed("reproduce_run", run_id).startswith("Reproduced")
    assert "REVERSAL at 450.00: $10,201.50" in printed("explain", run_id, "--symbol", "MSFT")
    assert printed("check_books") == "OK: 1 account checked, no discrepancies.\n"
