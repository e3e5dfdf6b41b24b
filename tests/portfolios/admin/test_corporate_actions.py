"""Corporate actions in the admin: booked from a security's page, listed with their entries, reversed."""

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

import folios.urls  # noqa: F401  # discovers the admin's modules
from portfolios.models import CorporateAction, LedgerEntry, PortfolioAccount, Security, Strategy
from tests.folios.admin.admin_forms import act, errors_of, hidden, page
from tests.portfolios.holders import EX_DAY, Holders, account, holders, in_debt, standing, trade
from tests.scenes import security, whole_database

pytestmark = pytest.mark.django_db

SPLIT = {"ratio": "3:2", "on": EX_DAY, "price": "200"}
BEFORE = [("33", 9900, 10_100, 0), ("-33", 9900, 29_900, 0), ("12", 3600, 17_000, 0)]
AFTER = [("49", 9800, 10_200, 0), ("-49", 9800, 29_800, 0), ("12", 3600, 17_000, 0)]


@pytest.fixture
def boss(client: Client) -> Client:
    """Return a browser with a superuser logged in."""
    client.force_login(User.objects.create_superuser("boss", password="x"))
    return client


@pytest.fixture
def held(strategy: Strategy) -> Holders:
    """Return a long, a short and a holding that a person has stated since."""
    return holders(strategy)


def msft() -> Security:
    """Return the security that they hold."""
    return Security.objects.get(symbol="MSFT")


