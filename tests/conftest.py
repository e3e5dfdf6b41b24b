"""What every test may ask for."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Mark what touches a database, so that those tests can run again on the other one."""
    for item in items:
        if item.get_closest_marker("django_db") or {"db", "transactional_db"} & set(item.fixturenames):
            item.add_marker("database")
