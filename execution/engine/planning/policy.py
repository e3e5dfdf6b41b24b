"""What a strategy may do: limits, costs and rounding as plain values."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from common.money import ZERO
from execution.engine.vocabulary import OnBreach
from portfolios.domain.risk_limits import COSTS, LIMITS, RiskLimits, stricter_values


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What a simulated fill costs. Commissions in cash, `*_bps` in basis points (1/10,000) of the notional.

    commission = max(minimum, per_order + per_share * quantity + bps * notional); slippage moves the fill price
    against the trader.
    """

    commission_per_order: Decimal = ZERO
    commission_per_share: Decimal = ZERO
    commission_bps: Decimal = ZERO
    commission_minimum: Decimal = ZERO
    slippage_bps: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(RiskLimits):
    """The limits of one plan, which the registry describes field by field, and what its fills cost.

    `version` names the policy in reports and plan tokens ("system", or the strategy's own version).
    """

    version: str = "system"
    on_breach: OnBreach = OnBreach.CLAMP
    costs: Costs = Costs()

    @property
    def short_margin(self) -> Decimal:
        """The margin on shorts as a fraction of their value."""
        return self.short_margin_percent / 100


def policy_of(values: Mapping[str, Any], *, version: str, costs: Costs | None = None) -> Policy:
    """Return the policy with these limits by name, as the tables keep them; one that is left out has its default.

    Raises TypeError or ValueError for a value that cannot be one.
    """
    limits = {row.field: row.typed(values[row.field]) for row in LIMITS if row.field in values}
    if "on_breach" in limits:
        limits["on_breach"] = OnBreach(limits["on_breach"])
    return Policy(version=version, costs=costs or Costs(), **limits)


def costs_of(values: Mapping[str, Any]) -> Costs:
    """Return the costs that are given by name. Raises KeyError where one is missing."""
    return Costs(**{row.field: row.typed(values[row.field]) for row in COSTS})


def stricter(system: Policy, own: Policy) -> Policy:
    """Return `own` under the ceilings of `system`: each limit is the stricter of the two.

    What is no limit (costs, rounding, the drift band, the version) is the strategy's own.
    """
    both = stricter_values(limits_of(system), limits_of(own))
    return policy_of(both, version=own.version, costs=own.costs)


def limits_of(policy: Policy) -> dict[str, Any]:
    """Return the limits by name."""
    return {row.field: getattr(policy, row.field) for row in LIMITS}


def policy_as_data(policy: Policy) -> dict[str, object]:
    """Return the policy as JSON-ready values, decimals as strings: what a run keeps of it."""
    data = asdict(policy)
    data["restricted_symbols"] = sorted(policy.restricted_symbols)
    return {name: _plain_value(value) for name, value in data.items()}


def policy_from_data(data: Mapping[str, Any]) -> Policy:
    """Return the policy that `policy_as_data` described. Raises KeyError, ValueError or TypeError otherwise.

    A limit that was not there yet when the run was made has its default, which changes nothing of the run.
    """
    unknown = data.keys() - {row.field for row in LIMITS} - {"version", "costs"}
    if unknown:
        raise TypeError(f"{', '.join(sorted(unknown))}: no limit")
    return policy_of(data, version=data["version"], costs=costs_of(data["costs"]))


def _plain_value(value: object) -> object:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict):
        return {name: _plain_value(inner) for name, inner in value.items()}
    return value
