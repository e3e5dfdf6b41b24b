import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.utils import timezone

from common.commands import BooksCommand
from common.text import counted
from execution.management import options as shared
from execution.services import ScanReport, scan_inbox


class Command(BooksCommand):
    """Makes one call, prints what has arrived."""

    help = "Look for research under ARTIFACTS_ROOT and say what can be executed. Executes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the form of the answer."""
        parser.add_argument("--format", choices=["text", "json"], default="text", dest="output_format")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the one call. Raises CommandError (exit code 1) for a refusal."""
        report = shared.granted(scan_inbox(settings.ARTIFACTS_ROOT, now=timezone.now()))
        as_json = options["output_format"] == "json"
        self.stdout.write(json.dumps(report.as_data(), indent=2) if as_json else _text(report))


def _text(report: ScanReport) -> str:
    states = ", ".join(f"{count} {state}" for state, count in report.states.items()) or "none"
    return "\n".join(
        [
            *(f"Left out: {message}" for message in report.refused.values()),
            f"Inbox scanned: {counted(report.found, 'request')}, {report.new} new, {report.changed} changed",
            f"Requests by state: {states}",
        ]
    )
