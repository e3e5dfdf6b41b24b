"""Everything that happens before the transaction: ids, artifact, strategy, earlier runs, policy, prices.

Nothing here depends on the account's balances, and nothing is written.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from execution import recording
from execution.engine.planning import symbols_to_price
from execution.engine.policy import Policy
from execution.engine.routing import Quote
from execution.engine.text import one_line
from execution.engine.vocabulary import Code, Mode, Refusal
from execution.inbox import LoadedArtifact, load_artifact
from execution.inputs import parse_id, parse_provider, provider_meant
from execution.policies import policy_for
from execution.pricing import PriceChain
from execution.report import RunReport
from portfolios import queries


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """What a door asks for. Ids are text as they came in; `initial_balance` (cash, above zero) is used where the
    account does not exist yet. `inline` is research that came with the call; without it, the request's directory is
    read. `now`, the prices and the acting user are given: there is no clock below the doors.
    """

    request_id: str
    strategy_id: str
    provider: str
    initial_balance: Decimal
    prices: PriceChain
    artifacts_root: Path
    actor: str
    door: str
    now: datetime
    task_id: str | None = None
    mode: Mode = Mode.ALLOCATE
    close_unlisted: bool = False
    plan_token: str | None = None
    create_strategy: str | None = None
    inline: LoadedArtifact | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Everything that is read before the transaction: nothing in it depends on the account's balances."""

    request_id: uuid.UUID
    strategy_id: uuid.UUID
    provider: str
    creates_strategy: str | None
    loaded: LoadedArtifact
    policy: Policy
    quotes: Mapping[str, Quote]
    is_simulated: bool
    instruction: Instruction


def prepare(instruction: Instruction) -> Prepared | RunReport | Refusal:
    """Check and read everything that needs no lock. An earlier run of the request ends it here, as a replay."""
    ids = _parse_ids(instruction)
    if isinstance(ids, Refusal):
        return ids
    request_id, strategy_id, provider, task_id = ids
    loaded = instruction.inline or load_artifact(instruction.artifacts_root, request_id=request_id, task_id=task_id)
    if isinstance(loaded, Refusal):
        return loaded
    refusal = _mismatch(loaded, instruction) or strategy_refusal(strategy_id, instruction)
    if refusal is not None:
        return refusal
    earlier = earlier_run(request_id, strategy_id, provider, loaded)
    if earlier is not None:
        return earlier
    policy = policy_for(strategy_id)
    quotes = _fetch_quotes(instruction, loaded, strategy_id=strategy_id, provider=provider)
    asked_for = instruction.prices.stand_in_asked_for
    return Prepared(
        request_id=request_id,
        strategy_id=strategy_id,
        provider=provider,
        creates_strategy=instruction.create_strategy,
        loaded=loaded,
        policy=policy,
        quotes=quotes,
        is_simulated=asked_for or any(quote.simulated for quote in quotes.values()),
        instruction=instruction,
    )


def _parse_ids(instruction: Instruction) -> tuple[uuid.UUID, uuid.UUID, str, uuid.UUID | None] | Refusal:
    request_id = parse_id(instruction.request_id, name="request_id")
    if isinstance(request_id, Refusal):
        return request_id
    strategy_id = parse_id(instruction.strategy_id, name="strategy_id")
    if isinstance(strategy_id, Refusal):
        return strategy_id
    provider = parse_provider(instruction.provider)
    if isinstance(provider, Refusal):
        return provider
    task_id = None if instruction.task_id is None else parse_id(instruction.task_id, name="task_id")
    if isinstance(task_id, Refusal):
        return task_id
    return request_id, strategy_id, provider, task_id


def _mismatch(loaded: LoadedArtifact, instruction: Instruction) -> Refusal | None:
    """Refuse research that says it is another provider's, request's, task's or strategy's."""
    claims = loaded.artifact.claims
    claimed = {
        "provider": (provider_meant(claims.provider), instruction.provider),
        "request_id": (claims.request_id.lower(), instruction.request_id),
        "strategy_id": (claims.strategy_id.lower(), instruction.strategy_id),
        "task_id": (claims.task_id.lower(), str(loaded.task_id)),
    }
    for name, (says, asked) in claimed.items():
        if says and says != asked:
            message = f"{loaded.source}: field '{name}' is {one_line(says)}, executed for {one_line(asked)}"
            return Refusal(Code.ARTIFACT_MISMATCH, message)
    return None


def strategy_refusal(strategy_id: uuid.UUID, instruction: Instruction) -> Refusal | None:
    """Return why the strategy may not execute, or may not be created; None where it may."""
    strategy = queries.find_strategy(strategy_id)
    name = instruction.create_strategy
    if strategy is not None:
        if strategy.status == strategy.Status.ACTIVE:
            return None
        return Refusal(Code.STRATEGY_NOT_ACTIVE, f"strategy {strategy_id} is {strategy.status}, not active")
    if name is None:
        hint = "create it in the admin, or with --create-strategy NAME"
        return Refusal(Code.UNKNOWN_STRATEGY, f"strategy {strategy_id} does not exist: {hint}")
    if not name.strip() or len(name) > 200:
        return Refusal(Code.BAD_OPTION, f"strategy name {one_line(name)} is empty or longer than 200 characters")
    if queries.strategy_name_taken(name, strategy_id=strategy_id):
        return Refusal(Code.STRATEGY_NAME_TAKEN, f"a strategy named {one_line(name)} exists already")
    return None


def earlier_run(
    request_id: uuid.UUID, strategy_id: uuid.UUID, provider: str, loaded: LoadedArtifact
) -> RunReport | Refusal | None:
    """Return the stored report of this account's run, a refusal where the content changed, None where none ran."""
    runs = recording.find_runs(request_id=request_id)
    changed = [run for run in runs if run.digest != loaded.artifact.digest]
    if changed:
        return Refusal(
            Code.ARTIFACT_CHANGED,
            f"{loaded.source} has changed since request {request_id} was executed on "
            f"{changed[0].started_at:%Y-%m-%d %H:%M} UTC: executed {changed[0].digest[:12]}, "
            f"now {loaded.artifact.digest[:12]}",
            {"executed": changed[0].digest, "found": loaded.artifact.digest},
        )
    mine = [run for run in runs if run.strategy_id == strategy_id and run.provider == provider]
    return RunReport.from_data(mine[-1].report).as_replay() if mine else None


def _fetch_quotes(
    instruction: Instruction, loaded: LoadedArtifact, *, strategy_id: uuid.UUID, provider: str
) -> dict[str, Quote]:
    """Ask for all prices at once, before the transaction: a network call inside it would starve every caller."""
    account = queries.find_account(strategy_id=strategy_id, provider=provider)
    held = queries.held_symbols(account) if account else frozenset[str]()
    needed = symbols_to_price(loaded.artifact, held=held, close_unlisted=instruction.close_unlisted)
    quotes = instruction.prices.quotes(needed)
    # Holdings that only stay are marked at a real price where there is one; a stand-in must not revalue them.
    others = instruction.prices.quotes(held - needed)
    return quotes | {symbol: quote for symbol, quote in others.items() if not quote.simulated}
