from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from folios.tokens.models import ApiToken

MAXIMUM_DAYS = 3_650


class Command(BaseCommand):
    """Makes a token and prints it: the only time that it can be read."""

    help = "Create an API token of a user and print it once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare whose token it is and what it may do."""
        parser.add_argument("user", help="name of the user")
        parser.add_argument("--name", required=True, help="what the token is for; one of a kind for the user")
        parser.add_argument("--read-only", action="store_true", help="reads and previews, but writes nothing")
        parser.add_argument(
            "--expires", type=int, default=90, metavar="DAYS", help="days until it expires (default %(default)s)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the token and print it. Raises CommandError (exit code 1) for what it cannot make."""
        user = get_user_model().objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"user {options['user']!r} does not exist")
        name, days = options["name"].strip(), options["expires"]
        if not 0 < len(name) <= 100:
            raise CommandError(f"--name is {name!r}: 1 to 100 characters are needed")
        if not 0 < days <= MAXIMUM_DAYS:
            raise CommandError(f"--expires is {days}: 1 to {MAXIMUM_DAYS:,} days are possible")
        if ApiToken.objects.filter(user=user, name=name).exists():
            raise CommandError(f"user {options['user']!r} has a token named {name!r} already")
        _, token = ApiToken.objects.create(
            user, expiry=timedelta(days=days), name=name, is_read_only=options["read_only"]
        )
        self.stdout.write(token)
