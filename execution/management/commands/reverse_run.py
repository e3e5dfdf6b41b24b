import json
from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from common.actor import os_user
from common.commands import BooksCommand
from execution.arguments import parse_id
from execution.engine.vocabulary import Refusal
from execution.management import options as shared
from execution.models import ExecutionRun
from execution.services import ReversalReport, preview_reversal, render_reversal, reverse_run


class Command(BooksCommand):
    """Parses whom it is about, makes one call, prints its report; exit code 1 where it is refused."""

    help = "Take a run back: compensating entries at the same prices, while nothing later depends on it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the run, the reason and the format."""
        parser.add_argument("run_id", help="UUID of the run")
        parser.add_argument("--reason", default="", help="why, for the record; a preview needs none")
        parser.add_argument("--dry-run", action="store_true", help="show what would be done, write nothing")
        parser.add_argument("--format", choices=["text", "json"], default="text", dest="output_format")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the one call and print its report. Raises CommandError (exit code 1) for a refusal."""
        answer = shared.granted(_answer(options))
        if options["output_format"] == "json":
            self.stdout.write(json.dumps(answer.as_data(), indent=2))
        else:
            self.stdout.write(render_reversal(answer), ending="")


def _answer(options: dict[str, Any]) -> ReversalReport | Refusal:
    run_id = parse_id(options["run_id"], name="run_id")
    if isinstance(run_id, Refusal):
        return run_id
    if options["dry_run"]:
        return preview_reversal(run_id)
    return reverse_run(
        run_id,
        actor=os_user(),
        source=ExecutionRun.Source.COMMAND,
        reason=options["reason"],
        now=timezone.now(),
    )
