from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError
from django.utils import timezone

from common.commands import BooksCommand
from portfolios.management import inputs
from portfolios.selectors import books
from portfolios.trading_states import set_trading_states


class Command(BooksCommand):
    """Parses whom it is about, makes one call, prints what was done."""

    help = "Set the trading state of accounts: HALTED, REDUCING (reduce-only) or ACTIVE, with a reason."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the state, the accounts and the reason."""
        parser.add_argument("state", help="ACTIVE, REDUCING or HALTED")
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("--account", action="append", type=UUID, help="this account; may be repeated")
        whose.add_argument("--all", action="store_true", dest="all_accounts", help="every account")
        parser.add_argument("--reason", required=True, help="why, for the record")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the one call. Raises CommandError (exit code 1) where it is refused."""
        context = inputs.context(timezone.now())
        with inputs.refusals_as_errors():
            ids = books.account_ids() if options["all_accounts"] else options["account"]
            done = set_trading_states(
                ids, state=options["state"].upper(), actor=context.actor, reason=options["reason"], now=context.now
            )
        if not done:
            raise CommandError("there is no account", returncode=1)
        for each in done:
            words = f"{each.before} -> {each.after}" if each.changed else f"{each.after} already, nothing written"
            self.stdout.write(f"Account {each.account_id}: {words}")
