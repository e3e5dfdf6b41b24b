"""What people decide about requests of the inbox: whose one is, and that one is not to be executed."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction

from execution.arguments import parse_provider
from execution.engine.vocabulary import Code, Refusal
from execution.models import ResearchRequest
from execution.research.resolutions import Author
from portfolios.selectors import books

State = ResearchRequest.State
_WAITING = (State.NEW, State.READY, State.QUARANTINED, State.FAILED)
_ASSIGNABLE = (*_WAITING, State.IGNORED)


def assign_request(
    request_id: uuid.UUID, *, strategy_id: uuid.UUID, provider: str, author: Author
) -> ResearchRequest | Refusal:
    """Say whose a request is; where it can be read, it is ready to be executed then.

    Refused: a request that is not known or no longer waits, an unknown strategy or provider, no person or reason.
    """
    known = parse_provider(provider)
    if isinstance(known, Refusal):
        return known
    if books.find_strategy(strategy_id) is None:
        return Refusal(Code.UNKNOWN_STRATEGY, f"strategy {strategy_id} does not exist")
    with transaction.atomic():
        row = _waiting(request_id, author, states=_ASSIGNABLE)
        if isinstance(row, Refusal):
            return row
        row.strategy_id, row.provider, row.assigned_by = strategy_id, provider, author.actor
        row.problems = [item for item in row.problems if item["code"] not in _SETTLED_BY_ASSIGNING]
        row.state = _state_of(row)
        if not row.digest:
            row.fingerprint = ""  # it has never been read, so the next scan reads it
        row.save(update_fields=["strategy", "provider", "assigned_by", "problems", "state", "fingerprint"])
    return row


def ignore_request(request_id: uuid.UUID, *, author: Author) -> ResearchRequest | Refusal:
    """Take a request out of the inbox: no batch executes it any more. A call that names it still does."""
    with transaction.atomic():
        row = _waiting(request_id, author)
        if isinstance(row, Refusal):
            return row
        row.state, row.assigned_by = State.IGNORED, author.actor
        row.problems = [{"code": "IGNORED", "message": f"{author.actor}: {author.reason.strip()}"}]
        row.save(update_fields=["state", "assigned_by", "problems"])
    return row


def ignore_executed_elsewhere(ids: Iterable[uuid.UUID], *, where: str, now: datetime) -> int:
    """Keep batches from executing what another system has executed already; return how many requests that concerns.

    A request that a person has assigned, or that was executed here, stays as it is; so does one that is ignored.
    """
    wanted = sorted(set(ids))
    problem = {"code": "EXECUTED_ELSEWHERE", "message": f"executed by {where}; assign it to execute it here too"}
    with transaction.atomic():
        waiting = ResearchRequest.objects.filter(pk__in=wanted, state__in=_WAITING, assigned_by="")
        changed = waiting.update(state=State.IGNORED, problems=[problem])
        known = set(ResearchRequest.objects.filter(pk__in=wanted).values_list("pk", flat=True))
        missing = [item for item in wanted if item not in known]
        ResearchRequest.objects.bulk_create(
            ResearchRequest(pk=item, state=State.IGNORED, problems=[problem], received_at=now) for item in missing
        )
    return changed + len(missing)


_SETTLED_BY_ASSIGNING = frozenset({Code.UNKNOWN_STRATEGY, Code.UNKNOWN_PROVIDER, "IGNORED", "EXECUTED_ELSEWHERE"})


def _state_of(row: ResearchRequest) -> State:
    if not row.digest and row.problems:
        return State.QUARANTINED
    return State.NEW if row.problems or not row.digest else State.READY


def _waiting(
    request_id: uuid.UUID, author: Author, *, states: Sequence[State] = _WAITING
) -> ResearchRequest | Refusal:
    if not author.actor.strip() or not author.reason.strip():
        return Refusal(Code.REASON_MISSING, "a decision about a request needs a person and a reason")
    row = ResearchRequest.objects.select_for_update().filter(pk=request_id).first()
    if row is None:
        return Refusal(Code.REQUEST_NOT_FOUND, f"request {request_id} is not in the inbox: scan it first")
    if row.state not in states:
        return Refusal(Code.REQUEST_NOT_READY, f"request {request_id} is {row.state}: it no longer waits")
    return row
