"""Strategies: their providers side by side, where they agree, and the policy with its versions."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from common.money import plain
from common.web.tables import Column, Listing, Row
from execution.engine.planning.policy import Policy, limits_of
from execution.selectors.policy import policy_for
from execution.selectors.providers import ConfidenceBucket, ProviderView, provider_stats, provider_views
from folios.dashboard.tables import account_note
from folios.dashboard.views.pages import lines_chart, page, policy_words
from portfolios.domain.risk_limits import by_section
from portfolios.models import PortfolioAccount, RiskPolicy, Strategy
from portfolios.selectors import books as queries
from portfolios.selectors import overview as books

_STRATEGY_COLUMNS = (
    Column("name", "Strategy", "text", "name"),
    Column("status", "Status", "badge", "status"),
    Column("accounts", "Accounts", "count", "account_count"),
    Column("policy", "Policy"),
    Column("description", "Description", "long"),
)
_ACCOUNT_COLUMNS = (
    Column("provider", "Provider"),
    Column("total", "Value", "cash", ""),
    Column("return", "Return", "gain_percent", ""),
    Column("drawdown", "Drawdown", "percent", ""),
    Column("sharpe", "Sharpe", "ratio", ""),
    Column("hit_rate", "Hit rate", "percent", ""),
    Column("turnover", "Turnover", "percent", ""),
    Column("costs", "Costs", "cash", ""),
    Column("state", "Trading", "badge"),
    Column("note", "Note"),
)
_POLICY_COLUMNS = (
    Column("version", "Version", "count", ""),
    Column("position", "Position, %", "quantity"),
    Column("sector", "Sector, %", "quantity"),
    Column("gross", "Gross, %", "quantity"),
    Column("reserve", "Cash reserve, %", "quantity"),
    Column("shorts", "Shorts"),
    Column("breach", "On a breach"),
    Column("restricted", "Restricted"),
    Column("created", "Since", "time", ""),
)
_CALIBRATION_COLUMNS = (
    Column("provider", "Provider"),
    Column("confidence", "Confidence"),
    Column("closed", "Closed positions", "count"),
    Column("hits", "With a profit", "count"),
    Column("hit_rate", "Hit rate", "percent"),
)


@require_safe
def strategies(request: HttpRequest) -> HttpResponse:
    """List the strategies."""
    listing: Listing[Any] = Listing(
        name="strategies", caption="Strategies", columns=_STRATEGY_COLUMNS, source=books.strategies(),
        row=_strategy_row, order="name", empty="There is no strategy yet. The admin creates one.",
    )  # fmt: skip
    return page(request, "pages/strategies.html", {}, listings=[listing])


def _strategy_row(strategy: Any) -> Row:
    return Row(
        {
            "name": strategy.name,
            "status": strategy.status,
            "accounts": strategy.account_count,
            "policy": f"version {strategy.policy_version}" if strategy.policy_version else "system",
            "description": strategy.description,
        },
        {"name": reverse("dashboard:strategy", args=[strategy.pk])},
    )


@require_safe
def strategy(request: HttpRequest, strategy_id: UUID) -> HttpResponse:
    """Show one strategy. Raises Http404 for one that there is not."""
    with queries.one_snapshot():
        found = queries.find_strategy(strategy_id)
        if found is None:
            raise Http404(f"there is no strategy {strategy_id}")
        accounts = books.accounts_of_strategy(strategy_id)
        curves = books.curves([account.pk for account in accounts])
        growth = {
            account.get_provider_display(): curves[account.pk].index for account in accounts if account.pk in curves
        }
        chart = lines_chart(
            "providers", "Growth of 1, by provider", growth, unit="index",
            note="Time-weighted and after costs, each from its own first day.",
        )  # fmt: skip
        policy = policy_for(strategy_id)
        context = {
            "strategy": found,
            "policy_words": policy_words(policy.version, system="the system's"),
            "policy_sections": policy_sections(policy),
            "chart": chart,
        }
        return page(request, "pages/strategy.html", context, listings=_listings(found, accounts))


def policy_sections(policy: Policy) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return every limit and cost of a policy by section, each as its label and its value in words."""
    values = {**limits_of(policy), **asdict(policy.costs)}
    return [
        (str(section), [(row.label, row.text(values[row.field])) for row in rows])
        for section, rows in by_section().items()
    ]


