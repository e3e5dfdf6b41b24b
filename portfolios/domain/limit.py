"""What one limit is: a row that says everything that planner, settings, admin, API and pages need to know of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from common.money import CASH_LIMIT, PERCENT_LIMIT, UNIT_LIMIT, ZERO, format_cash, plain
from portfolios.domain.headroom import Group, Headroom


class Section(StrEnum):
    """Where people find a limit: a fieldset of the admin, a part of the strategy's page."""

    EXPOSURE = "Exposure"
    ORDERS = "Orders and cash"
    SHORTS = "Shorts"
    RESEARCH = "Research and prices"
    EXECUTION = "Execution"
    COSTS = "Costs"


class Kind(StrEnum):
    """What the value of a limit is."""

    PERCENT = "percent"  # of the account's total value
    BASIS_POINTS = "basis points"
    CASH = "cash"
    PER_UNIT = "per unit"
    COUNT = "count"
    HOURS = "hours"
    FLAG = "flag"
    WORD = "word"
    SYMBOLS = "symbols"


_DECIMAL_LIMITS = {
    Kind.PERCENT: (PERCENT_LIMIT, 4),
    Kind.BASIS_POINTS: (PERCENT_LIMIT, 4),
    Kind.CASH: (CASH_LIMIT, 2),
    Kind.PER_UNIT: (UNIT_LIMIT, 6),
}
_DIGITS_BEFORE_POINT = {Kind.PERCENT: 5, Kind.BASIS_POINTS: 5, Kind.CASH: 13, Kind.PER_UNIT: 9}
_COUNT_LIMIT = 2**31 - 1  # of an integer column


class Measure(StrEnum):
    """What a rule adds up over the increases of a group."""

    VALUE = "value"  # at the marks
    CASH = "cash"  # taken of what is available, with fees
    ORDERS = "orders"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How the planner holds a basket to a limit: what is counted, in which groups, and what is left for a group.

    Where `scales` is off, what does not fit is refused one by one, whatever the policy does on a breach. A group in
    `offset_by` gets more headroom from what the group beside it grows by. `shares` names in a sentence what the
    increases of one group have to share.
    """

    group: Group
    headroom: Headroom
    measure: Measure = Measure.VALUE
    scales: bool = True
    offset_by: Mapping[str, str] = field(default_factory=dict)
    shares: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The values that a limit may have. An end that is not `allowed` itself is excluded."""

    least: Decimal = ZERO
    most: Decimal | None = None
    least_allowed: bool = True
    most_allowed: bool = True

    def allow(self, value: Decimal) -> bool:
        """Whether `value` is within the bounds."""
        above = value >= self.least if self.least_allowed else value > self.least
        if self.most is None:
            return above
        return above and (value <= self.most if self.most_allowed else value < self.most)

    def __str__(self) -> str:
        least = f"{'at least' if self.least_allowed else 'above'} {self.least:f}"
        if self.most is None:
            return least
        return f"{least} and {'at most' if self.most_allowed else 'below'} {self.most:f}"


# --- how the system's value and a strategy's own become the one in force ---

Stricter = Callable[[Any, Any], Any]


def smaller(system: Any, own: Any) -> Any:
    """The smaller of two limits; None is none."""
    return min((value for value in (system, own) if value is not None), default=None)


def larger(system: Any, own: Any) -> Any:
    """The larger of two."""
    return max(system, own)


def either(system: Any, own: Any) -> Any:
    """What one of the two asks for: a demand, or symbols."""
    return system | own


def both(system: Any, own: Any) -> Any:
    """What both permit."""
    return system and own


def last_word(system: Any, own: Any) -> Any:
    """The word that comes later in the alphabet: "reject" is stricter than "clamp"."""
    return max(system, own)


