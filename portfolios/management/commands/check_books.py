import json
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import ngettext

from common.actor import os_user
from common.commands import BooksCommand
from portfolios.ledger import AuditContext, Discrepancy, check_books, lock_accounts, repair_books
from portfolios.selectors import books


class Command(BooksCommand):
    """Works each account out again from its ledger; each is read, or repaired, in a transaction of its own."""

    help = (
        "Check the books: work each account out again from its ledger and report every discrepancy (exit code 1)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--account", action="append", type=UUID, help="check this account only; may be repeated"
        )
        parser.add_argument("--repair", action="store_true", help="rebuild balances and positions from the ledger")
        parser.add_argument("--format", choices=["text", "json"], default="text", dest="output_format")

    def handle(self, *args: Any, **options: Any) -> None:
        """Check, and print what was found. Raises CommandError (exit code 1) where anything is left."""
        ids = books.account_ids(options["account"])
        unknown = set(options["account"] or ()) - set(ids)
        if unknown:
            raise CommandError(f"--account {min(unknown)}: there is no such account")
        before = [item for account_id in ids for item in _check(account_id)]
        found = [item for account_id in ids for item in _repair(account_id)] if options["repair"] else before
        self._print(found, count=len(ids), output_format=options["output_format"])
        if options["repair"] and options["output_format"] == "text" and len(before) > len(found):
            self.stdout.write(f"Repaired: {_discrepancies(len(before) - len(found))}.")
        if found:
            raise CommandError(f"{_discrepancies(len(found))} in {_accounts(len(ids))}", returncode=1)

    def _print(self, found: list[Discrepancy], *, count: int, output_format: str) -> None:
        if output_format == "json":
            report = {"accounts": count, "clean": not found, "discrepancies": [item.as_data() for item in found]}
            self.stdout.write(json.dumps(report, indent=2))
            return
        for item in found:
            self.stdout.write(str(item))
        if not found:
            self.stdout.write(f"OK: {_accounts(count)} checked, no discrepancies.")


def _accounts(count: int) -> str:
    return ngettext("%(count)d account", "%(count)d accounts", count) % {"count": count}


def _discrepancies(count: int) -> str:
    return ngettext("%(count)d discrepancy", "%(count)d discrepancies", count) % {"count": count}


def _check(account_id: UUID) -> list[Discrepancy]:
    with books.one_snapshot():
        account = books.get_account(account_id)
        return check_books(account) if account else []


def _repair(account_id: UUID) -> list[Discrepancy]:
    context = AuditContext(
        actor=os_user(), now=timezone.now(), reason="check_books --repair: rebuilt from the ledger"
    )
    with transaction.atomic():
        return [left for account in lock_accounts([account_id]) for left in repair_books(account, context=context)]
