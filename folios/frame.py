"""What surrounds every page: the navigation, where the reader is, and the zone of the times."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

_SECTIONS = (
    ("overview", "Overview"),
    ("research", "Research"),
    ("runs", "Runs"),
    ("strategies", "Strategies"),
    ("books", "Books"),
    ("system", "System"),
)
_PARTS = {
    "account": "overview",
    "prices": "overview",
    "price-accept": "overview",
    "request": "research",
    "preview": "research",
    "run": "runs",
    "run-reverse": "runs",
    "strategy": "strategies",
    "account-books": "books",
    "corporate-actions": "books",
    "corporate-action": "books",
    "action-book": "books",
    "action-reverse": "books",
}


def frame(request: HttpRequest) -> dict[str, Any]:
    """Return what templates/base.html shows on every page."""
    page = request.resolver_match.url_name if request.resolver_match else ""
    return {
        "navigation": [(name, label, reverse(f"dashboard:{name}")) for name, label in _SECTIONS],
        "section": _PARTS.get(page or "", page),
        "zone": timezone.get_current_timezone_name(),
    }
