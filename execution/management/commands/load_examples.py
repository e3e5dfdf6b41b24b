from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import CommandError
from django.utils import timezone

from common.commands import BooksCommand
from execution.demo.files import ExampleFileError
from execution.demo.load import load_examples, store_example_prices

_DEMO = "demo"  # name and password of the login for the local web server


class Command(BooksCommand):
    """Adds what is missing of the example set; what is there stays as it is."""

    help = "Load the example strategies, policies, securities and artifacts. Can be repeated."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare where the examples are."""
        parser.add_argument(
            "--source",
            type=Path,
            default=settings.BASE_DIR / "examples",
            metavar="DIRECTORY",
            help="directory of the example set (default: examples/ beside manage.py)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Load, and say what was done. Raises CommandError where an example file cannot be used."""
        source: Path = options["source"]
        try:
            done = load_examples(source, root=settings.ARTIFACTS_ROOT)
            done += store_example_prices(source, now=timezone.now())
        except ExampleFileError as error:
            raise CommandError(str(error)) from error
        done += _create_login()
        self._print(done)
        if _login_works():
            self.stdout.write(f"Login for the local web server: {_DEMO} / {_DEMO}")

    def _print(self, done: list[str]) -> None:
        if not done:
            self.stdout.write("Nothing to do: the examples are loaded already.")
            return
        self.stdout.write("Loaded the examples:")
        for line in done:
            self.stdout.write(f"  {line}")


def _create_login() -> list[str]:
    """Create the demo login in development, where there is no user at all: its password is public."""
    users = get_user_model().objects
    if not settings.DEBUG or users.exists():
        return []
    users.create_superuser(username=_DEMO, email="", password=_DEMO)
    return [f"superuser {_DEMO} created, as DEBUG is on and there was no user"]


def _login_works() -> bool:
    """Whether the demo login opens the local web server, made now or before."""
    user = get_user_model().objects.filter(username=_DEMO, is_active=True).first() if settings.DEBUG else None
    return user is not None and user.check_password(_DEMO)
