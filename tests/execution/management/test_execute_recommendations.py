"""The published command: its lines, its JSON, its exit codes, and what it refuses."""

import functools
import io
import json
import os
import re
import uuid
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from execution.models import ExecutionRun
from portfolios.models import Order, PortfolioAccount, Strategy
from tests.processes import manage
from tests.scenes import PUBLISHED, PUBLISHED_REQUEST, PUBLISHED_TASK, Desk, Inbox, line, whole_database

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

PUBLISHED_OUTPUT = """\
Using artifact directory: {directory}
Loaded recommendations from {directory}/structured.json
Found 2 recommendations
Created portfolio account with $100,000.00 initial balance

Processing MSFT: BUY (10.0% allocation)
  Created BUY order: 22.22 shares @ $450.0 = $9,999.00
  Created position: {position}

Processing AAPL: HOLD (6.0% allocation)
  HOLD action - no order created

============================================================
Execution Summary
============================================================
Orders created: 1
Positions created: 1
Total invested: $9,999.00
Remaining cash: $90,001.00
Total equity: $9,999.00
Total portfolio value: $100,000.00
============================================================
"""


def run(*arguments: str) -> str:
    """Run the command inside this process; return what it prints."""
    out = io.StringIO()
    call_command("execute_recommendations", *arguments, stdout=out)
    return out.getvalue()


def refused(*arguments: str) -> str:
    """Run the command; return the line that says why it is refused, once nothing was written."""
    before = whole_database()
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    assert caught.value.returncode == 1
    assert whole_database() == before
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.fixture
def published(desk: Desk) -> list[str]:
    """Return the arguments of the published example."""
    desk.inbox.put(PUBLISHED, request_id=PUBLISHED_REQUEST, task_id=PUBLISHED_TASK)
    return [
        PUBLISHED_REQUEST, str(desk.strategy.pk), "--provider-id", "anthropic",
        "--initial-balance", "100000", "--default-price", "450",
    ]  # fmt: skip


def test_the_published_example_prints_the_published_lines(published: list[str], desk: Desk):
    printed = run(*published)
    directory = desk.inbox.root / PUBLISHED_REQUEST / PUBLISHED_TASK
    assert printed == PUBLISHED_OUTPUT.format(directory=directory, position=desk.position("MSFT").pk)


