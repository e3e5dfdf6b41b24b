"""The committed examples do what the README and `make demo` show with them."""

import csv
import io
import json
import re
import runpy
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command

from execution.arguments import parse_id
from execution.demo.files import read_examples
from execution.engine.parsing.artifact import Artifact, parse_artifact
from execution.engine.vocabulary import Refusal
from execution.research.inbox import load_artifact
from portfolios.models import PortfolioAccount
from tests.scenes import PUBLISHED_REQUEST, PUBLISHED_TASK, Inbox, assert_books_balance

EXAMPLES: Path = settings.BASE_DIR / "examples"
PRICES = {
    row["symbol"]: Decimal(row["price"])
    for row in csv.DictReader((EXAMPLES / "prices.csv").read_text().splitlines())
}
summary = runpy.run_path(str(EXAMPLES / "summarize.py"))["summary"]  # a script beside run.sh, no package
QUALITY, LEADERS, LONG_SHORT = (
    "0d5d9ea5-97f5-4f6e-9c07-8d5f7f0e6c11",
    "6c0f6f0e-3b1f-4c0c-8f5b-2d8f0a9e4b72",
    "b8f2a9d4-51c6-4f3a-a0e7-91d3c5b7e6a3",
)
OPENAI, GEMINI = "c3a1d7e2-8b4f-4e0a-9d52-6f7b0c1e2a34", "4f9e2b7c-1d6a-4c83-b5e0-a7c8d9e0f156"
REQUESTS = {  # request: (strategy, provider), as examples/run.sh executes them
    PUBLISHED_REQUEST: (QUALITY, "anthropic"),
    OPENAI: (LEADERS, "openai"),
    GEMINI: (LONG_SHORT, "gemini"),
}


def artifact_of(content: bytes) -> Artifact:
    parsed = parse_artifact(content)
    assert not isinstance(parsed, Refusal), parsed
    return parsed


def said_by(response: Mapping[str, Any]) -> str:
    """Return the JSON text of a provider's response, whichever provider it is."""
    if "candidates" in response:
        return str(response["candidates"][0]["content"]["parts"][0]["text"])
    if "choices" in response:
        fenced = str(response["choices"][0]["message"]["content"])
        return fenced.removeprefix("```json\n").removesuffix("\n```")
    return str(response["content"][0]["text"])


