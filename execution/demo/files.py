"""Reads the example set: `strategies.json` and `securities.csv`. What is wrong in a file is named by file, place,
field, value and rule.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, create_model, model_validator
from pydantic_core import PydanticCustomError

from common.text import one_line
from execution.arguments import parse_id
from execution.engine.parsing.json_decoding import MAX_BYTES, decode
from execution.engine.vocabulary import Refusal
from execution.imports.securities import COLUMNS, SecurityLine, Symbol, read_security_rows
from execution.tables import Misfit, Row
from execution.untrusted_files import read_regular_file
from portfolios.domain.limit import Bounds, Kind, Limit
from portfolios.domain.risk_limits import FIELDS
from portfolios.reference_data import SecurityData


class ExampleFileError(Exception):
    """An example file cannot be used; the message says which, where and why."""


@dataclass(frozen=True, slots=True)
class ExampleSet:
    """The reference data of the examples, checked."""

    strategies: "Sequence[StrategyLine]"
    securities: Sequence[SecurityData]


def _id(text: object) -> UUID:
    found = parse_id(text, name="id") if isinstance(text, str) else None
    if not isinstance(found, UUID):
        raise PydanticCustomError("id", "not a canonical UUID such as 79b9930c-3a6f-4f41-ae9b-a3fa8ec37ef2")
    return found


_Id = Annotated[UUID, BeforeValidator(_id)]


def _type_of(row: Limit) -> Any:
    """Return the type of a field in the file: what its row says, within the bounds of the row."""
    bounds = row.bounds or Bounds()
    within = Field(
        ge=bounds.least if bounds.least_allowed else None,
        gt=None if bounds.least_allowed else bounds.least,
        le=bounds.most if bounds.most_allowed else None,
        lt=None if bounds.most_allowed else bounds.most,
    )
    match row.kind:
        case Kind.FLAG:
            return bool
        case Kind.SYMBOLS:
            return list[Symbol]
        case Kind.WORD:
            return Literal[row.words]
        case Kind.COUNT | Kind.HOURS:
            return Annotated[int, within]
    digits, places = row.digits
    return Annotated[Decimal, within, Field(max_digits=digits, decimal_places=places)]


class _PolicyLine(BaseModel):
    """A risk policy as it is written: what is left out keeps the model's default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = Field(ge=1)

    @model_validator(mode="after")
    def _order_values_leave_room(self) -> Self:
        given = self.limits()
        least, most = given.get("min_order_value"), given.get("max_order_value")
        if least is not None and most is not None and least > most:
            raise PydanticCustomError("order_values", "min_order_value is above max_order_value")
        return self

    def limits(self) -> dict[str, Any]:
        """Return the columns that the file gives, without the version."""
        return self.model_dump(exclude_unset=True, exclude={"version"})


if TYPE_CHECKING:
    PolicyLine = _PolicyLine
else:  # every row of the registry is a field
    PolicyLine = create_model(
        "PolicyLine",
        __base__=_PolicyLine,
        **{row.field: (_type_of(row) | None if row.may_be_empty else _type_of(row), None) for row in FIELDS},
    )


class StrategyLine(BaseModel):
    """A strategy as it is written, perhaps with a policy."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: _Id
    name: str = Field(min_length=1, max_length=200)
    description: str = ""
    risk_policy: PolicyLine | None = None


class _StrategyFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    strategies: list[StrategyLine] = Field(min_length=1)


def read_examples(directory: Path) -> ExampleSet:
    """Return what the files in `directory` hold. Raises ExampleFileError for the first thing that is wrong."""
    return ExampleSet(
        strategies=_read_strategies(directory / "strategies.json"),
        securities=_read_securities(directory / "securities.csv"),
    )


def _read_strategies(path: Path) -> list[StrategyLine]:
    document = decode(_content(path))
    if isinstance(document, Refusal):
        raise ExampleFileError(f"{path}: {document.message}")
    try:
        strategies = _StrategyFile.model_validate(document).strategies
    except ValidationError as error:
        raise ExampleFileError(f"{path}: {_first(error)}") from error
    _refuse_repeated(path, "id", (str(line.id) for line in strategies))
    _refuse_repeated(path, "name", (line.name for line in strategies))
    return strategies


def _read_securities(path: Path) -> list[SecurityData]:
    content = _content(path)
    rows = read_security_rows(content)
    if isinstance(rows, Refusal):
        raise ExampleFileError(f"{path}: {rows.message}")
    securities = [_security(path, row) for row in rows]
    _refuse_repeated(path, "symbol", (data.symbol for data in securities))
    return securities


def _security(path: Path, row: Row | Misfit) -> SecurityData:
    if isinstance(row, Misfit):
        raise ExampleFileError(f"{path}: line {row.line} does not have {len(COLUMNS)} columns: it has {row.rule}")
    try:
        return SecurityLine.model_validate(row.cells).as_data()
    except ValidationError as error:
        raise ExampleFileError(f"{path}: {row.place}: {_first(error)}") from error


def _content(path: Path) -> bytes:
    content = read_regular_file(path, limit=MAX_BYTES)
    if isinstance(content, Refusal):
        raise ExampleFileError(content.message)
    return content


def _first(error: ValidationError) -> str:
    """Say the first thing that is wrong: place, field, value, rule."""
    first = error.errors(include_url=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "document"
    rule = first["msg"][:1].lower() + first["msg"][1:]
    if first["type"] == "missing":
        return f"field '{place}' is missing"
    return f"field '{place}' is {one_line(first['input'])}: {rule}"


def _refuse_repeated(path: Path, field: str, values: Iterable[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise ExampleFileError(f"{path}: field '{field}' is {one_line(value)}: stands twice")
        seen.add(value)