def test_paths_below_the_working_directory_are_shown_relative(
    published: list[str], desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(desk.inbox.root.parent)
    assert f"Using artifact directory: artifacts/{PUBLISHED_REQUEST}/{PUBLISHED_TASK}\n" in run(*published)


def test_the_json_report_has_the_published_numbers(published: list[str], desk: Desk):
    report = json.loads(run(*published, "--format", "json"))

    order = Order.objects.get()
    assert report["run"].items() >= {
        "id": str(ExecutionRun.objects.get().pk), "status": "succeeded", "replay": False, "simulated": True,
        "request_id": PUBLISHED_REQUEST, "task_id": PUBLISHED_TASK,
    }.items()  # fmt: skip
    assert re.fullmatch("[0-9a-f]{64}", report["run"]["digest"])
    assert report["account"].items() >= {
        "strategy_id": str(desk.strategy.pk), "provider_id": "anthropic", "cash_balance": "90001.00",
        "equity_value": "9999.00", "total_value": "100000.00",
    }.items()  # fmt: skip
    first, second = report["decisions"]
    assert first.items() >= {
        "line": 1, "symbol": "MSFT", "action": "BUY", "allocation_percent": "10.0", "outcome": "EXECUTED",
        "order_id": str(order.pk),
    }.items()  # fmt: skip
    assert second.items() >= {"line": 2, "symbol": "AAPL", "outcome": "HELD", "codes": [], "order_id": None}.items()
    assert report["orders"][0].items() >= {
        "id": str(order.pk), "symbol": "MSFT", "action": "BUY", "quantity": "22.22", "limit_price": "450.00",
        "notional": "9999.00", "status": "filled", "client_order_id": order.client_order_id,
    }.items()  # fmt: skip
    assert report["plan_token"]


def test_a_dry_run_prints_the_plan_and_writes_nothing(published: list[str]):
    before = whole_database()
    printed = run(*published, "--dry-run")
    assert printed.startswith("Preview: nothing is written\n")
    assert "  Would create BUY order: 22.22 shares @ $450.0 = $9,999.00\n" in printed
    assert "Would create portfolio account with $100,000.00 initial balance\n" in printed
    assert whole_database() == before


def test_a_dry_run_as_json_has_no_ids_but_the_token_that_lets_the_plan_run(published: list[str]):
    report = json.loads(run(*published, "--dry-run", "--format", "json"))
    assert (report["run"]["id"], report["run"]["status"]) == (None, "previewed")
    assert report["orders"][0]["id"] is None
    assert "Created BUY order" in run(*published, "--plan-token", report["plan_token"])


def test_a_replay_says_that_it_is_one(published: list[str]):
    first = run(*published)
    before = whole_database()
    again = run(*published)
    head, _, rest = again.partition("\n")
    assert head.startswith("Replay: ")
    assert rest == first
    assert whole_database() == before


def test_the_json_of_a_replay_is_that_of_the_run_to_the_letter_but_for_the_mark(published: list[str]):
    first = run(*published, "--format", "json")
    again = run(*published, "--format", "json")
    assert again == first.replace('"replay": false', '"replay": true')


def test_the_defaults_are_the_published_ones(desk: Desk):
    desk.inbox.put(PUBLISHED, request_id=PUBLISHED_REQUEST)
    printed = run(PUBLISHED_REQUEST, str(desk.strategy.pk))
    assert "Created portfolio account with $100,000.00 initial balance" in printed
    assert "Created BUY order: 100.00 shares @ $100.0 = $10,000.00" in printed
    assert PortfolioAccount.objects.get().provider == "anthropic"


def test_every_outcome_has_its_line(desk: Desk):
    request = desk.inbox.put(
        [line("XOM", "BUY", 30), line("KO", "SELL"), line("T", "SELL_SHORT", 5), {"action": "BUY"}]
    )
    printed = run(request, str(desk.strategy.pk))
    assert "Processing XOM: BUY (30.0% allocation)\n  Created BUY order: 200.00 shares @ $100.0" in printed
    assert "  Clamped [POSITION_LIMIT, SECTOR_UNVERIFIED]: Bought 200.00 XOM" in printed
    assert "Processing KO: SELL\n  Skipped [NO_POSITION]: Skipped: there is no such position in KO." in printed
    assert "  Denied [SHORT_NOT_ALLOWED]: Denied: the policy does not allow short selling." in printed
    assert "Processing line 4: BUY\n  Quarantined [SYMBOL_MISSING]: " in printed
    assert "Quarantined: " not in printed  # the outcome stands before the code, once


def test_a_run_of_which_every_line_is_quarantined_is_recorded_without_orders(desk: Desk):
    request = desk.inbox.put([line("MSFT", "PANIC", 10), line("", "BUY", 10)])
    assert "Orders created: 0" in run(request, str(desk.strategy.pk))
    assert ExecutionRun.objects.get().outcome_counts == {"QUARANTINED": 2}


# Prices


def test_prices_are_taken_from_the_option_then_the_file_then_the_default(desk: Desk, tmp_path: Path):
    file = tmp_path / "prices.csv"
    file.write_text("symbol,price,as_of\nMSFT,400,2026-01-02\nBRK-B,500.5,\n")
    request = desk.inbox.put([line("MSFT", "BUY", 10), line("BRK.B", "BUY", 10), line("KO", "BUY", 10)])
    report = json.loads(
        run(
            request, str(desk.strategy.pk), "--price", "MSFT=410", "--prices", str(file),
            "--default-price", "60", "--format", "json",
        )
    )  # fmt: skip
    prices = {order["symbol"]: order["limit_price"] for order in report["orders"]}
    assert prices == {"MSFT": "410.00", "BRK.B": "500.50", "KO": "60.00"}
    sources = {symbol: price["source"] for symbol, price in ExecutionRun.objects.get().prices.items()}
    assert sources == {"MSFT": "given", "BRK.B": "file", "KO": "simulation"}


@pytest.mark.parametrize("name", ["MSFT", "msft", "MSFT.US", "NASDAQ:MSFT", "$MSFT"])
def test_a_typed_price_is_of_the_symbol_however_either_is_written(desk: Desk, name: str):
    request = desk.inbox.put([line("MSFT.US", "BUY", 10)])
    typed = ("--price", f"{name}=500", "--default-price", "100", "--format", "json")
    report = json.loads(run(request, str(desk.strategy.pk), *typed))
    assert [(order["symbol"], order["limit_price"]) for order in report["orders"]] == [("MSFT", "500.00")]
    assert not any(price["source"] != "given" for price in ExecutionRun.objects.get().prices.values())


def test_a_typed_price_that_prices_nothing_is_refused_by_name(desk: Desk):
    desk.run([line("KO", "BUY", 5)])
    request = desk.inbox.put([line("ORCL", "BUY", 10), line("MSFT", "HOLD"), line("XOM", "SELL")])
    arguments = (request, str(desk.strategy.pk), "--default-price", "100")
    says = "[BAD_PRICE] the price of OCRL prices nothing: is ORCL meant? Symbols of the plan: KO, MSFT, ORCL, XOM"
    assert refused(*arguments, "--price", "OCRL=220") == says
    assert refused(*arguments, "--price", "OCRL=220", "--dry-run") == says
    used = ["--price", "ORCL=220", "--price", "KO=101", "--price", "MSFT=450", "--price", "XOM=90"]
    report = json.loads(run(*arguments, *used, "--format", "json"))
    assert [(order["symbol"], order["limit_price"]) for order in report["orders"]] == [("ORCL", "220.00")]


def test_a_price_file_may_hold_more_than_the_plan_needs(desk: Desk, tmp_path: Path):
    file = tmp_path / "prices.csv"
    file.write_text("symbol,price\nORCL,220\nOCRL,1\n")
    request = desk.inbox.put([line("ORCL", "BUY", 10)])
    report = json.loads(run(request, str(desk.strategy.pk), "--prices", str(file), "--format", "json"))
    assert [order["limit_price"] for order in report["orders"]] == ["220.00"]


def test_a_price_with_a_comma_inside_buys_nothing(published: list[str], tmp_path: Path):
    file = tmp_path / "prices.csv"
    file.write_text("symbol,price\nNVR,8,123.45\n")
    message = refused(*published, "--prices", str(file))
    assert message.startswith(f"[BAD_PRICE_FILE] {file}: line 2 has 3 cells, the header has 2 (symbol,price)")
    assert message.endswith("if 8,123.45 is one number, write 8123.45")


def test_a_json_price_file_works_too(desk: Desk, tmp_path: Path):
    file = tmp_path / "prices.json"
    file.write_text('{"MSFT": 528.5700073242188, "KO": "60.25"}')
    request = desk.inbox.put([line("MSFT", "BUY", 10), line("KO", "BUY", 10)])
    report = json.loads(run(request, str(desk.strategy.pk), "--prices", str(file), "--format", "json"))
    assert [order["limit_price"] for order in report["orders"]] == ["528.57", "60.25"]
    assert not report["run"]["simulated"]


def test_without_simulation_a_symbol_without_a_price_is_skipped_and_a_given_default_is_the_last_resort(
    desk: Desk, settings: Any
):
    settings.PRICE_SOURCES = ["database"]
    request = desk.inbox.put([line("MSFT", "BUY", 10)])
    assert "Deferred [NO_PRICE]" in run(request, str(desk.strategy.pk), "--dry-run")
    assert "@ $450.0" in run(request, str(desk.strategy.pk), "--default-price", "450")
    assert ExecutionRun.objects.get().is_simulated


# Refusals: one line, exit code 1, an unchanged database


@pytest.mark.parametrize("price", ["0", "-1", "NaN", "Infinity", "-Infinity", "abc", "", "1e30", "0.00000001"])
@pytest.mark.parametrize("option", ["--default-price={}", "--price=MSFT={}"])
def test_a_price_that_is_none_is_refused(published: list[str], option: str, price: str):
    message = refused(*published[:2], option.format(price))
    assert message.startswith("[BAD_PRICE] ")
    assert option.partition("=")[0] in message
    assert repr(price) in message


@pytest.mark.parametrize("pair", ["MSFT", "=5", "M S F T=5", "TOOLONGNAME=5"])
def test_a_price_option_of_another_form_is_refused(published: list[str], pair: str):
    assert "not of the form SYMBOL=PRICE" in refused(*published[:2], "--price", pair)


def test_a_price_given_twice_is_refused(published: list[str]):
    assert "MSFT is given twice" in refused(*published[:2], "--price", "MSFT=1", "--price", "msft=2")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", "symbol,price\nMSFT,0\n", "line 2: price of MSFT is '0': a price is above zero"),
        ("a.csv", "symbol,price\nMSFT,1\nmsft,2\n", "line 3: symbol MSFT stands twice"),
        ("a.csv", "symbol,price\n123,1\n", "line 2: symbol '123' is not a symbol"),
        ("a.csv", "symbol,price\nMSFT\n", "line 2 has 1 cell, the header has 2 (symbol,price)"),
        ("a.csv", "MSFT,1\n", "line 1 is not a header"),
        ("a.csv", "", "line 1 is not a header"),
        ("a.csv", "symbol,price,as_of\nMSFT,1,soon\n", "line 2: as_of 'soon' is not an ISO 8601 time"),
        ("a.csv", "symbol,price,as_of\nMSFT,1,2999-01-01\n", "line 2: as_of '2999-01-01' is in the future"),
        ("a.json", "[1]", "not a JSON object"),
        ("a.json", '{"MSFT": null}', "price of 'MSFT' is not a number"),
        ("a.json", '{"MSFT": NaN}', "NaN is not a number"),
        ("a.json", '{"MSFT": -3}', "key 'MSFT': price of MSFT is '-3'"),
        ("a.json", "{", "not valid JSON"),
    ],
)
def test_a_price_file_is_refused_by_file_line_and_rule(
    published: list[str], tmp_path: Path, name: str, content: str, says: str
):
    file = tmp_path / name
    file.write_text(content)
    message = refused(*published[:2], "--prices", str(file))
    assert str(file) in message
    assert says in message


