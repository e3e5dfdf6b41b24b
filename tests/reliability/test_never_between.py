"""An execution that is killed was made or was not made: there is nothing between, and asking again completes it."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count as numbers
from pathlib import Path
from typing import Any

import pytest

from execution.models import ExecutionRun
from portfolios.models import RiskPolicy, Strategy
from tests.counts import count
from tests.processes import environment, fork
from tests.reliability.children.briefs import Brief, Call
from tests.reliability.children.doors import ask
from tests.reliability.crowds import Expected, complaints_about_books
from tests.scenes import Desk, Inbox, line, whole_database

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

NEW = "NEW"  # stands for a symbol that nobody has traded before
PRICES = {"MSFT": "450", "KO": "62.5", "T": "20"}
_NUMBERS = numbers()


@dataclass(frozen=True)
class Scene:
    """An execution to be killed: what runs before it, what it does, and the rows after it."""

    name: str
    earlier: Sequence[dict[str, Any]]
    lines: Sequence[dict[str, Any]]
    after: Expected


SCENES = [
    Scene(
        "the first run, which creates strategy and account",
        [],
        [line("MSFT", "BUY", 10), line("AAPL", "HOLD", 6), line(NEW, "BUY", 5)],
        Expected(runs=1, orders=2, entries=3, positions=2, recommendations=3),
    ),
    Scene(
        "a later run with a sale, a flip to a short, an addition and fees",
        [line("MSFT", "BUY", 10), line("KO", "BUY", 5), line("T", "BUY", 5)],
        [line("MSFT", "SELL"), line("KO", "SELL_SHORT", 8), line("T", "BUY", 5), line(NEW, "BUY", 5)],
        # Two orders more for the flip's legs; an entry for each order's fee; the short is a position of its own.
        Expected(runs=2, orders=8, entries=17, positions=5, recommendations=7),
    ),
]


@dataclass(frozen=True)
class Victims:
    """Executions in processes that kill themselves."""

    inbox: Inbox
    directory: Path
    defects: Sequence[str] = ()

    def execute(self, call: Call, *, point: str = "") -> dict[str, Any]:
        """Execute the call and die at `point`; return the exit code and what was said until then."""
        brief = Brief(str(self.directory), "victim", 1, [call], self.defects).write()
        process = fork("tests.reliability.children.victim", str(brief), point, env=environment(self.inbox.root))
        said, errors = process.communicate()
        assert errors == ""
        return {"exit": process.returncode, **(json.loads(said) if said else {})}


def _call_of(scene: Scene, inbox: Inbox) -> tuple[Strategy, Call]:
    """Set the scene up in an account of its own; return the call that is to be killed."""
    strategy = Strategy(name=f"{uuid.uuid4()}")
    if scene.earlier:
        strategy.save()
        RiskPolicy.objects.create(strategy=strategy, allow_short=True, commission_per_order="1.50", slippage_bps=10)
        first = Desk(inbox, strategy).run(scene.earlier, prices=PRICES)
        assert len(first.orders) == 3
    new = f"N{next(_NUMBERS)}"
    lines = [{**item, "symbol": new if item["symbol"] == NEW else item["symbol"]} for item in scene.lines]
    call = Call(
        "service", inbox.put(lines), str(strategy.pk), {**PRICES, new: "100"},
        create_strategy=None if scene.earlier else strategy.name,
    )  # fmt: skip
    return strategy, call


def _points(statements: int) -> list[str]:
    """Return the points of an execution; in a small run those around the COMMIT and a few others."""
    around = [f"{side} statement {number}" for number in range(1, statements + 1) for side in ("before", "after")]
    return [*around[:: count(7, 1)], around[-1], "before COMMIT 1", "after COMMIT 1"]


def _kill_everywhere(scene: Scene, inbox: Inbox, directory: Path, defects: Sequence[str] = ()) -> list[str]:
    """Kill the scene's execution at each point, then ask again; say what was wrong at which point."""
    victims = Victims(inbox, directory, defects)
    strategy, call = _call_of(scene, inbox)
    whole = victims.execute(call)
    assert whole["answer"] == "executed", whole
    assert complaints_about_books(strategy, scene.after) == []
    points = _points(whole["statements"])
    found = [wrong for point in points for wrong in _kill(scene, inbox, victims, point)]
    print(f"{scene.name}: {whole['statements']} statements, killed at {len(points)} points")  # noqa: T201
    return found


def _kill(scene: Scene, inbox: Inbox, victims: Victims, point: str) -> list[str]:
    strategy, call = _call_of(scene, inbox)
    before = whole_database()
    ended = victims.execute(call, point=point)
    assert ended == {"exit": -9}, f"{point}: {ended}"

    is_done = ExecutionRun.objects.filter(request_id=uuid.UUID(call.request_id)).exists()
    found = _complaints(scene, strategy, before=before, is_done=is_done)
    if is_done != (point == "after COMMIT 1"):
        found.append(f"the execution is {'' if is_done else 'not '}there")
    again = ask(call)
    if again.kind != ("replay" if is_done else "executed"):
        found.append(f"asked again: {again.kind} {again.words}")
    found += complaints_about_books(strategy, scene.after)
    return [f"{point}: {wrong}" for wrong in found]


def _complaints(scene: Scene, strategy: Strategy, *, before: dict[str, Any], is_done: bool) -> list[str]:
    """Say what is between: without the run every row of the database is as it was, with it all is there."""
    if is_done:
        return complaints_about_books(strategy, scene.after)
    now = whole_database()
    return [f"between: {name} has changed" for name, rows in before.items() if now[name] != rows]


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_an_execution_killed_at_any_point_is_whole_or_not_there_and_can_be_asked_for_again(
    scene: Scene, inbox: Inbox, tmp_path: Path
):
    assert _kill_everywhere(scene, inbox, tmp_path) == []


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_without_one_transaction_the_harness_notices_what_is_between(scene: Scene, inbox: Inbox, tmp_path: Path):
    found = _kill(scene, inbox, Victims(inbox, tmp_path, ["no_atomic"]), "after COMMIT 1")

    assert "after COMMIT 1: 1 runs failed or never ended" in found
    assert any("recommendations" in wrong for wrong in found)
