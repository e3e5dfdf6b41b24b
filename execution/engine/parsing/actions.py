"""The words for what to do -> one of the five actions, by a table. What is not in the table is not guessed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from common.text import brief, one_line
from execution.engine.parsing.mapping_rules import Rules, Unclear
from execution.engine.vocabulary import Code, RecommendedAction

BUY, SELL, SELL_SHORT, BUY_TO_COVER, HOLD = RecommendedAction

# Words with one meaning. Spaces and hyphens are read as underscores, case does not matter.
MEANINGS: Mapping[str, RecommendedAction] = {
    **dict.fromkeys(
        ("BUY", "STRONG_BUY", "LONG", "OPEN_LONG", "ENTER_LONG", "GO_LONG", "BUY_TO_ENTER", "买入"), BUY
    ),
    # A strong sell closes what is held, as a sell does; it never opens a short.
    **dict.fromkeys(("SELL", "STRONG_SELL", "CLOSE_LONG", "EXIT_LONG", "卖出"), SELL),
    **dict.fromkeys(
        ("SELL_SHORT", "SHORT", "SHORT_SELL", "OPEN_SHORT", "ENTER_SHORT", "GO_SHORT", "SELL_TO_ENTER"), SELL_SHORT
    ),
    **dict.fromkeys(("BUY_TO_COVER", "COVER", "CLOSE_SHORT", "EXIT_SHORT", "COVER_SHORT"), BUY_TO_COVER),
    **dict.fromkeys(("HOLD", "NOOP", "NO_OP", "NO_TRADE", "NO_ACTION", "持有"), HOLD),
}

# These mean a sale, but writers of short strategies use them for a short: not trusted where a short is spoken of.
_PLAIN_SALES = frozenset({"SELL", "STRONG_SELL", "卖出", "S"})


@dataclass(frozen=True, slots=True)
class Ambiguity:
    """A word with several meanings: the actions it may stand for, why it is not clear, what to write instead."""

    possible: frozenset[RecommendedAction]
    why: str
    suggestion: str


_CLOSING = Ambiguity(
    frozenset({SELL, BUY_TO_COVER}),
    "closes a position without saying which",
    "write SELL to close a long, BUY_TO_COVER to close a short",
)
_REDUCING = Ambiguity(
    frozenset({SELL, BUY_TO_COVER}),
    "reduces a position without saying to what, and a SELL may close all of it",
    "write SELL with the percentage to keep and execute in target mode, or map it to SELL",
)
_ADDING = Ambiguity(
    frozenset({BUY, SELL_SHORT}),
    "adds to a position without saying whether by or up to the size",
    "write BUY with the percentage to buy, or map it to BUY",
)
_GOOD = Ambiguity(
    frozenset({BUY, HOLD}), "is an opinion, not an order", "if a purchase is meant, write BUY, or map it to BUY"
)
_BAD = Ambiguity(
    frozenset({SELL, SELL_SHORT, HOLD}),
    "is an opinion, not an order",
    "write SELL to close a long, SELL_SHORT to open a short",
)
_NEUTRAL = Ambiguity(frozenset({HOLD}), "is an opinion, not an order", "if nothing is to be done, write HOLD")
_AVOIDING = Ambiguity(
    frozenset({HOLD, SELL}),
    "says what not to buy, not what to do with what is held",
    "write HOLD to keep what is held, SELL to close it",
)
_REBALANCING = Ambiguity(
    frozenset(RecommendedAction),
    "may buy or sell",
    "write BUY with the weight to reach and execute in rebalance mode",
)
_UPDATING = Ambiguity(frozenset({HOLD}), "only moves a stop", "write HOLD, or leave the line out")

AMBIGUITIES: Mapping[str, Ambiguity] = {
    **dict.fromkeys(("EXIT", "CLOSE", "CLOSE_POSITION", "EXIT_POSITION", "LIQUIDATE", "清仓"), _CLOSING),
    **dict.fromkeys(("TRIM", "REDUCE", "TAKE_PROFIT", "减持"), _REDUCING),
    **dict.fromkeys(("ACCUMULATE", "ADD", "INCREASE", "增持"), _ADDING),
    **dict.fromkeys(("BULLISH", "OVERWEIGHT", "OUTPERFORM", "看涨"), _GOOD),
    **dict.fromkeys(("BEARISH", "UNDERWEIGHT", "UNDERPERFORM", "看跌"), _BAD),
    **dict.fromkeys(("NEUTRAL", "WATCH", "WAIT", "EQUAL_WEIGHT", "MARKET_PERFORM", "观望"), _NEUTRAL),
    "AVOID": _AVOIDING,
    "REBALANCE": _REBALANCING,
}

# One letter says nothing, except in the list `orders` of the trading lab's reports.
ORDER_LETTERS: Mapping[str, RecommendedAction] = {"B": BUY, "S": SELL}
ORDER_AMBIGUITIES: Mapping[str, Ambiguity] = {"U": _UPDATING}

# Which position a line is about; as the only word of a line, what to do.
_SIDES = {"LONG": frozenset({BUY, SELL, HOLD}), "SHORT": frozenset({SELL_SHORT, BUY_TO_COVER, HOLD})}
_SIDE_FIELDS = ("direction", "side")
_SHORT_HINT = "SELL closes a long; if a short is meant, write SELL_SHORT"

STRATEGY_FIELDS = ("strategy", "strategy_type", "strategy_name", "side", "direction", "bias", "position_type")
SUMMARY_FIELDS = (
    "strategy_description",
    "analysis_summary",
    "executive_summary",
    "summary",
    "market_context",
    "thesis",
    "investment_thesis",
)

_SHORT_WORD = re.compile(r"(?<![a-z])short(?:s|ed|ing)?(?![a-z])(?![ _-]?(?:term|dated|duration|list))")
# Prose that has shorts as its subject. "Short interest" and "short squeeze" are facts about a security.
_SHORT_SUBJECT = re.compile(
    r"shorting\b|short (?:the|this)\b|short[ -]?(?:sell|selling|sales?|seller|strategy|strategies|positions?"
    r"|candidates?|ideas?|opportunity|opportunities|book|only|side|thesis|bias|trades?|recommendations?)\b"
)
_GOING_SHORT = re.compile(r"\b(?:sell|selling|sold|go|going|long)(?: and | & |[ /&-])$")
_NOT_SHORT = re.compile(r"\b(?:no|not|without|never|avoid|avoiding|excluding) (?:sell |selling |go |going )?$")
_BEFORE = 32  # characters that are looked at before the word
_MOST_MENTIONS = 20  # a text that says "short" more often has it as its subject
_MOST_PROSE = 10_000  # characters of one text that are looked at


@dataclass(frozen=True, slots=True)
class ActionWords:
    """The words of one line for what to do, as (field, text): first the field that decides, then what must agree.

    `evidence` says where the document speaks of shorts, or is empty; `texts` are the reasons that the line gives.
    """

    words: Sequence[tuple[str, str]]
    texts: Sequence[str] = ()
    lettered: bool = False
    evidence: str = ""


def read_action(line: ActionWords, *, rules: Rules) -> RecommendedAction | Unclear:
    """Return the action that the words of a line agree on, or why it is not clear."""
    if not line.words:
        return Unclear(Code.ACTION_MISSING, "field 'action' is missing", "write one of the five actions", "action")
    field, text = line.words[0]
    mapped = rules.action(text)
    found = mapped or _meaning(field, text, line)
    if isinstance(found, Unclear):
        return found
    return _contradiction(found, line, rules) or found


def evidence_of_short(document: Mapping[str, object]) -> str:
    """Return where a document says that it is about shorts, or nothing.

    Its fields for the strategy (`STRATEGY_FIELDS`) may hold the word, alone or among others; its texts
    (`SUMMARY_FIELDS`) must have shorts as their subject.
    """
    for name in STRATEGY_FIELDS:
        if isinstance(text := document.get(name), str) and _names_shorts(text[:_MOST_PROSE]):
            return f"field '{name}' of the document is {one_line(text)}"
    return next(
        (
            f"field '{name}' of the document speaks of a short strategy"
            for name in SUMMARY_FIELDS
            if isinstance(text := document.get(name), str) and speaks_of_a_short(text)
        ),
        "",
    )


def _names_shorts(text: str) -> bool:
    words = text.lower()
    places = (match.start() for match in _SHORT_WORD.finditer(words))
    return any(not _NOT_SHORT.search(words[max(place - _BEFORE, 0) : place]) for place in places)


def speaks_of_a_short(text: str) -> bool:
    """Whether a text has a short position as its subject, and does not only say that there is none."""
    words = text[:_MOST_PROSE].lower()
    if words.count("short") > _MOST_MENTIONS:
        return True
    places = (match.start() for match in re.finditer("short", words))
    return any(_is_subject(words, place) for place in places)


def _is_subject(words: str, place: int) -> bool:
    before = words[max(place - _BEFORE, 0) : place]
    is_term = words.startswith(("short-term", "short term"), place)
    named = _SHORT_SUBJECT.match(words, place) or (_GOING_SHORT.search(before) and not is_term)
    return bool(named) and not before[-1:].isalpha() and not _NOT_SHORT.search(before)


def folded(text: str) -> str:
    """Return a word as the tables write it. upper() makes plain letters of some that are none: ASCII only."""
    written = text.strip()
    return written.upper().replace(" ", "_").replace("-", "_") if written.isascii() else written


def _meaning(field: str, text: str, line: ActionWords) -> RecommendedAction | Unclear:
    word = folded(text)
    short = _short_meant(line) if word in _PLAIN_SALES else ""
    if short:
        message = f"field '{field}' is {one_line(text)}, and {short}: a sale, or a short"
        return Unclear(Code.ACTION_AMBIGUOUS, message, _SHORT_HINT, field, brief(text))
    found = MEANINGS.get(word) or (ORDER_LETTERS.get(word) if line.lettered else None)
    if found is not None:
        return found
    ambiguity = _ambiguity(word, lettered=line.lettered)
    if ambiguity is None:
        return _unknown(field, text, "", "map it to one of them")
    sided = _by_side(ambiguity, line) if ambiguity is _CLOSING else None
    return sided or _unknown(field, text, f", which {ambiguity.why}", ambiguity.suggestion)


def _unknown(field: str, text: str, why: str, suggestion: str) -> Unclear:
    known = ", ".join(RecommendedAction)
    message = f"field '{field}' is {one_line(text)}{why}: not one of {known}"
    return Unclear(Code.ACTION_UNKNOWN, message, suggestion, field, brief(text))


def _ambiguity(word: str, *, lettered: bool) -> Ambiguity | None:
    return AMBIGUITIES.get(word) or (ORDER_AMBIGUITIES.get(word) if lettered else None)


def _short_meant(line: ActionWords) -> str:
    """Return what makes a sale look like a short, or nothing."""
    if "SHORT" in _sides(line):
        return "another field of the line is 'short'"
    return line.evidence or ("the line speaks of a short" if any(map(speaks_of_a_short, line.texts)) else "")


def _sides(line: ActionWords) -> list[str]:
    return [folded(text) for field, text in line.words[1:] if field in _SIDE_FIELDS and folded(text) in _SIDES]


def _by_side(ambiguity: Ambiguity, line: ActionWords) -> RecommendedAction | None:
    """What closing means where the line names its side: a long is sold, a short is covered."""
    possible = ambiguity.possible
    sides = _sides(line)
    for side in sides:
        possible &= _SIDES[side]
    return next(iter(possible)) if sides and len(possible) == 1 else None


def _contradiction(action: RecommendedAction, line: ActionWords, rules: Rules) -> Unclear | None:
    """Whether another field of the line says something else. Words that nobody knows are remarks."""
    first, said = line.words[0]
    for field, text in line.words[1:]:
        possible = _possible(field, text, line, rules)
        if possible and action not in possible:
            message = f"fields '{first}' and '{field}' differ: {one_line(said)} and {one_line(text)}"
            return Unclear(Code.ACTION_AMBIGUOUS, message, "say once what to do", field, brief(text))
    return None


def _possible(field: str, text: str, line: ActionWords, rules: Rules) -> frozenset[RecommendedAction]:
    word = folded(text)
    mapped = rules.action(text)
    if mapped is not None:
        return frozenset({mapped})
    if field in _SIDE_FIELDS and word in _SIDES:
        return _SIDES[word]
    found = MEANINGS.get(word)
    if found is not None:
        return frozenset({found})
    ambiguity = _ambiguity(word, lettered=line.lettered)
    return ambiguity.possible if ambiguity else frozenset()
