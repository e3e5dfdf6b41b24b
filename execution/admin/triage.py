"""Actions that decide what becomes of requests, and what a quarantined line means."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from django.conf import settings
from django.db import transaction

from common.admin.columns import badge, units
from common.admin.confirm import Call, ConfirmedAction, Effect, Refused
from common.text import counted
from execution.admin.refusals import refused
from execution.engine.parsing.artifact import Problem
from execution.engine.vocabulary import Refusal
from execution.forms import AssignForm, ResolutionForm
from execution.models import Recommendation, ResearchRequest
from execution.selectors.research import inbox_entries, stored_ids
from execution.services import (
    Author,
    Reading,
    ResolutionInput,
    Rule,
    assign_request,
    ignore_request,
    keep_resolution,
    preview_resolution,
    rule_from,
    scan_inbox,
)
from portfolios.models import Provider

State = ResearchRequest.State
_WAITING = frozenset({State.NEW, State.READY, State.QUARANTINED, State.FAILED})
_PREVIEWED = "preview"  # stands for the reason while a call is made only to be looked at


class _Decides(ConfirmedAction):
    """Decides about requests: all that are chosen, or none. The preview makes the calls and rolls them back."""

    permission = "execution.change_researchrequest"
    for_lists = True
    states: ClassVar[frozenset[str]]
    explanation: ClassVar[str]

    def applies(self, row: ResearchRequest) -> bool:
        return row.state in self.states

    def decide(self, call: Call, row: ResearchRequest, author: Author) -> ResearchRequest | Refusal:
        raise NotImplementedError

    def preview(self, call: Call) -> Effect | Refused:
        """Show what each request is, and would be."""
        with transaction.atomic():
            decided = self._all(call, reason=_PREVIEWED)
            transaction.set_rollback(True)
        if isinstance(decided, Refusal):
            return refused(decided)
        rows = [
            (str(before.pk), _whose(before), badge(before.state), _whose(after), badge(after.state))
            for before, after in zip(call.rows, decided, strict=True)
        ]
        return Effect([self.explanation], ("Request", "Assigned to", "State", "Then assigned to", "Then"), rows)

    def perform(self, call: Call) -> str | Refused:
        """Decide about all of them, or say about which it is not possible."""
        with transaction.atomic():
            decided = self._all(call, reason=call.reason)
            if isinstance(decided, Refusal):
                transaction.set_rollback(True)
                return refused(decided)
        states = sorted({row.state for row in decided})
        return f"{counted(len(decided), 'request')}: {', '.join(states)}."

    def _all(self, call: Call, *, reason: str) -> list[ResearchRequest] | Refusal:
        author = Author(actor=call.actor, reason=reason, now=call.now)
        decided: list[ResearchRequest] = []
        for row in call.rows:
            answer = self.decide(call, row, author)
            if isinstance(answer, Refusal):
                return answer
            decided.append(answer)
        return decided


def _whose(row: ResearchRequest) -> str:
    parts = [str(row.strategy or ""), row.get_provider_display()]
    return " / ".join(part for part in parts if part) or "not known"


class AssignRequests(_Decides):
    """Assigns requests to a strategy and a provider."""

    name = "assign"
    title = "Assign strategy and provider"
    button = "Assign"
    form = AssignForm
    states = _WAITING | {State.IGNORED}
    explanation = "Nothing is executed. What is ready then waits for “Execute” or for the next batch."

    def initial(self, rows: Sequence[ResearchRequest]) -> dict[str, str]:
        """Return whose the first one is, as far as that is known."""
        row = rows[0]
        return {"strategy": str(row.strategy_id or ""), "provider": row.provider or str(Provider.ANTHROPIC)}

    def decide(self, call: Call, row: ResearchRequest, author: Author) -> ResearchRequest | Refusal:
        strategy, provider = call.values["strategy"].pk, call.values["provider"]
        return assign_request(row.pk, strategy_id=strategy, provider=provider, author=author)


class IgnoreRequests(_Decides):
    """Takes requests out of the inbox."""

    name = "ignore"
    title = "Ignore request"
    button = "Ignore"
    states = _WAITING
    explanation = "No batch executes them any more. “Assign” brings them back, and “Execute” still executes them."
    is_dangerous = True

    def decide(self, call: Call, row: ResearchRequest, author: Author) -> ResearchRequest | Refusal:
        return ignore_request(row.pk, author=author)


class ScanInbox(ConfirmedAction):
    """Brings the list of requests up to date with their directories."""

    name = "scan"
    title = "Scan inbox"
    button = "Scan inbox"
    verb = "Scan"
    permission = "execution.add_researchrequest"
    for_rows = False

    def preview(self, call: Call) -> Effect | Refused:
        """Count the directories; their files are read by the scan itself."""
        found = [item.request_id for item in inbox_entries(settings.ARTIFACTS_ROOT)]
        unknown = set(found) - stored_ids(found)
        directories = counted(len(found), "request directory", "request directories")
        said = f"{directories}, {len(unknown)} of them not in the list."
        return Effect([said, "Those that are new or have changed are read. Nothing is executed."])

    def perform(self, call: Call) -> str | Refused:
        report = scan_inbox(settings.ARTIFACTS_ROOT, now=call.now)
        if isinstance(report, Refusal):
            return refused(report)
        states = ", ".join(f"{count} {state}" for state, count in report.states.items()) or "none"
        found = counted(report.found, "request")
        said = f"Inbox scanned: {found}, {report.new} new, {report.changed} changed. In all: {states}."
        return " ".join([said, *(f"Refused: {message}." for message in report.refused.values())])


class ResolveLine(ConfirmedAction):
    """Resolves a quarantined line. All fields empty: the line is meant as it is written."""

    name = "resolve"
    title = "Resolve the line"
    button = "Resolve line"
    verb = "Keep the resolution"
    permission = "execution.add_lineresolution"
    form = ResolutionForm
    most_rows = 1

    def applies(self, row: Recommendation) -> bool:
        """Only what is quarantined waits for a resolution."""
        return row.outcome == Recommendation.Outcome.QUARANTINED

    def preview(self, call: Call) -> Effect | Refused:
        """Show how the line would be read, and what the next execution would do with it."""
        found = self._with(call, preview_resolution, reason=_PREVIEWED)
        if isinstance(found, Refused):
            return found
        reading, rule = found
        sentences = [_fate(reading)]
        if rule is not None:
            provider = call.rows[0].run.get_provider_display()
            said = f"{rule.field} “{rule.written}” of {provider} means {rule.meaning} in research that comes later."
            sentences.append(f"Kept as a rule: {said}")
        return Effect(sentences, ("Line", "Symbol", "Action", "Size %", "Not clear"), [_as_read(reading)])

    def perform(self, call: Call) -> str | Refused:
        """Keep the resolution and the rule, both or neither."""
        found = self._with(call, keep_resolution, reason=call.reason)
        if isinstance(found, Refused):
            return found
        reading, rule = found
        kept = "The resolution and the rule were kept." if rule else "The resolution was kept."
        return f"{kept} {_fate(reading)}"

    def _with(
        self, call: Call, service: Callable[..., Reading | Refusal], *, reason: str
    ) -> tuple[Reading, Rule | None] | Refused:
        line: Recommendation = call.rows[0]
        if not self.applies(line):
            return Refused("the line is not quarantined: it was decided.")
        given = call.values
        resolution = ResolutionInput(
            action=given["action"], symbol=given["symbol"], allocation_percent=given["size"]
        )
        rule = self._rule(call, line, resolution) if call.values["keep"] else None
        if isinstance(rule, Refused):
            return rule
        author = Author(actor=call.actor, reason=reason, now=call.now)
        reading = service(line, resolution=resolution, rule=rule, author=author)
        return refused(reading) if isinstance(reading, Refusal) else (reading, rule)

    def _rule(self, call: Call, line: Recommendation, resolution: ResolutionInput) -> Rule | Refused:
        if not call.user.has_perm("execution.add_mappingrule"):
            return Refused("you may resolve this line, but not make rules. Untick the rule.")
        found = rule_from(line, resolution=resolution)
        return found or Refused("no rule would have made this line clear with this resolution. Untick the rule.")


def _fate(reading: Reading) -> str:
    if reading.is_taken:
        return "Nothing trades now. The line is decided when its request is executed again."
    return "Nothing trades, and executing the request again would not take the line with this resolution alone."


def _as_read(reading: Reading) -> tuple[Any, ...]:
    line = reading.line
    if isinstance(line, Problem):
        hint = f" ({line.suggestion})" if line.suggestion else ""
        return (str(line.line), line.symbol, line.action, "", f"[{line.code}] {line.message}{hint}")
    return (str(line.line), line.symbol, str(line.action), units(line.allocation_percent), "")
