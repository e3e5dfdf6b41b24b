import json
from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from common.actor import os_user
from common.commands import BooksCommand
from common.text import counted
from execution.management import options as shared
from execution.services import FetchReport, chain_to_fetch, fetch_prices
from portfolios.selectors import books


class Command(BooksCommand):
    """Parses the command line, makes one call, prints what was stored."""

    help = "Ask the sources in PRICE_SOURCES for prices and store them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare whose prices."""
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("--symbols", nargs="+", metavar="SYMBOL")
        whose.add_argument("--held", action="store_true", help="every symbol that any account holds")
        shared.add_accept_option(parser)
        parser.add_argument("--format", choices=["text", "json"], default="text", dest="output_format")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the one call. Raises CommandError (exit code 1) for a refusal."""
        prices = shared.granted(chain_to_fetch(now=timezone.now()))
        accepted = shared.granted(shared.symbols_of(options["accept_price"], option="--accept-price"))
        symbols = shared.granted(shared.symbols_of(options["symbols"] or [], option="--symbols"))
        wanted = books.symbols_held() if options["held"] else symbols
        report = fetch_prices(prices=prices, symbols=wanted, accepted=accepted, actor=os_user())
        as_json = options["output_format"] == "json"
        self.stdout.write(json.dumps(report.as_data(), indent=2) if as_json else _text(report))


def _text(report: FetchReport) -> str:
    lines = [f"{symbol} {price}" for symbol, price in report.stored.items()]
    lines += [f"{symbol} not stored: {why}" for symbol, why in {**report.unpriced, **report.held_back}.items()]
    return "\n".join([*lines, f"Stored {counted(len(report.stored), 'price')}"])
