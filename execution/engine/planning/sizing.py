"""What one recommendation asks of one account, before any limit: exits of what is held, and perhaps an entry.

BUY never sells, SELL never shorts, a flip is an exit and an entry, HOLD protects. Nothing looks at another line.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from common.money import HUNDRED, UNIT_LIMIT, ZERO, quantize_quantity
from execution.engine.parsing.artifact import Recommendation
from execution.engine.planning.costs import is_worth_its_cost
from execution.engine.planning.limits import Entry
from execution.engine.planning.market import Market
from execution.engine.planning.steps import portion, reached
from execution.engine.vocabulary import PASSING, Code, Mode, Outcome, RecommendedAction, TradingState
from portfolios.domain.accounting import Action, Holding, Side


@dataclass(frozen=True, slots=True)
class Exit:
    """A reduction of what is held. `full` closes the holding; such an exit passes by the minimum order value."""

    line: int
    symbol: str
    action: Action
    quantity: Decimal
    full: bool


@dataclass(frozen=True, slots=True)
class Route:
    """Where a line goes: to an exit, an entry, both (a flip), or straight to its outcome.

    `codes` explain an outcome, or what was taken away from the legs on the way. `is_near_target` says that trading
    the rest would cost more than it brings.
    """

    exit: Exit | None = None
    entry: Entry | None = None
    outcome: Outcome | None = None
    codes: tuple[Code, ...] = ()
    is_near_target: bool = False


def route(item: Recommendation, market: Market) -> Route:
    """Return where `item` goes. Precedence: symbol, hold, halted, not allowed, nothing held, no price, size."""
    if _is_former(item, market):
        return Route(outcome=Outcome.QUARANTINED, codes=(Code.SYMBOL_CHANGED,))
    if item.action is RecommendedAction.HOLD:
        return Route(outcome=Outcome.HELD)
    refused = _refused(item, market) or _unpriced(item.symbol, market) or _outdated(item, market)
    if refused is not None:
        return refused
    action = Action(item.action)
    if not action.increases:
        return _marked(_reduce(item, action, market), item.symbol, market)
    if _ideal(item, market) + _held(market, item.symbol, action.side) >= UNIT_LIMIT:
        return Route(outcome=Outcome.DENIED, codes=(Code.BOOKS_RANGE,))
    return _marked(_permitted(_increase(item, action, market), item, market), item.symbol, market)


def _is_former(item: Recommendation, market: Market) -> bool:
    """Whether a line names a security by a symbol that it has no more: to trade another one would be a guess."""
    is_meant = item.line in market.confirmed or item.symbol in market.snapshot.holdings
    return item.symbol in market.former and not is_meant


def exit_unlisted(holding: Holding, *, line: int, market: Market) -> Route:
    """Return the full exit of a holding that the research does not list, where a sale brings more than it costs."""
    refused = _halted(market) or _unpriced(holding.symbol, market)
    if refused is not None:
        # The research says nothing of it, so no later run can take it up as one of its lines.
        outcome = Outcome.SKIPPED if refused.outcome is Outcome.DEFERRED else refused.outcome
        return Route(outcome=outcome, codes=(*refused.codes, Code.UNLISTED))
    action = exit_action(holding.side)
    # A short may still grow dear: it is closed at any cost.
    if action is Action.SELL and not _is_worth(holding.quantity, action, holding.symbol, market):
        return Route(outcome=Outcome.SKIPPED, codes=(Code.BELOW_COST, Code.UNLISTED))
    leaving = Exit(line, holding.symbol, action, holding.quantity, full=True)
    return _marked(Route(exit=leaving, codes=(Code.UNLISTED,)), holding.symbol, market)


def _unpriced(symbol: str, market: Market) -> Route | None:
    """Nothing is traded at a price that nobody has, or that a person has to confirm first."""
    if symbol in market.held_back:
        return Route(outcome=Outcome.QUARANTINED, codes=(Code.PRICE_OUT_OF_BAND,))
    if symbol not in market.quotes:
        why = market.unpriced.get(symbol)
        return Route(outcome=Outcome.DEFERRED, codes=(why.code if why else Code.NO_PRICE,))
    return None


def _outdated(item: Recommendation, market: Market) -> Route | None:
    """Research that time has overtaken waits for a person: too old, or its target has been reached."""
    if item.line in market.confirmed:
        return None
    if market.is_too_old:
        return Route(outcome=Outcome.QUARANTINED, codes=(Code.RESEARCH_TOO_OLD,))
    quote, target = market.quotes[item.symbol], item.target_price
    # A default price says nothing about a target.
    if target is None or quote.simulated:
        return None
    bought = item.action is RecommendedAction.BUY and quote.price >= target
    shorted = item.action is RecommendedAction.SELL_SHORT and quote.price <= target
    return Route(outcome=Outcome.QUARANTINED, codes=(Code.TARGET_PASSED,)) if bought or shorted else None


def _marked(found: Route, symbol: str, market: Market) -> Route:
    """Say so where an exit is priced at the last mark."""
    if found.exit is None or not market.quotes[symbol].reduce_only:
        return found
    return replace(found, codes=(*found.codes, Code.LAST_MARK))


def _halted(market: Market) -> Route | None:
    halted = market.state is TradingState.HALTED
    return Route(outcome=Outcome.DEFERRED, codes=(Code.TRADING_HALTED,)) if halted else None


def _refused(item: Recommendation, market: Market) -> Route | None:
    halted = _halted(market)
    if halted is not None:
        return halted
    if _is_forbidden_short(item, market) and not _closes_long(item, market):
        return Route(outcome=Outcome.DENIED, codes=(Code.SHORT_NOT_ALLOWED,))
    action = Action(item.action)
    if not action.increases and not _held(market, item.symbol, action.side):
        return Route(outcome=Outcome.SKIPPED, codes=(Code.NO_POSITION,))
    return None


def _is_forbidden_short(item: Recommendation, market: Market) -> bool:
    return item.action is RecommendedAction.SELL_SHORT and not market.policy.allow_short


def _closes_long(item: Recommendation, market: Market) -> bool:
    """Whether a weight below zero is out of reach but for its first part: what is held long is sold."""
    return market.mode is Mode.REBALANCE and _held(market, item.symbol, Side.LONG) > 0


def _held(market: Market, symbol: str, side: Side) -> Decimal:
    holding = market.snapshot.holdings.get(symbol)
    return holding.quantity if holding is not None and holding.side is side else ZERO


def _ideal(item: Recommendation, market: Market) -> Decimal:
    """The published size before rounding: total value * percent / 100 / price."""
    percent = item.allocation_percent or ZERO
    value = max(market.total_value - market.settling.lost, ZERO)
    return value * percent / HUNDRED / market.quotes[item.symbol].price


def exit_action(side: Side) -> Action:
    """Return what closes a holding of `side`."""
    return Action.SELL if side is Side.LONG else Action.BUY_TO_COVER


def _other(side: Side) -> Side:
    return Side.SHORT if side is Side.LONG else Side.LONG


def _is_worth(quantity: Decimal, action: Action, symbol: str, market: Market) -> bool:
    return is_worth_its_cost(
        action=action, quantity=quantity, price=market.quotes[symbol].price, costs=market.policy.costs
    )


def _target(item: Recommendation, market: Market, *, ideal: Decimal, held: Decimal) -> Decimal:
    """The quantity to reach: `held` itself where it is what another plan of this request would have aimed at, or
    where trading the rest would lose more than it moves.

    A run moves the total value by its rounding and its costs, and with it every size. Planning again must not trade
    on that.
    """
    side = Action(item.action).side
    step, rounding = market.step(item.symbol, side), market.policy.rounding
    target = reached(ideal, held=held, step=step, rounding=rounding)
    if not held or target == held:
        return target
    if item.symbol not in market.settling.awake:
        noise = market.noise * (item.allocation_percent or ZERO) / HUNDRED / market.quotes[item.symbol].price
        least = reached(max(ideal - noise, ZERO), held=held, step=step, rounding=rounding)
        most = reached(min(ideal + noise, UNIT_LIMIT - step), held=held, step=step, rounding=rounding)
        if least <= held <= most:
            return held
    action = Action(item.action) if target > held else exit_action(side)
    is_worth = not target or _is_worth(abs(target - held), action, item.symbol, market)
    return target if is_worth else held


def _within_band(item: Recommendation, market: Market, *, target: Decimal, held: Decimal) -> bool:
    """Whether the drift from the target is too small to trade: |target - held| in percent of the total value.

    A full exit passes. The band is absolute, the simplest of those that rebalancing tools offer.
    """
    if not target or target == held:
        return False
    drift = abs(target - held) * market.quotes[item.symbol].price
    return drift * HUNDRED < market.policy.drift_band_percent * (market.total_value - market.settling.lost)


def _increase(item: Recommendation, action: Action, market: Market) -> Route:
    """A BUY or SELL_SHORT: first out of the opposite side, then in with the rest."""
    ideal = _ideal(item, market)
    other = _other(action.side)
    opposite = _held(market, item.symbol, other)
    if item.allocation_percent and not market.has_equity:
        return _out_without_equity(item, other, opposite, market)
    if market.mode is not Mode.ALLOCATE:
        return _towards(item, action, market, ideal=ideal, opposite=opposite)
    if not ideal:
        return Route(outcome=Outcome.SKIPPED, codes=(Code.ZERO_SIZE,))
    step = market.step(item.symbol, other)
    covered = portion(ideal, of=opposite, step=step, rounding=market.policy.rounding)
    leaving = _exit_of(item, other, covered, market) if covered else None
    if opposite and covered < opposite:
        return Route(exit=leaving) if leaving else Route(outcome=Outcome.SKIPPED, codes=(Code.BELOW_STEP,))
    if covered >= ideal:  # rounded up to the last step of what was open
        return Route(exit=leaving)
    return Route(exit=leaving, entry=_entry(item, action, market, wanted=ideal - covered))


def _out_without_equity(item: Recommendation, other: Side, opposite: Decimal, market: Market) -> Route:
    """A BUY or SELL_SHORT of an account that is worth nothing: all of the opposite side is closed, and nothing else
    is done. Of what is held on its own side nothing is sold either: the weight it names means nothing here.
    """
    if opposite:
        return Route(exit=_exit_of(item, other, opposite, market), codes=(Code.NO_EQUITY,))
    return Route(outcome=Outcome.DENIED, codes=(Code.NO_EQUITY,))


def _towards(item: Recommendation, action: Action, market: Market, *, ideal: Decimal, opposite: Decimal) -> Route:
    """A BUY or SELL_SHORT whose size is the weight to reach; only `rebalance` also trims what is above it."""
    if not item.allocation_percent and market.mode is Mode.TARGET:
        return Route(outcome=Outcome.SKIPPED, codes=(Code.ZERO_SIZE,))
    leaving = _exit_of(item, _other(action.side), opposite, market) if opposite else None
    held = _held(market, item.symbol, action.side)
    target = _target(item, market, ideal=ideal, held=held)
    if leaving is None and _within_band(item, market, target=target, held=held):
        return Route(outcome=Outcome.SKIPPED, codes=(Code.WITHIN_DRIFT_BAND,))
    if target > held and ideal > held:
        return Route(exit=leaving, entry=_entry(item, action, market, wanted=ideal - held, anchor=held))
    if held > target and market.mode is Mode.REBALANCE:
        return Route(exit=_exit_of(item, action.side, held - target, market))
    if leaving:
        return Route(exit=leaving)
    near = target == held and _rounded(ideal, item, market) != held
    return Route(outcome=Outcome.SKIPPED, codes=(Code.ALREADY_AT_TARGET,), is_near_target=near)


def _rounded(ideal: Decimal, item: Recommendation, market: Market) -> Decimal:
    step = market.step(item.symbol, Action(item.action).side)
    return quantize_quantity(ideal, step=step, rounding=market.policy.rounding)


def _reduce(item: Recommendation, action: Action, market: Market) -> Route:
    """A SELL or BUY_TO_COVER of what is held: all of it, a trim to a weight, or (covering) an amount.

    In an account that is worth nothing a percentage is neither, and all is closed: a broker that calls the margin
    would do no less, and a smaller size could only be made up.
    """
    held = _held(market, item.symbol, action.side)
    if not item.allocation_percent or (action is Action.SELL and market.mode is Mode.ALLOCATE):
        return Route(exit=_exit_of(item, action.side, held, market))
    if not market.has_equity:
        return Route(exit=_exit_of(item, action.side, held, market), codes=(Code.CLOSED_IN_FULL,))
    # Beyond what is held the size makes no difference, and may be more than the books can hold.
    ideal = _ideal(item, market)
    if market.mode is not Mode.ALLOCATE:
        target = held if ideal >= held else _target(item, market, ideal=ideal, held=held)
        if target >= held:
            near = ideal < held and _rounded(ideal, item, market) != held
            return Route(outcome=Outcome.SKIPPED, codes=(Code.ALREADY_AT_TARGET,), is_near_target=near)
        if _within_band(item, market, target=target, held=held):
            return Route(outcome=Outcome.SKIPPED, codes=(Code.WITHIN_DRIFT_BAND,))
        return Route(exit=_exit_of(item, action.side, held - target, market))
    step = market.step(item.symbol, action.side)
    sized = portion(ideal, of=held, step=step, rounding=market.policy.rounding)
    if not sized:
        return Route(outcome=Outcome.SKIPPED, codes=(Code.BELOW_STEP,))
    clamped = (Code.CLAMPED_TO_POSITION,) if ideal - held >= step else ()
    return Route(exit=_exit_of(item, action.side, sized, market), codes=clamped)


def _exit_of(item: Recommendation, side: Side, quantity: Decimal, market: Market) -> Exit:
    full = quantity == _held(market, item.symbol, side)
    return Exit(item.line, item.symbol, exit_action(side), quantity, full=full)


def _entry(
    item: Recommendation, action: Action, market: Market, *, wanted: Decimal, anchor: Decimal = ZERO
) -> Entry:
    known = market.instrument(item.symbol)
    return Entry(
        line=item.line,
        symbol=item.symbol,
        action=action,
        sector=known.sector,
        price=market.quotes[item.symbol].price,
        step=market.step(item.symbol, action.side),
        minimum=known.minimum,
        wanted=wanted,
        anchor=anchor,
    )


def _permitted(found: Route, item: Recommendation, market: Market) -> Route:
    """Take the entry away where only reductions are allowed; an exit that comes with it stays."""
    if found.entry is None:
        return found
    forbidden = Code.SHORT_NOT_ALLOWED if _is_forbidden_short(item, market) else None
    code = forbidden or _entry_forbidden(item.symbol, market)
    if code is None:
        return found
    outcome = Outcome.DEFERRED if code in PASSING else Outcome.DENIED
    return Route(exit=found.exit, outcome=None if found.exit else outcome, codes=(code,))


def _entry_forbidden(symbol: str, market: Market) -> Code | None:
    if symbol in market.policy.restricted_symbols:
        return Code.RESTRICTED_SYMBOL
    if not market.instrument(symbol).active:
        return Code.SECURITY_INACTIVE
    if market.state is TradingState.REDUCING:
        return Code.REDUCING_ONLY
    if not market.quotes[symbol].reduce_only:
        return None
    why = market.unpriced.get(symbol)
    return why.code if why else Code.NO_PRICE
