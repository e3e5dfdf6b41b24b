"""When research says that it was written."""

from collections.abc import Mapping
from datetime import UTC, datetime

# In the order in which they are believed.
DATE_FIELDS = ("generated_at", "created_at", "timestamp", "as_of", "analysis_date", "research_date", "date")

_LONGEST = 40  # characters of an ISO 8601 time


def written_at(document: Mapping[str, object]) -> datetime | None:
    """Return the time that a document gives for itself, None where it gives none in ISO 8601.

    A day without a time is its beginning, a time without a zone is UTC: the earlier reading is the safer one.
    """
    for name in DATE_FIELDS:
        value = document.get(name)
        if isinstance(value, str) and len(value) <= _LONGEST:
            found = _time(value.strip())
            if found is not None:
                return found
    return None


def _time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # OverflowError: a year at the edge of what a time can be
        return None
