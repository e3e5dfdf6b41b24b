"""scan_inbox, execute_pending, assign_request, resolve_line and add_mapping_rule, as they are typed."""

import io
import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django import Settings

from execution.models import ExecutionRun, MappingRule, RefusedPrice, ResearchRequest
from portfolios.models import Order
from tests.scenes import NOW, Desk, line, whole_database

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(desk: Desk, settings: Settings) -> Desk:
    """Return a desk whose inbox is the configured one."""
    settings.ARTIFACTS_ROOT = desk.inbox.root
    return desk


def typed(*arguments: Any) -> str:
    """Type a command and return what it prints."""
    out = io.StringIO()
    call_command(*[str(argument) for argument in arguments], stdout=out)
    return out.getvalue()


def refused(*arguments: Any) -> str:
    """Type a command that must be refused with one line and change nothing; return the line."""
    before = whole_database()
    with pytest.raises(CommandError) as caught:
        typed(*arguments)
    assert caught.value.returncode == 1
    assert "\n" not in str(caught.value)
    assert whole_database() == before
    return str(caught.value)


def put(desk: Desk, *lines: Any) -> str:
    """Put research into the inbox that says whose it is."""
    said = {"strategy_id": str(desk.strategy.pk), "provider": "anthropic"}
    return desk.inbox.put(list(lines) or [line("MSFT", "BUY", 10)], **said)


def test_a_scan_says_what_arrived_and_what_can_be_executed(desk: Desk):
    put(desk)
    desk.inbox.put([line("KO", "BUY", 5)])
    desk.inbox.put_bytes(b"{")
    (desk.inbox.root / "notes").mkdir()
    assert typed("scan_inbox").splitlines() == [
        "Left out: request directory is 'notes': not a canonical UUID such as 79b9930c-3a6f-4f41-ae9b-a3fa8ec37ef2",
        "Inbox scanned: 3 requests, 3 new, 0 changed",
        "Requests by state: 1 new, 1 quarantined, 1 ready",
    ]
    data = json.loads(typed("scan_inbox", "--format", "json"))
    assert (data["new"], data["changed"], data["states"]) == (0, 0, {"new": 1, "quarantined": 1, "ready": 1})


def test_a_typed_price_is_for_at_least_one_of_the_requests(desk: Desk):
    put(desk, line("ORCL", "BUY", 5))
    put(desk, line("KO", "BUY", 5))
    typed("scan_inbox")
    prices = ["--price", "ORCL=220", "--price", "KO=60"]
    says = "[BAD_PRICE] the price of OCRL prices nothing: is ORCL meant? Symbols of the ready research: KO, ORCL"
    assert refused("execute_pending", *prices, "--price", "OCRL=220") == says
    assert typed("execute_pending", *prices, "--limit", 1).splitlines()[-1].startswith("Requests: 1 executed")
    assert typed("execute_pending", *prices).splitlines()[-1].startswith("Requests: 1 executed")
    prices_of_orders = {order.security_id: order.limit_price for order in Order.objects.all()}
    assert prices_of_orders == {"KO": 60, "ORCL": 220}


def test_one_request_alone_wants_every_typed_price(desk: Desk):
    put(desk, line("ORCL", "BUY", 5))
    typed("scan_inbox")
    assert "is ORCL meant?" in refused("execute_pending", "--price", "OCRL=220")


def test_an_inbox_that_is_missing_is_refused(desk: Desk, settings: Settings):
    settings.ARTIFACTS_ROOT = desk.inbox.root / "nowhere"
    assert "cannot be listed" in refused("scan_inbox")
    assert "cannot be listed" in refused("execute_pending")


def test_what_is_ready_is_executed_and_reported_line_by_line(desk: Desk):
    request = put(desk, line("MSFT", "BUY", 10), line("AAPL", "HOLD"))
    assert typed("execute_pending", "--default-price", "450").splitlines() == [
        f"{request} executed: 1 order (1 EXECUTED, 1 HELD)",
        "Requests: 1 executed, 0 replayed, 0 refused, 0 failed",
    ]
    assert typed("execute_pending").splitlines() == ["Requests: 0 executed, 0 replayed, 0 refused, 0 failed"]
    assert Order.objects.get().is_simulated


