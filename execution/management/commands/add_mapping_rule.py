from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from common.actor import os_user
from common.commands import BooksCommand
from execution.management import options as shared
from execution.models import MappingRule
from execution.services import Author, save_rule


class Command(BooksCommand):
    """Parses the rule, makes one call, prints the rule."""

    help = (
        "Add a mapping rule: what a provider's word means in research from now on; without a meaning, end the rule."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the rule."""
        parser.add_argument("provider")
        parser.add_argument("field", choices=MappingRule.Field.values)
        parser.add_argument("word", help="as the provider writes it; for size_unit the name of the field")
        parser.add_argument(
            "meaning", nargs="?", default="", help="BUY, MSFT, percent or fraction, as the field needs"
        )
        parser.add_argument("--reason", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the one call. Raises CommandError (exit code 1) for a refusal."""
        author = Author(actor=os_user(), reason=options["reason"], now=timezone.now())
        rule = shared.granted(
            save_rule(
                provider=options["provider"],
                field=options["field"],
                written=options["word"],
                meaning=options["meaning"],
                author=author,
            )
        )
        self.stdout.write(f"{rule} (version {rule.version})")
