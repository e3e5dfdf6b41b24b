from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, register


class ExecutionConfig(AppConfig):
    """The engine room: from research to changes of the books."""

    name = "execution"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Research and execution"

    def ready(self) -> None:
        """Have wrong settings noticed: price sources that are none, limits that nobody can keep."""
        register(_check_price_sources)
        register(_check_risk_limits)


def _check_price_sources(**options: Any) -> list[CheckMessage]:
    from execution.prices.backends import check_backends  # noqa: PLC0415  # commands start without it

    return check_backends(**options)


def _check_risk_limits(**options: Any) -> list[CheckMessage]:
    from execution.runs.effective_policy import check_risk_limits  # noqa: PLC0415  # needs the models

    return check_risk_limits(**options)
