"""What the lists of the admin show beside their rows."""

import calendar
from datetime import UTC, date, datetime
from typing import Any

from django import template
from django.utils.formats import date_format

from common.admin.paginator import months_of

register = template.Library()


@register.inclusion_tag("admin/date_hierarchy.html")
def date_steps(cl: Any) -> dict[str, Any]:
    """Return the years, months or days to step through a list by date.

    They come from the oldest and the newest row alone: to ask which days have rows would read the whole table.
    """
    name = cl.date_hierarchy
    span = _span(cl.model, name)
    if span is None:
        return {"show": False}
    chosen = [cl.params.get(f"{name}__{part}") for part in ("year", "month", "day")]
    year, month, day = (int(_first(value)) if value else 0 for value in chosen)
    link = _Link(cl, name)
    if not year and span[0].year == span[1].year:
        year = span[0].year
    if day:
        return {"show": True, "back": link.back(year, month), "choices": [{"title": _day(date(year, month, day))}]}
    if month:
        days = (date(year, month, each) for each in range(1, calendar.monthrange(year, month)[1] + 1))
        choices = [link.to(_day(each), year, month, each.day) for each in days]
        return {"show": True, "back": link.back(year), "choices": choices}
    if year:
        months = months_of(*span, year=year)
        choices = [link.to(date_format(each, "F Y"), year, each.month) for each in months]
        return {"show": True, "back": link.back() if chosen[0] else None, "choices": choices}
    years = range(span[1].year, span[0].year - 1, -1)
    return {"show": True, "back": None, "choices": [link.to(str(each), each) for each in years]}


@register.filter
def counted(cl: Any) -> str:
    """Return how many rows a list has, in words: "1 order", "more than 10000 orders"."""
    name = cl.opts.verbose_name if cl.result_count == 1 else cl.opts.verbose_name_plural
    bound = "more than " if getattr(cl.paginator, "is_capped", False) else ""
    return f"{bound}{cl.result_count} {name}"


@register.filter
def is_narrowed(cl: Any) -> bool:
    """Whether a search, a filter or a date leaves rows out of a list."""
    return bool(cl.has_active_filters or cl.query or cl.params)


@register.simple_tag(takes_context=True)
def nothing_listed(context: Any) -> str:
    """Return what a list without rows says."""
    cl = context["cl"]
    return f"No {cl.opts.verbose_name_plural} match." if is_narrowed(cl) else context.get("empty_list", "")


class _Link:
    """Addresses of the list at a year, a month or a day."""

    def __init__(self, cl: Any, name: str) -> None:
        self._cl, self._name = cl, name

    def to(self, title: str, *parts: int) -> dict[str, str]:
        """Return a link to the rows of that time."""
        names = ("year", "month", "day")[: len(parts)]
        filters = {f"{self._name}__{part}": value for part, value in zip(names, parts, strict=True)}
        return {"title": title, "link": self._cl.get_query_string(filters, [f"{self._name}__"])}

    def back(self, *parts: int) -> dict[str, str]:
        """Return a link to the wider time."""
        titles = ("All dates", str(parts[0]) if parts else "", _month(*parts) if len(parts) > 1 else "")
        return self.to(titles[len(parts)], *parts)


def _span(model: Any, name: str) -> tuple[datetime, datetime] | None:
    """Return the times of the oldest and the newest row, None where there is none."""
    times = model._default_manager.exclude(**{name: None}).order_by(name).values_list(name, flat=True)
    first, last = times.first(), times.last()
    return None if first is None else (_time(first), _time(last))


def _time(value: date) -> datetime:
    return value if isinstance(value, datetime) else datetime(value.year, value.month, value.day, tzinfo=UTC)


def _first(value: Any) -> str:
    return str(value[0] if isinstance(value, list) else value)


def _month(year: int, month: int) -> str:
    return date_format(date(year, month, 1), "F Y")


def _day(day: date) -> str:
    return date_format(day, "F j")


@register.filter
def headers(table: Any) -> list[tuple[str, bool]]:
    """Return the names of a table's columns, each with whether it holds numbers."""
    columns = zip(*table.rows, strict=True)
    return [(name, any(map(is_number, cells))) for name, cells in zip(table.columns, columns, strict=True)]


@register.filter
def is_number(cell: object) -> bool:
    """Whether a cell of a table is a number, and stands to the right."""
    return 'class="num' in str(cell)
