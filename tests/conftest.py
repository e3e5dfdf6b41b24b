"""What every test may ask for."""

from pathlib import Path

import pytest
from pytest_django import Settings

from portfolios.models import Strategy
from tests.scenes import Desk, Inbox


def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Mark what touches a database, so that those tests can run again on the other one."""
    for item in items:
        if item.get_closest_marker("django_db") or {"db", "transactional_db"} & set(item.fixturenames):
            item.add_marker("database")


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
def desk(inbox: Inbox, strategy: Strategy) -> Desk:
    """Return the way to trade in the strategy's account."""
    return Desk(inbox, strategy)
