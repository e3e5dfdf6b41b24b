"""What the commands of the product have in common: one line for what goes wrong."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from common.db.errors import explain


class BooksCommand(BaseCommand):
    """A command on the books: an error of the database or of a setting ends it with one line and exit code 1.

    The traceback is for developers, who get it with --traceback.
    """

    # A system check would import every page of the project: half of a command's time for nothing it uses.
    requires_system_checks: list[str] = []

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command. Raises CommandError where it refuses, fails, or the database does."""
        try:
            return super().execute(*args, **options)
        except Error as error:
            raise CommandError(explain(error), returncode=1) from error
        except ImproperlyConfigured as error:
            raise CommandError(f"[BAD_SETTING] {' '.join(str(error).split())}", returncode=1) from error
