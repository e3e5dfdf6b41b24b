"""At every door: no price is invented where one is known, and an outage of the prices uses no research up."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from execution.models import ExecutionRun, Recommendation, ResearchRequest
from execution.prices.source import Missing, Offer, SourceContext
from execution.research.scan import scan_inbox
from portfolios import ledger
from portfolios.models import Order, Price
from tests.folios.admin.admin_forms import confirm, errors_of, page
from tests.folios.api.callers import Caller, problem
from tests.folios.api.conftest import caller, nobody_has_called_yet, user
from tests.folios.dashboard.test_pages import choices, hidden_fields
from tests.portfolios.ledger.by_hand import BY_HAND, typed
from tests.scenes import Desk, line, security, whole_database

__all__ = ["caller", "nobody_has_called_yet", "user"]

pytestmark = pytest.mark.django_db(transaction=True)


class Unreachable:
    """A source that nobody can reach."""

    name = "market"

    @classmethod
    def from_options(cls, context: SourceContext) -> "Unreachable":
        """Return the source, whatever the call."""
        del context
        return cls()

    def ask(self, symbols: frozenset[str]) -> Mapping[str, Offer | Missing]:
        """Say that asking again may help."""
        return dict.fromkeys(symbols, Missing("no connection", again=True))


UNREACHABLE = f"{Unreachable.__module__}.{Unreachable.__name__}"
DOORS = ("command", "api", "dashboard", "admin")
Said = dict[str, str]  # more that a person says: default_price, prices


class Doors:
    """The four ways in, each used by somebody who may."""

    def __init__(self, desk: Desk, caller: Caller, boss: Client) -> None:
        self.desk, self.caller, self.boss = desk, caller, boss

    def execute(self, door: str, request: str, **said: str) -> str:
        """Execute a request; return what the door says of a refusal, nothing where it was executed."""
        doors: dict[str, Callable[[str, Said], str]] = {
            "command": self._command, "api": self._api, "dashboard": self._dashboard, "admin": self._admin,
        }  # fmt: skip
        return doors[door](request, said)

    def _command(self, request: str, said: Said) -> str:
        options = ["--default-price", said["default_price"]] if "default_price" in said else []
        options += ["--price", said["prices"]] if "prices" in said else []
        call = ("execute_recommendations", request, str(self.desk.strategy.pk), *options)
        try:
            call_command(*call, stdout=StringIO())
        except CommandError as error:
            return str(error)
        return ""

    def _api(self, request: str, said: Said) -> str:
        body: dict[str, Any] = {"request_id": request, "strategy_id": str(self.desk.strategy.pk), **said}
        if "prices" in said:
            body["prices"] = dict([said["prices"].split("=")])
        answer = self.caller.post("/executions/", body)
        return "" if answer.status_code == 201 else f"[{answer.json()['code']}] {answer.json()['detail']}"

    def _dashboard(self, request: str, said: Said) -> str:
        given = {**choices(self.desk, default_price=""), **said}
        shown = self.boss.get(reverse("dashboard:preview", args=[request]), given)
        if shown.status_code != 200:
            return f"[{shown.context['problem'].code}] {shown.context['problem'].message}"
        done = self.boss.post(reverse("dashboard:execute", args=[request]), sent_by(shown.content.decode()))
        assert done.status_code == 303
        return ""

    def _admin(self, request: str, said: Said) -> str:
        options = {**choices(self.desk, default_price=""), **said, "request_id": request}
        done = confirm(self.boss, page(ResearchRequest, "do", "execute-request"), "why not", **options)
        return "" if done.status_code == 302 else errors_of(done)


@pytest.fixture
def doors(desk: Desk, caller: Caller, client: Client, settings: Settings) -> Doors:
    """Return the doors of a desk whose inbox is the configured one."""
    settings.ARTIFACTS_ROOT = desk.inbox.root
    client.force_login(
        User.objects.create_superuser("boss", password="x"), "django.contrib.auth.backends.ModelBackend"
    )
    return Doors(desk, caller, client)


def sent_by(html: str) -> dict[str, str]:
    """Return what the button of a preview sends: its form's fields, and those of the prices, which belong to it."""
    prices = re.findall(r'<input\s+form="plan-form"\s+name="([^"]+)"\s+value="([^"]*)"', html)
    return {**hidden_fields(html), **dict(prices)}