def _listings(strategy: Strategy, accounts: list[PortfolioAccount]) -> list[Listing[Any]]:
    conducts = provider_stats([account.pk for account in accounts])
    calibration = [
        (account.get_provider_display(), bucket)
        for account in accounts
        if account.pk in conducts
        for bucket in conducts[account.pk].buckets
        if bucket.closed
    ]
    providers = [account.provider for account in accounts]
    return [
        Listing(
            name="accounts", caption="Providers", columns=_ACCOUNT_COLUMNS, source=accounts, row=_account_row,
            order="-total", empty="No provider trades this strategy yet.",
        ),
        _opinions_listing(provider_views(strategy.pk), providers),
        Listing(
            name="calibration", caption="Hit rate by confidence", columns=_CALIBRATION_COLUMNS, source=calibration,
            row=_calibration_row, empty="No position that a line with a confidence opened was closed yet.",
        ),
        Listing(
            name="policies", caption="Policy versions", columns=_POLICY_COLUMNS,
            source=books.policies_of(strategy.pk), row=_policy_row, order="-version",
            empty="The strategy has no policy of its own: the system's limits hold.",
        ),
    ]  # fmt: skip


def _account_row(account: PortfolioAccount) -> Row:
    found = books.summary_of(account)
    measures = {} if found is None else {
        "return": found.time_weighted_return,
        "drawdown": found.max_drawdown,
        "sharpe": found.sharpe_ratio,
        "hit_rate": found.hit_rate,
        "turnover": found.turnover,
        "costs": found.total_costs,
    }  # fmt: skip
    return Row(
        {
            "provider": account.get_provider_display(),
            "total": books.total_of(account),
            "state": account.trading_state,
            "note": account_note(account),
            **measures,
        },
        {"provider": reverse("dashboard:account", args=[account.pk])},
    )


def _opinions_listing(opinions: list[ProviderView], providers: list[str]) -> Listing[ProviderView]:
    columns = (
        Column("symbol", "Symbol", "text", ""),
        Column("verdict", "Providers", "badge"),
        *(Column(provider, books.provider_name(provider)) for provider in providers),
    )
    return Listing(
        name="opinions", caption="Agreement by symbol", columns=columns, source=opinions, row=_opinion_row,
        order="symbol", empty="No provider has said anything yet.",
    )  # fmt: skip


def _opinion_row(opinion: ProviderView) -> Row:
    verdict = {None: "only one", True: "agree", False: "disagree"}[opinion.agrees]
    said = {provider: _opinion_words(line) for provider, line in opinion.said.items()}
    links = {provider: reverse("dashboard:run", args=[line.run_id]) for provider, line in opinion.said.items()}
    return Row({"symbol": opinion.symbol, "verdict": verdict, **said}, links)


def _opinion_words(line: Any) -> str:
    size = f" {plain(line.allocation_percent, places=0)} %" if line.allocation_percent is not None else ""
    sure = f", confidence {plain(line.confidence)}" if line.confidence is not None else ""
    return f"{line.action}{size}{sure}"


def _calibration_row(item: tuple[str, ConfidenceBucket]) -> Row:
    provider, bucket = item
    return Row(
        {
            "provider": provider,
            "confidence": bucket.label,
            "closed": bucket.closed,
            "hits": bucket.hits,
            "hit_rate": bucket.hit_rate,
        }
    )


def _policy_row(policy: RiskPolicy) -> Row:
    return Row(
        {
            "version": policy.version,
            "position": policy.max_position_percent,
            "sector": policy.max_sector_percent,
            "gross": policy.max_gross_exposure_percent,
            "reserve": policy.cash_reserve_percent,
            "shorts": "allowed" if policy.allow_short else "not allowed",
            "breach": policy.on_breach,
            "restricted": ", ".join(policy.restricted_symbols),
            "created": policy.created_at,
        }
    )
