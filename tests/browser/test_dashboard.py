"""The dashboard in a real browser: Monday morning, double clicks, a changed plan, the keyboard, no scripts."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.server import PASSWORD, ROOT, Site
from tests.make_screenshots import pages_of

pytestmark = pytest.mark.slow

AXE = (ROOT / "tests/browser/vendor/axe-core/axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
COUNTS = (
    "from execution.models import ExecutionRun; from portfolios.models import Order; "
    "print(ExecutionRun.objects.filter(request_id='{}').count(), "
    "Order.objects.filter(recommendation_link__recommendation__run__request_id='{}').count())"
)


def log_in(page: Page, served: Site, name: str = "mia") -> None:
    """Log in and land on the overview."""
    page.goto(f"{served.address}/login/")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def new_research(served: Site) -> str:
    """Put research into the site's inbox: a line that trades, one that holds, one that nobody understands."""
    lines = [
        {"symbol": "KO", "action": "BUY", "allocation_percent": 2, "rationale": "<i>steady</i>", "confidence": 0.7},
        {"symbol": "MSFT", "action": "HOLD"},
        {"symbol": "PFE", "action": "ACCUMULATE", "allocation_percent": 5},
    ]
    code = "from tests.demo import put; from django.conf import settings; print(put(settings.ARTIFACTS_ROOT, {}))"
    return served.python(code.format(lines))


def open_preview(page: Page, served: Site, request: str, *, strategy: str = "Long-Short Value") -> None:
    """Fill in the form of a request and open its preview."""
    page.goto(f"{served.address}/research/{request}/")
    page.get_by_label("Strategy").select_option(label=strategy)
    page.get_by_label("Provider").select_option("custom")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name=f"Preview: {strategy}")).to_be_visible()


def runs_and_orders(served: Site, request: str) -> list[int]:
    """Return how many runs and orders a request has led to."""
    return [int(word) for word in served.python(COUNTS.format(request, request)).split()]


# --- Monday morning ---


def test_a_manager_goes_from_login_to_the_result(page: Page, served: Site):
    request = new_research(served)
    log_in(page, served)
    page.get_by_role("link", name="new requests").click()
    page.get_by_role("link", name=request.partition("-")[0]).click()
    expect(page.get_by_text("<i>steady</i>")).to_be_visible()
    open_preview(page, served, request)
    expect(page.get_by_text("Before and after")).to_be_visible()
    expect(page.get_by_text("The account is opened with $100,000.00.")).to_be_visible()
    assert runs_and_orders(served, request) == [0, 0]
    page.get_by_role("button", name="Execute").click()
    expect(page.get_by_text("Executed: 1 orders.")).to_be_visible()
    expect(page.get_by_text("Bought", exact=False).first).to_be_visible()
    expect(page.get_by_text("not one of BUY, SELL")).to_be_visible()
    page.get_by_role("link", name="Check that it replays").click()
    expect(page.get_by_text("Reproduced: planned again, the same 1 orders and 3 decisions")).to_be_visible()
    page.get_by_role("link", name="Custom").click()
    expect(page.get_by_role("heading", name="Long-Short Value: Custom")).to_be_visible()
    page.get_by_role("link", name="KO", exact=True).click()
    expect(page.get_by_text("Orders and ledger show KO alone.")).to_be_visible()
    assert runs_and_orders(served, request) == [1, 1]


def test_a_viewer_sees_the_same_and_has_no_button(page: Page, served: Site):
    request = new_research(served)
    log_in(page, served, "vera")
    page.goto(f"{served.address}/research/{request}/")
    expect(page.get_by_role("heading", name="Recommendations")).to_be_visible()
    expect(page.get_by_role("button", name="Preview")).to_have_count(0)
    answer = page.goto(f"{served.address}/research/{request}/preview/")
    assert answer is not None
    assert answer.status == 403
    page.goto(f"{served.address}/research/{request}/")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


# --- once ---


def test_a_double_click_trades_once(page: Page, served: Site):
    request = new_research(served)
    log_in(page, served)
    open_preview(page, served, request)
    page.get_by_role("button", name="Execute").dblclick()
    expect(page.get_by_role("heading", name="What happened to every line")).to_be_visible()
    assert runs_and_orders(served, request) == [1, 1]