def execute(request: str, *options: str) -> dict[str, Any]:
    strategy, provider = REQUESTS[request]
    out = io.StringIO()
    arguments = [request, strategy, "--provider-id", provider, "--format", "json", *options]
    call_command("execute_recommendations", *arguments, stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def decided(report: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    return [(item["symbol"], item["action"], item["outcome"]) for item in report["decisions"]]


@pytest.fixture
def examples(db: None, inbox: Inbox) -> None:
    """Load the examples as `make demo` does."""
    call_command("load_examples", stdout=io.StringIO())


# ---- the files


def test_the_reference_data_reads():
    found = read_examples(EXAMPLES)
    assert {str(line.id) for line in found.strategies} == {QUALITY, LEADERS, LONG_SHORT}
    assert {data.symbol for data in found.securities} >= set(PRICES)


@pytest.mark.parametrize("request_id", REQUESTS)
def test_every_request_has_one_readable_artifact(request_id: str):
    identity = parse_id(request_id, name="request_id")
    assert not isinstance(identity, Refusal)
    loaded = load_artifact(EXAMPLES / "artifacts", request_id=identity, task_id=None)
    assert not isinstance(loaded, Refusal), loaded
    claims = loaded.artifact.claims
    strategy, provider = REQUESTS[request_id]
    for claimed, true in (
        (claims.request_id, request_id),
        (claims.strategy_id, strategy),
        (claims.provider, provider),
        (claims.task_id, str(loaded.task_id)),
    ):
        assert claimed in ("", true)


def test_there_is_no_request_that_the_demo_does_not_execute():
    assert {path.name for path in (EXAMPLES / "artifacts").iterdir()} == set(REQUESTS)
    script = (EXAMPLES / "run.sh").read_text()
    for request, (strategy, provider) in REQUESTS.items():
        assert request in script
        assert strategy in script
        assert provider in script


@pytest.mark.parametrize("directory", sorted((EXAMPLES / "artifacts").glob("*/*")), ids=lambda path: path.name[:8])
def test_all_files_of_a_task_tell_the_same(directory: Path):
    """A reader who compares the response with what was made of it must not find another portfolio."""
    lines = [
        [
            (item.symbol, item.action, item.allocation_percent)
            for item in artifact_of(path.read_bytes()).recommendations
        ]
        for path in sorted(directory.glob("*.json"))
        if path.name != "response.json"
    ]
    response = json.loads((directory / "response.json").read_text())
    said = artifact_of(said_by(response).encode())
    lines.append([(item.symbol, item.action, item.allocation_percent) for item in said.recommendations])
    assert all(found == lines[0] for found in lines)
    assert (directory / "prompt.txt").read_text().strip()


@pytest.mark.parametrize("directory", sorted((EXAMPLES / "artifacts").glob("*/*")), ids=lambda path: path.name[:8])
def test_the_raw_response_reads_as_what_was_made_of_it(directory: Path):
    made = next(path for path in sorted(directory.glob("*.json"), reverse=True) if path.name != "response.json")
    raw, read = (artifact_of(path.read_bytes()) for path in (directory / "response.json", made))
    assert (raw.recommendations, raw.problems) == (read.recommendations, read.problems)


def test_every_symbol_of_the_research_has_an_example_price():
    artifacts = [artifact_of(path.read_bytes()) for path in (EXAMPLES / "artifacts").rglob("parsed.json")]
    artifacts += [artifact_of(path.read_bytes()) for path in (EXAMPLES / "artifacts").rglob("structured.json")]
    assert {item.symbol for found in artifacts for item in found.recommendations} <= set(PRICES)


# ---- what they show


def test_the_published_request_gives_the_published_numbers(examples: None):
    report = execute(PUBLISHED_REQUEST, "--initial-balance", "100000", "--default-price", "450")
    assert decided(report) == [("MSFT", "BUY", "EXECUTED"), ("AAPL", "HOLD", "HELD")]
    (order,) = report["orders"]
    assert (order["quantity"], order["notional"], order["status"]) == ("22.22", "9999.00", "filled")
    account = report["account"]
    assert (account["cash_balance"], account["equity_value"]) == ("90001.00", "9999.00")
    assert report["run"]["simulated"]
    assert report["run"]["task_id"] == PUBLISHED_TASK


def test_the_openai_request_shows_the_position_and_the_sector_limit(examples: None):
    report = execute(OPENAI, "--prices", str(EXAMPLES / "prices.csv"))
    assert decided(report) == [
        ("NVDA", "BUY", "CLAMPED"),
        ("MSFT", "BUY", "CLAMPED"),
        ("AAPL", "BUY", "CLAMPED"),
        ("XOM", "BUY", "EXECUTED"),
        ("BRK.B", "BUY", "EXECUTED"),
        ("JPM", "HOLD", "HELD"),
        ("TSLA", "SELL", "SKIPPED"),
    ]
    codes = {item["symbol"]: set(item["codes"]) for item in report["decisions"]}
    assert {"POSITION_LIMIT", "SECTOR_LIMIT"} <= codes["NVDA"]
    assert codes["TSLA"] == {"NO_POSITION"}
    technology = sum(
        Decimal(order["notional"]) for order in report["orders"] if order["symbol"] in ("NVDA", "MSFT", "AAPL")
    )
    assert Decimal(39_900) < technology <= Decimal(40_000)
    assert_all_priced_and_booked(report)


def test_the_gemini_request_shows_a_short_its_costs_and_a_quarantine(examples: None):
    report = execute(GEMINI, "--prices", str(EXAMPLES / "prices.csv"))
    assert [row[2] for row in decided(report)] == ["EXECUTED", "EXECUTED", "QUARANTINED"]
    assert [(order["symbol"], order["action"]) for order in report["orders"]] == [
        ("CVX", "BUY"),
        ("INTC", "SELL_SHORT"),
    ]
    assert "ACCUMULATE" in report["decisions"][2]["reason"]
    total = Decimal(report["account"]["total_value"])
    assert Decimal(99_900) < total < Decimal(100_000), "commission and slippage cost something, but little"
    assert_all_priced_and_booked(report)


def assert_all_priced_and_booked(report: Mapping[str, Any]) -> None:
    assert not report["run"]["simulated"], "every price came from the file"
    assert_books_balance(PortfolioAccount.objects.get())


@pytest.mark.parametrize("request_id", REQUESTS)
def test_a_second_execution_is_a_replay_that_the_summary_names(request_id: str, examples: None):
    prices = ("--prices", str(EXAMPLES / "prices.csv"))
    first, second = execute(request_id, *prices), execute(request_id, *prices)
    assert not first["run"]["replay"]
    assert second["run"]["replay"]
    assert "replayed: executed before" in summary(second)
    head, *decisions, last = summary(first).splitlines()
    assert head == f"{len(first['orders'])} orders from {len(first['decisions'])} recommendations"
    assert len(decisions) == len(first["decisions"])
    assert re.fullmatch(r"  cash \$[\d,.]+, total value \$[\d,.]+", last)
