"""The first visit of an empty site, and the way from there to a first result."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.server import PASSWORD, Site, site

pytestmark = pytest.mark.slow


@pytest.fixture
def empty() -> Iterator[Site]:
    """Return a site with people and nothing else."""
    with site("from tests.demo import people; people()") as running:
        yield running


def test_an_empty_site_says_what_to_do_and_loads_the_examples(page: Page, empty: Site):
    page.goto(empty.address)
    page.get_by_label("Name").fill("mia")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Nothing here yet")).to_be_visible()
    page.get_by_role("button", name="Load the examples").click()
    expect(page.get_by_text("strategies created: 3")).to_be_visible()
    page.get_by_role("link", name="79b9930c").click()
    page.get_by_label("Default price (simulated)").fill("450")
    page.locator("form[action$='/preview/']").get_by_label("Strategy").select_option(label="Quality Growth")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("marked as simulated")).to_be_visible()
    page.get_by_role("button", name="Execute").click()
    expect(page.get_by_text("Bought 22.22 MSFT at 450.00 for $9,999.00.")).to_be_visible()
    page.get_by_role("link", name="Folios", exact=True).click()
    expect(page.get_by_text("$100,000.00").first).to_be_visible()
