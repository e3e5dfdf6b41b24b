"""The names that research gives to its fields, and one line as it is written: typed, but not yet understood."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from common.text import MAX_TEXT, brief, clean, field_name, one_line
from execution.engine.parsing.actions import ActionWords
from execution.engine.parsing.mapping_rules import Unclear
from execution.engine.parsing.sizes import AMOUNT_WORDS, OTHER_FIELDS, SIZE_FIELDS
from execution.engine.parsing.symbols import COIN_FIELDS, INSTRUMENT, MAP_KEY, NAME_FIELDS, SYMBOL_FIELDS
from execution.engine.vocabulary import Code

ACTION_FIELDS = ("decision", "recommendation", "signal", "proposal", "rating", "direction", "side")
PROSE_FIELDS = ("rationale", "investment_thesis")
REASON_FIELDS = ("reasoning", "reason", "justification", "thesis", "key_factors")
TARGET_FIELDS = ("target_price", "price_target", "profit_target")


def _cleaned(value: object) -> object:
    """Clean text before it is checked: half an emoji (a lone surrogate) must not cost the line its trade."""
    return clean(value) if isinstance(value, str) else value


_Prose = Annotated[Annotated[str, Field(max_length=MAX_TEXT)], BeforeValidator(_cleaned)]


class RawRecommendation(BaseModel):
    """One line as it is written: its known fields in groups, by name, without nulls.

    The order within a group is that of its table, so that the first one present is the one that counts.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    symbols: dict[str, str]
    names: dict[str, object]
    action: dict[str, str]
    others: dict[str, object]
    sizes: dict[str, Decimal | str]
    other_sizes: dict[str, object]
    prose: dict[str, _Prose]
    reasons: dict[str, object]
    confidence: object
    current_price: object
    target_price: object

    @property
    def coin(self) -> str:
        """The coin that the line says it is about, or nothing."""
        said = (self.names.get(name) for name in COIN_FIELDS)
        return next((name.strip() for name in said if isinstance(name, str) and name.strip()), "")

    def action_words(self, *, lettered: bool, evidence: str) -> ActionWords:
        """Return the words for what to do; `evidence` says where the document speaks of a short, or is empty."""
        words = [(name, text) for name, text in {**self.action, **self.others}.items() if isinstance(text, str)]
        texts = [*self.prose.values(), *(text for text in self.reasons.values() if isinstance(text, str))]
        return ActionWords([pair for pair in words if pair[1].strip()], texts, lettered=lettered, evidence=evidence)


KNOWN_FIELDS = frozenset(
    {
        *SYMBOL_FIELDS, *NAME_FIELDS, "instrument", "action", *ACTION_FIELDS, *SIZE_FIELDS, *OTHER_FIELDS,
        *PROSE_FIELDS, *REASON_FIELDS, "confidence", "current_price", *TARGET_FIELDS,
    }
)  # fmt: skip

NOTHING_WRITTEN = RawRecommendation(
    symbols={}, names={}, action={}, others={}, sizes={}, other_sizes={}, prose={}, reasons={},
    confidence=None, current_price=None, target_price=None,
)  # fmt: skip

_GROUPS: Mapping[str, tuple[str, ...]] = {
    "names": NAME_FIELDS,
    "action": ("action",),
    "others": ACTION_FIELDS,
    "sizes": SIZE_FIELDS,
    "prose": PROSE_FIELDS,
    "reasons": REASON_FIELDS,
}

_CODES = {
    "symbols": Code.SYMBOL_INVALID,
    "action": Code.ACTION_UNKNOWN,
    "sizes": Code.SIZE_NOT_A_NUMBER,
}

_RULES = {
    "string_type": "not text",
    "string_too_long": f"longer than {MAX_TEXT:,} characters",
    "is_instance_of": "not a number",
}


@dataclass(frozen=True, slots=True)
class Named:
    """A line's fields by their canonical names, and the known ones that are written twice and differ."""

    fields: dict[str, object]
    twice: tuple[str, ...]


def named(value: Mapping[str, object]) -> Named:
    """Return an object's fields by the names that the tables have: `weightPct` is `weight_pct`.

    JSON refuses a key that stands twice; `Action` beside `action` is the same in other clothes.
    """
    fields: dict[str, object] = {}
    twice: list[str] = []
    for written, field in value.items():
        name = field_name(written)
        if name in KNOWN_FIELDS and name in fields and fields[name] != field:
            twice.append(name)
        fields.setdefault(name, field)
    return Named(fields, tuple(twice))


def raw_line(value: object, *, key: str | None, twice: Sequence[str] = ()) -> RawRecommendation | Unclear:
    """Return a line with its known fields, or why it cannot be read.

    `value` has canonical names, `twice` lists the ambiguous ones; `key` is the line's name in a map, if any.
    """
    if twice:
        message = f"field '{twice[0]}' is written twice, and differs"
        return Unclear(Code.FIELD_INVALID, message, "write each field once", twice[0])
    if not isinstance(value, dict):
        hint = "write the line as an object with symbol, action and allocation_percent"
        message = f"the line is not a JSON object but {one_line(value)}"
        return Unclear(Code.LINE_NOT_AN_OBJECT, message, hint)
    try:
        return RawRecommendation.model_validate(_grouped(value, key))
    except ValidationError as error:
        return _invalid(error)


def written_symbols(value: Mapping[str, object], key: str | None) -> dict[str, object]:
    """Return the fields that say a symbol, without nulls and blanks: a map's key, symbol, ticker, instrument."""
    instrument = value.get("instrument")
    inner = instrument.get("symbol") if isinstance(instrument, dict) else None
    found = {MAP_KEY: key, **{name: value.get(name) for name in SYMBOL_FIELDS}, INSTRUMENT: inner}
    return {name: text for name, text in found.items() if not _is_blank(text)}


def _is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _grouped(value: dict[str, object], key: str | None) -> dict[str, object]:
    groups: dict[str, object] = {group: _given(value, names) for group, names in _GROUPS.items()}
    return {
        **groups,
        "other_sizes": {**_given(value, OTHER_FIELDS), **_other_amounts(value)},
        "symbols": written_symbols(value, key),
        "confidence": value.get("confidence"),
        "current_price": value.get("current_price"),
        "target_price": next((value[name] for name in TARGET_FIELDS if value.get(name) is not None), None),
    }


def _given(value: Mapping[str, object], names: Sequence[str]) -> dict[str, object]:
    return {name: value[name] for name in names if value.get(name) is not None}


def _other_amounts(value: Mapping[str, object]) -> dict[str, object]:
    """Fields whose names nobody knows, but which speak of an amount: a sale may mean no more than that."""
    return {
        name: field
        for name, field in value.items()
        if name not in KNOWN_FIELDS
        and isinstance(field, Decimal | str)
        and not AMOUNT_WORDS.isdisjoint(name.split("_"))
    }


def _invalid(error: ValidationError) -> Unclear:
    first = error.errors(include_url=False, include_context=False)[0]
    group, name = str(first["loc"][0]), str(first["loc"][1])
    rule = _RULES.get(first["type"], first["msg"].lower())
    message = f"field '{name}' is {one_line(first['input'])}: {rule}"
    code = _CODES.get(group, Code.FIELD_INVALID)
    return Unclear(code, message, f"write '{name}' as {_WANTED.get(group, 'text')}", name, brief(first["input"]))


_WANTED = {"sizes": "a number in percent"}
