import hashlib
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.identifiers import normalize_symbol
from common.text import MAX_TEXT
from execution.engine.parsing.artifact import Claims, Problem, Recommendation, parse_artifact
from execution.engine.vocabulary import Code, RecommendedAction, Refusal
from tests.builders import document, parsed

MSFT = {"symbol": "MSFT", "action": "BUY", "allocation_percent": 10.0}


def understood(**fields: Any) -> Recommendation:
    """The one recommendation of a document with this line."""
    (item,) = parsed(MSFT | fields).recommendations
    return item


def problem(line: object, *others: object) -> Problem:
    """The one problem of a document whose first line is this one."""
    (found,) = parsed(line, *others).problems
    return found


# The whole document


def test_the_published_document_is_read():
    artifact = parsed(MSFT, {"symbol": "AAPL", "action": "HOLD", "allocation_percent": 6.0})
    msft, aapl = artifact.recommendations
    assert (msft.line, msft.symbol, msft.action, msft.allocation_percent) == (1, "MSFT", "BUY", Decimal(10))
    assert (aapl.line, aapl.symbol, aapl.action, aapl.allocation_percent) == (2, "AAPL", "HOLD", Decimal(6))
    assert artifact.problems == ()
    assert artifact.line_count == 2


def test_the_digest_is_that_of_the_bytes():
    content = document(MSFT)
    artifact = parse_artifact(content)
    assert not isinstance(artifact, Refusal)
    assert artifact.digest == hashlib.sha256(content).hexdigest()
    spaced = parse_artifact(content + b"\n")
    assert not isinstance(spaced, Refusal)
    assert spaced.digest != artifact.digest
    assert spaced.recommendations == artifact.recommendations


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"[]", Code.ARTIFACT_SHAPE),
        (b"{}", Code.ARTIFACT_SHAPE),
        (b"null", Code.ARTIFACT_SHAPE),
        (b'"BUY MSFT"', Code.ARTIFACT_SHAPE),
        (b'[{"symbol": "MSFT", "action": "BUY", "allocation_percent": 10}]', Code.ARTIFACT_SHAPE),
        (b'{"recommendations": null}', Code.ARTIFACT_SHAPE),
        (b'{"recommendations": {"MSFT": "BUY"}}', Code.ARTIFACT_SHAPE),
        (b'{"properties": {"recommendations": {"type": "array"}}}', Code.ARTIFACT_SHAPE),
        (b'{"recommendations": []}', Code.NO_RECOMMENDATIONS),
        (b'{"recommendations": [}', Code.ARTIFACT_SYNTAX),
        (b'{"recommendations": [{"allocation_percent": NaN}]}', Code.ARTIFACT_NUMBER),
    ],
)
def test_a_document_without_a_readable_list_is_refused(content: bytes, code: Code):
    refused = parse_artifact(content)
    assert isinstance(refused, Refusal)
    assert refused.code is code


def test_at_most_500_recommendations_are_read():
    assert parsed(*[MSFT] * 500).line_count == 500
    refused = parse_artifact(document(*[MSFT] * 501))
    assert isinstance(refused, Refusal)
    assert refused.code is Code.TOO_MANY_RECOMMENDATIONS
    assert refused.message == "501 recommendations, at most 500 are read"


def test_one_bad_line_leaves_the_others():
    artifact = parsed(MSFT, {"symbol": "AAPL", "action": "MOON"}, MSFT | {"symbol": "XOM"})
    assert [item.line for item in artifact.recommendations] == [1, 3]
    assert [item.line for item in artifact.problems] == [2]
    assert artifact.line_count == 3


def test_a_byte_order_mark_is_accepted():
    artifact = parse_artifact(b"\xef\xbb\xbf" + document(MSFT))
    assert not isinstance(artifact, Refusal)
    assert artifact.line_count == 1


def test_a_document_says_who_made_it():
    artifact = parsed(MSFT, provider=" anthropic ", request_id="r", task_id="t", strategy_id="s", source="x")
    assert artifact.claims == Claims(provider="anthropic", request_id="r", task_id="t", strategy_id="s")


@pytest.mark.parametrize("said", [None, 7, ["anthropic"], {"name": "anthropic"}, "  "])
def test_a_claim_that_is_no_text_says_nothing(said: object):
    assert parsed(MSFT, provider=said, request_id=said).claims == Claims()


@pytest.mark.parametrize(
    ("context", "text"),
    [
        (None, ""),
        ("Rates fall.", "Rates fall."),
        ({"vix": 14.5, "trend": "up"}, '{"vix": "14.5", "trend": "up"}'),
        (["up", None, True], '["up", null, true]'),
        ("x" * (MAX_TEXT + 1), "x" * MAX_TEXT),
        ("line\u2028break", "line\ufffdbreak"),
    ],
)
def test_the_market_context_is_text_or_anything_else_as_text(context: object, text: str):
    assert parsed(MSFT, market_context=context).market_context == text


# The symbol


@pytest.mark.parametrize("name", ["symbol", "ticker"])
@pytest.mark.parametrize(
    ("written", "symbol"),
    [
        ("MSFT", "MSFT"),
        ("msft", "MSFT"),
        (" MSFT ", "MSFT"),
        ("\tMsft\n", "MSFT"),
        ("\u00a0MSFT", "MSFT"),
        ("BRK.B", "BRK.B"),
        ("BRK-B", "BRK.B"),
        ("brk-b", "BRK.B"),
        ("BRK/B", "BRK.B"),
        ("$AAPL", "AAPL"),
        ("$brk.b", "BRK.B"),
        ("NASDAQ:AAPL", "AAPL"),
        ("nyse:brk-b", "BRK.B"),
        ("US.NVDA", "NVDA"),
        ("AAPL.US", "AAPL"),
        ("B.US", "B"),
        ("A", "A"),
        ("SYM001", "SYM001"),
    ],
)
def test_a_symbol_is_one_whatever_its_case_and_padding(name: str, written: str, symbol: str):
    (item,) = parsed({name: written, "action": "BUY", "allocation_percent": 10}).recommendations
    assert item.symbol == symbol


@pytest.mark.parametrize(
    "written",
    [
        "SOL/USDT",
        "0700.HK",
        "600519.SS",
        "VOD.L",
        "MKC.V",
        "US.B",
        "US-B",
        "AAPL.O",
        "BRK.Q",
        "LON:VOD",
        "NASDAQ:$AAPL",
        "123",
        "TOOLONGNAME",
        "MS FT",
        "BRK.",
        "BRK..B",
        "BRK.BBB",
        "BTC-USD",
        "M\u0455FT",  # a Cyrillic letter
        "MSF\uff34",  # a wide one
        "M\u017fFT",  # a long s, which upper() makes a plain one
        "\u00df",  # a sharp s, which upper() makes two plain ones
        "MSFT\x00",
        "MSFT\u200b",
    ],
)
def test_what_is_no_symbol_is_quarantined(written: str):
    found = problem({"symbol": written, "action": "BUY", "allocation_percent": 10})
    assert found.code is Code.SYMBOL_INVALID
    assert found.symbol == ""


@pytest.mark.parametrize("fields", [{}, {"symbol": None}, {"symbol": "  "}, {"symbol": "", "ticker": None}])
def test_a_line_without_a_symbol_is_quarantined(fields: dict[str, object]):
    assert problem({"action": "BUY", "allocation_percent": 10} | fields).code is Code.SYMBOL_MISSING


@pytest.mark.parametrize("written", [7, True, ["MSFT"], {"name": "MSFT"}])
def test_a_symbol_that_is_no_text_is_quarantined(written: object):
    assert problem(MSFT | {"symbol": written}).code is Code.SYMBOL_INVALID


def test_symbol_and_ticker_may_say_the_same():
    assert understood(symbol="brk-b", ticker="BRK.B").symbol == "BRK.B"


def test_symbol_and_ticker_that_differ_name_neither():
    found = problem(MSFT | {"ticker": "AAPL"})
    assert found.code is Code.SYMBOL_INVALID
    assert found.message == "fields 'symbol' and 'ticker' differ: 'AAPL / MSFT'"
    assert found.symbol == ""


@pytest.mark.parametrize("text", ["", " ", "-", ".B", "AAPL;", "A1B", "\u0130BM", "SYM0000001"])
def test_there_is_no_such_symbol(text: str):
    assert normalize_symbol(text) is None


# The action


@pytest.mark.parametrize(
    ("written", "action"),
    [
        ("BUY", "BUY"),
        ("buy", "BUY"),
        (" Sell ", "SELL"),
        ("sell short", "SELL_SHORT"),
        ("Sell-Short", "SELL_SHORT"),
        ("buy_to_cover", "BUY_TO_COVER"),
        ("hold", "HOLD"),
        ("STRONG_BUY", "BUY"),
        ("open_long", "BUY"),
        ("买入", "BUY"),
        ("Strong Sell", "SELL"),
        ("close-long", "SELL"),
        ("卖出", "SELL"),
        ("short", "SELL_SHORT"),
        ("open_short", "SELL_SHORT"),
        ("cover", "BUY_TO_COVER"),
        ("close_short", "BUY_TO_COVER"),
        ("NOOP", "HOLD"),
        ("no trade", "HOLD"),
        ("持有", "HOLD"),
    ],
)
def test_an_action_is_one_whatever_its_case_and_joints(written: str, action: str):
    assert understood(action=written).action is RecommendedAction(action)


@pytest.mark.parametrize(
    "written",
    ["MOON", "b", "EXIT", "增持", "Overweight", "TRIM", "BUY!", "BUY MSFT", "NONE", "\u017fELL"],
)
def test_an_unknown_action_is_quarantined_and_never_a_hold(written: str):
    found = problem(MSFT | {"action": written})
    assert found.code is Code.ACTION_UNKNOWN
    assert found.symbol == "MSFT"
    assert found.message.endswith("not one of BUY, SELL, SELL_SHORT, BUY_TO_COVER, HOLD")


@pytest.mark.parametrize("fields", [{"action": None}, {"action": ""}, {"action": "  "}])
def test_a_line_without_an_action_is_quarantined(fields: dict[str, object]):
    assert problem(MSFT | fields).code is Code.ACTION_MISSING


@pytest.mark.parametrize("written", [1, False, ["BUY"], {"side": "BUY"}])
def test_an_action_that_is_no_text_is_quarantined(written: object):
    found = problem(MSFT | {"action": written})
    assert (found.code, found.action) == (Code.ACTION_UNKNOWN, "")


# The size


@pytest.mark.parametrize(
    ("action", "size", "code"),
    [
        ("BUY", None, Code.SIZE_MISSING),
        ("SELL_SHORT", None, Code.SIZE_MISSING),
        ("BUY", -5, Code.SIZE_NEGATIVE),
        ("SELL", -0.01, Code.SIZE_NEGATIVE),
        ("HOLD", -5, Code.SIZE_NEGATIVE),
        ("BUY", 100.01, Code.SIZE_OUT_OF_RANGE),
        ("SELL", 250, Code.SIZE_OUT_OF_RANGE),
        ("BUY", "10", Code.SIZE_NOT_A_NUMBER),
        ("BUY", "10 %x", Code.SIZE_NOT_A_NUMBER),
        ("BUY", "8-10%", Code.SIZE_NOT_A_NUMBER),
        ("BUY", True, Code.SIZE_NOT_A_NUMBER),
        ("BUY", [10], Code.SIZE_NOT_A_NUMBER),
        ("BUY", {"percent": 10}, Code.SIZE_NOT_A_NUMBER),
    ],
)
def test_a_size_that_cannot_be_trusted_is_quarantined(action: str, size: object, code: Code):
    found = problem(MSFT | {"action": action, "allocation_percent": size})
    assert (found.code, found.symbol, found.action) == (code, "MSFT", action)


@pytest.mark.parametrize("action", ["SELL", "BUY_TO_COVER", "HOLD"])
def test_an_action_on_what_is_held_needs_no_size(action: str):
    assert understood(action=action, allocation_percent=None).allocation_percent is None


@pytest.mark.parametrize("size", [0, 0.0, 0.5, 1, 2, 100])
def test_an_allocation_percent_is_percent_however_small(size: float):
    assert understood(allocation_percent=size).allocation_percent == Decimal(str(size))


