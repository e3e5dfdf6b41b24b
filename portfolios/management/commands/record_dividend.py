from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from common.commands import BooksCommand
from common.money import format_cash
from portfolios import arguments
from portfolios.ledger import ActionReport, preview_dividend, record_dividend
from portfolios.management import action_output, inputs


class Command(BooksCommand):
    """Parses the dividend, makes one call, prints what was done."""

    help = (
        "Book a cash dividend in every account that held the security at the close before its ex-date; a second "
        "time changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the dividend."""
        parser.add_argument("symbol")
        parser.add_argument("amount", help="cash per unit; shorts pay it")
        action_output.add_options(parser, day="ex-date")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the one call. Raises CommandError (exit code 1) where it is refused."""
        book = preview_dividend if options["dry_run"] else record_dividend
        with inputs.refusals_as_errors():
            report = book(
                symbol=inputs.symbol(options["symbol"]),
                per_share=arguments.number(options["amount"], name="amount"),
                on=inputs.day(options["date"]),
                context=inputs.context(timezone.now(), reason=options["reason"]),
            )
        action_output.write(self, report, options, _line(report))


def _line(report: ActionReport) -> str:
    accounts = action_output.counted_accounts(report)
    line = f"dividend of {report.symbol} on {report.effective_on}, {accounts}"
    if report.repeated:
        return line
    owed = f", {format_cash(report.owed)} owed" if report.owed else ""
    return f"{line}, {format_cash(report.cash)}{owed}"
