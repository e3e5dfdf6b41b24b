"""The pages of corporate actions: a preview by account, one booking with a reason, one reversal."""

import json
import re
from datetime import timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.test import Client
from django.urls import reverse

from portfolios import ledger
from portfolios.domain.accounting import Side
from portfolios.models import CorporateAction, LedgerEntry, Price, Strategy
from tests.portfolios.holders import EX_DAY, Holders, account, holders, in_debt, kinds_of, standing, trade
from tests.portfolios.ledger.by_hand import BY_HAND, hold
from tests.scenes import NOW, security, whole_database

pytestmark = pytest.mark.django_db

SPLIT = {"symbol": "msft", "ratio": "3:2", "on": EX_DAY, "price": "200"}
BEFORE = [("33", 9900, 10_100, 0), ("-33", 9900, 29_900, 0), ("12", 3600, 17_000, 0)]
AFTER = [("49", 9800, 10_200, 0), ("-49", 9800, 29_800, 0), ("12", 3600, 17_000, 0)]


@pytest.fixture
def held(strategy: Strategy) -> Holders:
    """Return a long, a short and a holding that a person has stated since."""
    return holders(strategy)


def browser_of(name: str, *permissions: str) -> Client:
    """Return the browser of somebody with these permissions."""
    user = User.objects.create_user(name, password="x")
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def mia(db: None) -> Client:
    """Return the browser of somebody who may book and reverse."""
    return browser_of("mia", "add_corporateaction", "change_corporateaction")


@pytest.fixture
def vera(db: None) -> Client:
    """Return the browser of somebody who may look."""
    return browser_of("vera")


