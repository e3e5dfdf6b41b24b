"""A real Chromium for the tests of pages: the one of the system, or the one that playwright has installed."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
MISSING = (
    "No Chromium was found. Install one (Debian and Ubuntu: apt-get install chromium; elsewhere: "
    "python -m playwright install chromium), or name one in CHROMIUM."
)


def find_chromium(playwright: Playwright) -> str:
    """Return the path of a Chromium: CHROMIUM, one on the PATH, or playwright's own. Fails the test without one."""
    own = playwright.chromium.executable_path
    found = [os.environ.get("CHROMIUM", ""), *(shutil.which(name) or "" for name in NAMES), own]
    path = next((path for path in found if path and Path(path).is_file()), None)
    if path is None:
        pytest.fail(MISSING)
    return path


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Return a running browser."""
    # Playwright's loop runs in this thread; Django would take that for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(playwright), args=FLAGS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def tab(chromium: Browser) -> Iterator[Page]:
    """Return a tab, 1,300 pixels wide. What a page complains about, the Policy included, fails the test."""
    context = chromium.new_context(viewport={"width": 1300, "height": 900})
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []
