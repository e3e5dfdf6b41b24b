"""What the pages share: charts, exports, and who may execute."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from common.web.tables import Column, Listing, Row, export_of, table_of

EXECUTE = "execution.add_executionrun"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart, which is a table that a script may draw. The first column is what the others are plotted over.

    `kind` is "lines", "area" or "bars", `unit` "cash", "percent" or "index".
    """

    name: str
    caption: str
    kind: str
    unit: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    note: str = ""
    empty: str = "There is nothing to draw yet: it takes two valuations."


def lines_chart(
    name: str, caption: str, series: Mapping[str, Mapping[date, Decimal]], *, unit: str, kind: str = "lines",
    note: str = "",
) -> Chart:  # fmt: skip
    """Return a chart of series over days; with fewer than two days there is nothing to draw."""
    shown = {"cash": "cash", "percent": "percent", "index": "ratio"}[unit]
    days = sorted({day for values in series.values() for day in values})
    columns = [Column("day", "Day"), *(Column(label, label, shown) for label in series)]
    rows = [
        Row({"day": day.isoformat(), **{label: each.get(day) for label, each in series.items()}}) for day in days
    ]
    return Chart(
        name=name,
        caption=caption,
        kind=kind,
        unit=unit,
        columns=columns,
        rows=rows if len(days) > 1 else [],
        note=note,
    )


def page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any],
    *,
    listings: Sequence[Listing[Any]] = (),
    status: int = 200,
) -> HttpResponse:
    """Return the page with its tables by name, or one of the tables as the file that the address asks for."""
    export = export_of(listings, request)
    if export is not None:
        return export
    tables = {listing.name: table_of(listing, request.GET) for listing in listings}
    return render(request, template, {**context, "tables": tables}, status=status)


def policy_words(version: str, *, system: str) -> str:
    """Return which policy is in force: `system` where it is the system's own, else the strategy's version."""
    return system if version == "system" else f"version {version}"


def see_other(name: str, *arguments: Any) -> HttpResponse:
    """Go to a page by a GET (303), so that Reload asks for the page alone."""
    response = redirect(name, *arguments)
    response.status_code = 303
    return response
