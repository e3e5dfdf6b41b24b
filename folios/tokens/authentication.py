"""Who calls: `Authorization: Token ...`."""

from typing import Any

from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed


class ApiTokenAuthentication(TokenAuthentication):  # type: ignore[misc]  # knox ships without annotations
    """Knox's, for tokens of any bytes: what is no token at all is refused before it is looked up."""

    def authenticate_credentials(self, token: bytes) -> Any:
        """Return the user and the token. Raises AuthenticationFailed."""
        if not token.isalnum():
            raise AuthenticationFailed("Invalid token.")
        return super().authenticate_credentials(token)
