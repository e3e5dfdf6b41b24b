"""A failed run is tried again: the same research, read in the same way, once."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError

from execution.engine.vocabulary import Code, Mode, Refusal
from execution.models import ExecutionRun
from execution.reports.types import RunReport
from execution.runs.rebalance import load_targets
from execution.runs.retry import retry_failed_run
from execution.services import execute, preview
from portfolios.models import Order, PortfolioAccount
from tests.scenes import NOW, Desk, assert_books_balance, line, price_chain, refusal_of, report_of, whole_database

# A run that the database refuses closes its connection before it tries again: the test really has to commit.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

LATER = NOW + timedelta(hours=2)


@contextmanager
def in_the_way(desk: Desk, client_order_id: str) -> Iterator[None]:
    """Keep an order's key taken by another order, so that the database refuses the run that would write it."""
    other = replace(desk, provider="gemini")
    other.run([line("MSFT", "BUY", 1)])
    order = Order.objects.create(
        account=other.account, security_id="MSFT", action="BUY", quantity=1, limit_price=1, placed_at=NOW,
        client_order_id=client_order_id,
    )  # fmt: skip
    yield
    order.delete()


def failed_run(desk: Desk, request: str, **options: Any) -> ExecutionRun:
    """Let a request fail in the database and return the run that remembers it."""
    planned = report_of(preview(desk.execution_request(request, **options)))
    with in_the_way(desk, planned.orders[0].client_order_id), pytest.raises(IntegrityError):
        execute(desk.execution_request(request, **options))
    return ExecutionRun.objects.get(status="failed")


def tried_again(desk: Desk, run_id: uuid.UUID) -> RunReport | Refusal:
    """Try a run again, at the prices of two hours later."""
    return retry_failed_run(
        run_id,
        actor="bob",
        source="admin",
        now=LATER,
        prices=price_chain({"MSFT": "110", "KO": "110"}),
        artifacts_root=desk.inbox.root,
    )


def test_a_failed_run_is_executed_again_and_stays_failed(desk: Desk):
    request = desk.inbox.put([line("MSFT", "BUY", 10)])
    failed = failed_run(desk, request, prices={"MSFT": "100"}, initial_balance=Decimal("50000.50"))
    report = report_of(tried_again(desk, failed.pk))

    assert (report.run.status, report.run.replay, report.run.request_id) == ("succeeded", False, request)
    assert (report.account.initial_balance, report.orders[0].limit_price) == ("50000.50", "110.00")
    run = ExecutionRun.objects.get(status="succeeded", account=desk.account)
    assert (run.actor, run.source, run.started_at) == ("bob", "admin", LATER)
    assert ExecutionRun.objects.get(pk=failed.pk).status == "failed"
    assert_books_balance(desk.account)


def test_it_is_read_in_the_way_of_the_failed_run(desk: Desk):
    desk.run([line("KO", "BUY", 10)], prices={"KO": "100"})
    request = desk.inbox.put([line("MSFT", "BUY", 10)])
    options: dict[str, Any] = {"mode": Mode.REBALANCE, "close_unlisted": True}
    failed = failed_run(desk, request, prices={"MSFT": "100", "KO": "100"}, **options)
    report = report_of(tried_again(desk, failed.pk))
    assert report.run.mode == "rebalance"
    assert sorted((order.action, order.symbol) for order in report.orders) == [("BUY", "MSFT"), ("SELL", "KO")]


def test_research_that_came_with_the_call_is_taken_from_the_record(desk: Desk):
    targets = load_targets({"MSFT": Decimal(10)})
    assert not isinstance(targets, Refusal)
    request = str(uuid.uuid4())
    failed = failed_run(desk, request, prices={"MSFT": "100"}, inline=targets, mode=Mode.REBALANCE)
    report = report_of(tried_again(desk, failed.pk))
    assert (report.artifact.path, report.orders[0].symbol) == ("rebalance targets", "MSFT")
    assert ExecutionRun.objects.get(status="succeeded", account=desk.account).request.origin == "rebalance"


def test_a_run_whose_request_was_executed_since_is_refused_and_that_run_is_named(desk: Desk):
    request = desk.inbox.put([line("MSFT", "BUY", 10)])
    failed = failed_run(desk, request, prices={"MSFT": "100"})
    done = report_of(tried_again(desk, failed.pk))
    before = whole_database()
    refusal = refusal_of(tried_again(desk, failed.pk))
    assert (refusal.code, refusal.details) == (Code.RUN_NOT_FAILED, {"run": done.run.id})
    assert whole_database() == before


def test_a_run_that_another_account_executed_does_not_stand_in_the_way(desk: Desk):
    request = desk.inbox.put([line("MSFT", "BUY", 10)])
    failed = failed_run(desk, request, prices={"MSFT": "100"})
    replace(desk, provider="openai").execute(request, prices={"MSFT": "100"})
    assert report_of(tried_again(desk, failed.pk)).run.replay is False
    assert PortfolioAccount.objects.count() == 3


def test_a_run_that_did_not_fail_is_refused(desk: Desk):
    run = desk.run([line("MSFT", "BUY", 10)])
    refusal = refusal_of(tried_again(desk, uuid.UUID(run.run.id)))
    assert refusal.code == Code.RUN_NOT_FAILED
    assert "only a failed run is tried again" in refusal.message


def test_an_unknown_run_is_refused(desk: Desk):
    assert refusal_of(tried_again(desk, uuid.uuid4())).code == Code.RUN_NOT_FOUND


def test_research_that_changed_since_is_refused(desk: Desk):
    request = desk.inbox.put([line("MSFT", "BUY", 10)])
    failed = failed_run(desk, request, prices={"MSFT": "100"})
    (path,) = (desk.inbox.root / request).glob("*/structured.json")
    path.write_text(json.dumps({"recommendations": [line("MSFT", "BUY", 11)]}))
    assert refusal_of(tried_again(desk, failed.pk)).code == Code.ARTIFACT_CHANGED


def test_research_that_is_gone_is_refused(desk: Desk):
    request = desk.inbox.put([line("MSFT", "BUY", 10)])
    failed = failed_run(desk, request, prices={"MSFT": "100"})
    (path,) = (desk.inbox.root / request).glob("*/structured.json")
    path.unlink()
    assert refusal_of(tried_again(desk, failed.pk)).code == Code.ARTIFACT_NOT_FOUND
