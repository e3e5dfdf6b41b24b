"""The limits that a run is held to: the system's from the settings, the strategy's from its newest policy."""

from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings

from execution.engine.planning.policy import Costs, Policy, stricter
from execution.engine.vocabulary import OnBreach, TradingState
from portfolios.selectors import books

_LIMITS = (
    "max_position_percent",
    "max_sector_percent",
    "max_gross_exposure_percent",
    "max_short_exposure_percent",
    "max_single_short_percent",
    "cash_reserve_percent",
    "drift_band_percent",
    "price_band_percent",
    "max_orders_per_run",
    "max_research_age_hours",
    "min_order_value",
    "max_order_value",
    "short_margin_percent",
)
_COSTS = (
    "commission_per_order",
    "commission_per_share",
    "commission_bps",
    "commission_minimum",
    "slippage_bps",
)


def system_policy() -> Policy:
    """Return the system's own limits, the ceiling of every strategy's. Shorts: the strategy decides."""
    limits: dict[str, Any] = {**settings.RISK_LIMITS}
    limits["restricted_symbols"] = frozenset(limits["restricted_symbols"])
    return Policy(version="system", allow_short=True, **limits)


def system_state() -> TradingState:
    """Return the trading state of the whole system. Raises ValueError for an unknown word in the settings."""
    return TradingState(settings.TRADING_STATE)


def policy_for(strategy_id: UUID) -> Policy:
    """Return the limits of one strategy under the system's ceilings; without a policy of its own, no shorts."""
    system = system_policy()
    row = books.newest_risk_policy(strategy_id)
    if row is None:
        return replace(system, allow_short=False)
    given = {name: getattr(row, name) for name in _LIMITS}
    costs: dict[str, Decimal] = {name: getattr(row, name) for name in _COSTS}
    own = replace(
        system,
        version=str(row.version),
        restricted_symbols=frozenset(row.restricted_symbols),
        allow_short=row.allow_short,
        require_open_market=row.require_open_market,
        all_or_nothing=row.all_or_nothing,
        whole_share_shorts=row.whole_share_shorts,
        on_breach=OnBreach(row.on_breach),
        rounding=row.rounding,
        costs=Costs(**costs),
        **{name: value for name, value in given.items() if value is not None},
    )
    return stricter(system, own)
