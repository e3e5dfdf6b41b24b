"""What a user needs to be allowed to do, action by action."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request


class HasNeededPermission(BasePermission):
    """The user has the permission that the view names for the action; an action without one is nobody's."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the user may do this. A method that the view does not have is answered as such."""
        action = getattr(view, "action", None)
        return action is None or request.user.has_perm(view.needs[action])
