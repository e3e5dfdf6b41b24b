import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.text import Size, brief, clean, counted, field_name, measure, one_line

UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
texts = st.text(st.characters(categories=None, codec=None), max_size=40) | st.text(
    st.sampled_from("ab\n\t\x1b\u202eé")
)


@given(texts)
def test_clean_text_has_no_unsafe_character_and_keeps_every_other(text: str):
    cleaned = clean(text)
    assert UNSAFE.search(cleaned) is None
    assert len(cleaned) == len(text)
    assert all(after in (before, "\ufffd") for before, after in zip(text, cleaned, strict=True))
    assert clean(cleaned) == cleaned


@given(texts | st.lists(texts, max_size=20) | st.dictionaries(texts, texts, max_size=5), st.integers(10, 100))
def test_what_a_message_quotes_is_one_short_clean_line(value: object, limit: int):
    line = brief(value, limit=limit)
    assert len(line) <= limit
    assert "\n" not in line
    assert line == clean(line)
    assert line in one_line(value, limit=limit) or "\\" in one_line(value, limit=limit)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("allocation_percent", "allocation_percent"),
        ("allocationPercent", "allocation_percent"),
        ("positionSizePercent", "position_size_percent"),
        ("Allocation Percent", "allocation_percent"),
        ("allocation-percent", "allocation_percent"),
        ("ACTION", "action"),
        ("Ticker", "ticker"),
        ("", ""),
    ],
)
def test_a_field_has_one_name_however_its_words_are_joined(written: str, name: str):
    assert field_name(written) == name


@given(st.text(max_size=80))
def test_the_name_of_a_field_stays_itself(written: str):
    assert field_name(field_name(written)) == field_name(written)


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (7, Size(0, 0)),
        ([], Size(0, 1)),
        ([1, [2, 3], {"a": {}}], Size(6, 3)),
        ({"a": 1, "b": [1, 2]}, Size(4, 2)),
    ],
)
def test_a_value_is_measured_by_its_members_and_its_depth(value: object, size: Size):
    assert measure(value, most=100) == size


def test_counting_stops_where_there_are_too_many():
    assert measure([[1] * 10, [[2] * 10]], most=5).values == 13


@pytest.mark.parametrize(
    ("count", "nouns", "said"),
    [
        (0, ("order",), "0 orders"),
        (1, ("order",), "1 order"),
        (1_200, ("order",), "1,200 orders"),
        (1, ("entry", "entries"), "1 entry"),
        (2, ("entry", "entries"), "2 entries"),
    ],
)
def test_a_count_has_its_noun_in_the_right_number(count: int, nouns: tuple[str, ...], said: str):
    assert counted(count, *nouns) == said
