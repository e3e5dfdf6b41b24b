"""Everything that happens before the transaction: ids, artifact, strategy, earlier runs, policy, prices.

Nothing here depends on the account's balances, and nothing is written.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from django.conf import settings

from common.text import one_line
from execution.arguments import parse_id, parse_provider
from execution.engine.calendar.hours import MarketSession, market_session
from execution.engine.parsing.artifact import Artifact
from execution.engine.planning.market import Unpriced
from execution.engine.planning.plan import symbols_to_price
from execution.engine.planning.policy import Policy
from execution.engine.planning.price_checks import Screened
from execution.engine.vocabulary import Code, Mode, Refusal
from execution.prices import PriceAnswer, PriceChain
from execution.prices.store import screen_quotes, without_invented_prices
from execution.prices.unused import unused_price
from execution.reports.types import RunReport
from execution.research.inbox import LoadedArtifact
from execution.research.resolutions import interpretation_for
from execution.research.submission import find_research
from execution.runs.effective_policy import policy_for
from execution.runs.eligibility import Attempt, next_attempt
from execution.runs.records import Deferral
from execution.runs.replays import Call
from portfolios.domain.vocabulary import provider_meant
from portfolios.selectors import books


def default_initial_balance() -> Decimal:
    """Return the settings' first deposit of an account."""
    return Decimal(settings.DEFAULT_INITIAL_BALANCE)


def default_artifacts_root() -> Path:
    """Return the settings' directory of research."""
    return Path(settings.ARTIFACTS_ROOT)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionRequest:
    """What a door asks for. Ids are text as they came in; `initial_balance` (cash, above zero) is used where the
    account does not exist yet. `inline` is research that came with the call; without it, the request's directory
    below `artifacts_root` is read. `accepted_prices` are the symbols whose price somebody has looked at. `again`
    asks for the whole request once more, after its orders were reversed. `now`, the prices and the acting user are
    given: there is no clock below the doors. What a caller does not say of the first deposit and of the root is as
    in the settings.
    """

    request_id: str
    strategy_id: str
    provider: str
    prices: PriceChain
    actor: str
    source: str
    now: datetime
    initial_balance: Decimal = field(default_factory=default_initial_balance)
    artifacts_root: Path = field(default_factory=default_artifacts_root)
    task_id: str | None = None
    mode: Mode = Mode.ALLOCATE
    close_unlisted: bool = False
    plan_token: str | None = None
    create_strategy: str | None = None
    inline: LoadedArtifact | None = None
    accepted_prices: frozenset[str] = frozenset()
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Everything that is read before the transaction: nothing in it depends on the account's balances.

    `read` is the artifact with all that people have said by now. `prices` are the quotes that may be used and those
    that wait for a person; `unpriced` says why a symbol has no price.
    """

    request_id: uuid.UUID
    strategy_id: uuid.UUID
    provider: str
    creates_strategy: str | None
    read: LoadedArtifact
    attempt: Attempt
    policy: Policy
    prices: Screened
    unpriced: Mapping[str, Unpriced]
    market: MarketSession
    request: ExecutionRequest

    @property
    def loaded(self) -> LoadedArtifact:
        """The artifact as this run understands it."""
        return self.attempt.loaded

    @property
    def artifact(self) -> Artifact:
        """The lines that this run is about."""
        return self.attempt.artifact

    @property
    def age_hours(self) -> Decimal | None:
        """How old the research is by what it says of itself, in hours; None where it says nothing."""
        written = self.loaded.artifact.written_at
        return None if written is None else hours_between(written, self.request.now)

    @property
    def is_simulated(self) -> bool:
        """Whether a default price was asked for or used."""
        return self.request.prices.default_price_asked_for or any(
            quote.simulated for quote in self.prices.quotes.values()
        )

    def next_attempt(self) -> Attempt | RunReport | Refusal:
        """Look again which attempt may take place now."""
        return next_attempt(
            request_id=self.request_id,
            strategy_id=self.strategy_id,
            provider=self.provider,
            loaded=self.read,
            accepted=self.request.accepted_prices,
            call=call_of(self.request),
            again=self.request.again,
        )

    @property
    def deferral(self) -> Deferral:
        """How long the run's deferred lines are tried again."""
        return Deferral(self.attempt.since or self.request.now, self.policy.defer_hours)


