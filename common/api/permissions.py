"""What a user needs to be allowed to do, action by action."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request


class HasNeededPermission(BasePermission):
    """The user has the permission that the view names for the action."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the user may do this. A method that the view does not have is answered as such."""
        return has_no_action(view) or request.user.has_perm(view.needs[view.action])


def has_no_action(view: Any) -> bool:
    """Whether the view does not know the method that it was called with."""
    return view.action in (None, "metadata")
