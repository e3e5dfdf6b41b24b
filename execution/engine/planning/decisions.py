"""How each line ended: the outcome, the codes and numbers behind it, and what its sentence is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from common.money import ZERO
from execution.engine.parsing.artifact import Problem, Recommendation
from execution.engine.planning.limits import LIMITS, Entry, RunLimit, Verdict
from execution.engine.planning.sizing import Route, exit_action
from execution.engine.reasons import (
    NEAR_TARGET,
    NOT_INVENTED,
    REMARKS,
    Explanation,
    Share,
    Shortfall,
    Tense,
    explain,
)
from execution.engine.vocabulary import Code, Outcome
from portfolios.domain.accounting import Fill, Holding
from portfolios.domain.limit import Measure


@dataclass(frozen=True, slots=True)
class Decision:
    """How one line ended, with codes and numbers for machines and a sentence for people.

    `line` counts from 1 in the artifact; holdings closed because the research does not list them follow after the
    last line. `raw` is the line as it was written, None for those.
    """

    line: int
    symbol: str
    action: str
    allocation_percent: Decimal | None
    outcome: Outcome
    codes: tuple[Code, ...]
    explanation: Explanation
    verdicts: tuple[Verdict, ...]
    recommendation: Recommendation | None
    raw: object

    @property
    def reason(self) -> str:
        """What was done and why, in a sentence."""
        return explain(self.explanation)

    @property
    def reason_of_preview(self) -> str:
        """The same of what is not done yet."""
        return explain(self.explanation, Tense.CONDITIONAL)


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of a line on its way: its orders' fills, its entry after the limits, why it fell short of its
    wish, and the words that belong behind its codes.
    """

    fills: Sequence[Fill] = ()
    entry: Entry | None = None
    short_of: Code | None = None
    exit_shortfall: Shortfall | None = None
    notes: Mapping[Code, str] = field(default_factory=dict)


def decide(line: int, subject: Recommendation | Holding, found: Route, ending: Ending) -> Decision:
    """Return the decision on a line, or on a holding that the research does not list."""
    entry = ending.entry
    codes = _codes(found, entry, ending.short_of)
    outcome = found.outcome or _outcome(codes, traded=bool(ending.fills))
    verdicts = entry.verdicts if entry else ()
    item = subject if isinstance(subject, Recommendation) else None
    action = exit_action(subject.side) if isinstance(subject, Holding) else subject.action
    shortfalls = [found for found in map(_shortfall, verdicts) if found is not None]
    return Decision(
        line=line,
        symbol=subject.symbol,
        action=str(action),
        allocation_percent=item.allocation_percent if item else None,
        outcome=outcome,
        codes=codes,
        explanation=Explanation(
            outcome,
            codes,
            subject.symbol,
            fills=tuple(ending.fills),
            shortfalls=(*([ending.exit_shortfall] if ending.exit_shortfall else []), *shortfalls),
            notes=ending.notes,
            instead=_instead(found),
        ),
        verdicts=verdicts,
        recommendation=item,
        raw=item.raw if item else None,
    )


def _instead(found: Route) -> dict[Code, str]:
    """Return words that say it better than the codes' own."""
    if found.is_near_target:
        return {Code.ALREADY_AT_TARGET: NEAR_TARGET}
    return {Code.PRICE_OUT_OF_BAND: NOT_INVENTED} if found.outcome is Outcome.DEFERRED else {}


_DENIALS = frozenset(limit.code for limit in LIMITS if limit.row.outcome == Outcome.DENIED)
_BY_CODE: Mapping[Code, RunLimit] = {limit.code: limit for limit in LIMITS}


def _codes(found: Route, entry: Entry | None, short_of: Code | None) -> tuple[Code, ...]:
    """Every reason once, in the order in which it came up."""
    codes = list(found.codes)
    for verdict in entry.verdicts if entry else ():
        if verdict.cut:
            codes.append(verdict.code)
        elif verdict.result == "unverified":
            codes.append(Code.SECTOR_UNVERIFIED)
    if entry and entry.rounded_down:
        codes.append(Code.ROUNDED_DOWN)
    if short_of is not None:
        codes.append(short_of)
    return tuple(dict.fromkeys(codes))


def _outcome(codes: Sequence[Code], *, traded: bool) -> Outcome:
    reasons = set(codes) - REMARKS
    if traded:
        # An entry that rounds to nothing beside an exit that was done takes nothing away from the wish.
        return Outcome.CLAMPED if reasons - {Code.BELOW_STEP} else Outcome.EXECUTED
    return Outcome.DENIED if reasons & _DENIALS else Outcome.SKIPPED


def _shortfall(verdict: Verdict) -> Shortfall | None:
    """What a verdict took, in words' reach; None where nothing, or where the headroom is beyond the books."""
    if not verdict.cut or verdict.headroom is None:
        return None
    rule = _BY_CODE[verdict.code].rule
    share = None
    if verdict.factor is not None and verdict.headroom > 0:
        share = Share(verdict.headroom, rule.shares, verdict.factor, verdict.beside)
    return Shortfall(
        verdict.code,
        wanted=verdict.before,
        available=verdict.after if share else max(verdict.headroom, verdict.after, ZERO),
        is_count=rule.measure is Measure.ORDERS,
        is_left_over=verdict.before < verdict.headroom and not verdict.after and share is None,
        share=share,
    )


def quarantined(problem: Problem) -> Decision:
    """Return the decision on a line that cannot be read."""
    suggestion = f"; {problem.suggestion}" if problem.suggestion else ""
    message = f"Quarantined: {problem.message}{suggestion}."
    codes = (problem.code,)
    return Decision(
        line=problem.line,
        symbol=problem.symbol,
        action=problem.action,
        allocation_percent=None,
        outcome=Outcome.QUARANTINED,
        codes=codes,
        explanation=Explanation(Outcome.QUARANTINED, codes, problem.symbol, message=message),
        verdicts=(),
        recommendation=None,
        raw=problem.raw,
    )


def contradictory(item: Recommendation) -> Decision:
    """Return the decision on a line that another one contradicts."""
    return decide(item.line, item, Route(outcome=Outcome.QUARANTINED, codes=(Code.CONTRADICTORY_LINES,)), Ending())
