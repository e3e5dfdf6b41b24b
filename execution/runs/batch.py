"""Executes what waits in the inbox, one request after the other, each in its own transaction."""

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from execution.engine.planning.plan import symbols_to_price
from execution.engine.vocabulary import Mode, Refusal
from execution.models import ResearchRequest
from execution.prices import PriceChain
from execution.prices.unused import unused_price
from execution.reports.types import RunReport
from execution.research.inbox import LoadedArtifact, load_artifact
from execution.runs.execute import execute
from execution.runs.prepare import ExecutionRequest, default_artifacts_root, default_initial_balance
from execution.runs.shared_prices import symbols_of_requests
from portfolios.selectors import books


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What is to be executed, and how. `limit` None: everything that is ready.

    What a caller does not say of the first deposit and of the root is as in the settings.
    """

    actor: str
    source: str
    clock: Callable[[], datetime]
    prices_at: Callable[[datetime], PriceChain]
    initial_balance: Decimal = field(default_factory=default_initial_balance)
    artifacts_root: Path = field(default_factory=default_artifacts_root)
    provider: str | None = None
    strategy_id: uuid.UUID | None = None
    limit: int | None = None
    chunk_size: int = 100
    mode: Mode = Mode.ALLOCATE
    accepted_prices: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one request: "executed", "replayed", "refused" or "failed", the last two with the reason."""

    request_id: str
    strategy_id: str
    provider: str
    result: str
    run_id: str | None = None
    orders: int = 0
    outcomes: Mapping[str, int] | None = None
    reason: str = ""

    def as_data(self) -> dict[str, Any]:
        """Return the result as JSON-ready values."""
        return asdict(self)


def count_ready(batch: Batch) -> int:
    """Return how many requests the batch would execute now."""
    ready: int = _ready(batch).count()
    return ready if batch.limit is None else min(ready, batch.limit)


def execute_pending(batch: Batch) -> Iterator[Done] | Refusal:
    """Execute what is ready, oldest first, and yield what became of each request as it is done.

    The prices of a chunk are asked for at once. A refusal or a fault of one request does not keep the next ones.
    Refused as a whole, before anything is executed: a typed price that prices nothing in any of the requests.
    """
    ids = list(_ready(batch).order_by("received_at", "pk").values_list("pk", flat=True)[: batch.limit])
    return (_unused_price(batch) if ids else None) or _execute_all(ids, batch)


def _unused_price(batch: Batch) -> Refusal | None:
    """Refuse a typed price that is for no ready request, within the batch's number or not, and for nothing held.

    What the call before has bought is held by now: the same call goes on where that one stopped.
    """
    now = batch.clock()
    prices = batch.prices_at(now)
    if not prices.typed:
        return None
    requests = [_request(row, batch, prices=prices, now=now) for row in _ready(batch)]
    if not requests:
        return None
    known = symbols_of_requests(requests) | books.symbols_held()
    return unused_price(prices.typed, known=known, what="the ready research")


def _execute_all(ids: Sequence[uuid.UUID], batch: Batch) -> Iterator[Done]:
    for chunk in _chunks(ids, batch.chunk_size):
        rows = _rows(chunk)
        now = batch.clock()
        shared = replace(batch.prices_at(now), typed=frozenset())  # a request may leave a price to another one
        prices = shared.remembering(_symbols(rows, batch))
        for row in rows:
            yield _execute(row, batch, prices=prices, now=now)


def _rows(ids: Sequence[uuid.UUID]) -> list[ResearchRequest]:
    return list(ResearchRequest.objects.filter(pk__in=ids).order_by("received_at", "pk"))


def _ready(batch: Batch) -> Any:
    rows = ResearchRequest.objects.filter(state=ResearchRequest.State.READY)
    if batch.provider is not None:
        rows = rows.filter(provider=batch.provider)
    return rows if batch.strategy_id is None else rows.filter(strategy_id=batch.strategy_id)


def _chunks(ids: Iterable[uuid.UUID], size: int) -> Iterator[list[uuid.UUID]]:
    items = iter(ids)
    while chunk := list(islice(items, size)):
        yield chunk


def _symbols(rows: Sequence[ResearchRequest], batch: Batch) -> frozenset[str]:
    """What the chunk's runs may need a price for: what its research names and what its accounts hold."""
    accounts = {(row.strategy_id, row.provider) for row in rows if row.strategy_id is not None}
    loaded = (load_artifact(batch.artifacts_root, request_id=row.pk, task_id=None) for row in rows)
    named = [
        symbols_to_price(item.artifact, held=(), close_unlisted=False)
        for item in loaded
        if isinstance(item, LoadedArtifact)
    ]
    return books.symbols_held_by(accounts).union(*named)


def _request(row: ResearchRequest, batch: Batch, *, prices: PriceChain, now: datetime) -> ExecutionRequest:
    return ExecutionRequest(
        request_id=str(row.pk),
        strategy_id=str(row.strategy_id),
        provider=row.provider,
        initial_balance=batch.initial_balance,
        prices=prices,
        artifacts_root=batch.artifacts_root,
        actor=batch.actor,
        source=batch.source,
        now=now,
        mode=batch.mode,
        accepted_prices=batch.accepted_prices,
    )


def _execute(row: ResearchRequest, batch: Batch, *, prices: PriceChain, now: datetime) -> Done:
    try:
        answer = execute(_request(row, batch, prices=prices, now=now))
    except Exception as error:  # noqa: BLE001  # it is recorded as a failed run; the others go on
        return _done(row, "failed", reason=f"{type(error).__name__}: {error}")
    if isinstance(answer, Refusal):
        return _done(row, "refused", reason=f"[{answer.code}] {answer.message}")
    return _reported(row, answer)


def _reported(row: ResearchRequest, report: RunReport) -> Done:
    return Done(
        request_id=str(row.pk),
        strategy_id=str(row.strategy_id),
        provider=row.provider,
        result="replayed" if report.run.replay else "executed",
        run_id=report.run.id,
        orders=len(report.orders),
        outcomes=dict(sorted(Counter(item.outcome for item in report.decisions).items())),
    )


def _done(row: ResearchRequest, result: str, *, reason: str) -> Done:
    return Done(str(row.pk), str(row.strategy_id), row.provider, result, reason=reason)
