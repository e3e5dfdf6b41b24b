"""Target weights: percent, and nothing that could be something else."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.engine.vocabulary import Code, Refusal
from execution.runs.targets import parse_targets, read_targets, targets_of


def settled(pairs: str) -> dict[str, str] | str:
    """Percent by symbol of `A=1 B=2`, or why they are refused."""
    answer = parse_targets(pairs.split())
    if isinstance(answer, Refusal):
        assert answer.code is Code.BAD_TARGET
        return answer.message
    return {symbol: str(weight) for symbol, weight in answer.items()}


@pytest.mark.parametrize(
    ("pairs", "first"),
    [
        ("ARKK=0.06", "ARKK is 0.06, perhaps a fraction of one: write percent, 6 or 0.06%"),
        ("MSFT=0.6 AAPL=0.4", "MSFT is 0.6, perhaps a fraction of one: write percent, 60 or 0.6%"),
        ("MSFT=1.0", "MSFT is 1, perhaps a fraction of one: write percent, 100 or 1%"),
        ("MSFT=0 AAPL=0.5", "AAPL is 0.5"),
        ("MSFT=0.5 KO=-0.5", "MSFT is 0.5"),
        ("MSFT=1.3 KO=-0.3", "MSFT is 1.3"),  # 130/30
        ("A=0.333 B=0.333 C=0.335", "A is 0.333"),
    ],
)
def test_what_could_be_fractions_is_refused_until_percent_is_said(pairs: str, first: str):
    assert first in str(settled(pairs))
    said = settled(" ".join(f"{pair}%" for pair in pairs.split()))
    assert said == {pair.partition("=")[0]: pair.partition("=")[2] for pair in pairs.split()}


@pytest.mark.parametrize(
    "pairs",
    ["MSFT=1", "MSFT=0", "MSFT=12.5", "MSFT=0.5 KO=10", "A=0.9 B=0.9 C=0.9", "MSFT=1.5", "MSFT=2", "MSFT=-5"],
)
def test_what_can_only_be_percent_is_percent(pairs: str):
    assert settled(pairs) == {pair.partition("=")[0]: pair.partition("=")[2] for pair in pairs.split()}


@given(st.dictionaries(st.sampled_from("ABCDEFGH"), st.integers(1, 1000), min_size=1))
def test_weights_that_add_up_to_one_are_never_bought_as_percent(parts: dict[str, int]):
    whole = sum(parts.values())
    shares = {symbol: f"{Decimal(part) / whole:.6f}" for symbol, part in parts.items()}
    assert isinstance(targets_of(shares), Refusal)


@pytest.mark.parametrize(
    ("pairs", "says"),
    [
        ("MSFT=60 KO=50 XOM=10", "target 'KO=50': with KO the targets pass 100 percent: they are 120 in all"),
        ("MSFT=100 KO=0.01", "with KO the targets pass 100 percent: they are 100.01 in all"),
        ("MSFT=60 Total=60", "'Total' is a sum and no symbol: leave it out"),
        ("MSFT=60 USD=40", "'USD' is cash, and a security may have the same symbol: write CASH"),
        ("MSFT=60 CASH=10", "CASH is 10: CASH is what the other targets leave, 40 percent"),
        ("MSFT=60 CASH=39", "CASH is 39"),
        ("MSFT=60 CASH=40 cash=40", "CASH is given twice"),
        ("MSFT=60 MSFT.US=10", "target 'MSFT.US=10': MSFT is given twice"),
        ("BP.L=10", "'BP.L' is not a symbol: '.L' names a listing elsewhere (London)"),
        ("MSFT=12,5", "'12,5' is not a number, which has no comma"),
        ("MSFT=1_0", "'1_0' is not a number"),
        ("MSFT=101%", "'101%' is not a percentage from -100 to 100"),
    ],
)
def test_a_target_that_is_none_is_refused_by_name(pairs: str, says: str):
    assert says in str(settled(pairs))


@pytest.mark.parametrize("cash", ["CASH=40", "cash=40", "Cash=39.6", "CASH=40.5"])
def test_cash_is_what_the_others_leave(cash: str):
    assert settled(f"MSFT=60 {cash}") == {"MSFT": "60"}
    assert settled("MSFT=60 KO=-10 CASH=50") == {"MSFT": "60", "KO": "-10"}
    assert settled("KO=-10 CASH=110") == {"KO": "-10"}


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("t.csv", "symbol,percent\nMSFT,12,5\n",
         "line 2 has 3 cells, the header has 2 (symbol,percent): if 12,5 is one number, write 12.5"),
        ("t.csv", "symbol,percent\nKO,3\nTOTAL,100\n", "line 3: 'TOTAL' is a sum and no symbol"),
        ("t.csv", "symbol,percent,currency\nKO,3,EUR\n", "line 1: column 'currency' is unknown"),
        ("t.csv", "symbol,percent,date\nKO,3,2024-01-01\n", "line 1: column 'date' is unknown"),
        ("t.csv", "symbol,percent\nARKK,0.06\n", "line 2: ARKK is 0.06, perhaps a fraction of one: write percent"),
        ("t.json", '{"MSFT": 0.6, "AAPL": 0.4}', "MSFT is 0.6, perhaps a fraction of one: write percent, 60"),
        ("t.json", '{"MSFT": 1, "AAPL": 0}', "MSFT is 1, perhaps a fraction of one: write percent, 100 or 1%"),
        ("t.json", '{"MSFT": 60, "MSFT": 40}', "duplicate key"),
        ("t.json", '{"MSFT": 60, "msft": 40}', "key 'msft': MSFT stands twice"),
        ("t.json", '{"MSFT": true}', "key 'MSFT': 'True' is not a number"),
        ("t.json", '{"MSFT": {"percent": 3}}', "is not a number"),
    ],
)  # fmt: skip
def test_a_file_is_refused_by_its_place(tmp_path: Path, name: str, content: str, says: str):
    path = tmp_path / name
    path.write_text(content)
    answer = read_targets(path)
    assert isinstance(answer, Refusal)
    assert answer.message.startswith(f"{path}: ")
    assert says in answer.message


def test_a_file_may_describe_its_rows(tmp_path: Path):
    path = tmp_path / "t.csv"
    path.write_text("Symbol,Name,Percent\nmsft,Microsoft,60\nBRK-B,Berkshire,0.5%\nCASH,,39.5\n\n")
    assert read_targets(path) == {"MSFT": Decimal(60), "BRK.B": Decimal("0.5")}
