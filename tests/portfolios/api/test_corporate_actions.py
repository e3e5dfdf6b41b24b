"""Corporate actions over HTTP: previewed by account, booked once, listed, reversed."""

from typing import Any

import pytest

from portfolios.models import CorporateAction, LedgerEntry, Strategy
from tests.folios.api.callers import Caller, problem
from tests.folios.api.conftest import token_of, user_with
from tests.portfolios.holders import EX_DAY, Holders, account, holders, in_debt, standing, trade
from tests.scenes import security, whole_database

pytestmark = pytest.mark.django_db

ADDRESS = "/corporate-actions"
WHY = {"reason": "notice of the company"}
SPLIT: dict[str, Any] = {"symbol": "MSFT", "ratio": "3:2", "effective_on": EX_DAY, "price": "200"}
DIVIDEND: dict[str, Any] = {"symbol": "MSFT", "per_share": "0.25", "effective_on": EX_DAY}
BEFORE = [("33", 9900, 10_100, 0), ("-33", 9900, 29_900, 0), ("12", 3600, 17_000, 0)]
AFTER = [("49", 9800, 10_200, 0), ("-49", 9800, 29_800, 0), ("12", 3600, 17_000, 0)]


@pytest.fixture
def held(strategy: Strategy) -> Holders:
    """Return a long, a short and a holding that a person has stated since."""
    return holders(strategy)


def by_account(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the effects of a report by the provider's name."""
    return {each["account"].rpartition(" / ")[2]: each for each in report["effects"]}


def test_a_preview_says_what_a_split_means_for_each_account_and_writes_nothing(held: Holders):
    reader = Caller(token_of(user_with("rita", "view_corporateaction"), read_only=True))
    before = whole_database()
    answer = reader.post(f"{ADDRESS}/split/preview/", SPLIT)
    report = answer.json()
    assert (answer.status_code, report["action_id"], report["repeated"]) == (200, None, False)
    assert (report["terms"], report["accounts"], report["cash"], report["owed"]) == ("3:2", 2, "0.00", "0.00")
    names = ("effect", "then", "before", "after", "cost_before", "cost_after", "cash", "owed", "realized_pnl")
    found = {name: [each[part] for part in names] for name, each in by_account(report).items()}
    assert found == {
        "Anthropic": ["booked", "33.00", "33.00", "49.00", "9900.00", "9800.00", "100.00", "0.00", "0.00"],
        "OpenAI": ["booked", "-33.00", "-33.00", "-49.00", "9900.00", "9800.00", "-100.00", "0.00", "0.00"],
        "Gemini": ["left_out", *[None] * 8],
    }
    assert "a person has stated since then" in by_account(report)["Gemini"]["message"]
    assert reader.post(f"{ADDRESS}/split/preview/", {**SPLIT, **WHY}).json() == report
    assert whole_database() == before


def test_a_split_is_booked_once_and_a_call_again_says_so(caller: Caller, held: Holders):
    assert held.standing() == BEFORE
    first = caller.post(f"{ADDRESS}/split/", {**SPLIT, **WHY})
    key = CorporateAction.objects.get().pk
    assert (first.status_code, first.json()["repeated"], first.json()["action_id"]) == (201, False, key)
    assert first.headers["Location"].endswith(f"/api/v1/corporate-actions/{key}/")
    assert held.standing() == AFTER
    before = whole_database()
    again = caller.post(f"{ADDRESS}/split/", {**SPLIT, **WHY})
    assert (again.status_code, again.json()["repeated"]) == (200, True)
    assert by_account(again.json())["Anthropic"]["effect"] == "booked_before"
    other = problem(caller.post(f"{ADDRESS}/split/", {**SPLIT, **WHY, "ratio": "3:1"}), 422, "CANNOT_BOOK")
    assert "reverse that one first" in other["detail"]
    assert whole_database() == before


def test_an_action_is_listed_and_shown_with_its_entries(caller: Caller, held: Holders):
    key = caller.post(f"{ADDRESS}/split/", {**SPLIT, **WHY}).json()["action_id"]
    shown = caller.get(f"{ADDRESS}/{key}/").json()
    assert (shown["actor"], shown["reason"], shown["price"]) == ("carol", "notice of the company", "200.00")
    lieu = [each for each in shown["entries"] if each["kind"] == "CASH_IN_LIEU"]
    assert sorted(each["amount"] for each in lieu) == ["-100.00", "100.00"]
    assert {each["account"] for each in lieu} == {str(held.long.pk), str(held.short.pk)}
    entries = caller.rows(f"/accounts/{held.long.pk}/ledger/", corporate_action=key)
    assert [(each["kind"], each["effective_on"], each["corporate_action"]) for each in entries] == [
        ("CASH_IN_LIEU", EX_DAY, key), ("SPLIT", EX_DAY, key),
    ]  # fmt: skip
    caller.post(f"{ADDRESS}/dividend/", {**DIVIDEND, "effective_on": "2026-01-08", **WHY})
    rows = caller.rows(f"{ADDRESS}/", symbol="MSFT")
    assert [(row["kind"], row["effective_on"]) for row in rows] == [("dividend", "2026-01-08"), ("split", EX_DAY)]
    assert [row["kind"] for row in caller.rows(f"{ADDRESS}/", kind="split")] == ["split"]
    assert (
        caller.rows(f"{ADDRESS}/", effective_before=EX_DAY) == caller.rows(f"{ADDRESS}/", is_reversed="true") == []
    )
    assert len(caller.rows(f"{ADDRESS}/", is_reversed="false", effective_from=EX_DAY)) == 2


def test_a_dividend_pays_who_has_sold_since(caller: Caller, strategy: Strategy):
    security("MSFT")
    sold = account(strategy, "anthropic")
    trade(sold, "BUY 100 MSFT @ 50")
    trade(sold, "SELL 100 MSFT @ 50", on=2)
    report = caller.post(f"{ADDRESS}/dividend/", {**DIVIDEND, **WHY}).json()
    assert (report["cash"], by_account(report)["Anthropic"]["then"]) == ("25.00", "100.00")
    assert by_account(report)["Anthropic"]["cost_after"] is None
    assert standing(sold) == ("0", 0, 20_025, 0)


def test_a_new_symbol_carries_the_holding_over(caller: Caller, strategy: Strategy):
    security("FB")
    row = account(strategy, "anthropic")
    trade(row, "BUY 10 FB @ 100")
    body = {"symbol": "fb", "new_symbol": "meta", "effective_on": EX_DAY}
    assert caller.post(f"{ADDRESS}/symbol-change/preview/", body).json()["successor"] == "META"
    assert caller.post(f"{ADDRESS}/symbol-change/", {**body, **WHY}).status_code == 201
    held = caller.rows("/positions/", account=str(row.pk), status="open")
    assert [(each["symbol"], each["quantity"], each["cost_basis"]) for each in held] == [
        ("META", "10.00", "1000.00")
    ]


def test_an_action_is_reversed_once_with_a_reason(caller: Caller, held: Holders):
    key = caller.post(f"{ADDRESS}/split/", {**SPLIT, **WHY}).json()["action_id"]
    before = whole_database()
    seen = by_account(caller.get(f"{ADDRESS}/{key}/reverse/preview/").json())["Anthropic"]
    assert (seen["before"], seen["after"], seen["cash"], seen["then"]) == ("49.00", "33.00", "-100.00", None)
    problem(caller.post(f"{ADDRESS}/{key}/reverse/", {}), 400, "INVALID")
    assert whole_database() == before
    answer = caller.post(f"{ADDRESS}/{key}/reverse/", {"reason": "another ratio"})
    assert (answer.status_code, answer.json()["accounts"]) == (200, 2)
    assert held.standing() == BEFORE
    shown = caller.get(f"{ADDRESS}/{key}/", fields="reversed_by,reversal_reason").json()
    assert shown == {"reversed_by": "carol", "reversal_reason": "another ratio"}
    again = problem(caller.post(f"{ADDRESS}/{key}/reverse/", {"reason": "twice"}), 422, "CANNOT_BOOK")
    assert "was reversed on" in again["detail"]
    assert held.standing() == BEFORE


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"effective_on": "2999-01-01"}, 422, "still to come"),
        ({"symbol": "NOPE"}, 422, "not a known security"),
        ({"ratio": "1:1"}, 422, "nothing changes"),
        ({"price": "0"}, 422, "price is 0"),
        ({"ratio": "0:1"}, 422, "must be above zero"),
        ({"ratio": "1e999999999"}, 400, "at most 15 digits"),
        ({"ratio": 3}, 400, "must be text"),
        ({"ratio": "3/2"}, 400, "not a number"),
        ({"symbol": "M$FT"}, 400, "is not a symbol"),
        ({"effective_on": "6 Jan"}, 400, "Date has wrong format"),
        ({"efective_on": EX_DAY}, 400, "unknown field"),
        ({"reason": ""}, 400, "may not be blank"),
        ({"price": "NaN"}, 400, ""),
    ],
)
def test_what_cannot_be_booked_is_refused_and_writes_nothing(
    caller: Caller, held: Holders, changes: dict[str, Any], status: int, words: str
):
    before = whole_database()
    answer = caller.post(f"{ADDRESS}/split/", {**SPLIT, **WHY, **changes})
    assert words in str(problem(answer, status, "INVALID" if status == 400 else "CANNOT_BOOK"))
    assert whole_database() == before


