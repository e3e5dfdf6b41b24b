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
from portfolios.ledger import AuditContext, Discrepancy, Repair, check_books, lock_accounts, repair_books
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
        done = [_repair(account_id) if options["repair"] else _check(account_id) for account_id in ids]
        left = [item for each in done for item in each.left]
        repaired = [item for each in done for item in each.repaired]
        show = self._print_json if options["output_format"] == "json" else self._print_text
        show(left, repaired, count=len(ids))
        if left:
            raise CommandError(f"{_discrepancies(len(left))} in {_accounts(len(ids))}", returncode=1)

    def _print_json(self, left: list[Discrepancy], repaired: list[Discrepancy], *, count: int) -> None:
        report = {
            "accounts": count,
            "clean": not left,
            "discrepancies": [item.as_data() for item in left],
            "repaired": [item.as_data() for item in repaired],
        }
        self.stdout.write(json.dumps(report, indent=2))

    def _print_text(self, left: list[Discrepancy], repaired: list[Discrepancy], *, count: int) -> None:
        for item in repaired:
            self.stdout.write(f"Repaired: {item}")
        for item in left:
            self.stdout.write(str(item))
        if not left:
            words = "no discrepancies left" if repaired else "no discrepancies"
            self.stdout.write(f"OK: {_accounts(count)} checked, {words}.")


def _accounts(count: int) -> str:
    return ngettext("%(count)d account", "%(count)d accounts", count) % {"count": count}


def _discrepancies(count: int) -> str:
    return ngettext("%(count)d discrepancy", "%(count)d discrepancies", count) % {"count": count}


def _check(account_id: UUID) -> Repair:
    with books.one_snapshot():
        account = books.get_account(account_id)
        return Repair([], check_books(account) if account else [])


def _repair(account_id: UUID) -> Repair:
    context = AuditContext(
        actor=os_user(), now=timezone.now(), reason="check_books --repair: rebuilt from the ledger"
    )
    with transaction.atomic():
        return repair_books(lock_accounts([account_id])[0], context=context)
