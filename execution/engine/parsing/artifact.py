"""Bytes -> Artifact: typed recommendations, and the lines that cannot be trusted, each with its reason.

What makes the whole document unreadable refuses it; what is wrong with one line quarantines that line. Nothing is
guessed: a unit, a symbol or an action that is not plain is a problem, never a silent HOLD.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from common.identifiers import CASH_WORDS
from common.text import brief, clean, clean_value, one_line
from execution.engine.parsing.actions import evidence_of_short, read_action
from execution.engine.parsing.annotations import as_text, claimed_price, first_text
from execution.engine.parsing.confidence import confidence_divisor, read_confidence
from execution.engine.parsing.fields import (
    ACTION_FIELDS,
    NOTHING_WRITTEN,
    RawRecommendation,
    raw_line,
    written_symbols,
)
from execution.engine.parsing.layouts import LETTERED, MAX_RECOMMENDATIONS, Line, Lines, find_lines
from execution.engine.parsing.mapping_rules import Resolution, Resolutions, Rules, Unclear
from execution.engine.parsing.published_at import written_at
from execution.engine.parsing.sizes import SizeScales, percent_in_range, read_size, size_scales
from execution.engine.parsing.symbols import NAME_FIELDS, line_symbol, resolved_symbol
from execution.engine.parsing.unwrap import Unwrapped, unwrap, unwrap_batch
from execution.engine.vocabulary import Code, RecommendedAction, Refusal

__all__ = [
    "MAX_RECOMMENDATIONS",
    "Artifact",
    "Claims",
    "Problem",
    "Recommendation",
    "content_digest",
    "parse_artifact",
    "parse_batch",
]

_WORD = 64  # characters of a word that are looked at
_NO_RULES = Rules()
_UNRESOLVED: Resolutions = {}


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One understood line. `allocation_percent` is 0 to 100, or None where the action needs no size.

    `confidence` is a fraction from 0 to 1, None where its scale is unclear; `confidence_raw` is what was written.
    `by_rule` lists a person's rules that were used ("action 'Trim' is SELL"); `by_hand` says whether a person's
    answer for this line made it clear.
    """

    line: int
    symbol: str
    action: RecommendedAction
    allocation_percent: Decimal | None
    confidence: Decimal | None
    confidence_raw: str
    rationale: str
    current_price: Decimal | None
    target_price: Decimal | None
    raw: object
    by_rule: tuple[str, ...] = ()
    by_hand: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """One line that cannot be trusted: the field, its value and the rule, with what could be read of it.

    `suggestion` says to people what would settle it; `field` and `value` say the same to machines.
    """

    line: int
    code: Code
    message: str
    symbol: str
    action: str
    raw: object
    suggestion: str = ""
    field: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a document says about itself, as text; empty where it says nothing."""

    provider: str = ""
    request_id: str = ""
    task_id: str = ""
    strategy_id: str = ""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A read document: its recommendations and problems by line (from 1), together every line exactly once.

    `shape` names what the lines were taken out of, from the outside in; `skipped_containers` are lists beside
    `recommendations` that were not read. `written_at` is the time that the document gives for itself.
    """

    digest: str
    recommendations: tuple[Recommendation, ...]
    problems: tuple[Problem, ...]
    market_context: str
    claims: Claims
    shape: str = ""
    skipped_containers: tuple[str, ...] = ()
    written_at: datetime | None = None

    @property
    def line_count(self) -> int:
        """How many lines the document has."""
        return len(self.recommendations) + len(self.problems)

    def only(self, lines: Collection[int]) -> "Artifact":
        """Return the same document with these of its lines."""
        return replace(
            self,
            recommendations=tuple(item for item in self.recommendations if item.line in lines),
            problems=tuple(item for item in self.problems if item.line in lines),
        )


@dataclass(frozen=True, slots=True)
class _Setting:
    """What the whole document says about its lines, and what people say about its provider."""

    sizes: SizeScales
    confidence_divisor: Decimal | None
    lettered: bool
    evidence_of_short: str
    rules: Rules


def content_digest(content: bytes) -> str:
    """Return the SHA-256 of an artifact's bytes in hexadecimal: what "the same content" means."""
    return hashlib.sha256(content).hexdigest()


def parse_artifact(
    content: bytes, *, rules: Rules = _NO_RULES, resolutions: Resolutions = _UNRESOLVED
) -> Artifact | Refusal:
    """Return the artifact in `content`, or why the whole of it is refused.

    `content` is a document or a provider's reply around one. `rules` are a person's saved rules for the provider,
    `resolutions` those for single lines: they are used where a line alone is not clear.
    """
    found = unwrap(content)
    if isinstance(found, Refusal):
        return found
    return _artifact(found, digest=content_digest(content), rules=rules, resolutions=resolutions)


def parse_batch(
    content: bytes, *, wanted: Sequence[str], rules: Rules = _NO_RULES, resolutions: Resolutions = _UNRESOLVED
) -> Artifact | Refusal:
    """Return the artifact in the line of a batch's results (JSON Lines) that names one of the ids in `wanted`.

    The ids are UUIDs in the order of preference, the task's before the request's. The digest is that of all bytes.
    """
    found = unwrap_batch(content, wanted=wanted)
    if isinstance(found, Refusal):
        return found
    return _artifact(found, digest=content_digest(content), rules=rules, resolutions=resolutions)


def _artifact(found: Unwrapped, *, digest: str, rules: Rules, resolutions: Resolutions) -> Artifact | Refusal:
    lines = find_lines(found.document)
    if isinstance(lines, Refusal):
        return lines
    assert isinstance(found.document, dict)  # noqa: S101  # find_lines refused everything else
    read = _read(lines, found.document, rules, resolutions)
    return Artifact(
        digest=digest,
        recommendations=tuple(item for item in read if isinstance(item, Recommendation)),
        problems=tuple(item for item in read if isinstance(item, Problem)),
        market_context=as_text(found.document.get("market_context")),
        claims=_claims(found.document),
        shape=" > ".join((*found.wrappings, lines.container)),
        skipped_containers=lines.skipped,
        written_at=written_at(found.document),
    )


def _read(
    lines: Lines, document: Mapping[str, object], rules: Rules, resolutions: Resolutions
) -> list[Recommendation | Problem]:
    raws = [raw_line(line.value, key=line.key, twice=line.twice) for line in lines.lines]
    setting = _setting(raws, lines, document, rules)
    read: list[Recommendation | Problem] = []
    for number, (line, raw) in enumerate(zip(lines.lines, raws, strict=True), start=1):
        item = _understand(number, line, raw, setting)
        if isinstance(item, Problem) and number in resolutions:
            item = _resolved(item, line, raw, setting, resolutions[number])
        read.append(item)
    return _agreeing(read)


def _setting(
    raws: Iterable[RawRecommendation | Unclear], lines: Lines, document: Mapping[str, object], rules: Rules
) -> _Setting:
    readable = [raw for raw in raws if isinstance(raw, RawRecommendation)]
    return _Setting(
        sizes=size_scales((raw.sizes for raw in readable), rules),
        confidence_divisor=confidence_divisor(raw.confidence for raw in readable),
        lettered=lines.container == LETTERED,
        evidence_of_short=evidence_of_short(document),
        rules=rules,
    )


def _understand(
    number: int, line: Line, raw: RawRecommendation | Unclear, setting: _Setting
) -> Recommendation | Problem:
    if isinstance(raw, Unclear):
        return _problem(number, raw, line, setting)
    symbol = _symbol(raw, setting.rules)
    if isinstance(symbol, Unclear):
        return _problem(number, symbol, line, setting)
    words = raw.action_words(lettered=setting.lettered, evidence=setting.evidence_of_short)
    action = read_action(words, rules=setting.rules)
    if isinstance(action, Unclear):
        return _problem(number, action, line, setting)
    size = read_size(raw.sizes, raw.other_sizes, action=action, scales=setting.sizes)
    if isinstance(size, Unclear):
        return _problem(number, size, line, setting)
    doubt = _no_security(raw, symbol, action, setting.rules)
    if doubt is not None:
        return _problem(number, doubt, line, setting)
    return _recommendation(number, symbol, action, size, raw=raw, written=line.raw, setting=setting)


def _recommendation(
    number: int,
    symbol: str,
    action: RecommendedAction,
    size: Decimal | None,
    *,
    raw: RawRecommendation,
    written: object,
    setting: _Setting,
) -> Recommendation:
    return Recommendation(
        line=number,
        symbol=symbol,
        action=action,
        allocation_percent=size,
        confidence=read_confidence(raw.confidence, setting.confidence_divisor),
        confidence_raw="" if raw.confidence is None else clean(str(raw.confidence)[:64]),
        rationale=first_text([*raw.prose.values(), *raw.reasons.values()]),
        current_price=claimed_price(raw.current_price),
        target_price=claimed_price(raw.target_price),
        raw=clean_value(written),
        by_rule=_rules_used(raw, setting.rules),
    )


def _rules_used(raw: RawRecommendation, rules: Rules) -> tuple[str, ...]:
    """Say which rules speak of what the line says; the fields that no rule knows need no word."""
    if rules == _NO_RULES:
        return ()
    symbols = ((name, text, rules.symbol(text)) for name, text in _texts(raw.symbols, raw.names))
    actions = ((name, text, rules.action(text)) for name, text in _texts(raw.action, raw.others))
    units = ((name, rules.size_unit(name)) for name in raw.sizes)
    said = [f"{name} {one_line(text)} is {meant}" for name, text, meant in (*symbols, *actions) if meant]
    return (*said, *(f"{name} is a {unit}" for name, unit in units if unit))


def _texts(*groups: Mapping[str, object]) -> list[tuple[str, str]]:
    return [(name, text) for group in groups for name, text in group.items() if isinstance(text, str)]


