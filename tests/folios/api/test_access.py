"""Who may call, how often, and what everybody gets to see who may not or asks for what is not there."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client, override_settings
from django.urls import get_resolver
from django.utils import timezone

from folios.tokens.models import ApiToken
from tests.folios.api.callers import V1, Caller, action_of, every_action, new_id, problem
from tests.folios.api.conftest import token_of, user_with
from tests.scenes import PUBLISHED, Desk, Inbox, whole_database

pytestmark = pytest.mark.django_db


def create_token(*arguments: str) -> str:
    """Return what the command prints."""
    out = StringIO()
    call_command("create_token", *arguments, stdout=out)
    return out.getvalue().strip()


# --- tokens ---


def test_a_token_of_the_command_lets_its_user_in(user: User):
    token = create_token("carol", "--name", "nightly job", "--expires", "30")

    assert Caller(token).get("/strategies/").status_code == 200
    made = ApiToken.objects.get()
    assert (made.name, made.is_read_only, made.user) == ("nightly job", False, user)
    assert timedelta(days=29) < made.expiry - timezone.now() < timedelta(days=30)
    assert token not in str(vars(made))


def test_a_user_has_several_tokens_each_with_its_name(user: User):
    tokens = [create_token("carol", "--name", name) for name in ("one", "two")]
    assert [Caller(token).get("/strategies/").status_code for token in tokens] == [200, 200]
    with pytest.raises(CommandError, match="has a token named 'one' already"):
        create_token("carol", "--name", "one")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nobody", "--name", "x"), "user 'nobody' does not exist"),
        (("carol", "--name", " "), "--name is ''"),
        (("carol", "--name", "x" * 101), "1 to 100 characters"),
        (("carol", "--name", "x", "--expires", "0"), "--expires is 0"),
        (("carol", "--name", "x", "--expires", "3651"), "1 to 3,650 days"),
    ],
)
def test_the_command_refuses_what_makes_no_token(user: User, arguments: tuple[str, ...], words: str):
    with pytest.raises(CommandError, match=words):
        create_token(*arguments)
    assert not ApiToken.objects.exists()


def test_an_expired_token_lets_nobody_in(user: User):
    token = token_of(user)
    ApiToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))
    problem(Caller(token).get("/strategies/"), 401, "NOT_AUTHENTICATED")


def test_a_deleted_token_and_a_user_who_left_let_nobody_in(user: User):
    kept, deleted = token_of(user, "kept"), token_of(user, "deleted")
    ApiToken.objects.get(name="deleted").delete()
    problem(Caller(deleted).get("/strategies/"), 401, "NOT_AUTHENTICATED")
    User.objects.update(is_active=False)
    problem(Caller(kept).get("/strategies/"), 401, "NOT_AUTHENTICATED")


@pytest.mark.parametrize("header", ["Token", "Token x y", "Token \xff\xfe", "Token 0", "Bearer abc", ""])
def test_something_else_than_a_token_lets_nobody_in(db: None, header: str):
    response = Client(headers={"Authorization": header}).get(f"{V1}/strategies/")
    problem(response, 401, "NOT_AUTHENTICATED")
    assert response.headers["WWW-Authenticate"] == "Token"


def test_a_read_only_token_reads_and_previews_and_writes_nothing(user: User, desk: Desk):
    reader = Caller(token_of(user, read_only=True))
    body = {"request_id": new_id(), "strategy_id": str(desk.strategy.pk), "recommendations": PUBLISHED}
    assert reader.get("/executions/").status_code == 200
    assert reader.post("/executions/preview/", body).status_code == 200
    before = whole_database()
    research = {name: body[name] for name in ("request_id", "recommendations")}
    for address, sent in (
        ("/executions/", body), ("/research-requests/", research), ("/mark-to-market/", {}), ("/inbox/scan/", {}),
        ("/execute-pending/", {}),
    ):  # fmt: skip
        assert "read-only" in problem(reader.post(address, sent), 403, "NOT_PERMITTED")["detail"]
    assert whole_database() == before


# --- permissions ---

NOWHERE = "5c0de2c6-8f0b-4c7e-9a51-3f1d9b7a6e20"  # nothing has this id; it is the same wherever tests are collected
ACTIONS = [
    ("get", "/strategies/", "view_strategy"),
    ("post", "/strategies/", "add_strategy"),
    ("get", "/risk-policies/", "view_riskpolicy"),
    ("post", "/risk-policies/", "add_riskpolicy"),
    ("get", "/securities/", "view_security"),
    ("get", "/prices/", "view_price"),
    ("post", "/prices/", "add_price"),
    ("get", "/accounts/", "view_portfolioaccount"),
    ("get", "/positions/", "view_position"),
    ("get", "/orders/", "view_order"),
    ("get", f"/accounts/{NOWHERE}/ledger/", "view_ledgerentry"),
    ("get", f"/accounts/{NOWHERE}/valuations/", "view_valuation"),
    ("get", f"/accounts/{NOWHERE}/performance/", "view_valuation"),
    ("get", "/research-requests/", "view_researchrequest"),
    ("post", "/research-requests/", "add_researchrequest"),
    ("get", "/executions/", "view_executionrun"),
    ("get", f"/executions/{NOWHERE}/explain/", "view_executionrun"),
    ("post", "/executions/", "add_executionrun"),
    ("post", "/executions/preview/", "view_executionrun"),
    ("post", "/rebalances/", "add_executionrun"),
    ("post", "/rebalances/preview/", "view_executionrun"),
    ("post", "/mark-to-market/", "add_valuation"),
    ("get", "/refused-prices/", "view_refusedprice"),
    ("get", "/refused-prices/1/", "view_refusedprice"),
    ("post", "/refused-prices/1/accept/", "add_executionrun"),
    ("post", f"/executions/{NOWHERE}/reverse/", "add_reversal"),
    ("get", f"/executions/{NOWHERE}/reverse/preview/", "view_executionrun"),
    ("post", f"/executions/{NOWHERE}/retry/", "add_executionrun"),
    ("post", "/execute-pending/", "add_executionrun"),
    ("post", "/inbox/scan/", "add_researchrequest"),
    ("post", f"/research-requests/{NOWHERE}/assign/", "change_researchrequest"),
    ("post", f"/research-requests/{NOWHERE}/ignore/", "change_researchrequest"),
    ("post", f"/research-requests/{NOWHERE}/lines/1/resolve/", "add_lineresolution"),
    ("get", "/mapping-rules/", "view_mappingrule"),
    ("post", "/mapping-rules/", "add_mappingrule"),
    ("post", f"/accounts/{NOWHERE}/trading-state/", "change_portfolioaccount"),
    ("get", "/corporate-actions/", "view_corporateaction"),
    ("get", "/corporate-actions/1/", "view_corporateaction"),
    ("post", "/corporate-actions/split/", "add_corporateaction"),
    ("post", "/corporate-actions/split/preview/", "view_corporateaction"),
    ("post", "/corporate-actions/dividend/", "add_corporateaction"),
    ("post", "/corporate-actions/dividend/preview/", "view_corporateaction"),
    ("post", "/corporate-actions/symbol-change/", "add_corporateaction"),
    ("post", "/corporate-actions/symbol-change/preview/", "view_corporateaction"),
    ("post", "/corporate-actions/1/reverse/", "change_corporateaction"),
    ("get", "/corporate-actions/1/reverse/preview/", "view_corporateaction"),
    ("get", f"/strategies/{NOWHERE}/", "view_strategy"),
    ("get", "/risk-policies/1/", "view_riskpolicy"),
    ("get", "/securities/MSFT/", "view_security"),
    ("get", "/prices/1/", "view_price"),
    ("get", f"/accounts/{NOWHERE}/", "view_portfolioaccount"),
    ("get", f"/positions/{NOWHERE}/", "view_position"),
    ("get", f"/orders/{NOWHERE}/", "view_order"),
    ("get", f"/research-requests/{NOWHERE}/", "view_researchrequest"),
    ("get", f"/executions/{NOWHERE}/", "view_executionrun"),
    ("get", f"/executions/{NOWHERE}/reproduction/", "view_executionrun"),
    ("get", "/mapping-rules/1/", "view_mappingrule"),
]


def test_every_action_is_among_those_that_want_a_permission():
    tried = {action_of(method, address) for method, address, _ in ACTIONS}
    assert tried == every_action("get", "post")


@pytest.mark.parametrize(("method", "address", "permission"), ACTIONS)
def test_each_action_wants_its_permission(inbox: Inbox, method: str, address: str, permission: str):
    without, with_it = user_with("dave"), user_with("erin", permission)
    arguments = [address] if method == "get" else [address, {}]
    problem(getattr(Caller(token_of(without)), method)(*arguments), 403, "NOT_PERMITTED")
    assert getattr(Caller(token_of(with_it)), method)(*arguments).status_code in (200, 400, 404)


# --- the session ---


def test_the_session_reads_and_shows_pages_in_a_browser(user: User):
    browser = Client(headers={"Accept": "text/html"})
    browser.force_login(user)
    page = browser.get(f"{V1}/strategies/")
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert b" style=" not in page.content


def test_a_session_writes_only_with_its_csrf_token(user: User):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(user)
    response = browser.post(f"{V1}/research-requests/", "{}", content_type="application/json")
    assert "CSRF" in problem(response, 403, "NOT_PERMITTED")["detail"]


# --- throttles ---


@override_settings(API_RATES={"read": "2/min", "write": "1/min"})
def test_who_calls_too_often_waits_and_reading_and_writing_are_counted_apart(user: User):
    caller = Caller(token_of(user))
    assert [caller.get("/strategies/").status_code for _ in range(3)] == [200, 200, 429]
    assert [caller.post("/mark-to-market/", {}).status_code for _ in range(2)] == [200, 429]
    response = caller.get("/strategies/")
    problem(response, 429, "THROTTLED")
    assert 0 < int(response.headers["Retry-After"]) <= 61
    assert Caller(token_of(user_with("dave", "view_strategy"))).get("/strategies/").status_code == 200


# --- problems ---


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"request_id": ', "not valid JSON"),
        ('{"a": 1, "a": 2}', "duplicate key"),
        ('{"a": NaN}', "NaN"),
        ('{"a": -Infinity}', "Infinity"),
        ('{"a": 1e999999}', "digits"),
        ('{"a": ' + "9" * 5_000 + "}", "digits"),
        ("[" * 33 + "]" * 33, "deeper than 32"),
        ("[" * 100_000 + "]" * 100_000, "deeper than 32"),
        (b'{"a": "\xff"}', "not UTF-8"),
        ('"' + "x" * 1_048_576 + '"', "at most 1,048,576"),
        ("", "not valid JSON"),
    ],
)
@pytest.mark.parametrize("address", ["/executions/", "/research-requests/", "/rebalances/", "/mark-to-market/"])
def test_a_body_that_is_no_plain_json_is_refused(caller: Caller, address: str, body: str | bytes, words: str):
    if not body:
        assert caller.post(address, body).status_code in (200, 400)
        return
    assert words in problem(caller.post(address, body), 400, "INVALID")["detail"]


@pytest.mark.parametrize("body", ["[]", "7", "null", '"text"', "true"])
def test_a_body_that_is_no_object_is_refused(caller: Caller, body: str):
    problem(caller.post("/executions/", body), 400, "INVALID")


def test_a_body_in_another_format_is_refused(caller: Caller):
    response = caller.client.post(f"{V1}/executions/", {"request_id": "x"})
    problem(response, 415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("path", ["/api/", "/api/v1/", "/api/v2/orders/", "/api/v1/orders", "/api/v1/nothing/here"])
@pytest.mark.parametrize("method", ["get", "post", "delete", "options"])
@pytest.mark.parametrize("debug", [True, False])
def test_an_unknown_address_is_a_problem(client: Client, settings: Any, path: str, method: str, debug: bool):
    settings.DEBUG = debug
    problem(getattr(client, method)(path), 404, "NOT_FOUND")


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "post", "trace"])
def test_a_method_that_is_not_there_is_a_problem_and_says_which_are(caller: Caller, method: str):
    response = getattr(caller.client, method)(f"{V1}/orders/")
    problem(response, 405, "METHOD_NOT_ALLOWED")
    assert response.headers["Allow"] == "GET, HEAD"


def test_a_format_that_is_not_there_is_a_problem(caller: Caller):
    response = caller.client.get(f"{V1}/orders/", headers={"Accept": "application/xml"})
    problem(response, 406, "NOT_ACCEPTABLE")


def test_a_host_that_is_not_ours_is_a_problem(caller: Caller):
    problem(caller.client.get(f"{V1}/orders/", headers={"Host": "elsewhere.example"}), 400, "INVALID")


def test_other_pages_keep_their_own_errors(client: Client):
    response = client.get("/nothing/here")
    assert (response.status_code, response.headers["Content-Type"]) == (404, "text/html; charset=utf-8")


@pytest.mark.django_db(transaction=True)
def test_a_database_that_cannot_be_used_is_a_problem_with_its_code(caller: Caller, desk: Desk):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE portfolios_price RENAME TO elsewhere")
    try:
        problem(caller.get("/prices/"), 500, "DATABASE_NOT_MIGRATED")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE elsewhere RENAME TO portfolios_price")


def test_a_fault_is_a_problem_that_says_nothing_of_the_inside(
    caller: Caller, desk: Desk, settings: Any, caplog: Any
):
    settings.ARTIFACTS_ROOT = None  # what no installation has: every reading of an inbox fails
    response = caller.post(
        "/executions/", {"request_id": new_id(), "strategy_id": str(desk.strategy.pk), "default_price": "1"}
    )
    assert "TypeError" not in str(problem(response, 500, "FAULT"))
    assert "TypeError" in caplog.text


# --- every address ---


def test_every_address_of_the_api_wants_somebody(client: Client):
    """The schema and its pages are for everybody; nothing else is."""
    open_to_all = {"api-schema", "api-docs"}
    api: Any = next(item for item in get_resolver().url_patterns if str(item.pattern) == "api/")
    version = api.url_patterns[0]
    patterns = [entry for item in version.url_patterns for entry in getattr(item, "url_patterns", [item])]
    assert len(patterns) > 25
    for entry in patterns:
        address = str(entry.pattern)
        for part, value in (
            ("<uuid:pk>", new_id()),
            ("<uuid:account_id>", new_id()),
            ("<int:pk>", "1"),
            ("<int:line>", "1"),
        ):
            address = address.replace(part, value)
        address = f"{V1}/{address.replace('<symbol:symbol>', 'MSFT')}"
        answers = {client.get(address).status_code, client.post(address).status_code}
        assert answers <= ({200, 405} if entry.name in open_to_all else {401}), address


def test_tokens_have_one_table():
    tables = connection.introspection.table_names()
    assert [name for name in tables if "token" in name] == ["tokens_apitoken"]


def test_tokens_are_listed_and_revoked_in_the_admin(user: User, client: Client):
    token = token_of(user)
    client.force_login(User.objects.create_superuser("boss"))
    assert "script" in client.get("/admin/tokens/apitoken/").content.decode()
    key = quote(ApiToken.objects.get().pk)
    assert token not in client.get(f"/admin/tokens/apitoken/{key}/change/").content.decode()
    assert client.get("/admin/tokens/apitoken/add/").status_code == 403
    assert client.post(f"/admin/tokens/apitoken/{key}/delete/", {"post": "yes"}).status_code == 302
    problem(Caller(token).get("/strategies/"), 401, "NOT_AUTHENTICATED")
