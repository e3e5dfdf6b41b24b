"""Who did what when: what was booked by hand, run, reversed, halted, resolved and edited, as one trail.

Each source is read newest first and only as far as it is needed; together they are merged by time.
"""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from common.money import plain
from common.text import counted
from common.web.export import Cell
from execution.models import ExecutionRun, LineResolution, MappingRule, Recommendation, RefusedPrice, Reversal
from portfolios.history.models import TRACKED, versions
from portfolios.models import (
    CorporateAction,
    LedgerEntry,
    Order,
    PortfolioAccount,
    Position,
    Price,
    RiskPolicy,
    Security,
    Strategy,
    TradingStateChange,
)

COLUMNS = ("when", "who", "source", "what", "account", "symbol", "reason")


class Subject(NamedTuple):
    """The row that something was done to, and which of its pages tells of it."""

    model: type[Model]
    key: Any
    page: str = "change"


@dataclass(frozen=True, slots=True)
class TrailEntry:
    """One thing that somebody did. `subject` is None where what it was done to is gone."""

    when: datetime
    who: str
    source: str
    what: str
    account: str = ""
    symbol: str = ""
    reason: str = ""
    subject: Subject | None = None

    def cells(self) -> tuple[Cell, ...]:
        """Return the entry in the order of `COLUMNS`."""
        return tuple(getattr(self, name) for name in COLUMNS)


@dataclass(frozen=True, slots=True)
class TrailFilter:
    """What is wanted: everything where a part is empty. `until` is exclusive."""

    person: str = ""
    accounts: tuple[UUID, ...] | None = None
    symbol: str = ""
    since: datetime | None = None
    until: datetime | None = None
    source: str = ""
    # The sources that the reader may see, by the permission that lets them.
    may_see: Callable[[str], bool] = field(default=lambda _: True)

    def within(self, rows: "QuerySet[Any]", time: str) -> "QuerySet[Any]":
        """Return the rows of the wanted time, newest first."""
        if self.since:
            rows = rows.filter(**{f"{time}__gte": self.since})
        if self.until:
            rows = rows.filter(**{f"{time}__lt": self.until})
        return rows.order_by(f"-{time}", "-pk")


def read_trail(wanted: TrailFilter) -> Iterator[TrailEntry]:
    """Yield the trail, newest first. One query a source; rows are read as they are asked for."""
    sources = [
        entries(wanted)
        for name, permission, entries in SOURCES
        if wanted.may_see(permission) and wanted.source in ("", name)
    ]
    return heapq.merge(*sources, key=lambda entry: entry.when, reverse=True)


def page_of_trail(wanted: TrailFilter, *, page: int, size: int) -> tuple[list[TrailEntry], bool]:
    """Return one page of the trail, from 1, and whether there is another."""
    found = list(islice(read_trail(wanted), (page - 1) * size, page * size + 1))
    return found[:size], len(found) > size


def _ledger(wanted: TrailFilter) -> Iterator[TrailEntry]:
    """What people booked: the entries of a run are its own, and the run is in the trail."""
    rows = LedgerEntry.objects.filter(run_id=None).select_related("account__strategy")
    if wanted.person:
        rows = rows.filter(actor=wanted.person)
    if wanted.accounts is not None:
        rows = rows.filter(account_id__in=wanted.accounts)
    if wanted.symbol:
        rows = rows.filter(security_id=wanted.symbol)
    for row in wanted.within(rows, "occurred_at").iterator(chunk_size=200):
        holding = f", {plain(row.quantity)} units" if row.quantity else ""
        yield TrailEntry(
            row.occurred_at, row.actor, "ledger", f"{row.get_kind_display()} of {plain(row.amount)}{holding}",
            str(row.account), row.security_id or "", row.reason, Subject(LedgerEntry, row.pk),
        )  # fmt: skip


