"""Reversing a run, trying a failed one again, halting an account: over HTTP, once, on record."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from django.utils import timezone

from execution.models import ExecutionRun, Reversal
from portfolios.models import Order, TradingStateChange
from tests.folios.api.callers import Caller, new_id, problem
from tests.scenes import NOW, PUBLISHED, Desk, assert_books_balance, line, whole_database

pytestmark = pytest.mark.django_db

WHY = {"reason": "the wrong strategy"}


def test_a_run_is_taken_back_once_and_the_same_call_again_is_a_replay(caller: Caller, desk: Desk):
    run = desk.run(PUBLISHED, prices={"MSFT": "450", "AAPL": "200"}).run.id

    answers = [caller.post(f"/executions/{run}/reverse/", WHY) for _ in range(2)]

    assert [(answer.status_code, answer.json()["replay"]) for answer in answers] == [(201, False), (200, True)]
    assert {**answers[0].json(), "replay": True} == answers[1].json()
    first = answers[0].json()
    assert (first["status"], first["cash"], first["cash_balance"]) == ("reversed", "9999.00", "100000.00")
    assert answers[0].headers["Location"].endswith(f"/api/v1/executions/{run}/")
    kept = Reversal.objects.get()
    assert (str(kept.run_id), kept.actor, kept.source, kept.reason) == (run, "carol", "api", "the wrong strategy")
    assert_books_balance(desk.account)


def test_a_run_says_when_it_was_taken_back(caller: Caller, desk: Desk):
    kept, taken = desk.run([line("KO", "BUY", 5)]).run.id, desk.run([line("MSFT", "BUY", 5)]).run.id
    at = caller.post(f"/executions/{taken}/reverse/", WHY).json()["reversed_at"]

    listed = {row["id"]: row["reversed_at"] for row in caller.rows("/executions/", fields="id,reversed_at")}

    assert listed == {kept: None, taken: at}
    assert {run: caller.get(f"/executions/{run}/").json()["reversed_at"] for run in (kept, taken)} == listed
    assert [row["id"] for row in caller.rows("/executions/", is_reversed="true")] == [taken]
    assert [row["id"] for row in caller.rows("/executions/", is_reversed="false")] == [kept]


def test_its_preview_says_the_same_and_writes_nothing(caller: Caller, desk: Desk):
    run = desk.run(PUBLISHED, prices={"MSFT": "450", "AAPL": "200"}).run.id
    before = whole_database()

    shown = caller.get(f"/executions/{run}/reverse/preview/").json()

    assert whole_database() == before
    assert shown["status"] == "previewed"
    done = caller.post(f"/executions/{run}/reverse/", WHY).json()
    parts = ("run_id", "orders", "entries", "cash", "cash_balance", "positions")
    assert [done[part] for part in parts] == [shown[part] for part in parts]


def test_a_run_that_something_stands_on_is_refused_with_what_that_is(caller: Caller, desk: Desk):
    first = desk.run([line("MSFT", "BUY", 10)]).run.id
    second = desk.run([line("MSFT", "SELL", 5)]).run.id
    before = whole_database()
    for refused in (
        caller.post(f"/executions/{first}/reverse/", WHY),
        caller.get(f"/executions/{first}/reverse/preview/"),
    ):
        assert problem(refused, 409, "RUN_HAS_SUCCESSORS")["details"]["runs"] == second
    assert whole_database() == before


def test_what_cannot_be_taken_back_or_tried_again_is_refused(caller: Caller, desk: Desk):
    run = desk.run([line("MSFT", "HOLD", 1)]).run.id
    problem(caller.post(f"/executions/{run}/reverse/", WHY), 409, "RUN_WITHOUT_ORDERS")
    problem(caller.post(f"/executions/{run}/retry/", {}), 409, "RUN_NOT_FAILED")
    for address, body in (("reverse", WHY), ("retry", {})):
        problem(caller.post(f"/executions/{new_id()}/{address}/", body), 404, "RUN_NOT_FOUND")


@pytest.mark.parametrize("body", [{}, {"reason": " "}, {"reason": "x" * 2001}, {"reason": 7.5, "why": "x"}])
def test_nothing_is_taken_back_without_a_reason(caller: Caller, desk: Desk, body: dict[str, Any]):
    run = desk.run(PUBLISHED).run.id
    problem(caller.post(f"/executions/{run}/reverse/", body), 400, "INVALID")
    assert not Reversal.objects.exists()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_failed_run_is_tried_again_at_the_prices_of_now(caller: Caller, desk: Desk):
    body = {
        "request_id": new_id(), "strategy_id": str(desk.strategy.pk), "prices": {"MSFT": "100"},
        "recommendations": [line("MSFT", "BUY", 10)], "mode": "target",
    }  # fmt: skip
    planned = caller.post("/executions/preview/", body).json()["orders"][0]
    other = replace(desk, provider="gemini")
    other.run(PUBLISHED)
    in_the_way = Order.objects.create(
        account=other.account, security_id="MSFT", action="BUY", quantity=1, limit_price=1, placed_at=NOW,
        client_order_id=planned["client_order_id"],
    )  # fmt: skip
    assert caller.post("/executions/", body).status_code == 500
    in_the_way.delete()
    failed = ExecutionRun.objects.get(status="failed")

    done = caller.post(f"/executions/{failed.pk}/retry/", {"prices": {"MSFT": "110"}})

    assert (done.status_code, done.json()["replay"], done.json()["run"]["mode"]) == (201, False, "target")
    assert done.json()["orders"][0]["limit_price"] == "110.00"
    run = ExecutionRun.objects.get(pk=done.json()["run"]["id"])
    assert (run.source, run.actor, run.request_id) == ("api", "carol", failed.request_id)
    again = problem(caller.post(f"/executions/{failed.pk}/retry/", {}), 409, "RUN_NOT_FAILED")
    assert again["details"] == {"run": str(run.pk)}
    problem(caller.post(f"/executions/{failed.pk}/retry/", {"accept_prices": ["MSFT"]}), 400, "INVALID")


def test_an_account_is_halted_and_freed_with_a_reason(caller: Caller, desk: Desk):
    desk.run(PUBLISHED)
    address = f"/accounts/{desk.account.pk}/trading-state/"

    halted = caller.post(address, {"state": "HALTED", "reason": "earnings"})

    assert halted.json() == {"account_id": str(desk.account.pk), "before": "ACTIVE", "after": "HALTED"}
    assert desk.refused([line("KO", "BUY", 5)]).code == "TRADING_HALTED"
    change = TradingStateChange.objects.get()
    assert (change.actor, change.reason) == ("carol", "earnings")
    again = caller.post(address, {"state": "HALTED", "reason": "still"})
    assert (again.status_code, again.json()["before"]) == (200, "HALTED")
    assert TradingStateChange.objects.count() == 1
    assert caller.post(address, {"state": "ACTIVE", "reason": "over"}).json()["after"] == "ACTIVE"
    assert desk.account.trading_state == "ACTIVE"


@pytest.mark.parametrize("body", [{"state": "HALTED"}, {"state": "halted", "reason": "x"}, {"reason": "x"}])
def test_a_state_that_is_none_or_has_no_reason_is_refused(caller: Caller, desk: Desk, body: dict[str, Any]):
    desk.run(PUBLISHED)
    problem(caller.post(f"/accounts/{desk.account.pk}/trading-state/", body), 400, "INVALID")
    assert not TradingStateChange.objects.exists()


def test_the_state_of_no_account_is_not_found(caller: Caller):
    body = {"state": "HALTED", "reason": "x"}
    problem(caller.post(f"/accounts/{new_id()}/trading-state/", body), 404, "NOT_FOUND")


def test_a_reversed_request_is_executed_again_when_the_call_says_so(caller: Caller, desk: Desk):
    report = desk.run([line("KO", "BUY", 5)], prices={"KO": "50"})
    body = {"request_id": report.run.request_id, "strategy_id": str(desk.strategy.pk), "prices": {"KO": "50"}}
    problem(caller.post("/executions/", {**body, "again": True}), 409, "RUN_NOT_REVERSED")
    caller.post(f"/executions/{report.run.id}/reverse/", WHY)

    assert caller.post("/executions/", body).json()["run"]["replay"]
    done = caller.post("/executions/", {**body, "again": True})

    assert (done.status_code, done.json()["run"]["sequence"], done.json()["run"]["again"]) == (201, 2, True)
    again = caller.post("/executions/", {**body, "again": True, "mode": "target"})
    assert (again.status_code, again.json()["run"]["id"]) == (200, done.json()["run"]["id"])
    assert again.json()["notes"] == ["This call asks for mode target; the request was executed in mode allocate."]


def test_a_deferred_line_says_until_when_and_is_executed_by_the_same_call(caller: Caller, desk: Desk):
    report = desk.run([line("MSFT", "BUY", 5), line("KO", "BUY", 5)], prices={"MSFT": "50"}, now=timezone.now())
    row = caller.get(f"/executions/{report.run.id}/").json()["decisions"][1]
    assert (row["outcome"], row["codes"]) == ("DEFERRED", ["NO_PRICE"])
    assert datetime.fromisoformat(row["expires_at"]) == datetime.fromisoformat(str(report.run.deferred_until))

    body = {"request_id": report.run.request_id, "strategy_id": str(desk.strategy.pk), "prices": {"KO": "50"}}
    done = caller.post("/executions/", body)

    assert (done.status_code, [line["outcome"] for line in done.json()["decisions"]]) == (201, ["EXECUTED"])


def test_a_line_whose_time_is_over_is_shown_as_expired(caller: Caller, desk: Desk):
    report = desk.run([line("KO", "BUY", 5)], prices={})
    row = caller.get(f"/executions/{report.run.id}/").json()["decisions"][0]
    assert (row["outcome"], row["reason"].startswith("Expired, because it was tried until")) == ("EXPIRED", True)


def test_a_halted_account_refuses_research_and_keeps_it(caller: Caller, desk: Desk):
    desk.run(PUBLISHED)
    caller.post(f"/accounts/{desk.account.pk}/trading-state/", {"state": "HALTED", "reason": "earnings"})
    body = {"request_id": desk.inbox.put([line("KO", "BUY", 5)]), "strategy_id": str(desk.strategy.pk)}
    for address in ("/executions/", "/executions/preview/"):
        problem(caller.post(address, body), 409, "TRADING_HALTED")
    assert ExecutionRun.objects.count() == 1
