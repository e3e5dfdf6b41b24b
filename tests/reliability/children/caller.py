"""One of several processes that call at once: `python -m tests.reliability.children.caller BRIEF`.

Prints its answers as one JSON list when all its calls are made.
"""

import json
import sys
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path

import django

django.setup()

from django.conf import settings  # noqa: E402  # the models want a Django that is set up
from django.db import connection  # noqa: E402

from tests.reliability.children.briefs import Brief, meet  # noqa: E402
from tests.reliability.children.defects import plant  # noqa: E402
from tests.reliability.children.doors import ask  # noqa: E402


def main() -> None:
    brief = Brief.read(sys.argv[1])
    limits = {name: Decimal(value) for name, value in brief.limits.items()}
    settings.RISK_LIMITS = {**settings.RISK_LIMITS, **limits}
    plant(brief)
    connection.ensure_connection()
    meet(Path(brief.directory) / "start", name=brief.name, expected=brief.callers, seconds=120)
    answers = [asdict(ask(call)) for call in brief.calls]
    print(json.dumps(answers))  # noqa: T201  # the harness reads it


if __name__ == "__main__":
    main()