def test_enter_twice_without_the_script_trades_once(browser: Browser, served: Site):
    context = browser.new_context(java_script_enabled=False)
    page, request = context.new_page(), new_research(served)
    log_in(page, served)
    open_preview(page, served, request)
    page.get_by_role("button", name="Execute").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.wait_for_url("**/runs/**")
    assert runs_and_orders(served, request) == [1, 1]
    context.close()


def test_two_submits_at_the_same_moment_trade_once(page: Page, served: Site):
    request = new_research(served)
    log_in(page, served)
    open_preview(page, served, request)
    send = """() => {
        const form = document.querySelector("form[data-once]");
        const post = () => fetch(form.action, { method: "POST", body: new FormData(form) }).then((a) => a.url);
        return Promise.all([post(), post(), post()]);
    }"""
    addresses = page.evaluate(send)
    assert len(set(addresses)) == 1
    assert runs_and_orders(served, request) == [1, 1]


def test_back_and_reload_trade_nothing_more(page: Page, served: Site):
    request = new_research(served)
    log_in(page, served)
    open_preview(page, served, request)
    page.get_by_role("button", name="Execute").click()
    page.wait_for_url("**/runs/**")
    page.reload()
    page.go_back()
    page.wait_for_load_state()
    button = page.get_by_role("button", name="Execute")
    if button.count():  # the browser kept the page
        button.click()
    expect(page.get_by_text("nothing was traded again")).to_be_visible()
    assert runs_and_orders(served, request) == [1, 1]


def test_a_changed_plan_is_shown_and_asks_again(page: Page, served: Site):
    request = new_research(served)
    log_in(page, served)
    open_preview(page, served, request, strategy="Sector Leaders")
    served.python(
        "from portfolios.models import RiskPolicy, Strategy; from django.db.models import Max; "
        "strategy = Strategy.objects.annotate(newest=Max('risk_policies__version')).get(name='Sector Leaders'); "
        "RiskPolicy.objects.create(strategy=strategy, version=(strategy.newest or 0) + 1, max_position_percent=1)"
    )
    page.get_by_role("button", name="Execute").click()
    expect(page.get_by_role("heading", name="The plan has changed since you looked at it")).to_be_visible()
    expect(page.locator("#changes")).to_contain_text("BUY KO")
    assert runs_and_orders(served, request) == [0, 0]
    page.get_by_role("button", name="Execute").click()
    expect(page.get_by_text("Executed: 1 orders.")).to_be_visible()
    assert runs_and_orders(served, request) == [1, 1]


# --- every way to use it ---


def press_until_focused(page: Page, words: str) -> None:
    """Press Tab until what has the focus says these words; at most as often as the page has places to stop."""
    for _ in range(200):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "() => (document.activeElement.innerText || document.activeElement.name || '').trim()"
        )
        if focused == words:
            return
    pytest.fail(f"the keyboard does not reach {words}")


def test_the_keyboard_alone_is_enough(page: Page, served: Site):
    request = new_research(served)
    page.goto(f"{served.address}/login/?next=/research/{request}/")
    page.keyboard.type("mia")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Recommendations")).to_be_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.innerText") == "Skip to the content"
    press_until_focused(page, "Preview")
    page.keyboard.press("Enter")
    page.wait_for_url("**/preview/**")
    press_until_focused(page, "Execute")
    outline = page.evaluate("() => getComputedStyle(document.activeElement).outlineWidth")
    assert outline == "3px"
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What happened to every line")).to_be_visible()
    assert runs_and_orders(served, request)[0] == 1


def test_tables_are_ordered_in_place_and_the_address_follows(page: Page, served: Site):
    log_in(page, served)
    page.evaluate("() => { window.kept = true; }")
    page.get_by_role("region", name="Accounts").get_by_role("link", name="Return").click()
    expect(page.locator("#table-accounts th[aria-sort=ascending]")).to_contain_text("Return")
    assert "accounts.sort=return" in page.url
    assert page.evaluate("() => window.kept") is True
    page.get_by_label("Provider", exact=True).select_option("openai")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("#table-accounts tbody tr")).to_have_count(2)
    assert "provider=openai" in page.url


