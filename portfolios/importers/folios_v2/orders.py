"""What the filled orders of an account add up to, each as far as it can have happened. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from common.money import QUANTITY_STEP, ZERO, AmountOutOfRangeError, plain, quantize_quantity
from portfolios.domain.accounting import Action, Holding, apply_fill
from portfolios.domain.opening_history import PastOrder
from portfolios.importers.folios_v2.findings import Finding, Rule
from portfolios.importers.folios_v2.types import KnownOrder

STAND_IN_PRICE = Decimal(100)  # the predecessor's default price, used where it had no market's
CLIENT_ORDER_PREFIX = "folios_v2-"


@dataclass(frozen=True, slots=True)
class Trade:
    """A filled order as it can be booked."""

    at: datetime
    order: PastOrder

    @property
    def cash(self) -> Decimal:
        """Signed cash of the fill, + into the account."""
        return self.order.fill.cash_delta

    @property
    def name(self) -> str:
        """What the order is called in messages."""
        return f"order {self.order.client_order_id.removeprefix(CLIENT_ORDER_PREFIX)}"


@dataclass(slots=True)
class Trades:
    """The filled orders of an account, one after another, and what they add up to."""

    booked: list[Trade] = field(default_factory=list)
    refused: list[PastOrder] = field(default_factory=list)
    holdings: dict[str, Holding] = field(default_factory=dict)
    cash: Decimal = ZERO
    unbooked_cash: Decimal = ZERO  # of what was not booked, at face value
    findings: list[Finding] = field(default_factory=list)

    def add_moment(self, orders: Iterable[KnownOrder]) -> None:
        """Book the orders of one moment: as nothing says which came first, each time one that fits."""
        waiting = list(orders)
        while waiting:
            fitting = (at for at, order in enumerate(waiting) if self._fits(order))
            self._add(waiting.pop(next(fitting, 0)))

    def _fits(self, order: KnownOrder) -> bool:
        held = self.holdings.get(order.symbol)
        if _contradiction(held, order.action):
            return False
        return order.action.increases or held is None or order.quantity <= held.quantity

    def _add(self, order: KnownOrder) -> None:
        """Book the order as far as it can have happened."""
        try:
            self._book(order, face=past_order(order).fill.cash_delta)
        except AmountOutOfRangeError as error:
            self._refuse(order, Rule.OUT_OF_RANGE, str(error), face=ZERO)

    def _book(self, order: KnownOrder, *, face: Decimal) -> None:
        held = self.holdings.get(order.symbol)
        problem = _contradiction(held, order.action)
        if problem:
            self._refuse(order, *problem, face=face)
            return
        most = order.quantity if order.action.increases or held is None else held.quantity
        past = past_order(order, quantity=min(order.quantity, most))
        after = apply_fill(held, past.fill).holding
        quantize_quantity(after.quantity, step=QUANTITY_STEP)
        self._settle(order, past, after)

    def _settle(self, order: KnownOrder, past: PastOrder, after: Holding) -> None:
        self.booked.append(Trade(order.at, past))
        self.cash += past.fill.cash_delta
        if after.is_open:
            self.holdings[order.symbol] = after
        else:
            del self.holdings[order.symbol]
        if past.quantity < order.quantity:
            left = replace(past.fill, quantity=order.quantity - past.quantity)
            self.unbooked_cash += left.cash_delta
            found = f"{order.action} {plain(order.quantity)} {order.symbol}, held were {plain(past.quantity)}"
            self.findings.append(Finding(Rule.SOLD_MORE_THAN_HELD, order.name, found, "booked for what was held"))

    def _refuse(self, order: KnownOrder, rule: Rule, found: str, *, face: Decimal) -> None:
        self.refused.append(replace(past_order(order), status="failed"))
        self.unbooked_cash += face
        done = "kept as a failed order without an entry"
        self.findings.append(Finding(rule, order.name, f"{words_of(order)}, {found}", done))


def _contradiction(held: Holding | None, action: Action) -> tuple[Rule, str] | None:
    if held is not None and held.side is not action.side:
        return Rule.ORDER_AGAINST_POSITION, f"held is a {held.side} of {plain(held.quantity)}"
    if held is None and not action.increases:
        return Rule.SELL_WITHOUT_HOLDING, "nothing is held"
    return None


def in_their_order(orders: Iterable[KnownOrder]) -> list[KnownOrder]:
    """Return the orders by the time of their fill; the id decides where no time does."""
    return sorted(orders, key=lambda order: (order.at, order.placed_at, order.source_id))


def past_order(order: KnownOrder, *, quantity: Decimal | None = None) -> PastOrder:
    """Return the order in the words of the books; a filled one at its default price is simulated."""
    return PastOrder(
        order_id=order.id,
        client_order_id=f"{CLIENT_ORDER_PREFIX}{order.source_id}",
        symbol=order.symbol,
        action=order.action,
        quantity=order.quantity if quantity is None else quantity,
        limit_price=order.limit_price,
        status=order.status,
        placed_at=order.placed_at,
        is_simulated=order.limit_price == STAND_IN_PRICE,
        metadata=order.metadata,
    )


def words_of(order: KnownOrder) -> str:
    """Return the order in one phrase: `BUY 22.22 MSFT @ 450.00`."""
    return f"{order.action} {plain(order.quantity)} {order.symbol} @ {plain(order.limit_price)}"
