import json
from argparse import ArgumentParser, ArgumentTypeError
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.utils import timezone

from common.actor import os_user
from common.commands import BooksCommand
from common.text import counted
from execution.arguments import parse_amount, parse_id, parse_provider
from execution.engine.vocabulary import Outcome
from execution.management import options as shared
from execution.models import ExecutionRun
from execution.prices import PriceChain
from execution.selectors.refused_prices import named, waiting_prices
from execution.services import Batch, Done, count_deferred, count_ready, execute_pending, scan_inbox


class Command(BooksCommand):
    """Scans the inbox, executes what is ready, prints one line a request."""

    help = "Execute every request of the inbox that is ready and has not run, and what was deferred."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare which requests, and how many."""
        parser.add_argument("--provider-id", help="only research of this provider")
        parser.add_argument("--strategy-id", help="only research for this strategy")
        parser.add_argument("--limit", type=_positive, metavar="N", help="at most N requests")
        parser.add_argument(
            "--chunk-size",
            type=_positive,
            default=100,
            metavar="N",
            help="requests whose prices are fetched at once",
        )
        parser.add_argument("--initial-balance", default=str(settings.DEFAULT_INITIAL_BALANCE))
        shared.add_price_options(parser)
        parser.add_argument("--format", choices=["text", "json"], default="text", dest="output_format")

    def handle(self, *args: Any, **options: Any) -> None:
        """Execute. Raises CommandError (exit code 1) where the call is refused, or a request failed or was."""
        batch = _batch(options)
        shared.granted(scan_inbox(settings.ARTIFACTS_ROOT, now=timezone.now()))
        as_json = options["output_format"] == "json"
        results: Counter[str] = Counter()
        deferred = 0
        done_one_by_one = shared.granted(execute_pending(batch))
        for done in self._shown(done_one_by_one, total=count_ready(batch) + count_deferred(batch), hide=as_json):
            results[done.result] += 1
            deferred += (done.outcomes or {}).get(Outcome.DEFERRED, 0)
            self.stdout.write(json.dumps(done.as_data()) if as_json else _line(done))
        self.stdout.write(_summary(results, deferred=deferred, as_json=as_json))
        if waiting := named(waiting_prices()):
            out = self.stderr if as_json else self.stdout
            out.write(f"Prices that wait for a person (holdings keep their last mark): {waiting}")
        left = results["refused"] + results["failed"]
        if left:
            raise CommandError(f"{counted(left, 'request was', 'requests were')} not executed", returncode=1)

    def _shown(self, done: Iterable[Done], *, total: int, hide: bool) -> Iterator[Done]:
        """Yield what is done, with a progress bar below it on a terminal."""
        if hide or not self.stderr.isatty():
            yield from done
            return
        from rich.console import Console  # noqa: PLC0415  # only a terminal pays for it
        from rich.progress import track  # noqa: PLC0415  # the same

        yield from track(done, description="Executing", total=total, console=Console(stderr=True), transient=True)


def _batch(options: dict[str, Any]) -> Batch:
    provider, strategy = options["provider_id"], options["strategy_id"]
    shared.granted(shared.prices_of(options, now=timezone.now()))  # refused before anything is executed

    def prices_at(now: datetime) -> PriceChain:
        return shared.granted(shared.prices_of(options, now=now))

    return Batch(
        initial_balance=shared.granted(parse_amount(str(options["initial_balance"]), name="--initial-balance")),
        actor=os_user(),
        source=ExecutionRun.Source.COMMAND,
        clock=timezone.now,
        prices_at=prices_at,
        provider=None if provider is None else shared.granted(parse_provider(provider)),
        strategy_id=None if strategy is None else shared.granted(parse_id(strategy, name="--strategy-id")),
        limit=options["limit"],
        chunk_size=options["chunk_size"],
        accepted_prices=shared.granted(shared.symbols_of(options["accept_price"], option="--accept-price")),
    )


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a whole number above zero")
    return int(text)


def _summary(results: Mapping[str, int], *, deferred: int, as_json: bool) -> str:
    counts = {name: results[name] for name in ("executed", "replayed", "refused", "failed")}
    if as_json:
        return json.dumps({"summary": counts | {"deferred_lines": deferred}})
    words = ", ".join(f"{count} {name}" for name, count in counts.items())
    waiting = f"; {counted(deferred, 'line')} deferred, tried again by the next call" if deferred else ""
    return f"Requests: {words}{waiting}"


def _line(done: Done) -> str:
    if done.reason:
        return f"{done.request_id} {done.result}: {done.reason}"
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in (done.outcomes or {}).items())
    return f"{done.request_id} {done.result}: {counted(done.orders, 'order')} ({outcomes})"
