"""Orders: typed, changed while they wait, filled, canceled and reversed."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString

from common.admin.columns import Section, cash, column, moment, state_column, units
from portfolios import ledger
from portfolios.admin.base import BooksEditAdmin
from portfolios.admin.booking import CancelOrder, FillOrder, ReverseOrder
from portfolios.admin.forms import IS_FILLED, NewOrderForm, PendingOrderForm
from portfolios.admin.sections import ledger_section
from portfolios.domain.accounting import Action
from portfolios.ledger import TypedOrder
from portfolios.models import Order


@admin.register(Order)
class OrderAdmin(BooksEditAdmin):
    """Orders, newest first. What people type is booked like the others; a filled one is reversed, not deleted."""

    deleting = ReverseOrder
    confirmed = (FillOrder, CancelOrder)
    list_display = ["placed", "account_link", "action", "symbol", "size", "price", "worth", "state", "is_simulated"]
    list_filter = ["status", "action", "is_simulated", "account__provider"]
    search_fields = ["=id", "=client_order_id", "=security__symbol"]
    search_help_text = "A whole symbol, as MSFT, or the id of an order."
    list_select_related = ["account__strategy", "security"]
    autocomplete_fields = ["account", "security"]
    date_hierarchy = "placed_at"
    empty_list = "No order yet. Execute research, or record an order that was made elsewhere."
    # What an order that is there shows beside its size and its price.
    known: ClassVar[Sequence[str]] = (
        "state", "account_link", "symbol", "action", "filled", "fill_price", "fee_paid", "is_simulated",
        "placed_at", "filled_at", "id", "client_order_id", "metadata",
    )  # fmt: skip

    limit = column("limit price", "limit_price", units, ordering=None)
    filled = column("filled quantity", "filled_quantity", units, ordering=None)
    fill_price = column("average fill price", "average_fill_price", units, ordering=None)
    fee_paid = column("fee", "fee", cash, ordering=None)
    placed = column("placed", "placed_at", moment)
    size = column("quantity", "quantity", units)
    worth = column("notional", "notional", cash, ordering=None)
    state = state_column("status", "status")

    @admin.display(description="price", ordering="limit_price")
    def price(self, row: Order) -> SafeString:
        """Return the price of the fill, or the one that sized the order."""
        return units(row.average_fill_price or row.limit_price)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """A new order asks for everything, one that is there shows everything."""
        new = ["account", "security", "action", "quantity", "limit_price", "state", "commission"]
        size = (
            ["quantity", "limit_price"] if obj and self.has_change_permission(request, obj) else ["size", "limit"]
        )
        inherited = super().get_fieldsets(request, obj)
        return [(None, {"fields": [*self.known[:4], *size, *self.known[4:]] if obj else new}), *inherited[1:]]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002  # called by Django with these arguments
        kwargs["form"] = PendingOrderForm if obj else NewOrderForm
        return super().get_form(request, obj, change=change, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Of an order that is there, size and price alone are edited, and while it waits only."""
        return [*self.known, "size", "limit"] if obj else []

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A finished order is not changed."""
        return (obj is None or obj.status == Order.Status.PENDING) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """An order that came to nothing has nothing to reverse."""
        has_something = obj is None or obj.status in (Order.Status.PENDING, Order.Status.FILLED)
        return has_something and super().has_delete_permission(request, obj)

    def lock(self, row: Order) -> None:
        ledger.lock_accounts([row.account_id])

    def save_model(self, request: HttpRequest, obj: Order, form: Any, change: bool) -> None:  # noqa: FBT001  # the same
        """Book a new order, or change one that waits. Raises CannotBookError."""
        context, values = self.context(request, form), form.cleaned_data
        account = ledger.lock_accounts([obj.account_id])[0]
        if change:
            order = Order.objects.get(pk=obj.pk)
            ledger.change_order(order, quantity=values["quantity"], limit_price=values["limit_price"])
            return
        typed = TypedOrder(
            action=Action(obj.action), symbol=obj.security_id, quantity=obj.quantity, price=obj.limit_price
        )
        if values["state"] == IS_FILLED:
            written = ledger.record_order(account, typed=typed, fee=values["commission"], context=context)
        else:
            written = ledger.place_order(account, typed=typed, context=context)
        obj.pk = written.pk
        obj.refresh_from_db()

    def sections(self, request: HttpRequest, row: Order) -> list[Section]:
        entries = row.ledger.select_related("security").order_by("sequence")
        return [ledger_section("In the ledger", entries, empty="Nothing: the order has not been filled.")]