def sized(*sizes: float | None) -> tuple[list[Decimal | None], list[Code]]:
    """The sizes understood, and the codes of the lines that were not, of a document in position_size_pct."""
    symbols = ["AAPL", "MSFT", "NVDA", "XOM"]
    artifact = parsed(
        *(
            {"ticker": symbol, "action": "SELL" if size is None else "BUY", "position_size_pct": size}
            for symbol, size in zip(symbols, sizes, strict=False)
        )
    )
    return [item.allocation_percent for item in artifact.recommendations], [p.code for p in artifact.problems]


@pytest.mark.parametrize(
    ("sizes", "read"),
    [
        ([8.0, 5.0], ["8", "5"]),
        ([8.0, 0.5], ["8", "0.5"]),  # one value above 2 makes the whole document percent
        ([2.01], ["2.01"]),
        ([0, 8.0], ["0", "8"]),
        ([None, 8.0], [None, "8"]),
        ([0], ["0"]),  # nothing is nothing in either unit
    ],
)
def test_a_position_size_is_percent_where_the_document_shows_it(sizes: list[float | None], read: list[str | None]):
    assert sized(*sizes) == ([None if text is None else Decimal(text) for text in read], [])


@pytest.mark.parametrize("sizes", [[0.08], [0.25, 0.05], [2.0, 0.5], [1]])
def test_a_position_size_that_may_be_a_fraction_is_quarantined(sizes: list[float]):
    assert sized(*sizes) == ([], [Code.SIZE_UNIT_UNCLEAR] * len(sizes))


def test_two_sizes_that_differ_are_quarantined():
    found = problem(MSFT | {"position_size_pct": 12})
    assert found.code is Code.SIZE_UNIT_UNCLEAR
    assert understood(position_size_pct=10).allocation_percent == 10


# Everything else on a line


def test_both_families_of_fields_are_read():
    (item,) = parsed(
        {
            "ticker": "MSFT",
            "company_name": "Microsoft",
            "action": "BUY",
            "current_price": 378.91,
            "target_price": 420,
            "confidence": 85,
            "investment_thesis": "Cloud.",
            "key_metrics": {"pe": 31},
            "position_size_pct": 8.0,
            "risk_factors": ["rates"],
        },
        market_context="Calm.",
    ).recommendations
    assert (item.symbol, item.allocation_percent, item.rationale) == ("MSFT", Decimal(8), "Cloud.")
    assert (item.confidence, item.confidence_raw) == (Decimal("0.85"), "85")
    assert (item.current_price, item.target_price) == (Decimal("378.91"), Decimal(420))


@pytest.mark.parametrize(
    ("confidences", "read"),
    [
        ([0.88], ["0.88"]),
        ([0.88, 0.5], ["0.88", "0.5"]),
        ([85], ["0.85"]),
        ([85, 7], ["0.85", "0.07"]),
        ([100, 0], ["1", "0"]),
        ([0], ["0"]),
        ([1], [None]),  # one percent, or certainty
        ([1.0, 0.4], [None, None]),
        ([7, 8], [None, None]),  # a mark out of ten, or percent
        ([10], [None]),
        ([10.5], ["0.105"]),
        (["high", 0.5], [None, "0.5"]),
        ([-0.5], [None]),
        ([250, 50], [None, "0.5"]),
        ([True], [None]),
        (["85%", 0.5], ["0.85", "0.5"]),
        (["8-9%", "85"], [None, None]),
    ],
)
def test_confidence_is_a_fraction_by_the_scale_of_the_document(confidences: list[object], read: list[str | None]):
    symbols = ["AAPL", "MSFT"]
    artifact = parsed(
        *(
            MSFT | {"symbol": symbol, "confidence": value}
            for symbol, value in zip(symbols, confidences, strict=False)
        )
    )
    assert [item.confidence for item in artifact.recommendations] == [
        None if text is None else Decimal(text) for text in read
    ]


@pytest.mark.parametrize(
    ("confidence", "raw"),
    [(None, ""), (0.88, "0.88"), ("high", "high"), ("x" * 100, "x" * 64), ("a\x07", "a\ufffd")],
)
def test_confidence_is_kept_as_it_was_written(confidence: object, raw: str):
    assert understood(confidence=confidence).confidence_raw == raw


