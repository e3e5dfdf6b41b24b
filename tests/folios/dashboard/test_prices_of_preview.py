"""The prices of a preview: a row for each symbol, a field beside it, and what the button says and does."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from execution.models import ExecutionRun
from portfolios.models import Order, Price, Security
from tests.folios.dashboard.test_pages import choices, manager, text_of
from tests.folios.test_known_prices import sent_by, store
from tests.scenes import Desk, line, security

__all__ = ["manager"]

pytestmark = pytest.mark.django_db


def preview(manager: Client, desk: Desk, request: str, **more: str) -> str:
    """Return the page of a preview."""
    given = choices(desk, **{"default_price": "", **more})
    return text_of(manager.get(reverse("dashboard:preview", args=[request]), given))


def rows_of(html: str) -> dict[str, str]:
    """Return what the table of the prices says in words, by symbol."""
    table = html[html.index('<table class="prices">') : html.index("</table>")]
    rows = [
        " ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
    ]
    return {row.split()[0]: row.partition(" ")[2] for row in rows[1:]}


def execute(manager: Client, request: str, sent: dict[str, str]) -> Any:
    return manager.post(reverse("dashboard:execute", args=[request]), sent)


def test_what_the_page_shows_as_the_market_price_is_what_it_buys_at(manager: Client, desk: Desk):
    """Seen: "Market price 176.25 (file)" on the page of the request, and 100.00 one click later."""
    store("NVDA", "176.25", days_ago=0)
    request = desk.inbox.put([line("NVDA", "BUY", 10, current_price=180)])
    shown = text_of(manager.get(reverse("dashboard:request", args=[request])))
    assert "176.25" in shown
    html = preview(manager, desk, request)
    assert rows_of(html) == {"NVDA": "$176.25 stored (file) now $180.00 -2.08 %"}
    assert ">Execute</button>" in html
    execute(manager, request, sent_by(html))
    order = Order.objects.get()
    assert (order.limit_price, order.quantity) == (Decimal("176.25"), Decimal("56.74"))
    assert not ExecutionRun.objects.get().is_simulated


def test_lines_at_a_default_price_say_so_and_so_does_the_button(manager: Client, desk: Desk):
    store("NVDA", "176.25", days_ago=0)
    request = desk.inbox.put([line("NVDA", "BUY", 10), line("KO", "BUY", 10), line("KO", "BUY", 10)])
    html = preview(manager, desk, request)
    assert rows_of(html)["KO"] == "default $100.00 default price"
    lines = html[html.index('<ol class="lines">') :].split('<li class="line">')[1:]
    assert ['"badge badge-waiting">default price' in each for each in lines] == [False, True, False]
    assert ">Execute at default prices</button>" in html


def test_a_typed_price_goes_into_the_next_preview_and_into_the_execution_of_that_plan(manager: Client, desk: Desk):
    store("KO", "69.80", days_ago=0)
    request = desk.inbox.put([line("MSFT", "BUY", 10, current_price=455), line("KO", "BUY", 10)])
    html = preview(manager, desk, request)
    assert "MSFT" in rows_of(html)
    assert "the research names 455.00" in rows_of(html)["MSFT"]
    first = sent_by(html)
    there = execute(manager, request, {**first, "price.MSFT": "450", "preview": "yes"})
    assert there.status_code == 303
    html = text_of(manager.get(there.headers["Location"]))
    assert rows_of(html)["MSFT"] == "$450.00 typed now $455.00 -1.10 %"
    assert 'value="450.00"' in html
    second = sent_by(html)
    assert second["plan_token"] != first["plan_token"]
    assert execute(manager, request, second).status_code == 303
    assert {order.security_id: order.limit_price for order in Order.objects.all()} == {
        "MSFT": Decimal(450), "KO": Decimal("69.80"),
    }  # fmt: skip


def test_a_price_that_is_typed_and_executed_without_a_preview_is_shown_first(manager: Client, desk: Desk):
    store("KO", "69.80", days_ago=0)
    request = desk.inbox.put([line("KO", "BUY", 10)])
    sent = {**sent_by(preview(manager, desk, request)), "price.KO": "70.50"}
    answer = execute(manager, request, sent)
    assert (answer.status_code, ExecutionRun.objects.exists()) == (409, False)
    html = text_of(answer)
    assert "The plan has changed since you previewed it" in html
    assert execute(manager, request, sent_by(html)).status_code == 303
    assert Order.objects.get().limit_price == Decimal("70.50")


def test_an_emptied_field_leaves_the_price_to_the_sources(manager: Client, desk: Desk):
    store("KO", "69.80", days_ago=0)
    request = desk.inbox.put([line("KO", "BUY", 10)])
    html = preview(manager, desk, request, prices="ko=70.50")
    assert rows_of(html)["KO"].startswith("$70.50 typed")
    there = execute(manager, request, {**sent_by(html), "price.KO": "", "preview": "yes"})
    assert rows_of(text_of(manager.get(there.headers["Location"])))["KO"].startswith("$69.80 stored")


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"price.KO": "cheap"}, "price of KO is &#x27;cheap&#x27;: not a number"),
        ({"price.KO": "-1"}, "a price is above zero"),
        ({"prices": "KO"}, "&#x27;KO&#x27; is not of the form SYMBOL=PRICE"),
        ({"prices": "KO=8,123.45"}, "&#x27;123.45&#x27; is not of the form SYMBOL=PRICE"),
        ({"prices": "BP.L=450"}, "names a listing elsewhere (London)"),
        ({"prices": "KO=70 KO=71"}, "the price of KO is given twice"),
    ],
)
def test_a_typed_price_that_is_none_is_refused_beside_the_field(
    manager: Client, desk: Desk, typed: dict[str, str], says: str
):
    request = desk.inbox.put([line("KO", "BUY", 10)])
    answer = manager.get(reverse("dashboard:preview", args=[request]), {**choices(desk), **typed})
    assert answer.status_code == 400
    assert says in text_of(answer)


@pytest.mark.parametrize("typed", [{"prices": "OCRL=220"}, {"price.OCRL": "220"}])
def test_a_typed_price_that_prices_nothing_is_refused_by_name(manager: Client, desk: Desk, typed: dict[str, str]):
    request = desk.inbox.put([line("ORCL", "BUY", 10)])
    says = "the price of OCRL prices nothing: is ORCL meant? Symbols of the plan: ORCL"
    assert says in text_of(manager.get(reverse("dashboard:preview", args=[request]), {**choices(desk), **typed}))
    sent = {**sent_by(preview(manager, desk, request)), **typed}
    assert says in text_of(execute(manager, request, sent))
    assert not ExecutionRun.objects.exists()


@pytest.mark.parametrize("written", ["MSFT.US", "nasdaq:msft", "$MSFT"])
def test_a_typed_price_is_of_the_symbol_however_it_is_written(manager: Client, desk: Desk, written: str):
    request = desk.inbox.put([line("MSFT.US", "BUY", 10)])
    html = preview(manager, desk, request, prices=f"{written}=500")
    assert rows_of(html)["MSFT"].startswith("$500.00 typed")


def test_the_row_of_a_price_in_doubt_says_what_it_is_too_far_from(manager: Client, desk: Desk):
    store("KO", "69.80", days_ago=0)
    request = desk.inbox.put([line("KO", "BUY", 10, current_price=20)])
    row = rows_of(preview(manager, desk, request))["KO"]
    assert row.startswith("$69.80 stored (file) price out of band 69.80 from database:file is more than 25 %")


def test_the_age_of_a_stored_price_is_said_in_sessions(manager: Client, desk: Desk, settings: Settings):
    settings.PRICE_MAX_AGE = "10 sessions"
    Price.objects.create(security=security("KO"), price=70, source="file", as_of=timezone.now() - timedelta(days=7))
    request = desk.inbox.put([line("KO", "BUY", 10)])
    assert re.match(
        r"\$70\.00 stored \(file\) 7 days, [45] sessions", rows_of(preview(manager, desk, request))["KO"]
    )


# --- what the overview says of prices ---


def overview_of(client: Client) -> str:
    """Return what the overview says, where nothing needs attention but what a test is about."""
    Security.objects.update(is_verified=True)
    return " ".join(text_of(client.get(reverse("dashboard:overview"))).split())


def test_prices_are_called_fresh_where_they_are_prices_and_fresh(manager: Client, desk: Desk):
    now = timezone.now()
    desk.run([line("KO", "BUY", 10)], prices={"KO": "69.80"}, now=now)
    Price.objects.update(as_of=now)
    assert "no failed run, all prices fresh." in overview_of(manager)


def test_a_default_price_is_never_called_fresh(manager: Client, desk: Desk):
    now = timezone.now()
    desk.run([line("KO", "BUY", 10)], prices="100", now=now)
    said = overview_of(manager)
    assert "fresh" not in said
    assert "1 of 1 open position is valued at a default price, which is no market's." in said


def test_without_positions_nothing_is_said_of_prices(manager: Client, desk: Desk):
    desk.run([line("KO", "HOLD")], now=timezone.now())
    said = overview_of(manager)
    assert "no failed run." in said
    assert "fresh" not in said
