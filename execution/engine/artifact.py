"""Bytes -> Artifact: typed recommendations, and the lines that cannot be trusted, each with its reason.

What makes the whole document unreadable refuses it; what is wrong with one line quarantines that line. Nothing is
guessed: a unit, a symbol or an action that is not plain is a problem, never a silent HOLD.
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from execution.engine.decoding import decode
from execution.engine.text import MAX_TEXT, clean, clean_value, one_line
from execution.engine.vocabulary import Code, RecommendedAction, Refusal
from portfolios.money import HUNDRED, ZERO, AmountOutOfRangeError, quantize_price

MAX_RECOMMENDATIONS = 500

# Letters, perhaps digits (as test and fund tickers have), perhaps a share class: MSFT, BRK.B, SPY, SYM001.
SYMBOL = re.compile(r"[A-Z]{1,6}[0-9]{0,6}(\.[A-Z]{1,2})?", re.ASCII)

# `position_size_pct` is written as percent (8.0) and as a fraction (0.08, up to 0.3). The document's largest value
# tells: above this it can only be percent; at or below it, both readings are possible.
LARGEST_FRACTION = Decimal(2)

_NEEDS_SIZE = {RecommendedAction.BUY, RecommendedAction.SELL_SHORT}


def _cleaned(value: object) -> object:
    """Clean text before it is checked: half an emoji (a lone surrogate) must not cost the line its trade."""
    return clean(value) if isinstance(value, str) else value


_Prose = Annotated[Annotated[str, Field(max_length=MAX_TEXT)] | None, BeforeValidator(_cleaned)]


class RawRecommendation(BaseModel):
    """One line as it is written: the two field families, typed but not yet understood."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")

    symbol: str | None = None
    ticker: str | None = None
    action: str | None = None
    allocation_percent: Decimal | None = None
    position_size_pct: Decimal | None = None
    confidence: object = None
    rationale: _Prose = None
    investment_thesis: _Prose = None
    company_name: object = None
    current_price: object = None
    target_price: object = None


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One understood line. `allocation_percent` is 0 to 100, or None where the action needs no size.

    `confidence` is a fraction from 0 to 1, None where its scale is unclear; `confidence_raw` is what was written.
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


@dataclass(frozen=True, slots=True)
class Problem:
    """One line that cannot be trusted: the field, its value and the rule, with what could be read of it."""

    line: int
    code: Code
    message: str
    symbol: str
    action: str
    raw: object


@dataclass(frozen=True, slots=True)
class Claims:
    """What a document says about itself, as text; empty where it says nothing."""

    provider: str = ""
    request_id: str = ""
    task_id: str = ""
    strategy_id: str = ""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A read document: its recommendations and problems by line (from 1), together every line exactly once."""

    digest: str
    recommendations: tuple[Recommendation, ...]
    problems: tuple[Problem, ...]
    market_context: str
    claims: Claims

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
class _Scales:
    """What the whole document says about the units of its lines."""

    fractions_possible: bool
    confidence_divisor: Decimal | None


def content_digest(content: bytes) -> str:
    """Return the SHA-256 of an artifact's bytes in hexadecimal: what "the same content" means."""
    return hashlib.sha256(content).hexdigest()


def parse_artifact(content: bytes) -> Artifact | Refusal:
    """Return the artifact in `content`, or why the whole of it is refused."""
    document = decode(content)
    if isinstance(document, Refusal):
        return document
    lines = _lines(document)
    if isinstance(lines, Refusal):
        return lines
    assert isinstance(document, dict)  # noqa: S101  # _lines refused everything else
    raws = [_raw_line(line, value) for line, value in enumerate(lines, start=1)]
    scales = _scales([raw for raw in raws if isinstance(raw, RawRecommendation)])
    read = [
        raw if isinstance(raw, Problem) else _understand(line, raw, value=value, scales=scales)
        for line, (raw, value) in enumerate(zip(raws, lines, strict=True), start=1)
    ]
    return Artifact(
        digest=content_digest(content),
        recommendations=tuple(item for item in read if isinstance(item, Recommendation)),
        problems=tuple(item for item in read if isinstance(item, Problem)),
        market_context=_context(document.get("market_context")),
        claims=_claims(document),
    )


