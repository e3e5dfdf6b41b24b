"""People: who leaves is deactivated, not deleted, because the audit trail speaks of them."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.http import HttpRequest

if TYPE_CHECKING:
    _UserAdmin = UserAdmin[User]
else:
    _UserAdmin = UserAdmin  # takes type parameters in the stubs only

admin.site.unregister(User)


@admin.register(User)
class PersonAdmin(_UserAdmin):
    """People and what they may do."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The log and the history say who did what: without the person they would not."""
        return False
