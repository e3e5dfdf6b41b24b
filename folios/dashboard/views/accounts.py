"""One account: what it is worth, what it holds against its limits, and everything that was booked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from common.money import ZERO
from common.web.tables import Column, Listing, Row
from execution.engine.planning.policy import Policy
from execution.selectors.policy import policy_for
from execution.selectors.refused_prices import waiting_holdings
from execution.selectors.runs import runs_of_account
from folios.dashboard.tables import runs_listing
from folios.dashboard.views.pages import EXECUTE, Chart, lines_chart, page, policy_words
from folios.dashboard.views.prices import waiting_listing
from portfolios.domain.vocabulary import MarginStatus
from portfolios.models import AccountSummary, LedgerEntry, Order, Position
from portfolios.selectors import overview as books
from portfolios.selectors.books import one_snapshot
from portfolios.selectors.overview import Allocation, Curve, fraction

_POSITION_COLUMNS = (
    Column("symbol", "Symbol", "text", ""),
    Column("name", "Name"),
    Column("sector", "Sector", "text", ""),
    Column("side", "Side", "text", ""),
    Column("quantity", "Quantity", "quantity", ""),
    Column("weight", "Weight", "percent", ""),
    Column("average_price", "Average price", "price"),
    Column("cost", "Cost", "cash", ""),
    Column("mark", "Mark", "price"),
    Column("value", "Value", "cash", ""),
    Column("unrealized", "Unrealized", "gain", ""),
    Column("realized", "Realized", "gain", ""),
    Column("marked", "Price of", "time", ""),
)
_CLOSED_COLUMNS = (
    Column("symbol", "Symbol", "text", ""),
    Column("side", "Side", "text", ""),
    Column("realized", "Realized", "gain", ""),
    Column("opened", "Opened", "time", ""),
    Column("closed", "Closed", "time", ""),
)
_ORDER_COLUMNS = (
    Column("placed", "Placed", "time", "placed_at"),
    Column("action", "Action", "text", "action"),
    Column("symbol", "Symbol", "text", "security_id"),
    Column("quantity", "Quantity", "quantity"),
    Column("limit_price", "Reference price", "price"),
    Column("fill_price", "Fill price", "price"),
    Column("fee", "Fee", "cash"),
    Column("status", "Status", "badge", "status"),
    Column("prices", "Prices"),
    Column("order", "Order", "code"),
)
_LEDGER_COLUMNS = (
    Column("sequence", "No.", "count", "sequence"),
    Column("occurred", "When", "time"),
    Column("effective", "Effective", "date", "effective_on"),
    Column("kind", "Kind", "text", "kind"),
    Column("symbol", "Symbol", "text", "security_id"),
    Column("quantity", "Quantity", "quantity"),
    Column("price", "Price", "price"),
    Column("amount", "Cash", "cash"),
    Column("balance", "Balance", "cash"),
    Column("owed", "Owed", "cash"),
    Column("run", "Run", "code"),
    Column("actor", "By", "text", "actor"),
    Column("reason", "Reason"),
)


# What the figures show of the summary; an account that was never valued has none of them.
_MEASURES = ("change", "time_weighted_return", "max_drawdown", "sharpe_ratio")


@dataclass(frozen=True, slots=True)
class Limit:
    """One exposure against its limit, both as fractions of the total value. `limit` None: there is none."""

    label: str
    used: Decimal
    limit: Decimal | None

    @property
    def filled(self) -> str:
        """How much of the limit is used, 0 to 100, as the number of a meter."""
        if not self.limit:
            return "100" if self.used else "0"
        return f"{min(self.used / self.limit, Decimal(1)) * 100:.2f}"

    @property
    def is_over(self) -> bool:
        """Whether more is used than the limit allows: prices move after a trade."""
        return self.limit is not None and self.used > self.limit


@require_safe
def account(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """Show one account. Raises Http404 for one that there is not."""
    with one_snapshot():
        found = books.account_with_summary(account_id)
        if found is None:
            raise Http404(f"there is no account {account_id}")
        total = books.total_of(found)
        positions = books.positions_of(account_id)
        held = books.weighed(positions, total=total)
        policy, symbol = policy_for(found.strategy_id), request.GET.get("symbol", "")
        benchmark, curve = request.GET.get("benchmark", ""), books.curves([account_id]).get(account_id)
        summary = books.summary_of(found)
        waiting = waiting_holdings(account_id=account_id)
        context = {
            "account": found,
            "summary": summary,
            "measures": {name: getattr(summary, name, None) for name in _MEASURES},
            "not_valued": books.NOT_VALUED,
            "margin_notice": _margin_notice(summary),
            "is_current": books.is_current(found),
            "total": total,
            "unrealized": sum((item.unrealized for item in held), ZERO),
            "realized": sum((item.realized_pnl for item in positions), ZERO),
            **_policy_in_force(policy, found.strategy_id),
            "limits": _limits(held, policy, total=total, cash=found.cash_balance),
            "benchmark": benchmark,
            "symbol": symbol,
            "benchmarks": books.benchmarks(),
            "charts": [*_value_charts(curve, benchmark), *_allocation_charts(held, found.cash_balance, total)],
        }
        return page(
            request,
            "pages/account.html",
            context,
            listings=[
                waiting_listing(waiting, may_accept=request.user.has_perm(EXECUTE)),
                *_listings(account_id, positions, held, symbol=symbol),
            ],
        )


def _margin_notice(summary: AccountSummary | None) -> str:
    """Return what is wrong with the cash behind the account's shorts; nothing where it covers them."""
    if summary is None or summary.margin_status == MarginStatus.COVERED:
        return ""
    return summary.get_margin_status_display()


