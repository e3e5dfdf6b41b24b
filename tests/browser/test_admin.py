"""An operator's day in a real browser, under the Content-Security-Policy that the product is served with."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from execution.models import ExecutionRun
from portfolios.models import LedgerEntry, PortfolioAccount
from tests.scenes import Inbox, line

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture
def admin(tab: Page, live_server: Any, settings: Any) -> Page:
    """Return a tab with an operator logged in through the login form."""
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = False  # the test server has no TLS
    User.objects.create_superuser("olivia", password="a long password")
    tab.goto(f"{live_server.url}/admin/")
    tab.get_by_label("Username").fill("olivia")
    tab.get_by_label("Password").fill("a long password")
    tab.get_by_role("button", name="Log in").click()
    expect(tab.get_by_role("heading", name="Needs attention")).to_be_visible()
    return tab


def choose(page: Page, field: str, text: str) -> None:
    """Choose a row in a field that looks it up as one types."""
    page.locator(f".field-{field} .select2-selection").click()
    page.locator(".select2-search__field").fill(text)
    page.locator(".select2-results__option", has_text=text).first.click()


def reason(page: Page, text: str) -> None:
    """Say why."""
    page.get_by_role("textbox", name="Reason").fill(text)


def save(page: Page) -> None:
    """Save, and look at the message."""
    page.locator('input[name="_save"]').click()
    expect(page.locator(".messagelist .success")).to_be_visible()


def make_strategy(page: Page, url: str) -> None:
    """Create a strategy."""
    page.goto(f"{url}/admin/portfolios/strategy/add/")
    page.get_by_label("Name").fill("Large caps")
    save(page)


def open_account(page: Page, url: str) -> None:
    """Open an account with 50,000."""
    page.goto(f"{url}/admin/portfolios/portfolioaccount/add/")
    choose(page, "strategy", "Large caps")
    page.get_by_label("Provider").select_option("anthropic")
    page.get_by_label("Initial balance").fill("50000")
    save(page)


def correct_cash(page: Page) -> None:
    """Edit the cash of the account in the list."""
    page.get_by_role("link", name="Large caps / Anthropic").last.click()
    page.get_by_label("Cash balance").fill("49000.25")
    reason(page, "as the bank says")
    save(page)


def execute(page: Page, url: str, request_id: str) -> None:
    """Execute a request by its id, after a look at the preview."""
    page.goto(f"{url}/admin/execution/researchrequest/")
    page.get_by_role("link", name="Execute a request").click()
    page.get_by_label("Request id").fill(request_id)
    page.get_by_label("Strategy").select_option(label="Large caps")
    page.get_by_label("Default price").fill("100")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("4,900.00", exact=True)).to_be_visible()
    assert not ExecutionRun.objects.exists()
    reason(page, "the morning round")
    page.get_by_role("button", name="Execute at default prices", exact=True).click()
    expect(page.locator(".messagelist .success")).to_contain_text("1 order")


def test_an_operator_opens_an_account_corrects_its_cash_executes_and_finds_it_all_in_the_trail(
    admin: Page, live_server: Any, inbox: Inbox
):
    url = live_server.url
    make_strategy(admin, url)
    open_account(admin, url)
    correct_cash(admin)
    entry = LedgerEntry.objects.get(kind="CORRECTION")
    assert (str(entry.amount), entry.actor, entry.reason) == ("-999.75", "olivia", "as the bank says")
    account = PortfolioAccount.objects.get()
    admin.goto(f"{url}/admin/portfolios/portfolioaccount/{account.pk}/change/")
    ledger = admin.locator(".section", has_text="Ledger, newest first")
    for text in ("49,000.25", "as the bank says"):
        expect(ledger.get_by_text(text)).to_be_visible()

    execute(admin, url, inbox.put([line("MSFT", "BUY", 10)]))

    admin.get_by_role("link", name="Audit").click()
    for text in ("as the bank says", "Correction of -999.75", "the morning round", "Succeeded (source: Admin)"):
        expect(admin.get_by_text(text).first).to_be_visible()
    admin.get_by_label("Person").fill("nobody")
    admin.get_by_role("button", name="Filter").click()
    expect(admin.get_by_text("No entries match these filters")).to_be_visible()


LISTS = (
    "portfolios/strategy", "portfolios/riskpolicy", "portfolios/security", "portfolios/price",
    "portfolios/portfolioaccount", "portfolios/order", "portfolios/position", "portfolios/ledgerentry",
    "portfolios/valuation", "portfolios/corporateaction", "execution/researchrequest", "execution/executionrun",
    "execution/recommendation",
)  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_list_scrolls_sideways_on_a_wide_screen_and_no_page_on_a_phone(
    admin: Page, live_server: Any, inbox: Inbox, scheme: Any
):
    from tests.browser.scene import fill  # noqa: PLC0415  # models are ready only in a test

    fill(inbox)
    admin.emulate_media(color_scheme=scheme)
    for width, overflow in ((1300, "#changelist .results"), (390, "#container")):
        admin.set_viewport_size({"width": width, "height": 900})
        for name in LISTS:
            admin.goto(f"{live_server.url}/admin/{name}/")
            too_wide = "wanted => { const box = document.querySelector(wanted);"
            too_wide += " return box === null ? 0 : box.scrollWidth - box.clientWidth; }"
            assert (name, width, max(0, admin.evaluate(too_wide, overflow) - 1)) == (name, width, 0)
