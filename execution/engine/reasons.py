"""Decisions in words. One sentence a decision, made from its codes and numbers alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, auto

from common.money import ZERO, format_cash, format_percent, plain
from common.text import counted
from execution.engine.vocabulary import Code, Outcome
from portfolios.domain.accounting import Action, Fill
from portfolios.domain.risk_limits import LIMITS


class Tense(Enum):
    """Of what was done, or of what a preview says would be."""

    PAST = auto()
    CONDITIONAL = auto()


@dataclass(frozen=True, slots=True)
class Share:
    """How several orders share what a limit leaves them: each gets the same `factor` of its wish.

    `total` is what all of them share, `of` says of what, `beside` are the other orders.
    """

    total: Decimal
    of: str
    factor: Decimal
    beside: Sequence[Action]


@dataclass(frozen=True, slots=True)
class Shortfall:
    """What a limit took, in cash or, where `is_count`, in orders.

    `is_left_over` says that what is left is less than a step of each line, and is not shared out.
    """

    code: Code
    wanted: Decimal
    available: Decimal
    is_count: bool = False
    is_left_over: bool = False
    share: Share | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a sentence is made of. `notes` are words that belong behind a code's own, in brackets; `instead` are
    words that say it better than the code's own; `message` is the whole sentence of a line that cannot be read.
    """

    outcome: Outcome
    codes: Sequence[Code]
    symbol: str
    fills: Sequence[Fill] = ()
    shortfalls: Sequence[Shortfall] = ()
    notes: Mapping[Code, str] = field(default_factory=dict)
    instead: Mapping[Code, str] = field(default_factory=dict)
    message: str = ""


_VERBS = {
    Action.BUY: ("Bought", "bought", "buy"),
    Action.SELL: ("Sold", "sold", "sell"),
    Action.SELL_SHORT: ("Sold short", "sold short", "sell short"),
    Action.BUY_TO_COVER: ("Bought to cover", "bought to cover", "buy to cover"),
}

# What is exceeded, as a noun; every other code's words are a clause.
_NOUNS = {Code(row.code): row.sentence for row in LIMITS if row.rule is not None}
_CLAUSES = {
    **{Code(row.code): row.sentence for row in LIMITS if row.code and Code(row.code) not in _NOUNS},
    Code.CONTRADICTORY_LINES: "other lines of {symbol} ask for something else",
    Code.TARGET_PASSED: "the price of {symbol} has reached the target of the research",
    Code.SYMBOL_CHANGED: "{symbol} is no longer the symbol of its security",
    Code.NO_POSITION: "there is no such position in {symbol}",
    Code.NO_PRICE: "there is no price for {symbol}",
    Code.PRICE_STALE: "the last price of {symbol} is too old",
    Code.ZERO_SIZE: "the size is zero",
    Code.DUPLICATE_LINE: "an earlier line says the same of {symbol}",
    Code.ALREADY_AT_TARGET: "{symbol} is already at its target",
    Code.BELOW_MINIMUM_QUANTITY: "the size is below the minimum quantity of {symbol}",
    Code.BELOW_COST: "selling {symbol} would cost more than it brings",
    Code.SECURITY_INACTIVE: "{symbol} is no longer traded, and what is held of it may only be reduced",
    Code.REDUCING_ONLY: "trading is limited to orders that reduce a position",
    Code.TRADING_HALTED: "trading is halted",
    Code.NO_EQUITY: "the account is worth nothing after its debts, so only what reduces a position is traded",
    Code.SECTOR_UNVERIFIED: "the sector of {symbol} is unknown, so its limit was not checked",
    Code.ROUNDED_DOWN: "rounded down to stay within the limits",
    Code.UNLISTED: "the research does not list {symbol}",
    Code.LAST_MARK: "no source had a price for {symbol}, so its last mark was used",
    Code.CLOSED_IN_FULL: (
        "the account is worth nothing after its debts, and a percentage of nothing is no size, so all is closed"
    ),
    Code.BOOKS_RANGE: "the quantity is larger than the books can hold",
}
NOT_INVENTED = "there is no price for {symbol} but a default one, which cannot be right"
NEAR_TARGET = "{symbol} is close enough to its target that trading would cost more than it brings"

REMARKS = frozenset({Code.SECTOR_UNVERIFIED, Code.ROUNDED_DOWN, Code.UNLISTED, Code.LAST_MARK, Code.CLOSED_IN_FULL})
_LEADS = {
    Outcome.SKIPPED: "Skipped",
    Outcome.DENIED: "Denied",
    Outcome.QUARANTINED: "Quarantined",
    Outcome.DEFERRED: "Deferred",
}


