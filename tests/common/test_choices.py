"""Sets of words, as pure code, columns and forms share them."""

from typing import Any

import pytest
from django.db import models

from common.choices import Choices
from execution.engine.vocabulary import Outcome
from execution.models import Recommendation
from portfolios.domain.accounting import Action, Side
from portfolios.domain.order_states import ORDER_TRANSITIONS, OrderStatus
from portfolios.domain.vocabulary import OnBreach, Provider, TradingState
from portfolios.models import Order, PortfolioAccount, Position, RiskPolicy


class Size(Choices):
    """For these tests."""

    SMALL = "small"
    EXTRA_LARGE = "extra_large", "The largest"


def test_a_word_is_its_value_with_a_label():
    assert [str(each) for each in Size] == Size.values == ["small", "extra_large"]
    assert Size("extra_large") is Size.EXTRA_LARGE
    assert Size.choices == [("small", "Small"), ("extra_large", "The largest")]
    assert Size.labels == ["Small", Size.EXTRA_LARGE.label]


@pytest.mark.parametrize(
    ("model", "column", "words"),
    [
        (Order, "action", Action),
        (Order, "status", OrderStatus),
        (Position, "side", Side),
        (PortfolioAccount, "trading_state", TradingState),
        (PortfolioAccount, "provider", Provider),
        (RiskPolicy, "on_breach", OnBreach),
        (Recommendation, "outcome", Outcome),
    ],
)
def test_a_column_holds_the_words_of_the_rules(model: type[models.Model], column: str, words: type[Choices]):
    field: Any = model._meta.get_field(column)
    checks = [
        str(check.condition) for check in model._meta.constraints if isinstance(check, models.CheckConstraint)
    ]
    assert list(field.choices) == words.choices
    assert any(f"('{column}__in', {words.values})" in check for check in checks)


def test_every_status_of_an_order_has_its_transitions():
    assert set(ORDER_TRANSITIONS) == set(OrderStatus)
