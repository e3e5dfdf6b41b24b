"""What the commands on corporate actions share: their options, their lines, their JSON."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand

from common.money import format_cash, plain
from common.text import counted
from portfolios.ledger import AccountEffect, ActionReport, Effect


def add_options(parser: ArgumentParser, *, day: str) -> None:
    """Declare what all of them take; `day` says what `--date` is."""
    parser.add_argument(
        "--date", required=True, help=f"{day}, as 2026-01-05; what was held at the close before counts"
    )
    parser.add_argument("--reason", default="", help="goes into the ledger beside the terms")
    add_preview(parser)


def add_preview(parser: ArgumentParser) -> None:
    """Declare the preview and the format."""
    parser.add_argument("--dry-run", action="store_true", help="say what it means for each account, write nothing")
    parser.add_argument("--format", choices=["text", "json"], default="text")


def write(
    command: BaseCommand,
    report: ActionReport,
    options: Mapping[str, Any],
    line: str,
    *,
    done: str = "Booked",
    planned: str = "Would book",
) -> None:
    """Print a report: one line, and one for each account; or JSON."""
    is_preview = options["dry_run"]
    word = "Booked before" if report.repeated else planned if is_preview else done
    if options["format"] == "json":
        command.stdout.write(as_json(report, status="previewed" if is_preview else done.lower()))
        return
    command.stdout.write(f"{word}: {line}")
    for each in account_lines(report):
        command.stdout.write(each)


def as_json(report: ActionReport, *, status: str) -> str:
    """Return the report as one JSON object, decimals as text."""
    data = {
        "status": "booked before" if report.repeated else status,
        "action_id": report.action_id,
        "kind": report.kind,
        "symbol": report.symbol,
        "successor": report.successor,
        "terms": report.terms,
        "date": report.effective_on.isoformat(),
        "price": None if report.price is None else plain(report.price),
        "accounts": report.accounts,
        "cash": plain(report.cash),
        "owed": plain(report.owed),
        "effects": [_as_data(each) for each in report.effects],
    }
    return json.dumps(data)


def _as_data(effect: AccountEffect) -> dict[str, Any]:
    return {
        name: plain(value) if isinstance(value, Decimal) else str(value) for name, value in asdict(effect).items()
    }


def account_lines(report: ActionReport) -> Iterator[str]:
    """Yield one line for each account that the action changes, leaves out, or has nothing to do with."""
    for each in report.effects:
        words = _words(report, each)
        if words:
            yield f"  {each.account_id}: {words}"


def _words(report: ActionReport, effect: AccountEffect) -> str:
    if effect.effect is Effect.LEFT_OUT:
        return f"LEFT OUT: {effect.message}"
    if effect.effect is not Effect.BOOKED:
        return effect.message
    parts = []
    if effect.before != effect.after or report.kind != "dividend":
        parts.append(f"{plain(effect.before, places=0)} -> {plain(effect.after, places=0)} units")
    elif effect.then:  # the reversal of a dividend does not ask for it
        parts.append(f"{plain(effect.then, places=0)} units")
    if effect.cash or report.kind == "dividend":
        parts.append(f"{format_cash(effect.cash)} cash")
    if effect.owed:
        parts.append(f"of which {format_cash(abs(effect.owed))} {'is owed' if effect.owed > 0 else 'was owed'}")
    if effect.realized_pnl:
        parts.append(f"{format_cash(effect.realized_pnl)} realized")
    return ", ".join(parts)


def counted_accounts(report: ActionReport) -> str:
    """Return in how many accounts the action stands, and how many were left out."""
    left = len(report.having(Effect.LEFT_OUT))
    words = counted(report.accounts, "account")
    return f"{words}, {left} left out" if left else words