def normalize_symbol(text: str) -> str | None:
    """Return the canonical form (upper case, share class behind a point: BRK.B), or None for no such symbol."""
    name = text.strip()
    symbol = name.upper().replace("-", ".")
    # upper() makes plain letters of some that are none: SS of a sharp s, S of a long one.
    return symbol if name.isascii() and SYMBOL.fullmatch(symbol) else None


def _lines(document: object) -> list[object] | Refusal:
    if not isinstance(document, dict):
        return Refusal(Code.ARTIFACT_SHAPE, "the document is not a JSON object with a list 'recommendations'")
    lines = document.get("recommendations")
    if not isinstance(lines, list):
        return Refusal(Code.ARTIFACT_SHAPE, "field 'recommendations' is not a list")
    if not lines:
        return Refusal(Code.NO_RECOMMENDATIONS, "field 'recommendations' is an empty list")
    if len(lines) > MAX_RECOMMENDATIONS:
        message = f"{len(lines):,} recommendations, at most {MAX_RECOMMENDATIONS} are read"
        return Refusal(Code.TOO_MANY_RECOMMENDATIONS, message)
    return lines


_FIELD_CODES = {
    "symbol": Code.SYMBOL_INVALID,
    "ticker": Code.SYMBOL_INVALID,
    "action": Code.ACTION_UNKNOWN,
    "allocation_percent": Code.SIZE_NOT_A_NUMBER,
    "position_size_pct": Code.SIZE_NOT_A_NUMBER,
}

_RULES = {
    "string_type": "not text",
    "string_too_long": f"longer than {MAX_TEXT:,} characters",
    "is_instance_of": "not a number",
}


def _raw_line(line: int, value: object) -> RawRecommendation | Problem:
    if not isinstance(value, dict):
        message = f"the line is not a JSON object but {one_line(value)}"
        return Problem(line, Code.LINE_NOT_AN_OBJECT, message, "", "", clean_value(value))
    try:
        return RawRecommendation.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        name = str(first["loc"][0])
        rule = _RULES.get(first["type"], first["msg"].lower())
        message = f"field '{name}' is {one_line(first['input'])}: {rule}"
        return _problem(line, _FIELD_CODES.get(name, Code.FIELD_INVALID), message, value)


def _problem(line: int, code: Code, message: str, value: object) -> Problem:
    assert isinstance(value, dict)  # noqa: S101  # other lines never get this far
    action = value.get("action")
    return Problem(
        line=line,
        code=code,
        message=message,
        symbol=_symbol_meant(value),
        action=clean(action.strip().upper())[:32] if isinstance(action, str) else "",
        raw=clean_value(value),
    )


def _symbol_meant(value: dict[str, object]) -> str:
    """The one symbol that a line names, or nothing where it names none, an unreadable one or two."""
    names = [value[name] for name in ("symbol", "ticker") if value.get(name) not in (None, "")]
    meant = {normalize_symbol(name) if isinstance(name, str) else None for name in names}
    return (meant.pop() or "") if len(meant) == 1 else ""


def _scales(raws: Sequence[RawRecommendation]) -> _Scales:
    sizes = [raw.position_size_pct for raw in raws if raw.position_size_pct]
    confidences = [raw.confidence for raw in raws if isinstance(raw.confidence, Decimal)]
    return _Scales(
        fractions_possible=max(sizes, default=HUNDRED) <= LARGEST_FRACTION,
        confidence_divisor=_confidence_divisor(confidences),
    )


def _confidence_divisor(values: Iterable[Decimal]) -> Decimal | None:
    """Tell 0.88 from 85 by the whole document: 1 for fractions, 100 for percent, None where both are possible."""
    largest = max(values, default=ZERO)
    if largest < 1:
        return Decimal(1)
    # A document whose largest value is 1 may mean 1 % or certainty; up to 10, a mark out of ten or percent.
    return HUNDRED if largest > 10 else None


