import json
from argparse import ArgumentParser
from datetime import UTC, datetime, time
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from common.actor import os_user
from common.commands import BooksCommand
from common.text import counted, one_line
from execution.engine.vocabulary import Code, Refusal
from execution.management import options as shared
from execution.services import ValuationReport, mark_to_market, unused_marks


class Command(BooksCommand):
    """Parses the command line, makes one call, prints what was valued."""

    help = "Price every holding once, mark every account to market and store what it is worth."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the time and where the prices come from."""
        parser.add_argument(
            "--as-of",
            help="time of the valuation, as 2026-01-05T16:00:00-05:00, or a day: its end in UTC (default: now)",
        )
        shared.add_price_options(parser)
        parser.add_argument("--format", choices=["text", "json"], default="text", dest="output_format")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the one call. Raises CommandError (exit code 1) for a refusal, and where an account was left out."""
        now = timezone.now()
        as_of = shared.granted(_as_of(options["as_of"], now=now))
        prices = shared.granted(shared.prices_of(options, now=as_of))
        shared.granted(unused_marks(prices))
        accepted = shared.granted(shared.symbols_of(options["accept_price"], option="--accept-price"))
        report = mark_to_market(prices=prices, accepted=accepted, as_of=as_of, now=now, actor=os_user())
        as_json = options["output_format"] == "json"
        self.stdout.write(json.dumps(report.as_data(), indent=2) if as_json else _text(report))
        if report.out_of_range:
            left = counted(len(report.out_of_range), "account was", "accounts were")
            raise CommandError(f"{left} not valued, out of the books' range; all others were", returncode=1)


def _as_of(text: str | None, *, now: datetime) -> datetime | Refusal:
    if text is None:
        return now
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        return Refusal(Code.BAD_OPTION, f"--as-of is {one_line(text)}: not an ISO 8601 time or day")
    if len(text) == len("2026-01-05"):
        end = datetime.combine(given, time.max, UTC)
        aware = min(end, now) if given.date() <= now.date() else end
    elif given.tzinfo is None:
        return Refusal(Code.BAD_OPTION, f"--as-of is {one_line(text)}: a time without a zone, as -05:00 or Z")
    else:
        aware = given
    if aware > now:
        return Refusal(Code.BAD_OPTION, f"--as-of is {one_line(text)}: in the future")
    return aware


def _text(report: ValuationReport) -> str:
    kept = {**report.unpriced, **report.held_back}
    lines = [f"{symbol} not repriced (last price kept): {why}" for symbol, why in sorted(kept.items())]
    if report.left_out:
        lines.append(f"{counted(len(report.left_out), 'account')} left out: changed or valued since {report.as_of}")
    lines += [f"Not valued (last marks kept): {problem}" for problem in report.out_of_range.values()]
    lines.append(
        f"Valued {counted(report.accounts, 'account')} as of {report.as_of}: "
        f"{counted(report.positions, 'position')} marked at the prices of {counted(report.symbols, 'symbol')}"
    )
    return "\n".join(lines)
