"""The inbox over HTTP: scanned, assigned, ignored, answered for, executed."""

import shutil
from typing import Any

import pytest

from execution.models import ExecutionRun, LineResolution, MappingRule, ResearchRequest
from portfolios.models import Strategy
from tests.folios.api.callers import Caller, new_id, problem
from tests.scenes import PUBLISHED, Desk, Inbox, assert_books_balance, line, whole_database

pytestmark = pytest.mark.django_db

PRICES = {"MSFT": "450", "AAPL": "200"}


def put(desk: Desk, *lines: Any, **said: Any) -> str:
    """Put research into the inbox that says whose it is."""
    whose = {"strategy_id": str(desk.strategy.pk), "provider": "anthropic"}
    return desk.inbox.put(lines or PUBLISHED, **whose, **said)


def pushed(caller: Caller, *lines: Any) -> str:
    """Push research, which does not say whose it is."""
    request = new_id()
    body = {"request_id": request, "recommendations": list(lines or PUBLISHED)}
    assert caller.post("/research-requests/", body).status_code == 201
    return request


def test_the_inbox_is_scanned_and_says_what_keeps_research_from_being_executed(caller: Caller, desk: Desk):
    ready, unclear = put(desk), desk.inbox.put(PUBLISHED)

    scanned = caller.post("/inbox/scan/", {})

    report = scanned.json()
    assert (scanned.status_code, report["found"], report["new"], report["changed"]) == (200, 2, 2, 0)
    assert report["states"] == {"new": 1, "ready": 1}
    (row,) = caller.rows("/research-requests/", state="ready")
    assert (row["id"], row["strategy"], row["provider"]) == (ready, str(desk.strategy.pk), "anthropic")
    assert row["problems"] == []
    (row,) = caller.rows("/research-requests/", state="new")
    assert (row["id"], row["strategy"], row["provider"]) == (unclear, None, "")
    assert [item["code"] for item in row["problems"]] == ["UNKNOWN_STRATEGY", "UNKNOWN_PROVIDER"]
    assert len(caller.rows("/research-requests/", strategy=str(desk.strategy.pk), provider="anthropic")) == 1
    assert caller.get(f"/research-requests/{unclear}/").json()["problems"] == row["problems"]
    problem(caller.get("/research-requests/", state="old"), 400, "INVALID")


def test_an_inbox_that_is_not_there_is_refused(caller: Caller, inbox: Inbox):
    shutil.rmtree(inbox.root)
    problem(caller.post("/inbox/scan/", {}), 422, "ARTIFACT_NOT_READABLE")


def test_what_is_ready_is_executed_with_one_result_a_request(caller: Caller, desk: Desk):
    first, second, third = put(desk), put(desk), put(desk, line("KO", "BUY", 5))
    Strategy.objects.create(name="Another")
    caller.post("/inbox/scan/", {})
    order = [row["id"] for row in caller.rows("/research-requests/", ordering="received_at")]
    assert set(order) == {first, second, third}

    done = caller.post("/execute-pending/", {"prices": PRICES, "limit": 2})

    assert done.status_code == 200
    assert [item["result"] for item in done.json()["results"]] == ["executed", "executed"]
    assert done.json()["summary"] == {"executed": 2, "replayed": 0, "refused": 0, "failed": 0}
    assert done.json()["left"] == 1
    # Which one is left, their ids decide; each price has to be of a symbol that it names or that is held by now.
    left = {"prices": {"MSFT": PRICES["MSFT"]}, "strategy_id": str(desk.strategy.pk)}
    rest = caller.post("/execute-pending/", left).json()
    assert (len(rest["results"]), rest["left"]) == (1, 0)
    run = ExecutionRun.objects.get(pk=rest["results"][0]["run_id"])
    assert (run.source, run.actor) == ("api", "carol")
    assert caller.post("/execute-pending/", {}).json()["results"] == []
    assert_books_balance(desk.account)


def test_one_refusal_does_not_keep_the_others(caller: Caller, desk: Desk):
    closed = Strategy.objects.create(name="Closed", status="inactive")
    refused = desk.inbox.put(PUBLISHED, strategy_id=str(closed.pk), provider="anthropic")
    executed = put(desk)
    caller.post("/inbox/scan/", {})

    done = caller.post("/execute-pending/", {"prices": PRICES}).json()

    results = {item["request_id"]: (item["result"], item["reason"][:21]) for item in done["results"]}
    assert results == {refused: ("refused", "[STRATEGY_NOT_ACTIVE]"), executed: ("executed", "")}
    assert (done["summary"]["refused"], done["left"]) == (1, 1)