def _understand(line: int, raw: RawRecommendation, *, value: object, scales: _Scales) -> Recommendation | Problem:
    symbol = _symbol(raw)
    if isinstance(symbol, Refusal):
        return _problem(line, symbol.code, symbol.message, value)
    action = _action(raw.action)
    if isinstance(action, Refusal):
        return _problem(line, action.code, action.message, value)
    size = _size(raw, action=action, scales=scales)
    if isinstance(size, Refusal):
        return _problem(line, size.code, size.message, value)
    return Recommendation(
        line=line,
        symbol=symbol,
        action=action,
        allocation_percent=size,
        confidence=_confidence(raw.confidence, scales.confidence_divisor),
        confidence_raw="" if raw.confidence is None else clean(str(raw.confidence))[:64],
        rationale=clean(raw.rationale or raw.investment_thesis or ""),
        current_price=_claimed_price(raw.current_price),
        target_price=_claimed_price(raw.target_price),
        raw=clean_value(value),
    )


def _symbol(raw: RawRecommendation) -> str | Refusal:
    names = {text.strip() for text in (raw.symbol, raw.ticker) if text and text.strip()}
    if not names:
        return Refusal(Code.SYMBOL_MISSING, "field 'symbol' (or 'ticker') is missing")
    known = {normalize_symbol(name) for name in names}
    if len(known) > 1:
        return Refusal(
            Code.SYMBOL_INVALID, f"fields 'symbol' and 'ticker' differ: {one_line(' / '.join(sorted(names)))}"
        )
    symbol = known.pop()
    if symbol is None:
        rule = "letters, perhaps digits, perhaps a share class, as in BRK.B"
        return Refusal(Code.SYMBOL_INVALID, f"field 'symbol' is {one_line(names.pop())}: not {rule}")
    return symbol


def _action(text: str | None) -> RecommendedAction | Refusal:
    if text is None or not text.strip():
        return Refusal(Code.ACTION_MISSING, "field 'action' is missing")
    written = text.strip()
    word = written.upper().replace(" ", "_").replace("-", "_")
    if not written.isascii() or word not in RecommendedAction.__members__:
        known = ", ".join(RecommendedAction)
        return Refusal(Code.ACTION_UNKNOWN, f"field 'action' is {one_line(text)}: not one of {known}")
    return RecommendedAction(word)


def _size(raw: RawRecommendation, *, action: RecommendedAction, scales: _Scales) -> Decimal | Refusal | None:
    name = "allocation_percent" if raw.allocation_percent is not None else "position_size_pct"
    size = raw.allocation_percent if raw.allocation_percent is not None else raw.position_size_pct
    if size is None:
        missing = Refusal(Code.SIZE_MISSING, f"{action} needs a size: 'allocation_percent' is missing")
        return missing if action in _NEEDS_SIZE else None
    if raw.position_size_pct not in (None, size):
        both = f"{raw.allocation_percent} and {raw.position_size_pct}"
        return Refusal(Code.SIZE_UNIT_UNCLEAR, f"'allocation_percent' and 'position_size_pct' differ: {both}")
    if size < 0:
        return Refusal(Code.SIZE_NEGATIVE, f"field '{name}' is {size}: a size is not negative")
    if size > HUNDRED:
        return Refusal(Code.SIZE_OUT_OF_RANGE, f"field '{name}' is {size}: at most 100 percent")
    if name == "position_size_pct" and size and scales.fractions_possible:
        rule = f"could be percent or a fraction, as no value in the document is above {LARGEST_FRACTION}"
        return Refusal(Code.SIZE_UNIT_UNCLEAR, f"field '{name}' is {size}: {rule}")
    return size


def _confidence(value: object, divisor: Decimal | None) -> Decimal | None:
    if not isinstance(value, Decimal) or divisor is None or not 0 <= value <= HUNDRED:
        return None
    return round(value / divisor, 6)


def _claimed_price(value: object) -> Decimal | None:
    """A price that the research names is a remark, not an instruction: what is no plain number is left out."""
    if not isinstance(value, Decimal) or value <= 0:
        return None
    try:
        return quantize_price(value) or None
    except AmountOutOfRangeError:
        return None


def _context(value: object) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(clean_value(value), ensure_ascii=False)
    return clean(text)[:MAX_TEXT]


def _claims(document: dict[str, object]) -> Claims:
    def said(name: str) -> str:
        value = document.get(name)
        return clean(value.strip())[:64] if isinstance(value, str) else ""

    return Claims(
        provider=said("provider"),
        request_id=said("request_id"),
        task_id=said("task_id"),
        strategy_id=said("strategy_id"),
    )
