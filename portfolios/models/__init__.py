"""The tables of the books. Only `portfolios.ledger` writes cash, orders, positions and the ledger."""

from portfolios.domain.vocabulary import Provider
from portfolios.models.accounts import PortfolioAccount, TradingStateChange, Valuation
from portfolios.models.corporate import CorporateAction
from portfolios.models.ledger import LedgerEntry
from portfolios.models.securities import Price, Security
from portfolios.models.strategies import RiskPolicy, Strategy
from portfolios.models.summaries import AccountSummary
from portfolios.models.trading import Order, Position

__all__ = [
    "AccountSummary",
    "CorporateAction",
    "LedgerEntry",
    "Order",
    "PortfolioAccount",
    "Position",
    "Price",
    "Provider",
    "RiskPolicy",
    "Security",
    "Strategy",
    "TradingStateChange",
    "Valuation",
]
