"""Reads a table of securities. What is wrong with a row is a value with its line, field and rule."""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from common.identifiers import NoSymbol, read_declared_symbol
from common.text import clean
from execution.engine.parsing.json_decoding import MAX_BYTES
from execution.engine.vocabulary import Code, Refusal
from execution.tables import Columns, Misfit, Row, read_rows
from execution.untrusted_files import read_regular_file
from portfolios.reference_data import ASSET_CLASSES, EQUITY, SECTORS, SecurityData

COLUMNS = ("symbol", "name", "sector", "exchange", "currency", "asset_class", "quantity_step")
ACTIVE = "active"

# What others call a sector, where the spelling alone would suggest the wrong one.
_OTHER_NAMES = {
    "it": "Information Technology",
    "tech": "Information Technology",
    "semiconductors": "Information Technology",
    "consumer cyclical": "Consumer Discretionary",
    "consumer defensive": "Consumer Staples",
    "telecommunication": "Communication Services",
}
_SECTOR_NAMES = {**{sector.casefold(): sector for sector in SECTORS}, **_OTHER_NAMES}
_FLAGS = {"true": True, "false": False, "": None}


@dataclass(frozen=True, slots=True)
class RefusedField:
    """Why a row is refused: the line of the file, the field, its value as written and the rule it breaks."""

    line: int
    field: str
    value: str
    rule: str


@dataclass(frozen=True, slots=True)
class SecurityTable:
    """The rows of a file that can be imported, and what is wrong with the others."""

    securities: Sequence[SecurityData]
    refused: Sequence[RefusedField]


def _symbol(text: str) -> str:
    symbol = read_declared_symbol(text)
    if isinstance(symbol, NoSymbol):
        raise PydanticCustomError("symbol", "{rule}", {"rule": symbol.rule})
    return symbol


def _plain(text: str) -> str:
    if clean(text) != text or len(text.splitlines()) > 1:
        raise PydanticCustomError("plain", "not one line of plain text")
    return text


def _currency(text: str) -> str:
    if len(text) != 3 or not (text.isascii() and text.isalpha() and text.isupper()):
        raise PydanticCustomError("currency", "not three capital letters, as in USD")
    return text


def _asset_class(text: str) -> str:
    if text not in ASSET_CLASSES:
        raise PydanticCustomError("asset_class", "not one of {known}", {"known": ", ".join(ASSET_CLASSES)})
    return text


def _flag(text: str) -> bool | None:
    if text.strip().lower() not in _FLAGS:
        raise PydanticCustomError("flag", "not true or false")
    return _FLAGS[text.strip().lower()]


Symbol = Annotated[str, AfterValidator(_symbol)]


class SecurityLine(BaseModel):
    """A security as it is written. The exchange, the sector of what is no equity, and `active` may be empty."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    symbol: Symbol
    name: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_plain)]
    asset_class: Annotated[str, AfterValidator(_asset_class)]  # before the sector, which depends on it
    sector: str
    exchange: Annotated[str, Field(max_length=16), AfterValidator(_plain)]
    currency: Annotated[str, AfterValidator(_currency)]
    quantity_step: Annotated[Decimal, Field(gt=0, max_digits=15, decimal_places=6)]
    active: Annotated[bool | None, BeforeValidator(_flag)] = None

    @field_validator("sector")
    @classmethod
    def _is_a_sector(cls, text: str, info: ValidationInfo) -> str:
        if text in SECTORS or (not text and info.data.get("asset_class") != EQUITY):
            return text
        if not text:
            raise PydanticCustomError("sector", "an equity has a GICS sector")
        raise PydanticCustomError("sector", "not a GICS sector; the nearest is {near}", {"near": _nearest(text)})

    def as_data(self) -> SecurityData:
        """Return the security as the books take it."""
        return SecurityData(**self.model_dump(exclude={"active"}), is_active=self.active)


def read_security_table(path: Path) -> SecurityTable | Refusal:
    """Return the rows of a CSV file with COLUMNS and perhaps `active`, or why none of it can be read.

    A symbol that stands in a line before, in whatever spelling, is refused: which of the two holds is not known.
    """
    content = read_regular_file(path, limit=MAX_BYTES)
    if isinstance(content, Refusal):
        return content
    rows = read_security_rows(content)
    return Refusal(rows.code, f"{path}: {rows.message}") if isinstance(rows, Refusal) else _table(rows)


def read_security_rows(content: bytes) -> list[Row | Misfit] | Refusal:
    """Return the rows of a table of securities as they are written, at least one, or what is wrong with it."""
    rows = read_rows(content, columns=Columns(COLUMNS, optional=(ACTIVE,)))
    return rows or Refusal(Code.BAD_TABLE, "has no row below its header")


def _table(rows: Iterable[Row | Misfit]) -> SecurityTable:
    securities: list[SecurityData] = []
    refused: list[RefusedField] = []
    first_lines: dict[str, int] = {}
    for row in rows:
        if isinstance(row, Misfit):
            refused.append(RefusedField(row.line, "row", ",".join(row.cells), row.rule))
            continue
        repeated = list(_repeated(row.line, row.cells, first_lines))
        parsed = _parse(row.line, row.cells)
        if isinstance(parsed, SecurityData) and not repeated:
            securities.append(parsed)
        refused += repeated if isinstance(parsed, SecurityData) else [*repeated, *parsed]
    return SecurityTable(securities, refused)


def _repeated(line: int, row: Mapping[str, str], first_lines: dict[str, int]) -> Iterator[RefusedField]:
    """Yield a refusal where the symbol stands in a line before; remember its line otherwise."""
    symbol = read_declared_symbol(row["symbol"])
    if isinstance(symbol, str) and first_lines.setdefault(symbol, line) != line:
        yield RefusedField(line, "symbol", row["symbol"], f"stands in line {first_lines[symbol]} already")


def _parse(line: int, row: Mapping[str, str]) -> SecurityData | list[RefusedField]:
    try:
        return SecurityLine.model_validate(row).as_data()
    except ValidationError as error:
        wrong = [(str(each["loc"][0]), each["msg"]) for each in error.errors(include_url=False)]
        # Pydantic's sentence becomes the end of one of ours.
        return [RefusedField(line, name, row[name], rule[:1].lower() + rule[1:]) for name, rule in wrong]


def _nearest(text: str) -> str:
    """Return the sector that `text` most likely means."""
    return _SECTOR_NAMES[difflib.get_close_matches(text.casefold(), _SECTOR_NAMES, n=1, cutoff=0)[0]]
