"""One form of ids and symbols, whoever reads them."""

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from common.identifiers import (
    SYMBOL_RULE,
    NoSymbol,
    canonical_uuid,
    is_symbol,
    normalize_symbol,
    read_symbol,
    uuids_in,
)
from portfolios.models.strategies import validate_symbols

KNOWN = "79b9930c-3a6f-4f41-ae9b-a3fa8ec37ef2"


@given(st.uuids())
def test_an_id_is_read_from_its_canonical_form_alone(key):
    assert canonical_uuid(str(key)) == key
    for written in (f"{{{key}}}", f" {key}", f"{key}\n", key.hex, f"urn:uuid:{key}"):
        assert canonical_uuid(written) is None
    if str(key).upper() != str(key):
        assert canonical_uuid(str(key).upper()) is None


def test_ids_are_found_in_a_text():
    assert uuids_in(f"run {KNOWN}:MSFT of {KNOWN}") == [canonical_uuid(KNOWN)] * 2


@given(st.text(max_size=12))
def test_a_normalized_symbol_is_canonical_and_stays_as_it_is(text):
    symbol = normalize_symbol(text)
    assert symbol is None or (is_symbol(symbol) and normalize_symbol(symbol) == symbol)


@pytest.mark.parametrize(
    ("written", "symbol"),
    [
        (" brk-b ", "BRK.B"),
        ("msft", "MSFT"),
        ("SYM001", "SYM001"),
        ("ma\u00df", None),
        ("BRK/B", "BRK.B"),
        ("", None),
    ],
)
def test_a_typed_symbol_has_one_form(written: str, symbol: str | None):
    assert normalize_symbol(written) == symbol


@pytest.mark.parametrize("restricted", [["gme"], ["BRK-B"], ["NOT A SYMBOL"], [1], "GME"])
def test_a_policy_restricts_symbols_in_canonical_form_only(restricted: object):
    """Any other would never be met by an order, and so restrict nothing."""
    with pytest.raises(ValidationError):
        validate_symbols(restricted)


def test_a_policy_may_restrict_any_symbol():
    validate_symbols(["GME", "BRK.B"])


@pytest.mark.parametrize("written", ["B@D.Q", "TOOLONGNAMEX.Q", "A.B.Q"])
def test_what_would_be_no_symbol_with_any_ending_breaks_the_rule_of_symbols(written: str):
    assert read_symbol(written) == NoSymbol(f"not {SYMBOL_RULE}")
    assert read_symbol("AB.Q") == NoSymbol("'.Q' is neither a known share class nor a known exchange")
