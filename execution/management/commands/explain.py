import json
from argparse import ArgumentParser
from typing import Any

from common.commands import BooksCommand
from execution.arguments import parse_id
from execution.management import options as shared
from execution.services import explain_run, render_explanation


class Command(BooksCommand):
    """Prints the chain from each line of research to what was booked."""

    help = "Explain a run: each line as written, as understood, each limit's verdict, orders and ledger entries."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the run, the symbol and the format."""
        parser.add_argument("run_id", help="UUID of the run")
        parser.add_argument("--symbol", help="explain the lines of this symbol only")
        parser.add_argument("--format", choices=["text", "json"], default="text", dest="output_format")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the one call and print its answer. Raises CommandError for a refusal."""
        run_id = shared.granted(parse_id(options["run_id"], name="run_id"))
        answer = shared.granted(explain_run(run_id, symbol=options["symbol"]))
        if options["output_format"] == "json":
            self.stdout.write(json.dumps(answer.as_data(), indent=2))
        else:
            self.stdout.write(render_explanation(answer), ending="")
