"""A browser for each test run, a page for each test, and a site that some tests share."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.server import Site, chromium, site

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
WORLD = """
from datetime import datetime, timedelta, UTC
from tests.demo import corporate_actions, hard_account, people, world
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
print(corporate_actions(now=datetime.now(UTC)))
"""


@pytest.fixture(scope="session")
def chromium_browser() -> Iterator[Browser]:
    """Return a real Chromium. Without one the tests fail and say what to install."""
    # Playwright's loop runs in this thread; Django would take that for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield running
        running.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def page(chromium_browser: Browser) -> Iterator[Page]:
    """Return a page of a browser that nobody has logged in with."""
    context = chromium_browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture(scope="session")
def served() -> Iterator[Site]:
    """Return a site with people, research, runs and values; what a test trades, it trades in its own strategy."""
    with site(WORLD) as running:
        yield running


@pytest.fixture
def tab(chromium_browser: Browser) -> Iterator[Page]:
    """Return a tab, 1,300 pixels wide. What a page complains about, the Policy included, fails the test."""
    context = chromium_browser.new_context(viewport={"width": 1300, "height": 900})
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []
