"""What callers write: a symbol is the same at every entrance, and what one refuses, all refuse."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.identifiers import NoSymbol, read_declared_symbol, read_symbol
from execution.arguments import find_symbol, parse_symbols
from execution.engine.parsing.artifact import parse_artifact
from execution.engine.vocabulary import Refusal
from execution.imports.securities import read_security_table
from execution.prices.sources.file import read_price_file
from execution.runs.targets import parse_targets, read_targets
from portfolios.models import Security
from tests.scenes import NOW

READ = {
    "MSFT": "MSFT", " msft ": "MSFT", "MSFT.US": "MSFT", "US.MSFT": "MSFT", "$MSFT": "MSFT", "NASDAQ:MSFT": "MSFT",
    "BRK.B": "BRK.B", "brk-b": "BRK.B", "BRK/B": "BRK.B", "BRK.B.US": "BRK.B",
}  # fmt: skip
REFUSED = [
    "BP.L",
    "SAP.DE",
    "7203.T",
    "BTC-USD",
    "EURUSD",
    "N/A",
    "nan",
    "Microsoft Corporation",
    "LSE:BP",
    "US.B",
    "",
]


def from_research(text: str, _: Path) -> str:
    line = {"symbol": text, "action": "BUY", "allocation_percent": 5}
    artifact = parse_artifact(json.dumps({"recommendations": [line]}).encode())
    assert not isinstance(artifact, Refusal)
    return artifact.recommendations[0].symbol if artifact.recommendations else ""


def from_a_price_file(text: str, directory: Path) -> str:
    (directory / "p.json").write_text(json.dumps({text: "5"}))
    found = read_price_file(directory / "p.json", now=NOW)
    return "" if isinstance(found, Refusal) else next(iter(found))


def from_a_target(text: str, _: Path) -> str:
    found = parse_targets([f"{text}=5"])
    return "" if isinstance(found, Refusal) else next(iter(found))


def from_a_target_file(text: str, directory: Path) -> str:
    (directory / "t.csv").write_text(f'symbol,percent\n"{text}",5\n')
    found = read_targets(directory / "t.csv")
    return "" if isinstance(found, Refusal) else next(iter(found))


def from_a_table_of_securities(text: str, directory: Path) -> str:
    header = "symbol,name,sector,exchange,currency,asset_class,quantity_step"
    (directory / "s.csv").write_text(f'{header}\n"{text}",A name,Energy,NYSE,USD,equity,1\n')
    found = read_security_table(directory / "s.csv")
    assert not isinstance(found, Refusal)
    return found.securities[0].symbol if found.securities else ""


def from_an_option(text: str, _: Path) -> str:
    found = parse_symbols([text], name="--accept-price")
    return "" if isinstance(found, Refusal) else next(iter(found))


ENTRANCES = [
    from_research, from_a_price_file, from_a_target, from_a_target_file, from_a_table_of_securities, from_an_option,
]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("entrance", ENTRANCES)
@pytest.mark.parametrize("written", READ)
def test_a_symbol_is_the_same_at_every_entrance(entrance: Callable[[str, Path], str], written: str, tmp_path: Path):
    assert entrance(written, tmp_path) == READ[written]


@pytest.mark.django_db
@pytest.mark.parametrize("entrance", ENTRANCES)
@pytest.mark.parametrize("written", REFUSED)
def test_what_is_no_symbol_is_none_at_any_entrance(
    entrance: Callable[[str, Path], str], written: str, tmp_path: Path
):
    assert entrance(written, tmp_path) == ""


@pytest.mark.django_db
def test_a_class_that_could_be_a_listing_is_read_where_the_books_have_the_security():
    """A person has declared MKC.V; nobody has declared the listing in Toronto of the same letters."""
    assert isinstance(find_symbol("MKC.V"), NoSymbol)
    Security.objects.create(symbol="MKC.V")
    assert find_symbol(" mkc-v ") == "MKC.V"
    Security.objects.create(symbol="BP.L")  # of the time before this was refused
    assert isinstance(find_symbol("BP.L"), NoSymbol)


@given(st.text(max_size=12))
def test_what_research_may_say_may_be_declared_and_stays_as_it_is(text: str):
    found, declared = read_symbol(text), read_declared_symbol(text)
    if isinstance(found, str):
        assert declared == found
        assert read_symbol(found) == found
    if isinstance(declared, str):
        assert read_declared_symbol(declared) == declared
