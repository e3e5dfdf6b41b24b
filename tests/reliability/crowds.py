"""Starts processes that call at once, and says what is wrong with the answers and with the books afterwards."""

import json
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count as numbers
from pathlib import Path

from django.db.models import Model

from execution.models import ExecutionRun, Recommendation
from portfolios.models import LedgerEntry, Order, PortfolioAccount, Position, Strategy, Valuation
from tests.processes import Forked, command_environment, environment, fork, start
from tests.reliability.children.briefs import Answer, Brief, Call
from tests.reliability.children.doors import command_line
from tests.scenes import assert_books_balance

_NUMBERS = numbers()


@dataclass(frozen=True)
class Crowd:
    """Where a crowd meets (a directory of its own below `directory`) and reads research."""

    directory: Path
    artifacts_root: Path

    def call(
        self,
        shares: Sequence[Sequence[Call]],
        *,
        whole_commands: Sequence[Call] = (),
        defects: Sequence[str] = (),
        limits: dict[str, str] | None = None,
    ) -> list[Answer]:
        """Let one process a share make its calls, all starting together, beside manage.py itself for some."""
        place = self.directory / f"crowd-{next(_NUMBERS)}"
        place.mkdir()
        env = environment(self.artifacts_root)
        briefs = [
            Brief(str(place), f"caller-{number}", len(shares), share, defects, limits or {}).write()
            for number, share in enumerate(shares)
        ]
        callers = [fork("tests.reliability.children.caller", str(brief), env=env) for brief in briefs]
        own = command_environment(self.artifacts_root)
        commands = [(call, start(["manage.py", *command_line(call)], own)) for call in whole_commands]
        answers = [answer for process in callers for answer in _answers(process)]
        return [*answers, *(_printed(call, process) for call, process in commands)]


def shares_of(calls: Sequence[Call], processes: int) -> list[list[Call]]:
    """Deal the calls out, one after the other."""
    return [list(calls[number::processes]) for number in range(processes)]


def _answers(process: Forked) -> list[Answer]:
    out, err = process.communicate()
    assert process.returncode == 0, err
    return [Answer(**answer) for answer in json.loads(out)]


def _printed(call: Call, process: "subprocess.Popen[str]") -> Answer:
    out, err = process.communicate()
    if process.returncode != 0:
        return Answer("manage.py", call.request_id, "error", err)
    return Answer("manage.py", call.request_id, "replay" if json.loads(out)["run"]["replay"] else "executed")


@dataclass(frozen=True)
class Expected:
    """What has to be there in the end, in rows of one account. A `failed` run is remembered and did nothing."""

    runs: int
    orders: int
    entries: int
    positions: int
    recommendations: int
    failed: int = 0
    reversed: int = 0

    def counts(self) -> dict[type[Model], int]:
        """Return the rows by model; each run and each reversal values the account once."""
        return {
            ExecutionRun: self.runs + self.failed,
            Valuation: self.runs + self.reversed,
            Order: self.orders,
            LedgerEntry: self.entries,
            Position: self.positions,
            Recommendation: self.recommendations,
        }


def complaints_about_answers(answers: Sequence[Answer], *, executed: int) -> list[str]:
    """Say what is wrong where `executed` requests were to run once and every other call was to be a replay."""
    kinds = Counter(answer.kind for answer in answers)
    wrong = {answer.words for answer in answers if answer.kind in ("error", "refused")}
    twice = [
        request
        for request, times in Counter(a.request_id for a in answers if a.kind == "executed").items()
        if times > 1
    ]
    found = [f"{executed} were to be executed, the others replayed: {dict(sorted(kinds.items()))}"]
    return [
        *(found if kinds != Counter(executed=executed, replay=len(answers) - executed) else []),
        *sorted(wrong),
        *(f"executed twice: {request}" for request in twice),
    ]


def complaints_about_books(strategy: Strategy, expected: Expected) -> list[str]:
    """Say what is wrong with the only account of a strategy: row by row, and with its sums."""
    accounts = list(PortfolioAccount.objects.filter(strategy=strategy))
    if len(accounts) != 1:
        return [f"{len(accounts)} accounts of one strategy and provider"]
    found = [
        f"{found} {model._meta.verbose_name_plural}, {wanted} expected"
        for model, wanted in expected.counts().items()
        if (found := _rows(model, strategy)) != wanted
    ]
    unfinished = ExecutionRun.objects.filter(strategy=strategy).exclude(status="succeeded").count()
    if unfinished != expected.failed:
        found.append(f"{unfinished} runs failed or never ended")
    return [*found, *_sums(accounts[0])]


def _rows(model: type[Model], strategy: Strategy) -> int:
    path = {ExecutionRun: "strategy", Recommendation: "run__strategy"}.get(model, "account__strategy")
    return model._default_manager.filter(**{path: strategy}).count()


def _sums(account: PortfolioAccount) -> list[str]:
    try:
        assert_books_balance(account)
    except AssertionError as error:
        return [f"the books of {account.pk} do not balance: {error}"]
    return []