@pytest.mark.parametrize(
    ("price", "read"),
    [
        (378.91, "378.91"),
        (528.5700073242188, "528.57"),
        ("$460-480", None),
        ("N/A", None),
        (0, None),
        (-5, None),
        (None, None),
        (True, None),
        (1e14, None),
        (999999999.99999, None),  # in range, and not once it is rounded
        (1e-9, None),
        ("$460.50", "460.50"),
        ("$460.50 or so", None),
    ],
)
def test_a_price_that_research_names_is_a_remark(price: object, read: str | None):
    expected = None if read is None else Decimal(read)
    item = understood(current_price=price, target_price=price)
    assert (item.current_price, item.target_price) == (expected, expected)


@pytest.mark.parametrize(
    "unsafe",
    [
        "\x00",
        "\x1b",
        "\r",
        "\x7f",
        "\x85",
        "\u061c",
        "\u200b",
        "\u200f",
        "\u202e",
        "\u2066",
        "\u2028",
        "\ufeff",
        "\ud800",
    ],
)
def test_control_and_bidirectional_characters_are_replaced(unsafe: str):
    item = understood(rationale=f"buy{unsafe}now", note={f"k{unsafe}": [f"v{unsafe}"]})
    assert item.rationale == "buy\ufffdnow"
    assert isinstance(item.raw, dict)
    assert item.raw["note"] == {"k\ufffd": ["v\ufffd"]}


def test_ordinary_text_stays_as_it_is():
    text = "Zürich\tß: 买入 🙂\nnext line"
    assert understood(rationale=text).rationale == text


def test_a_line_is_kept_as_it_was_written_with_numbers_as_text():
    item = understood(quantity=12.50, flags=[True, None, 3])
    assert item.raw == {
        "symbol": "MSFT",
        "action": "BUY",
        "allocation_percent": "10.0",
        "quantity": "12.5",
        "flags": [True, None, "3"],
    }


@pytest.mark.parametrize("line", ["BUY MSFT", 7, None, True, ["MSFT", "BUY"]])
def test_a_line_that_is_no_object_is_quarantined(line: object):
    found = problem(line, MSFT)
    assert (found.line, found.code, found.symbol, found.action) == (1, Code.LINE_NOT_AN_OBJECT, "", "")


@pytest.mark.parametrize("name", ["rationale", "investment_thesis"])
@pytest.mark.parametrize(
    ("value", "rule"),
    [(["a"], "not text"), (5, "not text"), ("x" * (MAX_TEXT + 1), "longer than 10,000 characters")],
)
def test_a_rationale_that_is_no_text_is_quarantined(name: str, value: object, rule: str):
    found = problem(MSFT | {name: value})
    assert found.code is Code.FIELD_INVALID
    assert found.message.startswith(f"field '{name}' is ")
    assert found.message.endswith(rule)
    assert len(found.message) < 200


def test_a_problem_keeps_what_could_be_read():
    found = problem({"ticker": "brk-b", "action": " buy now ", "position_size_pct": 8})
    assert (found.symbol, found.action) == ("BRK.B", "BUY NOW")
    assert found.raw == {"ticker": "brk-b", "action": " buy now ", "position_size_pct": "8"}


def test_a_message_fits_one_line():
    found = problem(MSFT | {"action": "buy\nor\u202e sell" + "!" * 500})
    assert "\n" not in found.message
    assert "\u202e" not in found.message
    assert len(found.message) < 200


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.floats(-1e6, 1e6) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(
    [
        "symbol",
        "ticker",
        "action",
        "allocation_percent",
        "position_size_pct",
        "confidence",
        "rationale",
        "current_price",
    ]
)
likely = st.sampled_from(["MSFT", "AAPL", "BUY", "SELL", "HOLD", 10, 0.5, 85, None])


@given(st.lists(json_values | st.dictionaries(names, likely | json_values), min_size=1, max_size=5), json_values)
def test_every_line_is_understood_or_a_problem(lines: list[Any], context: Any):
    artifact = parse_artifact(document(*lines, market_context=context))
    if isinstance(artifact, Refusal):
        # Only numbers far below what can be traded on refuse these documents.
        assert artifact.code is Code.ARTIFACT_NUMBER
        return
    read: list[Recommendation | Problem] = [*artifact.recommendations, *artifact.problems]
    assert sorted(item.line for item in read) == list(range(1, len(lines) + 1))
    json.dumps([item.raw for item in read], ensure_ascii=False).encode()
