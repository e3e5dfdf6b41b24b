import os
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import CommandError
from django.db import transaction

from execution.examples import ExampleFileError, ExampleSet, read_examples
from portfolios import reference
from portfolios.management.books_command import BooksCommand
from portfolios.reference import StrategyNameTakenError

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
            found = read_examples(source)
            with transaction.atomic():
                done = list(_write(found))
        except ExampleFileError as error:
            raise CommandError(str(error)) from error
        except StrategyNameTakenError as error:
            path = source / "strategies.json"
            raise CommandError(f"{path}: field 'name' is {error.name!r}: {error}, names are unique") from error
        done += _copy_artifacts(source / "artifacts", settings.ARTIFACTS_ROOT)
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


def _write(found: ExampleSet) -> Iterator[str]:
    """Write what is missing and yield a line for each kind of it."""
    strategies = [
        reference.ensure_strategy(strategy_id=line.id, name=line.name, description=line.description)
        for line in found.strategies
    ]
    policies = [
        reference.ensure_risk_policy(
            strategy_id=line.id, version=line.risk_policy.version, limits=line.risk_policy.limits()
        )
        for line in found.strategies
        if line.risk_policy is not None
    ]
    securities = reference.complete_securities(found.securities)
    counts = {
        "strategies created": sum(strategies),
        "risk policies created": sum(policies),
        "securities created": securities.created,
        "unverified securities completed": securities.completed,
    }
    yield from (f"{words}: {count}" for words, count in counts.items() if count)


def _copy_artifacts(source: Path, root: Path) -> list[str]:
    """Copy the files that `root` does not have. Raises CommandError where one cannot be read or written."""
    missing = [
        (path, root / path.relative_to(source))
        for path in sorted(source.glob("*/*/*"))
        if not os.path.lexists(root / path.relative_to(source))
    ]
    for path, target in missing:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _copy_whole(path, target)
        except OSError as error:
            raise CommandError(f"{path} cannot be copied to {target}: {error.strerror}") from error
    return [f"artifact files copied to {root}: {len(missing)}"] if missing else []


def _copy_whole(path: Path, target: Path) -> None:
    """Copy under another name first: half a file under the right name would never be copied again."""
    unfinished = target.with_name(f".{target.name}.unfinished")
    unfinished.write_bytes(path.read_bytes())
    unfinished.rename(target)


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
