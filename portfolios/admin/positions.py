"""Positions: what people say is held becomes a correction in the ledger."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest

from common.admin.columns import Section, cash, column, list_of, moment, state_column, units
from portfolios import ledger
from portfolios.admin.base import BooksEditAdmin
from portfolios.admin.booking import EndPosition
from portfolios.admin.forms import PositionForm
from portfolios.admin.sections import ledger_section
from portfolios.domain.accounting import Side
from portfolios.models import LedgerEntry, Position


@admin.register(Position)
class PositionAdmin(BooksEditAdmin):
    """Open and closed positions. An edit is a correction in the ledger."""

    deleting = EndPosition
    form = PositionForm
    list_display = [
        "symbol", "account_link", "side", "state", "size", "average", "cost", "mark", "profit", "opened",
    ]  # fmt: skip
    list_filter = ["status", "side", "account__provider"]
    search_fields = ["=id", "=security__symbol"]
    search_help_text = "A whole symbol, as MSFT, or the id of a position."
    list_select_related = ["account__strategy", "security"]
    list_display_links = ["size"]
    autocomplete_fields = ["account", "security"]
    date_hierarchy = "opened_at"
    ordering = ["-opened_at"]
    empty_list = "No position yet. Execute research, or add one that is held already."
    # What a position that is there shows beside what a person can say.
    known: ClassVar[Sequence[str]] = (
        "state", "account_link", "symbol", "cost", "profit", "mark", "marked_at", "opened_at", "closed_at", "id",
    )  # fmt: skip

    state = state_column("status", "status")
    size = column("quantity", "quantity", units)
    average = column("average", "average_price", units)
    cost = column("cost", "cost_basis", cash)
    mark = column("mark", "mark_price", units)
    profit = column("realized", "realized_pnl", cash)
    opened = column("opened", "opened_at", moment)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """A new position asks for what is held, one that is there shows everything."""
        mine = ["side", "quantity", "average_price"]
        if obj is None:
            fields = ["account", "security", *mine]
        else:
            may = self.has_change_permission(request, obj)
            fields = [*self.known[:3], *(mine if may else ["side", "size", "average"]), *self.known[3:]]
        return [(None, {"fields": fields}), *super().get_fieldsets(request, obj)[1:]]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """What is held can be said; the rest follows."""
        return [*self.known, "size", "average"] if obj else []

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A closed position is a record: it is neither changed nor ended."""
        return (obj is None or obj.status == Position.Status.OPEN) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return (obj is None or obj.status == Position.Status.OPEN) and super().has_delete_permission(request, obj)

    def lock(self, row: Position) -> None:
        ledger.lock_accounts([row.account_id])

    def save_model(self, request: HttpRequest, obj: Position, form: Any, change: bool) -> None:  # noqa: FBT001  # called by Django with these arguments
        ledger.correct_position(
            ledger.lock_accounts([obj.account_id])[0],
            symbol=obj.security_id,
            side=Side(obj.side),
            quantity=obj.quantity,
            average_price=obj.average_price,
            context=self.context(request, form),
        )
        if not change:
            obj.pk = Position.objects.get(
                account=obj.account_id, security__symbol=obj.security_id, status=Position.Status.OPEN
            ).pk
        obj.refresh_from_db()

    def sections(self, request: HttpRequest, row: Position) -> list[Section]:
        entries = row.ledger.select_related("security").order_by("-sequence")[:50]
        more = list_of(LedgerEntry, position__id__exact=row.pk)
        return [ledger_section("In the ledger, newest first", entries, more=more)]
