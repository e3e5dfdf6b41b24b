from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from common.actor import os_user
from common.commands import BooksCommand
from execution.arguments import parse_id
from execution.management import options as shared
from execution.services import Author, ResolutionInput, resolve_line


class Command(BooksCommand):
    """Parses the resolution, makes one call, prints what comes next."""

    help = (
        "Resolve a quarantined line: say what it means. The next execution of its request takes the line with it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the resolution."""
        parser.add_argument("request_id")
        parser.add_argument("line", type=int, help="line of the artifact, from 1")
        parser.add_argument("--action", default="", help="BUY, SELL, SELL_SHORT, BUY_TO_COVER or HOLD")
        parser.add_argument("--symbol", default="")
        parser.add_argument("--percent", default="", help="size in percent, 0 to 100")
        parser.add_argument("--reason", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the one call. Raises CommandError (exit code 1) for a refusal."""
        request_id = shared.granted(parse_id(options["request_id"], name="request_id"))
        resolution = ResolutionInput(
            action=options["action"], symbol=options["symbol"], allocation_percent=options["percent"]
        )
        author = Author(actor=os_user(), reason=options["reason"], now=timezone.now())
        row = shared.granted(
            resolve_line(request_id=request_id, line=options["line"], resolution=resolution, author=author)
        )
        self.stdout.write(f"{row} is kept. Execute request {request_id} again to trade it")
