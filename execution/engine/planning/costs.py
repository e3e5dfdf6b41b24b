"""What an order is expected to cost: its price moved by slippage, and a commission. Planning sizes with it."""

from decimal import Decimal

from common.money import PRICE_STEP, quantize_cash, quantize_price
from execution.engine.planning.policy import Costs
from portfolios.domain.accounting import Action, Fill

BASIS_POINT = Decimal("0.0001")


def fill_price(*, action: Action, price: Decimal, costs: Costs) -> Decimal:
    """Return the price per unit that a fill gets: above `price` when buying, below it when selling.

    Slippage is a fixed share of the price, whatever the size: price * (1 +- bps / 10,000), at least the smallest
    price that the books hold. Raises AmountOutOfRangeError.
    """
    moved = price * (1 - action.cash_sign * costs.slippage_bps * BASIS_POINT)
    return max(quantize_price(moved), PRICE_STEP)


def commission(*, quantity: Decimal, price: Decimal, costs: Costs) -> Decimal:
    """Return the fee in cents for `quantity` > 0 units at `price`, as brokers publish it:
    the greater of a minimum and (per order + per share + basis points of the notional).
    """
    return quantize_cash(_exact_commission(quantity=quantity, price=price, costs=costs))


def _exact_commission(*, quantity: Decimal, price: Decimal, costs: Costs) -> Decimal:
    worth = quantity * price
    fee = (
        costs.commission_per_order
        + costs.commission_per_share * quantity
        + costs.commission_bps * BASIS_POINT * worth
    )
    return max(fee, costs.commission_minimum)


def is_worth_its_cost(*, action: Action, quantity: Decimal, price: Decimal, costs: Costs) -> bool:
    """Whether trading `quantity` > 0 units at the reference `price` moves more than it loses to slippage and fees.

    For adjustments that nobody asked for by name. Those that rebalance for a living leave such drift alone: a
    no-trade band whose width is the cost of the trade (Leland 1999, "Optimal Portfolio Management with
    Transactions Costs and Capital Gains Taxes"). Costs are exact here, so nothing is too large to be compared.
    """
    paid = fill_price(action=action, price=price, costs=costs)
    fee = _exact_commission(quantity=quantity, price=paid, costs=costs)
    return quantity * price > fee + quantity * abs(paid - price)


def simulate_fill(*, symbol: str, action: Action, quantity: Decimal, price: Decimal, costs: Costs) -> Fill:
    """Return the fill that an order of `quantity` > 0 units is expected to get at the reference `price` > 0.

    Raises AmountOutOfRangeError where the result does not fit the books.
    """
    paid = fill_price(action=action, price=price, costs=costs)
    fee = commission(quantity=quantity, price=paid, costs=costs)
    return Fill(symbol=symbol, action=action, quantity=quantity, price=paid, fee=fee)
