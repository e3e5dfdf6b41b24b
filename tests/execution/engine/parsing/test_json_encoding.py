"""Decoded JSON written again: the same value gives the same bytes, and the bytes give the value."""

import json
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from execution.engine.parsing.json_decoding import decode
from execution.engine.parsing.json_encoding import encode

NUMBERS = st.decimals(min_value=-(10**12), max_value=10**12, places=6)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_written_is_read_again(value: object):
    assert decode(encode(value)) == value


@given(st.dictionaries(st.text(max_size=5), NUMBERS, max_size=6))
def test_the_order_of_keys_makes_no_difference(value: dict[str, Decimal]):
    assert encode(value) == encode(dict(reversed(value.items())))


def test_numbers_keep_the_digits_they_were_written_with():
    assert (
        encode(decode(b'{"b": [10.10, 10, 1e2, 0.000001], "a": null}')) == b'{"a":null,"b":[10.10,10,100,0.000001]}'
    )


def test_what_no_database_stores_stays_an_escape():
    written = encode(decode(b'{"a": "\\ud83d \\u0000"}'))
    assert written == b'{"a":"\\ud83d \\u0000"}'
    assert json.loads(written)