def _policy_in_force(policy: Policy, strategy_id: UUID) -> dict[str, str]:
    """Return the policy in words, and the address of its versions where it is the strategy's own."""
    address = (
        "" if policy.version == "system" else f"{reverse('dashboard:strategy', args=[strategy_id])}#table-policies"
    )
    return {"policy_words": policy_words(policy.version, system="of the system"), "policy_address": address}


def _listings(
    account_id: UUID, positions: Sequence[Position], held: Sequence[Allocation], *, symbol: str
) -> list[Listing[Any]]:
    closed = [item for item in positions if item.status == Position.Status.CLOSED]
    orders, ledger = books.orders_of(account_id, symbol=symbol), books.ledger_of(account_id, symbol=symbol)
    return [
        Listing(
            name="positions", caption="Positions", columns=_POSITION_COLUMNS, source=held, row=_position_row,
            empty="Nothing is held.", size=50,
        ),
        Listing(
            name="closed", caption="Closed positions", columns=_CLOSED_COLUMNS, source=closed, row=_closed_row,
            order="-closed", empty="No position was closed yet.", size=10,
        ),
        runs_listing(runs_of_account(account_id), size=10),
        Listing(
            name="orders", caption="Orders", columns=_ORDER_COLUMNS, source=orders,
            row=_order_row, order="-placed", empty="No order was made yet.", size=10,
        ),
        Listing(
            name="ledger", caption="Ledger", columns=_LEDGER_COLUMNS, source=ledger,
            row=_ledger_row, order="-sequence",
        ),
    ]  # fmt: skip


def _position_row(item: Allocation) -> Row:
    position = item.position
    return Row(
        {
            "symbol": position.security_id,
            "name": position.security.name,
            "sector": position.security.sector or "unknown",
            "side": position.side,
            "quantity": position.quantity,
            "weight": item.weight,
            "average_price": position.average_price,
            "cost": position.cost_basis,
            "mark": position.mark_price,
            "value": item.market_value,
            "unrealized": item.unrealized,
            "realized": position.realized_pnl,
            "marked": position.marked_at,
        },
        {"symbol": f"?symbol={quote(position.security_id)}#table-ledger"},
    )


def _closed_row(position: Position) -> Row:
    return Row(
        {
            "symbol": position.security_id,
            "side": position.side,
            "realized": position.realized_pnl,
            "opened": position.opened_at,
            "closed": position.closed_at,
        },
        {"symbol": f"?symbol={quote(position.security_id)}#table-ledger"},
    )


def _order_row(order: Order) -> Row:
    return Row(
        {
            "placed": order.placed_at,
            "action": order.get_action_display(),
            "symbol": order.security_id,
            "quantity": order.quantity,
            "limit_price": order.limit_price,
            "fill_price": order.average_fill_price,
            "fee": order.fee,
            "status": order.status,
            "prices": "simulated" if order.is_simulated else str(order.metadata.get("price_source", "")),
            "order": order.pk,
        }
    )


