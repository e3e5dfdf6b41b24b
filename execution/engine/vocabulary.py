"""The engine's words: what research asks for, how a line can end, and the codes that say why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from common.choices import Choices
from portfolios.domain.vocabulary import OnBreach, TradingState

# The books' words that plans are made of belong to this vocabulary, too.
__all__ = [
    "CONFIRMABLE", "EXPIRED", "PASSING", "Code", "Mode", "OnBreach", "Outcome", "RecommendedAction", "Refusal",
    "TradingState",
]  # fmt: skip


class RecommendedAction(StrEnum):
    """What a recommendation may ask for."""

    BUY = "BUY"
    SELL = "SELL"
    SELL_SHORT = "SELL_SHORT"
    BUY_TO_COVER = "BUY_TO_COVER"
    HOLD = "HOLD"


class Mode(StrEnum):
    """How a size is read: as an amount to trade, or as a weight to reach."""

    ALLOCATE = "allocate"
    TARGET = "target"
    REBALANCE = "rebalance"


class Outcome(Choices):
    """How a recommendation ended; each ends in exactly one of these.

    What is DEFERRED is undecided, for the time being.
    """

    EXECUTED = "EXECUTED"
    CLAMPED = "CLAMPED"
    HELD = "HELD"
    SKIPPED = "SKIPPED"
    DENIED = "DENIED"
    QUARANTINED = "QUARANTINED"
    DEFERRED = "DEFERRED"


# What a deferred line is once its time is over. No run ends a line so: the clock and newer research tell.
EXPIRED = "EXPIRED"


class Code(StrEnum):
    """Machine-readable reasons. A code keeps its meaning; new reasons get new codes."""

    # What is wrong with one line (quarantine)
    LINE_NOT_AN_OBJECT = "LINE_NOT_AN_OBJECT"
    FIELD_INVALID = "FIELD_INVALID"
    SYMBOL_MISSING = "SYMBOL_MISSING"
    SYMBOL_INVALID = "SYMBOL_INVALID"
    ACTION_MISSING = "ACTION_MISSING"
    ACTION_UNKNOWN = "ACTION_UNKNOWN"
    ACTION_AMBIGUOUS = "ACTION_AMBIGUOUS"
    SIZE_MISSING = "SIZE_MISSING"
    SIZE_NEGATIVE = "SIZE_NEGATIVE"
    SIZE_NOT_A_NUMBER = "SIZE_NOT_A_NUMBER"
    SIZE_OUT_OF_RANGE = "SIZE_OUT_OF_RANGE"
    SIZE_UNIT_UNCLEAR = "SIZE_UNIT_UNCLEAR"
    SIZE_UNIT_UNSUPPORTED = "SIZE_UNIT_UNSUPPORTED"
    CONTRADICTORY_LINES = "CONTRADICTORY_LINES"
    PRICE_OUT_OF_BAND = "PRICE_OUT_OF_BAND"
    RESEARCH_TOO_OLD = "RESEARCH_TOO_OLD"
    TARGET_PASSED = "TARGET_PASSED"
    SYMBOL_CHANGED = "SYMBOL_CHANGED"

    # What passes: the line is looked at again (deferred)
    NO_PRICE = "NO_PRICE"
    PRICE_STALE = "PRICE_STALE"
    REDUCING_ONLY = "REDUCING_ONLY"
    TRADING_HALTED = "TRADING_HALTED"

    # Why nothing was traded (skipped)
    NO_POSITION = "NO_POSITION"
    ZERO_SIZE = "ZERO_SIZE"
    BELOW_STEP = "BELOW_STEP"
    BELOW_MINIMUM_ORDER = "BELOW_MINIMUM_ORDER"
    DUPLICATE_LINE = "DUPLICATE_LINE"
    ALREADY_AT_TARGET = "ALREADY_AT_TARGET"
    WITHIN_DRIFT_BAND = "WITHIN_DRIFT_BAND"
    BELOW_MINIMUM_QUANTITY = "BELOW_MINIMUM_QUANTITY"
    BELOW_COST = "BELOW_COST"

    # What the rules forbid (denied)
    SHORT_NOT_ALLOWED = "SHORT_NOT_ALLOWED"
    RESTRICTED_SYMBOL = "RESTRICTED_SYMBOL"
    SECURITY_INACTIVE = "SECURITY_INACTIVE"
    NO_EQUITY = "NO_EQUITY"

    # The limit that made a trade smaller or stopped it
    MAXIMUM_ORDER = "MAXIMUM_ORDER"
    POSITION_LIMIT = "POSITION_LIMIT"
    SECTOR_LIMIT = "SECTOR_LIMIT"
    GROSS_LIMIT = "GROSS_LIMIT"
    NET_LIMIT = "NET_LIMIT"
    SHORT_EXPOSURE_LIMIT = "SHORT_EXPOSURE_LIMIT"
    SINGLE_SHORT_LIMIT = "SINGLE_SHORT_LIMIT"
    ORDERS_PER_RUN = "ORDERS_PER_RUN"
    INSUFFICIENT_CASH = "INSUFFICIENT_CASH"
    CLAMPED_TO_POSITION = "CLAMPED_TO_POSITION"

    # What else is worth knowing
    SECTOR_UNVERIFIED = "SECTOR_UNVERIFIED"
    ROUNDED_DOWN = "ROUNDED_DOWN"
    UNLISTED = "UNLISTED"
    LAST_MARK = "LAST_MARK"
    CLOSED_IN_FULL = "CLOSED_IN_FULL"

    # Why a whole request is refused
    ARTIFACT_TOO_LARGE = "ARTIFACT_TOO_LARGE"
    ARTIFACT_ENCODING = "ARTIFACT_ENCODING"
    ARTIFACT_SYNTAX = "ARTIFACT_SYNTAX"
    ARTIFACT_DEPTH = "ARTIFACT_DEPTH"
    ARTIFACT_DUPLICATE_KEY = "ARTIFACT_DUPLICATE_KEY"
    ARTIFACT_NUMBER = "ARTIFACT_NUMBER"
    ARTIFACT_SHAPE = "ARTIFACT_SHAPE"
    ARTIFACT_PROSE = "ARTIFACT_PROSE"
    ARTIFACT_AMBIGUOUS = "ARTIFACT_AMBIGUOUS"
    ARTIFACT_INCOMPLETE = "ARTIFACT_INCOMPLETE"
    ARTIFACT_NOT_IN_BATCH = "ARTIFACT_NOT_IN_BATCH"
    PROVIDER_FAILED = "PROVIDER_FAILED"
    NO_RECOMMENDATIONS = "NO_RECOMMENDATIONS"
    TOO_MANY_RECOMMENDATIONS = "TOO_MANY_RECOMMENDATIONS"
    ARTIFACT_MISMATCH = "ARTIFACT_MISMATCH"
    ARTIFACT_CHANGED = "ARTIFACT_CHANGED"
    ARTIFACT_NOT_FOUND = "ARTIFACT_NOT_FOUND"
    ARTIFACT_NOT_READABLE = "ARTIFACT_NOT_READABLE"
    REQUEST_NOT_FOUND = "REQUEST_NOT_FOUND"
    TASK_AMBIGUOUS = "TASK_AMBIGUOUS"
    TASK_NOT_FOUND = "TASK_NOT_FOUND"
    BAD_ID = "BAD_ID"
    UNKNOWN_PROVIDER = "UNKNOWN_PROVIDER"
    UNKNOWN_STRATEGY = "UNKNOWN_STRATEGY"
    STRATEGY_NOT_ACTIVE = "STRATEGY_NOT_ACTIVE"
    STRATEGY_NAME_TAKEN = "STRATEGY_NAME_TAKEN"
    BAD_AMOUNT = "BAD_AMOUNT"
    BAD_PRICE = "BAD_PRICE"
    BAD_PRICE_FILE = "BAD_PRICE_FILE"
    BAD_TABLE = "BAD_TABLE"
    BAD_TARGET = "BAD_TARGET"
    BAD_OPTION = "BAD_OPTION"
    NO_RESEARCH = "NO_RESEARCH"
    PLAN_CHANGED = "PLAN_CHANGED"
    MARKET_CLOSED = "MARKET_CLOSED"
    NO_PRICE_SOURCE = "NO_PRICE_SOURCE"
    ALL_OR_NOTHING = "ALL_OR_NOTHING"
    REQUEST_NOT_READY = "REQUEST_NOT_READY"
    LINE_NOT_FOUND = "LINE_NOT_FOUND"
    LINE_NOT_WAITING = "LINE_NOT_WAITING"
    BAD_RESOLUTION = "BAD_RESOLUTION"
    REASON_MISSING = "REASON_MISSING"
    RUN_NOT_FOUND = "RUN_NOT_FOUND"
    RUN_NOT_FINISHED = "RUN_NOT_FINISHED"
    RUN_HAS_SUCCESSORS = "RUN_HAS_SUCCESSORS"
    RUN_WITHOUT_ORDERS = "RUN_WITHOUT_ORDERS"
    RUN_NOT_FAILED = "RUN_NOT_FAILED"
    RUN_NOT_REVERSED = "RUN_NOT_REVERSED"
    SYMBOL_NOT_FOUND = "SYMBOL_NOT_FOUND"
    PRICE_NOT_FOUND = "PRICE_NOT_FOUND"
    PRICE_NOT_WAITING = "PRICE_NOT_WAITING"
    BOOKS_RANGE = "BOOKS_RANGE"
    CANNOT_BOOK = "CANNOT_BOOK"


# What passes by itself: a line that only this stopped is deferred. A default price that is in doubt is one, too.
PASSING = frozenset(
    {Code.NO_PRICE, Code.PRICE_STALE, Code.PRICE_OUT_OF_BAND, Code.REDUCING_ONLY, Code.TRADING_HALTED}
)

# What a person may wave through: nothing is unclear about the line, something speaks against it.
CONFIRMABLE = frozenset({Code.CONTRADICTORY_LINES, Code.RESEARCH_TOO_OLD, Code.TARGET_PASSED, Code.SYMBOL_CHANGED})


@dataclass(frozen=True, slots=True)
class Refusal:
    """An expected no: a code, one line for people, and the numbers behind it. Never raised, always returned."""

    code: Code
    message: str
    details: Mapping[str, str] = field(default_factory=dict)
