"""What somebody should look at now: how many of what, and what to do. The same for the admin and the dashboard."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import CharField, Count, Exists, F, Model, OuterRef, Q, QuerySet, Value

from common.text import counted
from common.web.tones import Tone
from execution.engine.calendar.sessions import oldest_close
from execution.models import ExecutionRun, Recommendation, RefusedPrice, ResearchRequest
from execution.selectors.refused_prices import named, waiting_prices
from execution.selectors.research import answered_lines, deferred_lines, inbox_entries, waiting_lines
from portfolios.domain.vocabulary import MarginStatus, TradingState
from portfolios.ledger.triggers import missing_triggers
from portfolios.models import LedgerEntry, PortfolioAccount, Position, Security
from portfolios.selectors.corporate_actions import positions_left_out

MOST = 100  # counted up to here: beyond it, how many more makes no difference
RECENT = timedelta(days=7)  # for how long a failed run asks for attention
_HALF_A_CENT = Decimal("0.005")  # amounts that a database compares differ by more, or not at all

_State = ResearchRequest.State
_PRICES = "refused-prices"
_STORED = "stored"  # directories of which there is a request


@dataclass(frozen=True, slots=True)
class AttentionItem:
    """One kind of thing that waits for a person: how many, what it is and what to do.

    `name` is the kind's own, for addresses. `count` stops at `MOST`. `model` and `filters` say which rows they are;
    `is_urgent`: the books may be wrong, or something does not run.
    """

    name: str
    count: int
    what: str
    hint: str
    model: type[Model]
    filters: Mapping[str, str]
    is_urgent: bool = False

    @property
    def shown(self) -> str:
        """The count as text."""
        return str(self.count) if self.count < MOST else f"{MOST}+"

    @property
    def tone(self) -> Tone:
        """How its count looks."""
        return Tone.BAD if self.is_urgent else Tone.WAITING


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """What one thing of the kind is called, and several; the rows that it counts, None where it counts no rows."""

    name: str
    words: tuple[str, str]
    hint: str
    model: type[Model]
    rows: "QuerySet[Any] | None"
    filters: Mapping[str, str] = field(default_factory=dict)
    is_urgent: bool = False

    def item(self, count: int) -> AttentionItem:
        """Return so many of them."""
        words = self.words[0] if count == 1 else self.words[1]
        return AttentionItem(self.name, count, words, self.hint, self.model, self.filters, self.is_urgent)


def attention(*, now: datetime, price_max_age: int, root: Path) -> list[AttentionItem]:
    """Return what waits for a person, the urgent first; nothing that is in order. A price is old from
    `price_max_age` sessions of the exchange on.

    New research is what has a directory below `root` and is not stored. One query counts all rows, one asks for
    the triggers of the database, and one more names the prices that wait, where there are any.
    """
    kinds = [
        *_books(),
        *_margins(),
        *_runs(now),
        *_requests(),
        *_lines(now),
        *_accounts(oldest_close(now, sessions=price_max_age), sessions=price_max_age),
    ]
    arrived = {item.request_id for item in inbox_entries(root)}
    counts = _counts(kinds, arrived=arrived)
    counts["triggers"] = len(missing_triggers(connection))
    counts["arrived"] = len(arrived) - counts.get(_STORED, 0)
    if counts.get(_PRICES):
        kinds = [_naming(kind) if kind.name == _PRICES else kind for kind in kinds]
    found = [kind.item(counts[kind.name]) for kind in kinds if counts.get(kind.name)]
    return sorted(found, key=lambda item: not item.is_urgent)


def _books() -> Iterator[_Kind]:
    """A quick look, without a replay: whether each balance is that of the last entry, and the triggers stand."""
    last = LedgerEntry.objects.filter(
        account=OuterRef("pk"), sequence=OuterRef("book_version"), balance_after=OuterRef("cash_balance")
    )
    yield _Kind(
        name="books",
        words=("account does not fit its ledger", "accounts do not fit their ledger"),
        hint="Run check_books: it says what does not fit, and --repair repairs what follows from the ledger.",
        model=PortfolioAccount,
        rows=PortfolioAccount.objects.filter(~Exists(last)).exclude(book_version=0, cash_balance=0),
        is_urgent=True,
    )
    yield _Kind(
        name="owing-accounts",
        words=(
            "account owes a dividend that its cash did not cover",
            "accounts owe dividends that their cash did not cover",
        ),
        hint="Deposit the cash: until then nothing new is opened.",
        model=PortfolioAccount,
        rows=PortfolioAccount.objects.filter(payable__gt=0),
        filters={"payable__gt": "0"},
        is_urgent=True,
    )
    yield _Kind(
        name="left-out-positions",
        words=(
            "position that a split or a change of symbol left out",
            "positions that a split or a change of symbol left out",
        ),
        hint="Prices are not per unit of these: reverse the trades in the way and book it again, or correct them.",
        model=Position,
        rows=positions_left_out(),
        is_urgent=True,
    )
    yield _Kind(
        name="triggers",
        words=("trigger of the database is missing", "triggers of the database are missing"),
        hint="Run migrate, which installs them.",
        model=PortfolioAccount,
        rows=None,
        is_urgent=True,
    )


def _margins() -> Iterator[_Kind]:
    """What an account's stored margin status says: it follows every booking and every mark."""
    for status, one, many, hint in (
        (MarginStatus.NO_EQUITY, "account that is worth nothing or less", "accounts that are worth nothing or less",
         "Only what reduces a position is possible there: deposit cash, or close what is held."),
        (MarginStatus.DEFICIT, "account that is below the margin of its shorts",
         "accounts that are below the margin of their shorts",
         "Their cash does not cover the shorts with their margin: buy shorts back, sell longs or deposit cash."),
    ):  # fmt: skip
        yield _Kind(
            name=f"margin-{status.value.replace('_', '-')}",
            words=(one, many),
            hint=hint,
            model=PortfolioAccount,
            rows=PortfolioAccount.objects.filter(summary__margin_status=status),
            filters={"summary__margin_status__exact": status.value},
            is_urgent=True,
        )


