"""Prices that were typed for several requests at once: each must price something in at least one of them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from common.identifiers import canonical_uuid
from execution.engine.vocabulary import Refusal
from execution.prices.unused import unused_price
from execution.research.resolutions import interpretation_for
from execution.research.submission import find_research
from execution.runs.prepare import ExecutionRequest, symbols_of_plan
from portfolios.selectors import books


def sharing_prices(requests: Sequence[ExecutionRequest]) -> list[ExecutionRequest] | Refusal:
    """Return the requests, each of which may leave typed prices to the others, or why one price is for none."""
    typed = frozenset[str]().union(*(request.prices.typed for request in requests))
    if not typed or len(requests) == 1:
        return list(requests)
    refused = unused_price(typed, known=symbols_of_requests(requests), what="the research")
    return refused or [replace(each, prices=replace(each.prices, typed=frozenset())) for each in requests]


def symbols_of_requests(requests: Iterable[ExecutionRequest]) -> frozenset[str]:
    """Return every symbol that the requests' research names and that their accounts hold."""
    return frozenset[str]().union(*(_symbols(request) for request in requests))


def _symbols(request: ExecutionRequest) -> frozenset[str]:
    """What a request's research names and its account holds; nothing for one that will be refused anyway."""
    request_id, strategy_id = canonical_uuid(request.request_id), canonical_uuid(request.strategy_id)
    task_id = canonical_uuid(request.task_id) if request.task_id else None
    if request_id is None or strategy_id is None:
        return frozenset()
    found = find_research(request.inline, root=request.artifacts_root, request_id=request_id, task_id=task_id)
    if isinstance(found, Refusal):
        return frozenset()
    loaded = found.read_as(interpretation_for(request_id=request_id, provider=request.provider))
    if isinstance(loaded, Refusal):
        return frozenset()
    return symbols_of_plan(loaded.artifact, held=books.symbols_held_by([(strategy_id, request.provider)]))
