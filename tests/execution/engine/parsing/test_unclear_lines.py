"""What a person is told of an unclear line, and what a person's answer makes of it."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.text import clean
from execution.engine.parsing.artifact import (
    Artifact,
    Problem,
    Recommendation,
    content_digest,
    parse_artifact,
    parse_batch,
)
from execution.engine.parsing.mapping_rules import Resolution, Rules, SizeUnit
from execution.engine.parsing.symbols import read_symbol
from execution.engine.vocabulary import Code, RecommendedAction, Refusal
from tests.builders import document, parsed
from tests.execution.engine.parsing.corpus import CORPUS, outcome

MSFT = {"symbol": "MSFT", "action": "BUY", "allocation_percent": 10.0}
BY_SHARES = {"symbol": "MSFT", "shares": 5}
REQUEST, TASK = "79b9930c-3a6f-4f41-ae9b-a3fa8ec37ef2", "5f1f84b5-424f-4f6d-a66a-9784bf9e6604"
BUY, SELL, SHORT = RecommendedAction.BUY, RecommendedAction.SELL, RecommendedAction.SELL_SHORT


def problem(**fields: Any) -> Problem:
    (found,) = parsed(MSFT | fields).problems
    return found


def read(*lines: object, rules: Rules | None = None, **answers: Resolution) -> list[str]:
    """What becomes of lines by rules, and by answers for single lines given as `line_1`."""
    resolutions = {int(name.removeprefix("line_")): answer for name, answer in answers.items()}
    return outcome(parse_artifact(document(*lines), rules=rules or Rules(), resolutions=resolutions))


# What a person is told


@pytest.mark.parametrize(
    ("fields", "field", "value", "suggestion"),
    [
        ({"symbol": "AAPL.O"}, "symbol", "AAPL.O", "if AAPL in the United States is meant, map it to AAPL"),
        ({"action": " exit "}, "action", "exit", "write SELL to close a long, BUY_TO_COVER to close a short"),
        ({"action": "Overweight"}, "action", "Overweight", "if a purchase is meant, write BUY, or map it to BUY"),
        ({"action": "SELL", "side": "short"}, "action", "SELL",
         "SELL closes a long; if a short is meant, write SELL_SHORT"),
        ({"allocation_percent": "8-10%"}, "allocation_percent", "8-10%",
         "a range is no size: write one percentage"),
        ({"allocation_percent": None, "weight": 0.5}, "weight", "0.5",
         "write it as allocation_percent, or say which unit 'weight' has"),
        ({"allocation_percent": None, "shares": 5}, "shares", "5", "write the size as allocation_percent"),
        ({"allocation_percent": -5}, "allocation_percent", "-5", "a short is written as SELL_SHORT"),
        ({"symbol": None}, "symbol", "", "write the symbol of each line"),
        ({"rationale": 5}, "rationale", "5", "write 'rationale' as text"),
    ],
)  # fmt: skip
def test_an_unclear_line_says_which_value_is_unclear_and_what_would_settle_it(
    fields: dict[str, Any], field: str, value: str, suggestion: str
):
    found = problem(**fields)
    assert (found.field, found.value, found.suggestion) == (field, value, suggestion)


def test_a_sale_in_a_short_strategy_says_where_the_document_speaks_of_shorts():
    (found,) = parsed(MSFT | {"action": "SELL"}, strategy_type="Short book").problems
    assert found.code is Code.ACTION_AMBIGUOUS
    assert found.message == (
        "field 'action' is 'SELL', and field 'strategy_type' of the document is 'Short book': a sale, or a short"
    )


def test_an_amount_in_another_unit_is_named_with_its_unit():
    assert problem(allocation_percent=None, quantity=12.5).message == (
        "field 'quantity' is '12.5': a number of units, not percent of the account"
    )


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_whatever_arrives_is_safe_to_log_and_to_store(case: Any):
    found = parse_artifact(case.content)
    if isinstance(found, Refusal):
        said = [found.message]
    else:
        said = [
            text for item in found.problems for text in (item.message, item.suggestion, item.value, item.action)
        ]
        said += [found.market_context, found.shape, *(item.rationale for item in found.recommendations)]
        raws = [item.raw for item in found.recommendations] + [item.raw for item in found.problems]
        json.dumps(raws, ensure_ascii=False).encode()
    for text in said:
        assert text == clean(text)
        assert len(text) <= 10_000


def test_every_line_of_a_refusal_is_short():
    refusals = [found for case in CORPUS if isinstance(found := parse_artifact(case.content), Refusal)]
    assert all("\n" not in found.message and len(found.message) < 300 for found in refusals)


def test_an_artifact_says_what_it_was_taken_out_of():
    reply = {"choices": [{"message": {"content": json.dumps({"orders": [MSFT]})}, "finish_reason": "stop"}]}
    found = parse_artifact(json.dumps(reply).encode())
    assert isinstance(found, Artifact)
    assert found.shape == "openai chat > text > orders"
    assert parsed(MSFT).shape == "recommendations"


def test_lists_that_are_left_alone_are_named():
    assert parsed(MSFT, orders=[], items=[]).skipped_containers == ("orders", "items")


# A person's rules


def test_a_rule_says_what_a_word_means_whatever_its_case():
    trim = MSFT | {"action": " Trim "}
    assert read(trim) == ["QUARANTINED ACTION_UNKNOWN"]
    assert read(trim, rules=Rules(actions={"TRIM": SELL})) == ["SELL MSFT 10"]


def test_a_rule_comes_before_the_table_and_before_the_doubt_about_a_short():
    sale = {"symbol": "SMCI", "action": "SELL", "side": "short", "allocation_percent": 4}
    assert read(sale) == ["QUARANTINED ACTION_AMBIGUOUS"]
    assert read(sale, rules=Rules(actions={"sell": SHORT})) == ["SELL_SHORT SMCI 4"]


def test_a_rule_says_what_a_symbol_means():
    assert read(MSFT | {"symbol": "msft.o"}, rules=Rules(symbols={"MSFT.O": "MSFT"})) == ["BUY MSFT 10"]
    coin = {"coin": "ETH", "action": "BUY", "allocation_percent": 5}
    assert read(coin, rules=Rules(symbols={"ETH": "ETHE"})) == ["BUY ETHE 5"]


@pytest.mark.parametrize(
    ("unit", "expected"), [(SizeUnit.FRACTION, "BUY MSFT 8"), (SizeUnit.PERCENT, "BUY MSFT 0.08")]
)
def test_a_rule_says_which_unit_a_size_has(unit: SizeUnit, expected: str):
    line = {"symbol": "MSFT", "action": "BUY", "position_size_pct": 0.08}
    assert read(line, rules=Rules(size_units={"position_size_pct": unit})) == [expected]


def test_a_line_says_which_rules_made_it_clear():
    rules = Rules(
        actions={"TRIM": SELL}, symbols={"MSFT.O": "MSFT"}, size_units={"positionSizePct": SizeUnit.FRACTION}
    )
    written = {"symbol": "MSFT.O", "action": "Trim", "position_size_pct": 0.08}
    found = parse_artifact(document(written, MSFT | {"symbol": "XOM"}), rules=rules)
    assert isinstance(found, Artifact)
    mapped, plain = found.recommendations
    assert mapped.by_rule == ("symbol 'MSFT.O' is MSFT", "action 'Trim' is SELL", "position_size_pct is a fraction")
    assert plain.by_rule == ()


weights = st.lists(st.integers(1, 300), min_size=1, max_size=3)


@given(weights)
def test_weights_are_read_as_the_percentages_they_come_to(shares: list[int]):
    """At most 0.30 each and 0.90 together: whatever they are, they are shares of the whole."""
    lines = [{"symbol": f"S{at}", "action": "BUY", "weight": share / 1000} for at, share in enumerate(shares)]
    read = parsed(*lines).recommendations
    assert [item.allocation_percent for item in read] == [Decimal(share) / 10 for share in shares]


def test_no_rule_makes_a_quantity_a_percentage():
    line = {"symbol": "MSFT", "action": "BUY", "quantity": 5}
    assert read(line, rules=Rules(size_units={"quantity": SizeUnit.PERCENT})) == [
        "QUARANTINED SIZE_UNIT_UNSUPPORTED"
    ]


# A person's answer for one line


@pytest.mark.parametrize(
    ("line", "answer", "expected"),
    [
        (MSFT | {"action": "EXIT"}, Resolution(action=SELL), "SELL MSFT 10"),
        (MSFT | {"symbol": "VOD.L"}, Resolution(symbol="VOD"), "BUY VOD 10"),
        (BY_SHARES | {"action": "BUY"}, Resolution(allocation_percent=Decimal("2.5")), "BUY MSFT 2.5"),
        (BY_SHARES | {"action": "TRIM"}, Resolution(action=SELL), "QUARANTINED SIZE_UNIT_UNSUPPORTED"),
        (BY_SHARES | {"action": "TRIM"}, Resolution(SELL, None, Decimal(3)), "SELL MSFT 3"),
        ("buy microsoft", Resolution(BUY, "MSFT", Decimal(5)), "BUY MSFT 5"),
        ("buy microsoft", Resolution(BUY, "MSFT"), "QUARANTINED SIZE_MISSING"),
        ("buy microsoft", Resolution(BUY), "QUARANTINED SYMBOL_MISSING"),
        ({"coin": "ETH", "action": "BUY", "weight_pct": 5}, Resolution(symbol="ETHE"), "BUY ETHE 5"),
        ({"coin": "ETH", "action": "BUY", "weight_pct": 5}, Resolution(action=BUY), "QUARANTINED SYMBOL_INVALID"),
        (MSFT | {"symbol": 7}, Resolution(symbol="0700.HK"), "QUARANTINED SYMBOL_INVALID"),
        (MSFT | {"symbol": 7}, Resolution(BUY, "MSFT", Decimal(101)), "QUARANTINED SIZE_OUT_OF_RANGE"),
        (MSFT, Resolution(action=SELL), "BUY MSFT 10"),
    ],
)  # fmt: skip
def test_an_answer_takes_the_place_of_what_is_unclear(line: object, answer: Resolution, expected: str):
    assert read(line, line_1=answer) == [expected]


def test_a_line_that_a_person_made_clear_says_so():
    found = parse_artifact(
        document(MSFT | {"action": "EXIT"}, MSFT | {"symbol": "XOM"}), resolutions={1: Resolution(SELL)}
    )
    assert isinstance(found, Artifact)
    assert [(item.symbol, item.by_hand) for item in found.recommendations] == [("MSFT", True), ("XOM", False)]


def test_a_line_waits_for_the_answer_about_its_symbol():
    both = (MSFT, MSFT | {"action": "EXIT"})
    assert read(*both) == ["QUARANTINED CONTRADICTORY_LINES", "QUARANTINED ACTION_UNKNOWN"]
    assert read(*both, line_2=Resolution(action=BUY)) == ["BUY MSFT 10", "BUY MSFT 10"]


# A batch of answers


def batch(*lines: tuple[str, object]) -> bytes:
    written = [
        {"custom_id": name, "response": {"status_code": 200, "body": {"choices": [{"message": {"content": said}}]}}}
        for name, said in lines
    ]
    return "\n".join(json.dumps(line) for line in written).encode() + b"\n"


def saying(symbol: str) -> str:
    return json.dumps({"recommendations": [MSFT | {"symbol": symbol}]})


@pytest.mark.parametrize("name", [REQUEST, REQUEST.upper(), f"request-{REQUEST}", TASK])
def test_the_line_of_a_batch_is_chosen_by_its_name(name: str):
    content = batch(("other", saying("XOM")), (name, saying("MSFT")))
    found = parse_batch(content, wanted=[TASK, REQUEST])
    assert outcome(found) == ["BUY MSFT 10"]
    assert isinstance(found, Artifact)
    assert found.digest == content_digest(content)


def test_the_task_comes_before_the_request():
    content = batch((f"{REQUEST}/1", saying("XOM")), (f"{REQUEST}/{TASK}", saying("MSFT")))
    assert outcome(parse_batch(content, wanted=[TASK, REQUEST])) == ["BUY MSFT 10"]
    assert outcome(parse_batch(content, wanted=[REQUEST])) == ["REFUSED ARTIFACT_AMBIGUOUS"]


def test_a_batch_of_one_line_needs_no_name_but_must_not_have_another_ones():
    assert outcome(parse_batch(batch(("line-1", saying("MSFT"))), wanted=[REQUEST])) == ["BUY MSFT 10"]
    assert outcome(parse_batch(batch((TASK, saying("MSFT"))), wanted=[REQUEST])) == [
        "REFUSED ARTIFACT_NOT_IN_BATCH"
    ]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (batch(("a", saying("MSFT")), ("b", saying("XOM"))), Code.ARTIFACT_NOT_IN_BATCH),
        (batch(("a", saying("MSFT"))) + b"{", Code.ARTIFACT_NOT_IN_BATCH),
        (b"", Code.ARTIFACT_NOT_IN_BATCH),
        (b"{", Code.ARTIFACT_SYNTAX),
        (batch((REQUEST, "no")), Code.ARTIFACT_PROSE),
        (b"\xff", Code.ARTIFACT_ENCODING),
        (b"1\n" * 10_001, Code.ARTIFACT_TOO_LARGE),
    ],
)
def test_a_batch_without_the_wanted_answer_is_refused(content: bytes, code: Code):
    assert outcome(parse_batch(content, wanted=[REQUEST])) == [f"REFUSED {code}"]


def test_a_broken_line_of_another_request_leaves_this_one():
    content = b'{"custom_id": "x", "resp\n' + batch((REQUEST, saying("MSFT")))
    assert outcome(parse_batch(content, wanted=[REQUEST])) == ["BUY MSFT 10"]


# What holds for all words

words = st.text(alphabet=st.sampled_from("ABCbru$.-/: 1\u017f"), max_size=10) | st.text(max_size=12)


@given(words)
def test_a_symbol_that_is_read_is_read_the_same_again(written: str):
    symbol = read_symbol(written, rules=Rules())
    if isinstance(symbol, str):
        assert read_symbol(symbol, rules=Rules()) == symbol
        assert symbol.isascii()


@given(words, words, words)
def test_whatever_a_line_says_it_is_one_recommendation_or_one_problem(symbol: str, action: str, size: str):
    artifact = parsed({"symbol": symbol, "action": action, "position_sizing": size})
    read: list[Recommendation | Problem] = [*artifact.recommendations, *artifact.problems]
    assert [item.line for item in read] == [1]


@pytest.mark.parametrize(("before", "is_read"), [(9_995, True), (9_996, False)])
def test_a_text_is_read_for_shorts_up_to_ten_thousand_characters(before: int, is_read: bool):
    found = parsed(MSFT | {"action": "SELL"}, strategy_type="x" * (before - 1) + " short")
    assert bool(found.problems) is is_read
