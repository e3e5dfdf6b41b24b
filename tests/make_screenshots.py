"""Takes the screenshots: `make screenshots`, or `python -m tests.make_screenshots DIRECTORY`."""

import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.server import PASSWORD, Site, chromium, site
from tests.processes import ROOT

SETUP = """
from datetime import datetime, timedelta, UTC
from tests.demo import people, world
now = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=1)
people()
print(world(now=now))
from portfolios.models import PortfolioAccount
from execution.models import ExecutionRun
account = PortfolioAccount.objects.get(strategy__name="Quality Growth", provider="anthropic")
print(account.pk, account.strategy_id)
print(ExecutionRun.objects.filter(account=account, order_count__gt=1).latest("started_at").pk)
"""
_TALLEST = 1_200  # pixels: what comes below is more of the same
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


def main(directory: Path) -> None:
    """Take every picture. Raises AssertionError where there is no browser or a page fails."""
    directory.mkdir(parents=True, exist_ok=True)
    with site(SETUP) as served, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for name, size, scheme in (("wide", WIDE, "light"), ("dark", WIDE, "dark"), ("390", NARROW, "light")):
            _shoot(browser, served, directory, name=name, size=size, scheme=scheme)
        browser.close()


def _shoot(
    browser: Browser, served: Site, directory: Path, *, name: str, size: dict[str, int], scheme: str
) -> None:
    page = browser.new_page(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(f"{served.address}/login/")
    _picture(page, directory / f"login-{name}.png")
    page.fill("[name=username]", "mia")
    page.fill("[name=password]", PASSWORD)
    page.click("main button")
    for title, address in pages_of(served).items():
        answer = page.goto(f"{served.address}{address}")
        assert answer is not None, address
        assert answer.ok, address
        _picture(page, directory / f"{title}-{name}.png")
    page.goto(f"{served.address}/research/{served.said.split()[0]}/")
    page.click("form[action$='/preview/'] button")
    _picture(page, directory / f"preview-{name}.png")
    page.close()


def pages_of(served: Site) -> dict[str, str]:
    """Return the address of each page."""
    request, account, strategy, run = served.said.split()[:4]
    plain = {name: f"/{name}/" for name in ("research", "runs", "strategies", "books", "system")}
    return {
        "overview": "/", "account": f"/accounts/{account}/", "strategy": f"/strategies/{strategy}/",
        "request": f"/research/{request}/", "run": f"/runs/{run}/", **plain,
    }  # fmt: skip


def _picture(page: Page, path: Path) -> None:
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(300)
    size = page.viewport_size
    assert size is not None
    height = min(page.evaluate("() => document.documentElement.scrollHeight"), 3 * size["width"], _TALLEST)
    page.screenshot(path=path, full_page=True, clip={"x": 0, "y": 0, "width": size["width"], "height": height})


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "screenshots")