def test_a_price_file_that_does_not_exist_is_refused(published: list[str], tmp_path: Path):
    assert "nowhere.csv does not exist" in refused(*published[:2], "--prices", str(tmp_path / "nowhere.csv"))


@pytest.mark.parametrize("balance", ["0", "-5", "NaN", "Infinity", "abc", "1e13", "10.001", ""])
def test_an_initial_balance_that_is_none_is_refused(published: list[str], balance: str):
    message = refused(*published[:2], f"--initial-balance={balance}")
    assert message.startswith("[BAD_AMOUNT] --initial-balance")


BAD_IDS = [
    "..", "../../etc/passwd", "", "x", PUBLISHED_REQUEST.upper(), f"{PUBLISHED_REQUEST}\n", f" {PUBLISHED_REQUEST}",
    PUBLISHED_REQUEST.replace("-", ""), f"{{{PUBLISHED_REQUEST}}}", f"urn:uuid:{PUBLISHED_REQUEST}",
    "\u0661" * 8 + PUBLISHED_REQUEST[8:], f"{PUBLISHED_REQUEST}/..", f"{PUBLISHED_REQUEST}\x00",
]  # fmt: skip


@pytest.mark.parametrize("text", BAD_IDS)
def test_a_malformed_id_is_refused_before_the_file_system_is_touched(
    published: list[str], settings: Any, tmp_path: Path, text: str
):
    settings.ARTIFACTS_ROOT = tmp_path / "must not be looked at"
    for arguments, name in (
        ([text, published[1]], "request_id"),
        ([published[0], text], "strategy_id"),
        ([*published[:2], f"--task-id={text}"], "task_id"),
    ):
        message = refused(*arguments)
        assert message.startswith(f"[BAD_ID] {name} is ")


def test_an_unknown_provider_is_refused_with_the_known_ones(published: list[str]):
    message = refused(*published[:2], "--provider-id", "acme")
    assert "'acme'" in message
    assert "anthropic, openai, gemini, custom" in message


def test_an_unknown_strategy_is_refused_with_a_hint(published: list[str]):
    message = refused(published[0], str(uuid.uuid4()))
    assert message.startswith("[UNKNOWN_STRATEGY]")
    assert "--create-strategy" in message


def test_create_strategy_creates_it(published: list[str]):
    strategy_id = str(uuid.uuid4())
    run(published[0], strategy_id, "--create-strategy", "Brand new")
    assert str(Strategy.objects.get(name="Brand new").pk) == strategy_id


def test_create_strategy_refuses_a_name_that_is_taken_or_empty(published: list[str], desk: Desk):
    assert "[STRATEGY_NAME_TAKEN]" in refused(
        published[0], str(uuid.uuid4()), "--create-strategy", desk.strategy.name
    )
    assert "[BAD_OPTION]" in refused(published[0], str(uuid.uuid4()), "--create-strategy", " ")


def test_a_request_without_a_directory_is_refused(desk: Desk):
    missing = str(uuid.uuid4())
    message = refused(missing, str(desk.strategy.pk))
    assert message.startswith("[REQUEST_NOT_FOUND]")
    assert missing in message


def test_a_request_without_a_task_or_an_artifact_is_refused(desk: Desk):
    request = str(uuid.uuid4())
    (desk.inbox.root / request).mkdir()
    assert "holds no task directory" in refused(request, str(desk.strategy.pk))
    (desk.inbox.root / request / PUBLISHED_TASK).mkdir()
    files = "structured.json, parsed.json, response.json, *_batch_results.jsonl"
    assert f"holds none of {files}" in refused(request, str(desk.strategy.pk))


def test_structured_is_preferred_to_parsed(desk: Desk):
    request = desk.inbox.put([line("MSFT", "BUY", 1)], task_id=PUBLISHED_TASK, name="structured.json")
    desk.inbox.put([line("KO", "BUY", 1)], request_id=request, task_id=PUBLISHED_TASK, name="parsed.json")
    assert "Processing MSFT" in run(request, str(desk.strategy.pk))


def test_a_broken_structured_file_is_refused_rather_than_passed_over(desk: Desk):
    request = desk.inbox.put_bytes(b"{", task_id=PUBLISHED_TASK)
    desk.inbox.put(PUBLISHED, request_id=request, task_id=PUBLISHED_TASK, name="parsed.json")
    assert "structured.json: not valid JSON" in refused(request, str(desk.strategy.pk))


def test_of_several_tasks_the_only_readable_one_is_taken(desk: Desk):
    request = desk.inbox.put(PUBLISHED)
    desk.inbox.put_bytes(b"{", request_id=request)
    assert "Found 2 recommendations" in run(request, str(desk.strategy.pk))


def test_of_several_readable_tasks_none_is_guessed_and_all_are_listed(desk: Desk):
    tasks = [str(uuid.uuid4()) for _ in range(2)]
    request = desk.inbox.put(PUBLISHED, task_id=tasks[0])
    desk.inbox.put([line("KO", "BUY", 3)], request_id=request, task_id=tasks[1])
    message = refused(request, str(desk.strategy.pk))
    assert message.startswith("[TASK_AMBIGUOUS]")
    assert all(task in message for task in tasks)
    assert "Processing KO" in run(request, str(desk.strategy.pk), "--task-id", tasks[1])