def own_value(system: Any, own: Any) -> Any:
    """The strategy's own: no limit, but how it wants to trade."""
    return own


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One row. `field` and `default` are those of the column and the policy; None is no limit.

    `code`, `sentence` and `outcome` say how a line ends that the limit stops ("REFUSED": the whole request is), and
    are empty where the field stops nothing. The sentence of a rule is the name of what is exceeded, any other a
    clause. `rule` is there where the planner holds the whole basket to the limit.
    """

    label: str
    section: Section
    kind: Kind
    stricter: Stricter = own_value
    bounds: Bounds | None = None
    words: tuple[str, ...] = ()
    code: str = ""
    sentence: str = ""
    outcome: str = ""
    rule: Rule | None = None
    note: str = ""
    field: str = ""
    default: Any = None

    @property
    def digits(self) -> tuple[int, int]:
        """Digits of a decimal column, in all and after the point."""
        places = _DECIMAL_LIMITS[self.kind][1]
        return _DIGITS_BEFORE_POINT[self.kind] + places, places

    @property
    def may_be_empty(self) -> bool:
        """Whether a strategy may leave it to the system: a number can be missing, a word or a flag cannot."""
        return self.section is not Section.COSTS and self.kind not in (Kind.FLAG, Kind.WORD, Kind.SYMBOLS)

    @property
    def is_decimal(self) -> bool:
        """Whether the value is a Decimal."""
        return self.kind in _DECIMAL_LIMITS

    def typed(self, value: Any) -> Any:
        """Return a stored value as the policy holds it."""
        if value is None:
            return None
        if self.is_decimal:
            return Decimal(value)
        return frozenset(value) if self.kind is Kind.SYMBOLS else value

    def problem_with(self, value: object) -> str | None:
        """Return what is wrong with a value that somebody set, None where it can be used."""
        if value is None:
            return None if self.default is None else "must have a value"
        return _CHECKS[self.kind](self, value)

    def text(self, value: Any) -> str:
        """Return a value in words for people."""
        if value is None:
            return "none"
        return _TEXTS[self.kind](value)


def _wrong_decimal(limit: Limit, value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return "must be a Decimal or a whole number"
    number = Decimal(value)
    ceiling, places = _DECIMAL_LIMITS[limit.kind]
    if not number.is_finite() or abs(number) >= ceiling or number != round(number, places):
        return f"must have at most {places} places and be less than {ceiling:,f}"
    return _out_of_bounds(limit, number)


def _wrong_count(limit: Limit, value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return "must be a whole number"
    return f"must be at most {_COUNT_LIMIT}" if value > _COUNT_LIMIT else _out_of_bounds(limit, Decimal(value))


def _out_of_bounds(limit: Limit, number: Decimal) -> str | None:
    return None if limit.bounds is None or limit.bounds.allow(number) else f"must be {limit.bounds}"


def _wrong_flag(limit: Limit, value: object) -> str | None:
    return None if isinstance(value, bool) else "must be True or False"


def _wrong_word(limit: Limit, value: object) -> str | None:
    return None if value in limit.words else f"must be one of {', '.join(limit.words)}"


def _wrong_symbols(limit: Limit, value: object) -> str | None:
    if not isinstance(value, list | tuple | set | frozenset):
        return "must be a list of symbols"
    fine = all(isinstance(item, str) and item and item == item.upper() for item in value)
    return None if fine else "must be symbols in upper case"


_CHECKS: dict[Kind, Callable[[Limit, object], str | None]] = {
    **dict.fromkeys(_DECIMAL_LIMITS, _wrong_decimal),
    Kind.COUNT: _wrong_count,
    Kind.HOURS: _wrong_count,
    Kind.FLAG: _wrong_flag,
    Kind.WORD: _wrong_word,
    Kind.SYMBOLS: _wrong_symbols,
}
_TEXTS: dict[Kind, Callable[[Any], str]] = {
    Kind.PERCENT: lambda value: f"{plain(value, places=0)} %",
    Kind.BASIS_POINTS: lambda value: f"{plain(value, places=0)} bp",
    Kind.CASH: format_cash,
    Kind.PER_UNIT: lambda value: f"${plain(value)}",
    Kind.COUNT: lambda value: f"{value:,}",
    Kind.HOURS: lambda value: f"{value:,} hour{'' if value == 1 else 's'}",
    Kind.FLAG: lambda value: "yes" if value else "no",
    Kind.WORD: lambda value: str(value).removeprefix("ROUND_").replace("_", " ").lower(),
    Kind.SYMBOLS: lambda value: ", ".join(sorted(value)) or "none",
}