def _naming(kind: _Kind) -> _Kind:
    """Return the kind of prices that wait with their names in its hint."""
    return replace(kind, hint=f"{named(waiting_prices())}. {kind.hint}")


def _runs(now: datetime) -> Iterator[_Kind]:
    days = RECENT.days
    yield _Kind(
        name="failed-runs",
        words=(f"failed run in the last {days} days", f"failed runs in the last {days} days"),
        hint="Read the error, then try again.",
        model=ExecutionRun,
        rows=ExecutionRun.objects.filter(status=ExecutionRun.Status.FAILED, started_at__gte=now - RECENT),
        filters={"status__exact": "failed"},
        is_urgent=True,
    )


def _requests() -> Iterator[_Kind]:
    new = "research that arrived and that nobody has looked at"
    yield _Kind(
        name="arrived",
        words=(f"new request: {new}", f"new requests: {new}"),
        hint="Scan the inbox.",
        model=ResearchRequest,
        rows=None,
    )
    for state, one, many, hint in (
        (_State.READY, "request that is ready to be executed", "requests that are ready to be executed",
         "Execute one by one, or all at once."),
        (_State.NEW, "request without a strategy or provider", "requests without a strategy or provider",
         "Assign strategy and provider, or ignore the request."),
        (_State.QUARANTINED, "request that cannot be read", "requests that cannot be read",
         "Each says what is wrong with it."),
        (_State.FAILED, "request whose execution failed", "requests whose execution failed",
         "Read the error, then execute again."),
    ):  # fmt: skip
        yield _Kind(
            name=f"{state}-requests",
            words=(one, many),
            hint=hint,
            model=ResearchRequest,
            rows=ResearchRequest.objects.filter(state=state),
            filters={"state__exact": str(state)},
        )


