"""Refused prices over HTTP: listed, narrowed and accepted once, on record."""

from datetime import timedelta

import pytest
from django.utils import timezone

from execution.models import RefusedPrice
from portfolios.models import Price
from tests.folios.api.callers import Caller, problem
from tests.scenes import NOW, Desk, line, mark_all, whole_database

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=6)
WHY = {"reason": "a spin-off"}


@pytest.fixture
def waiting(desk: Desk) -> RefusedPrice:
    """Return a price of something held that waits: 36 for 100 MSFT that are marked at 100."""
    desk.run([line("MSFT", "BUY", 10)], prices={"MSFT": "100"})
    mark_all({"MSFT": "36"}, at=LATER)
    return RefusedPrice.objects.get()


def test_what_waits_is_listed_with_what_it_was_compared_with(caller: Caller, waiting: RefusedPrice):
    (row,) = caller.rows("/refused-prices/", waits="true", symbol="MSFT")
    assert (row["symbol"], row["price"], row["source"], row["as_of"]) == (
        "MSFT", "36.00", "file", "2026-01-05T15:30:00+00:00",
    )  # fmt: skip
    assert (row["reference"], row["basis"], row["band_percent"]) == ("100.00", "last close", "25.00")
    assert (row["resolution"], row["resolved_at"]) == ("", None)
    assert caller.get(f"/refused-prices/{waiting.pk}/").json() == row
    assert caller.rows("/refused-prices/", waits="false") == []


def test_a_price_is_accepted_once_with_who_and_why(caller: Caller, desk: Desk, waiting: RefusedPrice):
    answer = caller.post(f"/refused-prices/{waiting.pk}/accept/", WHY)
    assert (answer.status_code, answer.json()) == (
        200, {"symbol": "MSFT", "price": "36.000000", "accounts": 1, "positions": 1, "out_of_range": {}},
    )  # fmt: skip
    assert desk.position("MSFT").mark_price == 36
    (row,) = caller.rows("/refused-prices/", waits="false")
    assert (row["resolution"], row["resolved_by"], row["reason"]) == ("accepted", "carol", "a spin-off")
    before = whole_database()
    problem(caller.post(f"/refused-prices/{waiting.pk}/accept/", WHY), 409, "PRICE_NOT_WAITING")
    problem(caller.post("/refused-prices/999999/accept/", WHY), 404, "PRICE_NOT_FOUND")
    assert caller.post(f"/refused-prices/{waiting.pk}/accept/", {}).status_code == 400
    assert whole_database() == before


def test_the_report_of_a_run_names_what_kept_its_mark(caller: Caller, desk: Desk, waiting: RefusedPrice):
    body = {
        "request_id": desk.inbox.put([line("KO", "BUY", 1)]), "strategy_id": str(desk.strategy.pk),
        "provider": "anthropic", "prices": {"MSFT": "36", "KO": "60"},
    }  # fmt: skip
    # The call is of now: a price of yesterday is what it is compared with.
    Price.objects.create(security_id="MSFT", price=101, source="yahoo", as_of=timezone.now() - timedelta(days=1))
    report = caller.post("/executions/", body).json()
    (item,) = report["waiting_prices"]
    assert (item["symbol"], item["mark_price"], item["price"], item["difference_percent"]) == (
        "MSFT", "100.00", "36.00", "-64.00",
    )  # fmt: skip
    assert (item["source"], item["reference"]) == ("given", "101.00")
    assert [row["source"] for row in caller.rows("/refused-prices/", waits="true")] == ["given"]
