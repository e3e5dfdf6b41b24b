"""How often a user may call: reading and writing are counted apart (settings API_READ_RATE, API_WRITE_RATE)."""

from typing import Any

from django.conf import settings
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import UserRateThrottle


class ReadThrottle(UserRateThrottle):
    """Counts what reads."""

    scope = "read"
    methods_are_safe = True

    def get_rate(self) -> str:
        return str(settings.API_RATES[self.scope])

    def allow_request(self, request: Request, view: Any) -> bool:
        """Whether the call is within the rate; what the other throttle counts passes."""
        if (request.method in SAFE_METHODS) is not self.methods_are_safe:
            return True
        return super().allow_request(request, view)


class WriteThrottle(ReadThrottle):
    """Counts what writes."""

    scope = "write"
    methods_are_safe = False
