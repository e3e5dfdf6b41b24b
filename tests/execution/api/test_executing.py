"""Research over HTTP: pushed, previewed, executed once, read again; and what is refused."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User

from execution.models import ExecutionRun, ResearchRequest
from portfolios.models import LedgerEntry, Order, PortfolioAccount
from tests.folios.api.callers import Caller, new_id, problem
from tests.processes import manage
from tests.scenes import PUBLISHED, Desk, assert_books_balance, line, whole_database

pytestmark = pytest.mark.django_db

PRICES = {"MSFT": "450", "AAPL": "200"}


def body_of(desk: Desk, request_id: str, **more: Any) -> dict[str, Any]:
    """Return the body that executes a request in the desk's account."""
    return {"request_id": request_id, "strategy_id": str(desk.strategy.pk), "prices": PRICES, **more}


def test_the_published_request_is_executed_with_the_published_figures(caller: Caller, desk: Desk, user: User):
    request = desk.inbox.put(PUBLISHED)

    response = caller.post("/executions/", body_of(desk, request, prices={}, default_price="450"))

    report = response.json()
    assert (response.status_code, report["replay"]) == (201, False)
    assert report["summary"]["remaining_cash"] == "90001.00"
    assert [order["quantity"] for order in report["orders"]] == ["22.22"]
    run = ExecutionRun.objects.get()
    assert response.headers["Location"] == f"http://testserver/api/v1/executions/{run.pk}/"
    assert (run.source, run.actor) == ("api", user.get_username())
    assert_books_balance(desk.account)


def test_the_same_call_again_is_a_replay_with_the_same_report(caller: Caller, desk: Desk):
    body = body_of(desk, desk.inbox.put(PUBLISHED))
    first = caller.post("/executions/", body)
    before = whole_database()

    second = caller.post("/executions/", body)

    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json()["replay"] is True
    assert second.json()["run"] == {**first.json()["run"], "replay": True}
    parts = ("orders", "decisions", "summary", "account", "plan_token")
    assert [second.json()[part] for part in parts] == [first.json()[part] for part in parts]
    assert whole_database() == before


def test_every_door_gives_the_same_report(caller: Caller, desk: Desk):
    """The request executed by the service, read again by HTTP, is the same to the last digit."""
    request = desk.inbox.put(PUBLISHED)
    done = desk.execute(request, prices=PRICES)

    again = caller.post("/executions/", body_of(desk, request)).json()

    assert again.pop("replay") is True
    assert again == done.as_replay().as_data()


def test_a_preview_writes_nothing_and_its_token_executes_that_plan(caller: Caller, desk: Desk):
    body = body_of(desk, new_id(), recommendations=PUBLISHED)
    before = whole_database()

    shown = caller.post("/executions/preview/", body)

    assert (shown.status_code, shown.json()["run"]["status"]) == (200, "previewed")
    assert whole_database() == before
    done = caller.post("/executions/", {**body, "plan_token": shown.json()["plan_token"]})
    assert done.status_code == 201
    assert done.json()["plan_token"] == shown.json()["plan_token"]


def test_a_stale_plan_token_is_refused_with_what_has_changed(caller: Caller, desk: Desk):
    body = body_of(desk, desk.inbox.put(PUBLISHED))
    token = caller.post("/executions/preview/", body).json()["plan_token"]
    desk.run([line("KO", "BUY", 5)], prices={"KO": "62.5"})

    response = caller.post("/executions/", {**body, "plan_token": token, "prices": {**PRICES, "MSFT": "451"}})

    refused = problem(response, 409, "PLAN_CHANGED")
    assert refused["details"]["difference"] == "the prices and the account's books have changed"
    assert ExecutionRun.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_pushed_research_is_previewed_and_executed_by_its_id_at_every_door(caller: Caller, desk: Desk):
    request = new_id()
    pushed = caller.post("/research-requests/", {"request_id": request, "recommendations": PUBLISHED})
    assert pushed.status_code == 201
    assert pushed.json()["recommendation_count"] == 2
    assert pushed.headers["Location"].endswith(f"/api/v1/research-requests/{request}/")

    done = caller.post("/executions/", body_of(desk, request))

    assert done.status_code == 201
    told = manage(desk.inbox.root, "execute_recommendations", request, str(desk.strategy.pk), "--price", "MSFT=450")
    assert told.stdout.startswith(f"Replay: request {request} was executed before"), told.stderr


def test_research_is_pushed_once_in_whatever_order_its_keys_stand(caller: Caller, db: None):
    request = new_id()
    first = f'{{"request_id": "{request}", "recommendations": [{{"symbol": "KO", "action": "HOLD"}}]}}'
    again = f'{{"recommendations": [ {{"action": "HOLD", "symbol": "KO"}} ], "request_id": "{request}"}}'

    answers = [caller.post("/research-requests/", body) for body in (first, again)]

    assert [answer.status_code for answer in answers] == [201, 200]
    assert answers[0].json() == answers[1].json()