def explain(given: Explanation, tense: Tense = Tense.PAST) -> str:
    """Return one sentence, with a full stop, that says what was done, or would be, and why not more."""
    if given.message:
        return given.message
    if given.outcome is Outcome.HELD:
        return f"Held: no order. {given.symbol} is not closed as an unlisted position."
    remarks = [_clause(code, given) for code in given.codes if code in REMARKS]
    codes = [code for code in given.codes if code not in REMARKS]
    parts = _traded(given, codes, tense) if given.fills else [_not_traded(given, codes)]
    return "; ".join([*parts, *remarks]) + "."


def _traded(given: Explanation, codes: Sequence[Code], tense: Tense) -> list[str]:
    """What was done; by which limits it was made smaller; why what else was asked for was not done."""
    done = _done(given.fills, tense)
    if given.outcome is not Outcome.CLAMPED:
        return [done]
    cuts = [_cut(code, given) for code in codes if code in _NOUNS]
    if Code.CLAMPED_TO_POSITION in codes:
        cuts.append("to the position that is held")
    clauses = [_clause(code, given) for code in codes if code in _CLAUSES]
    reduced = [f"{done}, reduced {'; and '.join(cuts)}"] if cuts else [done]
    return [*reduced, f"no more, because {' and '.join(clauses)}"] if clauses else reduced


def _not_traded(given: Explanation, codes: Sequence[Code]) -> str:
    asked = [code for code in codes if code is not Code.CLAMPED_TO_POSITION]
    reasons = [_exceeded(code, given) if code in _NOUNS else _clause(code, given) for code in asked]
    return f"{_LEADS[given.outcome]}: {'; and '.join(reasons)}" if reasons else _LEADS[given.outcome]


def _done(fills: Sequence[Fill], tense: Tense) -> str:
    first, *others = fills
    if tense is Tense.CONDITIONAL:
        return " and ".join([f"Would {_fill(first, 2)}", *(_fill(fill, 2) for fill in others)])
    return " and ".join([_fill(first, 0), *(_fill(fill, 1) for fill in others)])


def _fill(fill: Fill, form: int) -> str:
    fee = f", fee {format_cash(fill.fee)}" if fill.fee else ""
    verb = _VERBS[fill.action][form]
    return (
        f"{verb} {plain(fill.quantity)} {fill.symbol} at {plain(fill.price)} for {format_cash(fill.notional)}{fee}"
    )


def _clause(code: Code, given: Explanation) -> str:
    words = given.instead.get(code, _CLAUSES[code]).format(symbol=given.symbol)
    return f"{words} ({given.notes[code]})" if code in given.notes else words


def _shortfall(code: Code, given: Explanation) -> Shortfall | None:
    return next((each for each in given.shortfalls if each.code is code), None)


def _cut(code: Code, given: Explanation) -> str:
    found = _shortfall(code, given)
    return f"by {_NOUNS[code]}" + (f": {_numbers(found)}" if found else "")


def _exceeded(code: Code, given: Explanation) -> str:
    found = _shortfall(code, given)
    if found is None:
        return f"{_NOUNS[code]} would be exceeded"
    verb = "leaves too little" if found.is_left_over else "would be exceeded"
    return f"{_NOUNS[code]} {verb}: {_numbers(found)}"


def _numbers(found: Shortfall) -> str:
    if found.is_left_over:
        return f"what is left, {format_cash(found.available)}, is less than a step of each line"
    available = max(found.available, ZERO)
    if found.is_count:
        return f"{counted(int(found.wanted), 'order')} wanted, {int(available):,} available"
    words = f"{format_cash(found.wanted)} wanted, {format_cash(available)} available"
    return f"{words}; {_shared(found.share)}" if found.share else words


def _shared(share: Share) -> str:
    part = format_percent(share.factor, places=1)
    return f"shares {format_cash(share.total)}{share.of} with {_others(share.beside)}: {part} of each"


def _others(beside: Sequence[Action]) -> str:
    """Say how many other orders, and of what kind where they are of one."""
    nouns = {"purchase" if action is Action.BUY else "short sale" for action in beside}
    noun = nouns.pop() if len(nouns) == 1 else "order"
    return counted(len(beside), f"other {noun}")
