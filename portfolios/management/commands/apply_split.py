from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from common.commands import BooksCommand
from portfolios import arguments
from portfolios.ledger import ActionReport, apply_split, preview_split
from portfolios.management import action_output, inputs


class Command(BooksCommand):
    """Parses the split, makes one call, prints what was done."""

    help = (
        "Book a stock split in every account that held the security at the close before its day; a second time "
        "changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the split."""
        parser.add_argument("symbol")
        parser.add_argument("ratio", help="new units for one old: 4, 4:1, or 1:10 for a reverse split")
        parser.add_argument(
            "--price", help="per new unit, for what is left below a step; default: the last stored price"
        )
        action_output.add_options(parser, day="first day in new units")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the one call. Raises CommandError (exit code 1) where it is refused."""
        book = preview_split if options["dry_run"] else apply_split
        with inputs.refusals_as_errors():
            report = book(
                symbol=inputs.symbol(options["symbol"]),
                ratio=arguments.split_ratio(options["ratio"]),
                on=inputs.day(options["date"]),
                price=arguments.number(options["price"], name="price") if options["price"] else None,
                context=inputs.context(timezone.now(), reason=options["reason"]),
            )
        action_output.write(self, report, options, _line(report, options["ratio"]))


def _line(report: ActionReport, ratio: str) -> str:
    accounts = action_output.counted_accounts(report)
    return f"split of {report.symbol} by {ratio} on {report.effective_on}, {accounts}"
