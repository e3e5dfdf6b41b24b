"""The first page: what everything is worth, what needs attention, and how the providers compare."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from common.web.tables import Column, Listing, Row
from execution.demo.files import ExampleFileError
from execution.demo.load import load_examples, store_example_prices
from execution.engine.calendar.sessions import oldest_close
from execution.prices.ages import usable_max_age
from execution.selectors.attention import AttentionItem, attention
from execution.selectors.providers import ProviderStats, provider_stats
from execution.selectors.runs import recent_runs
from folios.dashboard.tables import account_note, runs_listing
from folios.dashboard.views.inbox import ARRIVED
from folios.dashboard.views.pages import EXECUTE, page
from portfolios.domain.vocabulary import MarginStatus
from portfolios.models import PortfolioAccount, Provider
from portfolios.selectors import overview as books
from portfolios.selectors.books import one_snapshot
from portfolios.selectors.overview import Filters, Totals

LEAGUE_SIZE = 4  # strategies on one page

_ACCOUNT_COLUMNS = (
    Column("strategy", "Strategy", "text", "strategy__name"),
    Column("provider", "Provider", "text", "provider"),
    Column("total", "Value", "cash", "ordering_total"),
    Column("change", "Change on the day", "gain", "summary__change"),
    Column("return", "Return", "gain_percent", "summary__time_weighted_return"),
    Column("drawdown", "Drawdown", "percent", "summary__max_drawdown"),
    Column("sharpe", "Sharpe", "ratio", "summary__sharpe_ratio"),
    Column("cash", "Cash", "cash", "cash_balance"),
    Column("positions", "Positions", "count", "summary__open_positions"),
    Column("state", "Trading", "badge", "trading_state"),
    Column("measured", "Measured", "time", "summary__as_of"),
    Column("note", "Note"),
)
_LEAGUE_COLUMNS = (
    Column("strategy", "Strategy"),
    Column("provider", "Provider"),
    Column("total", "Value", "cash"),
    Column("return", "Return", "gain_percent"),
    Column("drawdown", "Drawdown", "percent"),
    Column("sharpe", "Sharpe", "ratio"),
    Column("hit_rate", "Hit rate", "percent"),
    Column("turnover", "Turnover", "percent"),
    Column("costs", "Costs", "cash"),
    Column("refused", "Refused lines", "percent"),
    Column("calibration", "Hit rate by confidence"),
    Column("policy", "Policy"),
    Column("eligible", "Compared"),
)
# Where each kind of thing that needs attention is looked at: a page of the dashboard, and the part of it.
_PAGES = {
    "books": ("books", ""),
    "triggers": ("system", ""),
    "failed-runs": ("runs", "?status=failed"),
    "arrived": ("research", f"?state={ARRIVED}"),
    "ready-requests": ("research", "?state=ready"),
    "new-requests": ("research", "?state=new"),
    "quarantined-requests": ("research", "?state=quarantined"),
    "failed-requests": ("research", "?state=failed"),
    "waiting-lines": ("research", "#table-waiting"),
    "resolved-lines": ("research", "#table-resolved"),
    "deferred-lines": ("research", "#table-deferred"),
    "limited-accounts": ("overview", "?state=HALTED#table-accounts"),
    "owing-accounts": ("overview", "#table-accounts"),
    "left-out-positions": ("corporate-actions", ""),
    "old-marks": ("overview", "#table-accounts"),
    "outdated-measures": ("overview", "#table-accounts"),
    "margin-deficit": ("overview", "?margin=deficit#table-accounts"),
    "margin-no-equity": ("overview", "?margin=no_equity#table-accounts"),
    "refused-prices": ("prices", ""),
}


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Show everything at once. Fewer than ten queries, however many accounts there are."""
    filters = _filters(request)
    with one_snapshot():
        totals = books.totals(filters)
        if not totals.accounts and not request.GET and not books.has_strategies():
            return page(request, "pages/welcome.html", {"may_load": request.user.has_perm(EXECUTE)})
        league = _league(request)
        context = {
            "totals": totals,
            "change_note": _change_note(totals),
            "filters": filters,
            "attention": (waiting := _attention()),
            "marked": None if waiting else books.marked(since=_oldest_usable()),
            "providers": Provider.choices,
            "states": PortfolioAccount.TradingState.choices,
            "margins": MarginStatus.choices,
            "more_league": _more_league(request, league),
            "rule": (books.LEAGUE_DAYS, books.LEAGUE_CLOSED),
        }
        recent = recent_runs(size=8)
        listings = [league, runs_listing(recent, name="recent", caption="Recent runs"), _accounts(filters, totals)]
        return page(request, "pages/overview.html", context, listings=listings)


def _filters(request: HttpRequest) -> Filters:
    return Filters(
        text=request.GET.get("q", "").strip()[:200],
        provider=request.GET.get("provider", ""),
        state=request.GET.get("state", ""),
        margin=request.GET.get("margin", ""),
    )


