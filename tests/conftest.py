"""What every test may ask for."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import Settings

from execution.models import ExecutionRun
from execution.runs.reproduction import Replayed, replay_run
from portfolios.ledger.triggers import install_triggers, remove_triggers
from portfolios.models import Strategy
from tests import hypothesis_profile  # noqa: F401  # before the tests: a property keeps the profile it finds
from tests.scenes import Desk, Inbox

# What shows the books, and who may look: the same whatever database is behind it.
SHOWING = (
    "tests/browser", "tests/execution/demo", "tests/execution/prices/sources",
    "tests/execution/prices/test_answers",
    "tests/execution/prices/test_chain", "tests/execution/prices/test_faults", "tests/execution/prices/test_offers",
    "tests/folios/admin", "tests/folios/api/test_access", "tests/folios/api/test_reading",
    "tests/folios/api/test_schema", "tests/folios/api/test_tour", "tests/portfolios/api/test_reference_data",
    "tests/folios/dashboard",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Mark what touches a database, and what of it is about the books: those tests run again on the other one."""
    for item in items:
        if item.get_closest_marker("django_db") or {"db", "transactional_db"} & set(item.fixturenames):
            item.add_marker("database")
            if not item.nodeid.startswith(SHOWING):
                item.add_marker("books")


@pytest.fixture(autouse=True)
def triggers_let_the_flush_pass(request: pytest.FixtureRequest) -> Iterator[None]:
    """Take the triggers away before a test that really commits is cleaned up: they refuse to empty the ledger."""
    marker = request.node.get_closest_marker("django_db")
    commits = "transactional_db" in request.fixturenames or (marker and marker.kwargs.get("transaction"))
    if not commits:
        yield
        return
    request.getfixturevalue("transactional_db")
    install_triggers(connection)
    yield
    remove_triggers(connection)


@pytest.fixture
def inbox(tmp_path: Path, settings: Settings) -> Inbox:
    """Return an empty directory for research, which the doors read too."""
    root = tmp_path / "artifacts"
    root.mkdir()
    settings.ARTIFACTS_ROOT = root
    return Inbox(root)


@pytest.fixture
def strategy(db: None) -> Strategy:
    """Return an active strategy."""
    return Strategy.objects.create(name="Large caps")


@pytest.fixture
def desk(inbox: Inbox, strategy: Strategy) -> Iterator[Desk]:
    """Return the way to trade in the strategy's account. Every run of a test is planned again afterwards."""
    yield Desk(inbox, strategy)
    for run in ExecutionRun.objects.filter(status="succeeded", sequence=1):
        replayed = replay_run(run.pk)
        assert isinstance(replayed, Replayed)
        assert replayed.differences == ()
