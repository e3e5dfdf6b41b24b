from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils import timezone

from common.commands import BooksCommand
from common.text import counted
from execution.management import options as shared
from execution.services import import_prices


class Command(BooksCommand):
    """Parses the command line, makes one call, prints how many prices were stored."""

    help = "Store the prices of a file, all or none; a price for the same symbol and time is replaced."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the file."""
        parser.add_argument("file", type=Path, help="CSV symbol,price[,as_of][,currency] or JSON {symbol: price}")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the one call. Raises CommandError (exit code 1) for a refusal."""
        stored = shared.granted(import_prices(options["file"], now=timezone.now()))
        self.stdout.write(f"Stored {counted(stored, 'price')} from {options['file']}")
