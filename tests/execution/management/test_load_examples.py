"""The command that loads the examples: it adds what is missing, leaves what is there, and names what is broken."""

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from pytest_django import Settings

from portfolios.models import RiskPolicy, Security, Strategy
from tests.scenes import Desk, Inbox, line, whole_database

pytestmark = pytest.mark.django_db

EXAMPLES: Path = project.BASE_DIR / "examples"
LONG_SHORT = "b8f2a9d4-51c6-4f3a-a0e7-91d3c5b7e6a3"


def load(source: Path | None = None) -> list[str]:
    """Run the command; return the lines that it prints."""
    out = io.StringIO()
    call_command("load_examples", *(["--source", str(source)] if source else []), stdout=out)
    return out.getvalue().splitlines()


def files_in(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a copy of the examples to break."""
    return shutil.copytree(EXAMPLES, tmp_path / "examples")


def test_an_empty_database_gets_the_whole_set(inbox: Inbox):
    artifacts = files_in(EXAMPLES / "artifacts")
    securities = list(csv.DictReader((EXAMPLES / "securities.csv").read_text().splitlines()))
    strategies = json.loads((EXAMPLES / "strategies.json").read_text())["strategies"]
    assert load() == [
        "Loaded the examples:",
        f"  strategies created: {len(strategies)}",
        "  risk policies created: 1",
        f"  securities created: {len(securities)}",
        f"  artifact files copied to {inbox.root}: {len(artifacts)}",
        "  example prices stored: 11",
    ]
    assert files_in(inbox.root) == artifacts
    assert {str(row.pk): row.name for row in Strategy.objects.all()} == {
        row["id"]: row["name"] for row in strategies
    }
    assert Security.objects.filter(is_verified=True).count() == len(securities)
    policy = RiskPolicy.objects.get()
    assert (str(policy.strategy_id), policy.allow_short, policy.max_position_percent) == (LONG_SHORT, True, 15)
    assert policy.max_sector_percent is None, "what the file leaves out is the system's"


def test_a_second_time_there_is_nothing_to_do(inbox: Inbox):
    load()
    before, artifacts = whole_database(), files_in(inbox.root)
    assert load() == ["Nothing to do: the examples are loaded already."]
    assert (whole_database(), files_in(inbox.root)) == (before, artifacts)


def test_what_people_changed_stays_as_they_left_it(inbox: Inbox):
    load()
    Strategy.objects.filter(pk=LONG_SHORT).update(name="Renamed", status="inactive")
    RiskPolicy.objects.update(allow_short=False)
    Security.objects.filter(symbol="MSFT").update(sector="Somewhere else")
    changed, missing = sorted(inbox.root.rglob("*.json"))[:2]
    changed.write_text("my own research")
    missing.unlink()
    before = whole_database()
    assert load() == ["Loaded the examples:", f"  artifact files copied to {inbox.root}: 1"]
    assert whole_database() == before
    assert changed.read_text() == "my own research"
    assert missing.read_bytes() == (EXAMPLES / "artifacts" / missing.relative_to(inbox.root)).read_bytes()


def test_only_the_strategy_that_is_missing_is_added(inbox: Inbox):
    load()
    RiskPolicy.objects.all().delete()
    Strategy.objects.get(pk=LONG_SHORT).delete()
    assert load() == ["Loaded the examples:", "  strategies created: 1", "  risk policies created: 1"]


def test_a_security_that_an_execution_added_is_completed(desk: Desk):
    desk.run([line("MSFT", "BUY", 10.0)])
    assert not Security.objects.get(symbol="MSFT").is_verified
    assert "  unverified securities completed: 1" in load()
    completed = Security.objects.get(symbol="MSFT")
    assert (completed.sector, completed.is_verified) == ("Information Technology", True)


def test_a_link_in_the_inbox_that_leads_nowhere_is_not_written_through(inbox: Inbox, tmp_path: Path):
    """Where a name is taken, whatever it is, nothing is written: the link's target might be anywhere."""
    load()
    taken = next(inbox.root.rglob("structured.json"))
    taken.unlink()
    taken.symlink_to(tmp_path / "elsewhere")
    assert load() == ["Nothing to do: the examples are loaded already."]
    assert not (tmp_path / "elsewhere").exists()


# ---- the demo login


def test_without_debug_nobody_gets_a_login_with_a_public_password(inbox: Inbox, settings: Settings):
    settings.DEBUG = False
    assert not any("demo" in row for row in load())
    assert not get_user_model().objects.exists()


def test_with_debug_an_installation_without_users_gets_the_demo_login(
    inbox: Inbox, settings: Settings, client: Any
):
    settings.DEBUG = True
    lines = load()
    assert "  superuser demo created, as DEBUG is on and there was no user" in lines
    assert lines[-1] == "Login for the local web server: demo / demo"
    assert (
        client.post("/admin/login/", {"username": "demo", "password": "demo", "next": "/admin/"}).url == "/admin/"
    )
    assert load() == ["Nothing to do: the examples are loaded already.", lines[-1]]
    assert get_user_model().objects.count() == 1


def test_where_there_is_a_user_no_login_is_added(inbox: Inbox, settings: Settings):
    settings.DEBUG = True
    get_user_model().objects.create_user(username="alice")
    assert not any("demo" in row for row in load())
    assert [user.get_username() for user in get_user_model().objects.all()] == ["alice"]


def test_a_demo_login_with_another_password_is_not_announced(inbox: Inbox, settings: Settings):
    settings.DEBUG = True
    load()
    demo = get_user_model().objects.get()
    demo.set_password("mine alone")
    demo.save()
    assert load() == ["Nothing to do: the examples are loaded already."]


# ---- broken files


def strategies(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], object]:
    """Return what changes the document of strategies.json."""

    def apply(source: Path) -> None:
        path = source / "strategies.json"
        document = json.loads(path.read_text())
        change(document)
        path.write_text(json.dumps(document))

    return apply