def _runs(wanted: TrailFilter) -> Iterator[TrailEntry]:
    rows = ExecutionRun.objects.select_related("strategy").defer("parameters", "prices", "report")
    if wanted.person:
        rows = rows.filter(actor=wanted.person)
    if wanted.accounts is not None:
        rows = rows.filter(account_id__in=wanted.accounts)
    if wanted.symbol:
        rows = rows.filter(Exists(Recommendation.objects.filter(run=OuterRef("pk"), symbol=wanted.symbol)))
    for row in wanted.within(rows, "started_at").iterator(chunk_size=200):
        yield TrailEntry(
            row.started_at, row.actor, "run",
            f"{row.get_status_display()} (source: {row.get_source_display()}): "
            f"{counted(row.order_count, 'order')} from {counted(row.recommendation_count, 'line')}",
            f"{row.strategy} / {row.get_provider_display()}", wanted.symbol, row.error,
            Subject(ExecutionRun, row.pk),
        )  # fmt: skip


def _reversals(wanted: TrailFilter) -> Iterator[TrailEntry]:
    rows = Reversal.objects.select_related("run__strategy").defer(
        "report", "run__parameters", "run__prices", "run__report"
    )
    if wanted.person:
        rows = rows.filter(actor=wanted.person)
    if wanted.accounts is not None:
        rows = rows.filter(run__account_id__in=wanted.accounts)
    if wanted.symbol:
        rows = rows.filter(Exists(Recommendation.objects.filter(run=OuterRef("run"), symbol=wanted.symbol)))
    for row in wanted.within(rows, "reversed_at").iterator(chunk_size=200):
        yield TrailEntry(
            row.reversed_at, row.actor, "reversal",
            f"Run reversed (source: {row.get_source_display()}): {counted(row.entry_count, 'entry', 'entries')}, "
            f"cash {plain(row.cash)}",
            f"{row.run.strategy} / {row.run.get_provider_display()}", wanted.symbol, row.reason,
            Subject(Reversal, row.pk),
        )  # fmt: skip


def _actions(wanted: TrailFilter) -> Iterator[TrailEntry]:
    """Splits, dividends and changes of symbol as they were booked, and their reversals."""
    return heapq.merge(_booked(wanted), _undone(wanted), key=lambda entry: entry.when, reverse=True)


def _booked(wanted: TrailFilter) -> Iterator[TrailEntry]:
    rows = _wanted_actions(wanted)
    if wanted.person:
        rows = rows.filter(actor=wanted.person)
    for row in wanted.within(rows, "booked_at").iterator(chunk_size=200):
        accounts = counted(row.account_count, "account")
        yield TrailEntry(
            row.booked_at, row.actor, "action", f"{_named(row)} booked in {accounts}", "", row.security_id,
            row.reason, Subject(CorporateAction, row.pk),
        )  # fmt: skip


def _undone(wanted: TrailFilter) -> Iterator[TrailEntry]:
    rows = _wanted_actions(wanted).exclude(reversed_at=None)
    if wanted.person:
        rows = rows.filter(reversed_by=wanted.person)
    for row in wanted.within(rows, "reversed_at").iterator(chunk_size=200):
        yield TrailEntry(
            row.reversed_at, row.reversed_by, "action", f"{_named(row)} reversed", "", row.security_id,
            row.reversal_reason, Subject(CorporateAction, row.pk),
        )  # fmt: skip


def _wanted_actions(wanted: TrailFilter) -> "QuerySet[Any]":
    rows = CorporateAction.objects.all()
    if wanted.accounts is not None:
        mine = LedgerEntry.objects.filter(action=OuterRef("pk"), account_id__in=wanted.accounts)
        rows = rows.filter(Exists(mine))
    if wanted.symbol:
        rows = rows.filter(Q(security_id=wanted.symbol) | Q(successor_id=wanted.symbol))
    return rows


def _named(row: CorporateAction) -> str:
    return f"{row.get_kind_display()} {row.terms} of {row.effective_on}"


