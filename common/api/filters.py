"""What lists can be narrowed, sorted and searched by. What is asked for and not known is refused, never ignored."""

from datetime import UTC, datetime
from typing import Any

import django_filters as filters
from django import forms
from django.core.exceptions import ValidationError as FormError
from django.db.models import QuerySet
from django_filters.fields import IsoDateTimeField
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ValidationError
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request
from rest_framework.views import APIView

from common.identifiers import normalize_symbol


class _MomentField(IsoDateTimeField):
    """A time in ISO 8601; without an offset it is UTC."""

    def to_python(self, value: Any) -> datetime | None:
        try:
            time = super().to_python(value)
            return None if time is None else time.astimezone(UTC)
        except (OverflowError, ValueError) as error:  # the first and the last day of the calendar, elsewhere
            raise FormError("Enter a time that the calendar has.", code="invalid") from error


class MomentFilter(filters.IsoDateTimeFilter):
    """`..._after` and `..._before`: from a time on, and before a time."""

    field_class = _MomentField


class _TruthField(forms.Field):
    """`true` or `false`, and nothing else: a word that is neither would filter nothing."""

    def to_python(self, value: Any) -> bool | None:
        if value in self.empty_values:
            return None
        if value not in ("true", "false"):
            raise FormError("Enter true or false.", code="invalid")
        return bool(value == "true")


class TruthFilter(filters.BooleanFilter):
    """`true` or `false`."""

    field_class: type[forms.Field] = _TruthField  # type: ignore[assignment]  # another widget, the same values


class _SymbolField(forms.CharField):
    """A symbol, read as at every entrance; one that is none finds nothing."""

    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        return normalize_symbol(text) or text.strip().upper()


class SymbolFilter(filters.CharFilter):
    """A symbol."""

    field_class = _SymbolField

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, max_length=16, **options)


class Filters(DjangoFilterBackend):
    """Narrows a list where something asks for it: to make a form for nothing costs as much as the rows."""

    def filter_queryset(self, request: Any, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        """Return the rows that the parameters name. Raises ValidationError."""
        if not request.query_params.keys() & view.filterset_class.base_filters.keys():
            return queryset
        found: QuerySet[Any] = super().filter_queryset(request, queryset, view)
        return found


class Ordering(BaseFilterBackend):
    """`?ordering=-as_of,symbol`, by fields that the view names; the key comes last, so that pages never overlap."""

    parameter = "ordering"

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: APIView) -> QuerySet[Any]:
        """Return the rows in the order asked for. Raises ValidationError for an unknown field."""
        text = request.query_params.get(self.parameter)
        known: dict[str, str] = view.ordering_fields  # type: ignore[attr-defined]  # every list has them
        terms = text.split(",") if text is not None else list(view.ordering)  # type: ignore[attr-defined]
        if unknown := [term for term in terms if term.removeprefix("-") not in known]:
            message = f"{unknown[0]!r} is none of {', '.join(known)}, with or without '-'"
            raise ValidationError({self.parameter: [message]})
        columns = [f"{'-' * term.startswith('-')}{known[term.removeprefix('-')]}" for term in terms]
        return queryset.order_by(*columns, "pk")

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        words = [sign + name for name in view.ordering_fields for sign in ("", "-")]
        return [
            {
                "name": self.parameter,
                "in": "query",
                "required": False,
                "description": "Fields to sort by, separated by commas; `-` before one: descending.",
                "explode": False,
                "schema": {"type": "array", "minItems": 1, "items": {"type": "string", "enum": words}},
                "example": [f"-{next(iter(view.ordering_fields))}"],
            }
        ]
