"""The time zone that a person reads times in: kept in a cookie, UTC without one."""

from collections.abc import Callable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

COOKIE = "folios_zone"
DEFAULT = "UTC"


def zone_names() -> list[str]:
    """Return the names that a person may choose from, UTC first."""
    return [DEFAULT, *sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/"))]


def known_zone(name: str) -> ZoneInfo:
    """Return the zone of that name, UTC for one that there is not."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # the last two: what is a directory, or no name at all
        return ZoneInfo(DEFAULT)


class ZoneMiddleware:
    """Shows every time of a request in the zone of its cookie."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with the zone active, and leave none behind for the next request."""
        with timezone.override(known_zone(request.COOKIES.get(COOKIE, DEFAULT))):
            return self._get_response(request)
