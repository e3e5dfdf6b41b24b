"""What a token may do, beside what its user may."""

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request


class TokenMayWrite(BasePermission):
    """A read-only token reads and previews. Views name the actions that write nothing in `reading_actions`."""

    message = "This token is read-only."

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the token, if there is one, may do this."""
        if not getattr(request.auth, "is_read_only", False):
            return True
        reading = getattr(view, "action", None) in getattr(view, "reading_actions", ())
        return request.method in SAFE_METHODS or reading
