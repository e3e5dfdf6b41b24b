"""What people said of quarantined lines and of their providers' words: read for every run, written once, kept.

A resolution is never edited: the newest of a line, or of a provider's word, counts.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from itertools import groupby

from django.db import transaction

from common.identifiers import read_declared_symbol
from common.money import HUNDRED
from common.text import counted, one_line
from execution.arguments import parse_provider, parse_symbol
from execution.engine.parsing.artifact import Problem
from execution.engine.parsing.interpretation import Interpretation
from execution.engine.parsing.mapping_rules import Resolution, Rules, SizeUnit
from execution.engine.vocabulary import Code, RecommendedAction, Refusal
from execution.models import LineResolution, MappingRule, ResearchRequest

_Field = MappingRule.Field


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolutionInput:
    """What a person says of one line, as text; all empty: the line is meant as it is written."""

    action: str = ""
    symbol: str = ""
    allocation_percent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who answers, when and why."""

    actor: str
    reason: str
    now: datetime


def interpretation_for(*, request_id: uuid.UUID, provider: str) -> Interpretation:
    """Return what people have said of a request's lines and of its provider's words. Two queries."""
    rows = LineResolution.objects.filter(request_id=request_id).order_by("line", "-id")
    newest = {line: next(iter(found)) for line, found in groupby(rows, key=lambda row: row.line)}
    return Interpretation(
        rules=rules_for(provider),
        resolutions={line: _resolution(row) for line, row in newest.items() if _says_something(row)},
        confirmed=frozenset(line for line, row in newest.items() if not _says_something(row)),
    )


def rules_for(provider: str) -> Rules:
    """Return the rules that hold for a provider now. One query."""
    rows = MappingRule.objects.filter(provider=provider).order_by("field", "written", "version")
    meanings = {(row.field, row.written): row.meaning for row in rows}
    held = [(field, written, meaning) for (field, written), meaning in meanings.items() if meaning]
    return Rules(
        actions={written: RecommendedAction(meaning) for field, written, meaning in held if field == _Field.ACTION},
        symbols={written: meaning for field, written, meaning in held if field == _Field.SYMBOL},
        size_units={written: SizeUnit(meaning) for field, written, meaning in held if field == _Field.SIZE_UNIT},
    )


def resolve_line(
    *, request_id: uuid.UUID, line: int, resolution: ResolutionInput, author: Author
) -> LineResolution | Refusal:
    """Keep what a person says of one line; the next execution of the request takes the line with it.

    Refused: a line that the request does not have, a word that is none of ours, a resolution without a reason.
    """
    request = ResearchRequest.objects.filter(pk=request_id).first()
    if request is None:
        return Refusal(Code.REQUEST_NOT_FOUND, f"request {request_id} is not known")
    if not 1 <= line <= request.recommendation_count:
        count = request.recommendation_count
        return Refusal(Code.LINE_NOT_FOUND, f"line is {line}: request {request_id} has {counted(count, 'line')}")
    checked = _checked(resolution)
    refusal = checked if isinstance(checked, Refusal) else _unexplained(author)
    if isinstance(refusal, Refusal):
        return refusal
    assert isinstance(checked, Resolution)  # noqa: S101  # a refusal has been returned
    return LineResolution.objects.create(
        request=request,
        line=line,
        action=checked.action or "",
        symbol=checked.symbol or "",
        allocation_percent=checked.allocation_percent,
        actor=author.actor,
        reason=author.reason.strip(),
        created_at=author.now,
    )


def save_rule(*, provider: str, field: str, written: str, meaning: str, author: Author) -> MappingRule | Refusal:
    """Keep how a provider's word is meant from now on, as the next version; an empty meaning withdraws the rule."""
    known = parse_provider(provider)
    word = written.strip().lower()
    checked = _checked_meaning(field, meaning.strip())
    for refusal in (known, checked, _unexplained(author), _unwritten(word)):
        if isinstance(refusal, Refusal):
            return refusal
    with transaction.atomic():
        versions = MappingRule.objects.filter(provider=provider, field=field, written=word)
        newest = versions.order_by("-version").first()
        return MappingRule.objects.create(
            provider=provider,
            field=field,
            written=word,
            meaning=str(checked),
            version=newest.version + 1 if newest else 1,
            actor=author.actor,
            reason=author.reason.strip(),
            created_at=author.now,
        )


