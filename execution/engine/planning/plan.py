"""Artifact + account + prices + policy -> Plan: the orders to send, and one decision for every recommendation.

Exits go first, so that their proceeds fund the entries; within a side the order of the artifact holds. The total
value that sizes are measured by is frozen before the first trade.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from common.money import CENT, ZERO, AmountOutOfRangeError, plain, quantize_cash
from execution.engine.parsing.artifact import Artifact, Recommendation
from execution.engine.planning.baskets import fill_basket
from execution.engine.planning.costs import simulate_fill
from execution.engine.planning.decisions import Decision, Ending, contradictory, decide, quarantined
from execution.engine.planning.exits import brings_cash, exit_order
from execution.engine.planning.limits import Entry, RiskContext
from execution.engine.planning.market import Instrument, Market, Quote, Settling, Successor, Unpriced, noise_of
from execution.engine.planning.policy import Policy
from execution.engine.planning.price_checks import HeldBack
from execution.engine.planning.sizing import Route, exit_unlisted, route
from execution.engine.reasons import Shortfall
from execution.engine.vocabulary import Code, Mode, Outcome, RecommendedAction, Refusal, TradingState
from portfolios.domain.accounting import Action, Fill, Holding, apply_fill
from portfolios.domain.snapshot import AccountSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanInput:
    """Everything a plan depends on. Equal inputs give equal plans; there is no clock and no chance in the planner.

    `snapshot` holds the account marked at this run's prices; `quotes` has a price for each symbol that may be
    traded, `held_back` those that a person has to confirm first, `unpriced` why a symbol has none, `former` what
    became of a symbol that a security has no more; `state` is the
    stricter of the account's and the system's trading state. `age_hours` is how old the research is, None where
    nobody knows; the `confirmed` lines go ahead in spite of their age, their target or another line.
    """

    artifact: Artifact
    snapshot: AccountSnapshot
    quotes: Mapping[str, Quote]
    instruments: Mapping[str, Instrument]
    policy: Policy
    mode: Mode = Mode.ALLOCATE
    close_unlisted: bool = False
    state: TradingState = TradingState.ACTIVE
    age_hours: Decimal | None = None
    confirmed: frozenset[int] = frozenset()
    held_back: Mapping[str, HeldBack] = field(default_factory=dict)
    unpriced: Mapping[str, Unpriced] = field(default_factory=dict)
    former: Mapping[str, Successor] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OrderIntent:
    """A planned order and the fill that the simulated venue gives it. `price` is the reference price per unit."""

    line: int
    leg: str  # "exit" or "entry"
    symbol: str
    action: Action
    quantity: Decimal
    price: Decimal
    fill: Fill


@dataclass(frozen=True, slots=True)
class Plan:
    """Orders in the order of their execution, decisions in the order of the artifact, the account after both."""

    intents: tuple[OrderIntent, ...]
    decisions: tuple[Decision, ...]
    before: AccountSnapshot
    after: AccountSnapshot


def symbols_to_price(artifact: Artifact, *, held: Iterable[str], close_unlisted: bool) -> frozenset[str]:
    """Return the symbols that a plan may trade, and so needs a price for; what only stays keeps its mark."""
    traded = symbols_to_trade(artifact)
    return traded.union(held) if close_unlisted else traded


def symbols_to_trade(artifact: Artifact) -> frozenset[str]:
    """Return the symbols that the research asks to trade: those of its lines but for what it only holds."""
    return frozenset(item.symbol for item in artifact.recommendations if item.action is not RecommendedAction.HOLD)


def make_plan(given: PlanInput) -> Plan | Refusal:
    """Return the plan for `given`, or a refusal where its numbers do not fit the books. Never raises on input.

    Where sizes are weights to reach, it is a plan after which planning again gives no orders, if there is one.
    """
    try:
        plan = _plan(given, Settling())
    except AmountOutOfRangeError as error:
        return Refusal(Code.BOOKS_RANGE, str(error))
    refusal = _all_or_nothing(plan) if given.policy.all_or_nothing else None
    return refusal or _settled(given, plan)


def right_after(given: PlanInput, plan: Plan) -> PlanInput:
    """Return what the same request would be planned with right after `plan`: the account that it leaves, and no
    price any more of what was only priced because it was held.
    """
    held = plan.after.holdings
    wanted = symbols_to_price(given.artifact, held=held, close_unlisted=given.close_unlisted)
    quotes = {
        symbol: quote
        for symbol, quote in given.quotes.items()
        if symbol in wanted and (symbol in held or not quote.reduce_only)
    }
    return replace(given, snapshot=plan.after, quotes=quotes)


def is_settled(given: PlanInput, plan: Plan) -> bool | None:
    """Whether planning again right after `plan` gives no orders; None where sizes are amounts to trade."""
    if given.mode is Mode.ALLOCATE:
        return None
    again = make_plan(right_after(given, plan))
    return isinstance(again, Plan) and not again.intents


_TRIES = 6  # two are rarely needed


def _settled(given: PlanInput, first: Plan) -> Plan:
    """Return `first`, or the plan near it that planning again leaves alone; `first` where none of a few is.

    What is traded again is traded at once, be its drift noise or not. Where that does not help, what the orders
    cost is more than noise, and the weights are measured by what they leave.
    """
    plan, settling = first, Settling()
    if given.mode is Mode.ALLOCATE or _is_sliced(first):
        return first
    for _ in range(_TRIES):
        try:
            again = _plan(right_after(given, plan), Settling())
            if not again.intents:
                return plan
            settling = _next(settling, plan, again)
            plan = _plan(given, settling)
        except AmountOutOfRangeError:
            break
    return first


def _next(tried: Settling, plan: Plan, again: Plan) -> Settling:
    awake = tried.awake | {intent.symbol for intent in again.intents}
    if awake != tried.awake:
        return replace(tried, awake=awake)
    return replace(tried, lost=plan.before.total_value - plan.after.total_value)


def _is_sliced(plan: Plan) -> bool:
    """Whether a run only does a part on purpose, and the next ones go on."""
    slices = {Code.MAXIMUM_ORDER, Code.ORDERS_PER_RUN}
    return any(slices & set(decision.codes) for decision in plan.decisions)


def _all_or_nothing(plan: Plan) -> Refusal | None:
    undecided = (Outcome.QUARANTINED, Outcome.DEFERRED)
    waiting = [decision for decision in plan.decisions if decision.outcome in undecided]
    if not waiting:
        return None
    lines = ", ".join(str(decision.line) for decision in waiting)
    message = f"the policy executes all lines or none, and these are undecided: {lines}. {waiting[0].reason}"
    return Refusal(Code.ALL_OR_NOTHING, message, {"lines": lines})


def _is_too_old(given: PlanInput) -> bool:
    limit = given.policy.max_research_age_hours
    return limit is not None and given.age_hours is not None and given.age_hours > limit


def _plan(given: PlanInput, settling: Settling) -> Plan:
    # What was swept before is not priced again: a measure that is the same for the next plan cannot count it.
    wanted = symbols_to_trade(given.artifact)
    named = {symbol: quote for symbol, quote in given.quotes.items() if symbol in wanted}
    market = Market(
        snapshot=given.snapshot,
        quotes=given.quotes,
        instruments=given.instruments,
        policy=given.policy,
        mode=given.mode,
        state=given.state,
        total_value=given.snapshot.total_value,
        noise=noise_of(given.snapshot, named, given.policy.costs),
        held_back=given.held_back,
        unpriced=given.unpriced,
        former=given.former,
        is_too_old=_is_too_old(given),
        confirmed=given.confirmed,
        settling=settling,
        rounding=2 * CENT * len(named),
    )
    contradictions = _contradictions(given.artifact) - given.confirmed
    routes = _routes(given, market, contradictions)
    exits = _execute_exits(routes, market)
    entries = _execute_entries(routes, market, exits)
    decided = _decisions(given, routes, exits, entries)
    decided += [quarantined(problem) for problem in given.artifact.problems]
    decided += [contradictory(item) for item in given.artifact.recommendations if item.line in contradictions]
    return Plan(
        intents=(*exits.intents, *entries.intents),
        decisions=tuple(sorted(decided, key=lambda decision: decision.line)),
        before=given.snapshot,
        after=entries.account,
    )


def _routes(given: PlanInput, market: Market, contradictions: frozenset[int]) -> dict[int, Route]:
    """Return where each trustworthy line goes, by line; closed holdings get lines after the last."""
    seen: set[str] = set()
    routes: dict[int, Route] = {}
    for item in given.artifact.recommendations:
        if item.line in contradictions:
            continue
        repeated = Route(outcome=Outcome.SKIPPED, codes=(Code.DUPLICATE_LINE,))
        routes[item.line] = repeated if item.symbol in seen else route(item, market)
        seen.add(item.symbol)
    for line, symbol in _unlisted(given):
        routes[line] = exit_unlisted(given.snapshot.holdings[symbol], line=line, market=market)
    return routes


def _contradictions(artifact: Artifact) -> frozenset[int]:
    """Lines whose symbol stands in another line with another action or size; equal lines say one wish twice."""
    wishes: dict[str, set[tuple[str, Decimal | None]]] = {}
    for item in artifact.recommendations:
        wishes.setdefault(item.symbol, set()).add((item.action, item.allocation_percent))
    return frozenset(item.line for item in artifact.recommendations if len(wishes[item.symbol]) > 1)


def _unlisted(given: PlanInput) -> list[tuple[int, str]]:
    """Holdings to sweep, with the lines they get. A line that cannot be read protects what it may have meant: the
    holding it names, or every holding where not even its symbol is readable.
    """
    if not given.close_unlisted or given.mode is not Mode.REBALANCE:
        return []
    if not given.artifact.recommendations or any(not problem.symbol for problem in given.artifact.problems):
        return []
    listed = {item.symbol for item in given.artifact.recommendations}
    listed |= {problem.symbol for problem in given.artifact.problems}
    listed |= {given.former[symbol].symbol for symbol in listed if symbol in given.former}
    swept = sorted(set(given.snapshot.holdings) - listed)
    return list(enumerate(swept, start=given.artifact.line_count + 1))


@dataclass(frozen=True, slots=True)
class _Side:
    """One side of the basket, done: its orders and the account after them. By line: the entries as the limits left
    them, why a line fell short of its wish, and by how much an exit did.
    """

    intents: tuple[OrderIntent, ...]
    account: AccountSnapshot
    judged: Mapping[int, Entry]
    short_of: Mapping[int, Code]
    shortfalls: Mapping[int, Shortfall] = field(default_factory=dict)


class _Working:
    """The account while orders are applied to it, one by one."""

    def __init__(self, start: AccountSnapshot) -> None:
        self.cash = start.cash_balance
        self.holdings = dict(start.holdings)
        self.book_version = start.book_version
        self.payable = start.payable

    def apply(self, intent: OrderIntent) -> None:
        """Book the intent's fill, the holding marked at the reference price."""
        result = apply_fill(self.holdings.pop(intent.symbol, None), intent.fill)
        if result.holding.is_open:
            self.holdings[intent.symbol] = replace(result.holding, mark_price=intent.price)
        self.cash += result.cash_delta - result.fee

    def freeze(self) -> AccountSnapshot:
        """Return what the account has become. Raises AmountOutOfRangeError."""
        return AccountSnapshot(quantize_cash(self.cash), self.holdings, self.book_version, self.payable)


