"""Plans a finished run again from what it stored, and compares: the proof that its orders follow from its inputs.

Nothing is asked of the world: the artifact, the prices, the account's snapshot, the securities and the policy are
those that the run kept. Nothing is written.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from common.money import plain
from execution.engine.parsing.artifact import content_digest
from execution.engine.planning.decisions import Decision
from execution.engine.planning.plan import OrderIntent, Plan, make_plan
from execution.engine.planning.serialization import PLANNER, plan_input_from_data, planner_of
from execution.engine.vocabulary import Code, Refusal
from execution.models import ExecutionRun
from execution.research.changes import artifact_changed
from execution.runs import records
from execution.runs.eligibility import interpretation_of
from portfolios.selectors.books import one_snapshot


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that planning again makes otherwise."""

    subject: str
    stored: str
    planned: str

    def __str__(self) -> str:
        return f"{self.subject}: stored {self.stored}, planned {self.planned}"


@dataclass(frozen=True, slots=True)
class Reproduced:
    """The comparison of one run; without differences its orders and decisions are reproduced.

    Differences of a run that an older `planner` planned are no fault of the books: the rules have changed since.
    """

    run_id: str
    orders: int
    decisions: int
    differences: tuple[Difference, ...]
    planner: int = PLANNER

    @property
    def is_older(self) -> bool:
        """Whether an older version of the planner made the plan, by rules that are no longer those of today."""
        return self.planner < PLANNER

    def as_data(self) -> dict[str, Any]:
        """Return the comparison as JSON-ready values."""
        return {**asdict(self), "reproduced": not self.differences, "older_planner": self.is_older}


def reproduce_run(run_id: uuid.UUID) -> Reproduced | Refusal:
    """Plan the run again and return what differs, or why it cannot be planned again."""
    with one_snapshot():
        run = records.find_run(run_id)
        if run is None:
            return Refusal(Code.RUN_NOT_FOUND, f"run {run_id} does not exist")
        if run.status != ExecutionRun.Status.SUCCEEDED:
            return Refusal(Code.RUN_NOT_FINISHED, f"run {run_id} is {run.status}: it has no plan to compare with")
        plan = _plan_again(run)
        if isinstance(plan, Refusal):
            return plan
        differences = [*_order_differences(run, plan.intents), *_decision_differences(run, plan.decisions)]
        return Reproduced(
            str(run_id),
            run.order_count,
            run.recommendation_count,
            tuple(differences),
            planner=planner_of(run.parameters),
        )


def _plan_again(run: ExecutionRun) -> Plan | Refusal:
    content = run.request.content.encode()
    found = content_digest(content)
    if found != run.digest:
        return artifact_changed(
            f"the stored artifact of run {run.pk}", since="it was executed", known=run.digest, found=found
        )
    artifact = interpretation_of(run).read(content)
    if isinstance(artifact, Refusal):
        return artifact
    lines = run.parameters.get("lines")
    part = artifact if lines is None else artifact.only(lines)
    return make_plan(plan_input_from_data({**run.parameters, "quotes": run.prices}, part))


def _order_differences(run: ExecutionRun, intents: Sequence[OrderIntent]) -> Iterator[Difference]:
    stored = {(link.recommendation.line, link.order.action): link.order for link in records.orders_of(run)}
    planned = {(intent.line, str(intent.action)): intent for intent in intents}
    for line, action in sorted(stored.keys() | planned.keys()):
        order, intent = stored.get((line, action)), planned.get((line, action))
        before = "no order" if order is None else _order_words(
            order.security_id, order.quantity, order.limit_price, order.average_fill_price, order.fee
        )  # fmt: skip
        now = "no order" if intent is None else _order_words(
            intent.symbol, intent.quantity, intent.price, intent.fill.price, intent.fill.fee
        )  # fmt: skip
        if before != now:
            yield Difference(f"line {line} {action}", before, now)


def _order_words(symbol: str, *numbers: Any) -> str:
    quantity, price, fill, fee = (plain(number) if number is not None else "none" for number in numbers)
    return f"{quantity} {symbol} at {price}, filled at {fill}, fee {fee}"


def _decision_differences(run: ExecutionRun, decisions: Sequence[Decision]) -> Iterator[Difference]:
    stored = {row.line: f"{row.outcome} {row.codes}" for row in run.recommendations.all()}
    planned = {item.line: f"{item.outcome} {[str(code) for code in item.codes]}" for item in decisions}
    for line in sorted(stored.keys() | planned.keys()):
        before, now = stored.get(line, "no line"), planned.get(line, "no line")
        if before != now:
            yield Difference(f"line {line}", before, now)
