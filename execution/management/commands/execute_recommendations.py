import getpass
import json
from argparse import ArgumentParser
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from execution.engine.artifact import normalize_symbol
from execution.engine.routing import Quote
from execution.engine.text import clean, one_line
from execution.engine.vocabulary import Code, Mode, Refusal
from execution.inputs import parse_amount
from execution.models import ExecutionRun
from execution.pricing import PriceChain, build_chain
from execution.pricing.base import parse_price
from execution.pricing.files import read_price_file
from execution.rendering import render_text
from execution.report import RunReport
from execution.services import Instruction, execute, preview


class Command(BaseCommand):
    """Parses the command line, makes one call, prints the answer."""

    help = "Execute the recommendations of one research request in a strategy's account."
    # A system check would import every page of the project: half of the command's time for nothing it uses.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the published arguments and options."""
        parser.add_argument("request_id", help="UUID of the research request, the name of its directory")
        parser.add_argument("strategy_id", help="UUID of the strategy")
        parser.add_argument("--provider-id", default="anthropic", help="anthropic, openai, gemini or custom")
        parser.add_argument("--task-id", help="task directory to use where a request has several")
        parser.add_argument(
            "--initial-balance",
            default=str(settings.DEFAULT_INITIAL_BALANCE),
            help="cash of an account that is created (default %(default)s)",
        )
        _add_price_options(parser)
        parser.add_argument(
            "--mode",
            choices=[str(mode) for mode in Mode],
            default=str(Mode.ALLOCATE),
            help="allocate: a size is what to buy; target: the weight to reach; rebalance: also sell down to it",
        )
        parser.add_argument(
            "--close-unlisted", action="store_true", help="with --mode rebalance: close what is not listed"
        )
        parser.add_argument("--dry-run", action="store_true", help="show what would be done, write nothing")
        parser.add_argument("--format", choices=["text", "json"], default="text", dest="output_format")
        parser.add_argument("--plan-token", help="execute only if the plan is still the previewed one")
        parser.add_argument("--create-strategy", metavar="NAME", help="create the strategy if it does not exist")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the one call and print its answer. Raises CommandError (exit code 1) for a refusal."""
        instruction = _instruction(options, now=timezone.now())
        if isinstance(instruction, Refusal):
            raise _error(instruction)
        service: Callable[[Instruction], RunReport | Refusal] = preview if options["dry_run"] else execute
        answer = service(instruction)
        if isinstance(answer, Refusal):
            raise _error(answer)
        if options["output_format"] == "json":
            self.stdout.write(json.dumps(answer.as_data(), indent=2))
        else:
            self.stdout.write(render_text(answer), ending="")


def _add_price_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--default-price",
        help=f"price for symbols without one; marks the run as simulated (simulation: {settings.DEFAULT_PRICE})",
    )
    parser.add_argument("--price", action="append", default=[], metavar="SYMBOL=PRICE", help="may be repeated")
    parser.add_argument(
        "--prices", type=Path, metavar="FILE", help="CSV symbol,price[,as_of] or JSON {symbol: price}"
    )


def _error(refusal: Refusal) -> CommandError:
    """One line for people, with the code for machines."""
    return CommandError(f"[{refusal.code}] {' '.join(clean(refusal.message).split())}", returncode=1)


def _instruction(options: dict[str, Any], *, now: datetime) -> Instruction | Refusal:
    balance = parse_amount(str(options["initial_balance"]), name="--initial-balance")
    if isinstance(balance, Refusal):
        return balance
    if options["close_unlisted"] and options["mode"] != Mode.REBALANCE:
        return Refusal(Code.BAD_OPTION, "--close-unlisted needs --mode rebalance")
    prices = _prices(options, now=now)
    if isinstance(prices, Refusal):
        return prices
    return Instruction(
        request_id=options["request_id"],
        strategy_id=options["strategy_id"],
        provider=options["provider_id"],
        task_id=options["task_id"],
        initial_balance=balance,
        prices=prices,
        artifacts_root=settings.ARTIFACTS_ROOT,
        actor=_actor(),
        door=ExecutionRun.Door.COMMAND,
        now=now,
        mode=Mode(options["mode"]),
        close_unlisted=options["close_unlisted"],
        plan_token=options["plan_token"],
        create_strategy=options["create_strategy"],
    )


def _prices(options: dict[str, Any], *, now: datetime) -> PriceChain | Refusal:
    given = _given_prices(options["price"], now=now)
    if isinstance(given, Refusal):
        return given
    from_file = read_price_file(options["prices"], now=now) if options["prices"] else {}
    if isinstance(from_file, Refusal):
        return from_file
    default: Decimal | Refusal | None = None
    if options["default_price"] is not None:
        default = parse_price(str(options["default_price"]), what="--default-price")
    if isinstance(default, Refusal):
        return default
    return build_chain(
        names=settings.PRICE_SOURCES,
        given=given,
        from_file=from_file,
        default_price=default,
        fallback_price=settings.DEFAULT_PRICE,
        now=now,
    )


def _given_prices(pairs: list[str], *, now: datetime) -> dict[str, Quote] | Refusal:
    quotes: dict[str, Quote] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        symbol = normalize_symbol(name)
        if not equals or symbol is None:
            return Refusal(Code.BAD_PRICE, f"--price {one_line(pair)}: not of the form SYMBOL=PRICE")
        if symbol in quotes:
            return Refusal(Code.BAD_PRICE, f"--price {one_line(pair)}: {symbol} is given twice")
        price = parse_price(text, what=f"--price {symbol}")
        if isinstance(price, Refusal):
            return price
        quotes[symbol] = Quote(price, "given", now)
    return quotes


def _actor() -> str:
    """The user of the operating system who typed the command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "command"
