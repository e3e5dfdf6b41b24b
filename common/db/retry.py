"""Running a transaction again when the database says that trying again may help."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import Error, IntegrityError, InterfaceError, OperationalError, connection

_T = TypeVar("_T")

ATTEMPTS = 5
PATIENCE = 45.0  # seconds; a lock that outlasts this is somebody's to look at, not ours to wait for
_FIRST_PAUSE = 0.05  # seconds; doubled each time, with jitter, so that two losers do not meet again

# Serialization failure, deadlock, lock not available, and a server that goes down or is starting up.
_RETRYABLE_STATES = {"40001", "40P01", "55P03", "57P01", "57P02", "57P03"}
_BUSY = ("database is locked", "database table is locked", "database is busy")


def run_transaction(block: Callable[[], _T]) -> _T:
    """Return what `block` returns, running the whole of it again, at most 5 times in 45 s, where that may help.

    `block` opens its own transaction and must be safe to repeat: an unclear end (a connection lost after COMMIT) is
    answered by its own look-up. A unique key that another caller won is tried again too, and then found.
    Raises what the last attempt raised.
    """
    started = time.monotonic()
    for attempt in range(1, ATTEMPTS):
        try:
            return block()
        except Error as error:
            if not _may_help(error) or time.monotonic() - started > PATIENCE:
                raise
            connection.close_if_unusable_or_obsolete()
            time.sleep(_FIRST_PAUSE * 2 ** (attempt - 1) * random.uniform(0.5, 1.5))  # noqa: S311  # jitter, no secret
    return block()


def _may_help(error: Error) -> bool:
    if isinstance(error, IntegrityError | InterfaceError):
        return True
    state = getattr(error.__cause__, "sqlstate", None)
    if state is not None:
        return state in _RETRYABLE_STATES or state.startswith("08")
    if not isinstance(error, OperationalError):
        return False
    # SQLite tells by its words; psycopg reports a connection that just ended without a state.
    return any(words in str(error) for words in _BUSY) or connection.vendor == "postgresql"