@pytest.mark.parametrize("address", ["/research-requests/", "/executions/", "/executions/preview/"])
def test_other_content_under_a_pushed_id_is_refused(caller: Caller, desk: Desk, address: str):
    request = new_id()
    caller.post("/research-requests/", {"request_id": request, "recommendations": PUBLISHED})
    before = whole_database()
    body: dict[str, Any] = {"request_id": request, "recommendations": [line("KO", "BUY", 5)]}
    if address != "/research-requests/":
        body = body_of(desk, **body)

    problem(caller.post(address, body), 409, "ARTIFACT_CHANGED")

    assert whole_database() == before


def test_research_cannot_be_pushed_over_a_directory_of_the_inbox(caller: Caller, desk: Desk):
    request = desk.inbox.put(PUBLISHED)
    response = caller.post("/research-requests/", {"request_id": request, "recommendations": PUBLISHED})
    problem(response, 409, "ARTIFACT_CHANGED")


def test_a_changed_artifact_is_refused(caller: Caller, desk: Desk):
    task = new_id()
    request = desk.inbox.put(PUBLISHED, task_id=task)
    caller.post("/executions/", body_of(desk, request))
    desk.inbox.put([line("KO", "BUY", 5)], request_id=request, task_id=task)

    problem(caller.post("/executions/", body_of(desk, request)), 409, "ARTIFACT_CHANGED")


def test_sizes_arrive_as_they_were_written(caller: Caller, desk: Desk):
    request = new_id()
    text = '[{"symbol": "MSFT", "action": "BUY", "allocation_percent": 10.10}]'
    caller.post("/research-requests/", f'{{"request_id": "{request}", "recommendations": {text}}}')
    assert '"allocation_percent":10.10' in ResearchRequest.objects.get(pk=request).content

    report = caller.post("/executions/", body_of(desk, request, prices={"MSFT": "450"})).json()
    assert report["orders"][0]["quantity"] == "22.44"  # 100,000 * 10.1 % / 450


def test_a_line_that_cannot_be_trusted_is_quarantined_and_the_others_run(caller: Caller, desk: Desk):
    lines = [line("PEP", "PANIC", 5), {"symbol": "KO", "action": "BUY", "allocation_percent": -3}, PUBLISHED[0], 7]
    body = body_of(desk, new_id(), recommendations=lines, prices={"MSFT": "450", "KO": "62.5"})
    report = caller.post("/executions/", body).json()
    assert [decision["outcome"] for decision in report["decisions"]] == [
        "QUARANTINED", "QUARANTINED", "EXECUTED", "QUARANTINED",
    ]  # fmt: skip


def test_an_account_is_made_with_the_balance_that_is_given(caller: Caller, desk: Desk):
    body = body_of(desk, new_id(), recommendations=PUBLISHED, initial_balance="5000.50", provider="openai")
    caller.post("/executions/", body)
    assert LedgerEntry.objects.get(sequence=1).amount == Decimal("5000.50")
    assert PortfolioAccount.objects.get().provider == "openai"


def test_a_strategy_is_created_where_the_call_says_so(caller: Caller, desk: Desk):
    strategy = new_id()
    body = {**body_of(desk, new_id(), recommendations=PUBLISHED), "strategy_id": strategy}
    problem(caller.post("/executions/", body), 404, "UNKNOWN_STRATEGY")
    assert caller.post("/executions/", {**body, "create_strategy": "Of its own"}).status_code == 201
    assert caller.get(f"/strategies/{strategy}/").json()["name"] == "Of its own"


