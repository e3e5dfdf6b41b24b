from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.engine.parsing.json_decoding import MAX_BYTES, MAX_DEPTH, MAX_VALUES, decode
from execution.engine.vocabulary import Code, Refusal


def refusal_of(content: bytes) -> Refusal:
    refused = decode(content)
    assert isinstance(refused, Refusal), refused
    return refused


def nested(depth: int, *, opening: str = "[", closing: str = "]") -> bytes:
    return (opening * depth + closing * depth).encode()


def test_numbers_are_decimals_as_they_are_written():
    assert decode(b'{"a": 10.0, "b": 0.1, "c": 7, "d": -2.50, "e": 1e3}') == {
        "a": Decimal("10.0"),
        "b": Decimal("0.1"),
        "c": Decimal(7),
        "d": Decimal("-2.50"),
        "e": Decimal(1000),
    }


def test_no_float_comes_out():
    value = decode(b"[1, 2.5, 1e-3]")
    assert isinstance(value, list)
    assert all(type(number) is Decimal for number in value)


@pytest.mark.parametrize("zero", [b"-0", b"-0.0", b"0e5", b"0.000"])
def test_every_zero_is_the_plain_zero(zero: bytes):
    assert str(decode(zero)) == "0"


def test_a_byte_order_mark_is_accepted():
    assert decode(b"\xef\xbb\xbf[true, null]") == [True, None]


def test_text_may_be_any_language():
    assert decode('{"说": "买入 🙂"}'.encode()) == {"说": "买入 🙂"}


def test_a_document_of_the_largest_size_is_read():
    filler = b" " * (MAX_BYTES - 2)
    assert decode(b"[" + filler + b"]") == []
    refused = refusal_of(b"[" + filler + b" ]")
    assert refused.code is Code.ARTIFACT_TOO_LARGE
    assert refused.message == "1,048,577 bytes, at most 1,048,576 are read"


@pytest.mark.parametrize(
    ("content", "position"),
    [
        (b'{"rationale": "caf\xe9"}', 18),  # Latin-1
        ('{"a": 1}'.encode("utf-16"), 0),  # with its byte-order mark
        (b'["\xed\xa0\x80"]', 2),  # a surrogate, encoded
        (b"\x80", 0),
    ],
)
def test_another_encoding_is_refused_with_its_first_bad_byte(content: bytes, position: int):
    refused = refusal_of(content)
    assert refused.code is Code.ARTIFACT_ENCODING
    assert f"byte {position} " in refused.message


@pytest.mark.parametrize(
    ("content", "where"),
    [
        (b"", "line 1, column 1"),
        (b"   \n  ", "line 2, column 3"),
        (b'{\n  "recommendations": [\n    {"symbol" "MSFT"}\n  ]\n}', "line 3, column 15"),
        (b'{"recommendations": [', "line 1, column 22"),
        (b"```json\n{}\n```", "line 1, column 1"),
        (b"<think>buy</think>{}", "line 1, column 1"),
        (b"{} {}", "line 1, column 4"),
        (b"{'a': 1}", "line 1, column 2"),
        (b'["a\nb"]', "line 1, column 4"),
        (b"[01]", "line 1, column 3"),
        ('{"a": 1}'.encode("utf-16-le"), "line 1, column 2"),
    ],
)
def test_a_syntax_error_is_refused_with_its_place(content: bytes, where: str):
    refused = refusal_of(content)
    assert refused.code is Code.ARTIFACT_SYNTAX
    assert refused.message.endswith(f" at {where}")


@pytest.mark.parametrize(
    "content",
    [
        nested(MAX_DEPTH + 1),
        nested(100_000),
        nested(MAX_DEPTH + 1, opening='{"a":', closing="}").replace(b":}", b":1}"),
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    ],
)
def test_deep_nesting_is_refused(content: bytes):
    assert refusal_of(content).code is Code.ARTIFACT_DEPTH


def test_nesting_of_the_largest_depth_is_read():
    value = decode(nested(MAX_DEPTH))
    for _ in range(MAX_DEPTH - 1):
        assert isinstance(value, list)
        (value,) = value
    assert value == []


@pytest.mark.parametrize("one", [b"1", b'"a"'])
def test_a_document_of_thirty_thousand_values_is_read_and_one_more_is_refused(one: bytes):
    largest = decode(b"[" + b",".join([one] * 30_000) + b"]")
    assert isinstance(largest, list)
    assert len(largest) == MAX_VALUES
    refused = refusal_of(b"[" + b",".join([one] * 30_001) + b"]")
    assert (refused.code, refused.message) == (Code.ARTIFACT_TOO_LARGE, "more than 30,000 values")


@pytest.mark.parametrize(
    "content",
    [
        b'{"action": "SELL", "action": "BUY"}',
        b'{"recommendations": [], "recommendations": []}',
        b'[{"a": {"b": 1, "c": 2, "b": 1}}]',
        b'{"a": 1, "\\u0061": 2}',
    ],
)
def test_a_duplicate_key_is_refused(content: bytes):
    refused = refusal_of(content)
    assert refused.code is Code.ARTIFACT_DUPLICATE_KEY
    assert refused.message.startswith("duplicate key '")


def test_a_key_may_stand_in_two_objects():
    assert decode(b'[{"a": 1}, {"a": 1}]') == [{"a": 1}, {"a": 1}]


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_refused(constant: str):
    refused = refusal_of(f'{{"allocation_percent": {constant}}}'.encode())
    assert refused.code is Code.ARTIFACT_NUMBER
    assert refused.message.startswith(constant)


@pytest.mark.parametrize(
    "literal",
    [
        "1e999999",
        "-1e999999",
        "1E+99999999999999999999",
        "0e99999999999999999999",
        "1e-99999999999999999999",
        "1e-16",
        "1000000000000000",
        "1e15",
        "9" * 1_000_000,
        "0." + "1" * 100,
    ],
)
def test_a_number_beyond_the_books_is_refused(literal: str):
    assert refusal_of(f"[{literal}]".encode()).code is Code.ARTIFACT_NUMBER


@pytest.mark.parametrize("literal", ["999999999999999", "-999999999999999.5", "1e-15", "0.1234567890123456789"])
def test_a_number_within_the_books_is_exact(literal: str):
    assert decode(f"[{literal}]".encode()) == [Decimal(literal)]


def test_a_number_of_sixty_characters_is_the_longest_that_is_read():
    longest = "0." + "1" * 58
    assert decode(f"[{longest}]".encode()) == [Decimal(longest)]
    assert refusal_of(f"[{longest}1]".encode()).code is Code.ARTIFACT_NUMBER


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_a_value_or_a_refusal(content: bytes):
    value = decode(content)
    assert value is None or isinstance(value, dict | list | str | Decimal | bool | Refusal)


numbers = st.decimals(-(10**14), 10**14, places=10, allow_nan=False, allow_infinity=False)


@given(numbers)
def test_a_number_keeps_every_digit(number: Decimal):
    assert decode(f"[{number:f}]".encode()) == [number]