def _change_note(totals: Totals) -> str:
    """Return what the change of the day is a change of."""
    if totals.changed < totals.accounts:
        return f"of {totals.changed:,} accounts with two days of values"
    return "deposits and withdrawals left out"


def _attention() -> list[tuple[AttentionItem, str]]:
    """Return what a person should look at, each with the address of its page; "" where no page is about it."""
    found = attention(
        now=timezone.now(),
        price_max_age=usable_max_age(),
        root=settings.ARTIFACTS_ROOT,
    )
    return [(item, _address(item)) for item in found]


def _oldest_usable() -> datetime:
    return oldest_close(timezone.now(), sessions=usable_max_age())


def _address(item: AttentionItem) -> str:
    page_name, part = _PAGES.get(item.name, ("", ""))
    return reverse(f"dashboard:{page_name}") + part if page_name else ""


def _accounts(filters: Filters, totals: Totals) -> Listing[Any]:
    return Listing(
        name="accounts",
        caption="Accounts",
        columns=_ACCOUNT_COLUMNS,
        source=books.accounts(filters),
        row=_account_row,
        order="-total",
        count=totals.matching,
        empty="No account matches. An account is opened by its first run.",
    )


def _account_row(account: PortfolioAccount) -> Row:
    found = books.summary_of(account)
    return Row(
        {
            "strategy": account.strategy.name,
            "provider": account.get_provider_display(),
            "total": books.total_of(account),
            "cash": account.cash_balance,
            "state": account.trading_state,
            "note": account_note(account),
            **_measures(found),
        },
        {
            "provider": reverse("dashboard:account", args=[account.pk]),
            "strategy": reverse("dashboard:strategy", args=[account.strategy_id]),
        },
    )


def _measures(found: Any) -> dict[str, Any]:
    if found is None:
        return {}
    return {
        "change": found.change,
        "return": found.time_weighted_return,
        "drawdown": found.max_drawdown,
        "sharpe": found.sharpe_ratio,
        "positions": found.open_positions,
        "measured": found.as_of,
    }


def _league(request: HttpRequest) -> Listing[Any]:
    accounts = books.league(start=_league_start(request), size=LEAGUE_SIZE)
    conducts = provider_stats([account.pk for account in accounts]) if accounts else {}
    return Listing(
        name="league",
        caption="Provider league",
        columns=_LEAGUE_COLUMNS,
        source=accounts,
        row=lambda account: _league_row(account, conducts),
        empty="No strategy is traded by two providers yet. Execute the same strategy for another provider.",
    )


def _league_start(request: HttpRequest) -> int:
    asked = request.GET.get("from", "0")
    return int(asked) if asked.isdecimal() and len(asked) < 7 else 0


def _more_league(request: HttpRequest, league: Listing[Any]) -> str:
    """Return the address of the next strategies of the league, or "" where these were few enough to be all."""
    shown = {account.strategy_id for account in league.source}
    return f"?from={_league_start(request) + LEAGUE_SIZE}#table-league" if len(shown) == LEAGUE_SIZE else ""


def _league_row(account: Any, conducts: Mapping[UUID, ProviderStats]) -> Row:
    found, conduct = books.summary_of(account), conducts.get(account.pk, ProviderStats())
    calibration = [
        f"{bucket.label}: {bucket.hits} of {bucket.closed}" for bucket in conduct.buckets if bucket.closed
    ]
    return Row(
        {
            "strategy": account.strategy.name,
            "provider": account.get_provider_display(),
            "total": books.total_of(account),
            "hit_rate": found.hit_rate if found else None,
            "turnover": found.turnover if found else None,
            "costs": found.total_costs if found else None,
            "refused": conduct.refused_share,
            "calibration": "; ".join(calibration) or "not enough data",
            "policy": f"version {account.policy_version}" if account.policy_version else "system",
            "eligible": "yes" if books.is_eligible(account) else "not yet",
            **_measures(found),
        },
        {
            "provider": reverse("dashboard:account", args=[account.pk]),
            "strategy": reverse("dashboard:strategy", args=[account.strategy_id]),
        },
    )


@require_POST
@permission_required(EXECUTE, raise_exception=True)
def examples(request: HttpRequest) -> HttpResponse:
    """Load the examples, and say what was done."""
    try:
        source = settings.BASE_DIR / "examples"
        done = load_examples(source, root=settings.ARTIFACTS_ROOT)
        done += store_example_prices(source, now=timezone.now())
    except ExampleFileError as error:
        messages.error(request, str(error))
        return redirect("dashboard:overview")
    messages.success(
        request, "Loaded the examples. " + "; ".join(done) if done else "The examples were there already."
    )
    return redirect("dashboard:research")
