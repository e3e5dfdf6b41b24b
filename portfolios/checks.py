"""Keeps the triggers where they belong."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning
from django.db import connections

from portfolios.ledger.triggers import install_triggers, missing_triggers, remove_triggers


def remove_before_migrate(*, using: str, plan: Sequence[Any] = (), **_: Any) -> None:
    """Take the triggers away before migrations on SQLite: one that names a table stops the table's rebuilding.

    A migration that fails leaves them off; the system check says so, and the next one installs them.
    """
    if plan and connections[using].vendor == "sqlite":
        remove_triggers(connections[using])


def install_after_migrate(*, using: str, **_: Any) -> None:
    """Install the triggers. A migration that rebuilds a table on SQLite drops them without a word."""
    install_triggers(connections[using])


def check_triggers(*, databases: Sequence[str] | None, **_: Any) -> list[CheckMessage]:
    """Name each trigger that is missing. A warning, so that `migrate`, which mends it, is not stopped by it."""
    missing = [name for alias in databases or () for name in missing_triggers(connections[alias])]
    return [
        CheckWarning(
            f"The trigger {name} is missing: the database would accept what must never be in the books.",
            hint="Run manage.py migrate, which installs every trigger.",
            id="portfolios.W001",
        )
        for name in missing
    ]
