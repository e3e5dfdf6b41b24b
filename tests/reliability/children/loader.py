"""Executes one new request after the other until it is told to stop: `python -m ...children.loader BRIEF`.

Prints a request before it is executed and its answer afterwards, so that whoever ends this process or its database
knows what was acknowledged. It ends when a file named `stop` is in the brief's directory.
"""

import json
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import django

django.setup()

from django.conf import settings  # noqa: E402  # the models want a Django that is set up

from tests.reliability.children.briefs import Brief  # noqa: E402
from tests.reliability.children.doors import ask  # noqa: E402
from tests.scenes import Inbox, line  # noqa: E402


def main() -> None:
    brief = Brief.read(sys.argv[1])
    stop = Path(brief.directory) / "stop"
    inbox = Inbox(settings.ARTIFACTS_ROOT)
    while not stop.exists():
        for call in brief.calls:
            # A little of something new each time, so that no limit is reached.
            asked = replace(call, request_id=inbox.put([line("KO", "BUY", 0.01), line("PG", "HOLD")]))
            _say({"asked": asked.request_id})
            answer = ask(asked)
            _say({"answer": asdict(answer)})
            if answer.kind == "error":
                time.sleep(0.1)  # a server that is starting is not asked all the time


def _say(data: object) -> None:
    print(json.dumps(data), flush=True)  # noqa: T201  # the harness reads it


if __name__ == "__main__":
    main()
