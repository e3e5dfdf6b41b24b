"""The fields of a line that name a symbol -> its canonical form: upper case, the class behind a point (BRK.B).

How a symbol may be written stands in common/identifiers: it is the same here as at every other entrance.
"""

from collections.abc import Mapping

from common import identifiers
from common.text import brief, one_line
from execution.engine.parsing.mapping_rules import Rules, Unclear
from execution.engine.vocabulary import Code

SYMBOL_FIELDS = ("symbol", "ticker")  # say a symbol, in any case
INSTRUMENT = "instrument.symbol"
MAP_KEY = "key"  # the name of a line that stands in a map
# May say a symbol, a company's name or a class of assets: a symbol only where it stands in capitals.
NAME_FIELDS = ("stock", "company_of_interest", "coin", "base_asset", "asset", "code")
COIN_FIELDS = ("coin", "base_asset")  # a coin, and a security may have the same letters
_KIND_FIELDS = ("asset", "code")  # beside a symbol they say something else: EQUITY, XNAS


def read_symbol(written: str, *, rules: Rules, field: str = "symbol") -> str | Unclear:
    """Return the canonical symbol that research means by `written`, or why it is not clear.

    A person's rule comes first; everything else is read as at every other entrance.
    """
    mapped = rules.symbol(written)
    if mapped is not None:
        return mapped
    found = identifiers.read_symbol(written)
    return found if isinstance(found, str) else _unclear(field, written, found.rule, found.suggestion)


def resolved_symbol(written: str) -> str | Unclear:
    """Return the symbol of a person's answer to a line, or why it is not clear."""
    found = identifiers.read_declared_symbol(written)
    return found if isinstance(found, str) else _unclear("symbol", written, found.rule, found.suggestion)


def line_symbol(said: Mapping[str, str], names: Mapping[str, object], *, rules: Rules) -> str | Unclear:
    """Return the one symbol that the fields of a line agree on, or why it is not clear.

    `said` are the map's key and the fields for symbols, without blanks; `names` those of `NAME_FIELDS`. A key or a
    name counts where it stands in capitals; beside a symbol, one that is not readable is a remark.
    """
    plain = {field: text for field, text in said.items() if field != MAP_KEY}
    loose = {field: text for field, text in said.items() if field == MAP_KEY}
    loose |= {
        field: text
        for field, text in names.items()
        if isinstance(text, str) and text.strip() and not (plain and field in _KIND_FIELDS)
    }
    read = {field: read_symbol(text, rules=rules, field=field) for field, text in plain.items()}
    unclear = next((found for found in read.values() if isinstance(found, Unclear)), None)
    if unclear is not None:
        return unclear
    others = {field: _in_capitals(field, text, rules) for field, text in loose.items()}
    return _agreed({**plain, **loose}, {**read, **others})


def _in_capitals(field: str, text: str, rules: Rules) -> str | Unclear:
    if text == text.upper() or rules.symbol(text) is not None:
        return read_symbol(text, rules=rules, field=field)
    return _unclear(field, text, "a name, or a symbol that is not in capitals")


def _agreed(written: Mapping[str, str], read: Mapping[str, str | Unclear]) -> str | Unclear:
    known = {field: found for field, found in read.items() if isinstance(found, str)}
    if len(set(known.values())) == 1:
        return next(iter(known.values()))
    if known:
        fields = " and ".join(f"'{field}'" for field in known)
        texts = " / ".join(sorted({written[field].strip() for field in known}))
        message = f"fields {fields} differ: {one_line(texts)}"
        return Unclear(Code.SYMBOL_INVALID, message, "write one symbol", next(iter(known)), brief(texts))
    unclear = next((found for found in read.values() if isinstance(found, Unclear)), None)
    missing = "field 'symbol' (or 'ticker') is missing"
    return unclear or Unclear(Code.SYMBOL_MISSING, missing, "write the symbol of each line", "symbol")


def _unclear(field: str, written: str, rule: str, suggestion: str = identifiers.MAP_IT) -> Unclear:
    message = f"field '{field}' is {one_line(written)}: {rule}"
    return Unclear(Code.SYMBOL_INVALID, message, suggestion, field, brief(written))
