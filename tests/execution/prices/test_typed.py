"""Prices that a person types into a form."""

from decimal import Decimal

import pytest

from execution.engine.vocabulary import Refusal
from execution.prices.typed import parse_typed_prices

pytestmark = pytest.mark.django_db


def test_prices_are_typed_as_pairs_and_symbols_are_read_as_everywhere():
    assert parse_typed_prices(" msft=450.10, BRK-B=482.5;KO=70\nMKC.US=71 ") == {
        "MSFT": Decimal("450.10"), "BRK.B": Decimal("482.5"), "KO": Decimal(70), "MKC": Decimal(71),
    }  # fmt: skip
    assert parse_typed_prices("") == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("KO", "'KO' is not of the form SYMBOL=PRICE: there is no ="),
        ("KO = 70", "'KO' is not of the form SYMBOL=PRICE: there is no ="),
        ("M$FT=70", "'M$FT=70' is not of the form SYMBOL=PRICE: "),
        ("KO=", "price of KO is '': not a number"),
        ("KO=1e400", "price of KO is '1e400'"),
        ("KO=NaN", "price of KO is 'NaN': not a finite number"),
        ("KO=70, ko=70", "the price of KO is given twice"),
    ],
)
def test_what_is_no_price_is_refused_by_name(text: str, says: str):
    refusal = parse_typed_prices(text)
    assert isinstance(refusal, Refusal)
    assert says in refusal.message
