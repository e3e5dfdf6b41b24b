"""Every way to write a size -> percent of the account's total value, where its unit is beyond doubt.

The unit comes from the name of the field, then from the largest value of the whole document. A size in another unit
(shares, money, a part of a position) is never converted: nothing here knows a price or a holding.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from common.money import HUNDRED, ZERO
from common.text import brief, field_name, one_line
from execution.engine.parsing.mapping_rules import Rules, SizeUnit, Unclear
from execution.engine.vocabulary import Code, RecommendedAction

PERCENT_FIELDS = (
    "allocation_percent", "allocation_percentage", "allocation_pct", "percentage_of_portfolio", "portfolio_percent",
    "position_size_percent", "weight_percent", "weight_pct", "target_weight_pct",
)  # fmt: skip

# Written as percent (8.0) and as a fraction (0.08, up to 0.3). The document's largest value tells: above
# LARGEST_FRACTION it can only be percent; at or below it, both readings are possible.
PCT_FIELD = "position_size_pct"
LARGEST_FRACTION = Decimal(2)

# A weight is a share of the whole, and percent where the document has values above LARGEST_FRACTION. It is a share
# where no weight is above 0.30 and all together not above a whole, or where they add up to a whole. Half a percent
# and half of everything look alike: anything else is unclear. A negative weight is a short.
WEIGHT_FIELDS = ("weight", "target_weight")
LARGEST_USUAL_WEIGHT = Decimal("0.30")
_WHOLE = (Decimal("0.95"), Decimal("1.01"))  # a whole, with its rounding

# These names say no unit. Text with a percent sign does: "5% of portfolio".
UNITLESS_FIELDS = ("position_sizing", "position_size", "allocation", "size", "percent", "percentage")

OTHER_UNITS: Mapping[str, str] = {
    **dict.fromkeys(("quantity", "shares", "qty", "target_qty", "units", "contracts"), "a number of units"),
    **dict.fromkeys(
        ("allocation_usd", "suggested_amount", "amount", "amount_usd", "dollar_amount", "notional"),
        "an amount of money",
    ),
    "delta_weight": "a change of weight",
    **dict.fromkeys(("suggested_trim_pct", "trim_pct"), "a part of the position"),
}
LEVERAGE_FIELD = "leverage"

# Words in the names of other fields that speak of an amount: `sell_quantity`, `num_shares`, `percent_to_sell`.
AMOUNT_WORDS = frozenset(
    {"quantity", "qty", "shares", "units", "lots", "contracts", "amount", "trim", "portion", "sell", "reduce"}
)

SIZE_FIELDS = (*PERCENT_FIELDS, PCT_FIELD, *WEIGHT_FIELDS, *UNITLESS_FIELDS)
OTHER_FIELDS = (*OTHER_UNITS, LEVERAGE_FIELD)

_NEEDS_SIZE = {RecommendedAction.BUY, RecommendedAction.SELL_SHORT}
_HARMLESS = {Code.SIZE_UNIT_UNCLEAR, Code.SIZE_UNIT_UNSUPPORTED, Code.SIZE_NOT_A_NUMBER}
_LONGEST = 64  # characters of a size in words
_SIZE_IN_WORDS = re.compile(
    r"(?:allocate )?(?P<number>\d{1,6}(?:\.\d{1,6})?) ?(?:%|percent)"
    r"(?: of (?:the |your |total )*(?:portfolio|account|total value|nav)(?: value)?)?\.?",
    re.ASCII | re.IGNORECASE,
)
_RANGE = re.compile(r"\d[\d.]* ?%? ?(?:-|\u2013|to) ?\d", re.ASCII)


@dataclass(frozen=True, slots=True)
class SizeScales:
    """The units that the whole document shows, by field; None where both readings are possible."""

    units: Mapping[str, SizeUnit | None]


def size_scales(lines: Iterable[Mapping[str, Decimal | str]], rules: Rules) -> SizeScales:
    """Return the unit of every size field: by a person's rules, else its name, else the values of all lines."""
    values: dict[str, list[Decimal]] = {}
    for line in lines:
        for name, value in line.items():
            if isinstance(value, Decimal) and value:
                values.setdefault(name, []).append(value)
    weights = [value for name in WEIGHT_FIELDS for value in values.get(name, ())]
    units: dict[str, SizeUnit | None] = dict.fromkeys(PERCENT_FIELDS, SizeUnit.PERCENT)
    units |= {PCT_FIELD: _unit_of_pct(values.get(PCT_FIELD, ()))}
    units |= dict.fromkeys(WEIGHT_FIELDS, _unit_of_weights(weights))
    units |= {field_name(name): unit for name, unit in rules.size_units.items()}
    return SizeScales(units)


