"""How values look on pages. A gain or a loss has a sign, an arrow and a word; color only repeats them."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from common.money import format_cash, format_percent, format_ratio, plain
from common.text import cause_of
from common.web.tables import Column, Row
from common.web.tones import tone_of

register = template.Library()

_NOT_ENOUGH = SafeString('<span class="none">not enough data</span>')
_NONE = SafeString(
    '<span class="none"><span aria-hidden="true">&ndash;</span><span class="unseen">none</span></span>'
)


@register.filter
def moment(value: datetime | None) -> SafeString:
    """Return a time in the reader's zone, to the minute, with the zone."""
    if value is None:
        return _NONE
    local = timezone.localtime(value)
    shown = f"{local:%Y-%m-%d %H:%M} {local.tzname()}"
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), shown)


@register.filter
def day(value: date | None) -> SafeString:
    """Return a day in ISO form, on one line."""
    return _NONE if value is None else format_html('<time datetime="{0}">{0}</time>', value.isoformat())


@register.filter
def cash(value: Decimal | None) -> SafeString:
    """Return cash with a real minus sign."""
    return _NONE if value is None else format_html("{}", _minus(format_cash(value)))


@register.filter
def gain(value: Decimal | None) -> SafeString:
    """Return a change of cash with its direction."""
    return _NOT_ENOUGH if value is None else _directed(value, _minus(format_cash(value)))


@register.filter
def percent(value: Decimal | None) -> SafeString:
    """Return a fraction as a percentage."""
    return _NOT_ENOUGH if value is None else format_html("{}", _minus(format_percent(value)))


@register.filter
def gain_percent(value: Decimal | None) -> SafeString:
    """Return a fraction as a percentage with its direction."""
    return _NOT_ENOUGH if value is None else _directed(value, _minus(format_percent(value)))


@register.filter
def ratio(value: Decimal | None) -> SafeString:
    """Return a ratio with 2 places."""
    return _NOT_ENOUGH if value is None else format_html("{}", _minus(format_ratio(value)))


@register.filter
def number(value: Decimal | int | None) -> SafeString:
    """Return a quantity or a price as the books keep it, without needless zeros."""
    if value is None:
        return _NONE
    return format_html("{}", _minus(f"{value:,}" if isinstance(value, int) else _grouped(plain(value))))


@register.filter
def badge(value: object) -> SafeString:
    """Return a word of the product (an outcome, a state) set off from the text."""
    if value in (None, ""):
        return _NONE
    word = str(value)
    return format_html('<span class="badge badge-{}">{}</span>', tone_of(word), word.replace("_", " ").lower())


@register.filter
def cause(sentence: str, outcome: object) -> str:
    """Return a sentence without the outcome that it starts with, for a place where that stands beside it."""
    return cause_of(sentence, str(outcome))


@register.filter
def short(value: object) -> str:
    """Return the first part of an id: enough to tell one from another."""
    return str(value).partition("-")[0]


@register.filter
def code(value: object) -> SafeString:
    """Return an id or a code, the whole of it in its title."""
    return _NONE if value in (None, "") else format_html('<code title="{}">{}</code>', value, short(value))


@register.filter
def amount(value: str | None) -> SafeString:
    """Return an amount of cash that a report keeps as text."""
    return cash(None if value is None else Decimal(value))


@register.filter
def size(value: Decimal | str | None) -> str:
    """Return the size of a line, a percentage, without needless zeros; nothing where there is none."""
    return "" if value is None else f"{plain(Decimal(value), places=0)} %"


@register.filter
def words(value: object) -> str:
    """Return a code as words: POSITION_LIMIT becomes "position limit"."""
    return str(value).replace("_", " ").lower()


def _text(value: object) -> SafeString:
    return _NONE if value in (None, "") else format_html("{}", value)


_SHOW: Mapping[str, Callable[[Any], SafeString]] = {
    "text": _text, "long": _text, "code": code, "cash": cash, "gain": gain, "quantity": number, "price": number,
    "count": number,
    "percent": percent, "gain_percent": gain_percent, "ratio": ratio, "time": moment, "date": day, "badge": badge,
}  # fmt: skip


@register.simple_tag
def cell(row: Row, column: Column) -> SafeString:
    """Return one cell of a table as its column's kind looks, with its link."""
    shown = _SHOW[column.kind](row.values.get(column.name))
    link = row.links.get(column.name)
    return format_html('<a href="{}">{}</a>', link, shown) if link else shown


@register.filter
def plotted(row: Row, column: Column) -> str:
    """Return the value of a cell as charts read it: a number without signs of any language, a time in ISO 8601."""
    value = row.values.get(column.name)
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, datetime) else str("" if value is None else value)


def _directed(value: Decimal, shown: str) -> SafeString:
    if not value:
        return format_html('<span class="flat">{}</span>', shown)
    up = value > 0
    return format_html(
        '<span class="{}"><span aria-hidden="true">{}</span> {}{}<span class="unseen"> {}</span></span>',
        "gain" if up else "loss",
        "▲" if up else "▼",
        "+" if up else "",
        shown,
        "gain" if up else "loss",
    )


def _minus(text: str) -> str:
    return f"\N{MINUS SIGN}{text[1:]}" if text.startswith("-") else text


def _grouped(text: str) -> str:
    whole, point, fraction = text.partition(".")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    return f"{sign}{int(digits):,}{point}{fraction}"
