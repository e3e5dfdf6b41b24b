"""All that a door may call to have something done, with the types that these calls take and answer with.

A door parses what it was given, makes one of these calls, and translates the answer. An expected no is a `Refusal`.
What only looks is in `execution.selectors`.
"""

from typing import TYPE_CHECKING

from common.lazy import lazy_names

if TYPE_CHECKING:
    from execution.prices.mark_to_market import Marks, ValuationReport
    from execution.prices.refused import AcceptedPrice, accept_price, find_waiting
    from execution.prices.store import FetchReport, chain_to_fetch, import_prices
    from execution.research.inbox import LoadedArtifact, load_inline
    from execution.research.resolutions import Author, ResolutionInput, resolve_line, save_rule, suggested_rule
    from execution.research.scan import ScanReport, scan_inbox
    from execution.research.submission import load_pushed, push_research
    from execution.research.triage import assign_request, ignore_executed_elsewhere, ignore_request
    from execution.runs.batch import Batch, Done, count_deferred, count_ready, execute_pending
    from execution.runs.execute import Preview, execute, preview, preview_plan
    from execution.runs.explanation import Explanation, explain_run, render_explanation
    from execution.runs.prepare import ExecutionRequest
    from execution.runs.rebalance import load_latest_research, load_targets
    from execution.runs.reproduction import Reproduced, reproduce_run
    from execution.runs.resolution_preview import Reading, Rule, keep_resolution, preview_resolution, rule_from
    from execution.runs.retry import find_retry, retry_failed_run
    from execution.runs.reversal import RestoredPart, ReversalReport, preview_reversal, render_reversal, reverse_run
    from execution.runs.shared_prices import sharing_prices
    from execution.runs.system_band import fetch_prices, find_marks, mark_to_market, unused_marks
    from execution.runs.targets import parse_targets, read_targets, targets_of

__all__ = [
    "AcceptedPrice",
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
    "accept_price",
    "assign_request",
    "chain_to_fetch",
    "count_deferred",
    "count_ready",
    "execute",
    "execute_pending",
    "explain_run",
    "fetch_prices",
    "find_marks",
    "find_retry",
    "find_waiting",
    "ignore_executed_elsewhere",
    "ignore_request",
    "import_prices",
    "keep_resolution",
    "load_inline",
    "load_latest_research",
    "load_pushed",
    "load_targets",
    "mark_to_market",
    "parse_targets",
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
    "sharing_prices",
    "suggested_rule",
    "targets_of",
    "unused_marks",
]

__getattr__ = lazy_names(
    globals(),
    {
        "execution.prices.mark_to_market": ("Marks", "ValuationReport"),
        "execution.prices.refused": ("AcceptedPrice", "accept_price", "find_waiting"),
        "execution.prices.store": ("FetchReport", "chain_to_fetch", "import_prices"),
        "execution.research.inbox": ("LoadedArtifact", "load_inline"),
        "execution.research.resolutions": (
            "Author",
            "ResolutionInput",
            "resolve_line",
            "save_rule",
            "suggested_rule",
        ),
        "execution.research.scan": ("ScanReport", "scan_inbox"),
        "execution.research.submission": ("load_pushed", "push_research"),
        "execution.research.triage": ("assign_request", "ignore_executed_elsewhere", "ignore_request"),
        "execution.runs.batch": ("Batch", "Done", "count_deferred", "count_ready", "execute_pending"),
        "execution.runs.execute": ("Preview", "execute", "preview", "preview_plan"),
        "execution.runs.explanation": ("Explanation", "explain_run", "render_explanation"),
        "execution.runs.prepare": ("ExecutionRequest",),
        "execution.runs.rebalance": ("load_latest_research", "load_targets"),
        "execution.runs.reproduction": ("Reproduced", "reproduce_run"),
        "execution.runs.resolution_preview": (
            "Reading",
            "Rule",
            "keep_resolution",
            "preview_resolution",
            "rule_from",
        ),
        "execution.runs.retry": ("find_retry", "retry_failed_run"),
        "execution.runs.reversal": (
            "RestoredPart",
            "ReversalReport",
            "preview_reversal",
            "render_reversal",
            "reverse_run",
        ),
        "execution.runs.shared_prices": ("sharing_prices",),
        "execution.runs.targets": ("parse_targets", "read_targets", "targets_of"),
        "execution.runs.system_band": ("fetch_prices", "find_marks", "mark_to_market", "unused_marks"),
    },
)