def prepare(request: ExecutionRequest) -> Prepared | RunReport | Refusal:
    """Check and read everything that needs no lock. An earlier run of the request ends it here, as a replay."""
    ids = _parse_ids(request)
    if isinstance(ids, Refusal):
        return ids
    request_id, strategy_id, provider, task_id = ids
    loaded = find_research(request.inline, root=request.artifacts_root, request_id=request_id, task_id=task_id)
    if isinstance(loaded, Refusal):
        return loaded
    refusal = _mismatch(loaded, request) or strategy_refusal(strategy_id, request)
    if refusal is not None:
        return refusal
    loaded = loaded.read_as(interpretation_for(request_id=request_id, provider=provider))
    if isinstance(loaded, Refusal):
        return loaded
    attempt = next_attempt(
        request_id=request_id,
        strategy_id=strategy_id,
        provider=provider,
        loaded=loaded,
        accepted=request.accepted_prices,
        call=call_of(request),
        again=request.again,
    )
    unused = _unused_price(request, loaded.artifact, strategy_id=strategy_id, provider=provider)
    attempt = _with_unused_price(attempt, unused)
    if not isinstance(attempt, Attempt):
        return attempt
    policy, artifact = policy_for(strategy_id), attempt.artifact
    found = _fetch_quotes(request, artifact, strategy_id=strategy_id, provider=provider, policy=policy)
    if isinstance(found, Refusal):
        # Who only asks again for what was done is answered by that, whatever the sources say now.
        return attempt.replay or found
    return Prepared(
        request_id=request_id,
        strategy_id=strategy_id,
        provider=provider,
        creates_strategy=request.create_strategy,
        read=loaded,
        attempt=attempt,
        policy=policy,
        prices=screen_quotes(
            found.quotes,
            lines=artifact.recommendations,
            accepted=request.accepted_prices,
            band_percent=policy.price_band_percent,
        ),
        unpriced=found.unpriced,
        market=market_session(request.now),
        request=request,
    )


def _with_unused_price(
    attempt: Attempt | RunReport | Refusal, unused: Refusal | None
) -> Attempt | RunReport | Refusal:
    """Refuse a run with a typed price of nothing. What is done is answered all the same, and says so."""
    if unused is None or isinstance(attempt, Refusal):
        return attempt
    if isinstance(attempt, RunReport):
        return attempt.with_note(f"{unused.message[0].upper()}{unused.message[1:]}.")
    return unused


def call_of(request: ExecutionRequest) -> Call:
    """Return what the call asks for, to be compared with what an earlier run of its request did."""
    return Call(
        now=request.now,
        mode=str(request.mode),
        close_unlisted=request.close_unlisted,
        initial_balance=request.initial_balance,
        prices=request.prices.named,
        default_price=request.prices.named_default,
        plan_token=request.plan_token,
    )


