from argparse import ArgumentParser
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.utils import timezone

from common.commands import BooksCommand
from execution.engine.vocabulary import Code, Mode, Refusal
from execution.management import options as shared
from execution.services import ExecutionRequest


class Command(BooksCommand):
    """Parses the command line, makes one call, prints the answer."""

    help = "Execute the recommendations of one research request in a strategy's account."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the published arguments and options."""
        parser.add_argument("request_id", help="UUID of the research request, the name of its directory")
        parser.add_argument("strategy_id", help="UUID of the strategy")
        parser.add_argument("--task-id", help="task directory to use where a request has several")
        shared.add_account_options(parser)
        shared.add_price_options(parser)
        parser.add_argument(
            "--mode",
            choices=[str(mode) for mode in Mode],
            default=str(Mode.ALLOCATE),
            help="allocate: buys the stated size in addition to what is held; target: the weight to reach;"
            " rebalance: also sells down to it",
        )
        parser.add_argument(
            "--close-unlisted", action="store_true", help="with --mode rebalance: close what is not listed"
        )
        parser.add_argument(
            "--again", action="store_true", help="execute the request once more, after its orders were reversed"
        )
        shared.add_plan_options(parser)
        parser.add_argument("--create-strategy", metavar="NAME", help="create the strategy if it does not exist")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the one call and print its answer. Raises CommandError (exit code 1) for a refusal."""
        shared.answer(_execution_request(options, now=timezone.now()), options, self.stdout)


def _execution_request(options: dict[str, Any], *, now: datetime) -> ExecutionRequest | Refusal:
    mode = Mode(options["mode"])
    if options["close_unlisted"] and mode is not Mode.REBALANCE:
        return Refusal(Code.BAD_OPTION, "--close-unlisted needs --mode rebalance")
    execution_request = shared.execution_request_of(options, request_id=options["request_id"], mode=mode, now=now)
    if isinstance(execution_request, Refusal):
        return execution_request
    return replace(
        execution_request,
        task_id=options["task_id"],
        create_strategy=options["create_strategy"],
        again=options["again"],
    )
