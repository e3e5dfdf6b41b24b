"""The books and the runs as lists: right, narrowed, sorted, paged, and read with as many queries at any size."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from execution.models import ExecutionRun, MappingRule, RefusedPrice
from portfolios.ledger import AuditContext, record_dividend
from portfolios.models import CorporateAction, Order, Price, RiskPolicy, Security
from tests.folios.api.callers import Caller, action_of, every_action, new_id, problem
from tests.scenes import NOW, PUBLISHED, Desk, line

pytestmark = pytest.mark.django_db

PRICES = {"MSFT": "450", "KO": "62.5", "XOM": "100"}
LISTS = [
    "/strategies/", "/risk-policies/", "/securities/", "/prices/", "/accounts/", "/positions/", "/orders/",
    "/research-requests/", "/mapping-rules/", "/executions/", "/accounts/{account}/ledger/",
    "/accounts/{account}/valuations/", "/refused-prices/", "/corporate-actions/",
]  # fmt: skip
DETAILS = [
    "/strategies/{strategy}/", "/securities/MSFT/", "/accounts/{account}/", "/positions/{position}/",
    "/orders/{order}/", "/research-requests/{request}/", "/executions/{run}/", "/executions/{run}/explain/",
    "/executions/{run}/reproduction/", "/executions/{run}/reverse/preview/", "/risk-policies/{policy}/",
    "/prices/{price}/", "/mapping-rules/{rule}/", "/refused-prices/{refused}/", "/accounts/{account}/performance/",
    "/corporate-actions/{action}/", "/corporate-actions/{action}/reverse/preview/",
]  # fmt: skip


def write_rule(version: int) -> None:
    """Write a version of what a word means."""
    MappingRule.objects.create(
        provider="anthropic", field="action", written="accumulate", meaning="BUY", version=version, actor="alice",
        reason="asked", created_at=NOW,
    )  # fmt: skip


@pytest.fixture
def traded(desk: Desk) -> Desk:
    """Return a desk that holds a long and a short, with a policy."""
    RiskPolicy.objects.create(strategy=desk.strategy, allow_short=True, max_position_percent=50)
    Security.objects.create(symbol="MSFT", sector="Information Technology")
    Price.objects.create(security_id="MSFT", price=100, source="test", as_of=NOW)
    write_rule(1)
    desk.run([line("MSFT", "BUY", 20), line("XOM", "SELL_SHORT", 10), line("KO", "HOLD", 1)], prices=PRICES)
    context = AuditContext(actor="bob", now=NOW + timedelta(days=1), reason="notice of the company")
    Security.objects.create(symbol="PG")
    record_dividend(symbol="PG", per_share=Decimal("0.25"), on=context.now.date(), context=context)
    RefusedPrice.objects.create(
        security_id="MSFT", price=36, source="file", as_of=NOW, reference=450, basis="last close", band_percent=25,
        refused_at=NOW,
    )  # fmt: skip
    return desk


def test_everything_that_is_read_by_get_is_read_here(traded: Desk):
    opened = {action_of("get", filled_in(address, traded)) for address in [*LISTS, *DETAILS]}
    assert opened == every_action("get")


def filled_in(address: str, desk: Desk) -> str:
    """Return the address with the desk's keys in it."""
    run = ExecutionRun.objects.filter(account=desk.account).latest("started_at")
    return address.format(
        account=desk.account.pk, strategy=desk.strategy.pk, position=desk.position("MSFT").pk, run=run.pk,
        order=Order.objects.filter(account=desk.account).latest("placed_at").pk, request=run.request_id,
        policy=RiskPolicy.objects.earliest("pk").pk, price=Price.objects.earliest("pk").pk,
        action=CorporateAction.objects.earliest("pk").pk,
        rule=MappingRule.objects.earliest("pk").pk, refused=RefusedPrice.objects.earliest("pk").pk,
    )  # fmt: skip


def queries_of(caller: Caller, address: str) -> int:
    """Return how many queries a GET takes; it must succeed."""
    with CaptureQueriesContext(connection) as captured:
        response = caller.get(address)
    assert response.status_code == 200, response.content
    return len(captured)


def test_more_rows_take_no_more_queries(caller: Caller, traded: Desk, subtests: pytest.Subtests):
    few = {address: queries_of(caller, filled_in(address, traded)) for address in (*LISTS, *DETAILS)}
    for number in range(3):
        Price.objects.create(security_id="MSFT", price=100, source=f"test {number}", as_of=NOW)
        RiskPolicy.objects.create(strategy=traded.strategy, version=2 + number, allow_short=True)
        write_rule(2 + number)
        traded.run([line(f"S{'ABC'[number]}{letter}", "BUY", 0.5) for letter in "XYZ"])

    for address, number in few.items():
        with subtests.test(address):
            assert queries_of(caller, filled_in(address, traded)) == number <= 12


