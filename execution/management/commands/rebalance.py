import uuid
from argparse import ArgumentParser
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from django.utils import timezone

from common.commands import BooksCommand
from execution.arguments import parse_id, parse_provider
from execution.engine.vocabulary import Code, Mode, Refusal
from execution.management import options as shared
from execution.services import (
    ExecutionRequest,
    LoadedArtifact,
    load_latest_research,
    load_targets,
    parse_targets,
    read_targets,
)


class Command(BooksCommand):
    """Turns target weights into a request of their own and executes it like any other."""

    help = "Bring an account to target weights: typed, from a file, or those of its latest research."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the targets and the options."""
        parser.add_argument("strategy_id", help="UUID of the strategy")
        parser.add_argument(
            "--targets",
            nargs="+",
            metavar="SYMBOL=PCT|FILE",
            help="weights in percent of the total value, as 12.5 or 0.5%%, or one CSV symbol,percent or JSON"
            " {symbol: percent} file; without it, the account's latest research",
        )
        parser.add_argument("--request-id", help="UUID of this rebalance, which runs once (default: a new one)")
        parser.add_argument("--close-unlisted", action="store_true", help="close holdings without a target")
        shared.add_account_options(parser)
        shared.add_price_options(parser)
        shared.add_plan_options(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the one call and print its answer. Raises CommandError (exit code 1) for a refusal."""
        shared.answer(_execution_request(options, now=timezone.now()), options, self.stdout)


def _execution_request(options: dict[str, Any], *, now: datetime) -> ExecutionRequest | Refusal:
    request_id = options["request_id"] or str(uuid.uuid4())
    execution_request = shared.execution_request_of(options, request_id=request_id, mode=Mode.REBALANCE, now=now)
    if isinstance(execution_request, Refusal):
        return execution_request
    loaded = _targets(options)
    return loaded if isinstance(loaded, Refusal) else replace(execution_request, inline=loaded)


def _targets(options: dict[str, Any]) -> LoadedArtifact | Refusal:
    given: list[str] = options["targets"] or []
    if not given:
        return _latest(options["strategy_id"], options["provider_id"])
    if len(given) == 1 and "=" not in given[0]:
        targets = read_targets(Path(given[0]))
        if not isinstance(targets, Refusal):
            return load_targets(targets)
        hint = "; a target is SYMBOL=PERCENT or a file" if targets.code is Code.ARTIFACT_NOT_READABLE else ""
        return Refusal(targets.code, targets.message + hint)
    parsed = parse_targets(given)
    return parsed if isinstance(parsed, Refusal) else load_targets(parsed)


def _latest(strategy: str, provider: str) -> LoadedArtifact | Refusal:
    strategy_id, known = parse_id(strategy, name="strategy_id"), parse_provider(provider)
    if isinstance(strategy_id, Refusal):
        return strategy_id
    return known if isinstance(known, Refusal) else load_latest_research(strategy_id=strategy_id, provider=known)
