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

from execution.engine.planning.plan import symbols_to_trade
from execution.engine.vocabulary import Mode, Refusal
from execution.models import ExecutionRun, ResearchRequest
from execution.prices import PriceChain
from execution.prices.unused import unused_price
from execution.reports.types import RunReport
from execution.research.inbox import LoadedArtifact, load_artifact
from execution.runs import records
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """One request for one account: one that has not run, or one whose deferred lines are tried again."""

    request_id: uuid.UUID
    strategy_id: uuid.UUID | None
    provider: str
    mode: Mode
    close_unlisted: bool = False


def count_ready(batch: Batch) -> int:
    """Return how many requests the batch would execute now that have not run."""
    ready: int = _ready(batch).count()
    return ready if batch.limit is None else min(ready, batch.limit)


def count_deferred(batch: Batch) -> int:
    """Return how many requests that have run the batch would take up again, for lines that were deferred."""
    deferred = len(_retries(batch, now=batch.clock()))
    return deferred if batch.limit is None else min(deferred, batch.limit - count_ready(batch))


def execute_pending(batch: Batch) -> Iterator[Done] | Refusal:
    """Execute what is ready, oldest first, then what was deferred, and yield what became of each request.

    The prices of a chunk are asked for at once. A refusal or a fault of one request does not keep the next ones.
    What is executed now and deferred is not tried again by the same call. Refused as a whole, before anything is
    executed: a typed price that prices nothing in any of the requests.
    """
    tasks = [*_first_runs(batch), *_retries(batch, now=batch.clock())]
    return _unused_price(tasks, batch) or _execute_all(tasks[: batch.limit], batch)


def _unused_price(tasks: Sequence[_Task], batch: Batch) -> Refusal | None:
    """Refuse a typed price that is for none of the requests, within the batch's limit or not, and nothing held.

    What the call before has bought is held by now: the same call goes on where that one stopped.
    """
    now = batch.clock()
    prices = batch.prices_at(now) if tasks else None
    if prices is None or not prices.typed:
        return None
    requests = [_request(task, batch, prices=prices, now=now) for task in tasks]
    known = symbols_of_requests(requests) | books.symbols_held()
    return unused_price(prices.typed, known=known, what="the ready research")


def _execute_all(tasks: Sequence[_Task], batch: Batch) -> Iterator[Done]:
    for chunk in _chunks(tasks, batch.chunk_size):
        now = batch.clock()
        shared = replace(batch.prices_at(now), typed=frozenset())  # a request may leave a price to another one
        prices = shared.remembering(_symbols(chunk, batch))
        for task in chunk:
            yield _execute(task, batch, prices=prices, now=now)


def _first_runs(batch: Batch) -> list[_Task]:
    rows = _ready(batch).order_by("received_at", "pk").values_list("pk", "strategy_id", "provider")
    return [_Task(request_id=pk, strategy_id=strategy, provider=of, mode=batch.mode) for pk, strategy, of in rows]


def _ready(batch: Batch) -> Any:
    rows = ResearchRequest.objects.filter(state=ResearchRequest.State.READY)
    if batch.provider is not None:
        rows = rows.filter(provider=batch.provider)
    return rows if batch.strategy_id is None else rows.filter(strategy_id=batch.strategy_id)


def _retries(batch: Batch, *, now: datetime) -> list[_Task]:
    """Return the requests with deferred lines, in the accounts and the mode that they were executed in."""
    runs = ExecutionRun.objects.filter(pk__in=records.deferred_lines(now).values("run"))
    # The weights of a rebalance came with its call: whoever made it makes it again.
    runs = runs.exclude(request__origin=ResearchRequest.Origin.REBALANCE)
    if batch.provider is not None:
        runs = runs.filter(provider=batch.provider)
    if batch.strategy_id is not None:
        runs = runs.filter(strategy=batch.strategy_id)
    found = {(run.request_id, run.account_id): _retry(run) for run in runs.order_by("started_at", "sequence")}
    return list(found.values())


def _retry(run: ExecutionRun) -> _Task:
    return _Task(
        request_id=run.request_id,
        strategy_id=run.strategy_id,
        provider=run.provider,
        mode=Mode(run.parameters["mode"]),
        close_unlisted=bool(run.parameters["close_unlisted"]),
    )


def _chunks(tasks: Iterable[_Task], size: int) -> Iterator[list[_Task]]:
    items = iter(tasks)
    while chunk := list(islice(items, size)):
        yield chunk


def _symbols(tasks: Sequence[_Task], batch: Batch) -> frozenset[str]:
    """What the chunk's runs may need a price for: what its research names and what its accounts hold."""
    accounts = {(task.strategy_id, task.provider) for task in tasks if task.strategy_id is not None}
    loaded = (load_artifact(batch.artifacts_root, request_id=task.request_id, task_id=None) for task in tasks)
    named = [symbols_to_trade(item.artifact) for item in loaded if isinstance(item, LoadedArtifact)]
    return books.symbols_held_by(accounts).union(*named)


def _request(task: _Task, batch: Batch, *, prices: PriceChain, now: datetime) -> ExecutionRequest:
    return ExecutionRequest(
        request_id=str(task.request_id),
        strategy_id=str(task.strategy_id),
        provider=task.provider,
        initial_balance=batch.initial_balance,
        prices=prices,
        artifacts_root=batch.artifacts_root,
        actor=batch.actor,
        source=batch.source,
        now=now,
        mode=task.mode,
        close_unlisted=task.close_unlisted,
        accepted_prices=batch.accepted_prices,
    )


def _execute(task: _Task, batch: Batch, *, prices: PriceChain, now: datetime) -> Done:
    try:
        answer = execute(_request(task, batch, prices=prices, now=now))
    except Exception as error:  # noqa: BLE001  # it is recorded as a failed run; the others go on
        return _done(task, "failed", reason=f"{type(error).__name__}: {error}")
    if isinstance(answer, Refusal):
        return _done(task, "refused", reason=f"[{answer.code}] {answer.message}")
    return _reported(task, answer)


def _reported(task: _Task, report: RunReport) -> Done:
    return Done(
        request_id=str(task.request_id),
        strategy_id=str(task.strategy_id),
        provider=task.provider,
        result="replayed" if report.run.replay else "executed",
        run_id=report.run.id,
        orders=len(report.orders),
        outcomes=dict(sorted(Counter(item.outcome for item in report.decisions).items())),
    )


def _done(task: _Task, result: str, *, reason: str) -> Done:
    return Done(str(task.request_id), str(task.strategy_id), task.provider, result, reason=reason)