def text_of(answer: Any) -> str:
    """Return what a page says, without its markup."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def form_page(kind: str, **terms: str) -> str:
    """Return the address of a form with these terms."""
    query = "&".join(f"{name}={value}" for name, value in terms.items())
    return f"{reverse('dashboard:action-book', args=[kind])}?{query}"


def effects(client: Client, address: str) -> dict[str, dict[str, Any]]:
    """Return the rows of a preview by the outcome."""
    separator = "&" if "?" in address else "?"
    rows = json.loads(client.get(f"{address}{separator}export=effects&format=json").content)["rows"]
    return {f"{row['effect']}: {row['account'].rpartition(' / ')[2]}": row for row in rows}


def sent(client: Client, address: str, reason: str = "notice of the company", *, seen: str = "") -> Any:
    """Look at a preview and send it with a reason."""
    found = re.search(r'name="seen" value="(\w+)"', client.get(address).content.decode())
    return client.post(address, {"seen": seen or (found[1] if found else ""), "reason": reason})


def test_a_preview_says_what_a_split_means_for_each_account_and_writes_nothing(mia: Client, held: Holders):
    before = whole_database()
    address = form_page("split", **SPLIT)
    text = text_of(mia.get(address))
    assert "Split 3:2 of MSFT on 2026-01-06" in text
    assert "It would be booked in 2 accounts, 1 left out." in text
    rows = effects(mia, address)
    assert sorted(rows) == ["left out: Gemini", "to be booked: Anthropic", "to be booked: OpenAI"]
    long = rows["to be booked: Anthropic"]
    assert [Decimal(long[name]) for name in ("then", "before", "after", "cost_before", "cost_after")] == [
        33, 33, 49, 9900, 9800,
    ]  # fmt: skip
    assert (long["cash"], long["owed"], rows["to be booked: OpenAI"]["cash"]) == ("100.00", "0", "-100.00")
    assert "a person has stated since then what is held" in rows["left out: Gemini"]["why"]
    assert rows["left out: Gemini"]["after"] is None
    assert whole_database() == before


def test_a_split_is_booked_once_with_its_reason_and_who_was_left_out_is_named(mia: Client, held: Holders):
    assert held.standing() == BEFORE
    answer = sent(mia, form_page("split", **SPLIT))
    action = CorporateAction.objects.get()
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/corporate-actions/{action.pk}/")
    text = text_of(mia.get(answer.headers["Location"]))
    assert "booked in 2 accounts, 1 left out" in text
    assert "Left out: Large caps / Gemini: a person has stated since" in text
    assert "Cash in lieu" in text
    assert held.standing() == AFTER
    assert (action.actor, action.reason, action.account_count) == ("mia", "notice of the company", 2)
    again = sent(mia, form_page("split", **SPLIT))
    assert again.status_code == 303
    assert "was booked before; nothing was booked again" in text_of(mia.get(again.headers["Location"]))
    assert held.standing() == AFTER
    text = text_of(mia.get(form_page("split", **SPLIT)))
    assert "This is booked already" in text
    assert "Who is left out still wants somebody to look." in text


def test_who_was_left_out_is_booked_by_the_same_action_later(mia: Client, strategy: Strategy):
    for symbol in ("FB", "META"):
        security(symbol)
    both, one = account(strategy, "anthropic"), account(strategy, "openai")
    trade(both, "BUY 10 FB @ 100")
    trade(both, "SELL_SHORT 5 META @ 100")
    trade(one, "BUY 10 FB @ 100")
    address = form_page("symbol-change", symbol="FB", new="META", on=EX_DAY)
    assert "booked in 1 account, 1 left out" in text_of(mia.get(sent(mia, address).headers["Location"]))
    trade(both, "BUY_TO_COVER 5 META @ 100", on=3)
    assert sorted(effects(mia, address)) == ["booked before: OpenAI", "to be booked: Anthropic"]
    answer = sent(mia, address)
    assert "booked in 1 account, 1 booked before" in text_of(mia.get(answer.headers["Location"]))
    for row in (both, one):
        assert row.positions.get(status="open").security_id == "META"
    assert CorporateAction.objects.get().account_count == 2


def test_a_dividend_that_was_spent_is_not_reversed_for_anybody(mia: Client, strategy: Strategy):
    security("MSFT")
    spent, kept = account(strategy, "anthropic"), account(strategy, "openai")
    for row in (spent, kept):
        trade(row, "BUY 100 MSFT @ 50")
    sent(mia, form_page("dividend", symbol="MSFT", per_share="0.25", on=EX_DAY))
    spent.refresh_from_db()
    with transaction.atomic():
        ledger.withdraw(spent, amount=spent.cash_balance, context=BY_HAND)
    before = whole_database()
    address = reverse("dashboard:action-reverse", args=[CorporateAction.objects.get().pk])
    answer = mia.get(address)
    assert (answer.status_code, 'name="seen"' in answer.content.decode()) == (409, False)
    assert f"account {spent.pk}: cannot be reversed" in text_of(answer)
    assert sent(mia, address, "wrong").status_code == 409
    assert whole_database() == before


def test_a_dividend_pays_who_has_sold_since(mia: Client, strategy: Strategy):
    security("MSFT")
    sold, bought = account(strategy, "anthropic"), account(strategy, "openai")
    trade(sold, "BUY 100 MSFT @ 50")
    trade(sold, "SELL 100 MSFT @ 50", on=2)
    trade(bought, "BUY 100 MSFT @ 50", on=1)
    address = form_page("dividend", symbol="MSFT", per_share="0.25", on=EX_DAY)
    rows = effects(mia, address)
    assert rows["to be booked: Anthropic"]["cash"] == "25.00"
    assert "nothing was held at the close before" in rows["not affected: OpenAI"]["why"]
    assert sent(mia, address).status_code == 303
    assert (standing(sold)[2], standing(bought)[2]) == (20_025, 15_000)
    assert LedgerEntry.objects.get(kind="DIVIDEND").effective_on.isoformat() == EX_DAY


def test_a_new_symbol_carries_the_holding_over(mia: Client, strategy: Strategy):
    security("FB")
    row = account(strategy, "anthropic")
    trade(row, "BUY 10 FB @ 100")
    answer = sent(mia, form_page("symbol-change", symbol="FB", new="META", on=EX_DAY))
    assert answer.status_code == 303
    held = row.positions.get(status="open")
    assert (held.security_id, held.quantity, held.cost_basis) == ("META", 10, 1000)
    assert kinds_of(row)[-2:] == ["TRANSFER", "TRANSFER"]
    assert "change of symbol META" in text_of(mia.get(answer.headers["Location"]))


def test_an_action_is_reversed_with_a_reason_to_the_cent(mia: Client, held: Holders):
    sent(mia, form_page("split", **SPLIT))
    key = CorporateAction.objects.get().pk
    address = reverse("dashboard:action-reverse", args=[key])
    assert "Preview the reversal" in text_of(mia.get(f"/corporate-actions/{key}/"))
    rows = effects(mia, address)
    assert [Decimal(rows["to be reversed: Anthropic"][name]) for name in ("before", "after", "cash")] == [
        49, 33, -100,
    ]  # fmt: skip
    assert "then" not in rows["to be reversed: Anthropic"]
    answer = sent(mia, address, "it was another ratio")
    assert (answer.status_code, held.standing()) == (303, BEFORE)
    text = text_of(mia.get(answer.headers["Location"]))
    assert "Reversed by mia" in text
    assert "it was another ratio" in text
    assert "Preview the reversal" not in text
    again = mia.get(address)
    assert (again.status_code, again.headers["Location"]) == (303, f"/corporate-actions/{key}/")
    assert sent(mia, form_page("split", **{**SPLIT, "ratio": "3:1", "price": ""})).status_code == 303
    assert held.standing()[0][:2] == ("99", 9900)


@pytest.mark.parametrize(
    ("terms", "words", "status"),
    [
        ({"on": "2999-01-01"}, "still to come", 409),
        ({"symbol": "NOPE"}, "not a known security", 409),
        ({"ratio": "1"}, "nothing changes", 409),
        ({"ratio": "0:1"}, "must be above zero", 409),
        ({"ratio": "four"}, "not a number", 400),
        ({"ratio": "1e999999999"}, "at most 15 digits", 400),
        ({"price": "0"}, "price is 0", 409),
        ({"price": "x"}, "Enter a number", 400),
        ({"price": ""}, "give the price per new unit", 409),
        ({"on": "6.1.2026"}, "Enter a valid date", 400),
        ({"on": "0001-01-01"}, "It would be booked in 0 accounts", 200),
        ({"symbol": "M$FT"}, "is not a symbol", 400),
    ],
)
def test_what_cannot_be_booked_says_why_and_has_no_button(
    mia: Client, held: Holders, terms: dict[str, str], words: str, status: int
):
    before = whole_database()
    answer = mia.get(form_page("split", **{**SPLIT, **terms}))
    assert (answer.status_code, words in text_of(answer)) == (status, True), text_of(answer)
    if status != 200:
        assert 'name="seen"' not in answer.content.decode()
        assert mia.post(form_page("split", **{**SPLIT, **terms}), {"reason": "x"}).status_code == status
    assert whole_database() == before


def test_without_a_reason_and_without_having_looked_nothing_is_booked(mia: Client, held: Holders):
    before, address = whole_database(), form_page("split", **SPLIT)
    assert sent(mia, address, " ").status_code == 400
    late = sent(mia, address, seen="another")
    assert late.status_code == 409
    assert "The books have changed since you looked" in text_of(late)
    assert whole_database() == before


def test_a_stored_price_that_came_since_the_preview_is_shown_first(mia: Client, held: Holders):
    Price.objects.create(security_id="MSFT", price=300, source="test", as_of=NOW)
    address = form_page("split", **{**SPLIT, "price": ""})
    seen = re.search(r'name="seen" value="(\w+)"', mia.get(address).content.decode())
    assert seen is not None
    Price.objects.filter(security_id="MSFT").update(price=330)
    assert sent(mia, address, seen=seen[1]).status_code == 409
    assert held.standing() == BEFORE


def test_where_everybody_is_left_out_there_is_nothing_to_press(mia: Client, held: Holders):
    security("KO")
    hold(held.long, "KO", Side.LONG, "10", "50")
    hold(held.long, "KO", Side.LONG, "12", "50", now=NOW + timedelta(days=2))
    before, address = whole_database(), form_page("split", **{**SPLIT, "symbol": "KO"})
    answer = mia.get(address)
    assert "every account that it concerns is left out" in text_of(answer)
    assert 'name="seen"' not in answer.content.decode()
    assert sent(mia, address).status_code == 409
    assert whole_database() == before


def test_who_may_only_look_sees_the_list_and_no_button(vera: Client, mia: Client, held: Holders):
    sent(mia, form_page("split", **SPLIT))
    key, before = CorporateAction.objects.get().pk, whole_database()
    for address in ("/corporate-actions/", f"/corporate-actions/{key}/"):
        text = text_of(vera.get(address))
        assert "3:2" in text
        assert "Apply a split" not in text
        assert "Preview the reversal" not in text
    reversing = reverse("dashboard:action-reverse", args=[key])
    for address in (form_page("split", **{**SPLIT, "on": "2026-01-07"}), reversing):
        assert (vera.get(address).status_code, vera.post(address, {"reason": "x"}).status_code) == (403, 403)
    assert whole_database() == before


def test_booking_and_reversing_are_two_permissions(held: Holders):
    booker = browser_of("bo", "add_corporateaction")
    assert sent(booker, form_page("split", **SPLIT)).status_code == 303
    key = CorporateAction.objects.get().pk
    assert "Preview the reversal" not in text_of(booker.get(f"/corporate-actions/{key}/"))
    assert booker.get(reverse("dashboard:action-reverse", args=[key])).status_code == 403


def test_the_list_has_the_reversed_ones_and_is_exported(mia: Client, held: Holders):
    sent(mia, form_page("split", **SPLIT))
    sent(mia, reverse("dashboard:action-reverse", args=[CorporateAction.objects.get().pk]), "wrong")
    sent(mia, form_page("dividend", symbol="MSFT", per_share="0.5", on="2026-01-07"))
    rows = json.loads(mia.get("/corporate-actions/?export=actions&format=json").content)["rows"]
    assert [(row["effective"], row["kind"], row["terms"], row["state"]) for row in rows] == [
        ("2026-01-07", "Cash dividend", "0.50", "booked"), (EX_DAY, "Split", "3:2", "reversed"),
    ]  # fmt: skip


def test_what_is_not_there_is_not_found(mia: Client, db: None):
    for address in ("/corporate-actions/7/", "/corporate-actions/7/reverse/", "/corporate-actions/spin-off/"):
        assert mia.get(address).status_code == 404


def test_what_an_account_owes_is_on_its_page_and_needs_attention(vera: Client, strategy: Strategy):
    row = in_debt(strategy)
    assert standing(row)[2:] == (0, 229)
    text = text_of(vera.get(reverse("dashboard:account", args=[row.pk])))
    assert "Owed $229.00" in text
    assert "16.00 per unit on 2026-01-06" in text
    booked = json.loads(vera.get(f"/accounts/{row.pk}/?export=ledger&format=json").content)["rows"]
    assert (booked[0]["kind"], booked[0]["amount"], booked[0]["owed"]) == ("Dividend", "-299.00", "229.00")
    assert booked[0]["effective"] == EX_DAY
    overview = text_of(vera.get("/"))
    assert "account owes a dividend that its cash did not cover" in overview
    assert "owes $229.00" in overview
