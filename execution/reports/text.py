"""Reports as people read them on a terminal: the published text output."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import reduce
from pathlib import Path

from common.money import format_cash, plain
from common.text import counted
from execution.engine.vocabulary import Code
from execution.reports.types import DecisionPart, OrderPart, RunReport

_RULE = "=" * 60
_POSITION_WORDS = {"opened": "Created", "increased": "Updated", "reduced": "Updated", "closed": "Closed"}
_OUTCOME_WORDS = {
    "SKIPPED": "Skipped",
    "DENIED": "Denied",
    "QUARANTINED": "Quarantined",
    "DEFERRED": "Deferred",
    "EXPIRED": "Expired",
}


def render_text(report: RunReport) -> str:
    """Return the report as the published lines. A preview says "Would create", a replay that it is one."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: RunReport) -> Iterator[str]:
    yield from _head(report)
    orders: dict[int, list[OrderPart]] = {}
    for order in report.orders:
        orders.setdefault(order.line, []).append(order)
    for decision in report.decisions:
        yield ""
        yield _title(decision)
        yield from _body(decision, orders.get(decision.line, []), preview=report.run.id is None)
    yield from _waiting(report)
    yield ""
    yield from _summary(report)


def _head(report: RunReport) -> Iterator[str]:
    if report.run.replay:
        yield f"Replay: request {report.run.request_id} was executed before, as run {report.run.id}; its report:"
    if report.run.reversed_at is not None:
        yield f"The run was reversed at {_minute(report.run.reversed_at)}: none of its orders stands any more"
    if report.run.id is None:
        yield "Preview: nothing is written"
    if report.run.again:
        yield f"Run {report.run.sequence} of the request, executed again after its orders were reversed"
    elif report.run.sequence > 1:
        yield f"Follow-up run {report.run.sequence} of the request: the lines that were undecided"
    yield from report.notes
    yield from _source(report.artifact.path)
    yield f"Found {report.artifact.recommendation_count} recommendations"
    yield _account_line(report)


def _source(text: str) -> Iterator[str]:
    path = Path(text)
    if not path.is_absolute():
        yield f"Using {text}"
        return
    yield f"Using artifact directory: {_shown(path.parent)}"
    yield f"Loaded recommendations from {_shown(path)}"


def _account_line(report: RunReport) -> str:
    initial = report.account.initial_balance
    if initial is None:
        return f"Using portfolio account {report.account.id}"
    verb = "Would create" if report.run.id is None else "Created"
    return f"{verb} portfolio account with {format_cash(Decimal(initial))} initial balance"


def _title(decision: DecisionPart) -> str:
    name = decision.symbol or f"line {decision.line}"
    size = f" ({decision.allocation_percent}% allocation)" if decision.allocation_percent is not None else ""
    return f"Processing {name}: {decision.action or 'no action'}{size}"


def _body(decision: DecisionPart, orders: list[OrderPart], *, preview: bool) -> Iterator[str]:
    for order in orders:
        yield from _order(order, preview=preview)
    if decision.outcome == "HELD":
        yield "  HOLD action - no order created"
    elif decision.outcome == "CLAMPED":
        yield f"  Clamped [{', '.join(decision.codes)}]: {decision.reason}"
    elif not orders:
        word = _OUTCOME_WORDS.get(decision.outcome, decision.outcome)
        # A sentence names its outcome again. Of what is skipped or denied, that is the published output, and stays.
        is_published = decision.outcome in ("SKIPPED", "DENIED")
        said_twice = ("",) if is_published else (f"{word}: ", f"{word}, ")
        reason = reduce(str.removeprefix, said_twice, decision.reason)
        yield f"  {word} [{', '.join(decision.codes)}]: {reason} No order created"
    if decision.outcome == "QUARANTINED" and Code.PRICE_OUT_OF_BAND in decision.codes:
        yield f"  To trade at this price, run it again with --accept-price {decision.symbol}"
    if decision.outcome == "DEFERRED" and {Code.PRICE_OUT_OF_BAND, Code.PRICE_STALE}.intersection(decision.codes):
        yield f"  To trade at a price that you know, run it again with --price {decision.symbol}=PRICE"


def _order(order: OrderPart, *, preview: bool) -> Iterator[str]:
    price, total = plain(Decimal(order.fill_price), places=1), format_cash(Decimal(order.notional))
    verb = "Would create" if preview else "Created"
    yield f"  {verb} {order.action} order: {order.quantity} shares @ ${price} = {total}"
    if Decimal(order.fee):
        yield f"  Fee: {format_cash(Decimal(order.fee))}"
    if order.position_id is not None:
        yield f"  {_POSITION_WORDS[order.position_effect]} position: {order.position_id}"


def _waiting(report: RunReport) -> Iterator[str]:
    """The holdings that are worth something else if their new price is right: nothing where there are none."""
    if report.waiting_prices:
        yield ""
        yield "Prices that wait for a person: these holdings keep their last mark"
    for item in report.waiting_prices:
        when = _minute(item.as_of)
        yield (
            f"  {item.symbol}: {item.mark_price} kept, {item.price} from {item.source} of {when} refused "
            f"({_signed(item.difference_percent)} %; more than {item.band_percent} % from the {item.basis}, "
            f"{item.reference})"
        )
        if report.run.id is not None:
            yield f"  To accept it: manage.py accept_price {item.symbol} --reason TEXT"


def _signed(number: str) -> str:
    return number if number.startswith("-") else f"+{number}"


def _summary(report: RunReport) -> Iterator[str]:
    summary = report.summary
    yield _RULE
    yield "Execution Summary"
    yield _RULE
    yield f"Orders created: {summary.orders_created}"
    yield f"Positions created: {summary.positions_created}"
    yield f"Total invested: {format_cash(Decimal(summary.total_invested))}"
    yield f"Remaining cash: {format_cash(Decimal(summary.remaining_cash))}"
    yield f"Total equity: {format_cash(Decimal(summary.total_equity))}"
    yield f"Total portfolio value: {format_cash(Decimal(summary.total_portfolio_value))}"
    yield from _deferred(report)
    yield _RULE


def _deferred(report: RunReport) -> Iterator[str]:
    """Name what is not decided for the time being: whoever reads only the end must not take it for done."""
    symbols = [decision.symbol for decision in report.decisions if decision.outcome == "DEFERRED"]
    if symbols:
        until = "" if report.run.deferred_until is None else f" until {_minute(report.run.deferred_until)}"
        names, them = ", ".join(symbols), "it" if len(symbols) == 1 else "them"
        lines = counted(len(symbols), "line")
        yield f"Deferred: {lines} ({names}). Executing the request again tries {them}{until}"


def _minute(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _shown(path: Path) -> Path:
    """The path from where the reader stands, where it is below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