def test_json_has_one_line_a_request_and_then_the_summary(desk: Desk):
    request = put(desk)
    first, last = [json.loads(text) for text in typed("execute_pending", "--format", "json").splitlines()]
    assert (first["request_id"], first["result"], first["orders"]) == (request, "executed", 1)
    assert last == {"summary": {"executed": 1, "replayed": 0, "refused": 0, "failed": 0, "deferred_lines": 0}}


def test_a_refused_request_gives_exit_code_1_after_the_others_were_done(desk: Desk):
    strategy = desk.strategy
    put(desk)
    typed("scan_inbox")
    strategy.status = "inactive"
    strategy.save()
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 request was not executed"):
        call_command("execute_pending", stdout=out)
    assert "refused: [STRATEGY_NOT_ACTIVE]" in out.getvalue()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--provider-id", "nobody"], "provider 'nobody' is not known"),
        (["--strategy-id", "X"], "not a canonical UUID"),
        (["--price", "MSFT=0"], "a price is above zero"),
        (["--initial-balance", "-1"], "must be above zero"),
        (["--initial-balance", "0.001"], "is '0.001': rounds to 0.00"),
    ],
)
def test_a_wrong_option_executes_nothing(desk: Desk, options: list[str], says: str):
    put(desk)
    assert says in refused("execute_pending", *options)


@pytest.mark.parametrize("option", ["--limit", "--chunk-size"])
@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_a_number_of_requests_is_whole_and_above_zero(desk: Desk, option: str, value: str):
    with pytest.raises(CommandError, match="whole number above zero"):
        typed("execute_pending", f"{option}={value}")


def test_research_is_assigned_and_then_executed(desk: Desk):
    request = desk.inbox.put([line("MSFT", "BUY", 10)])
    typed("scan_inbox")
    said = typed("assign_request", request, desk.strategy.pk, "--provider-id", "openai", "--reason", "mine")
    assert said == f"Request {request} is ready\n"
    assert "1 executed" in typed("execute_pending")
    assert ResearchRequest.objects.get().provider == "openai"


def test_research_is_ignored(desk: Desk):
    request = put(desk)
    typed("scan_inbox")
    assert typed("assign_request", request, "--ignore", "--reason", "a test") == f"Request {request} is ignored\n"
    assert "0 executed" in typed("execute_pending")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["X", "Y", "--reason", "r"], "request_id is 'X'"),
        ([str(uuid.uuid4()), "--reason", "r"], "strategy_id is ''"),
        ([str(uuid.uuid4()), "--ignore", "--reason", "r"], "is not in the inbox: scan it first"),
    ],
)
def test_a_decision_that_is_none_is_refused(desk: Desk, arguments: list[str], says: str):
    assert says in refused("assign_request", *arguments)


def test_a_line_is_resolved_and_then_executed(desk: Desk):
    request = put(desk, line("MSFT", "BUY", 10), line("KO", "PANIC", 3))
    typed("execute_pending", "--default-price", "100")
    said = typed("resolve_line", request, 2, "--action", "sell", "--reason", "asked")
    assert said == f"line 2: SELL is kept. Execute request {request} again to trade it\n"
    printed = typed("execute_recommendations", request, desk.strategy.pk, "--default-price", "100")
    assert printed.startswith("Follow-up run 2 of the request: the lines that were undecided\n")
    assert "Skipped [NO_POSITION]" in printed


def test_an_answer_that_is_none_is_refused_by_name(desk: Desk):
    request = put(desk)
    typed("scan_inbox")
    assert "line is 5: request" in refused("resolve_line", request, 5, "--reason", "r")
    assert "action is 'PANIC': not one of" in refused(
        "resolve_line", request, 1, "--action", "PANIC", "--reason", "r"
    )


