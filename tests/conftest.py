"""What every test may ask for."""

import gc
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import Settings
from pytest_django.plugin import blocking_manager_key

from execution.models import ExecutionRun
from execution.runs.reproduction import Reproduced, reproduce_run
from portfolios.ledger.triggers import install_triggers, remove_triggers
from portfolios.models import Strategy
from tests import hypothesis_profile  # noqa: F401  # before the tests: a property keeps the profile it finds
from tests.counts import FAST
from tests.memory import DIRECTORY
from tests.scenes import Desk, Inbox

# What shows the books, and who may look: the same whatever database is behind it. Names of files and directories.
SHOWING = {
    "browser", "dashboard", "sources", "test_access", "test_admin", "test_answers", "test_backends", "test_chain",
    "test_examples", "test_faults", "test_history", "test_offers", "test_reading", "test_reference_data",
    "test_schema", "test_schemathesis", "test_tour",
}  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Mark what touches a database, and what of it is about the books: those tests run again on the other one."""
    items.sort(key=_turn)
    for item in items:
        _mark_what_shares(item)
        if item.get_closest_marker("django_db") or {"db", "transactional_db"} & set(item.fixturenames):
            item.add_marker("database")
            if SHOWING.isdisjoint(item.path.relative_to(item.config.rootpath).with_suffix("").parts):
                item.add_marker("books")


# Fixtures that take seconds to make and are shared by the tests of a file. Such tests are slow.
SHARED = ("chromium_browser", "server", "dumps", "exchange_sessions", "empyrical")
STARTS = {"subprocess.Popen", "os.fork", "os.posix_spawn", "tests.fork"}  # events that Python and we report
_running: list[pytest.Item] = []


def _turn(item: pytest.Function) -> int:
    """Return whose turn it is first: files run side by side, and in the end nobody shall wait for a long one."""
    if "chromium_browser" in item.fixturenames:
        return 0
    return 1 if item.get_closest_marker("slow") or set(SHARED) & set(item.fixturenames) else 2


def _mark_what_shares(item: pytest.Function) -> None:
    if set(SHARED) & set(item.fixturenames):
        item.add_marker("slow")
    if "chromium_browser" in item.fixturenames:
        item.add_marker("browser")


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
    """Refuse a process to a test that is not marked slow: `make test-fast` relies on the marks."""
    if event in STARTS and _running and not _running[-1].get_closest_marker("slow"):
        raise AssertionError(f"{_running[-1].nodeid} starts a process: mark it with pytest.mark.slow")


sys.addaudithook(_fast_tests_start_no_process)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Function) -> Generator[None, object, object]:
    """Put the triggers back after a test that really commits was cleaned up: the worker's next test has them."""
    result = yield
    if _commits(item):
        with item.config.stash[blocking_manager_key].unblock():
            install_triggers(connection)
    return result


def _commits(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("django_db")
    return "transactional_db" in getattr(item, "fixturenames", ()) or bool(
        marker and marker.kwargs.get("transaction")
    )


@pytest.fixture(autouse=True)
def triggers_let_the_flush_pass(request: pytest.FixtureRequest) -> Iterator[None]:
    """Take the triggers away before a test that really commits is cleaned up: they refuse to empty the ledger."""
    if not _commits(request.node):
        yield
        return
    request.getfixturevalue("transactional_db")
    install_triggers(connection)
    yield
    remove_triggers(connection)


@pytest.fixture
def in_memory() -> Iterator[Path]:
    """Return an empty directory for a database of the test's own."""
    with tempfile.TemporaryDirectory(prefix="folios-", dir=DIRECTORY) as directory:
        yield Path(directory)


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
    if FAST:
        return
    for run in ExecutionRun.objects.filter(status="succeeded", sequence=1):
        replayed = reproduce_run(run.pk)
        assert isinstance(replayed, Reproduced)
        assert replayed.differences == ()