def test_money_is_text_and_times_have_an_offset(caller: Caller, traded: Desk):
    order = caller.rows("/orders/", symbol="MSFT")[0]
    assert (order["quantity"], order["limit_price"], order["fee"]) == ("44.44", "450.00", "0.00")
    assert order["placed_at"] == "2026-01-05T09:30:00+00:00"
    entry = caller.rows(f"/accounts/{traded.account.pk}/ledger/", kind="DEPOSIT")[0]
    assert (entry["amount"], entry["symbol"], entry["price"]) == ("100000.00", None, None)


def test_an_account_shows_its_weights_and_exposures(caller: Caller, traded: Desk):
    account = caller.get(f"/accounts/{traded.account.pk}/").json()

    snapshot = account["snapshot"]
    # 44.44 * 450 = 19,998 long and 100 * 100 = 10,000 short, of 100,000 in all
    assert (snapshot["cash_balance"], snapshot["total_value"]) == ("90002.00", "100000.00")
    assert (snapshot["gross_exposure"], snapshot["net_exposure"]) == ("29998.00", "9998.00")
    assert snapshot["short_value"] == "10000.00"
    assert (snapshot["available_cash"], account["available_cash"]) == ("75002.00", "75002.00")
    assert (account["margin_status"], account["valued_at"]) == ("covered", "2026-01-05T09:30:00+00:00")
    held = {item["symbol"]: (item["side"], item["market_value"], item["weight"]) for item in snapshot["holdings"]}
    assert held == {"MSFT": ("long", "19998.00", "0.19998"), "XOM": ("short", "-10000.00", "-0.10")}
    sectors = {item["sector"]: (item["gross_exposure"], item["gross_weight"]) for item in snapshot["sectors"]}
    assert sectors == {"": ("10000.00", "0.10"), "Information Technology": ("19998.00", "0.19998")}
    assert account["book_version"] == snapshot["book_version"] == 3


def test_performance_is_that_of_the_stored_valuations(caller: Caller, traded: Desk):
    traded.run([line("KO", "HOLD", 1), line("MSFT", "SELL")], prices={"MSFT": "500", "KO": "1", "XOM": "100"})

    found = caller.get(f"/accounts/{traded.account.pk}/performance/").json()

    assert (found["valuations"], found["hit_rate"]) == (2, "1.00")
    assert found["time_weighted_return"] == "0.02222"  # 44.44 * 50 = 2,222 of 100,000
    assert (found["sharpe_ratio"], found["benchmark_return"]) == (None, None)
    later = caller.get(f"/accounts/{traded.account.pk}/performance/", since=(NOW + timedelta(days=1)).isoformat())
    assert (later.json()["valuations"], later.json()["time_weighted_return"]) == (0, None)


def test_performance_beside_a_benchmark(caller: Caller, traded: Desk):
    Security.objects.create(symbol="KO")
    for days, price in ((0, 100), (1, 110)):
        Price.objects.create(security_id="KO", price=price, source="test", as_of=NOW + timedelta(days=days))
    traded.run([line("MSFT", "HOLD", 1)], prices={"MSFT": "460", "XOM": "100"}, now=NOW + timedelta(days=1))
    found = caller.get(f"/accounts/{traded.account.pk}/performance/", benchmark="KO").json()
    assert found["benchmark_return"] == "0.10"
    assert Decimal(found["excess_return"]) == Decimal(found["time_weighted_return"]) - Decimal("0.1")


def test_lists_are_narrowed(caller: Caller, traded: Desk):
    assert [row["symbol"] for row in caller.rows("/positions/", side="short", status="open")] == ["XOM"]
    assert caller.rows("/positions/", account=new_id()) == []
    assert [row["symbol"] for row in caller.rows("/orders/", action="BUY", is_simulated="false")] == ["MSFT"]
    assert caller.rows("/orders/", placed_after="2026-01-05T09:30:00.000001Z") == []
    assert len(caller.rows("/orders/", placed_after="2026-01-05T10:30:00+01:00")) == 2
    assert caller.rows("/executions/", status="failed") == []
    assert len(caller.rows("/executions/", strategy=str(traded.strategy.pk), source="service")) == 1
    assert [row["symbol"] for row in caller.rows("/securities/", search="ms")] == ["MSFT"]
    assert [row["symbol"] for row in caller.rows("/positions/", symbol="msft.us")] == ["MSFT"]
    assert caller.rows("/positions/", symbol="BP.L") == []
    assert [row["symbol"] for row in caller.rows("/securities/", sector="Information Technology")] == ["MSFT"]