def store(symbol: str, price: str, *, days_ago: int) -> None:
    as_of = timezone.now() - timedelta(days=days_ago)
    Price.objects.create(security=security(symbol), price=Decimal(price), source="file", as_of=as_of)


def ended() -> list[tuple[str, list[str]]]:
    """Return how each line ended, with what else than its sector was to be said."""
    return [
        (row.outcome, [code for code in row.codes if code != "SECTOR_UNVERIFIED"])
        for row in Recommendation.objects.order_by("run__sequence", "line")
    ]


def bought() -> list[tuple[str, Decimal]]:
    return [(order.security_id, order.limit_price) for order in Order.objects.order_by("security_id")]


@pytest.mark.parametrize("door", DOORS)
def test_a_holding_booked_by_hand_is_sold_at_its_mark_and_not_at_a_default_price(doors: Doors, door: str):
    """Seen: 20 booked at 500, of which no price is stored, were sold at 100."""
    security("NVDA")
    doors.desk.execute(doors.desk.inbox.put([line("KO", "HOLD")]), prices={})
    with transaction.atomic():
        ledger.record_order(doors.desk.account, typed=typed("BUY 20 NVDA @ 500"), fee=Decimal(0), context=BY_HAND)
    more = doors.desk.inbox.put([line("NVDA", "BUY", 10)])
    assert doors.execute(door, more) == ""
    assert ("DEFERRED", ["PRICE_STALE"]) in ended()
    everything = doors.desk.inbox.put([line("NVDA", "SELL")])
    assert doors.execute(door, everything) == ""
    sold = Order.objects.get(action="SELL")
    assert (sold.quantity, sold.limit_price) == (Decimal(20), Decimal(500))


@pytest.mark.parametrize("door", DOORS)
def test_what_is_stored_is_what_is_traded_at(doors: Doors, door: str):
    store("NVDA", "176.25", days_ago=0)
    request = doors.desk.inbox.put([line("NVDA", "BUY", 10)])
    assert doors.execute(door, request) == ""
    assert bought() == [("NVDA", Decimal("176.25"))]
    assert not ExecutionRun.objects.get().is_simulated


@pytest.mark.parametrize("sources", [["simulation"], ["database", "simulation"], ["simulation", "database"]])
@pytest.mark.parametrize("door", DOORS)
def test_a_default_price_replaces_no_stored_price_however_old(
    doors: Doors, door: str, sources: list[str], settings: Settings
):
    settings.PRICE_SOURCES = sources
    store("NVDA", "176.25", days_ago=400)
    request = doors.desk.inbox.put([line("NVDA", "BUY", 10)])
    assert doors.execute(door, request) == ""
    assert (bought(), ended()) == ([], [("DEFERRED", ["PRICE_STALE"])])
    assert "does not" in Recommendation.objects.get().reason


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"current_price": 455}, "PRICE_OUT_OF_BAND"),
        ({"target_price": 140}, "PRICE_OUT_OF_BAND"),
        ({"current_price": 120, "target_price": 124}, ""),
    ],
)
@pytest.mark.parametrize("door", DOORS)
def test_a_default_price_far_from_what_the_research_names_is_not_traded_at(
    doors: Doors, door: str, claims: dict[str, int], code: str
):
    request = doors.desk.inbox.put([line("MSFT", "BUY", 10, **claims)])
    assert doors.execute(door, request) == ""
    if code:
        assert (bought(), ended()) == ([], [("DEFERRED", [code])])
        assert "cannot be right (the research names" in Recommendation.objects.get().reason
    else:
        assert (bought(), ended()) == ([("MSFT", Decimal(100))], [("EXECUTED", [])])


@pytest.mark.parametrize("door", DOORS)
def test_a_default_price_that_somebody_names_is_the_last_resort(doors: Doors, door: str):
    store("KO", "69.80", days_ago=0)
    store("NVDA", "176.25", days_ago=400)
    request = doors.desk.inbox.put([line("NVDA", "BUY", 10, current_price=180), line("KO", "BUY", 10)])
    assert doors.execute(door, request, default_price="170") == ""
    assert bought() == [("KO", Decimal("69.80")), ("NVDA", Decimal(170))]
    assert ExecutionRun.objects.get().is_simulated


