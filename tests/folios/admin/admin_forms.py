"""The forms of the admin as a browser sends them: what the page holds, with what a person changes."""

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

from django.db.models import Model
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse


def page(model: type[Model], kind: str, *args: Any) -> str:
    """Return the address of a model's admin page."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{kind}", args=args)


class _Form(HTMLParser):
    """Reads what the fields of a page hold."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self._open = ""  # the field that the text or the options belong to

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a field holds."""
        given = dict(attrs)
        name, value = given.get("name") or "", given.get("value") or ""
        if tag == "input" and given.get("type") not in ("submit", "checkbox"):
            self.values[name] = value
        elif tag == "input" and "checked" in given:
            self.values[name] = value or "on"
        elif tag in ("select", "textarea"):
            self._open, self.values[name] = name, ""
        elif tag == "option" and "selected" in given:
            self.values[self._open] = value

    def handle_data(self, data: str) -> None:
        """Note the text of a text area."""
        if self.lasttag == "textarea":
            self.values[self._open] += data

    def handle_endtag(self, tag: str) -> None:
        """Forget the text area."""
        if tag == "textarea":
            self.lasttag, self.values[self._open] = "", self.values[self._open].strip()


def form_of(response: Any) -> dict[str, str]:
    """Return what the form of an admin page would send unchanged."""
    start = response.content.decode().partition('_form" novalidate>')[2]
    reader = _Form()
    reader.feed(start.partition("</form>")[0])
    del reader.values["csrfmiddlewaretoken"]
    return reader.values


def edit(client: Client, row: Model, reason: str, **changes: Any) -> Any:
    """Open a row's page, change something, give a reason and save."""
    address = page(type(row), "change", row.pk)
    return client.post(address, {**form_of(client.get(address)), **changes, "reason": reason})


def add(client: Client, model: type[Model], reason: str, **values: Any) -> Any:
    """Open the page for a new row, fill it in and save."""
    address = page(model, "add")
    return client.post(address, {**form_of(client.get(address)), **values, "reason": reason})


def hidden(response: Any) -> dict[str, str]:
    """Return what a confirmation page sends along."""
    found = re.findall(r'<input type="hidden" name="(\w+)"(?: value="([^"]*)")?', response.content.decode())
    return {name: unescape(value) for name, value in found if name != "csrfmiddlewaretoken"}


def confirm(client: Client, address: str, reason: str, **options: Any) -> Any:
    """Open an action's page, fill in its options, look at the preview, give the reason and confirm."""
    shown = client.get(address)
    if options:
        shown = client.post(address, {**hidden(shown), **options, "_preview": "1"})
    return client.post(address, {**hidden(shown), **options, "reason": reason, "_confirm": "1"})


def act(client: Client, row: Model, action: str, reason: str, /, **options: Any) -> Any:
    """Use an action on one row."""
    return confirm(client, f"{page(type(row), 'do', action)}?ids={row.pk}", reason, **options)


def remove(client: Client, row: Model, reason: str) -> Any:
    """Delete a row through its page."""
    return confirm(client, page(type(row), "delete", row.pk), reason)


def errors_of(response: HttpResponse | Any) -> str:
    """Return what a page that was shown again says is wrong."""
    text = response.content.decode()
    found = re.findall(r'<(?:p|ul) class="(?:errornote|errorlist[^"]*)"[^>]*>(.*?)</(?:p|ul)>', text, re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", each)) for each in found)
