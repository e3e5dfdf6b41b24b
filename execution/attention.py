"""What somebody should look at now: a few counts, each by a query that stops early."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from execution.models import ExecutionRun, Recommendation, ResearchRequest
from execution.showing import answered_lines, waiting_lines
from portfolios.models import LedgerEntry, PortfolioAccount, Position, Security
from portfolios.triggers import missing_triggers

MOST = 100  # counted up to here: beyond it, how many more makes no difference
RECENT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Concern:
    """One kind of thing that waits for a person: how many, what it is and what to do.

    `count` stops at `MOST`. `model` and `filters` say which rows they are; `is_urgent`: the books may be wrong, or
    something does not run.
    """

    count: int
    what: str
    hint: str
    model: type[Any]
    filters: dict[str, str]
    is_urgent: bool = False

    @property
    def shown(self) -> str:
        """The count as text."""
        return str(self.count) if self.count < MOST else f"{MOST}+"

    @property
    def tone(self) -> str:
        """The style of its badge."""
        return "bad" if self.is_urgent else "waiting"


def concerns(*, now: datetime, price_max_age: timedelta) -> list[Concern]:
    """Return what waits for a person, the urgent first; nothing that is in order."""
    found = [
        *_books(),
        Concern(
            _count(ExecutionRun.objects.filter(status="failed", started_at__gte=now - RECENT)),
            "runs failed in the last 7 days",
            "Read the error, then try again.",
            ExecutionRun,
            {"status__exact": "failed"},
            is_urgent=True,
        ),
        Concern(
            _count(waiting_lines()),
            "lines of research are quarantined",
            "Each says what is in doubt: say what it means.",
            Recommendation,
            {"waits": "answer"},
        ),
        Concern(
            _count(answered_lines()),
            "lines have an answer and wait for their execution",
            "Execute their request again.",
            Recommendation,
            {"waits": "execution"},
        ),
        Concern(
            _count(ResearchRequest.objects.filter(state__in=["new", "quarantined"])),
            "requests cannot be executed as they are",
            "Assign them to a strategy, or ignore them.",
            ResearchRequest,
            {"state__in": "new,quarantined"},
        ),
        Concern(
            _count(PortfolioAccount.objects.exclude(trading_state="ACTIVE")),
            "accounts are halted or may only reduce",
            "Research does not open positions there.",
            PortfolioAccount,
            {"trading_state__in": "HALTED,REDUCING"},
        ),
        Concern(
            _count(Position.objects.filter(status="open", marked_at__lt=now - price_max_age)),
            "open positions have an old mark",
            "Mark to market, or look for a missing price.",
            Position,
            {"status__exact": "open", "marked_at__lt": (now - price_max_age).isoformat()},
        ),
        Concern(
            _count(Security.objects.filter(is_verified=False)),
            "securities are not verified",
            "Fill in the sector: its limit is not checked without one.",
            Security,
            {"is_verified__exact": "0"},
        ),
    ]
    return sorted((item for item in found if item.count), key=lambda item: not item.is_urgent)


def _books() -> Iterator[Concern]:
    """A quick look, without a replay: whether each balance is that of the last entry, and the triggers stand."""
    last = LedgerEntry.objects.filter(
        account=OuterRef("pk"), sequence=OuterRef("book_version"), balance_after=OuterRef("cash_balance")
    )
    wrong = PortfolioAccount.objects.filter(~Exists(last)).exclude(book_version=0, cash_balance=0)
    hint = "Run check_books: it says what does not fit, and --repair mends what follows from the ledger."
    yield Concern(_count(wrong), "accounts do not fit their ledger", hint, PortfolioAccount, {}, is_urgent=True)
    missing = len(missing_triggers(connection))
    what = "triggers of the database are missing"
    yield Concern(missing, what, "Run migrate, which installs them.", PortfolioAccount, {}, is_urgent=True)


def _count(rows: "QuerySet[Any]") -> int:
    return rows.order_by()[:MOST].count()
