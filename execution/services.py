"""All that a door may call to have something done, with the types that these calls take and answer with.

A door parses what it was given, makes one of these calls, and translates the answer. An expected no is a `Refusal`.
What only looks is in `execution.selectors`.
"""

from collections.abc import Collection
from datetime import datetime

from execution.prices import PriceChain, store
from execution.prices import mark_to_market as marks
from execution.prices.mark_to_market import Marks, ValuationReport
from execution.prices.store import FetchReport, chain_to_fetch, import_prices
from execution.research.inbox import LoadedArtifact, load_inline
from execution.research.resolutions import Author, ResolutionInput, resolve_line, save_rule, suggested_rule
from execution.research.scan import ScanReport, scan_inbox
from execution.research.submission import load_pushed, push_research
from execution.research.triage import assign_request, ignore_executed_elsewhere, ignore_request
from execution.runs.batch import Batch, Done, count_ready, execute_pending
from execution.runs.effective_policy import system_policy
from execution.runs.execute import Preview, execute, preview, preview_plan
from execution.runs.explanation import Explanation, explain_run, render_explanation
from execution.runs.prepare import ExecutionRequest
from execution.runs.rebalance import load_latest_research, load_targets, parse_target, read_targets
from execution.runs.reproduction import Reproduced, reproduce_run
from execution.runs.resolution_preview import Reading, Rule, keep_resolution, preview_resolution, rule_from
from execution.runs.retry import find_retry, retry_failed_run
from execution.runs.reversal import RestoredPart, ReversalReport, preview_reversal, render_reversal, reverse_run

__all__ = [
    "Author",
    "Batch",
    "Done",
    "ExecutionRequest",
    "Explanation",
    "FetchReport",
    "LoadedArtifact",
    "Marks",
    "Preview",
    "Reading",
    "Reproduced",
    "ResolutionInput",
    "RestoredPart",
    "ReversalReport",
    "Rule",
    "ScanReport",
    "ValuationReport",
    "assign_request",
    "chain_to_fetch",
    "count_ready",
    "execute",
    "execute_pending",
    "explain_run",
    "fetch_prices",
    "find_marks",
    "find_retry",
    "ignore_executed_elsewhere",
    "ignore_request",
    "import_prices",
    "keep_resolution",
    "load_inline",
    "load_latest_research",
    "load_pushed",
    "load_targets",
    "mark_to_market",
    "parse_target",
    "preview",
    "preview_plan",
    "preview_resolution",
    "preview_reversal",
    "push_research",
    "read_targets",
    "render_explanation",
    "render_reversal",
    "reproduce_run",
    "resolve_line",
    "retry_failed_run",
    "reverse_run",
    "rule_from",
    "save_rule",
    "scan_inbox",
    "suggested_rule",
]


def fetch_prices(*, prices: PriceChain, symbols: frozenset[str], accepted: Collection[str]) -> FetchReport:
    """Store the prices of `symbols`, but for those out of the system's band whose symbol is not `accepted`."""
    band_percent = system_policy().price_band_percent
    return store.fetch_prices(prices=prices, symbols=symbols, accepted=accepted, band_percent=band_percent)


def find_marks(*, prices: PriceChain, accepted: Collection[str]) -> Marks:
    """Return the prices at which `mark_to_market` would value everything that is held. Writes nothing."""
    return marks.find_marks(prices=prices, accepted=accepted, band_percent=system_policy().price_band_percent)


def mark_to_market(
    *, prices: PriceChain, accepted: Collection[str], as_of: datetime, now: datetime
) -> ValuationReport:
    """Value every account. A price out of the system's band is held back unless its symbol is `accepted`."""
    band_percent = system_policy().price_band_percent
    return marks.mark_to_market(prices=prices, accepted=accepted, band_percent=band_percent, as_of=as_of, now=now)
