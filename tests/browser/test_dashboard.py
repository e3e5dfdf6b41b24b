"""The dashboard in a real browser: Monday morning, double clicks, a changed plan, the keyboard, no scripts."""

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from playwright.sync_api import TimeoutError as WaitedTooLong

from portfolios.domain.exchange_day import exchange_day
from tests.browser.server import PASSWORD, Site
from tests.make_screenshots import pages_of
from tests.processes import ROOT

pytestmark = pytest.mark.slow

AXE = (ROOT / "tests/browser/vendor/axe-core/axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PUT = """
from django.conf import settings
from portfolios.models import Strategy
from tests.demo import put
request = put(settings.ARTIFACTS_ROOT, {})
Strategy.objects.create(name="Desk " + request.partition("-")[0])
print(request)
"""
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
    return served.python(PUT.format(lines))


def desk_of(request: str) -> str:
    """Return the name of the strategy that a test's research is for: no test trades in another's account."""
    return f"Desk {request.partition('-')[0]}"


def open_preview(page: Page, served: Site, request: str) -> None:
    """Fill in the form of a request and open its preview."""
    page.goto(f"{served.address}/research/{request}/")
    form = page.locator("form[action$='/preview/']")
    form.get_by_label("Strategy").select_option(label=desk_of(request))
    form.get_by_label("Provider").select_option("custom")
    form.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name=f"Preview: {desk_of(request)}")).to_be_visible()


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
    expect(page.get_by_text("The account would be opened with $100,000.00.")).to_be_visible()
    assert runs_and_orders(served, request) == [0, 0]
    page.get_by_role("button", name="Execute").click()
    expect(page.get_by_text("Executed: 1 order.")).to_be_visible()
    expect(page.get_by_text("Bought", exact=False).first).to_be_visible()
    expect(page.get_by_text("not one of BUY, SELL")).to_be_visible()
    page.wait_for_load_state()  # before its scripts run the link leads to a page of its own
    page.get_by_role("link", name="Reproduce this run").click()
    expect(page.get_by_text("Reproduced: planned again, the same 1 order and 3 decisions")).to_be_visible()
    page.get_by_role("link", name="Custom").click()
    expect(page.get_by_role("heading", name=f"{desk_of(request)}: Custom")).to_be_visible()
    page.get_by_role("link", name="KO", exact=True).click()
    expect(page.get_by_text("Orders and ledger show KO alone.")).to_be_visible()
    assert runs_and_orders(served, request) == [1, 1]


def test_a_manager_settles_what_is_unclear_and_reverses_a_run(page: Page, served: Site):
    request = new_research(served)
    log_in(page, served)
    page.get_by_role("link", name="Research", exact=True).click()
    page.get_by_role("button", name="Scan inbox").click()
    expect(page.get_by_text("Inbox scanned:")).to_be_visible()
    open_preview(page, served, request)
    page.get_by_role("button", name="Execute").click()
    expect(page.get_by_text("Executed: 1 order.")).to_be_visible()

    page.goto(f"{served.address}/research/{request}/")
    answer = page.get_by_role("form", name="Resolution of line 3")
    answer.get_by_label("Action").select_option("BUY")
    answer.get_by_label("Reason").fill("asked the analyst")
    answer.get_by_role("button").click()
    expect(page.get_by_text("Kept: line 3: BUY")).to_be_visible()
    open_preview(page, served, request)
    expect(page.get_by_text("run 2 of the request")).to_be_visible()
    page.get_by_role("button", name="Execute").click()
    expect(page.get_by_text("Executed: 1 order.")).to_be_visible()
    expect(page.get_by_role("heading", name="Other runs of the request")).to_be_visible()
    assert runs_and_orders(served, request) == [2, 2]

    page.get_by_role("link", name="Preview the reversal").click()
    expect(page.locator("#table-positions")).to_contain_text("PFE")
    page.get_by_label("Reason").fill("a wrong price")
    page.get_by_role("button", name="Reverse").click()
    expect(page.get_by_text("Reversed: 1 ledger entry of 1 order.")).to_be_visible()
    expect(page.get_by_text("a wrong price")).to_be_visible()


def test_a_manager_books_a_dividend_and_reverses_it(page: Page, served: Site):
    log_in(page, served)
    page.get_by_role("link", name="Books", exact=True).click()
    page.get_by_role("link", name="Corporate actions: splits").click()
    page.get_by_role("link", name="Record a dividend").click()
    page.get_by_label("Symbol").fill("pfe")
    page.get_by_label("Cash per unit").fill("0.42")
    page.get_by_label("Ex-date").fill(exchange_day(datetime.now(UTC)).isoformat())
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="Dividend 0.42 per unit of PFE")).to_be_visible()
    page.get_by_label("Reason").fill("notice of the company")
    page.get_by_role("button", name="Book").dblclick()
    expect(page.get_by_role("heading", name="PFE: cash dividend 0.42 booked")).to_be_visible()
    page.get_by_role("link", name="Preview the reversal").click()
    page.get_by_label("Reason").fill("it was another amount")
    page.get_by_role("button", name="Reverse").click()
    expect(page.get_by_text("it was another amount")).to_be_visible()
    count = "from portfolios.models import CorporateAction as A; print(A.objects.filter(security_id='PFE').count())"
    assert served.python(count) == "1"


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


def test_enter_twice_without_the_script_trades_once(chromium_browser: Browser, served: Site):
    context = chromium_browser.new_context(java_script_enabled=False)
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
    open_preview(page, served, request)
    served.python(
        "from portfolios.models import RiskPolicy, Strategy; "
        f"strategy = Strategy.objects.get(name='{desk_of(request)}'); "
        "RiskPolicy.objects.create(strategy=strategy, max_position_percent=1)"
    )
    page.get_by_role("button", name="Execute").click()
    expect(page.get_by_role("heading", name="The plan has changed since you previewed it")).to_be_visible()
    expect(page.locator("#changes")).to_contain_text("BUY KO")
    assert runs_and_orders(served, request) == [0, 0]
    page.get_by_role("button", name="Execute").click()
    expect(page.get_by_text("Executed: 1 order.")).to_be_visible()
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
    expect(page.get_by_label("Name")).to_be_focused()
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


def test_without_scripts_everything_works_and_charts_are_tables(chromium_browser: Browser, served: Site):
    context = chromium_browser.new_context(java_script_enabled=False)
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
    page.get_by_role("link", name="Reproduce this run").click()
    expect(page.get_by_text("Reproduced")).to_be_visible()
    context.close()


# --- every page ---


@dataclass(frozen=True)
class Visit:
    """What a visit of one page showed: what the console said, how wide it is, and what axe-core found."""

    console: list[str]
    is_too_wide: bool
    violations: list[Any]


LOOKS = (("light", 1440), ("dark", 1440), ("light", 360))


@pytest.fixture(scope="module")
def visits(chromium_browser: Browser, served: Site) -> dict[str, Visit]:
    """Return what a manager sees of every page, in each color scheme and width."""
    # Without motion no color is looked at while it changes.
    context = chromium_browser.new_context(reduced_motion="reduce", viewport={"width": 1440, "height": 800})
    page = context.new_page()
    log_in(page, served)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    found = {
        f"{name}, {scheme}, {width}": seen
        for name, address in addresses(served).items()
        for (scheme, width), seen in visit(page, f"{served.address}{address}", said).items()
    }
    context.close()
    return found


def visit(page: Page, address: str, said: list[str]) -> dict[tuple[str, int], Visit]:
    """Open a page, whose scripts are done when it is loaded, and look at it in every way."""
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1440, "height": 800})
    said.clear()
    page.goto(address)
    page.evaluate(AXE)  # the debugger's own way in, which the content policy does not concern
    found = {}
    for scheme, width in LOOKS:
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(150)  # charts follow the width and the scheme
        found[scheme, width] = Visit(list(said), is_too_wide(page), violations(page))
    return found


def is_too_wide(page: Page) -> bool:
    """Return whether a page is wider than its window, and stays so on a machine that has much else to do."""
    try:
        page.wait_for_function("() => document.documentElement.scrollWidth <= window.innerWidth", timeout=2_000)
    except WaitedTooLong:
        return True
    return False


def violations(page: Page) -> list[Any]:
    """Return what breaks WCAG 2.2 AA on a page that axe-core is in: the rule, where, and how."""
    options = json.dumps({"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]})
    found = page.evaluate(f"() => axe.run(document, {options})")
    assert found["passes"]
    return [
        (rule["id"], node["target"], node["failureSummary"])
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def addresses(served: Site) -> dict[str, str]:
    """Return every page, with those that something went wrong on."""
    words = served.said.split()
    (request, account), (hard, its_run, its_request, action) = words[:2], words[4:]
    today = exchange_day(datetime.now(UTC)).isoformat()
    choices = "provider=openai&mode=allocate&initial_balance=100000&default_price=90"
    strategy = served.python(
        "from portfolios.models import Strategy; print(Strategy.objects.get(name='Sector Leaders').pk)"
    )
    refused = served.python(
        "from execution.models import RefusedPrice; from portfolios.models import Position; "
        "from django.utils import timezone; held = Position.objects.filter(status='open').first(); "
        "values = dict(security=held.security, price='1.25', source='file', reference=held.mark_price, "
        "basis='last close', band_percent=25, as_of=timezone.now(), refused_at=timezone.now()); "
        "print(RefusedPrice.objects.create(**values).pk)"
    )
    return {
        **pages_of(served),
        "prices that wait": "/prices/",
        "accepting a price": f"/prices/{refused}/accept/",
        "timezone": "/timezone/",
        "books of an account": f"/books/{account}/",
        "account beside a benchmark": f"/accounts/{account}/?benchmark=SPY&symbol=KO",
        "preview": f"/research/{request}/preview/?strategy={strategy}&{choices}",
        "form with errors": f"/research/{request}/preview/?strategy={strategy}&{choices}&accepted=%24",
        "nothing there": f"/research/{uuid.uuid4()}/",
        "account with a long name and large amounts": f"/accounts/{hard}/",
        "run of it": f"/runs/{its_run}/",
        "reversing it": f"/runs/{its_run}/reverse/",
        "corporate actions": "/corporate-actions/",
        "corporate action": f"/corporate-actions/{action}/",
        "reversing an action": f"/corporate-actions/{action}/reverse/",
        "form of a split": "/corporate-actions/split/",
        "split that is refused": "/corporate-actions/split/?symbol=KO&ratio=1:7&price=500&on=2999-01-01",
        "preview of a split": f"/corporate-actions/split/?symbol=XOM&ratio=1:7&price=784.77&on={today}",
        "preview of a dividend": f"/corporate-actions/dividend/?symbol=XOM&per_share=0.99&on={today}",
        "change of symbol with errors": "/corporate-actions/symbol-change/?symbol=%24&new=&on=",
        "inbox of one state": "/research/?state=executed",
        "confirming a line": f"/research/{request}/?line=1",
        "request of it": f"/research/{its_request}/",
    }


def test_no_page_has_an_error_in_the_console_or_breaks_the_content_policy(visits: dict[str, Visit]):
    # What the browser says of an answer that is a refusal.
    expected = ("status of 404", "status of 400", "status of 409")
    said = {
        name: [text for text in seen.console if not any(word in text for word in expected)]
        for name, seen in visits.items()
    }
    assert {name: words for name, words in said.items() if words} == {}


def test_no_page_is_wider_than_the_window(visits: dict[str, Visit]):
    assert [name for name, seen in visits.items() if seen.is_too_wide] == []


def test_no_page_violates_wcag_2_2_aa(visits: dict[str, Visit]):
    assert {name: seen.violations for name, seen in visits.items() if seen.violations} == {}


def test_the_login_is_as_good_as_any_other_page(page: Page, served: Site):
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    for seen in visit(page, f"{served.address}/login/?next=/runs/", said).values():
        assert (seen.console, seen.is_too_wide, seen.violations) == ([], False, [])


def test_what_the_visits_look_for_would_be_noticed(page: Page, served: Site):
    """The control: an inline script, a word without end and an image without words are found."""
    log_in(page, served)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.evaluate(
        """() => {
            document.body.insertAdjacentHTML("beforeend", "<img src='/static/folios/favicon.svg'>");
            const script = document.createElement("script");
            script.textContent = "window.broken = true";
            document.body.append(script);
            const wide = document.createElement("p");
            wide.textContent = "x".repeat(5000);
            document.body.append(wide);
        }"""
    )
    page.evaluate(AXE)
    assert "image-alt" in [rule for rule, _, _ in violations(page)]
    assert is_too_wide(page)
    assert page.evaluate("() => window.broken") is None
    assert any("Content Security Policy" in text for text in said)


def test_charts_are_drawn_from_their_tables(page: Page, served: Site):
    log_in(page, served)
    page.goto(f"{served.address}{pages_of(served)['account']}")
    expect(page.locator("#chart-value .main-svg").first).to_be_visible()
    expect(page.locator("#chart-value table")).to_be_hidden()
    page.locator("#chart-value summary").click()
    expect(page.locator("#chart-value table")).to_be_visible()