def test_a_task_that_is_not_there_is_refused_with_those_that_are(desk: Desk):
    request = desk.inbox.put(PUBLISHED, task_id=PUBLISHED_TASK)
    message = refused(request, str(desk.strategy.pk), "--task-id", str(uuid.UUID(int=7)))
    assert message.startswith("[TASK_NOT_FOUND]")
    assert PUBLISHED_TASK in message


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "ARTIFACT_SYNTAX"),
        (b"{", "ARTIFACT_SYNTAX"),
        (b'{"recommendations": [', "ARTIFACT_SYNTAX"),
        (b"\xff\xfe", "ARTIFACT_ENCODING"),
        (b"[]", "ARTIFACT_SHAPE"),
        (b"{}", "ARTIFACT_SHAPE"),
        (b'{"recommendations": {}}', "ARTIFACT_SHAPE"),
        (b'{"recommendations": []}', "NO_RECOMMENDATIONS"),
        (b'{"recommendations": [{"symbol": "A", "symbol": "B"}]}', "ARTIFACT_DUPLICATE_KEY"),
        (b'{"recommendations": [NaN]}', "ARTIFACT_NUMBER"),
        (b'{"recommendations": [1e999999]}', "ARTIFACT_NUMBER"),
        (b'{"recommendations": ' + b"[" * 40 + b"]" * 40 + b"}", "ARTIFACT_DEPTH"),
        (b" " * (1024 * 1024 + 1), "ARTIFACT_TOO_LARGE"),
        (json.dumps({"recommendations": [line("A", "HOLD")] * 501}).encode(), "TOO_MANY_RECOMMENDATIONS"),
    ],
)
def test_an_unreadable_artifact_is_refused_by_file_and_reason(desk: Desk, content: bytes, code: str):
    request = desk.inbox.put_bytes(content)
    message = refused(request, str(desk.strategy.pk))
    assert message.startswith(f"[{code}]")
    assert f"{request}/" in message
    assert "structured.json" in message


def test_links_pipes_and_directories_are_not_read(desk: Desk, tmp_path: Path):
    outside = tmp_path / "outside.json"
    outside.write_text(json.dumps({"recommendations": PUBLISHED}))
    makers: list[Callable[[Path], object]] = [lambda path: path.symlink_to(outside), os.mkfifo, Path.mkdir]
    for number, make in enumerate(makers):
        request = str(uuid.UUID(int=number))
        task = desk.inbox.root / request / PUBLISHED_TASK
        task.mkdir(parents=True)
        make(task / "structured.json")
        assert refused(request, str(desk.strategy.pk)).startswith("[ARTIFACT_NOT_READABLE]")


def test_a_request_directory_that_is_a_link_is_not_followed(desk: Desk, tmp_path: Path):
    elsewhere = Inbox(tmp_path / "elsewhere")
    request = elsewhere.put(PUBLISHED)
    (desk.inbox.root / request).symlink_to(elsewhere.root / request)
    assert "is a symbolic link" in refused(request, str(desk.strategy.pk))


def test_a_sweep_needs_the_mode_that_it_belongs_to(published: list[str]):
    assert "--close-unlisted needs --mode rebalance" in refused(*published, "--close-unlisted")


def test_a_price_source_that_does_not_exist_is_refused(published: list[str], settings: Any):
    settings.PRICE_SOURCES = ["oracle"]
    assert "PRICE_SOURCES names 'oracle'" in refused(*published)


# As a process: exit codes and streams


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_exit_codes_and_streams(inbox: Inbox):
    process = functools.partial(manage, inbox.root, "execute_recommendations")
    inbox.put(PUBLISHED, request_id=PUBLISHED_REQUEST, task_id=PUBLISHED_TASK)
    strategy = str(uuid.uuid4())
    published = [PUBLISHED_REQUEST, strategy, "--default-price", "450"]

    unknown = process(*published)
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert unknown.stderr.count("\n") == 1
    assert "[UNKNOWN_STRATEGY]" in unknown.stderr

    assert process().returncode == 2
    assert process(*published, "--mode", "gamble").returncode == 2

    done = process(*published, "--create-strategy", "From a process", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["account"]["cash_balance"] == "90001.00"

    again = process(*published)
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout.startswith("Replay: ")
    assert PortfolioAccount.objects.get().cash_balance == Decimal("90001.00")
