"""What a strategy may do: limits, costs and rounding as plain values."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from decimal import Decimal
from typing import Any

from common.money import ZERO
from execution.engine.vocabulary import OnBreach


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
class Policy:
    """The limits of one plan. Percentages are of the account's total value, 0 to 100; None means no limit.

    `version` names the policy in reports and plan tokens ("system", or the strategy's own version).
    `drift_band_percent` is how far a holding may be from its target weight, in percent of the total value, before a
    plan with targets trades it; full exits pass. `price_band_percent` is how far a price may be from the last
    close, or from what the research claims, before a person has to confirm it. `whole_share_shorts` rounds shorts
    to whole units. `all_or_nothing` refuses research of which any line is quarantined.
    """

    version: str = "system"
    max_position_percent: Decimal = Decimal(20)
    max_sector_percent: Decimal = Decimal(40)
    max_gross_exposure_percent: Decimal = Decimal(200)
    max_short_exposure_percent: Decimal = Decimal(100)
    max_single_short_percent: Decimal = Decimal(20)
    cash_reserve_percent: Decimal = ZERO
    drift_band_percent: Decimal = ZERO
    price_band_percent: Decimal = Decimal(25)
    require_open_market: bool = False
    max_research_age_hours: int | None = None
    all_or_nothing: bool = False
    max_orders_per_run: int | None = None
    min_order_value: Decimal = ZERO
    max_order_value: Decimal | None = None
    restricted_symbols: frozenset[str] = frozenset()
    allow_short: bool = False
    whole_share_shorts: bool = False
    short_margin_percent: Decimal = Decimal(50)
    on_breach: OnBreach = OnBreach.CLAMP
    rounding: str = "ROUND_HALF_EVEN"
    costs: Costs = Costs()

    @property
    def short_margin(self) -> Decimal:
        """The margin on shorts as a fraction of their value."""
        return self.short_margin_percent / 100


def stricter(system: Policy, own: Policy) -> Policy:
    """Return `own` under the ceilings of `system`: each limit is the stricter of the two.

    What is no limit (costs, rounding, the drift band, the version) is the strategy's own.
    """
    ceilings = [limit for limit in (system.max_order_value, own.max_order_value) if limit is not None]
    counts = [limit for limit in (system.max_orders_per_run, own.max_orders_per_run) if limit is not None]
    ages = [limit for limit in (system.max_research_age_hours, own.max_research_age_hours) if limit is not None]
    return replace(
        own,
        max_position_percent=min(system.max_position_percent, own.max_position_percent),
        max_sector_percent=min(system.max_sector_percent, own.max_sector_percent),
        max_gross_exposure_percent=min(system.max_gross_exposure_percent, own.max_gross_exposure_percent),
        max_short_exposure_percent=min(system.max_short_exposure_percent, own.max_short_exposure_percent),
        max_single_short_percent=min(system.max_single_short_percent, own.max_single_short_percent),
        max_orders_per_run=min(counts, default=None),
        cash_reserve_percent=max(system.cash_reserve_percent, own.cash_reserve_percent),
        min_order_value=max(system.min_order_value, own.min_order_value),
        max_order_value=min(ceilings, default=None),
        restricted_symbols=system.restricted_symbols | own.restricted_symbols,
        allow_short=system.allow_short and own.allow_short,
        price_band_percent=min(system.price_band_percent, own.price_band_percent),
        require_open_market=system.require_open_market or own.require_open_market,
        max_research_age_hours=min(ages, default=None),
        all_or_nothing=system.all_or_nothing or own.all_or_nothing,
        whole_share_shorts=system.whole_share_shorts or own.whole_share_shorts,
        short_margin_percent=max(system.short_margin_percent, own.short_margin_percent),
        on_breach=OnBreach.REJECT if OnBreach.REJECT in (system.on_breach, own.on_breach) else own.on_breach,
    )


def policy_as_data(policy: Policy) -> dict[str, object]:
    """Return the policy as JSON-ready values, decimals as strings: what a run keeps of it."""
    data = asdict(policy)
    data["restricted_symbols"] = sorted(policy.restricted_symbols)
    return {name: _plain_value(value) for name, value in data.items()}


def policy_from_data(data: Mapping[str, Any]) -> Policy:
    """Return the policy that `policy_as_data` described. Raises KeyError, ValueError or TypeError otherwise."""
    values = dict(data)
    costs = {name: Decimal(text) for name, text in values.pop("costs").items()}
    for name in _DECIMALS & values.keys():
        values[name] = Decimal(values[name]) if values[name] is not None else None
    values["restricted_symbols"] = frozenset(values["restricted_symbols"])
    values["on_breach"] = OnBreach(values["on_breach"])
    return Policy(costs=Costs(**costs), **values)


_DECIMALS = {column.name for column in fields(Policy) if "Decimal" in str(column.type)}


def _plain_value(value: object) -> object:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict):
        return {name: _plain_value(inner) for name, inner in value.items()}
    return value