def policy(**values: object) -> Callable[[Path], object]:
    return strategies(lambda document: document["strategies"][2]["risk_policy"].update(values))


def text(name: str, old: str, new: str) -> Callable[[Path], object]:
    """Return what replaces `old` in a file once; it must be there."""

    def apply(source: Path) -> None:
        content = (source / name).read_text()
        assert old in content
        (source / name).write_text(content.replace(old, new, 1))

    return apply


BROKEN: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "no strategies": (lambda source: (source / "strategies.json").unlink(), "strategies.json", "does not exist"),
    "no securities": (lambda source: (source / "securities.csv").unlink(), "securities.csv", "does not exist"),
    "broken JSON": (
        text("strategies.json", "[", "[["),
        "strategies.json",
        "not valid JSON: Expecting ',' delimiter at line",
    ),
    "repeated key": (text("strategies.json", '"name"', '"id"'), "strategies.json", "'id'"),
    "no list": (strategies(lambda it: it.clear()), "strategies.json", "field 'strategies' is missing"),
    "empty list": (strategies(lambda it: it["strategies"].clear()), "strategies.json", "field 'strategies'"),
    "unknown field": (
        strategies(lambda it: it["strategies"][0].update(colour="red")),
        "strategies.json",
        "field 'strategies.0.colour'",
    ),
    "bad id": (
        strategies(lambda it: it["strategies"][1].update(id="../x")),
        "strategies.json",
        "field 'strategies.1.id' is '../x': not a canonical UUID",
    ),
    "id twice": (
        strategies(lambda it: it["strategies"][1].update(id=LONG_SHORT)),
        "strategies.json",
        f"field 'id' is '{LONG_SHORT}': stands twice",
    ),
    "name twice": (
        strategies(lambda it: it["strategies"][1].update(name="Quality Growth")),
        "strategies.json",
        "field 'name' is 'Quality Growth': stands twice",
    ),
    "percent above 100": (policy(max_position_percent=101), "strategies.json", "risk_policy.max_position_percent"),
    "order values": (
        policy(min_order_value=10, max_order_value=5),
        "strategies.json",
        "min_order_value is above max_order_value",
    ),
    "bad symbol": (policy(restricted_symbols=["A B"]), "strategies.json", "restricted_symbols.0' is 'A B'"),
    "header": (
        text("securities.csv", "symbol,", "ticker,"),
        "securities.csv",
        "line 1 is not a header with the columns symbol,",
    ),
    "columns": (
        text("securities.csv", ",equity,0.01", ",equity"),
        "securities.csv",
        "line 2 does not have 7 columns",
    ),
    "symbol twice": (text("securities.csv", "AMZN,", "AAPL,"), "securities.csv", "field 'symbol' is 'AAPL'"),
    "currency": (text("securities.csv", "USD", "usd"), "securities.csv", "line 2: field 'currency' is 'usd'"),
    "asset class": (text("securities.csv", "equity", "house"), "securities.csv", "field 'asset_class' is 'house'"),
    "step": (text("securities.csv", "0.01", "0"), "securities.csv", "line 2: field 'quantity_step' is '0'"),
    "encoding": (
        lambda source: (source / "securities.csv").write_bytes(b"symbol,\xff"),
        "securities.csv",
        "not UTF-8: byte 7",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_named_with_its_place_and_nothing_is_loaded(case: str, source: Path, inbox: Inbox):
    break_it, name, said = BROKEN[case]
    break_it(source)
    before = whole_database()
    with pytest.raises(CommandError) as caught:
        load(source)
    message = str(caught.value)
    assert str(source / name) in message
    assert said in message
    assert "\n" not in message
    assert whole_database() == before
    assert files_in(inbox.root) == {}


def test_a_name_that_another_strategy_has_is_refused_and_nothing_is_loaded(inbox: Inbox):
    mine = Strategy.objects.create(name="Long-Short Value")
    before = whole_database()
    with pytest.raises(CommandError) as caught:
        load()
    assert f"field 'name' is 'Long-Short Value': strategy {mine.pk} has the name" in str(caught.value)
    assert whole_database() == before, "the strategies before it in the file are not loaded either"


def test_an_artifact_that_cannot_be_copied_is_named_and_the_rerun_copies_it(inbox: Inbox):
    request = sorted((EXAMPLES / "artifacts").iterdir())[0].name
    (inbox.root / request).write_text("a file where a directory must be")
    with pytest.raises(CommandError, match="cannot be copied to") as caught:
        load()
    assert request in str(caught.value)
    (inbox.root / request).unlink()
    assert load()[0] == "Loaded the examples:"
    assert files_in(inbox.root) == files_in(EXAMPLES / "artifacts")


def test_a_copy_that_broke_off_is_made_again(inbox: Inbox, monkeypatch: pytest.MonkeyPatch):
    rename = Path.rename

    def power_cut(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", power_cut)
    with pytest.raises(CommandError, match="No space left on device"):
        load()
    assert not list(inbox.root.rglob("*.json")), "half a file never has the right name"
    monkeypatch.setattr(Path, "rename", rename)
    load()
    assert files_in(inbox.root) == files_in(EXAMPLES / "artifacts")