_REASONS = {
    PCT_FIELD: f"could be percent or a fraction, as no value in the document is above {LARGEST_FRACTION}",
    **dict.fromkeys(WEIGHT_FIELDS, "could be percent or a fraction by the weights of the document"),
}


def _unit_of_pct(values: Sequence[Decimal]) -> SizeUnit | None:
    return SizeUnit.PERCENT if max(values, default=HUNDRED) > LARGEST_FRACTION else None


def _unit_of_weights(values: Sequence[Decimal]) -> SizeUnit | None:
    shares = [abs(value) for value in values]
    largest, total = max(shares, default=ZERO), sum(shares, ZERO)
    if largest > LARGEST_FRACTION:
        return SizeUnit.PERCENT
    is_whole = largest < 1 and _WHOLE[0] <= total <= _WHOLE[1]
    is_usual = largest <= LARGEST_USUAL_WEIGHT and total <= _WHOLE[1]
    return SizeUnit.FRACTION if is_whole or is_usual else None


def read_size(
    sizes: Mapping[str, Decimal | str],
    others: Mapping[str, object],
    *,
    action: RecommendedAction,
    scales: SizeScales,
) -> Decimal | Unclear | None:
    """Return the size in percent (0 to 100), None where there is none and none is needed, or why it is not clear.

    `sizes` are the line's fields of `SIZE_FIELDS`, `others` those of `OTHER_FIELDS` and what else
    speaks of an amount; both without nulls.
    """
    found = _read(sizes, others, action=action, scales=scales)
    # A HOLD trades nothing, in whatever unit.
    is_harmless = isinstance(found, Unclear) and action is RecommendedAction.HOLD and found.code in _HARMLESS
    return None if is_harmless else found


def _read(
    sizes: Mapping[str, Decimal | str],
    others: Mapping[str, object],
    *,
    action: RecommendedAction,
    scales: SizeScales,
) -> Decimal | Unclear | None:
    read = {name: _percent(name, value, scales) for name, value in sizes.items() if value != ""}
    percents = {name: value for name, value in read.items() if isinstance(value, Decimal)}
    doubts = [value for name, value in read.items() if isinstance(value, Unclear)]
    unsupported = _unsupported(others, action=action, is_sized=bool(percents))
    if unsupported is not None:
        return unsupported
    if not percents:
        return doubts[0] if doubts else _missing(action)
    return _settled(percents, sizes, action=action)


def _percent(name: str, value: Decimal | str, scales: SizeScales) -> Decimal | Unclear:
    if isinstance(value, str):
        return _percent_in_words(name, value)
    unit = scales.units.get(name)
    if unit is SizeUnit.FRACTION:
        return value * HUNDRED
    if unit is SizeUnit.PERCENT or not value:  # nothing is nothing in either unit
        return value
    message = f"field '{name}' is {value}: {_REASONS.get(name, 'its unit is not said')}"
    hint = f"write it as allocation_percent, or say which unit '{name}' has"
    return Unclear(Code.SIZE_UNIT_UNCLEAR, message, hint, name, str(value))