def _lines(now: datetime) -> Iterator[_Kind]:
    yield _Kind(
        name="deferred-lines",
        words=(
            "deferred line that is tried when its request is executed again",
            "deferred lines that are tried when their requests are executed again",
        ),
        hint="Each says what stopped it: execute its request again when that has passed.",
        model=Recommendation,
        rows=deferred_lines(now),
        filters={"waits": "retry"},
    )
    yield _Kind(
        name="waiting-lines",
        words=("quarantined line that waits for a person", "quarantined lines that wait for a person"),
        hint="Each says what is in doubt: resolve it.",
        model=Recommendation,
        rows=waiting_lines(),
        filters={"waits": "answer"},
    )
    yield _Kind(
        name="resolved-lines",
        words=(
            "resolved line whose request can be executed again",
            "resolved lines whose requests can be executed again",
        ),
        hint="Execute their request again.",
        model=Recommendation,
        rows=answered_lines(),
        filters={"waits": "execution"},
    )


def _accounts(oldest: datetime, *, sessions: int) -> Iterator[_Kind]:
    yield _Kind(
        name="limited-accounts",
        words=("account that is halted or may only reduce", "accounts that are halted or may only reduce"),
        hint="Research does not open positions there.",
        model=PortfolioAccount,
        rows=PortfolioAccount.objects.exclude(trading_state=TradingState.ACTIVE),
        filters={"trading_state__in": "HALTED,REDUCING"},
    )
    age = f"at a price older than {counted(sessions, 'session')}"
    yield _Kind(
        name=_PRICES,
        words=(
            "price of something held that waits for a person",
            "prices of something held that wait for a person",
        ),
        hint="Too far from the last one: holdings keep their marks until it is accepted or a better one comes.",
        model=RefusedPrice,
        rows=waiting_prices(),
        filters={"waits": "yes"},
    )
    yield _Kind(
        name="old-marks",
        words=(f"open position that is marked {age}", f"open positions that are marked {age}"),
        hint="Mark to market, or look for a missing price.",
        model=Position,
        rows=Position.objects.filter(status=Position.Status.OPEN, marked_at__lt=oldest),
        filters={"status__exact": "open", "marked_at__lt": oldest.isoformat()},
    )
    yield _Kind(
        name="outdated-measures",
        words=(
            "account whose metrics are out of date",
            "accounts whose metrics are out of date",
        ),
        hint="Run refresh_summaries, which computes them again.",
        model=PortfolioAccount,
        rows=_outdated_accounts(),
    )
    yield _Kind(
        name="unverified-securities",
        words=("security that is not verified", "securities that are not verified"),
        hint="Fill in the sector: its limit is not checked without one.",
        model=Security,
        rows=Security.objects.filter(is_verified=False),
        filters={"is_verified__exact": "0"},
    )


def _outdated_accounts() -> "QuerySet[PortfolioAccount]":
    """The accounts with entries whose stored measures are not of their books as they are now."""
    rows = PortfolioAccount.objects.annotate(
        unseen=F("cash_balance") + F("equity_value") - F("payable") - F("summary__total")
    ).filter(book_version__gt=0)
    is_of_these_books = Q(
        summary__book_version=F("book_version"), unseen__lt=_HALF_A_CENT, unseen__gt=-_HALF_A_CENT
    )
    return rows.filter(Q(summary=None) | ~is_of_these_books)


def _counts(kinds: Sequence[_Kind], *, arrived: Collection[UUID]) -> dict[str, int]:
    """Return how many rows of each kind there are, at most `MOST`, and of `arrived` how many are stored."""
    counted: list[QuerySet[Any, Any]] = [
        _counted(kind.name, kind.rows, most=MOST) for kind in kinds if kind.rows is not None
    ]
    if arrived:
        stored = ResearchRequest.objects.filter(pk__in=arrived)
        counted.append(_counted(_STORED, stored, most=len(arrived)))
    return dict(counted[0].union(*counted[1:], all=True))


def _counted(name: str, rows: "QuerySet[Any]", *, most: int) -> "QuerySet[Any, tuple[str, int]]":
    some = rows.model._default_manager.filter(pk__in=rows.order_by().values("pk")[:most]).order_by()
    named = some.annotate(kind=Value(name, output_field=CharField())).values("kind")
    counted: QuerySet[Any, tuple[str, int]] = named.annotate(number=Count("pk")).values_list("kind", "number")
    return counted
