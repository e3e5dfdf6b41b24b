"""What ends a command early is one line with a code."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.scenes import PUBLISHED, Desk


@pytest.mark.parametrize(
    ("limits", "says"),
    [({"nonsense": 1}, "nonsense is no limit"), ([1], "must be a dictionary of limits by name")],
)
def test_a_setting_that_cannot_be_used_is_one_line_and_exit_code_1(
    desk: Desk, settings: Any, limits: object, says: str
):
    settings.RISK_LIMITS = limits
    with pytest.raises(CommandError) as caught:
        call_command("execute_recommendations", desk.inbox.put(PUBLISHED), str(desk.strategy.pk))
    assert caught.value.returncode == 1
    assert str(caught.value).startswith("[BAD_SETTING] RISK_LIMITS: ")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
