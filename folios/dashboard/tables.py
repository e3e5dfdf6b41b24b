"""The tables that several pages show: runs, and lines of research."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.urls import reverse

from common.money import format_cash
from common.web.tables import Column, Listing, Row
from execution.models import ExecutionRun
from execution.reports.types import WaitingPricePart
from portfolios.domain.vocabulary import MarginStatus
from portfolios.models import PortfolioAccount
from portfolios.selectors.overview import NOT_VALUED, is_current, provider_name, summary_of

RUN_COLUMNS = (
    Column("started", "Started", "time", "started_at"),
    Column("run", "Run", "code"),
    Column("strategy", "Strategy", "text", "strategy__name"),
    Column("provider", "Provider", "text", "provider"),
    Column("status", "Status", "badge", "status"),
    Column("lines", "Lines", "count", "recommendation_count"),
    Column("orders", "Orders", "count", "order_count"),
    Column("outcomes", "Outcomes"),
    Column("prices", "Prices"),
    Column("actor", "By", "text", "actor"),
    Column("source", "Source", "text", "source"),
)


def runs_listing(source: Any, *, name: str = "runs", caption: str = "Runs", size: int = 25) -> Listing[Any]:
    """Return a table of runs, the newest first."""
    return Listing(
        name=name, caption=caption, columns=RUN_COLUMNS, source=source, row=run_row, order="-started", size=size,
        empty="No request was executed yet.",
    )  # fmt: skip


def run_row(run: ExecutionRun) -> Row:
    """Return a run as a row."""
    links = {
        "run": reverse("dashboard:run", args=[run.pk]),
        "strategy": reverse("dashboard:strategy", args=[run.strategy_id]),
    }
    if run.account_id:
        links["provider"] = reverse("dashboard:account", args=[run.account_id])
    return Row(
        {
            "started": run.started_at,
            "run": run.pk,
            "strategy": run.strategy.name,
            "provider": provider_name(run.provider),
            "status": run.status,
            "lines": run.recommendation_count,
            "orders": run.order_count,
            "outcomes": outcome_words(run.outcome_counts.items()),
            "prices": "simulated" if run.is_simulated else "from sources",
            "actor": run.actor,
            "source": run.get_source_display(),
        },
        links,
    )


def waiting_words(items: Iterable[WaitingPricePart]) -> list[tuple[WaitingPricePart, datetime, Decimal]]:
    """Return the prices of a report that wait for a person, each with its time and its difference as a fraction."""
    return [(item, datetime.fromisoformat(item.as_of), Decimal(item.difference_percent) / 100) for item in items]


def outcome_words(counts: Iterable[tuple[str, int]]) -> str:
    """Return how many lines ended in which outcome, in words."""
    return ", ".join(f"{count} {name.lower()}" for name, count in counts)


def account_note(account: PortfolioAccount) -> str:
    """Return what a reader has to know beside the figures of an account that was read with its summary."""
    found = summary_of(account)
    if found is None:
        return NOT_VALUED
    below = found.get_margin_status_display().lower() if found.margin_status != MarginStatus.COVERED else ""
    owes = f"owes {format_cash(account.payable)}" if account.payable else ""
    return "; ".join(filter(None, [owes, below, "" if is_current(account) else "metrics out of date"]))
