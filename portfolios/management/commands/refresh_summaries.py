from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from common.commands import BooksCommand
from common.text import counted
from portfolios.ledger import refresh_summaries
from portfolios.selectors import books

_CHUNK = 200  # accounts that are read at once


class Command(BooksCommand):
    """Works out again what pages show of each account. Cash and holdings stay as they are."""

    help = "Refresh the stored summaries of all accounts: performance and exposures as pages show them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options: none."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Refresh chunk by chunk, and say how many there were."""
        ids = books.account_ids()
        chunks = [ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK)]
        written = sum(refresh_summaries(chunk, now=timezone.now()) for chunk in chunks)
        self.stdout.write(f"Summaries refreshed: {written} of {counted(len(ids), 'account')}")
