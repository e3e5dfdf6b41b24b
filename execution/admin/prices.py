"""Refused prices: those that wait for a person, and what became of the others."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from common.admin.base import RecordAdmin
from common.admin.columns import Section, cash, column, link, moment, units
from execution.admin.acceptance import MOST_SHOWN, AcceptPrice
from execution.models import RefusedPrice
from execution.selectors.refused_prices import waiting_holdings, waiting_prices


class WaitingPriceFilter(admin.SimpleListFilter):
    """Prices of what is held that wait for a person."""

    title = "waiting"
    parameter_name = "waits"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "For a person")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(pk__in=waiting_prices().values("pk")) if self.value() == "yes" else queryset


@admin.register(RefusedPrice)
class RefusedPriceAdmin(RecordAdmin):
    """Prices that were too far from the last one, newest first."""

    confirmed = (AcceptPrice,)
    list_display = [
        "symbol", "amount", "source", "held_at", "compared", "difference", "refused", "state", "resolved_by",
    ]  # fmt: skip
    list_filter = [WaitingPriceFilter, "resolution", "source"]
    search_fields = ["=security__symbol", "=resolved_by", "reason"]
    search_help_text = "A whole symbol, as MSFT."
    list_select_related = ["security"]
    list_display_links = ["symbol"]
    date_hierarchy = "refused_at"
    empty_list = "No price of something held was refused yet."

    symbol = column("symbol", "security_id", str)
    amount = column("price", "price", units)
    held_at = column("price of", "as_of", moment)
    compared = column("compared with", "reference", units)
    refused = column("refused", "refused_at", moment)

    @admin.display(description="difference")
    def difference(self, row: RefusedPrice) -> str:
        """Return how far it is from what it was compared with."""
        return f"{row.difference_percent:+.2f} %"

    @admin.display(description="state", ordering="resolution")
    def state(self, row: RefusedPrice) -> str:
        """Return what became of it."""
        return row.get_resolution_display() if row.resolution else "Waits"

    def sections(self, request: HttpRequest, row: RefusedPrice) -> list[Section]:
        """Return the holdings that keep their mark because of it."""
        held = waiting_holdings(refused=row)[:MOST_SHOWN] if row.resolved_at is None else []
        cells = [
            (link(each.position.account), link(each.position, each.position.security_id),
             units(each.position.mark_price), f"{each.difference_percent:+.2f} %", cash(each.value),
             cash(each.value_then)) for each in held
        ]  # fmt: skip
        columns = ("Account", "Position", "Mark", "Difference", "Value", "Value at the refused price")
        return [Section("Holdings that keep their last mark", columns, cells, empty="None.")]
