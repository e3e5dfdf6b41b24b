"""What the commands that plan share: their options, the values behind them, and how an answer is printed."""

import json
from argparse import ArgumentParser
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings
from django.core.management.base import CommandError, OutputWrapper

from common.actor import os_user
from common.identifiers import NoSymbol
from common.text import clean, one_line
from execution.arguments import find_symbol, parse_amount, parse_symbols
from execution.engine.planning.market import Quote
from execution.engine.vocabulary import Code, Mode, Refusal
from execution.models import ExecutionRun
from execution.prices import PriceChain, configured_chain
from execution.prices.source import parse_price
from execution.prices.sources.file import read_price_file
from execution.reports.text import render_text
from execution.reports.types import RunReport
from execution.services import ExecutionRequest, execute, preview

_Value = TypeVar("_Value")


def add_account_options(parser: ArgumentParser) -> None:
    """Declare whose account it is, and its first deposit."""
    parser.add_argument("--provider-id", default="anthropic", help="anthropic, openai, gemini or custom")
    parser.add_argument(
        "--initial-balance",
        default=str(settings.DEFAULT_INITIAL_BALANCE),
        help="cash of an account that is created (default %(default)s)",
    )


def add_plan_options(parser: ArgumentParser) -> None:
    """Declare how a plan is shown, and on what condition it is executed."""
    parser.add_argument("--dry-run", action="store_true", help="show what would be done, write nothing")
    parser.add_argument("--format", choices=["text", "json"], default="text", dest="output_format")
    parser.add_argument("--plan-token", help="execute only if the plan is still the previewed one")


def add_price_options(parser: ArgumentParser) -> None:
    """Declare where prices come from before the configured sources are asked."""
    parser.add_argument(
        "--default-price",
        help=f"price for symbols without one; marks the run as simulated (simulation: {settings.DEFAULT_PRICE})",
    )
    parser.add_argument(
        "--price",
        action="append",
        default=[],
        metavar="SYMBOL=PRICE",
        help="of a symbol in the plan; may be repeated",
    )
    parser.add_argument(
        "--prices", type=Path, metavar="FILE", help="CSV symbol,price[,as_of][,currency] or JSON {symbol: price}"
    )
    add_accept_option(parser)


def add_accept_option(parser: ArgumentParser) -> None:
    """Declare which prices a person has looked at."""
    parser.add_argument(
        "--accept-price",
        action="append",
        default=[],
        metavar="SYMBOL",
        help="trade at a price far from the last close or the research's claim; may be repeated",
    )


def answer(execution_request: ExecutionRequest | Refusal, options: dict[str, Any], out: OutputWrapper) -> None:
    """Preview or execute, and print the report. Raises CommandError (exit code 1) for a refusal."""
    service = preview if options["dry_run"] else execute
    report: RunReport = granted(service(granted(execution_request)))
    if options["output_format"] == "json":
        out.write(json.dumps(report.as_data(), indent=2))
    else:
        out.write(render_text(report), ending="")


def execution_request_of(
    options: dict[str, Any], *, request_id: str, mode: Mode, now: datetime
) -> ExecutionRequest | Refusal:
    """Return the call that the shared options describe, or what is wrong with one of them."""
    balance = parse_amount(str(options["initial_balance"]), name="--initial-balance")
    if isinstance(balance, Refusal):
        return balance
    prices = prices_of(options, now=now)
    if isinstance(prices, Refusal):
        return prices
    accepted = symbols_of(options["accept_price"], option="--accept-price")
    if isinstance(accepted, Refusal):
        return accepted
    return ExecutionRequest(
        request_id=request_id,
        strategy_id=options["strategy_id"],
        provider=options["provider_id"],
        initial_balance=balance,
        prices=prices,
        actor=os_user(),
        source=ExecutionRun.Source.COMMAND,
        now=now,
        mode=mode,
        close_unlisted=options["close_unlisted"],
        plan_token=options["plan_token"],
        accepted_prices=accepted,
    )


def granted(value: _Value | Refusal) -> _Value:
    """Return the value. Raises CommandError (exit code 1) where it is a refusal: code and words on one line."""
    if isinstance(value, Refusal):
        raise CommandError(f"[{value.code}] {' '.join(clean(value.message).split())}", returncode=1)
    return value


def prices_of(options: dict[str, Any], *, now: datetime) -> PriceChain | Refusal:
    """Return the prices that the options name, in front of the configured sources, or what is wrong with them."""
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
    return configured_chain(given=given, from_file=from_file, default_price=default, now=now)


def symbols_of(names: list[str], *, option: str) -> frozenset[str] | Refusal:
    """Return the symbols that an option names, or which one is none."""
    return parse_symbols(names, name=option)


def _given_prices(pairs: list[str], *, now: datetime) -> dict[str, Quote] | Refusal:
    quotes: dict[str, Quote] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        symbol = find_symbol(name) if equals else NoSymbol("there is no =")
        if isinstance(symbol, NoSymbol):
            return Refusal(Code.BAD_PRICE, f"--price {one_line(pair)}: not of the form SYMBOL=PRICE: {symbol.rule}")
        if symbol in quotes:
            return Refusal(Code.BAD_PRICE, f"--price {one_line(pair)}: {symbol} is given twice")
        price = parse_price(text, what=f"--price {symbol}")
        if isinstance(price, Refusal):
            return price
        quotes[symbol] = Quote(price, "given", now)
    return quotes