def test_a_rest_without_a_price_asks_for_one(caller: Caller, held: Holders):
    body = {name: value for name, value in SPLIT.items() if name != "price"}
    said = problem(caller.post(f"{ADDRESS}/split/preview/", body), 422, "CANNOT_BOOK")
    assert "give the price per new unit" in said["detail"]


@pytest.mark.parametrize("permission", ["view_corporateaction", "change_corporateaction"])
def test_who_may_not_book_writes_nothing(held: Holders, permission: str):
    looker, before = Caller(token_of(user_with("rita", permission))), whole_database()
    for kind, body in (("split", SPLIT), ("dividend", DIVIDEND)):
        problem(looker.post(f"{ADDRESS}/{kind}/", {**body, **WHY}), 403, "NOT_PERMITTED")
    assert whole_database() == before


def test_what_is_not_there_is_not_found(caller: Caller, held: Holders):
    for address in (f"{ADDRESS}/7/", f"{ADDRESS}/7/reverse/preview/"):
        problem(caller.get(address), 404, "NOT_FOUND")
    problem(caller.post(f"{ADDRESS}/7/reverse/", WHY), 404, "NOT_FOUND")


def test_what_an_account_owes_is_a_field_of_it(caller: Caller, strategy: Strategy):
    row = in_debt(strategy)
    assert caller.rows("/accounts/", fields="cash_balance,payable") == [
        {"cash_balance": "0.00", "payable": "229.00"}
    ]
    shown = caller.get(f"/accounts/{row.pk}/").json()
    assert (shown["payable"], shown["equity_value"], shown["snapshot"]["total_value"]) == (
        "229.00",
        "-99.00",
        "-328.00",
    )
    entry = caller.rows(f"/accounts/{row.pk}/ledger/", kind="DIVIDEND")[0]
    assert (entry["amount"], entry["owed"]) == ("-299.00", "229.00")
    assert LedgerEntry.objects.filter(kind="DIVIDEND").count() == 1
