"""What every test may ask for."""

import gc
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import Settings

from execution.models import ExecutionRun
from execution.runs.reproduction import Replayed, replay_run
from portfolios.ledger.triggers import install_triggers, remove_triggers
from portfolios.models import Strategy
from tests.scenes import Desk, Inbox

# What shows the books, and who may look: the same whatever database is behind it. Names of files and directories.
SHOWING = {
    "browser", "dashboard", "sources", "test_access", "test_admin", "test_answers", "test_backends", "test_chain",
    "test_examples", "test_faults", "test_history", "test_offers", "test_reading", "test_reference_data",
    "test_schema", "test_tour",
}  # fmt: skip
# Fixtures that are costly to make and shared, all of processes: the tests that ask for one run in the same worker.
SHARED = ("browser", "server", "dumps")
STARTS = {"subprocess.Popen", "os.fork", "os.posix_spawn", "tests.fork"}  # events that Python and we report
_running: list[pytest.Item] = []


def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Give every test its lanes."""
    for item in items:
        for mark in _lanes(item):
            item.add_marker(mark)


def _lanes(item: pytest.Function) -> Iterator[str | pytest.MarkDecorator]:
    """Say what needs a browser or another process, what touches a database, and what of that is about the books."""
    for costly in set(SHARED) & set(item.fixturenames):
        yield from ("slow", pytest.mark.xdist_group(costly))
    if "browser" in item.fixturenames:
        yield "browser"
    if item.get_closest_marker("django_db") or {"db", "transactional_db"} & set(item.fixturenames):
        yield "database"
        if SHOWING.isdisjoint(item.path.relative_to(item.config.rootpath).with_suffix("").parts):
            yield "books"


def pytest_collection_finish() -> None:
    """Let the garbage collector forget what lives to the end: what was collected, and all that it imported."""
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Know which test runs."""
    _running.append(item)
    try:
        return (yield)
    finally:
        _running.remove(item)


def _fast_tests_start_no_process(event: str, _: tuple[object, ...]) -> None:
    """Refuse a process to a test that says it is fast: `make test-fast` runs without a look at what it does."""
    if event in STARTS and _running and not _running[-1].get_closest_marker("slow"):
        raise AssertionError(f"{_running[-1].nodeid} starts a process: mark it with pytest.mark.slow")


sys.addaudithook(_fast_tests_start_no_process)


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
