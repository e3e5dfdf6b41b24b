"""One tone a word, whoever shows it."""

import pytest

from common.admin import columns
from common.web import template_tags
from common.web.tones import Tone, tone_of
from execution.engine.vocabulary import Outcome
from portfolios.domain.order_states import OrderStatus
from portfolios.domain.vocabulary import TradingState


@pytest.mark.parametrize("word", [*Outcome, *OrderStatus, *TradingState, "ready", "wrong", "no such word"])
def test_the_admin_and_the_dashboard_give_a_word_one_tone(word: str):
    start = f'<span class="badge badge-{tone_of(word)}">'
    assert columns.badge(word).startswith(start)
    assert template_tags.badge(word).startswith(start)


def test_a_word_that_says_nothing_of_good_or_bad_is_quiet():
    assert [tone_of(word) for word in ("HELD", "SKIPPED", "canceled", "")] == [Tone.QUIET] * 4
