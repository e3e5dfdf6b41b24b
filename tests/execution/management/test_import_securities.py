"""The command that imports securities: good rows are written, wrong ones are named, nothing changes unsaid."""

import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common.identifiers import normalize_symbol
from execution.engine.parsing.artifact import Artifact, Problem, Recommendation, parse_artifact
from portfolios.models import Security
from portfolios.reference_data import SECTORS
from tests.scenes import Desk, line, whole_database

pytestmark = [pytest.mark.django_db, pytest.mark.database]

EXAMPLES: Path = project.BASE_DIR / "examples"
HEADER = "symbol,name,sector,exchange,currency,asset_class,quantity_step"
KO = "KO,The Coca-Cola Company,Consumer Staples,NYSE,USD,equity,0.01"
SPY = "SPY,S&P 500 ETF,,NYSE Arca,USD,fund,1"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "securities.csv"


def run(path: Path, *options: str) -> tuple[str, str]:
    """Run the command; return what it prints and the line of its error, empty where it succeeds."""
    out, error, code = io.StringIO(), "", 0
    try:
        call_command("import_securities", str(path), *options, stdout=out)
    except CommandError as refusal:
        error, code = str(refusal), refusal.returncode
    assert code == (1 if error else 0)
    return out.getvalue(), error


def report(path: Path, *rows: str, header: str = HEADER, options: tuple[str, ...] = ()) -> dict[str, Any]:
    """Import the rows; return the report, without the file's name."""
    path.write_text("\n".join([header, *rows]))
    found: dict[str, Any] = json.loads(run(path, "--format", "json", *options)[0])
    assert found.pop("file") == str(path)
    return found


def refused(path: Path, row: str, *, header: str = HEADER) -> list[tuple[str, str, str]]:
    """Import one row that is wrong; return its refusals as field, value, rule."""
    found = report(path, row, header=header)
    assert not Security.objects.exists()
    assert {field["line"] for field in found["refused"]} == {2}
    return [(field["field"], field["value"], field["rule"]) for field in found["refused"]]


def test_a_new_security_is_written_as_it_is_given_and_verified(table: Path):
    assert report(table, KO) == {
        "dry_run": False,
        "created": ["KO"],
        "changed": [],
        "unchanged": [],
        "unverified": [],
        "refused": [],
    }
    row = Security.objects.get()
    assert (row.symbol, row.name, row.sector) == ("KO", "The Coca-Cola Company", "Consumer Staples")
    assert (row.exchange, row.currency, row.asset_class) == ("NYSE", "USD", "equity")
    assert (row.quantity_step, row.is_active, row.is_verified) == (Decimal("0.01"), True, True)


def test_what_changed_is_reported_with_its_old_and_its_new_value(table: Path):
    report(table, KO, SPY)
    changed = KO.replace("NYSE", "NASDAQ").replace("0.01", "1")
    found = report(table, f"{changed},false", f"{SPY},", header=f"{HEADER},active")
    assert found["changed"] == [
        {"symbol": "KO", "field": "exchange", "old": "NYSE", "new": "NASDAQ"},
        {"symbol": "KO", "field": "quantity_step", "old": "0.01", "new": "1"},
        {"symbol": "KO", "field": "is_active", "old": "true", "new": "false"},
    ]
    assert (found["created"], found["unchanged"]) == ([], ["SPY"])
    row = Security.objects.get(symbol="KO")
    assert (row.exchange, row.quantity_step, row.is_active) == ("NASDAQ", 1, False)


def test_twice_changes_nothing(table: Path):
    report(table, KO, SPY)
    before = whole_database()
    assert report(table, KO, SPY)["unchanged"] == ["KO", "SPY"]
    assert whole_database() == before


@pytest.mark.parametrize(("header", "end"), [(HEADER, ""), (f"{HEADER},active", ",")])
def test_without_a_word_on_it_a_security_stays_as_active_as_it_was(table: Path, header: str, end: str):
    report(table, KO)
    Security.objects.update(is_active=False, minimum_quantity=5)
    found = report(table, KO.replace("NYSE", "NASDAQ") + end, header=header)
    assert [change["field"] for change in found["changed"]] == ["exchange"]
    row = Security.objects.get()
    assert (row.is_active, row.minimum_quantity) == (False, 5)


