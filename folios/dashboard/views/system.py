"""The books against themselves, and the environment of the product."""

import platform
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import django
from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from common.text import counted
from common.web.tables import Column, Listing, Row
from common.web.timezone import COOKIE, known_zone, zone_names
from execution.engine.calendar.hours import market_session
from execution.engine.calendar.sessions import oldest_close
from execution.engine.vocabulary import Refusal
from execution.prices.ages import parse_max_age
from execution.selectors.policy import system_policy, system_state
from execution.selectors.runs import last_run_at
from folios.dashboard.views.pages import page
from portfolios import ledger
from portfolios.ledger import Discrepancy
from portfolios.models import PortfolioAccount
from portfolios.selectors import books as queries
from portfolios.selectors import overview as books

_YEAR = 365 * 24 * 3600  # seconds

# Every promise that a check compares, with the codes of what breaks it.
_INVARIANTS = (
    ("Cash is the sum of the ledger", ("CASH_MISMATCH",)),
    ("The version is the number of entries", ("VERSION_MISMATCH",)),
    ("Equity is the marked value of the positions", ("EQUITY_MISMATCH",)),
    ("Every entry follows from the one before", ("LEDGER_FAULT",)),
    ("Positions and orders are what the ledger says", ()),
)
_BOOK_COLUMNS = (
    Column("strategy", "Strategy", "text", "strategy__name"),
    Column("provider", "Provider", "text", "provider"),
    Column("entries", "Ledger entries", "count", "book_version"),
    Column("cash", "Cash", "cash", "cash_balance"),
    Column("books", "Books", "badge"),
    Column("differences", "Discrepancies", "count"),
    Column("check", "Check"),
)
_FOUND_COLUMNS = (
    Column("code", "Code"),
    Column("subject", "What"),
    Column("expected", "Expected"),
    Column("found", "Found"),
    Column("mend", "Repairs"),
)
_FACT_COLUMNS = (Column("part", "Part", "text", ""), Column("name", "What"), Column("value", "Value", "long"))


@require_safe
def books_page(request: HttpRequest) -> HttpResponse:
    """Check the books of the accounts on this page, now: their ledgers are projected and compared."""
    with queries.one_snapshot():
        listing: Listing[Any] = Listing(
            name="books", caption="Accounts", columns=_BOOK_COLUMNS, source=books.accounts(books.Filters()),
            row=_book_row, order="strategy", size=20, empty="There is no account yet.",
        )  # fmt: skip
        return page(request, "pages/books.html", {"invariants": _INVARIANTS}, listings=[listing])


def _book_row(account: PortfolioAccount) -> Row:
    found = ledger.check_books(account)
    address = reverse("dashboard:account-books", args=[account.pk])
    return Row(
        {
            "strategy": account.strategy.name,
            "provider": account.get_provider_display(),
            "entries": account.book_version,
            "cash": account.cash_balance,
            "books": _verdict(len(found)),
            "differences": len(found),
            "check": "Review",
        },
        {"provider": reverse("dashboard:account", args=[account.pk]), "check": address},
    )


def _verdict(discrepancies: int) -> str:
    return "wrong" if discrepancies else "right"


@require_safe
def account_books(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """Show each invariant of one account's books, and every discrepancy. Raises Http404."""
    with queries.one_snapshot():
        account = books.account_with_summary(account_id)
        if account is None:
            raise Http404(f"there is no account {account_id}")
        found = ledger.check_books(account)
    named = {code for _, codes in _INVARIANTS for code in codes}
    held = [
        (words, sum(1 for item in found if (item.code in codes if codes else item.code not in named)))
        for words, codes in _INVARIANTS
    ]
    verdicts = [(words, _verdict(count), count) for words, count in held]
    listing = Listing(
        name="discrepancies", caption="Discrepancies", columns=_FOUND_COLUMNS, source=found, row=_found_row,
        size=100, empty="None: the ledger and what stands beside it say the same.",
    )  # fmt: skip
    return page(request, "pages/account_books.html", {"account": account, "held": verdicts}, listings=[listing])


def _found_row(item: Discrepancy) -> Row:
    mend = "by check_books --repair" if item.repairable else "by a person"
    return Row(
        {"code": item.code, "subject": item.subject, "expected": item.expected, "found": item.found, "mend": mend}
    )


@require_safe
def system(request: HttpRequest) -> HttpResponse:
    """Show versions, database, prices, limits and the last of what runs by schedule."""
    listing = Listing(
        name="facts",
        caption="Environment",
        columns=_FACT_COLUMNS,
        source=list(_facts()),
        row=_fact_row,
        size=100,
    )
    return page(request, "pages/system.html", {"now": timezone.now()}, listings=[listing])


def _facts() -> Iterator[tuple[str, str, str]]:
    yield "Versions", "Python", platform.python_version()
    yield "Versions", "Django", django.get_version()
    yield from _database_facts()
    yield "Prices", "Sources, in order", ", ".join(settings.PRICE_SOURCES) or "none"
    yield "Prices", "Oldest usable price", _oldest_usable_price()
    yield "Prices", "Last stored price", _moment(books.last_price_at())
    yield "Scheduled work", "Last valuation", _moment(books.last_valuation_at())
    yield "Scheduled work", "Last run", _moment(last_run_at())
    yield "Scheduled work", "Workers", "none: work is done by the command or the page that asks for it"
    yield from _trading_facts()
    root = settings.ARTIFACTS_ROOT
    yield "Research", "Directory", f"{root}{'' if root.is_dir() else ' (does not exist)'}"


def _oldest_usable_price() -> str:
    sessions = parse_max_age(settings.PRICE_MAX_AGE)
    if isinstance(sessions, Refusal):
        return sessions.message
    oldest = oldest_close(timezone.now(), sessions=sessions)
    return f"{counted(sessions, 'session')} of the stock exchange: now from {_moment(oldest)} on"


def _database_facts() -> Iterator[tuple[str, str, str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT sqlite_version()" if connection.vendor == "sqlite" else "SHOW server_version")
        version = cursor.fetchone()[0]
    yield "Database", "Kind", f"{connection.display_name} {version}"
    yield "Database", "Migrations", str(MigrationRecorder.Migration.objects.count())


def _trading_facts() -> Iterator[tuple[str, str, str]]:
    market, policy = market_session(timezone.now()), system_policy()
    yield "Trading", "State of the system", str(system_state())
    words = {True: "open", False: "closed", None: "unknown: its calendar ends before today"}
    yield "Trading", "Stock market", words[market.is_open]
    yield "Trading", "System limits", (
        f"position {policy.max_position_percent:f} %, sector {policy.max_sector_percent:f} %, "
        f"gross {policy.max_gross_exposure_percent:f} %"
    )  # fmt: skip


def _moment(time: Any) -> str:
    if time is None:
        return "never"
    local = timezone.localtime(time)
    return f"{local:%Y-%m-%d %H:%M} {local.tzname()}"


def _fact_row(fact: tuple[str, str, str]) -> Row:
    part, name, value = fact
    return Row({"part": part, "name": name, "value": value})


@require_http_methods(["GET", "HEAD", "POST"])
def timezone_page(request: HttpRequest) -> HttpResponse:
    """Let a person choose the time zone of the pages; a cookie keeps it."""
    if request.method != "POST":
        return page(request, "pages/timezone.html", {"zones": zone_names()})
    response = redirect("dashboard:timezone")
    chosen = known_zone(request.POST.get("zone", "")).key
    response.set_cookie(COOKIE, chosen, max_age=_YEAR, httponly=True, samesite="Lax", secure=request.is_secure())
    return response
