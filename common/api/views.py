"""What every list of the API has in common: rows without model objects, chosen fields, and no silent parameter."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.http import Http404
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.filters import SearchFilter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from common.api.filters import Filters, Ordering
from common.api.pagination import NumberedPages
from common.api.permissions import has_no_action
from common.api.rows import chosen, columns_of, shown

if TYPE_CHECKING:
    _GenericViewSet = GenericViewSet[Any]
else:
    _GenericViewSet = GenericViewSet


class StrictViewSet(_GenericViewSet):
    """A door of the API. A query parameter that an action does not know is refused: a filter with a typing error
    would show everything.

    `needs` names the permission for each action, `reading_actions` those that write nothing though they are posted,
    `known_parameters` what an action knows beside what `list` gets from its filters.
    """

    http_method_names = ["get", "head", "post"]
    needs: Mapping[str, str] = {}
    reading_actions: frozenset[str] = frozenset()
    known_parameters: Mapping[str, frozenset[str]] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if has_no_action(self):
            return
        known = self.parameters_of(self.action)
        if unknown := sorted(set(request.query_params) - known):
            words = f"known: {', '.join(sorted(known))}" if known else "there are none here"
            raise ValidationError({name: [f"unknown parameter; {words}"] for name in unknown})
        unclear = [name for name, values in request.query_params.lists() if len(values) > 1 or not values[0]]
        if unclear:
            raise ValidationError({name: ["must stand once, with a value"] for name in unclear})

    def parameters_of(self, action: str) -> frozenset[str]:
        return self.known_parameters.get(action, frozenset())


class RowsViewSet(StrictViewSet):
    """A list, and one row by its key. `ordering_fields` are the names to sort by, each with its column."""

    serializer_class: Any = None
    detail_class: Any = None  # the serializer of one row, where that says more than a list
    filter_backends: Sequence[Any] = [Filters, SearchFilter, Ordering]
    pagination_class: Any = NumberedPages
    ordering_fields: Mapping[str, str] = {}
    ordering: tuple[str, ...] = ()
    search_fields: tuple[str, ...] = ()

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset()
        return rows

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        columns = chosen(columns_of(self.serializer_class), request.query_params.get("fields"))
        # A cursor says where its keys are, also where they are not shown.
        sources = {column.source for column in columns} | set(getattr(self.pagination_class, "keys", ()))
        rows = self.filter_queryset(self.get_queryset()).values(*sources)
        page = self.paginate_queryset(rows)
        return self.get_paginated_response([shown(row, columns) for row in page or ()])

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        row = self.detail_class or self.serializer_class
        columns = chosen(columns_of(row), request.query_params.get("fields"))
        return Response(shown(self.one_row({column.source for column in columns}), columns))

    def created(self, row: Any, *, is_new: bool = True) -> Response:
        """Return a row that a call has written, read back: 201, or 200 where it was there already."""
        columns = columns_of(self.serializer_class)
        written = self.get_queryset().values(*(column.source for column in columns)).get(pk=row.pk)
        data = shown(written, columns)
        if not is_new:
            return Response(data)
        where = self.request.build_absolute_uri(
            f"{data[self.lookup_field if self.lookup_field != 'pk' else 'id']}/"
        )
        return Response(data, status=status.HTTP_201_CREATED, headers={"Location": where})

    def one_row(self, sources: set[str]) -> Mapping[str, Any]:
        """Return the columns of the row that the address names. Raises Http404."""
        key = {self.lookup_field: self.kwargs[self.lookup_url_kwarg or self.lookup_field]}
        row = self.get_queryset().filter(**key).values(*sources).first()
        if row is None:
            raise Http404
        found: Mapping[str, Any] = row
        return found

    def parameters_of(self, action: str) -> frozenset[str]:
        """Return what the filters, the order, the search and the pages know."""
        if action == "retrieve":
            return frozenset({"fields"})
        if action != "list":
            return super().parameters_of(action)
        filters: Any = getattr(self, "filterset_class", None)
        known = {"fields", *self.pagination_class.parameters, *(filters.base_filters if filters else ())}
        if Ordering in self.filter_backends:
            known.add("ordering")
        return frozenset(known | {"search"} if self.search_fields else known)
