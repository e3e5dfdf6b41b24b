from django.apps import AppConfig
from django.core.checks import Tags, register
from django.db.models.signals import post_migrate


class PortfoliosConfig(AppConfig):
    """The books: what is held and owed."""

    name = "portfolios"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Books"

    def ready(self) -> None:
        """Install the triggers after every migration, and have their absence noticed."""
        from portfolios.checks import check_triggers, install_after_migrate  # noqa: PLC0415  # needs the models

        post_migrate.connect(install_after_migrate, sender=self)
        register(Tags.database)(check_triggers)
