"""The lock of an account: whoever changes its books holds it until the transaction ends."""

import uuid
from collections.abc import Iterable, Sequence

from django.db import transaction
from django.db.models import QuerySet

from portfolios.models import PortfolioAccount, Security


class LockOutsideTransactionError(RuntimeError):
    """A lock was asked for where no transaction would hold it: a mistake of the caller, on every database."""


def lock_account(*, strategy_id: uuid.UUID, provider: str) -> PortfolioAccount | None:
    """Return the account, locked until the transaction ends, or None where there is none yet.

    On PostgreSQL the row is locked against other writers, while rows that refer to it may still be inserted; on
    SQLite the transaction itself holds the one write lock from its first statement on. Raises
    LockOutsideTransactionError.
    """
    return _locked_rows().filter(strategy_id=strategy_id, provider=provider).first()


def lock_accounts(ids: Sequence[uuid.UUID]) -> list[PortfolioAccount]:
    """Return the accounts that exist, all locked with one call, by id. Raises LockOutsideTransactionError.

    Everybody takes several locks in this one order. So a split and a bulk mark that want the same accounts wait for
    each other; in two orders, each would hold what the other one waits for.
    """
    return list(_locked_rows().filter(pk__in=ids).order_by("pk"))


def lock_securities(symbols: Iterable[str]) -> None:
    """Lock securities until the transaction ends: corporate actions of one symbol are booked one after another.

    Before any account, and sorted, so that nobody waits in a circle. Trades go on meanwhile.
    """
    list(Security.objects.select_for_update(no_key=True).filter(symbol__in=sorted(set(symbols))).order_by("symbol"))


def _locked_rows() -> QuerySet[PortfolioAccount]:
    # Without a transaction SQLite drops the lock without a word: a second run of the same account would read the
    # cash that this one is about to spend.
    if not transaction.get_connection().in_atomic_block:
        raise LockOutsideTransactionError(
            "an account stays locked until its transaction ends, and none is open here: use transaction.atomic()"
        )
    return PortfolioAccount.objects.select_for_update(no_key=True, of=("self",))
