"""Tokens in the admin: a list to look at, and to revoke from."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from folios.tokens.models import ApiToken

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[ApiToken]
else:
    _ModelAdmin = admin.ModelAdmin  # takes type parameters in the stubs only


@admin.register(ApiToken)
class ApiTokenAdmin(_ModelAdmin):
    """Tokens by user. To revoke one, delete it; a new one comes from `manage.py create_token`, which shows it."""

    list_display = ["name", "user", "is_read_only", "created", "expiry"]
    list_filter = ["is_read_only", "expiry"]
    search_fields = ["name", "user__username"]
    list_select_related = ["user"]
    fields = ["name", "user", "is_read_only", "created", "expiry"]
    readonly_fields = ["name", "user", "is_read_only", "created", "expiry"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A token made here could not be shown."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A token keeps its rights for its life."""
        return False
