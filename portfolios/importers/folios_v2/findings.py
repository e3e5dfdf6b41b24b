"""What an import of a folios_v2 database has to say: one line for each thing that did not fit. Pure.

Every rule by which the import repairs, leaves out or only reports has a name; docs/predecessor.md explains them.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum


class Rule(StrEnum):
    """Names of the rules, for machines and for the documentation."""

    # the file
    COLUMN_UNKNOWN = "COLUMN_UNKNOWN"
    PAYLOAD_UNREADABLE = "PAYLOAD_UNREADABLE"
    COLUMN_DIFFERS = "COLUMN_DIFFERS"
    ROW_WITHOUT_ID = "ROW_WITHOUT_ID"
    ID_TWICE = "ID_TWICE"
    FLOAT_NOISE = "FLOAT_NOISE"
    FIELDS_LEFT_OUT = "FIELDS_LEFT_OUT"
    # strategies
    ID_REPLACED = "ID_REPLACED"
    NAME_CHANGED = "NAME_CHANGED"
    STATUS_UNKNOWN = "STATUS_UNKNOWN"
    LIMIT_UNREADABLE = "LIMIT_UNREADABLE"
    LIMIT_WITHOUT_COUNTERPART = "LIMIT_WITHOUT_COUNTERPART"
    STRATEGY_MISSING = "STRATEGY_MISSING"
    STRATEGY_EXISTS = "STRATEGY_EXISTS"
    # rows that cannot be read as what they should be
    PROVIDER_UNKNOWN = "PROVIDER_UNKNOWN"
    ACCOUNT_TWICE = "ACCOUNT_TWICE"
    CASH_UNREADABLE = "CASH_UNREADABLE"
    ORDER_UNREADABLE = "ORDER_UNREADABLE"
    ZERO_QUANTITY = "ZERO_QUANTITY"
    TIME_UNREADABLE = "TIME_UNREADABLE"
    FILLED_AT_MISSING = "FILLED_AT_MISSING"
    POSITION_UNREADABLE = "POSITION_UNREADABLE"
    REQUEST_UNREADABLE = "REQUEST_UNREADABLE"
    # orders against positions
    SELL_WITHOUT_HOLDING = "SELL_WITHOUT_HOLDING"
    SOLD_MORE_THAN_HELD = "SOLD_MORE_THAN_HELD"
    ORDER_AGAINST_POSITION = "ORDER_AGAINST_POSITION"
    OUT_OF_RANGE = "OUT_OF_RANGE"
    EQUAL_ORDERS = "EQUAL_ORDERS"
    DEFAULT_PRICE = "DEFAULT_PRICE"
    DUPLICATE_POSITION = "DUPLICATE_POSITION"
    OPPOSITE_POSITIONS = "OPPOSITE_POSITIONS"
    POSITION_DIFFERS = "POSITION_DIFFERS"
    CLOSED_POSITION_ONLY = "CLOSED_POSITION_ONLY"
    # cash
    OPENING_DERIVED = "OPENING_DERIVED"
    CASH_OVERDRAWN = "CASH_OVERDRAWN"
    CASH_NEGATIVE = "CASH_NEGATIVE"
    CASH_ROUNDING = "CASH_ROUNDING"
    CASH_EXPLAINED = "CASH_EXPLAINED"
    SHORT_NOT_IN_CASH = "SHORT_NOT_IN_CASH"
    CASH_DOES_NOT_FOLLOW = "CASH_DOES_NOT_FOLLOW"
    CASH_CORRECTED = "CASH_CORRECTED"
    EQUITY_DIFFERS = "EQUITY_DIFFERS"
    # accounts
    ACCOUNT_MISSING = "ACCOUNT_MISSING"
    ACCOUNT_LEFT_OUT = "ACCOUNT_LEFT_OUT"
    ACCOUNT_EXISTS = "ACCOUNT_EXISTS"
    IMPORTED_BEFORE = "IMPORTED_BEFORE"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that did not fit: by which rule, about what, what was found, and what was done."""

    rule: Rule
    subject: str
    found: str
    done: str

    def __str__(self) -> str:
        return f"{self.rule} {self.subject}: {self.found}; {self.done}"

    def as_data(self) -> dict[str, str]:
        """Return the finding as JSON-ready values."""
        return asdict(self)


def shown(value: object, *, limit: int = 60) -> str:
    """Return `value` quoted for a message: one line without control characters, at most `limit` characters."""
    text = " ".join(cleaned(str(value)).split())
    return repr(text if len(text) <= limit else text[: limit - 1] + "…")


def cleaned(text: str) -> str:
    """Return `text` with what no database or terminal should meet replaced by U+FFFD; line breaks and tabs stay."""
    return "".join(
        letter if letter.isprintable() or letter in "\n\t" else "\N{REPLACEMENT CHARACTER}" for letter in text
    )
