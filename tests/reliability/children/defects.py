"""Defects that a harness plants to show that it would notice them. Each takes one protection away.

The books have several protections behind each other: what one lets through, the next refuses. A harness therefore
notices a missing lock by callers that fail, and duplicates only where all the keys are gone.
"""

import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from django.db import connection

from common.db import retry
from execution.engine.planning.plan import Plan
from execution.models import ExecutionRun
from execution.research.inbox import LoadedArtifact
from execution.runs import prepare, records, reversal, tickets
from execution.runs.eligibility import Attempt
from execution.runs.records import Deferral
from portfolios import ledger
from portfolios.ledger import BookedOrder
from portfolios.selectors import books
from tests.reliability.children.briefs import Brief, meet


def plant(brief: Brief) -> None:
    """Plant the defects of the brief in this process."""
    for name in brief.defects:
        DEFECTS[name](brief)


def _no_lock(brief: Brief) -> None:
    """Everybody reads the account unlocked, and nobody goes on before all have read it."""
    connection.settings_dict["OPTIONS"].pop("transaction_mode", None)

    def look_and_wait(*, strategy_id: uuid.UUID, provider: str) -> Any:
        account = books.find_account(strategy_id=strategy_id, provider=provider)
        meet(Path(brief.directory) / "unlocked", name=brief.name, expected=brief.callers)
        return account

    ledger.lock_account = look_and_wait


def _no_lock_on_reversals(brief: Brief) -> None:
    """Everybody reads the run and its account unlocked, and nobody writes before all have read them."""
    connection.settings_dict["OPTIONS"].pop("transaction_mode", None)
    decide = reversal._decide

    def look(ids: Sequence[uuid.UUID]) -> Any:
        return [account for key in ids if (account := books.get_account(key))]

    def decide_and_wait(run_id: uuid.UUID, account: Any) -> Any:
        found = decide(run_id, account)
        meet(Path(brief.directory) / "unlocked", name=brief.name, expected=brief.callers)
        return found

    ledger.lock_accounts = look
    reversal._decide = decide_and_wait


def _no_look(brief: Brief) -> None:
    """Nobody looks whether the request was executed already."""

    def always_the_first(*, loaded: LoadedArtifact, **_: object) -> Attempt:
        return Attempt(loaded)

    prepare.next_attempt = always_the_first  # type: ignore[attr-defined]  # re-exported by chance


def _stale_turn(brief: Brief) -> None:
    """Nobody looks again, under the lock, whether the line is still open."""
    prepare.Prepared.next_attempt = lambda found: found.attempt  # type: ignore[method-assign,assignment]


def _no_keys(brief: Brief) -> None:
    """No two runs and no two orders ever have the same key."""
    columns = records._run_columns

    def with_its_own_sequence(facts: records.RunFacts) -> dict[str, Any]:
        return {**columns(facts), "sequence": 1 + uuid.uuid4().int % 2**30}

    records._run_columns = with_its_own_sequence

    def never_the_same(found: Any, plan: Plan) -> list[str]:
        return [str(uuid.uuid4()) for _ in plan.intents]

    tickets.client_order_ids = never_the_same


def _no_atomic(brief: Brief) -> None:
    """The books are committed before the decisions are written and the run is closed."""
    record = records.record_decisions

    def commit_first(run: ExecutionRun, plan: Plan, booked: Sequence[BookedOrder], *, deferral: Deferral) -> None:
        commit: Any = connection  # the driver's own commit, which an open `atomic` does not expect
        commit._commit()
        record(run, plan, booked, deferral=deferral)

    records.record_decisions = commit_first


def _no_retry(brief: Brief) -> None:
    """The first fault is the answer."""
    retry.ATTEMPTS = 1


DEFECTS: dict[str, Callable[[Brief], None]] = {
    "no_lock": _no_lock,
    "no_lock_on_reversals": _no_lock_on_reversals,
    "no_look": _no_look,
    "stale_turn": _stale_turn,
    "no_keys": _no_keys,
    "no_atomic": _no_atomic,
    "no_retry": _no_retry,
}
