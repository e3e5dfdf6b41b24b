from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from common.actor import os_user
from common.commands import BooksCommand
from execution.arguments import parse_id
from execution.management import options as shared
from execution.services import Author, assign_request, ignore_request


class Command(BooksCommand):
    """Parses the decision, makes one call, prints the state of the request."""

    help = "Assign a strategy and provider to a request of the inbox, or ignore the request."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the decision."""
        parser.add_argument("request_id")
        parser.add_argument("strategy_id", nargs="?", help="UUID of the strategy")
        parser.add_argument("--provider-id", default="anthropic", help="anthropic, openai, gemini or custom")
        parser.add_argument("--ignore", action="store_true", help="take it out of the inbox instead")
        parser.add_argument("--reason", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the one call. Raises CommandError (exit code 1) for a refusal."""
        request_id = shared.granted(parse_id(options["request_id"], name="request_id"))
        author = Author(actor=os_user(), reason=options["reason"], now=timezone.now())
        if options["ignore"]:
            row = shared.granted(ignore_request(request_id, author=author))
        else:
            strategy_id = shared.granted(parse_id(options["strategy_id"] or "", name="strategy_id"))
            provider = options["provider_id"]
            row = shared.granted(
                assign_request(request_id, strategy_id=strategy_id, provider=provider, author=author)
            )
        self.stdout.write(f"Request {request_id} is {row.state}")
