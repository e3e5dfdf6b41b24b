"""explain and reproduce_run: why a run did what it did, and that it would do it again."""

import io
import json
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from execution.engine.planning.serialization import PLANNER
from execution.models import ExecutionRun, Recommendation, ResearchRequest
from portfolios.models import RiskPolicy
from tests.scenes import NOW, Desk, line, security, whole_database

pytestmark = pytest.mark.django_db


def printed(command: str, *arguments: str) -> str:
    """Run a command; return what it prints."""
    out = io.StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


def refused(command: str, *arguments: str) -> str:
    """Run a command that must fail with exit code 1; return its one line."""
    with pytest.raises(CommandError) as caught:
        printed(command, *arguments)
    assert caught.value.returncode == 1
    return str(caught.value)


@pytest.fixture
def run_id(desk: Desk) -> str:
    """Return the id of a run with a clamp, a fee and a quarantined line."""
    RiskPolicy.objects.create(strategy=desk.strategy, commission_per_order=Decimal(2))
    security("XOM", sector="Energy")
    report = desk.run(
        [line("XOM", "BUY", 30, confidence=0.9, rationale="Oil"), line("KO", "PONDER", 3)], prices={"XOM": "100"}
    )
    return report.run.id or ""


def test_explain_prints_the_chain_from_the_written_line_to_the_ledger(run_id: str):
    text = printed("explain", run_id)
    first = text.split("\n\n")[1]
    assert first.splitlines() == [
        "Line 1: CLAMPED POSITION_LIMIT",
        (
            '  written     {"action": "BUY", "allocation_percent": "30", "confidence": "0.9",'
            ' "rationale": "Oil", "symbol": "XOM"}'
        ),
        "  understood  symbol XOM, action BUY, allocation_percent 30.0, confidence 0.90",
        "  POSITION_LIMIT     clamped: $30,000.00 -> $20,000.00, $20,000.00 available",
        "  SECTOR_LIMIT       passed: $20,000.00 -> $20,000.00, $40,000.00 available",
        "  GROSS_LIMIT        passed: $20,000.00 -> $20,000.00, $200,000.00 available",
        "  INSUFFICIENT_CASH  passed: $20,002.00 -> $20,002.00, $100,000.00 available",
        f"  order       BUY 200.00 XOM at 100.00 (given, {NOW.isoformat()}): filled",
        "  ledger 2    BUY at 100.00: -$20,000.00, balance $80,000.00",
        "  ledger 3    FEE: -$2.00, balance $79,998.00",
        (
            "  decision    Bought 200.00 XOM at 100.00 for $20,000.00, fee $2.00, reduced by the position limit"
            ": $30,000.00 wanted, $20,000.00 available."
        ),
    ]
    assert "Line 2: QUARANTINED ACTION_UNKNOWN" in text


def test_explain_gives_the_same_as_data_and_for_one_symbol(run_id: str):
    data = json.loads(printed("explain", run_id, "--symbol", "xom", "--format", "json"))
    (explained,) = data["lines"]
    assert explained["understood"] == {
        "symbol": "XOM", "action": "BUY", "allocation_percent": "30.0", "confidence": "0.90",
    }  # fmt: skip
    assert [entry["kind"] for entry in explained["orders"][0]["ledger"]] == ["BUY", "FEE"]
    assert data["before"]["cash_balance"] == "100000.00"
    assert data["run"]["policy_version"] == "1"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nonsense"], "[BAD_ID]"),
        ([str(uuid.UUID(int=1))], "[RUN_NOT_FOUND]"),
    ],
)
@pytest.mark.parametrize("command", ["explain", "reproduce_run"])
def test_a_run_that_is_not_there_is_refused(db: None, command: str, arguments: list[str], says: str):
    assert refused(command, *arguments).startswith(says)


def test_explain_refuses_a_symbol_that_is_none_or_not_in_the_run(run_id: str):
    assert "is not a symbol" in refused("explain", run_id, "--symbol", "12 34")
    assert "[SYMBOL_NOT_FOUND]" in refused("explain", run_id, "--symbol", "MSFT")


def test_a_run_is_reproduced_from_what_it_stored_and_nothing_is_written(run_id: str):
    before = whole_database()
    assert printed("reproduce_run", run_id) == "Reproduced: the same 1 order and 2 decisions.\n"
    assert json.loads(printed("reproduce_run", run_id, "--format", "json"))["reproduced"] is True
    assert whole_database() == before


def test_later_changes_of_policy_prices_and_securities_do_not_change_the_replay(run_id: str, desk: Desk):
    RiskPolicy.objects.update(max_position_percent=1)
    security("KO", sector="Drinks", step="1")
    desk.run([line("XOM", "SELL")], prices={"XOM": "150"})
    assert printed("reproduce_run", run_id).startswith("Reproduced")


@pytest.fixture
def undone(desk: Desk) -> Any:
    """Put back what a test did to the stored runs, so that the replay after every test finds them whole."""
    yield
    ExecutionRun.objects.update(status="failed")


def test_a_stored_price_that_was_changed_is_noticed(run_id: str, undone: None):
    run = ExecutionRun.objects.get()
    run.prices["XOM"]["price"] = "50"
    run.save()
    assert "is not reproduced" in refused("reproduce_run", run_id)


def test_a_run_of_an_older_planner_that_differs_is_no_fault(run_id: str, undone: None, client: Client):
    run = ExecutionRun.objects.get()
    assert run.parameters.pop("planner") == PLANNER
    run.prices["XOM"]["price"] = "50"
    run.save()
    shown = printed("reproduce_run", run_id)
    assert "Planned by an older version of the planner (1)" in shown
    assert "stored" in shown
    told = json.loads(printed("reproduce_run", run_id, "--format", "json"))
    assert (told["reproduced"], told["older_planner"], told["planner"]) == (False, True, 1)
    client.force_login(User.objects.create_user("vera"), "django.contrib.auth.backends.ModelBackend")
    page = client.get(reverse("dashboard:run-check", args=[run_id])).content.decode()
    assert "Planned by an older version of the planner (1)" in page
    assert "notice error" not in page


def test_a_run_of_an_older_planner_that_comes_out_the_same_is_reproduced(run_id: str):
    ExecutionRun.objects.update(parameters={**ExecutionRun.objects.get().parameters, "planner": 1})
    assert printed("reproduce_run", run_id).startswith("Reproduced")


def test_a_stored_decision_that_was_changed_is_shown_with_both_sides(
    run_id: str, undone: None, capsys: pytest.CaptureFixture[str]
):
    Recommendation.objects.filter(line=1).update(outcome="EXECUTED")
    with pytest.raises(CommandError, match="1 difference"):
        call_command("reproduce_run", run_id)
    shown = capsys.readouterr().out
    assert "line 1: stored EXECUTED ['POSITION_LIMIT'], planned CLAMPED ['POSITION_LIMIT']" in shown


def test_a_stored_artifact_that_was_changed_is_refused(run_id: str, undone: None):
    ResearchRequest.objects.update(content="{}")
    assert refused("reproduce_run", run_id).startswith("[ARTIFACT_CHANGED]")


def test_a_failed_run_has_nothing_to_compare_with(run_id: str, undone: None):
    ExecutionRun.objects.update(status="failed")
    assert refused("reproduce_run", run_id).startswith("[RUN_NOT_FINISHED]")