def test_a_security_of_research_is_listed_until_an_import_completes_it(desk: Desk, table: Path):
    desk.run([line("KO", "BUY", 5.0), line("GME", "BUY", 5.0)])
    assert report(table, SPY)["unverified"] == ["GME", "KO"]
    found = report(table, KO)
    assert found["unverified"] == ["GME"]
    assert {"symbol": "KO", "field": "is_verified", "old": "false", "new": "true"} in found["changed"]


def test_a_symbol_gets_its_canonical_form(table: Path):
    assert report(table, KO.replace("KO,", "brk-b,"))["created"] == ["BRK.B"]


def test_the_columns_may_stand_in_any_order(table: Path):
    header = "active,quantity_step,asset_class,currency,exchange,sector,name,symbol"
    report(table, "FALSE,0.5,equity,EUR,XETRA,Industrials,Siemens AG,SIE", header=header)
    row = Security.objects.get()
    assert (row.symbol, row.currency, row.quantity_step, row.is_active) == ("SIE", "EUR", Decimal("0.5"), False)


@pytest.mark.parametrize(
    ("row", "field", "value", "rule"),
    [
        (KO.replace("KO,", "K O,"), "symbol", "K O", "not letters"),
        (KO.replace("KO,", ","), "symbol", "", "not letters"),
        (KO.replace("The Coca-Cola Company", ""), "name", "", "at least 1 character"),
        (KO.replace("The", "The\x00"), "name", "The\x00 Coca-Cola Company", "not one line of plain text"),
        (KO.replace("Consumer Staples", "Consumer Cyclical"), "sector", "Consumer Cyclical",
         "not a GICS sector; the nearest is Consumer Discretionary"),
        (KO.replace("Consumer Staples", "Tech"), "sector", "Tech",
         "not a GICS sector; the nearest is Information Technology"),
        (KO.replace("Consumer Staples", "Healthcare"), "sector", "Healthcare",
         "not a GICS sector; the nearest is Health Care"),
        (KO.replace("Consumer Staples", ""), "sector", "", "an equity has a GICS sector"),
        (KO.replace("NYSE", "N" * 17), "exchange", "N" * 17, "at most 16 characters"),
        (KO.replace("USD", "usd"), "currency", "usd", "not three capital letters"),
        (KO.replace("USD", "ÄÖÜ"), "currency", "ÄÖÜ", "not three capital letters"),
        (KO.replace("equity", "house"), "asset_class", "house", "not one of equity, fund, other"),
        (KO.replace("0.01", "0"), "quantity_step", "0", "greater than 0"),
        (KO.replace("0.01", "-1"), "quantity_step", "-1", "greater than 0"),
        (KO.replace("0.01", "NaN"), "quantity_step", "NaN", "finite number"),
        (KO.replace("0.01", "0.0000001"), "quantity_step", "0.0000001", "6 decimal places"),
        (KO.replace("0.01", "one"), "quantity_step", "one", "valid decimal"),
    ],
)  # fmt: skip
def test_a_wrong_row_is_refused_with_its_field_its_value_and_the_rule(
    table: Path, row: str, field: str, value: str, rule: str
):
    (found,) = refused(table, row)
    assert found[:2] == (field, value)
    assert rule in found[2]


def test_active_is_true_or_false(table: Path):
    assert refused(table, f"{KO},yes", header=f"{HEADER},active") == [("active", "yes", "not true or false")]


def test_everything_wrong_with_a_row_is_said_at_once(table: Path):
    fields = [field for field, _, _ in refused(table, "K O,,Tech,NYSE,usd,house,0")]
    assert fields == ["symbol", "name", "asset_class", "sector", "currency", "quantity_step"]


@pytest.mark.parametrize(
    ("row", "cells"),
    [("AMZN,Amazon.com, Inc.,Energy,NASDAQ,USD,equity,1", "8 cells"), ("AMZN,Amazon.com,Energy", "3 cells")],
)
def test_a_row_with_more_or_fewer_cells_than_the_header_is_not_read(table: Path, row: str, cells: str):
    [(field, _, rule)] = refused(table, row)
    assert field == "row"
    assert rule.startswith(f"{cells}, the header has 7 ({HEADER})")


