"""The day that something belongs to: the day in New York, where the exchange is, of the time it happened."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

EXCHANGE_ZONE = ZoneInfo("America/New_York")


def exchange_day(time: datetime) -> date:
    """Return the day in New York of an aware time: 03:30 UTC still belongs to the day before."""
    return time.astimezone(EXCHANGE_ZONE).date()
