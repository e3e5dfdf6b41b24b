from django.apps import AppConfig


class ExecutionConfig(AppConfig):
    """The engine room: from research to changes of the books."""

    name = "execution"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Research and execution"