def _execute_exits(routes: Mapping[int, Route], market: Market) -> _Side:
    """Plan the exits, sales before covers and last those that cost more than they bring, each paid for by the cash
    at its turn.
    """
    account = _Working(market.snapshot)
    intents: list[OrderIntent] = []
    short_of: dict[int, Code] = {}
    shortfalls: dict[int, Shortfall] = {}
    exits = [found.exit for _, found in sorted(routes.items()) if found.exit]
    for leaving in sorted(exits, key=lambda item: (item.action is not Action.SELL, not brings_cash(item, market))):
        order = exit_order(leaving, account.cash, market)
        if order.code is not None:
            short_of[leaving.line] = order.code
        if order.code is Code.INSUFFICIENT_CASH:
            shortfalls[leaving.line] = Shortfall(order.code, wanted=order.cost, available=order.cash)
        if order.fill is not None:
            intents.append(_intent(leaving.line, "exit", order.fill, market.quotes[leaving.symbol].price))
            account.apply(intents[-1])
    return _Side(tuple(intents), account.freeze(), {}, short_of, shortfalls)


def _intent(line: int, leg: str, fill: Fill, price: Decimal) -> OrderIntent:
    return OrderIntent(line, leg, fill.symbol, fill.action, fill.quantity, price, fill)


