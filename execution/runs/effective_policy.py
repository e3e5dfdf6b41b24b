"""The limits that a run is held to: the system's from the settings, the strategy's from its newest policy."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

from execution.engine.planning.policy import Policy, costs_of, limits_of, policy_of, stricter
from execution.engine.vocabulary import TradingState
from portfolios.domain.risk_limits import LIMITS, settings_problems
from portfolios.selectors import books


def system_policy() -> Policy:
    """Return the system's own limits, the ceiling of every strategy's: the defaults, and what the settings say.

    Shorts: the strategy decides, unless the settings forbid them. Raises ImproperlyConfigured.
    """
    if problems := settings_problems(settings.RISK_LIMITS):
        raise ImproperlyConfigured(f"RISK_LIMITS: {'; '.join(problems)}")
    return policy_of({"allow_short": True, **settings.RISK_LIMITS}, version="system")


def check_risk_limits(**_: Any) -> list[CheckMessage]:
    """Say at the start what is wrong with the limits in the settings, an error for each."""
    return [
        Error(f"RISK_LIMITS: {problem}.", hint="The README lists the limits.", id="execution.E001")
        for problem in settings_problems(settings.RISK_LIMITS)
    ]


def system_state() -> TradingState:
    """Return the trading state of the whole system. Raises ValueError for an unknown word in the settings."""
    return TradingState(settings.TRADING_STATE)


def policy_for(strategy_id: UUID) -> Policy:
    """Return the limits of one strategy under the system's ceilings; without a policy of its own, no shorts."""
    system = system_policy()
    row = books.newest_risk_policy(strategy_id)
    if row is None:
        return replace(system, allow_short=False)
    # What the strategy leaves empty is the system's.
    given = {limit.field: getattr(row, limit.field) for limit in LIMITS}
    values = limits_of(system) | {name: value for name, value in given.items() if value is not None}
    return stricter(system, policy_of(values, version=str(row.version), costs=costs_of(vars(row))))