def _states(wanted: TrailFilter) -> Iterator[TrailEntry]:
    """Who halted, limited or freed accounts: none of it is about a symbol."""
    rows = TradingStateChange.objects.select_related("account__strategy")
    if wanted.symbol:
        return
    if wanted.person:
        rows = rows.filter(actor=wanted.person)
    if wanted.accounts is not None:
        rows = rows.filter(account_id__in=wanted.accounts)
    for row in wanted.within(rows, "changed_at").iterator(chunk_size=200):
        yield TrailEntry(
            row.changed_at, row.actor, "state",
            f"Trading state from {row.get_before_display()} to {row.get_after_display()}", str(row.account), "",
            row.reason, Subject(TradingStateChange, row.pk),
        )  # fmt: skip


def _resolutions(wanted: TrailFilter) -> Iterator[TrailEntry]:
    """What people said of lines: of an account's where it has executed the request."""
    rows = LineResolution.objects.all()
    if wanted.person:
        rows = rows.filter(actor=wanted.person)
    if wanted.accounts is not None:
        runs = ExecutionRun.objects.filter(request=OuterRef("request"), account_id__in=wanted.accounts)
        rows = rows.filter(Exists(runs))
    if wanted.symbol:
        said = Recommendation.objects.filter(
            run__request=OuterRef("request"), line=OuterRef("line"), symbol=wanted.symbol
        )
        rows = rows.filter(Q(symbol=wanted.symbol) | Exists(said))
    for row in wanted.within(rows, "created_at").iterator(chunk_size=200):
        size = "" if row.allocation_percent is None else f" {plain(row.allocation_percent)} %"
        yield TrailEntry(
            row.created_at, row.actor, "answer", f"Of request {row.request_id}, {row}{size}", "",
            row.symbol or wanted.symbol, row.reason, Subject(LineResolution, row.pk),
        )  # fmt: skip


def _rules(wanted: TrailFilter) -> Iterator[TrailEntry]:
    """How providers' words are meant: none of it is about an account."""
    rows = MappingRule.objects.all()
    if wanted.accounts is not None:
        return
    if wanted.person:
        rows = rows.filter(actor=wanted.person)
    if wanted.symbol:
        rows = rows.filter(field=MappingRule.Field.SYMBOL, meaning=wanted.symbol)
    for row in wanted.within(rows, "created_at").iterator(chunk_size=200):
        is_symbol = row.field == MappingRule.Field.SYMBOL
        yield TrailEntry(
            row.created_at, row.actor, "rule",
            f"Rule for {row.get_provider_display()}, version {row.version}: {row.get_field_display().lower()} "
            f"{row.written} is {row.meaning or 'nothing any more'}",
            "", row.meaning if is_symbol else "", row.reason, Subject(MappingRule, row.pk),
        )  # fmt: skip


def _prices(wanted: TrailFilter) -> Iterator[TrailEntry]:
    """Which refused prices people accepted: of an account's where it held the symbol."""
    rows = RefusedPrice.objects.filter(resolution=RefusedPrice.Resolution.ACCEPTED)
    if wanted.person:
        rows = rows.filter(resolved_by=wanted.person)
    if wanted.accounts is not None:
        held = Position.objects.filter(security=OuterRef("security"), account_id__in=wanted.accounts)
        rows = rows.filter(Exists(held))
    if wanted.symbol:
        rows = rows.filter(security_id=wanted.symbol)
    for row in wanted.within(rows, "resolved_at").iterator(chunk_size=200):
        yield TrailEntry(
            row.resolved_at or row.refused_at, row.resolved_by, "price",
            f"Accepted the price {row}, {row.difference_percent:+.2f} % from the {row.basis} of "
            f"{plain(row.reference)}",
            "", row.security_id, row.reason, Subject(RefusedPrice, row.pk),
        )  # fmt: skip