def _execute_entries(routes: Mapping[int, Route], market: Market, exits: _Side) -> _Side:
    """Plan the entries within the limits, which see the account as the exits leave it.

    What an exit could not pay for is not spent on entries.
    """
    after_exits = exits.account
    # A flip whose exit fell short (no cash to cover all) must not enter against what is still held.
    wanted = [
        found.entry for _, found in sorted(routes.items()) if found.entry and _is_clear(found.entry, after_exits)
    ]
    context = RiskContext(
        total_value=market.total_value,
        after_exits=after_exits,
        sectors={symbol: market.instrument(symbol).sector for symbol in after_exits.holdings},
        policy=market.policy,
        exit_count=len(exits.intents),
        owed=sum((shortfall.wanted for shortfall in exits.shortfalls.values()), ZERO),
        are_weights=market.mode is not Mode.ALLOCATE,
        noise=market.noise,
        rounding=market.rounding,
        awake=market.settling.awake,
    )
    basket = fill_basket(wanted, context)
    account = _Working(after_exits)
    intents: list[OrderIntent] = []
    for entry in basket.judged.values():
        if entry.line not in basket.short_of:
            intents.append(_intent(entry.line, "entry", _entry_fill(entry, market.policy), entry.price))
            account.apply(intents[-1])
    return _Side(tuple(intents), account.freeze(), basket.judged, basket.short_of)


