"""manage.py rebalance: an account brought to target weights."""

import io
import json
import uuid
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from execution.engine.vocabulary import Mode
from execution.models import ExecutionRun, ResearchRequest
from portfolios.models import Position, RiskPolicy
from tests.counts import count, seeded
from tests.scenes import NOW, Desk, assert_books_balance, line, security, whole_database

pytestmark = pytest.mark.django_db


def rebalance(desk: Desk, *arguments: str) -> dict[str, Any]:
    """Rebalance the desk's account at a price of 100; return the JSON report."""
    out = io.StringIO()
    fixed = ["--default-price", "100", "--format", "json"]
    call_command("rebalance", str(desk.strategy.pk), *arguments, *fixed, stdout=out)
    report: dict[str, Any] = json.loads(out.getvalue())
    return report


def refused(desk: Desk, *arguments: str) -> str:
    """Rebalance; return the line that says why it is refused, once nothing was written."""
    before = whole_database()
    with pytest.raises(CommandError) as caught:
        rebalance(desk, *arguments)
    assert caught.value.returncode == 1
    assert whole_database() == before
    return str(caught.value)


def holdings(desk: Desk) -> dict[str, Decimal]:
    """Return the open positions, shorts negative."""
    rows = Position.objects.filter(account=desk.account, status="open")
    return {row.security_id: row.as_holding().signed_quantity for row in rows}


