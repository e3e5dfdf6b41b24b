from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from common.actor import os_user
from common.commands import BooksCommand
from common.text import counted
from execution.management import options as shared
from execution.services import accept_price, find_waiting


class Command(BooksCommand):
    """Parses the symbol, makes one call, prints what was marked."""

    help = "Accept the price of something held that was refused: mark every holding of it at that price."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare whose price, and why it is right."""
        parser.add_argument("symbol", help="whose price, as MSFT")
        parser.add_argument("--reason", required=True, help="why the price is right, for the record")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the one call. Raises CommandError (exit code 1) where it is refused, or leaves an account out."""
        (symbol,) = shared.granted(shared.symbols_of([options["symbol"]], option="symbol"))
        waiting = shared.granted(find_waiting(symbol))
        done = shared.granted(
            accept_price(waiting.pk, actor=os_user(), reason=options["reason"], now=timezone.now())
        )
        self.stdout.write(
            f"{waiting} accepted: {counted(done.positions, 'position')} of "
            f"{counted(done.accounts, 'account')} marked at it"
        )
        if done.out_of_range:
            raise CommandError(f"not valued: {'; '.join(done.out_of_range.values())}", returncode=1)