def test_without_scripts_everything_works_and_charts_are_tables(browser: Browser, served: Site):
    context = browser.new_context(java_script_enabled=False)
    page, request = context.new_page(), new_research(served)
    log_in(page, served)
    page.goto(f"{served.address}{pages_of(served)['account']}")
    expect(page.locator("#chart-value table")).to_be_visible()
    expect(page.locator("#chart-value .plot")).to_be_hidden()
    page.goto(f"{served.address}/?provider=openai&accounts.sort=total")
    expect(page.locator("#table-accounts tbody tr")).to_have_count(2)
    open_preview(page, served, request)
    page.get_by_role("button", name="Execute").click()
    expect(page.get_by_role("heading", name="What happened to every line")).to_be_visible()
    page.get_by_role("link", name="Check that it replays").click()
    expect(page.get_by_text("Reproduced")).to_be_visible()
    context.close()


# --- every page ---


@pytest.fixture(
    scope="module", params=[("light", 1440), ("dark", 1440), ("light", 360)], ids=["light", "dark", "360"]
)
def visitor(browser: Browser, served: Site, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Return the page of a manager who is logged in, in a color scheme and a width."""
    scheme, width = request.param
    context: BrowserContext = browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 800}, bypass_csp=False
    )
    page = context.new_page()
    log_in(page, served)
    yield page
    context.close()


def addresses(served: Site) -> dict[str, str]:
    """Return every page, with those that something went wrong on."""
    request = served.said.split()[0]
    account = served.said.split()[1]
    choices = "provider=openai&mode=allocate&initial_balance=100000&default_price=90"
    strategy = served.python(
        "from portfolios.models import Strategy; print(Strategy.objects.get(name='Sector Leaders').pk)"
    )
    return {
        **pages_of(served),
        "login": "/login/?next=/x/",
        "zone": "/zone/",
        "books of an account": f"/books/{account}/",
        "account beside a benchmark": f"/accounts/{account}/?benchmark=SPY&symbol=KO",
        "preview": f"/research/{request}/preview/?strategy={strategy}&{choices}",
        "form with errors": f"/research/{request}/preview/?strategy={strategy}&{choices}&accepted=%24",
        "nothing there": f"/research/{uuid.uuid4()}/",
    }


def test_no_page_has_an_error_in_the_console_or_breaks_the_content_policy(visitor: Page, served: Site):
    said: list[str] = []
    visitor.on("console", lambda message: said.append(message.text) if message.type != "log" else None)
    visitor.on("pageerror", lambda error: said.append(str(error)))
    for name, address in addresses(served).items():
        visitor.goto(f"{served.address}{address}")
        visitor.wait_for_load_state("networkidle")
        expected = ("status of 404", "status of 400")
        assert (name, [text for text in said if not any(word in text for word in expected)]) == (name, [])
    visitor.goto(f"{served.address}{pages_of(served)['account']}")
    expect(visitor.locator("#chart-value .main-svg").first).to_be_visible()


def test_no_page_is_wider_than_the_window(visitor: Page, served: Site):
    for name, address in addresses(served).items():
        visitor.goto(f"{served.address}{address}")
        visitor.wait_for_load_state("networkidle")
        widths = visitor.evaluate("() => [document.documentElement.scrollWidth, window.innerWidth]")
        assert (name, widths[0] <= widths[1]) == (name, True)


def test_no_page_violates_wcag_2_2_aa(visitor: Page, served: Site):
    found: dict[str, Any] = {}
    for name, address in addresses(served).items():
        visitor.goto(f"{served.address}{address}")
        visitor.wait_for_load_state("networkidle")
        visitor.evaluate(AXE)  # the debugger's own way in, which the content policy does not concern
        options = json.dumps({"runOnly": {"type": "tag", "values": RULES}})
        result = visitor.evaluate(f"() => axe.run(document, {options})")
        assert result["passes"], name
        broken = [
            (rule["id"], node["target"], node["failureSummary"])
            for rule in result["violations"]
            for node in rule["nodes"]
        ]
        if broken:
            found[name] = broken
    assert found == {}
