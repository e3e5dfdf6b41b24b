from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from common.commands import BooksCommand
from portfolios.ledger import change_symbol, preview_symbol_change
from portfolios.management import action_output, inputs


class Command(BooksCommand):
    """Parses the change, makes one call, prints what was done."""

    help = (
        "Carry every holding of a security over to its new symbol, with cost and history; a second time changes "
        "nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the change."""
        parser.add_argument("old")
        parser.add_argument("new")
        action_output.add_options(parser, day="first day under the new symbol")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the one call. Raises CommandError (exit code 1) where it is refused."""
        book = preview_symbol_change if options["dry_run"] else change_symbol
        with inputs.refusals_as_errors():
            report = book(
                old=inputs.symbol(options["old"]),
                new=inputs.symbol(options["new"]),
                on=inputs.day(options["date"]),
                context=inputs.context(timezone.now(), reason=options["reason"]),
            )
        accounts = action_output.counted_accounts(report)
        line = f"{report.symbol} is {report.successor} from {report.effective_on} on, {accounts}"
        action_output.write(self, report, options, line)
