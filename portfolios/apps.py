from django.apps import AppConfig
from django.core.checks import Tags, register
from django.db.models.signals import post_migrate, pre_migrate


class PortfoliosConfig(AppConfig):
    """The books: what is held and owed."""

    name = "portfolios"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Books"

    def ready(self) -> None:
        """Install the triggers after every migration, and have their absence noticed."""
        from portfolios import checks  # noqa: PLC0415  # needs the models

        pre_migrate.connect(checks.remove_before_migrate, sender=self)
        post_migrate.connect(checks.install_after_migrate, sender=self)
        register(Tags.database)(checks.check_triggers)
