"""Every way to ask for an execution, behind one signature. A door that is built later is one more row of DOORS."""

import io
import json
import uuid
import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import close_old_connections
from django.test import Client

from execution.engine.vocabulary import Refusal
from execution.runs.reversal import reverse_run
from execution.services import ExecutionRequest, execute
from folios.tokens.models import ApiToken
from tests.reliability.children.briefs import Answer, Call
from tests.scenes import price_chain


def ask(call: Call) -> Answer:
    """Make the call through its door; whatever it raises is its answer."""
    try:
        kind, words, outcomes = {**DOORS, **OTHERS}[call.door](call)
    except Exception as error:  # noqa: BLE001  # the harness counts what a caller gets to see
        kind, words, outcomes = "error", f"{type(error).__name__}: {error}", ()
    finally:
        close_old_connections()  # as a server does after each request
    return Answer(call.door, call.request_id, kind, words, outcomes)


_Said = tuple[str, str, Sequence[str]]


def _service(call: Call) -> _Said:
    answer = execute(execution_request(call))
    if isinstance(answer, Refusal):
        return "refused", f"[{answer.code}] {answer.message}", ()
    return _said(answer.as_data())


def execution_request(call: Call) -> ExecutionRequest:
    """Return the call as the service takes it."""
    return ExecutionRequest(
        request_id=call.request_id,
        strategy_id=call.strategy_id,
        provider="anthropic",
        initial_balance=Decimal(call.initial_balance),
        prices=price_chain(call.prices),
        artifacts_root=settings.ARTIFACTS_ROOT,
        actor="harness",
        source="service",
        now=datetime.now(UTC),
        create_strategy=call.create_strategy,
        accepted_prices=frozenset(call.accept),
        again=call.again,
    )


def command_line(call: Call) -> list[str]:
    """Return the call as manage.py takes it."""
    prices = [part for symbol, price in call.prices.items() for part in ("--price", f"{symbol}={price}")]
    accept = [part for symbol in call.accept for part in ("--accept-price", symbol)]
    create = ["--create-strategy", call.create_strategy] if call.create_strategy else []
    return [
        "execute_recommendations", call.request_id, call.strategy_id, "--initial-balance", call.initial_balance,
        "--format", "json", *prices, *accept, *create, *(["--again"] if call.again else []),
    ]  # fmt: skip


def _command(call: Call) -> _Said:
    out = io.StringIO()
    try:
        call_command(*command_line(call), stdout=out)
    except CommandError as refused:
        # A fault of the database is shown in a line as well; its cause tells the two apart.
        return "error" if refused.__cause__ else "refused", str(refused), ()
    return _said(json.loads(out.getvalue()))


def _api(call: Call) -> _Said:
    """A program with a token of its own: HTTP without the network in between."""
    body = {
        "request_id": call.request_id,
        "strategy_id": call.strategy_id,
        "initial_balance": call.initial_balance,
        "prices": call.prices,
        "accept_prices": list(call.accept),
        "again": call.again,
        **({"create_strategy": call.create_strategy} if call.create_strategy else {}),
    }
    response = _client().post("/api/v1/executions/", json.dumps(body), content_type="application/json")
    answer = response.json()
    if response.status_code in (200, 201):
        return _said(answer)
    return "error" if response.status_code >= 500 else "refused", f"[{answer['code']}] {answer['detail']}", ()


@cache
def _client() -> Client:
    """Return a program with a token of this process's own user."""
    user = User.objects.create_superuser(f"harness {uuid.uuid4()}")
    _, token = ApiToken.objects.create(user, name="harness")
    client = Client(headers={"Authorization": f"Token {token}"}, SERVER_NAME="localhost")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nobody has collected static files here
        client.handler.load_middleware()
    return client


def _said(report: Mapping[str, Any]) -> _Said:
    kind = "replay" if report["run"]["replay"] else "executed"
    return kind, "", [" ".join([line["outcome"], *line["codes"]]) for line in report["decisions"]]


def _reversal(call: Call) -> _Said:
    """Take a run back; its id stands in the place of the request's."""
    answer = reverse_run(
        uuid.UUID(call.request_id),
        actor="harness",
        source="service",
        reason="wrong research",
        now=datetime.now(UTC),
    )
    if isinstance(answer, Refusal):
        return "refused", f"[{answer.code}] {answer.message}", ()
    return "replay" if answer.replay else "executed", "", ()


DOORS: dict[str, Callable[[Call], _Said]] = {"service": _service, "command": _command, "api": _api}
OTHERS: dict[str, Callable[[Call], _Said]] = {"reversal": _reversal}  # what else changes an account