def _ledger_row(entry: LedgerEntry) -> Row:
    return Row(
        {
            "sequence": entry.sequence,
            "occurred": entry.occurred_at,
            "effective": entry.effective_on,
            "kind": entry.get_kind_display(),
            "symbol": entry.security_id or "",
            "quantity": entry.quantity or None,
            "price": entry.price,
            "amount": entry.amount,
            "balance": entry.balance_after,
            "owed": entry.owed or None,
            "run": entry.run_id,
            "actor": entry.actor,
            "reason": entry.reason,
        },
        _ledger_links(entry),
    )


def _ledger_links(entry: LedgerEntry) -> dict[str, str]:
    """Return the pages of the run and of the corporate action that an entry belongs to."""
    links = {"run": reverse("dashboard:run", args=[entry.run_id])} if entry.run_id else {}
    if entry.action_id:
        links["kind"] = reverse("dashboard:corporate-action", args=[entry.action_id])
    return links


def _limits(held: Sequence[Allocation], policy: Policy, *, total: Decimal, cash: Decimal) -> list[Limit]:
    """Return the exposures that have limits, with the largest position and each sector."""
    if total <= 0:
        return []
    largest = max((abs(item.market_value) for item in held), default=ZERO)
    gross = sum((abs(item.market_value) for item in held), ZERO)
    short = sum((-item.market_value for item in held if item.market_value < 0), ZERO)
    found = [
        Limit("Largest position", largest / total, policy.max_position_percent / 100),
        *(
            Limit(f"Sector: {sector}", value / total, policy.max_sector_percent / 100)
            for sector, value in sector_values(held).items()
            if sector
        ),
        Limit("Gross exposure", gross / total, policy.max_gross_exposure_percent / 100),
    ]
    if short or policy.allow_short:
        found.append(Limit("Shorts", short / total, policy.max_short_exposure_percent / 100))
    return [*found, Limit("Cash", cash / total, None)]


def sector_values(held: Iterable[Allocation]) -> dict[str, Decimal]:
    """Return the absolute value of the positions of each sector, the largest first; "" where it is unknown."""
    values: dict[str, Decimal] = {}
    for item in held:
        sector = item.position.security.sector
        values[sector] = values.get(sector, ZERO) + abs(item.market_value)
    return dict(sorted(values.items(), key=lambda pair: (-pair[1], pair[0])))


def _value_charts(curve: Curve | None, benchmark: str) -> list[Chart]:
    if curve is None:
        return [lines_chart("value", "Value over time", {}, unit="cash")]
    index: dict[str, Mapping[date, Decimal]] = {"Account": curve.index}
    if benchmark and curve.index:
        index[benchmark] = _rebased(benchmark, curve)
    return [
        lines_chart("value", "Value over time", {"Total value": curve.totals}, unit="cash"),
        lines_chart(
            "return", "Growth of 1", index, unit="index",
            note="Time-weighted: what 1 at the start has become, whatever was paid in or out.",
        ),
        lines_chart("drawdown", "Drawdown", {"Below the high": curve.drawdown}, unit="percent", kind="area"),
    ]  # fmt: skip


def _rebased(symbol: str, curve: Curve) -> dict[date, Decimal]:
    """Return the benchmark as growth of 1 since the account's first day with a price of it."""
    prices = books.benchmark_prices(symbol, since=min(curve.index))
    return {point.as_of: point.price / prices[0].price for point in prices} if prices else {}


def _allocation_charts(held: Sequence[Allocation], cash: Decimal, total: Decimal) -> list[Chart]:
    by_position = [(item.position.security_id, item.weight) for item in held]
    by_sector = [(name or "Unknown", fraction(value, total)) for name, value in sector_values(held).items()]
    rest = [("Cash", fraction(cash, total))]
    return [
        _bars("positions", "Allocation by position", "Position", [*by_position[:15], *rest]),
        _bars("sectors", "Allocation by sector", "Sector", [*by_sector, *rest]),
    ]


def _bars(name: str, caption: str, label: str, weights: Sequence[tuple[str, Decimal | None]]) -> Chart:
    columns = [Column("of", label), Column("weight", "Weight", "percent")]
    rows = [Row({"of": of, "weight": weight}) for of, weight in weights if weight is not None]
    return Chart(
        name=name,
        caption=caption,
        kind="bars",
        unit="percent",
        columns=columns,
        rows=rows,
        empty="The account is worth nothing: it has no shares to draw.",
    )