@pytest.mark.parametrize("door", DOORS)
def test_a_deferred_line_is_taken_up_at_a_price_that_somebody_types(doors: Doors, door: str):
    request = doors.desk.inbox.put([line("MSFT", "BUY", 10, current_price=455)])
    assert doors.execute(door, request) == ""
    assert doors.execute(door, request, prices="MSFT=450") == ""
    assert bought() == [("MSFT", Decimal(450))]
    assert ended() == [("DEFERRED", ["PRICE_OUT_OF_BAND"]), ("EXECUTED", [])]


# --- no price source answers at all ---


@pytest.mark.parametrize("sources", [[UNREACHABLE], [UNREACHABLE, "simulation"], ["database", UNREACHABLE]])
@pytest.mark.parametrize("door", DOORS)
def test_while_no_source_can_be_asked_a_request_is_refused_and_stays_ready(
    doors: Doors, door: str, sources: list[str], settings: Settings
):
    settings.PRICE_SOURCES = sources
    request = doors.desk.inbox.put(
        [line("MSFT", "BUY", 10), line("KO", "BUY", 10)],
        strategy_id=str(doors.desk.strategy.pk), provider="anthropic",
    )  # fmt: skip
    scan_inbox(doors.desk.inbox.root, now=timezone.now())
    before = whole_database()
    said = doors.execute(door, request)
    assert "NO_PRICE_SOURCE" in said
    assert "market: no connection" in said
    assert whole_database() == before
    assert ResearchRequest.objects.get().state == "ready"
    settings.PRICE_SOURCES = ["simulation"]
    assert doors.execute(door, request) == ""
    assert len(bought()) == 2


@pytest.mark.parametrize("door", DOORS)
def test_what_needs_no_price_or_has_one_is_executed_all_the_same(doors: Doors, door: str, settings: Settings):
    settings.PRICE_SOURCES = [UNREACHABLE]
    assert doors.execute(door, doors.desk.inbox.put([line("MSFT", "HOLD")])) == ""
    assert ended() == [("HELD", [])]
    request = doors.desk.inbox.put([line("MSFT", "BUY", 10), line("KO", "BUY", 10)])
    assert doors.execute(door, request, prices="MSFT=450") == ""
    assert bought() == [("MSFT", Decimal(450))]
    assert sorted(ended()) == [("DEFERRED", ["NO_PRICE"]), ("EXECUTED", []), ("HELD", [])]


def test_the_api_answers_an_outage_with_503(doors: Doors, settings: Settings):
    settings.PRICE_SOURCES = [UNREACHABLE]
    body = {
        "request_id": doors.desk.inbox.put([line("MSFT", "BUY", 10)]),
        "strategy_id": str(doors.desk.strategy.pk),
    }
    for address in ("/executions/", "/executions/preview/"):
        said = problem(doors.caller.post(address, body), 503, "NO_PRICE_SOURCE")
        assert said["details"] == {"symbols": "MSFT"}


def test_execute_pending_leaves_the_inbox_as_it_was_and_says_so(doors: Doors, settings: Settings):
    settings.PRICE_SOURCES = [UNREACHABLE]
    for symbol in ("MSFT", "KO"):
        doors.desk.inbox.put(
            [line(symbol, "BUY", 10)], strategy_id=str(doors.desk.strategy.pk), provider="anthropic"
        )
    out = StringIO()
    with pytest.raises(CommandError, match="2 requests were not executed"):
        call_command("execute_pending", "--format", "json", stdout=out)
    *results, summary = map(json.loads, out.getvalue().splitlines())
    assert all(
        result["reason"].startswith("[NO_PRICE_SOURCE] no price source could be asked") for result in results
    )
    assert (summary["summary"]["executed"], summary["summary"]["refused"]) == (0, 2)
    assert [row.state for row in ResearchRequest.objects.all()] == ["ready", "ready"]
    assert not ExecutionRun.objects.exists()
