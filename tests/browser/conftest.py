"""A browser for each test run, a page for each test, and a site that some tests share."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.server import Site, chromium, site

WORLD = """
from datetime import datetime, timedelta, UTC
from tests.demo import hard_account, people, world
people()
print(world(now=datetime.now(UTC) - timedelta(hours=1), days=21))
hard_account(now=datetime.now(UTC))
from portfolios.models import PortfolioAccount
from execution.models import ExecutionRun
account = PortfolioAccount.objects.get(strategy__name="Quality Growth", provider="anthropic")
hard = PortfolioAccount.objects.get(provider="custom")
print(account.pk, account.strategy_id)
print(ExecutionRun.objects.filter(account=account).latest("started_at").pk)
print(hard.pk, ExecutionRun.objects.get(account=hard).pk, ExecutionRun.objects.get(account=hard).request_id)
"""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return a real Chromium. Without one the tests fail and say what to install."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Return a page of a browser that nobody has logged in with."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def served() -> Iterator[Site]:
    """Return a site with people, research, runs and values."""
    with site(WORLD) as running:
        yield running
