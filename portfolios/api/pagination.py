"""Pages: numbered where rows are few, cursors where new rows arrive at the front."""

from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import CursorPagination, PageNumberPagination
from rest_framework.request import Request
from rest_framework.views import APIView


class NumberedPages(PageNumberPagination):
    """`?page=2&page_size=50`."""

    page_size = 50
    max_page_size = 500
    page_size_query_param = "page_size"
    parameters = frozenset({"page", "page_size"})


class _Cursor(CursorPagination):
    """`?cursor=...`, as the answer before gave it."""

    page_size = 50
    max_page_size = 500
    page_size_query_param = "page_size"
    offset_cutoff = 100_000  # the orders of one run share their time
    parameters = frozenset({"cursor", "page_size"})

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> Any:
        """Return the rows of the page. Raises ValidationError for a cursor that nobody gave out."""
        try:
            return super().paginate_queryset(queryset, request, view)
        except (DjangoValidationError, ValueError, OverflowError) as error:
            raise ValidationError({"cursor": ["not a cursor of this list"]}) from error


class NewestOrders(_Cursor):
    """Orders, newest first; those of one run in the order of their ids."""

    ordering = ("-placed_at", "client_order_id")


class NewestEntries(_Cursor):
    """The ledger of one account, newest first."""

    ordering = "-sequence"