def test_sizes_of_a_batch_are_read_as_its_mode_says(caller: Caller, desk: Desk):
    desk.run([line("MSFT", "BUY", 10)], prices={"MSFT": "450"})
    put(desk, line("MSFT", "BUY", 10))
    caller.post("/inbox/scan/", {})
    done = caller.post("/execute-pending/", {"prices": {"MSFT": "450"}, "mode": "target"}).json()
    assert [(item["result"], item["orders"]) for item in done["results"]] == [("executed", 0)]


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"provider": "nobody"}, 400, "INVALID"),
        ({"limit": 0}, 400, "INVALID"),
        ({"limit": 501}, 400, "INVALID"),
        ({"mode": "guess"}, 400, "INVALID"),
        ({"request_id": "x"}, 400, "INVALID"),
        ({"prices": {"MSFT": "-1"}}, 400, "BAD_PRICE"),
        ({"initial_balance": "0"}, 400, "BAD_AMOUNT"),
        ({"strategy_id": "00000000-0000-4000-8000-000000000000"}, 404, "UNKNOWN_STRATEGY"),
    ],
)
def test_a_batch_that_is_wrong_executes_nothing(
    caller: Caller, desk: Desk, changes: dict[str, Any], status: int, code: str
):
    put(desk)
    caller.post("/inbox/scan/", {})
    problem(caller.post("/execute-pending/", {"default_price": "100", **changes}), status, code)
    assert not ExecutionRun.objects.exists()


def test_pushed_research_is_assigned_and_then_executed(caller: Caller, desk: Desk):
    request = pushed(caller)
    body = {"strategy_id": str(desk.strategy.pk), "provider": "openai", "reason": "asked the desk"}

    assigned = caller.post(f"/research-requests/{request}/assign/", body).json()

    assert (assigned["state"], assigned["strategy"], assigned["provider"]) == (
        "ready", str(desk.strategy.pk), "openai",
    )  # fmt: skip
    assert ResearchRequest.objects.get().assigned_by == "carol"
    done = caller.post("/execute-pending/", {"prices": PRICES, "provider": "openai"}).json()
    assert done["summary"]["executed"] == 1
    problem(caller.post(f"/research-requests/{request}/assign/", body), 409, "REQUEST_NOT_READY")
    problem(caller.post(f"/research-requests/{request}/ignore/", {"reason": "x"}), 409, "REQUEST_NOT_READY")


def test_ignored_research_is_executed_by_no_batch_until_it_is_assigned(caller: Caller, desk: Desk):
    request = put(desk)
    caller.post("/inbox/scan/", {})
    ignored = caller.post(f"/research-requests/{request}/ignore/", {"reason": "a test"}).json()
    assert (ignored["state"], ignored["problems"]) == (
        "ignored", [{"code": "IGNORED", "message": "carol: a test"}],
    )  # fmt: skip
    assert caller.post("/execute-pending/", {"default_price": "100"}).json()["results"] == []
    body = {"strategy_id": str(desk.strategy.pk), "provider": "anthropic", "reason": "no test"}
    assert caller.post(f"/research-requests/{request}/assign/", body).json()["state"] == "ready"


def test_a_decision_about_research_that_is_not_there_is_refused(caller: Caller, desk: Desk):
    why = {"reason": "x"}
    body = {**why, "strategy_id": str(desk.strategy.pk), "provider": "openai"}
    address = f"/research-requests/{new_id()}"
    for kind, sent in (("assign", body), ("ignore", why), ("lines/1/resolve", why)):
        problem(caller.post(f"{address}/{kind}/", sent), 404, "REQUEST_NOT_FOUND")
        problem(caller.post(f"{address}/{kind}/", {**sent, "reason": ""}), 400, "INVALID")
    request = pushed(caller)
    elsewhere = {**body, "strategy_id": new_id()}
    problem(caller.post(f"/research-requests/{request}/assign/", elsewhere), 404, "UNKNOWN_STRATEGY")


def test_a_line_that_is_answered_for_trades_in_a_follow_up_run(caller: Caller, desk: Desk):
    request = pushed(caller, PUBLISHED[0], line("KO", "ACCUMULATE SLOWLY", 5))
    prices = {"MSFT": "450", "KO": "62.5"}
    body = {"request_id": request, "strategy_id": str(desk.strategy.pk), "prices": prices}
    first = caller.post("/executions/", body).json()
    assert [item["outcome"] for item in first["decisions"]] == ["EXECUTED", "QUARANTINED"]

    said = {"action": "BUY", "allocation_percent": "2.5", "reason": "asked the provider"}
    kept = caller.post(f"/research-requests/{request}/lines/2/resolve/", said)

    assert kept.status_code == 201
    row = {name: kept.json()[name] for name in ("request", "line", "action", "symbol", "actor")}
    assert row == {"request": request, "line": 2, "action": "BUY", "symbol": "", "actor": "carol"}
    follow_up = caller.post("/executions/", body)
    assert (follow_up.status_code, follow_up.json()["run"]["sequence"]) == (201, 2)
    assert [(item["symbol"], item["quantity"]) for item in follow_up.json()["orders"]] == [("KO", "40.00")]


def test_an_answer_without_a_meaning_confirms_the_line_as_it_is_written(caller: Caller, db: None):
    request = pushed(caller)
    kept = caller.post(f"/research-requests/{request}/lines/1/resolve/", {"reason": "meant so"}).json()
    assert (kept["action"], kept["symbol"], kept["allocation_percent"]) == ("", "", None)


@pytest.mark.parametrize(
    ("line_number", "changes", "status", "code"),
    [
        (0, {}, 404, "LINE_NOT_FOUND"),
        (3, {}, 404, "LINE_NOT_FOUND"),
        (10**30, {}, 404, "LINE_NOT_FOUND"),
        (1, {"action": "buy"}, 400, "INVALID"),
        (1, {"symbol": "no symbol"}, 400, "BAD_RESOLUTION"),
        (1, {"allocation_percent": "101"}, 400, "BAD_RESOLUTION"),
        (1, {"allocation_percent": "0E+99"}, 400, "INVALID"),
        (1, {"allocation_percent": 5}, 400, "INVALID"),
        (1, {"size": "5"}, 400, "INVALID"),
    ],
)
def test_an_answer_that_cannot_be_meant_is_refused(
    caller: Caller, db: None, line_number: int, changes: dict[str, Any], status: int, code: str
):
    address = f"/research-requests/{pushed(caller)}/lines/{line_number}/resolve/"
    problem(caller.post(address, {"reason": "x", **changes}), status, code)
    assert not LineResolution.objects.exists()


def test_each_rule_for_a_word_is_the_next_version(caller: Caller, desk: Desk):
    body = {"provider": "anthropic", "field": "action", "written": "Stack up", "reason": "asked"}
    answers = [caller.post("/mapping-rules/", {**body, "meaning": meaning}) for meaning in ("buy", "")]
    assert [(answer.status_code, answer.json()["version"], answer.json()["meaning"]) for answer in answers] == [
        (201, 1, "BUY"), (201, 2, ""),
    ]  # fmt: skip
    address = f"/mapping-rules/{answers[0].json()['id']}/"
    assert answers[0].headers["Location"].endswith(address)
    assert caller.get(address).json() == answers[0].json()
    assert [row["version"] for row in caller.rows("/mapping-rules/", written="stack up", ordering="version")] == [
        1,
        2,
    ]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"meaning": "PANIC"}, "BAD_RESOLUTION"),
        ({"field": "symbol", "meaning": "no symbol"}, "BAD_RESOLUTION"),
        ({"written": "\u0130" * 64}, "BAD_RESOLUTION"),
        ({"field": "colour"}, "INVALID"),
        ({"provider": "nobody"}, "INVALID"),
        ({"written": " "}, "INVALID"),
        ({"reason": ""}, "INVALID"),
    ],
)
def test_a_rule_that_means_nothing_is_refused(caller: Caller, db: None, changes: dict[str, Any], code: str):
    body = {"provider": "anthropic", "field": "action", "written": "x", "meaning": "BUY", "reason": "asked"}
    before = whole_database()
    problem(caller.post("/mapping-rules/", {**body, **changes}), 400, code)
    assert whole_database() == before
    assert not MappingRule.objects.exists()


def test_a_price_is_for_at_least_one_of_the_ready_requests(caller: Caller, desk: Desk):
    put(desk, line("ORCL", "BUY", 5))
    put(desk, line("KO", "BUY", 5))
    caller.post("/inbox/scan/", {})
    prices = {"ORCL": "220", "KO": "60"}
    refused = problem(caller.post("/execute-pending/", {"prices": {**prices, "OCRL": "1"}}), 400, "BAD_PRICE")
    assert "is ORCL meant?" in refused["detail"]
    assert not ExecutionRun.objects.exists()
    done = caller.post("/execute-pending/", {"prices": prices}).json()
    assert [(item["result"], item["orders"]) for item in done["results"]] == [("executed", 1)] * 2
