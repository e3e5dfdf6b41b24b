"""Bytes -> JSON value, strictly: nothing ambiguous, nothing huge, no float on the way.

Python's decoder is lenient where money must not be: it keeps the last of two equal keys, reads NaN and Infinity,
and turns 0.1 into a double. Here each of these refuses the document.
"""

import json
import re
from decimal import Decimal, InvalidOperation

from common.text import measure, one_line
from execution.engine.vocabulary import Code, Refusal

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 32
MAX_VALUES = 30_000  # members of objects and elements of lists: 60 for each of 500 lines
MAX_DIGITS = 15  # before the point, and as many zeros behind it: what the books can hold
_MAX_LITERAL = 60  # characters of one number
_CLOSING = re.compile(r"[\]}]")
_TOO_DEEP = Refusal(Code.ARTIFACT_DEPTH, f"nested deeper than {MAX_DEPTH} levels")
_TOO_MANY_VALUES = Refusal(Code.ARTIFACT_TOO_LARGE, f"more than {MAX_VALUES:,} values")


class _UndecodableError(Exception):
    """Carries a refusal out of the decoder's callbacks; never leaves this module."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.refusal = Refusal(code, message)


def decode(content: bytes) -> object | Refusal:
    """Return the JSON value in `content` with every number as a Decimal, or the reason why it is refused.

    A UTF-8 byte-order mark is accepted; other encodings, duplicate keys, NaN, Infinity, numbers of more than 15
    digits before the point, more than 1 MiB, 32 levels of nesting or 30,000 values are not.
    """
    text = text_of(content)
    return text if isinstance(text, Refusal) else decode_text(text)


def text_of(content: bytes) -> str | Refusal:
    """Return `content` as text without its byte-order mark; refuse another encoding and more than 1 MiB."""
    if len(content) > MAX_BYTES:
        return Refusal(Code.ARTIFACT_TOO_LARGE, f"{len(content):,} bytes, at most {MAX_BYTES:,} are read")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return Refusal(Code.ARTIFACT_ENCODING, f"not UTF-8: byte {error.start} cannot be decoded")


def decode_text(text: str) -> object | Refusal:
    """Return the JSON value in `text`, by the rules of `decode`: for JSON that stands inside other text."""
    # Half a million empty lists would be built before anything could count them.
    if _opened(text) > MAX_VALUES:
        return _TOO_DEEP if _opened(_CLOSING.split(text, 1)[0]) > MAX_DEPTH else _TOO_MANY_VALUES
    try:
        value = _load(text)
    except _UndecodableError as error:
        return error.refusal
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        return Refusal(Code.ARTIFACT_SYNTAX, f"not valid JSON: {error.msg} at {where}")
    except RecursionError:
        return _TOO_DEEP
    return _within_bounds(value)


def _opened(text: str) -> int:
    return text.count("[") + text.count("{")


def _within_bounds(value: object) -> object | Refusal:
    size = measure(value, most=MAX_VALUES)
    if size.values > MAX_VALUES:
        return _TOO_MANY_VALUES
    if size.depth > MAX_DEPTH:
        return _TOO_DEEP
    return value


def _load(text: str) -> object:
    number = _Numbers()
    value: object = json.loads(
        text,
        parse_float=number,
        parse_int=number,
        parse_constant=_refuse_constant,
        object_pairs_hook=_object,
    )
    return value


class _Numbers:
    """Converts the numbers of one document, and stops where there are more than a document may have.

    Each costs a call, so that a megabyte of digits and commas would otherwise take a quarter of a second.
    """

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, literal: str) -> Decimal:
        self.count += 1
        if self.count > MAX_VALUES:
            raise _UndecodableError(_TOO_MANY_VALUES.code, _TOO_MANY_VALUES.message)
        return _number(literal)


def _number(literal: str) -> Decimal:
    # The length is looked at first: converting a number of a million digits takes seconds.
    if len(literal) > _MAX_LITERAL:
        raise _out_of_bounds(literal)
    try:
        number = Decimal(literal)
    except InvalidOperation as error:  # an exponent beyond the decimals' own
        raise _out_of_bounds(literal) from error
    if number and not -MAX_DIGITS <= number.adjusted() < MAX_DIGITS:
        raise _out_of_bounds(literal)
    return number if number else Decimal(0)


def _out_of_bounds(literal: str) -> _UndecodableError:
    return _UndecodableError(
        Code.ARTIFACT_NUMBER, f"number {one_line(literal)} has more than {MAX_DIGITS} digits on one side"
    )


def _refuse_constant(literal: str) -> Decimal:
    raise _UndecodableError(Code.ARTIFACT_NUMBER, f"{literal} is not a number that can be traded on")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) == len(pairs):
        return result
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise _UndecodableError(Code.ARTIFACT_DUPLICATE_KEY, f"duplicate key {one_line(name)}")
        seen.add(name)
    return result
