"""Executes one request and kills itself at one point of it: `python -m ...children.victim BRIEF POINT`.

One that lives on prints its answer and the number of statements it made.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import django

django.setup()

from django.db import connection  # noqa: E402  # the models want a Django that is set up

from tests.reliability.children.briefs import Brief  # noqa: E402
from tests.reliability.children.defects import plant  # noqa: E402
from tests.reliability.children.doors import ask  # noqa: E402


class Watch:
    """Counts the statements and the COMMITs of this process, and ends it at the point it is set to."""

    def __init__(self, point: str) -> None:
        self._point = point
        self.statements = 0
        self.commits = 0

    def around_statement(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        """Execute one statement, a point on each side of it."""
        self.statements += 1
        self._die_at(f"before statement {self.statements}")
        result = execute(*arguments)
        self._die_at(f"after statement {self.statements}")
        return result

    def around_commit(self, commit: Callable[[], None]) -> Callable[[], None]:
        """Return `commit` with a point on each side of it."""

        def commit_between_points() -> None:
            self.commits += 1
            self._die_at(f"before COMMIT {self.commits}")
            commit()
            self._die_at(f"after COMMIT {self.commits}")

        return commit_between_points

    def _die_at(self, point: str) -> None:
        if point == self._point:
            os.kill(os.getpid(), signal.SIGKILL)


def main(path: str, point: str) -> None:
    brief = Brief.read(path)
    plant(brief)
    watch = Watch(point)
    wrapper: Any = connection  # the method that both backends share and django-stubs do not show
    wrapper._commit = watch.around_commit(wrapper._commit)
    with connection.execute_wrapper(watch.around_statement):
        answer = ask(brief.calls[0])
    print(json.dumps({"answer": f"{answer.kind}{answer.words}", "statements": watch.statements}))  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
