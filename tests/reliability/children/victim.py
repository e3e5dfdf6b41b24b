"""Executes requests in processes that kill themselves at one point: `python -m ...children.victim BRIEF`.

Reads one JSON object a line: the call and the point. Each point gets a process of its own, forked from this one,
which has no connection and spares it the start. Answers with the signal that ended it and the statements it made.
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

from tests.reliability.children.briefs import Brief, Call  # noqa: E402
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


def _execute(call: Call, point: str) -> str:
    watch = Watch(point)
    wrapper: Any = connection  # the method that both backends share and django-stubs do not show
    wrapper._commit = watch.around_commit(wrapper._commit)
    with connection.execute_wrapper(watch.around_statement):
        answer = ask(call)
    return json.dumps(
        {"answer": f"{answer.kind}{answer.words}", "statements": watch.statements, "commits": watch.commits}
    )


def _in_a_process_of_its_own(call: Call, point: str) -> dict[str, Any]:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        os.write(writer, _execute(call, point).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as said:
        text = said.read()
    _, status = os.waitpid(child, 0)
    return {"signal": os.waitstatus_to_exitcode(status), **(json.loads(text) if text else {})}


def main() -> None:
    plant(Brief.read(sys.argv[1]))
    for order in sys.stdin:
        data = json.loads(order)
        print(json.dumps(_in_a_process_of_its_own(Call(**data["call"]), data["point"])), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