def hours_between(earlier: datetime, later: datetime) -> Decimal:
    """Return the time between two moments in whole hours, at least 0."""
    return Decimal(max(0, (later - earlier) // timedelta(hours=1)))


def _parse_ids(request: ExecutionRequest) -> tuple[uuid.UUID, uuid.UUID, str, uuid.UUID | None] | Refusal:
    request_id = parse_id(request.request_id, name="request_id")
    if isinstance(request_id, Refusal):
        return request_id
    strategy_id = parse_id(request.strategy_id, name="strategy_id")
    if isinstance(strategy_id, Refusal):
        return strategy_id
    provider = parse_provider(request.provider)
    if isinstance(provider, Refusal):
        return provider
    task_id = None if request.task_id is None else parse_id(request.task_id, name="task_id")
    if isinstance(task_id, Refusal):
        return task_id
    return request_id, strategy_id, provider, task_id


def _mismatch(loaded: LoadedArtifact, request: ExecutionRequest) -> Refusal | None:
    """Refuse research that says it is another provider's, request's, task's or strategy's."""
    claims = loaded.artifact.claims
    claimed = {
        "provider": (provider_meant(claims.provider), request.provider),
        "request_id": (claims.request_id.lower(), request.request_id),
        "strategy_id": (claims.strategy_id.lower(), request.strategy_id),
        "task_id": (claims.task_id.lower(), str(loaded.task_id)),
    }
    for name, (says, asked) in claimed.items():
        if says and says != asked:
            message = f"{loaded.source}: field '{name}' is {one_line(says)}, executed for {one_line(asked)}"
            return Refusal(Code.ARTIFACT_MISMATCH, message)
    return None


def strategy_refusal(strategy_id: uuid.UUID, request: ExecutionRequest) -> Refusal | None:
    """Return why the strategy may not execute, or may not be created; None where it may."""
    strategy = books.find_strategy(strategy_id)
    name = request.create_strategy
    if strategy is not None:
        if strategy.status == strategy.Status.ACTIVE:
            return None
        return Refusal(Code.STRATEGY_NOT_ACTIVE, f"strategy {strategy_id} is {strategy.status}, not active")
    if name is None:
        hint = "create it in the admin, or with --create-strategy NAME"
        return Refusal(Code.UNKNOWN_STRATEGY, f"strategy {strategy_id} does not exist: {hint}")
    if not name.strip() or len(name) > 200:
        return Refusal(Code.BAD_OPTION, f"strategy name {one_line(name)} is empty or longer than 200 characters")
    if books.strategy_name_taken(name, strategy_id=strategy_id):
        return Refusal(Code.STRATEGY_NAME_TAKEN, f"a strategy named {one_line(name)} exists already")
    return None


def symbols_of_plan(artifact: Artifact, *, held: frozenset[str]) -> frozenset[str]:
    """Return every symbol that a plan speaks of: what its lines name, readable or not, and what is held."""
    named = {item.symbol for item in artifact.recommendations} | {item.symbol for item in artifact.problems}
    return held | (named - {""})


def _unused_price(
    request: ExecutionRequest, artifact: Artifact, *, strategy_id: uuid.UUID, provider: str
) -> Refusal | None:
    """Refuse a typed price of what neither the research names nor the account holds."""
    if not request.prices.typed:
        return None
    held = books.symbols_held_by([(strategy_id, provider)])
    return unused_price(request.prices.typed, known=symbols_of_plan(artifact, held=held), what="the plan")


def _fetch_quotes(
    request: ExecutionRequest, artifact: Artifact, *, strategy_id: uuid.UUID, provider: str, policy: Policy
) -> PriceAnswer | Refusal:
    """Ask for all prices at once, before the transaction: a network call inside it would starve every caller.

    Refused where no source answers at all: recorded, such a run would use the research up.
    """
    account = books.find_account(strategy_id=strategy_id, provider=provider)
    marks = books.held_marks(account) if account else {}
    held = frozenset(marks)
    needed = symbols_to_price(artifact, held=held, close_unlisted=request.close_unlisted)
    found = request.prices.ask(needed | held)
    if needed and needed <= found.unreachable:
        return _outage(found.among(needed))
    if not request.prices.default_price_asked_for:
        found = without_invented_prices(
            found,
            lines=artifact.recommendations,
            marks=marks,
            now=request.now,
            band_percent=policy.price_band_percent,
        )
    # Holdings that only stay are marked at a real price where there is one; a default price must not revalue them.
    kept = {symbol: quote for symbol, quote in found.quotes.items() if symbol in needed or not quote.simulated}
    return replace(found, quotes=kept)


def _outage(found: PriceAnswer) -> Refusal:
    """Refuse a request of which no symbol has a price because the sources could not be asked."""
    said = list(dict.fromkeys(found.reasons[symbol] for symbol in sorted(found.unreachable)))
    more = f"; and {len(said) - 1} more" if len(said) > 1 else ""
    return Refusal(
        Code.NO_PRICE_SOURCE,
        f"no price source could be asked, so nothing was done and the request waits: {said[0]}{more}",
        {"symbols": ", ".join(sorted(found.unreachable))},
    )
