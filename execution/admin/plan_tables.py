"""What a plan comes to, as the tables of a page that asks before it executes."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.utils.html import format_html

from common.admin.columns import badge, cash, units
from common.admin.confirm import EffectTable
from execution.forms import TypedPricesInput
from execution.reports.planned_prices import PlannedPrice
from execution.reports.types import RunReport
from execution.services import Preview

_PRICE_COLUMNS = (
    "Symbol", "Price", "Another price", "Source", "Age", "Research says", "Its target", "Difference",
)  # fmt: skip
DECISION_COLUMNS = ("Line", "Symbol", "Action", "Outcome", "Quantity", "Price", "Notional", "Why")
_PRICE_FIELD = (
    '<input name="{}{}" size="9" maxlength="20" inputmode="decimal" autocomplete="off"'
    ' aria-label="Another price of {}">'
)


def price_tables(plans: Sequence[Preview]) -> list[EffectTable]:
    """Return the table of the prices that the plans are made at, each with a field for another one."""
    found = {row.symbol: row for plan in plans for row in plan.prices}
    rows = [_price_row(row) for _, row in sorted(found.items())]
    return [EffectTable("Prices", _PRICE_COLUMNS, rows)] if rows else []


def _price_row(row: PlannedPrice) -> tuple[Any, ...]:
    amounts = [units(Decimal(text)) if text else "" for text in (row.price, row.claim, row.target)]
    field = format_html(_PRICE_FIELD, TypedPricesInput.prefix, row.symbol, row.symbol)
    says = ": ".join(filter(None, [row.source_words if row.price else "no price", row.reason]))
    return row.symbol, amounts[0], field, says, row.age, amounts[1], amounts[2], row.difference_words


def decision_rows(report: RunReport, *, at_default: frozenset[int]) -> list[tuple[Any, ...]]:
    """Return a row for each decision, and one more for each further order of a flip.

    The lines `at_default` say that their price is a default one.
    """
    rows: list[tuple[Any, ...]] = []
    for decision in report.decisions:
        orders = [order for order in report.orders if order.line == decision.line]
        start = (str(decision.line), decision.symbol, decision.action, badge(decision.outcome))
        said = f"At a default price. {decision.reason}" if decision.line in at_default else decision.reason
        rows += [
            (*start, units(Decimal(each.quantity)), units(Decimal(each.fill_price)), cash(Decimal(each.notional)),
             f"{each.action}. {said}") for each in orders
        ] or [(*start, "", "", "", said)]  # fmt: skip
    return rows


def kept_marks(report: RunReport) -> list[str]:
    """Return in words which holdings are valued at their last mark, because their new price waits for a person."""
    return [
        f"{item.symbol} keeps its last mark of {item.mark_price}: {item.price} from {item.source} is "
        f"{item.difference_percent} % from it, and waits for a person."
        for item in report.waiting_prices
    ]
