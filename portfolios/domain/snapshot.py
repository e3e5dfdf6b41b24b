"""A frozen picture of one account: cash and open holdings at given marks, and what follows from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from common.money import ZERO
from portfolios.domain.accounting import Holding
from portfolios.domain.vocabulary import MarginStatus


@dataclass(frozen=True, slots=True)
class AccountSnapshot:
    """Cash and open holdings by symbol, in the account's currency, taken once and not changed.

    `book_version` counts the ledger entries behind the picture: equal versions mean equal books. `payable` is what
    the account owes beside its cash, which the dividend of a short can come to.
    """

    cash_balance: Decimal
    holdings: Mapping[str, Holding]
    book_version: int = 0
    payable: Decimal = ZERO

    @property
    def equity_value(self) -> Decimal:
        """Signed market value of the open holdings, shorts negative."""
        return sum((holding.market_value for holding in self.holdings.values()), ZERO)

    @property
    def total_value(self) -> Decimal:
        """Cash plus equity value, less what is owed."""
        return self.cash_balance + self.equity_value - self.payable

    @property
    def gross_exposure(self) -> Decimal:
        """Sum of the absolute market values."""
        return sum((abs(holding.market_value) for holding in self.holdings.values()), ZERO)

    @property
    def net_exposure(self) -> Decimal:
        """Sum of the signed market values; the same number as the equity value, by its trading name."""
        return self.equity_value

    @property
    def short_value(self) -> Decimal:
        """What the open shorts would cost to buy back at their marks, positive."""
        return sum((-h.market_value for h in self.holdings.values() if h.market_value < 0), ZERO)

    def weight(self, symbol: str) -> Decimal:
        """Signed market value of `symbol` as a fraction of the total value; 0 where nothing is held.

        Raises ZeroDivisionError (decimal.DivisionByZero) for an account worth nothing.
        """
        holding = self.holdings.get(symbol)
        return holding.market_value / self.total_value if holding else ZERO

    def available_cash(self, *, short_margin: Decimal) -> Decimal:
        """Cash that buys may spend: cash - owed - short value * (1 + short_margin), `short_margin` a fraction.

        The proceeds of shorts stay as their collateral, with the margin on top. Below zero nothing can be opened.
        """
        return self.cash_balance - self.payable - self.short_value * (1 + short_margin)

    def margin_status(self, *, short_margin: Decimal) -> MarginStatus:
        """Whether the cash covers the shorts with `short_margin`, a fraction; without holdings, it does."""
        if self.holdings and self.total_value <= 0:
            return MarginStatus.NO_EQUITY
        return MarginStatus.DEFICIT if self.available_cash(short_margin=short_margin) < 0 else MarginStatus.COVERED
