"""What research and runs add to the pages of the books: an order's line, an account's runs and actions."""

import json
from collections.abc import Sequence

from django.db.models import Model
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.http import urlencode

from common.admin.base import add_to_pages
from common.admin.columns import Section, link, list_of, moment, page_of, units
from execution.admin.acceptance import AcceptPrice
from execution.admin.execute import MarkToMarket, Rebalance
from execution.admin.sections import runs_section
from execution.models import ExecutionRun, Recommendation, RecommendationOrder, RefusedPrice, ResearchRequest
from execution.selectors.refused_prices import WaitingHolding, waiting_holdings
from portfolios.models import Order, PortfolioAccount


def _line_of(_request: HttpRequest, order: Order) -> list[Section]:
    """The line of research that an order comes from."""
    found = RecommendationOrder.objects.filter(order=order).select_related("recommendation__run").first()
    return [_origin(found)]


def _origin(found: RecommendationOrder | None) -> Section:
    title = "The line of research that it comes from"
    if found is None:
        return Section(title, empty="None: it was typed by hand, or a sweep closed what the research did not list.")
    line = found.recommendation
    return Section(
        f"{title}: line {line.line}",
        text=json.dumps(line.raw, indent=2, ensure_ascii=False),
        links=_where_from(line),
    )


def _where_from(line: Recommendation) -> Sequence[tuple[str, str]]:
    run = line.run
    return [
        (f"Decision: {line.get_outcome_display()}", _address(line)),
        (f"Run of {moment(run.started_at)}", _address(run)),
        ("Research request", _address(ResearchRequest(pk=run.request_id))),
    ]


def _address(row: Model) -> str:
    return page_of(type(row), "change", row.pk)


def _runs_in(_request: HttpRequest, account: PortfolioAccount) -> list[Section]:
    """The newest runs in an account."""
    runs = account.runs.select_related("strategy").defer("report", "parameters", "prices").order_by("-started_at")
    more = list_of(ExecutionRun, account__id__exact=account.pk)
    return [runs_section("Runs, newest first", runs[:10], empty="Nothing has been executed in it.", more=more)]


def _waiting_in(request: HttpRequest, account: PortfolioAccount) -> list[Section]:
    """The holdings whose new price waits for a person, with the page that accepts it; nothing for none."""
    may_accept = request.user.has_perm(AcceptPrice.permission)
    rows = [
        (
            link(each.refused, each.position.security_id),
            units(each.position.mark_price),
            units(each.refused.price),
            f"{each.difference_percent:+.2f} %",
            each.refused.source,
            moment(each.refused.as_of),
            format_html('<a href="{}">{}</a>', _accept_page(each), AcceptPrice.button) if may_accept else "",
        )
        for each in waiting_holdings(account_id=account.pk)
    ]
    columns = ("Symbol", "Last mark", "Refused price", "Difference", "Source", "Price of", "")
    title = "Prices that wait for a person: these holdings keep their last mark"
    return [Section(title, columns, rows)] if rows else []


def _accept_page(item: WaitingHolding) -> str:
    return f"{page_of(RefusedPrice, 'do', AcceptPrice.name)}?{urlencode({'ids': item.refused.pk})}"


add_to_pages(Order, above=_line_of)
add_to_pages(PortfolioAccount, above=_waiting_in, below=_runs_in, actions=(Rebalance, MarkToMarket))