def test_a_word_is_mapped_and_the_rule_ended(desk: Desk):
    said = typed("add_mapping_rule", "openai", "action", "Panic", "sell", "--reason", "asked")
    assert said == "openai: action panic is SELL (version 1)\n"
    assert typed("add_mapping_rule", "openai", "action", "PANIC", "--reason", "again") == (
        "openai: action panic is withdrawn (version 2)\n"
    )
    assert MappingRule.objects.count() == 2
    assert "not one of BUY" in refused("add_mapping_rule", "openai", "action", "x", "PANIC", "--reason", "r")


def test_what_was_deferred_is_tried_again_by_the_next_call(desk: Desk, settings: Settings):
    settings.PRICE_SOURCES = ["database"]
    request = put(desk, line("MSFT", "BUY", 10), line("KO", "BUY", 5))
    said = typed("execute_pending", "--price", "MSFT=450").splitlines()
    assert said == [
        f"{request} executed: 1 order (1 DEFERRED, 1 EXECUTED)",
        "Requests: 1 executed, 0 replayed, 0 refused, 0 failed; 1 line deferred, tried again by the next call",
    ]
    assert typed("execute_pending", "--price", "KO=50").splitlines() == [
        f"{request} executed: 1 order (1 EXECUTED)",
        "Requests: 1 executed, 0 replayed, 0 refused, 0 failed",
    ]
    assert typed("execute_pending") == "Requests: 0 executed, 0 replayed, 0 refused, 0 failed\n"


def test_a_halted_system_leaves_the_inbox_as_it_is(desk: Desk, settings: Settings):
    request = put(desk)
    typed("scan_inbox")
    settings.TRADING_STATE = "HALTED"
    refused("execute_pending", "--price", "MSFT=450")
    assert ResearchRequest.objects.get().state == "ready"
    settings.TRADING_STATE = "ACTIVE"
    assert typed("execute_pending", "--price", "MSFT=450").startswith(f"{request} executed: 1 order")


def test_a_reversed_request_is_executed_again_when_it_is_said_so(desk: Desk):
    request = put(desk)
    call = ("execute_recommendations", request, desk.strategy.pk, "--price", "MSFT=450")
    typed(*call)
    assert refused(*call, "--again").startswith("[RUN_NOT_REVERSED] run ")
    typed("reverse_run", ExecutionRun.objects.get().pk, "--reason", "wrong price")
    assert typed(*call).startswith("Replay: ")
    assert typed(*call, "--again").startswith(
        "Run 2 of the request, executed again after its orders were reversed\n"
    )


def test_a_batch_says_which_prices_of_what_is_held_wait_for_a_person(desk: Desk):
    desk.run([line("MSFT", "BUY", 10)], prices={"MSFT": "100"})
    RefusedPrice.objects.create(
        security_id="MSFT", price=350, source="file", as_of=NOW, reference=100, basis="last close", band_percent=25,
        refused_at=NOW,
    )  # fmt: skip
    waits = "Prices that wait for a person (holdings keep their last mark): MSFT 350.00 from file (+250.00 %)"
    assert typed("execute_pending").splitlines()[-1] == waits
    err = io.StringIO()
    out = io.StringIO()
    call_command("execute_pending", "--format", "json", stdout=out, stderr=err)
    assert waits in err.getvalue()
    assert [*json.loads(out.getvalue())] == ["summary"]


def test_a_replay_says_which_prices_of_the_call_are_not_those_of_the_run(desk: Desk, tmp_path: Path):
    request = put(desk, line("MSFT", "BUY", 10), line("KO", "BUY", 5), line("PG", "BUY", 5))
    call = ("execute_recommendations", request, desk.strategy.pk)
    typed(*call, "--price", "MSFT=450", "--price", "KO=50", "--default-price", "100")
    file = tmp_path / "prices.csv"
    file.write_text("symbol,price\nKO,51\nXOM,1\n")
    said = typed(*call, "--price", "MSFT=460", "--prices", file, "--default-price", "90").splitlines()
    assert said[1] == (
        "This call gives other prices than the request was executed at (in brackets): "
        "KO 51.00 (50.00), MSFT 460.00 (450.00), PG 90.00 (100.00)."
    )
    assert "This call" not in typed(*call, "--price", "MSFT=450.00")
