from argparse import ArgumentParser
from pathlib import Path
from time import monotonic
from typing import Any

from django.core.management.base import CommandError

from common.commands import BooksCommand
from common.text import counted
from portfolios.backup import Backup, BackupError, backup_books


class Command(BooksCommand):
    """Parses the command line, makes one call, prints what was saved and how to get it back."""

    help = "Back up the whole database into a new file, while others may write, and check the copy."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the file."""
        parser.add_argument("file", type=Path, metavar="FILE", help="the backup; must not exist yet")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the backup. Raises CommandError (exit code 1) where there is none in the end."""
        began = monotonic()
        try:
            backup = backup_books(options["file"])
        except BackupError as error:
            raise CommandError(str(error), returncode=1) from error
        self._print(backup, seconds=monotonic() - began)

    def _print(self, backup: Backup, *, seconds: float) -> None:
        self.stdout.write(f"Backed up database {backup.database} into {backup.path}")
        self.stdout.write(
            f"  {counted(backup.accounts, 'account')}, {counted(backup.entries, 'ledger entry', 'ledger entries')}"
        )
        self.stdout.write(f"  {backup.size:,} bytes in {seconds:.1f} seconds, read again and found whole")
        self.stdout.write(f"To restore: {backup.restore}")