def test_a_refused_call_keeps_no_research(caller: Caller, desk: Desk):
    body = {**body_of(desk, new_id(), recommendations=PUBLISHED), "strategy_id": new_id()}
    problem(caller.post("/executions/", body), 404, "UNKNOWN_STRATEGY")
    assert not ResearchRequest.objects.exists()


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"prices": {"MSFT": "-1"}}, 400, "BAD_PRICE"),
        ({"prices": {"MSFT": "NaN"}}, 400, "BAD_PRICE"),
        ({"prices": {"msft": "1", "MSFT": "2"}}, 400, "BAD_PRICE"),
        ({"default_price": "0"}, 400, "BAD_PRICE"),
        ({"initial_balance": "0.001"}, 400, "BAD_AMOUNT"),
        ({"task_id": "00000000-0000-4000-8000-000000000000"}, 404, "TASK_NOT_FOUND"),
        ({"request_id": "00000000-0000-4000-8000-000000000000"}, 404, "REQUEST_NOT_FOUND"),
        ({"recommendations": []}, 422, "NO_RECOMMENDATIONS"),
        ({"recommendations": [{}] * 501}, 422, "TOO_MANY_RECOMMENDATIONS"),
    ],
)
def test_a_refusal_has_its_status_and_its_code_and_writes_nothing(
    caller: Caller, desk: Desk, changes: dict[str, Any], status: int, code: str
):
    body = {**body_of(desk, desk.inbox.put(PUBLISHED)), **changes}
    if "recommendations" in changes:
        body["request_id"] = new_id()
    before = whole_database()
    problem(caller.post("/executions/", body), status, code)
    assert whole_database() == before


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"request_id": "79B9930C-3a6f-4f41-ae9b-a3fa8ec37ef2"}, "request_id"),
        ({"request_id": 5}, "request_id"),
        ({"strategy_id": None}, "strategy_id"),
        ({"provider": "nobody"}, "provider"),
        ({"mode": "guess"}, "mode"),
        ({"mdoe": "target"}, "mdoe"),
        ({"close_unlisted": "true"}, "close_unlisted"),
        ({"close_unlisted": True}, "close_unlisted"),
        ({"prices": {"MSFT": 450}}, "prices.MSFT"),
        ({"prices": {"no symbol": "450"}}, "prices"),
        ({"accept_prices": ["no symbol"]}, "accept_prices"),
        ({"market_context": "calm"}, "market_context"),
        ({"recommendations": {"symbol": "MSFT"}}, "recommendations"),
    ],
)
def test_what_is_wrong_with_a_body_is_said_by_field(
    caller: Caller, desk: Desk, changes: dict[str, Any], field: str
):
    body = {**body_of(desk, desk.inbox.put(PUBLISHED)), **changes}
    refused = problem(caller.post("/executions/", body), 400, "INVALID")
    assert list(refused["errors"]) == [field]
    assert not ExecutionRun.objects.exists()


def test_a_rebalance_reaches_its_weights_once(caller: Caller, desk: Desk):
    targets = {"MSFT": "12", "KO": "5.5"}
    body = body_of(desk, new_id(), targets=targets, prices={"MSFT": "450", "KO": "62.5"})
    shown = caller.post("/rebalances/preview/", body)
    assert shown.status_code == 200
    assert not ExecutionRun.objects.exists()

    answers = [caller.post("/rebalances/", body) for _ in range(2)]

    assert [(answer.status_code, answer.json()["replay"]) for answer in answers] == [(201, False), (200, True)]
    assert [order["quantity"] for order in answers[0].json()["orders"]] == ["26.67", "88.00"]


def test_a_rebalance_without_targets_wants_research(caller: Caller, desk: Desk):
    problem(caller.post("/rebalances/", body_of(desk, new_id())), 404, "NO_RESEARCH")
    desk.run(PUBLISHED, prices=PRICES)
    assert caller.post("/rebalances/", body_of(desk, new_id())).status_code == 201


@pytest.mark.parametrize("targets", [{"MSFT": "101"}, {"MSFT": "x"}, {"?": "1"}, {"msft": "1", "MSFT": "2"}, {}])
def test_targets_that_cannot_be_reached_are_refused(caller: Caller, desk: Desk, targets: dict[str, str]):
    problem(caller.post("/rebalances/", body_of(desk, new_id(), targets=targets)), 400, "BAD_TARGET")


def test_a_run_is_read_explained_and_reproduced(caller: Caller, desk: Desk):
    run = caller.post("/executions/", body_of(desk, desk.inbox.put(PUBLISHED))).json()["run"]["id"]

    detail = caller.get(f"/executions/{run}/").json()
    assert [decision["outcome"] for decision in detail["decisions"]] == ["EXECUTED", "HELD"]
    assert detail["decisions"][0]["order_ids"] == [str(Order.objects.get().pk)]
    assert detail["decisions"][0]["verdicts"][0]["result"] == "passed"
    assert detail["prices"]["MSFT"]["price"] == "450.0000"
    explained = caller.get(f"/executions/{run}/explain/", symbol="MSFT").json()
    assert [item["line"] for item in explained["lines"]] == [1]
    assert explained["lines"][0]["orders"][0]["ledger"][0]["amount"] == "-9999.00"
    assert caller.get(f"/executions/{run}/reproduction/").json()["reproduced"] is True
    problem(caller.get(f"/executions/{run}/explain/", symbol="KO"), 404, "SYMBOL_NOT_FOUND")
    for kind in ("", "explain/", "reproduction/"):
        problem(caller.get(f"/executions/{new_id()}/{kind}"), 404, "RUN_NOT_FOUND")


