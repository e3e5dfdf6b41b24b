"""Tables of pages: columns, rows, and what the address says of their order and page. Exports have the same rows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict

from common.web.export import csv_lines, json_value

PAGE_SIZE = 25

# Kinds whose cells are numbers: aligned to the right. How each looks is in templatetags/folios.py.
NUMBER_KINDS = frozenset({"cash", "gain", "quantity", "price", "percent", "gain_percent", "ratio", "count"})

_ARROWS = {"ascending": "↑", "descending": "↓", "": ""}

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `order` is what the database orders by; "" orders in memory by the cell; None: not at all."""

    name: str
    label: str
    kind: str = "text"
    order: str | None = None

    @property
    def is_number(self) -> bool:
        """Whether the cells stand to the right."""
        return self.kind in NUMBER_KINDS

    @property
    def look(self) -> str:
        """The style of the cells: "number", "long", or "" for one line of text."""
        return "number" if self.is_number else "long" if self.kind == "long" else ""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: values by column name, and where some of them lead to."""

    values: Mapping[str, Any]
    links: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Generic[Item]):
    """What a table shows: where its items come from and how one becomes a row.

    `source` is a query or a sequence. `order` is the column that counts where the address names none, "-name" for
    descending. `count` saves the query that counts where the caller knows the number.
    """

    name: str
    caption: str
    columns: Sequence[Column]
    source: "QuerySet[Any, Item] | Sequence[Item]"
    row: Callable[[Item], Row]
    order: str = ""
    empty: str = "Nothing here yet."
    size: int = PAGE_SIZE
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """One page of a listing, ready to be shown."""

    name: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    empty: str
    count: int
    page: int
    pages: int
    order: str
    query: QueryDict

    @property
    def heads(self) -> Iterator[tuple[Column, str, str, str]]:
        """Each column with the address that orders by it ("" where none does), and how it is ordered now ("" where
        it is not): in a word for screen readers, and as an arrow.
        """
        for column in self.columns:
            is_ordered = self.order.lstrip("-") == column.name
            descending = is_ordered and self.order.startswith("-")
            state = ("descending" if descending else "ascending") if is_ordered else ""
            turned = column.name if descending or not is_ordered else f"-{column.name}"
            link = self._address(sort=turned, page=None) if column.order is not None else ""
            yield column, link, state, _ARROWS[state]

    @property
    def previous(self) -> str:
        """The address of the page before, or ""."""
        return self._address(page=self.page - 1) if self.page > 1 else ""

    @property
    def next(self) -> str:
        """The address of the page after, or ""."""
        return self._address(page=self.page + 1) if self.page < self.pages else ""

    @property
    def exports(self) -> list[tuple[str, str]]:
        """The formats of an export with their addresses."""
        return [(word.upper(), self._with({"export": self.name, "format": word})) for word in ("csv", "json")]

    def _address(self, **changes: object) -> str:
        return self._with({f"{self.name}.{key}": value for key, value in changes.items()})

    def _with(self, changes: Mapping[str, object]) -> str:
        query = self.query.copy()
        for key, value in changes.items():
            query.pop(key, None)
            if value is not None:
                query[key] = str(value)
        return f"?{query.urlencode()}"


def table_of(listing: Listing[Any], query: QueryDict) -> Table:
    """Return the page of the listing that the address asks for; what it cannot mean counts as not asked."""
    order = _order(listing, query.get(f"{listing.name}.sort", ""))
    items = _ordered(listing, order)
    count = listing.count if listing.count is not None else _count(items)
    pages = max(1, -(-count // listing.size))
    asked = query.get(f"{listing.name}.page", "1")
    page = min(int(asked), pages) if asked.isdecimal() and int(asked[:9]) > 0 else 1
    start = (page - 1) * listing.size
    rows = [listing.row(item) for item in _slice(items, start, start + listing.size)]
    return Table(
        listing.name, listing.caption, listing.columns, rows, listing.empty, count, page, pages, order, query
    )


def export_of(listings: Sequence[Listing[Any]], request: HttpRequest) -> HttpResponse | None:
    """Return the file that the address asks for (`export` names a table, `format` csv or json), or None."""
    name, word = request.GET.get("export", ""), request.GET.get("format", "csv")
    listing = next((item for item in listings if item.name == name), None)
    if listing is None:
        return None
    items = _ordered(listing, _order(listing, request.GET.get(f"{name}.sort", "")))
    rows = [listing.row(item) for item in items]
    disposition = {"Content-Disposition": f'attachment; filename="folios-{name}.{word}"'}
    names = [column.name for column in listing.columns]
    if word == "json":
        data = [{key: json_value(row.values.get(key)) for key in names} for row in rows]
        return JsonResponse({"table": name, "rows": data}, headers=disposition)
    cells = ([row.values.get(key) for key in names] for row in rows)
    return HttpResponse("".join(csv_lines(names, cells)), "text/csv; charset=utf-8", headers=disposition)


def _order(listing: Listing[Any], asked: str) -> str:
    known = {column.name for column in listing.columns if column.order is not None}
    return asked if asked.lstrip("-") in known and not asked.startswith("--") else listing.order


def _ordered(listing: Listing[Any], order: str) -> Any:
    column = next((column for column in listing.columns if column.name == order.lstrip("-")), None)
    if column is None or column.order is None:
        return listing.source
    descending = order.startswith("-")
    if isinstance(listing.source, QuerySet):
        path = F(column.order)
        first = path.desc(nulls_last=True) if descending else path.asc(nulls_last=True)
        return listing.source.order_by(first, "pk")
    return _in_memory(listing, column.name, descending=descending)


def _in_memory(listing: Listing[Any], name: str, *, descending: bool) -> list[Any]:
    """Order by the cell; what has no value comes last either way."""
    keyed: list[tuple[Any, Any]] = [(listing.row(item).values.get(name), item) for item in listing.source]
    known = sorted((pair for pair in keyed if pair[0] is not None), key=_first, reverse=descending)
    return [item for _, item in known] + [item for value, item in keyed if value is None]


def _slice(items: Any, start: int, stop: int) -> Any:
    """Return one page. A late one is found by keys alone: a database would sort whole rows to skip most of them."""
    if not start or not isinstance(items, QuerySet):
        return items[start:stop]
    return items.filter(pk__in=items.values("pk")[start:stop])


def _first(pair: tuple[Any, Any]) -> Any:
    return pair[0]


def _count(items: Any) -> int:
    return items.count() if isinstance(items, QuerySet) else len(items)
