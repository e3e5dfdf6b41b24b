from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from common.commands import BooksCommand
from common.text import counted
from portfolios.ledger import preview_action_reversal, reverse_action
from portfolios.management import action_output, inputs


class Command(BooksCommand):
    """Parses which action, makes one call, prints what was done."""

    help = "Reverse a split, a dividend or a change of symbol in every account, or in none."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the action: what it is about and its day name it."""
        parser.add_argument("kind", choices=["split", "dividend", "symbol_change"])
        parser.add_argument("symbol", help="of a change of symbol the old one")
        parser.add_argument("--date", required=True, help="day of the action, as 2026-01-05")
        parser.add_argument("--reason", default="", help="required, but for a preview")
        action_output.add_preview(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the one call. Raises CommandError (exit code 1) where it is refused."""
        reverse = preview_action_reversal if options["dry_run"] else reverse_action
        with inputs.refusals_as_errors():
            key = inputs.standing_action(options["kind"], inputs.symbol(options["symbol"]), options["date"])
            report = reverse(key, context=inputs.context(timezone.now(), reason=options["reason"]))
        words = report.kind.replace("_", " ")
        line = f"{words} of {report.symbol} on {report.effective_on}, {counted(len(report.booked), 'account')}"
        action_output.write(self, report, options, line, done="Reversed", planned="Would reverse")