def _percent_in_words(name: str, text: str) -> Decimal | Unclear:
    """Read "10%" and "5% of portfolio". A number in quotation marks without its sign is no size."""
    words = " ".join(text[:_LONGEST].split())
    match = _SIZE_IN_WORDS.fullmatch(words)
    if match and len(text) <= _LONGEST:
        return Decimal(match["number"])
    is_range = _RANGE.search(words) is not None
    hint = "a range is no size: write one percentage" if is_range else "write a number in percent"
    return Unclear(
        Code.SIZE_NOT_A_NUMBER, f"field '{name}' is {one_line(text)}: not a number", hint, name, brief(text)
    )


def _unsupported(others: Mapping[str, object], *, action: RecommendedAction, is_sized: bool) -> Unclear | None:
    """What stands in another unit, unless a percentage says the size of a purchase.

    A SELL closes everything: one that names a quantity may mean less, whatever else it says.
    """
    leverage = others.get(LEVERAGE_FIELD)
    if isinstance(leverage, Decimal) and leverage not in (0, 1):
        return _other_unit(LEVERAGE_FIELD, leverage, "there is no leverage here")
    if is_sized and action is not RecommendedAction.SELL:
        return None
    for name, value in others.items():
        if name != LEVERAGE_FIELD:
            unit = OTHER_UNITS.get(name, "an amount")
            return _other_unit(name, value, f"{unit}, not percent of the account")
    return None


def _other_unit(name: str, value: object, rule: str) -> Unclear:
    message = f"field '{name}' is {one_line(value)}: {rule}"
    hint = "write the size as allocation_percent"
    return Unclear(Code.SIZE_UNIT_UNSUPPORTED, message, hint, name, brief(value))


def _missing(action: RecommendedAction) -> Unclear | None:
    if action not in _NEEDS_SIZE:
        return None
    message = f"{action} needs a size: 'allocation_percent' is missing"
    return Unclear(Code.SIZE_MISSING, message, "write the size as allocation_percent", "allocation_percent")


def _settled(
    percents: Mapping[str, Decimal],
    sizes: Mapping[str, Decimal | str],
    *,
    action: RecommendedAction,
) -> Decimal | Unclear:
    """Return the one percentage that all the fields of a line agree on."""
    name, size = next(iter(percents.items()))
    for other, value in sizes.items():
        if not _may_mean(other, value, size, percents):
            message = f"'{name}' and '{other}' differ: {brief(sizes[name])} and {brief(value)}"
            return Unclear(Code.SIZE_UNIT_UNCLEAR, message, "write one size", other, brief(value))
    return percent_in_range(name, size, action=action)


def _may_mean(name: str, value: Decimal | str, size: Decimal, percents: Mapping[str, Decimal]) -> bool:
    """Whether a field agrees with `size`, which another one says plainly; one that says no unit is a remark."""
    if name in percents:
        return percents[name] == size
    if not isinstance(value, Decimal) or name in UNITLESS_FIELDS:
        return True
    return size == value or (name != PCT_FIELD and size == value * HUNDRED)


def percent_in_range(name: str, size: Decimal, *, action: RecommendedAction) -> Decimal | Unclear:
    """Return the percentage that field `name` gives as a size from 0 to 100, or why it cannot be one."""
    if name in WEIGHT_FIELDS and size < 0 and action is RecommendedAction.SELL_SHORT:
        size = -size
    if name == "target_weight" and size > 0 and action is RecommendedAction.SELL:
        message = f"field '{name}' is {size} percent: a SELL closes the whole position"
        hint = "write allocation_percent and execute in target mode to keep a part"
        return Unclear(Code.SIZE_UNIT_UNSUPPORTED, message, hint, name, str(size))
    if size < 0:
        hint = "a short is written as SELL_SHORT"
        message = f"field '{name}' is {size}: a size is not negative"
        return Unclear(Code.SIZE_NEGATIVE, message, hint, name, str(size))
    if size > HUNDRED:
        message = f"field '{name}' is {size}: at most 100 percent"
        return Unclear(Code.SIZE_OUT_OF_RANGE, message, "write a size from 0 to 100", name, str(size))
    return size
