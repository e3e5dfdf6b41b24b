"""The registry of limits: one field, one row, one limit. Everybody reads it, nobody keeps a list beside it.

From these rows come the settings' defaults and their check, the policy in force, the admin's fieldsets, the
constraints of the table, the API's fields and bounds, the strategy page, the reader of `strategies.json` and the
table in the README. A new limit is a field with its row here, its code, its column with the migrations, and a case
in each of the two tests that go through the rows.

It stands in the books because their table, their admin and their API need it, and they know nothing of the planner.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from typing import Any

from common.money import HUNDRED, ZERO
from portfolios.domain import headroom as left
from portfolios.domain.limit import (
    Bounds,
    Kind,
    Limit,
    Measure,
    Rule,
    Section,
    both,
    either,
    larger,
    last_word,
    smaller,
)

ROW = "limit"  # where a field's metadata has its row
_AT_LEAST_ZERO = Bounds()
_UP_TO_ALL = Bounds(most=HUNDRED)


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskLimits:
    """The limits of one plan, in the sequence in which the planner holds a basket to those that have a rule.

    What binds fewer lines goes first, so that a later limit does not free headroom that an earlier one has shared
    out. Percentages are of the account's total value.
    """

    max_order_value: Decimal | None = field(
        default=None,
        metadata={ROW: Limit(
            label="Largest order", section=Section.ORDERS, kind=Kind.CASH, stricter=smaller,
            bounds=Bounds(least_allowed=False),
            code="MAXIMUM_ORDER", sentence="the maximum order value", outcome="DENIED",
            rule=Rule(group=left.each_order, headroom=left.order_headroom),
        )},
    )  # fmt: skip
    max_position_percent: Decimal = field(
        default=Decimal(20),
        metadata={ROW: Limit(
            label="Largest position", section=Section.EXPOSURE, kind=Kind.PERCENT, stricter=smaller,
            bounds=_UP_TO_ALL,
            code="POSITION_LIMIT", sentence="the position limit", outcome="DENIED",
            rule=Rule(group=left.each_symbol, headroom=left.position_headroom),
        )},
    )  # fmt: skip
    max_single_short_percent: Decimal = field(
        default=Decimal(20),
        metadata={ROW: Limit(
            label="Largest short", section=Section.SHORTS, kind=Kind.PERCENT, stricter=smaller,
            bounds=_AT_LEAST_ZERO,
            code="SINGLE_SHORT_LIMIT", sentence="the limit on one short", outcome="DENIED",
            rule=Rule(group=left.each_short, headroom=left.position_headroom),
        )},
    )  # fmt: skip
    max_short_exposure_percent: Decimal = field(
        default=Decimal(100),
        metadata={ROW: Limit(
            label="All shorts", section=Section.SHORTS, kind=Kind.PERCENT, stricter=smaller,
            bounds=_AT_LEAST_ZERO,
            code="SHORT_EXPOSURE_LIMIT", sentence="the limit on all shorts", outcome="DENIED",
            rule=Rule(group=left.all_shorts, headroom=left.short_headroom, shares=" of short exposure"),
        )},
    )  # fmt: skip
    max_sector_percent: Decimal = field(
        default=Decimal(40),
        metadata={ROW: Limit(
            label="Largest sector", section=Section.EXPOSURE, kind=Kind.PERCENT, stricter=smaller,
            bounds=_UP_TO_ALL, note="a security without a sector is recorded as unverified",
            code="SECTOR_LIMIT", sentence="the sector limit", outcome="DENIED",
            rule=Rule(group=left.each_sector, headroom=left.sector_headroom, shares=" of the sector"),
        )},
    )  # fmt: skip
    max_gross_exposure_percent: Decimal = field(
        default=Decimal(200),
        metadata={ROW: Limit(
            label="Gross exposure", section=Section.EXPOSURE, kind=Kind.PERCENT, stricter=smaller,
            bounds=_AT_LEAST_ZERO, note="the sum of all positions, shorts counted as positive",
            code="GROSS_LIMIT", sentence="the gross exposure limit", outcome="DENIED",
            rule=Rule(group=left.everything, headroom=left.gross_headroom, shares=" of gross exposure"),
        )},
    )  # fmt: skip
    max_net_exposure_percent: Decimal | None = field(
        default=None,
        metadata={ROW: Limit(
            label="Net exposure", section=Section.EXPOSURE, kind=Kind.PERCENT, stricter=smaller,
            bounds=_AT_LEAST_ZERO, note="longs less shorts, whichever side is the larger",
            code="NET_LIMIT", sentence="the net exposure limit", outcome="DENIED",
            rule=Rule(
                group=left.each_direction, headroom=left.net_headroom, shares=" of net exposure",
                offset_by={left.LONGS: left.SHORTS, left.SHORTS: left.LONGS},
            ),
        )},
    )  # fmt: skip
    cash_reserve_percent: Decimal = field(
        default=ZERO,
        metadata={ROW: Limit(
            label="Cash reserve", section=Section.ORDERS, kind=Kind.PERCENT, stricter=larger,
            bounds=_UP_TO_ALL, note="cash that purchases leave untouched",
            code="INSUFFICIENT_CASH", sentence="the available cash", outcome="DENIED",
            rule=Rule(
                group=left.everything, headroom=left.cash_headroom, measure=Measure.CASH, shares=" of cash"
            ),
        )},
    )  # fmt: skip
    max_orders_per_run: int | None = field(
        default=None,
        metadata={ROW: Limit(
            label="Orders per run", section=Section.ORDERS, kind=Kind.COUNT, stricter=smaller,
            bounds=_AT_LEAST_ZERO, note="exits always go",
            code="ORDERS_PER_RUN", sentence="the limit on orders per run", outcome="DENIED",
            rule=Rule(
                group=left.everything, headroom=left.count_headroom, measure=Measure.ORDERS, scales=False
            ),
        )},
    )  # fmt: skip
    min_order_value: Decimal = field(
        default=ZERO,
        metadata={ROW: Limit(
            label="Smallest order", section=Section.ORDERS, kind=Kind.CASH, stricter=larger,
            bounds=_AT_LEAST_ZERO, note="full exits pass",
            code="BELOW_MINIMUM_ORDER", sentence="the order is below the minimum order value", outcome="SKIPPED",
        )},
    )  # fmt: skip
    drift_band_percent: Decimal = field(
        default=ZERO,
        metadata={ROW: Limit(
            label="Drift band", section=Section.ORDERS, kind=Kind.PERCENT,
            bounds=_UP_TO_ALL, note="drift from a target weight that is not traded; full exits pass",
            code="WITHIN_DRIFT_BAND", sentence="{symbol} is within the drift band of its target",
            outcome="SKIPPED",
        )},
    )  # fmt: skip
    restricted_symbols: frozenset[str] = field(
        default=frozenset(),
        metadata={ROW: Limit(
            label="Restricted symbols", section=Section.EXPOSURE, kind=Kind.SYMBOLS, stricter=either,
            note="may only be reduced",
            code="RESTRICTED_SYMBOL", outcome="DENIED",
            sentence="{symbol} is restricted to orders that reduce a position",
        )},
    )  # fmt: skip
    allow_short: bool = field(
        default=False,
        metadata={ROW: Limit(
            label="Short selling", section=Section.SHORTS, kind=Kind.FLAG, stricter=both,
            code="SHORT_NOT_ALLOWED", sentence="the policy does not allow short selling", outcome="DENIED",
        )},
    )  # fmt: skip
    whole_share_shorts: bool = field(
        default=False,
        metadata={ROW: Limit(
            label="Shorts in whole units", section=Section.SHORTS, kind=Kind.FLAG, stricter=either,
            code="BELOW_STEP", sentence="the size is less than one quantity step of {symbol}", outcome="SKIPPED",
        )},
    )  # fmt: skip
    short_margin_percent: Decimal = field(
        default=Decimal(50),
        metadata={ROW: Limit(
            label="Margin on shorts", section=Section.SHORTS, kind=Kind.PERCENT, stricter=larger,
            bounds=_AT_LEAST_ZERO, note="cash kept aside on top of a short's value, in percent of that value",
            code="INSUFFICIENT_CASH", sentence="the available cash", outcome="DENIED",
        )},
    )  # fmt: skip
    price_band_percent: Decimal = field(
        default=Decimal(25),
        metadata={ROW: Limit(
            label="Price band", section=Section.RESEARCH, kind=Kind.PERCENT, stricter=smaller,
            bounds=_AT_LEAST_ZERO,
            note="how far a price may be from the last close or the research's claim, in percent of either",
            code="PRICE_OUT_OF_BAND", sentence="the price of {symbol} has to be confirmed", outcome="QUARANTINED",
        )},
    )  # fmt: skip
    max_research_age_hours: int | None = field(
        default=None,
        metadata={ROW: Limit(
            label="Oldest research", section=Section.RESEARCH, kind=Kind.HOURS, stricter=smaller,
            bounds=_AT_LEAST_ZERO, note="older research waits for a person",
            code="RESEARCH_TOO_OLD", sentence="the research is older than the policy allows",
            outcome="QUARANTINED",
        )},
    )  # fmt: skip
    defer_hours: int = field(
        default=72,
        metadata={ROW: Limit(
            label="Deferral", section=Section.RESEARCH, kind=Kind.HOURS, stricter=smaller,
            bounds=_AT_LEAST_ZERO,
            note="for how long a line that something passing stopped is tried again, from the request's first run",
        )},
    )  # fmt: skip
    require_open_market: bool = field(
        default=False,
        metadata={ROW: Limit(
            label="Only while the market is open", section=Section.RESEARCH, kind=Kind.FLAG, stricter=either,
            code="MARKET_CLOSED", sentence="the policy requires the market to be open", outcome="REFUSED",
        )},
    )  # fmt: skip
    all_or_nothing: bool = field(
        default=False,
        metadata={ROW: Limit(
            label="All lines or none", section=Section.RESEARCH, kind=Kind.FLAG, stricter=either,
            code="ALL_OR_NOTHING", sentence="the policy executes all lines or none", outcome="REFUSED",
        )},
    )  # fmt: skip
    on_breach: str = field(
        default="clamp",
        metadata={ROW: Limit(
            label="On a breach", section=Section.EXECUTION, kind=Kind.WORD, stricter=last_word,
            words=("clamp", "reject"),
        )},
    )  # fmt: skip
    rounding: str = field(
        default="ROUND_HALF_EVEN",
        metadata={ROW: Limit(
            label="Rounding", section=Section.EXECUTION, kind=Kind.WORD, words=("ROUND_HALF_EVEN", "ROUND_DOWN")
        )},
    )  # fmt: skip


LIMITS: tuple[Limit, ...] = tuple(
    replace(each.metadata[ROW], field=each.name, default=each.default) for each in fields(RiskLimits)
)

# What a fill costs is no limit, but it stands in the same table, and people set it on the same pages.
COSTS: tuple[Limit, ...] = tuple(
    Limit(label=label, section=Section.COSTS, kind=kind, bounds=bounds, field=name, default=ZERO)
    for name, label, kind, bounds in (
        ("commission_per_order", "Commission per order", Kind.CASH, _AT_LEAST_ZERO),
        ("commission_per_share", "Commission per unit", Kind.PER_UNIT, _AT_LEAST_ZERO),
        ("commission_bps", "Commission on the notional", Kind.BASIS_POINTS, _AT_LEAST_ZERO),
        ("commission_minimum", "Least commission", Kind.CASH, _AT_LEAST_ZERO),
        ("slippage_bps", "Slippage", Kind.BASIS_POINTS, Bounds(most=Decimal(10_000), most_allowed=False)),
    )
)

FIELDS: tuple[Limit, ...] = (*LIMITS, *COSTS)


def value_problems(given: Mapping[str, object]) -> dict[str, str]:
    """Return what is wrong with values of a policy that somebody typed, by field; an empty one is the system's."""
    found = {row.field: row.problem_with(given[row.field]) for row in FIELDS if given.get(row.field) is not None}
    return {name: problem for name, problem in found.items() if problem is not None}


def settings_problems(given: object) -> list[str]:
    """Return what is wrong with limits that somebody set by name: unknown names, values that cannot be used."""
    if not isinstance(given, Mapping):
        return ["must be a dictionary of limits by name"]
    rows = {row.field: row for row in LIMITS}
    unknown = [f"{name} is no limit" for name in given if name not in rows]
    wrong = [(name, rows[name].problem_with(value)) for name, value in given.items() if name in rows]
    return unknown + [f"{name} {problem}, not {given[name]!r}" for name, problem in wrong if problem is not None]


def by_section(rows: Iterable[Limit] = FIELDS) -> dict[Section, list[Limit]]:
    """Return the rows by section, in the order in which people read them."""
    found: dict[Section, list[Limit]] = {section: [] for section in Section}
    for row in rows:
        found[row.section].append(row)
    return found


def stricter_values(system: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the limits in force by name: of each the stricter one."""
    return {row.field: row.stricter(system[row.field], own[row.field]) for row in LIMITS}
