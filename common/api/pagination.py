"""Pages: numbered where rows are few, cursors where new rows arrive at the front."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from django.core.exceptions import ValidationError as FormError
from django.db.models import Model, Q
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination, PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

PAGE_SIZE = 50
MAX_PAGE_SIZE = 500


def page_size_of(request: Request) -> int:
    """Return the rows of a page. Raises ValidationError for a size that is none: it is not replaced silently."""
    text = request.query_params.get("page_size", str(PAGE_SIZE))
    if not (text.isascii() and text.isdigit() and len(text) < 5 and 0 < int(text) <= MAX_PAGE_SIZE):
        raise ValidationError({"page_size": [f"must be a whole number from 1 to {MAX_PAGE_SIZE}"]})
    return int(text)


def _with_bounds(parameters: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Say in the schema how many rows a page may have."""
    for parameter in parameters:
        if parameter["name"] == "page_size":
            parameter["schema"].update(minimum=1, maximum=MAX_PAGE_SIZE, default=PAGE_SIZE)
        if parameter["name"] == "page":
            parameter["schema"].update(minimum=1)
    return parameters


class NumberedPages(PageNumberPagination):
    """`?page=2&page_size=50`."""

    page_size = PAGE_SIZE
    page_size_query_param = "page_size"
    parameters = frozenset({"page", "page_size"})

    def get_page_size(self, request: Request) -> int:
        return page_size_of(request)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return _with_bounds(super().get_schema_operation_parameters(view))


class _Newest(BasePagination):
    """Rows by keys that do not change and together name one row, newest first: `?cursor=...` goes on after a row.

    Rows that arrive meanwhile come before the first page, and move nothing on the others. The REST framework's own
    cursor counts rows where their first key is equal, as that of all the orders of a run is: it would repeat some.
    """

    keys: tuple[str, ...]
    parameters = frozenset({"cursor", "page_size"})
    _next: str | None = None

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any]:
        """Return the rows of the page. Raises ValidationError for a cursor that nobody gave out."""
        size, text = page_size_of(request), request.query_params.get("cursor")
        rows = queryset.order_by(*(f"-{key}" for key in self.keys))
        if text is not None:
            rows = rows.filter(self._after(text, queryset.model))
        found = list(rows[: size + 1])
        if len(found) > size:
            last = _written([found[size - 1][key] for key in self.keys])
            self._next = replace_query_param(request.build_absolute_uri(), "cursor", last)
        return found[:size]

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"next": self._next, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        following = {"type": "string", "nullable": True, "format": "uri", "description": "The next page."}
        return {
            "type": "object",
            "required": ["next", "results"],
            "properties": {"next": following, "results": schema},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        sizes = {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE, "default": PAGE_SIZE}
        says = {
            "cursor": ({"type": "string"}, "Where to go on, as `next` of the page before says."),
            "page_size": (sizes, "Rows of a page."),
        }
        return [
            {"name": name, "in": "query", "required": False, "description": words, "schema": schema}
            for name, (schema, words) in says.items()
        ]

    def _after(self, text: str, model: type[Model]) -> Q:
        try:
            values = [
                _column(model, key).to_python(value)
                for key, value in zip(self.keys, json.loads(urlsafe_b64decode(text)), strict=True)
            ]
        except (ValueError, TypeError, FormError) as error:
            raise ValidationError({"cursor": ["not a cursor of this list"]}) from error
        first, *others = zip(self.keys, values, strict=True)
        after, equal = Q(**{f"{first[0]}__lt": first[1]}), Q(**{first[0]: first[1]})
        for key, value in others:
            after |= equal & Q(**{f"{key}__lt": value})
            equal &= Q(**{key: value})
        return after


def _column(model: type[Model], key: str) -> Any:
    return model._meta.get_field(key)


def _written(values: list[Any]) -> str:
    return urlsafe_b64encode(json.dumps([str(value) for value in values]).encode()).decode()


class NewestOrders(_Newest):
    """Orders, newest first."""

    keys = ("placed_at", "id")


class NewestEntries(_Newest):
    """The ledger of one account, newest first."""

    keys = ("sequence",)
