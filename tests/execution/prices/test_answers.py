"""What is read out of the providers' answers, whatever they hold."""

import json
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from execution.engine.planning.market import Quote, Unpriced
from execution.prices.network import SourceError
from execution.prices.source import Missing, Offer, check_offer
from execution.prices.sources.alpaca import read_trades
from execution.prices.sources.yahoo import read_quotes
from tests.scenes import NOW

SYMBOLS = ["BRK.B", "KO"]

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["KO", "BRK-B", "USD"])
)
names = st.sampled_from(["symbol", "currency", "regularMarketPrice", "regularMarketTime", "p", "t", "KO", "BRK.B"])
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(names, inner), max_leaves=4)
quotes = st.lists(st.dictionaries(names, scalars) | values, max_size=4)
trades = st.dictionaries(names, st.dictionaries(names, scalars) | values, max_size=4)


def assert_usable_or_not(answers: dict[str, Offer | Missing]) -> None:
    assert set(answers) <= set(SYMBOLS)
    for answer in answers.values():
        if isinstance(answer, Offer):
            assert isinstance(check_offer(answer, now=NOW, max_age=None), Quote | Unpriced)


def fault_of(read: Callable[[], dict[str, Offer | Missing]]) -> str:
    """Return what is wrong with an answer, or nothing where each of its offers can be checked."""
    try:
        assert_usable_or_not(read())
    except SourceError as error:
        return str(error)
    return ""


@given(quotes)
def test_every_list_of_quotes_can_be_read(result: list[object]):
    text = json.dumps({"quoteResponse": {"result": result}})
    assert_usable_or_not(read_quotes(text, symbols=SYMBOLS))


@given(st.text() | values.map(json.dumps))
def test_another_answer_than_one_of_quotes_is_the_fault_of_the_source(text: str):
    fault = fault_of(lambda: read_quotes(text, symbols=SYMBOLS))
    assert fault in {"", "the answer is not JSON", "the answer holds no list of quotes"}


@given(trades, scalars)
def test_every_table_of_trades_can_be_read(by_symbol: dict[str, object], currency: object):
    assert_usable_or_not(read_trades({"trades": by_symbol, "currency": currency}, symbols=SYMBOLS))


@given(values)
def test_another_answer_than_one_of_trades_is_the_fault_of_the_source(document: object):
    assert fault_of(lambda: read_trades(document, symbols=SYMBOLS)) in {"", "the answer holds no trades"}
