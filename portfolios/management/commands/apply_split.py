from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from common.commands import BooksCommand
from common.text import counted
from portfolios.ledger import apply_split
from portfolios.management import inputs


class Command(BooksCommand):
    """Parses the split, makes one call, prints what was done."""

    help = "Book a stock split in every account that holds the security; a second time changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the split."""
        parser.add_argument("symbol")
        parser.add_argument("ratio", help="new units for one old: 4, 4:1, or 1:10 for a reverse split")
        parser.add_argument("--date", required=True, help="day of the split, as 2026-01-05")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the one call. Raises CommandError (exit code 1) where it is refused."""
        with inputs.refusals_as_errors():
            symbol, ratio = inputs.symbol(options["symbol"]), inputs.ratio(options["ratio"])
            on = inputs.day(options["date"])
            done = apply_split(symbol=symbol, ratio=ratio, on=on, context=inputs.context(timezone.now()))
        word = "Booked before" if done.repeated else "Booked"
        self.stdout.write(
            f"{word}: split of {symbol} by {options['ratio']} on {on}, {counted(done.accounts, 'account')}"
        )
