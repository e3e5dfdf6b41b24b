"""Decisions in words. One sentence a decision, made from its codes and numbers alone."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from common.money import format_cash, plain
from execution.engine.planning.limits import Verdict
from execution.engine.vocabulary import Code, Outcome
from portfolios.domain.accounting import Action, Fill

_VERBS = {
    Action.BUY: "Bought",
    Action.SELL: "Sold",
    Action.SELL_SHORT: "Sold short",
    Action.BUY_TO_COVER: "Bought to cover",
}

_WHY = {
    Code.CONTRADICTORY_LINES: "other lines of {symbol} ask for something else",
    Code.PRICE_OUT_OF_BAND: "the price of {symbol} has to be confirmed",
    Code.RESEARCH_TOO_OLD: "the research is older than the policy allows",
    Code.TARGET_PASSED: "the price of {symbol} has reached the target of the research",
    Code.NO_POSITION: "there is no such position in {symbol}",
    Code.NO_PRICE: "there is no price for {symbol}",
    Code.ZERO_SIZE: "the size is zero",
    Code.BELOW_STEP: "the size is less than one quantity step of {symbol}",
    Code.BELOW_MINIMUM_ORDER: "the order is below the minimum order value",
    Code.DUPLICATE_LINE: "an earlier line says the same of {symbol}",
    Code.ALREADY_AT_TARGET: "{symbol} is already at its target",
    Code.WITHIN_DRIFT_BAND: "{symbol} is within the drift band of its target",
    Code.BELOW_MINIMUM_QUANTITY: "the size is below the minimum quantity of {symbol}",
    Code.SHORT_NOT_ALLOWED: "the policy does not allow short selling",
    Code.RESTRICTED_SYMBOL: "{symbol} is restricted: it may only be reduced",
    Code.SECURITY_INACTIVE: "{symbol} is no longer traded: it may only be reduced",
    Code.REDUCING_ONLY: "trading is limited to what reduces a position",
    Code.TRADING_HALTED: "trading is halted",
    Code.MAXIMUM_ORDER: "the maximum order value",
    Code.POSITION_LIMIT: "the position limit",
    Code.SECTOR_LIMIT: "the sector limit",
    Code.GROSS_LIMIT: "the gross exposure limit",
    Code.SHORT_EXPOSURE_LIMIT: "the limit on all shorts",
    Code.SINGLE_SHORT_LIMIT: "the limit on one short",
    Code.ORDERS_PER_RUN: "the number of orders a run may make",
    Code.INSUFFICIENT_CASH: "the cash that is available",
    Code.CLAMPED_TO_POSITION: "the position that is held",
    Code.SECTOR_UNVERIFIED: "the sector of {symbol} is unknown, so its limit was not checked",
    Code.ROUNDED_DOWN: "rounded down to stay within the limits",
    Code.UNLISTED: "the research does not list {symbol}",
    Code.LAST_MARK: "no source had a price for {symbol}, so its last mark was used",
    Code.BOOKS_RANGE: "the quantity is larger than the books can hold",
}

_REMARKS = (Code.SECTOR_UNVERIFIED, Code.ROUNDED_DOWN, Code.UNLISTED, Code.LAST_MARK)
_LEADS = {
    Outcome.SKIPPED: "Skipped",
    Outcome.DENIED: "Denied",
    Outcome.QUARANTINED: "Quarantined",
}


def explain(
    outcome: Outcome,
    codes: Sequence[Code],
    *,
    symbol: str,
    verdicts: Sequence[Verdict],
    fills: Sequence[Fill],
    notes: Mapping[Code, str] = MappingProxyType({}),
) -> str:
    """Return one sentence, with a full stop, that says what was done and why not more.

    `notes` are words that belong behind a code's own, in brackets.
    """
    if outcome is Outcome.HELD:
        return f"Held: no order, and {symbol} is protected from a sweep."
    reasons = [_reason(code, symbol, verdicts) + _note(code, notes) for code in codes if code not in _REMARKS]
    remarks = [_WHY[code].format(symbol=symbol) for code in codes if code in _REMARKS]
    if fills:
        done = " and ".join(_done(fill) for fill in fills)
        because = f", reduced by {' and '.join(reasons)}" if outcome is Outcome.CLAMPED and reasons else ""
    else:
        done, because = _LEADS[outcome], f": {' and '.join(reasons)}" if reasons else ""
    return "; ".join([done + because, *remarks]) + "."


def _done(fill: Fill) -> str:
    fee = f", fee {format_cash(fill.fee)}" if fill.fee else ""
    verb = _VERBS[fill.action]
    return (
        f"{verb} {plain(fill.quantity)} {fill.symbol} at {plain(fill.price)} for {format_cash(fill.notional)}{fee}"
    )


def _note(code: Code, notes: Mapping[Code, str]) -> str:
    return f" ({notes[code]})" if code in notes else ""


def _reason(code: Code, symbol: str, verdicts: Sequence[Verdict]) -> str:
    words = _WHY[code].format(symbol=symbol)
    verdict = next((v for v in verdicts if v.code is code and v.result in ("clamped", "rejected")), None)
    if verdict is None or verdict.room is None or code is Code.ORDERS_PER_RUN:
        return words
    if verdict.before < verdict.room and not verdict.after:
        return f"{words} (what is left, {format_cash(verdict.room)}, is less than a step of each line)"
    room = max(verdict.room, verdict.after)
    return (
        f"{words} ({format_cash(verdict.before)} wanted, {format_cash(verdict.after)} of {format_cash(room)} room)"
    )