def _problem(number: int, unclear: Unclear, line: Line, setting: _Setting) -> Problem:
    return Problem(
        line=number,
        code=unclear.code,
        message=unclear.message,
        symbol=_symbol_meant(line, setting.rules),
        action=_action_meant(line),
        raw=clean_value(line.raw),
        suggestion=unclear.suggestion,
        field=unclear.field,
        value=unclear.value,
    )


def _symbol(raw: RawRecommendation, rules: Rules) -> str | Unclear:
    return line_symbol(raw.symbols, raw.names, rules=rules)


def _symbol_meant(line: Line, rules: Rules) -> str:
    """The one symbol that a line names, or nothing where it names none, an unreadable one or two."""
    if not isinstance(line.value, dict):
        return ""
    said = written_symbols(line.value, line.key)
    texts = {name: text for name, text in said.items() if isinstance(text, str)}
    if len(texts) < len(said):
        return ""
    names = {name: line.value[name] for name in NAME_FIELDS if name in line.value}
    symbol = line_symbol(texts, names, rules=rules)
    return symbol if isinstance(symbol, str) else ""


def _action_meant(line: Line) -> str:
    """The word that decides what a line asks for, as it is written but in capitals; empty where there is none."""
    words = line.value if isinstance(line.value, dict) else {}
    word = next((words[name] for name in ("action", *ACTION_FIELDS) if words.get(name) is not None), None)
    return clean(word[:_WORD].strip().upper())[:32] if isinstance(word, str) else ""


def _no_security(raw: RawRecommendation, symbol: str, action: RecommendedAction, rules: Rules) -> Unclear | None:
    """A line about a coin or about cash must not trade the security of the same letters. A HOLD trades nothing."""
    meant = raw.coin or (symbol if symbol in CASH_WORDS else "")
    if not meant or action is RecommendedAction.HOLD or rules.symbol(meant) is not None:
        return None
    field, kind = ("coin", "a coin") if raw.coin else ("symbol", "cash")
    message = f"field '{field}' is {one_line(meant)}: {kind}, and a security may have the same symbol"
    hint = "if the security is meant, map it to its symbol"
    return Unclear(Code.SYMBOL_INVALID, message, hint, field, brief(meant))


def _resolved(
    item: Problem, line: Line, raw: RawRecommendation | Unclear, setting: _Setting, answer: Resolution
) -> Recommendation | Problem:
    """Read a line again with a person's answer in the place of what was not clear; what still is not stays so."""
    known = NOTHING_WRITTEN if isinstance(raw, Unclear) else raw
    symbol = _symbol(known, setting.rules) if answer.symbol is None else resolved_symbol(answer.symbol)
    if isinstance(symbol, Unclear):
        return _problem(item.line, symbol, line, setting)
    words = known.action_words(lettered=setting.lettered, evidence=setting.evidence_of_short)
    action = answer.action or read_action(words, rules=setting.rules)
    if isinstance(action, Unclear):
        return _problem(item.line, action, line, setting)
    size = _resolved_size(known, action, setting, answer)
    if isinstance(size, Unclear):
        return _problem(item.line, size, line, setting)
    doubt = _no_security(known, symbol, action, setting.rules) if answer.symbol is None else None
    if doubt is not None:
        return _problem(item.line, doubt, line, setting)
    found = _recommendation(item.line, symbol, action, size, raw=known, written=line.raw, setting=setting)
    return replace(found, by_hand=True)


def _resolved_size(
    raw: RawRecommendation, action: RecommendedAction, setting: _Setting, answer: Resolution
) -> Decimal | Unclear | None:
    if answer.allocation_percent is None:
        return read_size(raw.sizes, raw.other_sizes, action=action, scales=setting.sizes)
    return percent_in_range("allocation_percent", answer.allocation_percent, action=action)


def _agreeing(read: Sequence[Recommendation | Problem]) -> list[Recommendation | Problem]:
    """Quarantine what shares its symbol with a line that is not clear: whether the two agree cannot be said."""
    unclear = {item.symbol: item.line for item in read if isinstance(item, Problem) and item.symbol}
    return [
        _unconfirmed(item, unclear[item.symbol])
        if isinstance(item, Recommendation) and item.symbol in unclear
        else item
        for item in read
    ]


def _unconfirmed(item: Recommendation, other: int) -> Problem:
    return Problem(
        line=item.line,
        code=Code.CONTRADICTORY_LINES,
        message=f"line {other} is about {item.symbol} too and is not clear",
        symbol=item.symbol,
        action=str(item.action),
        raw=item.raw,
        suggestion=f"settle line {other} first",
    )


def _claims(document: Mapping[str, object]) -> Claims:
    def said(name: str) -> str:
        value = document.get(name)
        return clean(value.strip())[:64] if isinstance(value, str) else ""

    return Claims(
        provider=said("provider"),
        request_id=said("request_id"),
        task_id=said("task_id"),
        strategy_id=said("strategy_id"),
    )
