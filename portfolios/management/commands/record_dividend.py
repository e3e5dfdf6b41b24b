from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from common.commands import BooksCommand
from common.money import format_cash
from common.text import counted
from portfolios.ledger import record_dividend
from portfolios.management import inputs


class Command(BooksCommand):
    """Parses the dividend, makes one call, prints what was done."""

    help = "Book a cash dividend in every account that holds the security; a second time changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the dividend."""
        parser.add_argument("symbol")
        parser.add_argument("amount", help="cash per unit; shorts pay it")
        parser.add_argument("--date", required=True, help="day of the payment, as 2026-01-05")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the one call. Raises CommandError (exit code 1) where it is refused."""
        with inputs.refusals_as_errors():
            symbol, amount = inputs.symbol(options["symbol"]), inputs.number(options["amount"], name="amount")
            on = inputs.day(options["date"])
            done = record_dividend(symbol=symbol, per_share=amount, on=on, context=inputs.context(timezone.now()))
        if done.repeated:
            self.stdout.write(f"Booked before: dividend of {symbol} on {on}, {counted(done.accounts, 'account')}")
        else:
            accounts = counted(done.accounts, "account")
            self.stdout.write(f"Booked: dividend of {symbol} on {on}, {accounts}, {format_cash(done.cash)}")