def _changes(model: type[Model]) -> Callable[[TrailFilter], Iterator[TrailEntry]]:
    """Return the source of a tracked model's versions."""

    def entries(wanted: TrailFilter) -> Iterator[TrailEntry]:
        rows = _wanted_versions(model, wanted)
        for row in wanted.within(rows, "history_date").iterator(chunk_size=200) if rows is not None else ():
            account, symbol, name = _described(model, row)
            yield TrailEntry(
                row.history_date, row.history_user.get_username() if row.history_user else "", "change",
                f"{row.get_history_type_display()} {model._meta.verbose_name} {name}", account, symbol,
                row.history_change_reason or "", Subject(model, row.id, "history"),
            )  # fmt: skip

    return entries


def _wanted_versions(model: type[Model], wanted: TrailFilter) -> "QuerySet[Any] | None":
    rows = versions(model)
    if wanted.person:
        rows = rows.filter(history_user__username=wanted.person)
    if wanted.accounts is not None:
        if model is not PortfolioAccount:
            return None
        rows = rows.filter(id__in=wanted.accounts)
    if wanted.symbol:
        column = {Security: "symbol", Price: "security_id"}.get(model)
        if column is None:
            return None
        rows = rows.filter(**{column: wanted.symbol})
    return rows.select_related("history_user", "strategy") if model in (PortfolioAccount, RiskPolicy) else rows


def _described(model: type[Model], row: Any) -> tuple[str, str, str]:
    """Return account, symbol and name of a version."""
    if model is PortfolioAccount:
        name = f"{row.strategy} / {row.get_provider_display()}"
        return name, "", f"{name}, {row.get_trading_state_display()}"
    if model is RiskPolicy:
        return "", "", f"of {row.strategy}, version {row.version}"
    if model is Strategy:
        return "", "", row.name
    if model is Security:
        return "", row.symbol, row.symbol
    return "", row.security_id, f"{row.security_id} {plain(row.price)} ({row.source}, {row.as_of:%Y-%m-%d})"


def _log(wanted: TrailFilter) -> Iterator[TrailEntry]:
    rows = LogEntry.objects.select_related("user", "content_type")
    if wanted.person:
        rows = rows.filter(user__username=wanted.person)
    if wanted.accounts is not None:
        # An order that was typed is in the log under its own id.
        typed = Order.objects.filter(account_id__in=wanted.accounts, client_order_id__startswith="by-hand-")
        keys = [*wanted.accounts, *typed.values_list("pk", flat=True)]
        rows = rows.filter(object_id__in=[str(key) for key in keys])
    if wanted.symbol:
        rows = rows.filter(object_repr__contains=wanted.symbol, content_type__app_label="portfolios")
    for row in wanted.within(rows, "action_time").iterator(chunk_size=200):
        kind = row.content_type.name if row.content_type else "row"
        yield TrailEntry(
            row.action_time, row.user.get_username(), "admin",
            f"{kind.capitalize()} {row.object_repr}: {row.get_change_message() or row.get_action_flag_display()}",
            "", "", "", _subject_of(row),
        )  # fmt: skip


def _subject_of(row: LogEntry) -> Subject | None:
    model = row.content_type.model_class() if row.content_type else None
    return None if model is None or row.is_deletion() or not row.object_id else Subject(model, row.object_id)


# What a source is called, the permission that shows it, and how it is read.
SOURCES: tuple[tuple[str, str, Callable[[TrailFilter], Iterator[TrailEntry]]], ...] = (
    ("ledger", "portfolios.view_ledgerentry", _ledger),
    ("run", "execution.view_executionrun", _runs),
    ("reversal", "execution.view_reversal", _reversals),
    ("action", "portfolios.view_corporateaction", _actions),
    ("state", "portfolios.view_tradingstatechange", _states),
    ("answer", "execution.view_lineresolution", _resolutions),
    ("rule", "execution.view_mappingrule", _rules),
    ("price", "execution.view_refusedprice", _prices),
    *(("change", f"portfolios.view_{model._meta.model_name}", _changes(model)) for model in TRACKED),
    ("admin", "admin.view_logentry", _log),
)
