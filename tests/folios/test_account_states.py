"""Every page about an account opens, whatever its state: new, upgraded, empty, closed, under water."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

import folios.urls  # noqa: F401  # discovers the admin's modules
from portfolios import ledger
from portfolios.ledger import AuditContext
from portfolios.models import (
    AccountSummary,
    PortfolioAccount,
    RiskPolicy,
    Security,
    Strategy,
    Valuation,
)
from tests.folios.admin.admin_forms import page
from tests.scenes import NOW, Desk, line, mark_all

pytestmark = pytest.mark.django_db

CONTEXT = AuditContext(actor="bob", now=NOW, reason="opened by hand")
LATER = NOW + timedelta(days=1)


def opened(desk: Desk) -> None:
    """Open it with a deposit, as the admin and the command do."""
    ledger.open_account(
        strategy_id=desk.strategy.pk, provider=desk.provider, initial_balance=Decimal(1000), context=CONTEXT
    )


def without_entries(desk: Desk) -> None:
    """Write the row alone: nothing has ever happened to it."""
    PortfolioAccount.objects.create(strategy=desk.strategy, provider=desk.provider)


def never_valued(desk: Desk) -> None:
    """Hold something, and have neither a valuation nor a summary, as accounts from before there were any."""
    desk.run([line("MSFT", "BUY", 10)], prices={"MSFT": "100"})
    AccountSummary.objects.all().delete()
    Valuation.objects.all().delete()


def without_summary(desk: Desk) -> None:
    """Have valuations, and no summary: before an upgrade."""
    desk.run([line("MSFT", "BUY", 10)], prices={"MSFT": "100"})
    AccountSummary.objects.all().delete()


def everything_sold(desk: Desk) -> None:
    """Hold nothing any more."""
    desk.run([line("MSFT", "BUY", 10)], prices={"MSFT": "100"})
    desk.run([line("MSFT", "SELL")], prices={"MSFT": "110"}, now=LATER)


def emptied(desk: Desk) -> None:
    """Pay everything out again."""
    opened(desk)
    ledger.withdraw(desk.account, amount=Decimal(1000), context=CONTEXT)
    ledger.value_account(desk.account, now=LATER)


def shorted(desk: Desk, price: str) -> None:
    """Be short 200 KO @ 100 with 120,000 in cash, at a price now."""
    RiskPolicy.objects.create(strategy=desk.strategy, allow_short=True)
    desk.run([line("KO", "SELL_SHORT", 20), line("MSFT", "BUY", 1)], prices={"KO": "100", "MSFT": "100"})
    mark_all({"KO": price}, at=LATER, accepted=["KO"])


def below_its_margin(desk: Desk) -> None:
    """Owe more collateral than there is cash."""
    shorted(desk, "450")


def worth_nothing(desk: Desk) -> None:
    """Be worth exactly nothing: 119,000 in cash, 10 MSFT @ 100 and a short of 120,000."""
    shorted(desk, "600")
    assert desk.account.cash_balance + desk.account.equity_value == 0


def under_water(desk: Desk) -> None:
    """Owe more than there is."""
    shorted(desk, "900")


def with_a_waiting_price(desk: Desk) -> None:
    """Keep a mark because the new price was refused."""
    desk.run([line("MSFT", "BUY", 10)], prices={"MSFT": "100"})
    mark_all({"MSFT": "36"}, at=LATER)


def of_a_closed_strategy(desk: Desk) -> None:
    """Belong to a strategy that is over."""
    desk.run([line("MSFT", "BUY", 10)], prices={"MSFT": "100"})
    Strategy.objects.update(status=Strategy.Status.INACTIVE)


STATES: tuple[Callable[[Desk], None], ...] = (
    opened, without_entries, never_valued, without_summary, everything_sold, emptied, below_its_margin,
    worth_nothing, under_water, with_a_waiting_price, of_a_closed_strategy,
)  # fmt: skip


@pytest.fixture
def boss(client: Client) -> Client:
    """Return a browser, and a caller, of somebody who may do everything."""
    client.force_login(User.objects.create_superuser("boss", password="x"))
    return client


def addresses(account: PortfolioAccount) -> list[str]:
    """Return the address of every page that shows the account."""
    pages = ("overview", "strategies", "prices", "books", "system")
    mine, strategy = account.pk, account.strategy_id
    Security.objects.get_or_create(symbol="SPY", asset_class=Security.AssetClass.FUND)
    dashboard = reverse("dashboard:account", args=[mine])
    return [
        *(reverse(f"dashboard:{name}") for name in pages),
        dashboard, f"{dashboard}?benchmark=SPY", f"{dashboard}?benchmark=NONE", f"{dashboard}?symbol=MSFT",
        *(f"{dashboard}?export={table}" for table in ("waiting", "positions", "ledger")),
        "/?export=accounts", "/?margin=deficit", "/?margin=no_equity", "/?margin=what",
        reverse("dashboard:strategy", args=[strategy]), reverse("dashboard:account-books", args=[mine]),
        reverse("admin:index"), page(PortfolioAccount, "changelist"), page(PortfolioAccount, "change", mine),
        page(PortfolioAccount, "history", mine), page(Strategy, "change", strategy),
        *(f"{page(PortfolioAccount, 'do', action)}?ids={mine}" for action in ("deposit", "withdraw", "halt")),
        "/api/v1/accounts/", f"/api/v1/accounts/{mine}/", f"/api/v1/accounts/{mine}/performance/",
        f"/api/v1/accounts/{mine}/performance/?benchmark=SPY", f"/api/v1/accounts/{mine}/performance/?benchmark=NO",
        f"/api/v1/accounts/{mine}/ledger/", f"/api/v1/accounts/{mine}/valuations/",
        "/api/v1/refused-prices/?waits=true",
    ]  # fmt: skip


@pytest.mark.parametrize("state", STATES, ids=lambda state: str(state.__name__))
def test_every_page_of_an_account_opens(boss: Client, desk: Desk, state: Callable[[Desk], None]):
    state(desk)
    answers = {address: boss.get(address).status_code for address in addresses(desk.account)}
    assert {address: code for address, code in answers.items() if code != 200} == {}


def shown(boss: Client, desk: Desk) -> tuple[str, str, Any]:
    """Return the account on the dashboard, in the admin and over HTTP."""
    mine = desk.account.pk
    dashboard, admin = reverse("dashboard:account", args=[mine]), page(PortfolioAccount, "change", mine)
    pages = [boss.get(address).content.decode() for address in (dashboard, admin)]
    return pages[0], pages[1], boss.get(f"/api/v1/accounts/{mine}/").json()


@pytest.mark.parametrize("state", [without_entries, never_valued, without_summary])
def test_an_account_without_a_valuation_says_so_everywhere(boss: Client, desk: Desk, state: Callable[[Desk], None]):
    state(desk)
    dashboard, admin, api = shown(boss, desk)
    assert "The account is not valued yet" in dashboard
    assert "not valued yet" in admin
    assert (api["valued_at"], api["margin_status"], api["available_cash"]) == (None, None, None)
    for address in (
        "/",
        reverse("dashboard:strategy", args=[desk.strategy.pk]),
        page(PortfolioAccount, "changelist"),
    ):
        assert "not valued yet" in boss.get(address).content.decode()


def test_an_account_that_was_just_opened_is_valued_everywhere(boss: Client, desk: Desk):
    opened(desk)
    dashboard, admin, api = shown(boss, desk)
    assert "not valued yet" not in dashboard + admin
    assert (api["valued_at"], api["available_cash"]) == ("2026-01-05T09:30:00+00:00", "1000.00")


def test_an_account_below_its_margin_says_so_everywhere(boss: Client, desk: Desk):
    below_its_margin(desk)
    dashboard, admin, api = shown(boss, desk)
    # 119,000 in cash, and a short of 90,000 with half of it on top
    assert "Below the margin of its shorts. Available cash: \N{MINUS SIGN}$16,000.00." in " ".join(
        dashboard.split()
    )
    assert "Below the margin of its shorts" in admin
    assert (api["margin_status"], api["available_cash"]) == ("deficit", "-16000.00")
    assert api["snapshot"]["available_cash"] == "-16000.00"
    listed = boss.get("/api/v1/accounts/", {"margin_status": "deficit"}).json()["results"]
    assert [row["id"] for row in listed] == [str(desk.account.pk)]
    assert boss.get("/api/v1/accounts/", {"margin_status": "no_equity"}).json()["results"] == []


@pytest.mark.parametrize("state", [worth_nothing, under_water])
def test_an_account_worth_nothing_or_less_has_no_weights(boss: Client, desk: Desk, state: Callable[[Desk], None]):
    state(desk)
    dashboard, _, api = shown(boss, desk)
    assert "Worth nothing or less" in dashboard
    assert "there is nothing to measure by" in dashboard
    assert {held["weight"] for held in api["snapshot"]["holdings"]} == {None}
    rows = boss.get(reverse("dashboard:account", args=[desk.account.pk])).context["tables"]["positions"].rows
    assert [row.values["weight"] for row in rows] == [None, None]