def test_lists_are_sorted(caller: Caller, traded: Desk):
    symbols = [row["symbol"] for row in caller.rows("/positions/", ordering="-symbol")]
    assert symbols == ["XOM", "MSFT"]
    assert [row["symbol"] for row in caller.rows("/positions/", ordering="opened_at,symbol")] == ["MSFT", "XOM"]


def test_fields_choose_what_is_shown(caller: Caller, traded: Desk):
    assert caller.rows("/positions/", fields="side,symbol", ordering="symbol") == [
        {"symbol": "MSFT", "side": "long"}, {"symbol": "XOM", "side": "short"},
    ]  # fmt: skip
    assert caller.get(f"/accounts/{traded.account.pk}/", fields="provider").json() == {"provider": "anthropic"}
    assert caller.rows("/orders/", fields="symbol", page_size="1")[0].keys() == {"symbol"}


def pages_of(caller: Caller, address: str, **parameters: Any) -> list[list[Any]]:
    """Return the pages that `next` leads through, each as what it holds."""
    response = caller.get(address, **parameters)
    pages = [response.json()["results"]]
    while following := response.json()["next"]:
        response = caller.client.get(following)
        pages.append(response.json()["results"])
    return pages


@pytest.mark.parametrize(("address", "key"), [("/orders/", "id"), ("/accounts/{account}/ledger/", "sequence")])
def test_a_cursor_leads_through_everything_once_while_rows_arrive(
    caller: Caller, desk: Desk, address: str, key: str
):
    desk.run([line(f"S{letter}", "BUY", 1) for letter in "ABCDEFG"])
    address = address.format(account=desk.account.pk)
    whole = [row[key] for row in caller.rows(address)]
    first = caller.get(address, page_size="3").json()
    desk.run([line("KO", "BUY", 1)], now=NOW + timedelta(hours=1))

    rest = [row[key] for page in pages_of(caller, first["next"].partition("/api/v1")[2]) for row in page]

    assert [row[key] for row in first["results"]] + rest == whole


def test_numbered_pages_hold_everything_once(caller: Caller, desk: Desk):
    desk.run([line(f"S{letter}", "BUY", 1) for letter in "ABCDEFG"])
    pages = pages_of(caller, "/positions/", page_size="3", ordering="opened_at")
    assert [len(page) for page in pages] == [3, 3, 1]
    assert len({row["id"] for page in pages for row in page}) == 7
    assert caller.get("/positions/", page_size="3").json()["count"] == 7
    problem(caller.get("/positions/", page="9"), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("address", "parameters"),
    [
        ("/orders/", {"statsu": "filled"}),
        ("/orders/", {"status": "done"}),
        ("/orders/", {"status": ""}),
        ("/orders/", {"account": "7"}),
        ("/orders/", {"placed_after": "yesterday"}),
        ("/orders/", {"placed_after": "0001-01-01T00:00:00+23:59"}),
        ("/orders/", {"is_simulated": "yes"}),
        ("/orders/", {"ordering": "symbol"}),
        ("/orders/", {"cursor": "cD1hYmM="}),
        ("/orders/", {"page_size": "0"}),
        ("/orders/", {"page_size": "501"}),
        ("/orders/", {"page_size": "ten"}),
        ("/orders/", {"fields": "id,colour"}),
        ("/positions/", {"ordering": "symbol,colour"}),
        ("/positions/", {"side": ["long", "short"]}),
        ("/accounts/", {"provider": "nobody"}),
    ],
)
def test_what_a_list_does_not_know_is_refused_and_never_ignored(
    caller: Caller, address: str, parameters: dict[str, Any]
):
    name = next(iter(parameters))
    assert list(problem(caller.get(address, **parameters), 400, "INVALID")["errors"]) == [name]


@pytest.mark.parametrize(
    "address",
    [
        "/strategies/{id}/", "/risk-policies/99999999999999999999/", "/securities/NONE/", "/securities/no%20one/",
        "/prices/7/", "/accounts/{id}/", "/accounts/{id}/ledger/", "/accounts/{id}/valuations/", "/orders/{id}/",
        "/accounts/{id}/performance/", "/positions/{id}/", "/research-requests/{id}/", "/orders/7/",
    ],
)  # fmt: skip
def test_what_is_not_there_is_not_found(caller: Caller, address: str):
    problem(caller.get(address.format(id=new_id())), 404, "NOT_FOUND")


def test_research_is_read_with_its_content(caller: Caller, desk: Desk):
    request = desk.inbox.put(PUBLISHED)
    desk.execute(request)
    found = caller.get(f"/research-requests/{request}/").json()
    assert (found["origin"], found["recommendation_count"]) == ("directory", 2)
    assert '"MSFT"' in found["content"]
    assert "content" not in caller.rows("/research-requests/")[0]
