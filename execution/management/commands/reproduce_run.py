import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from common.commands import BooksCommand
from common.text import counted
from execution.arguments import parse_id
from execution.management import options as shared
from execution.services import reproduce_run


class Command(BooksCommand):
    """Plans a run again from what it stored; exit code 1 where the outcome differs by the same rules."""

    help = "Plan a run again from its stored inputs and compare the orders and decisions."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the run and the format."""
        parser.add_argument("run_id", help="UUID of the run")
        parser.add_argument("--format", choices=["text", "json"], default="text", dest="output_format")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the one call and print what differs. Raises CommandError for a refusal or a difference."""
        answer = shared.granted(reproduce_run(shared.granted(parse_id(options["run_id"], name="run_id"))))
        if options["output_format"] == "json":
            self.stdout.write(json.dumps(answer.as_data(), indent=2))
        else:
            for difference in answer.differences:
                self.stdout.write(str(difference))
        if answer.differences and not answer.is_older:
            raise CommandError(
                f"run {answer.run_id} is not reproduced: {counted(len(answer.differences), 'difference')}"
            )
        if options["output_format"] == "json":
            return
        if answer.differences:
            self.stdout.write(
                f"Planned by an older version of the planner ({answer.planner}), which is no fault of the books: "
                "by today's rules it comes out as above."
            )
        else:
            orders, decisions = counted(answer.orders, "order"), counted(answer.decisions, "decision")
            self.stdout.write(f"Reproduced: the same {orders} and {decisions}.")
