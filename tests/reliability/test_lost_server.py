"""PostgreSQL goes away: the connection is cut around a COMMIT, or the server stops as in a power cut.

These tests start a PostgreSQL of their own, so they run once, whatever database the others use. That SQLite keeps
what it acknowledged, they show with the process that writes.
"""

import json
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.counts import count, seeded
from tests.processes import ROOT, Forked, environment, fork, migrate
from tests.reliability.children.briefs import Answer, Brief, Call
from tests.reliability.proxy import CuttingProxy
from tests.scenes import Inbox, line

pytestmark = pytest.mark.slow

PRICES = {"KO": "62.5"}
LOADERS = 4


class Server:
    """A PostgreSQL of the test's own, with the tables in it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.url = self._line()

    @property
    def socket(self) -> Path:
        """The directory of its socket."""
        return Path(self.url.removeprefix("postgres://postgres@/").rpartition("/")[0])

    def crash(self) -> None:
        """Stop it without a checkpoint, as a power cut would."""
        self._order("crash")

    def start(self) -> None:
        """Start it again: it recovers from its log."""
        self._order("start")

    def _order(self, word: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        assert self._line() == "done"

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="folios-pg-") as directory:
        arguments = [sys.executable, "-m", "tests.reliability.children.server", directory]
        with subprocess.Popen(
            arguments, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            server = Server(process)
            migrate(server.url)
            yield server
            assert process.stdin is not None
            process.stdin.close()


@pytest.fixture
def research(tmp_path: Path) -> Inbox:
    """Return an empty directory for research."""
    root = tmp_path / "artifacts"
    root.mkdir()
    return Inbox(root)


def _env(artifacts_root: Path, url: str) -> dict[str, str]:
    return environment(artifacts_root, DATABASE_URL=url)


def _finish(process: Forked) -> str:
    out, err = process.communicate()
    assert process.returncode == 0, err
    return out


def _audit(env: dict[str, str]) -> dict[str, Any]:
    """Return how often each request ran ("runs"), how often it failed ("failures"), and what is "wrong"."""
    said: dict[str, Any] = json.loads(_finish(fork("tests.reliability.children.auditor", env=env)))
    return said


def _call_all(brief: Brief, env: dict[str, str]) -> list[Answer]:
    out = _finish(fork("tests.reliability.children.caller", str(brief.write()), env=env))
    return [Answer(**answer) for answer in json.loads(out)]


def _asked_through_a_cutting_proxy(
    server: Server, research: Inbox, *, when: str, defects: Sequence[str] = ()
) -> tuple[CuttingProxy, list[Answer]]:
    """Execute one request after the other, each with the connection cut at its COMMIT."""
    strategy = str(uuid.uuid4())
    calls = [
        Call(
            "service",
            research.put([line("KO", "BUY", 0.1), line("PG", "HOLD")]),
            strategy,
            PRICES,
            "100000",
            strategy,
        )
        for _ in range(count(5, 100))
    ]
    with tempfile.TemporaryDirectory(prefix="folios-proxy-") as directory:
        proxy = CuttingProxy(Path(directory), server.socket, when)
        try:
            brief = Brief(directory, "caller", 1, calls, defects)
            answers = _call_all(brief, _env(research.root, f"postgres://postgres@/{directory}/postgres"))
        finally:
            proxy.close()
    return proxy, answers


@pytest.mark.parametrize(("when", "told"), [("after", "replay"), ("before", "executed")])
def test_a_connection_cut_around_the_commit_is_answered_by_the_callers_own_retry(
    server: Server, research: Inbox, when: str, told: str
):
    proxy, answers = _asked_through_a_cutting_proxy(server, research, when=when)

    assert proxy.cuts == len(answers) == count(5, 100)
    assert [(answer.kind, answer.words) for answer in answers] == [(told, "")] * len(answers)
    found = _audit(_env(research.root, server.url))
    assert [found["runs"][answer.request_id] for answer in answers] == [1] * len(answers)
    assert (found["failures"], found["wrong"]) == ({}, [])


def test_without_the_retry_the_harness_notices_callers_that_do_not_know(server: Server, research: Inbox):
    _, answers = _asked_through_a_cutting_proxy(server, research, when="after", defects=["no_retry"])

    assert answers[0].kind == "error"
    assert "server closed the connection unexpectedly" in answers[0].words
    # It is done, and although its caller got an error nobody may call it failed.
    assert answers[0].request_id not in _done_and_called_failed(_audit(_env(research.root, server.url)))


@dataclass
class Heard:
    """What a loader said until now: the requests it asked for, and its answers."""

    asked: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)

    @property
    def acknowledged(self) -> list[str]:
        """The requests that somebody was told are done."""
        return [answer.request_id for answer in self.answers if answer.kind in ("executed", "replay")]

    def listen(self, process: Forked) -> None:
        """Take in what the loader says until it ends."""
        for text in process.stdout:
            said = json.loads(text) if text.endswith("\n") else {}
            if "asked" in said:
                self.asked.append(said["asked"])
            elif said:
                self.answers.append(Answer(**said["answer"]))


@dataclass
class Load:
    """Some loaders at work."""

    heard: Sequence[Heard]
    processes: Sequence[Forked]

    def wait_for_more(self, number: int, *, seconds: float = 60) -> None:
        """Return once `number` more requests were acknowledged. Raises TimeoutError."""
        wanted = self.acknowledged() + number
        deadline = time.monotonic() + seconds
        while self.acknowledged() < wanted:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.acknowledged()} of {wanted} requests acknowledged: {self._last_words()}")
            time.sleep(0.005)

    def acknowledged(self) -> int:
        """Return how many requests were acknowledged."""
        return sum(len(each.acknowledged) for each in self.heard)

    def _last_words(self) -> list[Answer]:
        return [each.answers[-1] for each in self.heard if each.answers]


@contextmanager
def _load(directory: Path, env: dict[str, str], strategies: Sequence[str]) -> Iterator[Load]:
    """Let loaders work, one a strategy; in the end they finish what they are at."""
    processes, ears, heard = [], [], []
    for number, strategy in enumerate(strategies):
        call = Call("service", "", strategy, PRICES, "1000000", strategy)
        brief = Brief(str(directory), f"loader-{uuid.uuid4()}", 1, [call]).write()
        processes.append(fork("tests.reliability.children.loader", str(brief), env=env))
        heard.append(Heard())
        ears.append(threading.Thread(target=heard[number].listen, args=(processes[number],)))
        ears[number].start()
    try:
        yield Load(heard, processes)
    finally:
        (directory / "stop").touch()
        for process, ear in zip(processes, ears, strict=True):
            process.wait(timeout=120)
            ear.join()
            process.close()


def _complaints(heard: Sequence[Heard], found: Mapping[str, Any]) -> list[str]:
    """Say what was acknowledged and is not there, what is there twice, and what is wrong with the books."""
    runs = found["runs"]
    lost = [request for each in heard for request in each.acknowledged if request not in runs]
    twice = [request for request, times in runs.items() if times > 1]
    return [*(f"lost: {request}" for request in lost), *(f"twice: {request}" for request in twice), *found["wrong"]]


def _done_and_called_failed(found: Mapping[str, Any]) -> list[str]:
    """Return the requests that are remembered as failed although they are done; nobody asked again yet."""
    return sorted(found["runs"].keys() & found["failures"].keys())


def _ask_again(
    heard: Sequence[Heard], strategies: Sequence[str], directory: Path, env: dict[str, str]
) -> list[str]:
    """Ask again for what was not acknowledged, a strategy for each that was heard; return what is not done then."""
    calls = [
        Call("service", request, strategy, PRICES, "1000000", strategy)
        for each, strategy in zip(heard, strategies, strict=True)
        for request in sorted(set(each.asked) - set(each.acknowledged))
    ]
    answers = _call_all(Brief(str(directory), f"again-{uuid.uuid4()}", 1, calls), env)
    return [f"{answer}" for answer in answers if answer.kind not in ("executed", "replay")]


def test_no_acknowledged_run_is_lost_when_postgresql_stops_under_load(
    server: Server, research: Inbox, tmp_path: Path
):
    chance = seeded("stop under load")
    env = _env(research.root, server.url)
    # Two of the loaders share an account, so that somebody waits for a lock when the server goes.
    strategies = [str(uuid.uuid4()) for _ in range(LOADERS - 1)]
    strategies.append(strategies[0])
    stops = count(1, 20)
    with _load(tmp_path, env, strategies) as load:
        for _ in range(stops):
            load.wait_for_more(chance.randint(10, 40))
            time.sleep(chance.uniform(0, 0.05))
            server.crash()
            server.start()
        load.wait_for_more(10)

    found = _audit(env)
    assert _complaints(load.heard, found) == []
    assert not set(_done_and_called_failed(found)) & {request for each in load.heard for request in each.asked}
    assert _ask_again(load.heard, strategies, tmp_path, env) == []
    assert _complaints(load.heard, _audit(env)) == []
    asked = sum(len(each.asked) for each in load.heard)
    print(f"{stops} stops, {asked} requests, {load.acknowledged()} acknowledged at once")  # noqa: T201


@pytest.mark.django_db(transaction=True)
def test_no_acknowledged_run_is_lost_when_the_process_that_executes_is_killed(research: Inbox, tmp_path: Path):
    chance = seeded("kill under load")
    env = environment(research.root)
    kills, strategy = count(3, 100), str(uuid.uuid4())
    everything = Heard()
    for number in range(kills):
        place = tmp_path / f"kill-{number}"
        place.mkdir()
        with _load(place, env, [strategy]) as load:
            load.wait_for_more(1)
            time.sleep(chance.uniform(0, 0.05))
            load.processes[0].kill()
        everything.asked += load.heard[0].asked
        everything.answers += load.heard[0].answers

    assert _complaints([everything], _audit(env)) == []
    assert _ask_again([everything], [strategy], tmp_path, env) == []
    assert _complaints([everything], _audit(env)) == []
    print(f"{kills} kills, {len(everything.asked)} requests, {len(everything.acknowledged)} acknowledged")  # noqa: T201