def orders(report: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return action, quantity and symbol of each order."""
    return [(order["action"], order["quantity"], order["symbol"]) for order in report["orders"]]


def test_holdings_are_sold_down_and_bought_up_to_their_weights(desk: Desk):
    desk.run([line("MSFT", "BUY", 20), line("KO", "BUY", 5), line("XOM", "BUY", 10)])

    report = rebalance(desk, "--targets", "MSFT=10", "KO=15")

    assert orders(report) == [("SELL", "100.00", "MSFT"), ("BUY", "100.00", "KO")]
    assert holdings(desk) == {"MSFT": Decimal(100), "KO": Decimal(150), "XOM": Decimal(100)}
    assert_books_balance(desk.account)


def test_a_weight_of_zero_is_an_exit(desk: Desk):
    desk.run([line("MSFT", "BUY", 20)])
    rebalance(desk, "--targets", "MSFT=0")
    assert holdings(desk) == {}


def test_what_has_no_target_stays_unless_it_is_to_be_closed(desk: Desk):
    desk.run([line("MSFT", "BUY", 20), line("KO", "BUY", 5)])
    rebalance(desk, "--targets", "MSFT=20")
    assert set(holdings(desk)) == {"MSFT", "KO"}
    report = rebalance(desk, "--targets", "MSFT=20", "--close-unlisted")
    assert set(holdings(desk)) == {"MSFT"}
    assert report["decisions"][-1]["codes"] == ["UNLISTED"]


def test_a_weight_below_zero_is_a_short(desk: Desk):
    RiskPolicy.objects.create(strategy=desk.strategy, allow_short=True)
    desk.run([line("MSFT", "BUY", 10)])
    report = rebalance(desk, "--targets", "MSFT=-5")
    assert orders(report) == [("SELL", "100.00", "MSFT"), ("SELL_SHORT", "50.00", "MSFT")]
    assert holdings(desk) == {"MSFT": Decimal(-50)}


def test_after_a_rebalance_nothing_is_left_to_do_and_the_run_says_so(desk: Desk):
    desk.run([line("MSFT", "BUY", 3), line("KO", "BUY", 7)])
    rebalance(desk, "--targets", "MSFT=17.5", "KO=2.25", "XOM=11")
    assert ExecutionRun.objects.get(request__origin="rebalance").is_settled is True
    assert orders(rebalance(desk, "--targets", "MSFT=17.5", "KO=2.25", "XOM=11")) == []


def test_a_rebalance_does_not_sell_what_brings_less_than_its_fee_and_comes_to_rest(desk: Desk):
    desk.run([line("MSFT", "BUY", 20), line("KO", "BUY", 1), line("XOM", "BUY", 20)])
    # A fee of 1,500 where KO is worth 1,000.
    RiskPolicy.objects.create(strategy=desk.strategy, commission_per_order=Decimal(1_500))
    report = rebalance(desk, "--targets", "MSFT=15", "--close-unlisted")
    assert orders(report) == [("SELL", "50.00", "MSFT"), ("SELL", "200.00", "XOM")]
    assert report["decisions"][1]["codes"] == ["BELOW_COST", "UNLISTED"]
    assert ExecutionRun.objects.get(request__origin="rebalance").is_settled is True
    assert orders(rebalance(desk, "--targets", "MSFT=15", "--close-unlisted")) == []


def test_a_rebalance_says_whether_the_next_one_would_trade(desk: Desk):
    chance = seeded("is_settled")
    symbols = ["A", "B", "C", "D", "E"]
    for symbol in symbols:
        security(symbol, step=chance.choice(["0.01", "1", "0.1"]), sector=chance.choice(["Energy", "Health Care"]))
    RiskPolicy.objects.create(
        strategy=desk.strategy,
        max_sector_percent=40,
        cash_reserve_percent=5,
        commission_per_order=Decimal("4.95"),
        slippage_bps=Decimal(20),
    )
    for _ in range(count(6, 300)):
        options: dict[str, Any] = {
            "mode": Mode.REBALANCE,
            "close_unlisted": chance.random() < 0.5,
            "prices": {symbol: f"{chance.uniform(5, 900):.2f}" for symbol in symbols},
        }
        wishes = [
            line(s, "BUY", round(chance.uniform(1, 45), 2)) for s in chance.sample(symbols, chance.randint(1, 4))
        ]
        report = desk.run(wishes, **options)
        again = desk.run(wishes, **options)
        assert report.run.id
        assert ExecutionRun.objects.get(pk=report.run.id).is_settled is (not again.orders)
        assert not again.orders
    assert_books_balance(desk.account)


def test_a_run_whose_sizes_are_amounts_does_not_say_whether_it_is_settled(desk: Desk):
    desk.run([line("MSFT", "BUY", 3)])
    assert ExecutionRun.objects.get().is_settled is None


@pytest.mark.parametrize(
    ("name", "content"),
    [("t.csv", "Symbol, Percent\nMSFT,10\nko, 5.5\n"), ("t.json", '{"MSFT": 10, "KO": "5.5"}')],
)
def test_targets_come_from_a_file_too(desk: Desk, tmp_path: Path, name: str, content: str):
    file = tmp_path / name
    file.write_text(content)
    rebalance(desk, "--targets", str(file))
    assert holdings(desk) == {"MSFT": Decimal(100), "KO": Decimal(55)}


def test_without_targets_the_latest_research_is_reached_again(desk: Desk):
    desk.run([line("KO", "BUY", 5)])
    document = {"recommendations": [line("MSFT", "BUY", 10), line("XOM", "HOLD")], "provider": "anthropic"}
    request = desk.inbox.put_bytes(json.dumps(document).encode(), name="parsed.json")
    desk.execute(request, now=NOW + timedelta(days=7))
    rebalance(desk, "--targets", "MSFT=1")

    report = rebalance(desk)

    assert report["artifact"]["path"] == f"research {request}"
    assert holdings(desk) == {"MSFT": Decimal(100), "KO": Decimal(50)}


def test_an_account_without_research_has_nothing_to_reach(desk: Desk):
    assert refused(desk).startswith("[NO_RESEARCH]")


def test_each_rebalance_is_a_request_of_its_own_and_runs_once(desk: Desk):
    request = str(uuid.uuid4())
    first = rebalance(desk, "--targets", "MSFT=10", "--request-id", request)
    again = rebalance(desk, "--targets", "MSFT=10", "--request-id", request)
    assert again["run"]["replay"]
    assert again["orders"] == first["orders"]
    assert ResearchRequest.objects.get().origin == "rebalance"
    assert refused(desk, "--targets", "MSFT=11", "--request-id", request).startswith("[ARTIFACT_CHANGED]")


def test_a_dry_run_writes_nothing(desk: Desk):
    before = whole_database()
    assert rebalance(desk, "--targets", "MSFT=10", "--dry-run")["run"]["status"] == "previewed"
    assert whole_database() == before


@pytest.mark.parametrize(
    ("targets", "says"),
    [
        (["MSFT=ten"], "'ten' is not a number"),
        (["MSFT=101"], "is not a percentage from -100 to 100"),
        (["MSFT=NaN"], "is not a percentage from -100 to 100"),
        (["MSFT=0.0000001"], "is not a percentage from -100 to 100"),
        (["12 34=5"], "is not a symbol"),
        (["MSFT=5", "msft=6"], "given twice"),
        (["MSFT=5", "KO"], "not of the form SYMBOL=PERCENT"),
        (["nowhere.csv"], "nowhere.csv does not exist; a target is SYMBOL=PERCENT or a file"),
        (["MSFT"], "MSFT does not exist; a target is SYMBOL=PERCENT or a file"),
    ],
)
def test_a_target_that_is_none_is_refused(desk: Desk, targets: list[str], says: str):
    assert says in refused(desk, "--targets", *targets)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("t.csv", "symbol,percent\nMSFT,10\nMSFT,11\n", "line 3: MSFT stands twice"),
        ("t.csv", "symbol\nMSFT\n", "line 1 is not a header with the columns symbol,percent"),
        ("t.csv", "symbol,percent\n", "no targets are given"),
        ("t.json", "[]", "not a JSON object"),
        ("t.json", '{"MSFT": "x"}', "key 'MSFT': 'x' is not a number"),
    ],
)
def test_a_target_file_is_refused_by_line_and_rule(desk: Desk, tmp_path: Path, name: str, content: str, says: str):
    file = tmp_path / name
    file.write_text(content)
    assert says in refused(desk, "--targets", str(file))


def test_a_weight_below_zero_closes_the_long_where_shorts_are_not_allowed(desk: Desk):
    desk.run([line("MSFT", "BUY", 10)])
    report = rebalance(desk, "--targets", "MSFT=-5", "KO=-5")
    assert orders(report) == [("SELL", "100.00", "MSFT")]
    assert [(each["outcome"], each["codes"]) for each in report["decisions"]] == [
        ("CLAMPED", ["SHORT_NOT_ALLOWED"]),
        ("DENIED", ["SHORT_NOT_ALLOWED"]),
    ]
    assert holdings(desk) == {}
    assert_books_balance(desk.account)


def test_a_newer_rebalance_outdates_what_an_earlier_one_deferred(desk: Desk, settings: Any):
    """Seen: KO went on to wait for the first rebalance after the second had bought it."""
    settings.PRICE_SOURCES = ["database"]
    first, second = str(uuid.uuid4()), str(uuid.uuid4())

    def run(request: str, *prices: str) -> dict[str, Any]:
        out = io.StringIO()
        targets = ("--targets", "MSFT=10", "KO=5", "--request-id", request, "--format", "json")
        given = [part for price in prices for part in ("--price", price)]
        call_command("rebalance", str(desk.strategy.pk), *targets, *given, stdout=out)
        report: dict[str, Any] = json.loads(out.getvalue())
        return report

    assert [item["outcome"] for item in run(first, "MSFT=100")["decisions"]] == ["EXECUTED", "DEFERRED"]
    assert run(second, "MSFT=100", "KO=50")["summary"]["orders_created"] == 1
    again = run(first, "MSFT=100", "KO=25")
    assert again["run"]["replay"]
    assert [item["outcome"] for item in again["decisions"]] == ["EXECUTED", "EXPIRED"]