def text_of(answer: Any) -> str:
    """Return what a page says, without its markup."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def previewed(client: Client, action: str, **terms: str) -> Any:
    """Return the page of an action on MSFT with these terms filled in."""
    address = f"{page(Security, 'do', action)}?ids={msft().pk}"
    return client.post(address, {**hidden(client.get(address)), **terms, "_preview": "1"})


def test_a_security_leads_to_its_actions_and_a_preview_writes_nothing(boss: Client, held: Holders):
    shown = text_of(boss.get(page(Security, "change", msft().pk)))
    for words in ("Apply a split", "Record a dividend", "Change the symbol", "Corporate actions, newest day first"):
        assert words in shown
    before = whole_database()
    text = text_of(previewed(boss, "split", **SPLIT))
    assert "Split 3:2 of MSFT on 2026-01-06: to be booked in 2 accounts, 1 left out." in text
    assert "What is left below a step is paid at 200.00 per new unit." in text
    assert "Large caps / Anthropic to be booked 33.00 33.00 49.00 9,900.00 9,800.00 100.00 0.00 0.00" in text
    assert "Large caps / OpenAI to be booked -33.00 -33.00 -49.00 9,900.00 9,800.00 -100.00" in text
    assert "Large caps / Gemini left out" in text
    assert "a person has stated since then" in text
    assert whole_database() == before


def test_a_split_is_booked_with_a_reason_and_once(boss: Client, held: Holders):
    assert held.standing() == BEFORE
    done = act(boss, msft(), "split", "notice of the company", **SPLIT)
    assert done.status_code == 302, errors_of(done)
    assert held.standing() == AFTER
    action = CorporateAction.objects.get()
    assert (action.actor, action.reason) == ("boss", "notice of the company")
    assert "booked in 2 accounts, 1 left out" in LogEntry.objects.latest("pk").change_message
    again = act(boss, msft(), "split", "again", **SPLIT)
    assert "This is booked already: nothing would be booked now." in errors_of(again)
    assert held.standing() == AFTER


def test_an_action_is_shown_with_its_entries_and_reversed(boss: Client, held: Holders):
    act(boss, msft(), "split", "notice of the company", **SPLIT)
    action = CorporateAction.objects.get()
    shown = text_of(boss.get(page(CorporateAction, "change", action.pk)))
    for words in ("3:2", "Cash in lieu", "Large caps / OpenAI", "-100.00", "Reverse"):
        assert words in shown
    address = f"{page(CorporateAction, 'do', 'reverse')}?ids={action.pk}"
    assert "Large caps / Anthropic to be reversed 49.00 33.00 9,800.00 9,900.00 -100.00" in text_of(
        boss.get(address)
    )
    without = boss.post(address, {**hidden(boss.get(address)), "reason": " ", "_confirm": "1"})
    assert "Give a reason" in errors_of(without)
    assert held.standing() == AFTER
    assert act(boss, action, "reverse", "another ratio").status_code == 302
    assert held.standing() == BEFORE
    action.refresh_from_db()
    assert (action.reversed_by, action.reversal_reason) == ("boss", "another ratio")
    listed = text_of(boss.get(page(CorporateAction, "changelist")))
    assert "reversed" in listed
    assert "was reversed on" in errors_of(boss.get(address))
    assert ">Reverse<" not in boss.get(page(CorporateAction, "change", action.pk)).content.decode()


def test_a_dividend_pays_who_has_sold_since(boss: Client, strategy: Strategy):
    security("MSFT")
    sold = account(strategy, "anthropic")
    trade(sold, "BUY 100 MSFT @ 50")
    trade(sold, "SELL 100 MSFT @ 50", on=2)
    done = act(boss, msft(), "dividend", "notice", per_share="0.25", on=EX_DAY)
    assert done.status_code == 302, errors_of(done)
    assert standing(sold)[2] == 20_025
    entry = LedgerEntry.objects.get(kind="DIVIDEND")
    listed = text_of(boss.get(page(LedgerEntry, "changelist")))
    assert (entry.actor, entry.reason) == ("boss", "Dividend 0.25 per unit on 2026-01-06: notice")
    assert "Jan. 6, 2026" in listed or EX_DAY in listed


def test_a_new_symbol_carries_the_holding_over(boss: Client, held: Holders):
    done = act(boss, msft(), "symbol-change", "merger", new="msfx", on="2026-01-08")
    assert done.status_code == 302, errors_of(done)
    assert held.long.positions.filter(status="open").get().security_id == "MSFX"


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ({"on": "2999-01-01"}, "still to come"),
        ({"ratio": "1"}, "nothing changes"),
        ({"ratio": "four"}, "not a number"),
        ({"price": ""}, "give the price per new unit"),
        ({"on": ""}, "This field is required"),
    ],
)
def test_what_cannot_be_booked_says_why(boss: Client, held: Holders, terms: dict[str, str], words: str):
    before = whole_database()
    assert words in errors_of(previewed(boss, "split", **{**SPLIT, **terms}))
    assert whole_database() == before


def test_books_that_have_changed_since_the_preview_are_shown_again(boss: Client, held: Holders):
    shown = previewed(boss, "split", **SPLIT)
    trade(held.long, "BUY 1 MSFT @ 200", on=2)
    late = boss.post(page(Security, "do", "split"), {**hidden(shown), **SPLIT, "reason": "late", "_confirm": "1"})
    assert "the books have changed since the preview" in errors_of(late)
    assert not CorporateAction.objects.exists()


def test_who_may_not_book_sees_no_button_and_writes_nothing(client: Client, held: Holders):
    looker = User.objects.create_user("rita", password="x", is_staff=True)
    codenames = ("view_security", "view_corporateaction", "change_security")
    looker.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(looker)
    before = whole_database()
    assert "Apply a split" not in text_of(client.get(page(Security, "change", msft().pk)))
    address = f"{page(Security, 'do', 'split')}?ids={msft().pk}"
    assert (client.get(address).status_code, client.post(address, SPLIT).status_code) == (403, 403)
    assert whole_database() == before


def test_the_trail_tells_of_bookings_and_reversals(boss: Client, held: Holders):
    act(boss, msft(), "split", "notice of the company", **SPLIT)
    act(boss, CorporateAction.objects.get(), "reverse", "another ratio")
    text = text_of(boss.get(f"{reverse('audit')}?source=action"))
    assert "Split 3:2 of 2026-01-06 booked in 2 accounts" in text
    assert "notice of the company" in text
    assert "Split 3:2 of 2026-01-06 reversed" in text
    assert "another ratio" in text
    for query, found in (
        (f"account={held.long.pk}", True), (f"account={held.stated.pk}", False), ("symbol=KO", False),
        ("symbol=MSFT", True), ("person=boss", True), ("person=rita", False),
    ):  # fmt: skip
        shown = text_of(boss.get(f"{reverse('audit')}?source=action&{query}"))
        assert (query, "Split 3:2" in shown) == (query, found)


def test_what_an_account_owes_is_shown_and_needs_attention(boss: Client, strategy: Strategy):
    row = in_debt(strategy)
    assert "229.00" in text_of(boss.get(page(PortfolioAccount, "changelist")))
    shown = text_of(boss.get(page(PortfolioAccount, "change", row.pk)))
    assert re.search(r"Owed:? 229\.00", shown)
    index = boss.get(reverse("admin:index")).content.decode()
    assert "account owes a dividend that its cash did not cover" in index
    address = re.search(r'href="([^"]*payable__gt=0[^"]*)"', index)
    assert address is not None
    assert "Large caps / Anthropic" in text_of(boss.get(unescape(address[1])))