def test_the_good_rows_are_written_and_the_exit_code_tells_of_the_others(table: Path):
    table.write_text("\n".join([HEADER, KO, KO.replace("KO,", "PEP,").replace("USD", "$"), SPY]))
    out, error = run(table)
    assert out.splitlines() == [
        f"{table}:",
        "  created: 2 (KO, SPY)",
        "  changed: 0",
        "  unchanged: 0",
        "  refused: 1",
        "    line 3: field 'currency' is '$': not three capital letters, as in USD",
        "Unverified, to be completed: 0",
    ]
    assert error == (
        f"{table}: 1 of 3 rows refused; line 3: field 'currency' is '$': not three capital letters, as in USD"
    )
    assert sorted(Security.objects.values_list("symbol", flat=True)) == ["KO", "SPY"]


@pytest.mark.parametrize("first", [KO, KO.replace("0.01", "0")])
def test_a_symbol_that_stood_in_a_line_before_is_refused_whatever_became_of_that_line(table: Path, first: str):
    found = report(table, first, SPY, KO.replace("KO,", "ko,"))
    assert found["refused"][-1] == {
        "line": 4,
        "field": "symbol",
        "value": "ko",
        "rule": "stands in line 2 already",
    }
    assert ("KO" in found["created"]) is (first == KO)


def test_a_dry_run_says_the_same_and_writes_nothing(table: Path):
    report(table, SPY)
    before = whole_database()
    rows = (KO, SPY.replace("Arca", "arca"), "bad,,,,,,")
    shown = report(table, *rows, options=("--dry-run",))
    assert whole_database() == before
    done = report(table, *rows)
    assert (shown.pop("dry_run"), done.pop("dry_run")) == (True, False)
    assert shown == done
    assert [change["new"] for change in done["changed"]] == ["NYSE arca"]


def test_the_text_says_what_a_dry_run_would_change(table: Path):
    report(table, KO)
    table.write_text("\n".join([HEADER, KO.replace("NYSE", "NASDAQ"), SPY]))
    Security.objects.create(symbol="GME")
    assert run(table, "--dry-run")[0].splitlines() == [
        f"{table}: dry run, nothing is written",
        "  created: 1 (SPY)",
        "  changed: 1",
        "    KO exchange: 'NYSE' -> 'NASDAQ'",
        "  unchanged: 0",
        "  refused: 0",
        "Unverified, to be completed: 1 (GME)",
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "line 1 is not a header with the columns symbol,name,"),
        (b"symbol,name\nKO,Coca-Cola", "line 1 is not a header with the columns symbol,name,"),
        (HEADER.encode(), "has no row below its header"),
        (f"{HEADER},is_active\n{KO},true".encode(), "line 1: column 'is_active' is unknown"),
        (b"\xff", "not UTF-8"),
    ],
)
def test_a_file_that_is_no_table_of_securities_is_refused_as_a_whole(table: Path, content: bytes, said: str):
    table.write_bytes(content)
    out, error = run(table)
    assert out == ""
    assert str(table) in error
    assert said in error


def test_a_file_that_does_not_exist_is_named(table: Path):
    assert run(table) == ("", f"[ARTIFACT_NOT_READABLE] {table} does not exist")


def test_the_number_of_queries_does_not_depend_on_the_number_of_securities(table: Path):
    def queries(rows: list[str]) -> int:
        with CaptureQueriesContext(connection) as captured:
            report(table, *rows)
        return len(captured)

    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    few = [KO.replace("KO,", f"A{letter},") for letter in letters[:2]]
    many = [KO.replace("KO,", f"B{letter},") for letter in letters]
    assert queries(few) == queries(many)


def test_the_examples_table_covers_every_symbol_of_the_example_artifacts_with_a_sector():
    assert run(EXAMPLES / "securities.csv")[1] == ""
    sectors = dict(Security.objects.values_list("symbol", "sector"))
    researched = {
        normalize_symbol(symbol)
        for path in sorted(EXAMPLES.glob("artifacts/*/*/*.json"))
        if path.name in ("structured.json", "parsed.json")
        for symbol in symbols_in(path)
    }
    assert {"MSFT", "BRK.B", "XOM"} <= researched <= set(sectors)
    assert set(sectors.values()) <= set(SECTORS)


def symbols_in(path: Path) -> list[str]:
    """Return the symbols that an example names."""
    artifact = parse_artifact(path.read_bytes())
    assert isinstance(artifact, Artifact)
    lines: list[Recommendation | Problem] = [*artifact.recommendations, *artifact.problems]
    return [each.symbol for each in lines if each.symbol]
