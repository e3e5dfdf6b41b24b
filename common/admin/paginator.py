"""Long lists: counted as far as anybody pages, and stepped through by date without reading them."""

from datetime import UTC, datetime

from django.core.paginator import Paginator
from django.utils.functional import cached_property

COUNTED = 10_000


class CappedPaginator(Paginator):  # type: ignore[type-arg]  # takes type parameters in the stubs only
    """Counts up to 10,000 rows. Further down people filter, search or choose a date: nobody pages that far."""

    @cached_property
    def count(self) -> int:
        """Number of rows, 10,000 at most."""
        return self._counted if self._counted <= COUNTED else COUNTED

    @cached_property
    def is_capped(self) -> bool:
        """Whether there are more rows than were counted."""
        return self._counted > COUNTED

    @cached_property
    def _counted(self) -> int:
        rows = self.object_list
        return rows.order_by()[: COUNTED + 1].count() if hasattr(rows, "order_by") else len(rows)


def months_of(first: datetime, last: datetime, *, year: int) -> list[datetime]:
    """Return the first days of those months of a year that lie between two times."""
    months = [datetime(year, month, 1, tzinfo=UTC) for month in range(1, 13)]
    return [
        month
        for month in months
        if (first.year, first.month) <= (month.year, month.month) <= (last.year, last.month)
    ]
