import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from common.commands import BooksCommand
from execution.services import ignore_executed_elsewhere
from portfolios.importers.folios_v2.import_books import (
    ImportReport,
    PredecessorFileError,
    import_database,
    preview_import,
)
from portfolios.management import inputs


class Command(BooksCommand):
    """Parses the command line, makes one call, prints every finding and what was created."""

    help = "Import the strategies, accounts, orders and positions of a folios_v2 database. Can be repeated."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the file and how to report."""
        parser.add_argument("file", type=Path, metavar="FILE", help="the predecessor's SQLite database")
        parser.add_argument("--dry-run", action="store_true", help="report what would be done, write nothing")
        parser.add_argument("--format", choices=["text", "json"], default="text", dest="output_format")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import. Raises CommandError (exit code 1) where the file is refused; nothing is written then."""
        call = preview_import if options["dry_run"] else import_database
        try:
            report = call(options["file"], context=inputs.context(timezone.now()))
            if not options["dry_run"]:
                ignore_executed_elsewhere(report.executed_requests, where="folios_v2", now=timezone.now())
        except PredecessorFileError as error:
            raise CommandError(str(error), returncode=1) from error
        if options["output_format"] == "json":
            self.stdout.write(json.dumps({"dry_run": options["dry_run"], **report.as_data()}, indent=2))
        else:
            self._print(report, is_preview=options["dry_run"])

    def _print(self, report: ImportReport, *, is_preview: bool) -> None:
        for finding in report.findings:
            self.stdout.write(str(finding))
        done = "Would be imported from" if is_preview else "Imported from"
        self.stdout.write(f"{done} {report.file}:")
        for kind, count in report.created.items():
            self.stdout.write(f"  {kind} created: {count}")
        self.stdout.write(f"  requests executed there, ignored here: {len(report.executed_requests)}")
        self.stdout.write(f"Findings: {len(report.findings)}")
        for rule, count in report.findings_by_rule.items():
            self.stdout.write(f"  {rule}: {count}")
