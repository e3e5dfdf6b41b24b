"""API tokens. Only a digest is stored: a token is shown once, when it is made."""

from typing import Any

from django.db import models
from knox.models import AbstractAuthToken


class ApiToken(AbstractAuthToken):  # type: ignore[misc]  # knox ships without annotations
    """One token of one user. A user may have several; the name tells them apart."""

    name = models.CharField(max_length=100, help_text="What the token is for, as `nightly job`.")
    is_read_only = models.BooleanField(default=False, help_text="Whether it may read and preview only.")

    class Meta:
        ordering = ["user", "name"]
        verbose_name = "API token"
        constraints = [
            models.UniqueConstraint(name="token_name_once_per_user", fields=["user", "name"]),
            models.CheckConstraint(name="token_name_not_empty", condition=~models.Q(name="")),
        ]

    def __str__(self) -> str:
        owner: Any = self.user
        return f"{self.name} ({owner.get_username()})"
