import json
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import transaction

from common.commands import BooksCommand
from common.text import one_line
from execution.imports.securities import ACTIVE, COLUMNS, SecurityTable, read_security_table
from execution.management.options import granted
from portfolios.reference_data import SECTORS, Imported, import_securities


class Command(BooksCommand):
    """Makes the securities what a file says they are, and says what that changed."""

    help = (
        "Create the securities of a CSV file and bring those that are there up to it, marked as verified. A row "
        "that is wrong is refused with its line; the others are written all the same, and the exit code is 1. "
        "The securities that nobody has verified yet are listed at the end. Can be repeated."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the file."""
        parser.add_argument(
            "file",
            type=Path,
            metavar="FILE",
            help=f"CSV with the columns {','.join(COLUMNS)} and perhaps {ACTIVE} (true or false; empty: as it is). "
            f"Sectors: {', '.join(SECTORS)}",
        )
        parser.add_argument("--dry-run", action="store_true", help="show what would be done, write nothing")
        parser.add_argument("--format", choices=["text", "json"], default="text", dest="output_format")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, and say what was done. Raises CommandError where the file or one of its rows is refused."""
        path: Path = options["file"]
        table = granted(read_security_table(path))
        with transaction.atomic():
            imported = import_securities(table.securities)
            # A dry run is the import itself, rolled back: it cannot say anything else.
            transaction.set_rollback(options["dry_run"])
        report = _as_data(path, table, imported, dry_run=options["dry_run"])
        if options["output_format"] == "json":
            self.stdout.write(json.dumps(report, indent=2))
        else:
            self.stdout.writelines(f"{line}\n" for line in _as_text(report))
        if table.refused:
            raise CommandError(_summary(path, table), returncode=1)


def _as_data(path: Path, table: SecurityTable, imported: Imported, *, dry_run: bool) -> dict[str, Any]:
    return {
        "file": str(path),
        "dry_run": dry_run,
        **asdict(imported),
        "refused": [asdict(field) for field in table.refused],
    }


def _as_text(report: dict[str, Any]) -> Iterator[str]:
    yield f"{report['file']}: dry run, nothing is written" if report["dry_run"] else f"{report['file']}:"
    yield f"  created: {_listed(report['created'])}"
    yield f"  changed: {len({change['symbol'] for change in report['changed']})}"
    for change in report["changed"]:
        yield f"    {change['symbol']} {change['field']}: {one_line(change['old'])} -> {one_line(change['new'])}"
    yield f"  unchanged: {len(report['unchanged'])}"
    yield f"  refused: {len({field['line'] for field in report['refused']})}"
    for field in report["refused"]:
        yield f"    line {field['line']}: field '{field['field']}' is {one_line(field['value'])}: {field['rule']}"
    yield f"Unverified, to be completed: {_listed(report['unverified'])}"


def _listed(symbols: list[str]) -> str:
    return f"{len(symbols)} ({', '.join(symbols)})" if symbols else "0"


def _summary(path: Path, table: SecurityTable) -> str:
    """Say in one line how much was refused, and the first of it."""
    first = table.refused[0]
    count = len({field.line for field in table.refused})
    return (
        f"{path}: {count} of {count + len(table.securities)} rows refused; "
        f"line {first.line}: field '{first.field}' is {one_line(first.value)}: {first.rule}"
    )
