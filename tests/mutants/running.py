"""One process a mutant: its module's own tests until the first that fails, then those of its package."""

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path, PurePosixPath

from tests.mutants.mutations import Mutant

PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Suite:
    """What has to notice a change. Tests of pure modules need no Django, and start in half the time without it; a
    file that compares such a module with a model is left out there.
    """

    tests: tuple[str, ...]
    pure: bool = True

    @property
    def options(self) -> list[str]:
        """How pytest is called for them."""
        if not self.pure:
            return [*self.tests]
        plugins = [f"-pno:{name}" for name in ("django", "schemathesis", "anyio")]
        left_out = [f"--ignore={path}" for place in self.tests for path in _needing_django(place)]
        return [*self.tests, "-c", os.devnull, "--rootdir=.", "--noconftest", "-Werror", *plugins, *left_out]


@cache
def _needing_django(place: str) -> tuple[str, ...]:
    """Return the files of tests below a directory of the project that import models."""
    files = sorted((PROJECT / place).rglob("test_*.py"))
    return tuple(str(path.relative_to(PROJECT)) for path in files if ".models import" in path.read_text())


_BOOKS = Suite(("tests/portfolios", "tests/execution/runs", "tests/execution/management"), pure=False)

# By path, the longest that fits. What nothing but the ledger uses is tested with the ledger.
SUITES: Mapping[str, Suite] = {
    "common/money.py": Suite(("tests/common/test_money.py", "tests/portfolios/domain", "tests/execution/engine")),
    "execution/engine": Suite(("tests/execution/engine",)),
    "portfolios/domain": Suite(("tests/portfolios/domain", "tests/execution/engine/planning")),
    "portfolios/domain/opening_history.py": _BOOKS,
    "portfolios/domain/order_states.py": _BOOKS,
    "portfolios/domain/risk_limits.py": Suite(
        ("tests/portfolios/domain", "tests/execution/engine/planning"), pure=False
    ),
    "portfolios/ledger": _BOOKS,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mutant."""

    mutant: Mutant
    killed: bool


class RedSuiteError(Exception):
    """The tests fail without any change: they can say nothing of mutants."""


def suite_of(path: str, suites: Mapping[str, Suite]) -> Suite:
    """Return the tests that have to notice a change of `path`. Raises KeyError where none are named."""
    fitting = [start for start in suites if path == start or path.startswith(f"{start}/")]
    return suites[max(fitting, key=len, default=path)]


def own_tests(path: str, root: Path) -> tuple[str, ...]:
    """Return the files that test the module and nothing else: they start faster than the whole suite."""
    module = PurePosixPath(path)
    room = root / "tests" / module.parent
    return tuple(sorted(found.relative_to(root).as_posix() for found in room.glob(f"test_{module.stem}*.py")))


def try_all(
    mutants: Sequence[Mutant], *, root: Path, jobs: int = 2, suites: Mapping[str, Suite] = SUITES
) -> list[Outcome]:
    """Return what became of each mutant, in order. Raises RedSuiteError. Progress goes to stderr."""
    needed = {suite_of(mutant.path, suites) for mutant in mutants}
    with tempfile.TemporaryDirectory(prefix="folios-mutants-") as scratch, ThreadPoolExecutor(jobs) as pool:
        seconds = {suite: _seconds_needed(suite, root, scratch) for suite in needed}

        def attempt(mutant: Mutant) -> Outcome:
            suite = suite_of(mutant.path, suites)
            environment = {
                "FOLIOS_MUTANT": f"{mutant.path}:{mutant.number}",
                "FOLIOS_MUTANT_SECONDS": str(3 * seconds[suite] + 20),
            }
            nearest = own_tests(mutant.path, root)
            asked = [replace(suite, tests=nearest), suite] if nearest else [suite]
            killed = any(_pytest(tests, root, scratch, environment).returncode != 0 for tests in asked)
            return Outcome(mutant, killed=killed)

        return list(_told(pool.map(attempt, mutants), len(mutants)))


def _told(outcomes: Iterator[Outcome], total: int) -> Iterator[Outcome]:
    for count, outcome in enumerate(outcomes, start=1):
        mutant, word = outcome.mutant, "killed" if outcome.killed else "SURVIVED"
        sys.stderr.write(f"{count}/{total} {word} {mutant.path}:{mutant.line} {mutant.change}\n")
        yield outcome


def _seconds_needed(suite: Suite, root: Path, scratch: str) -> int:
    """The processor's time for the suite without a change."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    done = _pytest(suite, root, scratch, {})
    if done.returncode:
        raise RedSuiteError(f"without a change the tests of {suite.tests} fail:\n{done.stdout}{done.stderr}")
    return int(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before) + 1


def _pytest(
    suite: Suite, root: Path, scratch: str, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-qx", "-p", "tests.mutants.plugin", "-pno:cacheprovider"]
    return subprocess.run(
        [*command, *suite.options],
        cwd=root,
        env={
            **os.environ,
            "PYTHONPATH": str(PROJECT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "TMPDIR": scratch,
            "HYPOTHESIS_STORAGE_DIRECTORY": scratch,
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )
