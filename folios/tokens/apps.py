from django.apps import AppConfig


class TokensConfig(AppConfig):
    """API tokens: who may call, until when, and whether only to read."""

    name = "folios.tokens"
    label = "tokens"
    verbose_name = "API tokens"

    def ready(self) -> None:
        """Let the schema know how callers say who they are."""
        from folios.tokens import schema  # noqa: F401, PLC0415  # registers itself; needs the apps
