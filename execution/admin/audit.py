"""The audit page: the trail, filtered, and as a file."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils import timezone

from common.admin.columns import page_of
from common.identifiers import normalize_symbol
from common.web.export import csv_lines, json_lines
from execution.selectors.audit_trail import COLUMNS, TrailEntry, TrailFilter, page_of_trail, read_trail
from portfolios.models import PortfolioAccount

PAGE_SIZE = 100
MOST_PAGES = 50  # further back the filters lead

_FORMATS = {"csv": (csv_lines, "text/csv; charset=utf-8"), "json": (json_lines, "application/json")}
_NO_MATCH = "No entries match these filters."
_NOTHING = "Nothing here that you may see, or nothing has been done yet."
_DAY = forms.DateInput(attrs={"type": "date"})


class AuditForm(forms.Form):
    """What is wanted of the trail."""

    person = forms.CharField(required=False, max_length=150)
    account = forms.CharField(required=False, max_length=200, help_text="Its id, or part of its strategy's name.")
    symbol = forms.CharField(required=False, max_length=16)
    since = forms.DateField(required=False, widget=_DAY)
    until = forms.DateField(required=False, widget=_DAY)
    source = forms.ChoiceField(
        required=False,
        choices=[
            ("", "Everything"),
            ("ledger", "Ledger, by hand"),
            ("run", "Runs"),
            ("reversal", "Reversed runs"),
            ("action", "Corporate actions"),
            ("state", "Trading states"),
            ("answer", "Resolved lines"),
            ("rule", "Mapping rules"),
            ("price", "Accepted prices"),
            ("change", "Changes of data"),
            ("admin", "Admin log"),
        ],
    )

    def wanted(self, request: HttpRequest) -> TrailFilter:
        """Return the filter, with what this person may see. An account that nobody has finds nothing."""
        values = self.cleaned_data
        return TrailFilter(
            person=values["person"].strip(),
            accounts=_accounts(values["account"].strip()),
            symbol=normalize_symbol(values["symbol"]) or values["symbol"].strip(),
            since=_start(values["since"]),
            until=_start(values["until"] + timedelta(days=1)) if values["until"] else None,
            source=values["source"],
            may_see=request.user.has_perm,
        )


def audit(request: HttpRequest) -> HttpResponseBase:
    """Show a page of the trail, or give all of it as CSV or JSON (`format`)."""
    form = AuditForm(request.GET)
    wanted = form.wanted(request) if form.is_valid() else None
    if wanted is not None and request.GET.get("format") in _FORMATS:
        return _file(read_trail(wanted), request.GET["format"])
    number = _page_number(request.GET.get("page", ""))
    entries, has_more = page_of_trail(wanted, page=number, size=PAGE_SIZE) if wanted else ([], False)
    is_filtered = any(request.GET.get(name) for name in form.fields)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "Audit trail",
        "form": form,
        "entries": [_shown(entry) for entry in entries],
        "newer": _query(request, page=number - 1) if number > 1 else "",
        "older": _query(request, page=number + 1) if has_more and number < MOST_PAGES else "",
        "exports": [(name.upper(), _query(request, format=name)) for name in _FORMATS],
        "is_filtered": is_filtered,
        "nothing_found": _NO_MATCH if is_filtered else _NOTHING,
    }
    return TemplateResponse(request, "admin/folios/audit.html", context)


def _file(entries: Iterator[TrailEntry], name: str) -> StreamingHttpResponse:
    write, content_type = _FORMATS[name]
    lines = write((*COLUMNS, "address"), ((*entry.cells(), _address_of(entry)) for entry in entries))
    disposition = f'attachment; filename="folios-audit-{timezone.now():%Y-%m-%d}.{name}"'
    return StreamingHttpResponse(lines, content_type=content_type, headers={"Content-Disposition": disposition})


def _shown(entry: TrailEntry) -> dict[str, Any]:
    return {**dict(zip(COLUMNS, entry.cells(), strict=True)), "address": _address_of(entry)}


def _address_of(entry: TrailEntry) -> str:
    """Return the page of what something was done to; nothing where it is gone, or has no page."""
    subject = entry.subject
    if subject is None or not admin.site.is_registered(subject.model):
        return ""
    return page_of(subject.model, subject.page, quote(subject.key))


def _query(request: HttpRequest, **changes: object) -> str:
    query = request.GET.copy()
    query.pop("format", None)
    query.pop("page", None)
    for name, value in changes.items():
        query[name] = str(value)
    return f"?{query.urlencode()}"


def _page_number(text: str) -> int:
    return min(max(int(text), 1), MOST_PAGES) if text.isdecimal() and len(text) < 6 else 1


def _accounts(text: str) -> tuple[UUID, ...] | None:
    """Return the accounts that a text names, at most 200; None where it is empty."""
    if not text:
        return None
    try:
        return (UUID(text),)
    except ValueError:
        found = PortfolioAccount.objects.filter(strategy__name__icontains=text).values_list("pk", flat=True)
        return tuple(found[:200])


def _start(day: Any) -> datetime | None:
    return datetime.combine(day, time(), tzinfo=UTC) if day else None
