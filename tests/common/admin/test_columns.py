"""Columns of the admin that only show an attribute: what they show, and what a list sorts by."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User

import folios.urls  # noqa: F401  # discovers the admin's modules
from common.admin.columns import column, key_column, short_id, state_column
from portfolios.models import Order, Strategy

OWNER = User(pk=7, username="alice")


class Row:
    """A row with a name, a person whom it belongs to, and a state."""

    name = "first"
    owner = OWNER
    owner_id = "11111111-2222-4333-8444-555555555555"
    status = "HALTED"

    def get_status_display(self) -> str:
        return "Halted"


def sorted_by(shown: Any) -> str | None:
    """Return the field that a list sorts by where somebody clicks on the column."""
    found: str | None = getattr(shown, "admin_order_field", None)
    return found


def heading_of(shown: Any) -> str:
    """Return what stands above the column."""
    return str(shown.short_description)


@pytest.mark.parametrize(
    ("attribute", "more", "value", "ordering"),
    [
        ("name", {}, "FIRST", "name"),
        ("owner.username", {}, "ALICE", "owner__username"),
        ("name", {"ordering": "owner__id"}, "FIRST", "owner__id"),
        ("name", {"ordering": None}, "FIRST", None),
    ],
)
def test_a_column_shows_an_attribute_and_sorts_by_it_or_by_what_is_said(
    attribute: str, more: dict[str, Any], value: str, ordering: str | None
):
    shown = column("title", attribute, str.upper, **more)
    assert shown(None, Row()) == value
    assert sorted_by(shown) == ordering
    assert heading_of(shown) == "title"


def test_a_state_is_a_badge_with_its_word():
    shown = state_column("trading", "status")
    assert shown(None, Row()) == '<span class="badge badge-bad">Halted</span>'
    assert sorted_by(shown) == "status"


def test_a_key_is_a_link_that_reads_no_row_and_does_not_sort():
    shown = key_column("owner", Strategy, "owner_id", short_id)
    address = f"/admin/portfolios/strategy/{Row.owner_id}/change/"
    assert shown(None, Row()) == f'<a href="{address}">11111111</a>'
    assert sorted_by(shown) is None


def test_the_pages_of_a_model_have_their_columns_as_methods():
    pages: Any = admin.site._registry[Order]
    assert pages.state(Order(status="filled")) == '<span class="badge badge-good">Filled</span>'
