"""All that a door may call to have something done, with the types that these calls take and answer with.

A door parses what it was given, makes one of these calls, and translates the answer. An expected no is a `Refusal`.
What only looks is in `execution.selectors`.
"""

from execution.prices.mark_to_market import ValuationReport, mark_to_market
from execution.prices.store import FetchReport, chain_to_fetch, fetch_prices, import_prices
from execution.research.inbox import LoadedArtifact
from execution.research.resolutions import Answer, Author, resolve_line, save_rule, suggested_rule
from execution.research.scan import ScanReport, scan_inbox
from execution.research.submission import load_pushed, push_research
from execution.research.triage import assign_request, ignore_executed_elsewhere, ignore_request
from execution.runs.batch import Batch, Done, count_ready, execute_pending
from execution.runs.execute import Preview, execute, preview, preview_plan
from execution.runs.explanation import Explanation, explain_run, render_explanation
from execution.runs.prepare import ExecutionRequest
from execution.runs.rebalance import load_latest_research, load_targets, parse_target, read_targets
from execution.runs.reproduction import Replayed, replay_run
from execution.runs.resolution_preview import Reading, answer_line, preview_answer, rule_from
from execution.runs.retry import find_retry, retry_failed_run
from execution.runs.reversal import RestoredPart, ReversalReport, preview_reversal, render_reversal, reverse_run

__all__ = [
    "Answer",
    "Author",
    "Batch",
    "Done",
    "ExecutionRequest",
    "Explanation",
    "FetchReport",
    "LoadedArtifact",
    "Preview",
    "Reading",
    "Replayed",
    "RestoredPart",
    "ReversalReport",
    "ScanReport",
    "ValuationReport",
    "answer_line",
    "assign_request",
    "chain_to_fetch",
    "count_ready",
    "execute",
    "execute_pending",
    "explain_run",
    "fetch_prices",
    "find_retry",
    "ignore_executed_elsewhere",
    "ignore_request",
    "import_prices",
    "load_latest_research",
    "load_pushed",
    "load_targets",
    "mark_to_market",
    "parse_target",
    "preview",
    "preview_answer",
    "preview_plan",
    "preview_reversal",
    "push_research",
    "read_targets",
    "render_explanation",
    "render_reversal",
    "replay_run",
    "resolve_line",
    "retry_failed_run",
    "reverse_run",
    "rule_from",
    "save_rule",
    "scan_inbox",
    "suggested_rule",
]
