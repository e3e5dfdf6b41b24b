from django.apps import AppConfig


class HistoryConfig(AppConfig):
    """Who changed what people edit by hand. Only pages need it: commands start without this app."""

    name = "portfolios.history"
    label = "history"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "History"