def _is_clear(entry: Entry, account: AccountSnapshot) -> bool:
    held = account.holdings.get(entry.symbol)
    return held is None or held.side is entry.action.side


def _entry_fill(entry: Entry, policy: Policy) -> Fill:
    return simulate_fill(
        symbol=entry.symbol,
        action=entry.action,
        quantity=entry.quantity,
        price=entry.price,
        costs=policy.costs,
    )


def _decisions(given: PlanInput, routes: Mapping[int, Route], exits: _Side, entries: _Side) -> list[Decision]:
    items = {item.line: item for item in given.artifact.recommendations}
    swept = {line: given.snapshot.holdings[symbol] for line, symbol in _unlisted(given)}
    fills: dict[int, list[Fill]] = {}
    for intent in (*exits.intents, *entries.intents):
        fills.setdefault(intent.line, []).append(intent.fill)
    short_of = {**exits.short_of, **entries.short_of}
    decided = []
    for line, found in routes.items():
        subject = items.get(line) or swept[line]
        ending = Ending(
            fills=tuple(fills.get(line, ())),
            entry=entries.judged.get(line),
            short_of=short_of.get(line),
            exit_shortfall=exits.shortfalls.get(line),
            notes=_notes(given, subject),
        )
        decided.append(decide(line, subject, found, ending))
    return decided


def _notes(given: PlanInput, subject: Recommendation | Holding) -> dict[Code, str]:
    """What belongs behind a code: the numbers, or what the price sources said."""
    symbol = subject.symbol
    notes: dict[Code, str] = {}
    if symbol in given.former:
        notes[Code.SYMBOL_CHANGED] = given.former[symbol].words
    if symbol in given.unpriced:
        why = given.unpriced[symbol]
        notes |= {Code.NO_PRICE: why.reason, why.code: why.reason}
    if symbol in given.held_back:
        notes[Code.PRICE_OUT_OF_BAND] = given.held_back[symbol].words
    if given.age_hours is not None:
        limit = given.policy.max_research_age_hours
        notes[Code.RESEARCH_TOO_OLD] = f"{plain(given.age_hours, places=0)} hours, at most {limit}"
    if isinstance(subject, Recommendation) and subject.target_price is not None and symbol in given.quotes:
        price = plain(given.quotes[symbol].price)
        notes[Code.TARGET_PASSED] = f"target {plain(subject.target_price)}, price {price}"
    return notes