def suggested_rule(problem: Problem, resolution: ResolutionInput) -> tuple[str, str, str] | None:
    """Return the rule (field, word, meaning) that would have made a line clear, None where no rule could."""
    if problem.code in _ACTION_CODES and resolution.action and problem.value:
        return str(_Field.ACTION), problem.value, resolution.action
    if problem.code is Code.SYMBOL_INVALID and resolution.symbol and problem.value:
        return str(_Field.SYMBOL), problem.value, resolution.symbol
    return None


_ACTION_CODES = frozenset({Code.ACTION_UNKNOWN, Code.ACTION_AMBIGUOUS})


def _says_something(row: LineResolution) -> bool:
    return bool(row.action or row.symbol or row.allocation_percent is not None)


def _resolution(row: LineResolution) -> Resolution:
    return Resolution(
        action=RecommendedAction(row.action) if row.action else None,
        symbol=row.symbol or None,
        allocation_percent=row.allocation_percent,
    )


def _checked(resolution: ResolutionInput) -> Resolution | Refusal:
    action = resolution.action.strip().upper()
    if action and action not in RecommendedAction.__members__:
        known = ", ".join(RecommendedAction)
        return Refusal(Code.BAD_RESOLUTION, f"action is {one_line(resolution.action)}: not one of {known}")
    given = resolution.symbol if resolution.symbol.strip() else None
    symbol = None if given is None else parse_symbol(given, name="symbol", code=Code.BAD_RESOLUTION)
    if isinstance(symbol, Refusal):
        return symbol
    percent = _percent(resolution.allocation_percent)
    if isinstance(percent, Refusal):
        return percent
    return Resolution(RecommendedAction(action) if action else None, symbol, percent)


def _percent(text: str) -> Decimal | Refusal | None:
    if not text.strip():
        return None
    try:
        percent = Decimal(text.strip())
    except InvalidOperation:
        return Refusal(Code.BAD_RESOLUTION, f"size is {one_line(text)}: not a number")
    exponent = percent.as_tuple().exponent
    if not percent.is_finite() or not 0 <= percent <= HUNDRED or not isinstance(exponent, int) or exponent < -4:
        return Refusal(Code.BAD_RESOLUTION, f"size is {one_line(text)}: 0 to 100 percent, at most 4 places")
    return percent


def _checked_meaning(field: str, meaning: str) -> str | Refusal:
    if field not in _Field.values:
        return Refusal(Code.BAD_RESOLUTION, f"field is {one_line(field)}: not one of {', '.join(_Field.values)}")
    if not meaning:
        return ""
    if field == _Field.SYMBOL:
        symbol = read_declared_symbol(meaning)
        if isinstance(symbol, str):
            return symbol
        return Refusal(Code.BAD_RESOLUTION, f"meaning is {one_line(meaning)}: not a symbol: {symbol.rule}")
    known = [str(word) for word in (RecommendedAction if field == _Field.ACTION else SizeUnit)]
    found = meaning.upper() if field == _Field.ACTION else meaning.lower()
    if found not in known:
        return Refusal(Code.BAD_RESOLUTION, f"meaning is {one_line(meaning)}: not one of {', '.join(known)}")
    return found


def _unexplained(author: Author) -> Refusal | None:
    if author.actor.strip() and author.reason.strip():
        return None
    return Refusal(Code.REASON_MISSING, "a resolution needs a person and a reason")


def _unwritten(word: str) -> Refusal | None:
    if word and len(word) <= 64:
        return None
    return Refusal(Code.BAD_RESOLUTION, f"word is {one_line(word)}: 1 to 64 characters")
