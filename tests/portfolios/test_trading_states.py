"""Halting, limiting and freeing accounts, on record."""

import uuid
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from portfolios.ledger import CannotBookError
from portfolios.models import PortfolioAccount, TradingStateChange
from portfolios.trading_states import set_trading_state, set_trading_states
from tests.scenes import NOW, Desk, line, outcomes, whole_database

pytestmark = pytest.mark.django_db


@pytest.fixture
def desks(desk: Desk) -> list[Desk]:
    """Return three desks with an account each."""
    desks = [desk, replace(desk, provider="openai"), replace(desk, provider="gemini")]
    for each in desks:
        each.run([line("MSFT", "BUY", 10)])
    return desks


def asked(desk: Desk, state: str, **changes: Any) -> bool:
    """Set the state of a desk's account; return whether it changed."""
    wanted: dict[str, Any] = {"state": state, "actor": "bob", "reason": "earnings", "now": NOW}
    return set_trading_state(desk.account.pk, **(wanted | changes)).changed


def test_a_halted_account_trades_nothing_until_it_is_freed(desks: list[Desk]):
    desk = desks[0]
    assert asked(desk, "HALTED")
    assert desk.refused([line("KO", "BUY", 5), line("MSFT", "SELL")]).code == "TRADING_HALTED"
    assert asked(desk, "REDUCING")
    assert outcomes(desk.run([line("KO", "BUY", 5), line("MSFT", "SELL")])) == ["DEFERRED", "EXECUTED"]
    assert asked(desk, "ACTIVE")
    assert outcomes(desk.run([line("KO", "BUY", 5)])) == ["EXECUTED"]


def test_who_did_it_when_and_why_is_on_record(desks: list[Desk]):
    asked(desks[0], "HALTED", reason=" fraud \n")
    asked(desks[0], "ACTIVE", actor="alice", reason="no fraud", now=NOW + timedelta(hours=1))
    rows = TradingStateChange.objects.order_by("pk")
    assert list(rows.values_list("account", "before", "after", "actor", "reason", "changed_at")) == [
        (desks[0].account.pk, "ACTIVE", "HALTED", "bob", "fraud", NOW),
        (desks[0].account.pk, "HALTED", "ACTIVE", "alice", "no fraud", NOW + timedelta(hours=1)),
    ]


def test_the_state_that_is_there_already_writes_nothing_and_says_so(desks: list[Desk]):
    asked(desks[0], "HALTED")
    before = whole_database()
    assert not asked(desks[0], "HALTED")
    assert whole_database() == before


def test_a_plan_that_was_previewed_before_is_no_longer_the_plan(desks: list[Desk]):
    request = desks[0].inbox.put([line("KO", "BUY", 5)])
    token = desks[0].preview(request).plan_token
    asked(desks[0], "REDUCING")
    assert desks[0].preview(request).plan_token != token


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reason": " "}, "needs an actor and a reason"),
        ({"actor": ""}, "needs an actor and a reason"),
        ({"state": "PAUSED"}, "state is 'PAUSED': must be one of ACTIVE, REDUCING, HALTED"),
    ],
)
def test_a_change_without_a_name_a_reason_or_a_known_state_is_refused(
    desks: list[Desk], changes: dict[str, Any], words: str
):
    before = whole_database()
    with pytest.raises(CannotBookError, match=words):
        asked(desks[0], **({"state": "HALTED"} | changes))
    assert whole_database() == before


def test_an_unknown_account_stops_the_others_too(desks: list[Desk]):
    unknown = uuid.uuid4()
    with pytest.raises(CannotBookError, match=f"account {unknown} does not exist"):
        set_trading_states([desks[0].account.pk, unknown], state="HALTED", actor="bob", reason="x", now=NOW)
    assert not TradingStateChange.objects.exists()
    assert desks[0].account.trading_state == "ACTIVE"


@pytest.mark.parametrize("changes", [{"after": "ACTIVE"}, {"after": "PAUSED"}, {"reason": ""}, {"actor": ""}])
def test_the_database_takes_no_record_of_no_change_and_none_without_a_name_or_a_reason(
    desks: list[Desk], changes: dict[str, str]
):
    row = {"before": "ACTIVE", "after": "HALTED", "actor": "bob", "reason": "x"} | changes
    with pytest.raises(IntegrityError), transaction.atomic():
        TradingStateChange.objects.create(account=desks[0].account, changed_at=NOW, **row)


def test_the_number_of_queries_does_not_grow_with_the_accounts(desks: list[Desk]):
    numbers = []
    for state, some in (("HALTED", desks[:1]), ("REDUCING", desks)):
        with CaptureQueriesContext(connection) as captured:
            ids = [each.account.pk for each in some]
            reads = len(captured)
            set_trading_states(ids, state=state, actor="bob", reason="x", now=NOW)
        numbers.append(len(captured) - reads)
    assert numbers[0] == numbers[1]


# --- the command ---


def printed(*arguments: str) -> str:
    """Run the command and return what it prints."""
    out = StringIO()
    call_command("set_trading_state", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_halts_every_account_and_says_what_it_found(desks: list[Desk]):
    account = desks[1].account
    assert printed("reducing", "--account", str(account.pk), "--reason", "earnings") == (
        f"Account {account.pk}: ACTIVE -> REDUCING\n"
    )
    lines = printed("HALTED", "--all", "--reason", "fraud").splitlines()
    assert sorted(line.partition(": ")[2] for line in lines) == [
        "ACTIVE -> HALTED", "ACTIVE -> HALTED", "REDUCING -> HALTED",
    ]  # fmt: skip
    assert set(PortfolioAccount.objects.values_list("trading_state", flat=True)) == {"HALTED"}
    assert "HALTED already, nothing written" in printed("HALTED", "--all", "--reason", "fraud")
    assert TradingStateChange.objects.count() == 4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["PAUSED", "--all", "--reason", "x"], "state is 'PAUSED'"),
        (["HALTED", "--all", "--reason", " "], "needs an actor and a reason"),
        (["HALTED", "--account", str(uuid.UUID(int=1)), "--reason", "x"], "does not exist"),
    ],
)
def test_the_command_refuses_with_one_line(desks: list[Desk], arguments: list[str], words: str):
    with pytest.raises(CommandError, match=words) as caught:
        printed(*arguments)
    assert caught.value.returncode == 1
    assert "\n" not in str(caught.value)


def test_the_command_says_where_there_is_no_account(db: None):
    with pytest.raises(CommandError, match="there is no account"):
        printed("HALTED", "--all", "--reason", "x")
