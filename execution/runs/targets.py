"""Target weights as people write them -> percent by symbol, or why they are not clear.

A weight is percent of the account's total value. Fractions of one look like small percentages, a table's last row
may be its sum, and cash has a symbol of its own: what could mean something else is refused by name, never bought.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate
from pathlib import Path

from common.identifiers import CASH_WORDS, NoSymbol
from common.money import HUNDRED, ZERO, parse_number, plain
from common.text import one_line
from execution.arguments import find_symbol
from execution.engine.parsing.json_decoding import MAX_BYTES, decode
from execution.engine.vocabulary import Code, Refusal
from execution.tables import DESCRIPTIVE, Columns, read_table
from execution.untrusted_files import read_regular_file

COLUMNS = Columns(required=("symbol", "percent"), descriptive=DESCRIPTIVE)
CASH = "CASH"  # what the other targets leave
PERCENT_SIGN = "%"

_SUMS = ("TOTAL", "TOTALS", "SUM", "GRAND TOTAL", "SUBTOTAL")
_PLACES = 6
_ROUNDING = Decimal("0.5")  # percent by which CASH may miss what the rounded others leave
# As fractions of one: weights up to the whole, long and short together up to twice of it, or a whole on balance.
_MOST_IN_FRACTIONS = Decimal(2)
_WHOLE = (Decimal("0.95"), Decimal("1.05"))


@dataclass(frozen=True, slots=True)
class _Written:
    """A weight as it stands in `where`."""

    where: str
    name: str
    weight: str


@dataclass(frozen=True, slots=True)
class _Target:
    """A weight in percent; `says_percent`: written with its sign, `has_places`: with digits behind a point."""

    where: str
    symbol: str
    percent: Decimal
    says_percent: bool
    has_places: bool


def parse_targets(pairs: Iterable[str]) -> dict[str, Decimal] | Refusal:
    """Return the weights in percent from `SYMBOL=PCT`, or what is wrong; a weight below zero is a short."""
    written: list[_Written] = []
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            return Refusal(Code.BAD_TARGET, f"target {one_line(pair)}: not of the form SYMBOL=PERCENT")
        written.append(_Written(f"target {one_line(pair)}", name, text))
    return _read(written, repeated="is given twice", is_typed=True)


def targets_of(weights: Mapping[str, str]) -> dict[str, Decimal] | Refusal:
    """Return the weights in percent by symbol, as a caller sends them, or what is wrong with one of them."""
    written = [_Written(f"targets.{one_line(name)}", name, text) for name, text in weights.items()]
    return _read(written, repeated="is given twice", is_typed=False)


def read_targets(path: Path) -> dict[str, Decimal] | Refusal:
    """Return the weights in a CSV file `symbol,percent` or a JSON object {symbol: percent}, or what is wrong."""
    content = read_regular_file(path, limit=MAX_BYTES)
    if isinstance(content, Refusal):
        return content
    rows = _json_rows(content) if path.suffix.lower() == ".json" else _csv_rows(content)
    found = rows if isinstance(rows, Refusal) else _read(rows, repeated="stands twice", is_typed=False)
    return Refusal(Code.BAD_TARGET, f"{path}: {found.message}") if isinstance(found, Refusal) else found


def _csv_rows(content: bytes) -> list[_Written] | Refusal:
    rows = read_table(content, columns=COLUMNS)
    if isinstance(rows, Refusal):
        return rows
    return [_Written(row.place, row.cells["symbol"], row.cells["percent"]) for row in rows]


def _json_rows(content: bytes) -> list[_Written] | Refusal:
    value = decode(content)
    if isinstance(value, Refusal):
        return value
    if not isinstance(value, dict):
        return Refusal(Code.BAD_TARGET, "not a JSON object of the form {symbol: percent}")
    return [_Written(f"key {one_line(name)}", name, str(weight)) for name, weight in value.items()]


def _read(rows: Iterable[_Written], *, repeated: str, is_typed: bool) -> dict[str, Decimal] | Refusal:
    targets: dict[str, _Target] = {}
    for row in rows:
        target = _target(row)
        if isinstance(target, Refusal):
            return target
        if target.symbol in targets:
            return Refusal(Code.BAD_TARGET, f"{row.where}: {target.symbol} {repeated}")
        targets[target.symbol] = target
    cash = targets.pop(CASH, None)
    found = list(targets.values())
    refused = (
        _fractions(found, is_typed=is_typed) or _above_the_whole(found) or (cash and _not_what_is_left(cash, found))
    )
    return refused or {target.symbol: target.percent for target in found}


def _target(row: _Written) -> _Target | Refusal:
    symbol = _symbol(row)
    if isinstance(symbol, Refusal):
        return symbol
    text = row.weight.strip()
    says_percent = text.endswith(PERCENT_SIGN)
    percent = parse_number(text.removesuffix(PERCENT_SIGN))
    if percent is None:
        hint = ", which has no comma: 1250.5" if "," in text else ""
        return Refusal(Code.BAD_TARGET, f"{row.where}: {one_line(row.weight)} is not a number{hint}")
    exponent = percent.as_tuple().exponent
    most = 2 * HUNDRED if symbol == CASH else HUNDRED  # with shorts, their proceeds are cash as well
    if not isinstance(exponent, int) or exponent < -_PLACES or not -HUNDRED <= percent <= most:
        rule = "is not a percentage from -100 to 100"
        return Refusal(Code.BAD_TARGET, f"{row.where}: {one_line(row.weight)} {rule}")
    return _Target(row.where, symbol, percent, says_percent, has_places=exponent < 0)


def _symbol(row: _Written) -> str | Refusal:
    name = " ".join(row.name.upper().split())
    if name == CASH:
        return CASH
    if name in _SUMS:
        return Refusal(Code.BAD_TARGET, f"{row.where}: {one_line(row.name)} is a sum and no symbol: leave it out")
    if name in CASH_WORDS:
        rule = f"cash, and a security may have the same symbol: write {CASH} for what is left over"
        return Refusal(Code.BAD_TARGET, f"{row.where}: {one_line(row.name)} is {rule}")
    symbol = find_symbol(row.name)
    if isinstance(symbol, NoSymbol):
        return Refusal(Code.BAD_TARGET, f"{row.where}: {one_line(row.name)} is not a symbol: {symbol.rule}")
    return symbol


def _fractions(targets: Sequence[_Target], *, is_typed: bool) -> Refusal | None:
    """Refuse weights that may be fractions of one, unless one of them says that percent is meant.

    Numbers without places are percent, as a fraction of one has some; but for a single 1 that a program wrote.
    """
    sizes = [abs(target.percent) for target in targets]
    largest, gross = max(sizes, default=ZERO), sum(sizes, ZERO)
    balance = sum((target.percent for target in targets), ZERO)
    is_small = largest <= 1 or _WHOLE[0] <= balance <= _WHOLE[1]
    if not is_small or not 0 < gross <= _MOST_IN_FRACTIONS or any(target.says_percent for target in targets):
        return None
    is_one = balance == 1 and not is_typed
    first = next((target for target in targets if target.has_places or (is_one and target.percent == 1)), None)
    if first is None:
        return None
    meant, written = plain(first.percent * HUNDRED, places=0), plain(first.percent, places=0)
    choice = f"write percent, {meant} or {written}{PERCENT_SIGN}, whichever is meant"
    return Refusal(
        Code.BAD_TARGET, f"{first.where}: {first.symbol} is {written}, perhaps a fraction of one: {choice}"
    )


def _above_the_whole(targets: Sequence[_Target]) -> Refusal | None:
    """Refuse more than the whole account in longs: there is no credit to buy the rest with."""
    longs = [target for target in targets if target.percent > 0]
    totals = list(accumulate(target.percent for target in longs))
    passing = next((target for target, total in zip(longs, totals, strict=True) if total > HUNDRED), None)
    if passing is None:
        return None
    rule = f"the targets pass 100 percent: they are {plain(totals[-1], places=0)} in all"
    return Refusal(Code.BAD_TARGET, f"{passing.where}: with {passing.symbol} {rule}")


def _not_what_is_left(cash: _Target, targets: Sequence[_Target]) -> Refusal | None:
    """Refuse a target for cash that is not what the others leave, up to their rounding: nothing would reach it."""
    left = HUNDRED - sum((target.percent for target in targets), ZERO)
    if abs(cash.percent - left) <= _ROUNDING:
        return None
    rule = (
        f"{CASH} is what the other targets leave, {plain(left, places=0)} percent: write that, or leave {CASH} out"
    )
    return Refusal(Code.BAD_TARGET, f"{cash.where}: {CASH} is {plain(cash.percent, places=0)}: {rule}")