def test_all_accounts_are_marked_to_market(caller: Caller, desk: Desk):
    desk.run(PUBLISHED, prices=PRICES)
    done = caller.post("/mark-to-market/", {"prices": {"MSFT": "460"}})
    assert (done.status_code, done.json()["accounts"], done.json()["positions"]) == (200, 1, 1)
    assert desk.position("MSFT").mark_price == 460


def test_a_preview_says_of_each_symbol_at_what_it_is_planned(caller: Caller, desk: Desk):
    lines = [
        line("MSFT", "BUY", 10, current_price=455, target_price=500), line("KO", "BUY", 10),
        line("PEP", "BUY", 10, current_price=150), line("AAPL", "HOLD"),
    ]  # fmt: skip
    body = body_of(desk, new_id(), recommendations=lines, prices={"MSFT": "450"})
    rows = {row["symbol"]: row for row in caller.post("/executions/preview/", body).json()["prices"]}
    assert list(rows) == ["KO", "MSFT", "PEP"]
    typed = rows["MSFT"]
    assert typed.pop("as_of") is not None
    assert typed == {
        "symbol": "MSFT", "price": "450.00", "source": "given", "age": "now", "sessions": 0, "claim": "455.00",
        "target": "500.00", "difference_percent": "-1.10", "is_default": False, "code": "", "reason": "",
    }  # fmt: skip
    assert (rows["KO"]["price"], rows["KO"]["is_default"], rows["KO"]["age"]) == ("100.00", True, "")
    assert (rows["PEP"]["price"], rows["PEP"]["code"]) == (None, "PRICE_OUT_OF_BAND")
    assert "the research names 150.00" in rows["PEP"]["reason"]


def test_a_preview_of_what_was_executed_prices_nothing(caller: Caller, desk: Desk):
    body = body_of(desk, desk.inbox.put(PUBLISHED))
    caller.post("/executions/", body)
    assert caller.post("/executions/preview/", body).json()["prices"] == []


@pytest.mark.parametrize("address", ["/executions/", "/executions/preview/"])
def test_a_price_that_prices_nothing_is_refused_by_name(caller: Caller, desk: Desk, address: str):
    request = desk.inbox.put([line("ORCL.US", "BUY", 10)])
    refused = problem(caller.post(address, body_of(desk, request, prices={"OCRL": "220"})), 400, "BAD_PRICE")
    assert refused["detail"] == "the price of OCRL prices nothing: is ORCL meant? Symbols of the plan: ORCL"
    assert refused["details"] == {"symbol": "OCRL", "near": "ORCL"}
    assert not ExecutionRun.objects.exists()
    report = caller.post(address, body_of(desk, request, prices={"orcl": "220"})).json()
    assert [(order["symbol"], order["limit_price"]) for order in report["orders"]] == [("ORCL", "220.00")]


def test_a_mark_that_marks_nothing_is_refused_by_name(caller: Caller, desk: Desk):
    desk.run(PUBLISHED, prices=PRICES)
    refused = problem(caller.post("/mark-to-market/", {"prices": {"MSTF": "460"}}), 400, "BAD_PRICE")
    assert "is MSFT meant?" in refused["detail"]


@pytest.mark.parametrize(
    ("targets", "says"),
    [
        (
            {"MSFT": "0.6", "AAPL": "0.4"},
            "targets.'MSFT': MSFT is 0.6, perhaps a fraction of one: write percent, 60",
        ),
        ({"MSFT": "60", "AAPL": "50"}, "the targets pass 100 percent: they are 110 in all"),
        ({"MSFT": "60", "Total": "60"}, "'Total' is a sum and no symbol"),
        ({"MSFT": "60", "CASH": "10"}, "CASH is what the other targets leave, 40 percent"),
        ({"MSFT": "6", "msft.us": "5"}, "MSFT is given twice"),
        ({"BP.L": "6"}, "names a listing elsewhere (London)"),
    ],
)
def test_targets_that_could_mean_something_else_are_refused(
    caller: Caller, desk: Desk, targets: dict[str, str], says: str
):
    body = body_of(desk, new_id(), targets=targets, prices={})
    assert says in problem(caller.post("/rebalances/", body), 400, "BAD_TARGET")["detail"]
    assert not ExecutionRun.objects.exists()


def test_cash_is_what_the_targets_leave_and_a_weight_below_zero_closes_the_long(caller: Caller, desk: Desk):
    desk.run(PUBLISHED, prices=PRICES)
    body = body_of(desk, new_id(), targets={"msft": "-5", "AAPL": "10", "CASH": "95"}, prices=PRICES)
    report = caller.post("/rebalances/", body).json()
    assert [(order["action"], order["symbol"]) for order in report["orders"]] == [("SELL", "MSFT"), ("BUY", "AAPL")]
