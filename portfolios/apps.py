from django.apps import AppConfig


class PortfoliosConfig(AppConfig):
    """The books: what is held and owed."""

    name = "portfolios"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Books"
