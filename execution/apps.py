from django.apps import AppConfig
from django.core.checks import register


class ExecutionConfig(AppConfig):
    """The engine room: from research to changes of the books."""

    name = "execution"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Research and execution"

    def ready(self) -> None:
        """Have limits in the settings noticed that nobody can keep."""
        from execution.runs.effective_policy import check_risk_limits  # noqa: PLC0415  # needs the models

        register(check_risk_limits)
