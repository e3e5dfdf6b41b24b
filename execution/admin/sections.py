"""Tables of research and runs that stand on several pages."""

from collections.abc import Iterable
from typing import Any

from common.admin.columns import Section, badge, cash, link, moment, units
from execution.models import ExecutionRun, RecommendationOrder


def runs_section(title: str, runs: Iterable[ExecutionRun], **more: Any) -> Section:
    """Return runs as a table; `more` goes to the section."""
    columns = ("Started", "Strategy", "Provider", "Status", "Lines", "Orders", "Who", "Source")
    return Section(title, columns, [_run(each) for each in runs], **more)


def _run(run: ExecutionRun) -> tuple[Any, ...]:
    return (
        link(run, moment(run.started_at)),
        str(run.strategy),
        run.get_provider_display(),
        badge(run.status, run.get_status_display()),
        str(run.recommendation_count),
        str(run.order_count),
        run.actor,
        run.get_source_display(),
    )


def orders_section(found: Iterable[RecommendationOrder], **more: Any) -> Section:
    """Return the orders of lines as a table; `more` goes to the section."""
    columns = ("Line", "Order", "Quantity", "Price", "Notional", "Status")
    return Section("Orders", columns, [_order(each) for each in found], empty="It made no order.", **more)


def _order(item: RecommendationOrder) -> tuple[Any, ...]:
    order = item.order
    return (
        str(item.recommendation.line),
        link(order, f"{order.action} {order.security_id}"),
        units(order.quantity),
        units(order.average_fill_price or order.limit_price),
        cash(order.notional),
        badge(order.status, order.get_status_display()),
    )
