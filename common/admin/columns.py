"""How values look in lists and on pages: numbers to the right, words for every state, links between rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any, TypeVar

from django.contrib import admin
from django.db.models import Model
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from common.money import plain
from common.web.tones import tone_of

V = TypeVar("V")
Column = Callable[[Any, Any], V]  # a method of a ModelAdmin that shows one value of a row


def badge(value: str, label: str | None = None) -> SafeString:
    """Return a state as its word; the color only repeats what the word says."""
    return format_html('<span class="badge badge-{}">{}</span>', tone_of(value), label or value)


def cash(amount: Decimal | None) -> SafeString:
    """Return an amount with cents and thousands, aligned to the right: `1,234.50`."""
    return _number("" if amount is None else f"{amount:,.2f}", is_negative=amount is not None and amount < 0)


def units(value: Decimal | None) -> SafeString:
    """Return a quantity or a price per unit without needless zeros: `22.22`, `450.00`."""
    if value is None:
        return _number("", is_negative=False)
    whole, _, fraction = plain(value).partition(".")
    return _number(f"{int(whole):,}.{fraction}" if whole != "-0" else f"-0.{fraction}", is_negative=value < 0)


def _number(text: str, *, is_negative: bool) -> SafeString:
    return format_html('<span class="num{}">{}</span>', " num-below" if is_negative else "", text or "–")  # noqa: RUF001  # a dash


def moment(when: datetime | None) -> str:
    """Return a time as lists show it, in UTC: `2026-01-05 09:30`."""
    return "–" if when is None else date_format(when, "Y-m-d H:i")  # noqa: RUF001  # a dash


def link(row: Model | None, text: str | None = None) -> SafeString | str:
    """Return a link to a row's page."""
    if row is None:
        return "–"  # noqa: RUF001  # a dash
    return link_to(type(row), row.pk, text or str(row))


def link_to(model: type[Model], key: Any, text: str) -> SafeString:
    """Return a link to the page of the row with that key, without reading it."""
    return format_html('<a href="{}">{}</a>', page_of(model, "change", key), text)


def page_of(model: type[Model], kind: str, *args: Any) -> str:
    """Return the address of one of a model's pages in the admin."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{kind}", args=args)


def list_of(model: type[Model], **filters: Any) -> str:
    """Return the address of a model's list, filtered."""
    return f"{page_of(model, 'changelist')}?{urlencode(filters)}" if filters else page_of(model, "changelist")


def short_id(key: Any) -> str:
    """Return the first part of a UUID: enough to tell one row from another."""
    return str(key).partition("-")[0]


def column(description: str, attribute: str, show: Callable[[Any], V], *, ordering: str | None = "") -> Column[V]:
    """Return a column that shows an attribute (`status`, `run.started_at`) as `show` writes it.

    The list sorts by the attribute, by `ordering` where that names a field, and not at all where it is None.
    """
    value = attrgetter(attribute)

    @admin.display(description=description, ordering=attribute.replace(".", "__") if ordering == "" else ordering)
    def shown(_admin: Any, row: Any) -> V:
        return show(value(row))

    return shown


def state_column(description: str, attribute: str) -> Column[SafeString]:
    """Return a column that shows a field with choices as a badge, and sorts by it."""

    @admin.display(description=description, ordering=attribute)
    def shown(_admin: Any, row: Any) -> SafeString:
        return badge(getattr(row, attribute), getattr(row, f"get_{attribute}_display")())

    return shown


def key_column(
    description: str, model: type[Model], attribute: str, show: Callable[[Any], str] = str
) -> Column[SafeString]:
    """Return a column that links to the row of a foreign key (`run_id`) without reading it. Does not sort."""

    @admin.display(description=description)
    def shown(_admin: Any, row: Any) -> SafeString:
        key = getattr(row, attribute)
        return link_to(model, key, show(key))

    return shown


@dataclass(frozen=True, slots=True)
class Section:
    """A table below a row's own fields: what belongs to it. `more` is the address of all of it."""

    title: str
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[Any]] = ()
    empty: str = "Nothing yet."
    more: str = ""
    text: str = ""
    links: Sequence[tuple[str, str]] = field(default=())
