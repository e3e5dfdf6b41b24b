"""The account that most tests of the ledger start from."""

import pytest

from portfolios import ledger
from portfolios.domain.accounting import Side
from portfolios.models import PortfolioAccount, Strategy
from tests.portfolios.ledger.by_hand import BY_HAND, dec, hold
from tests.scenes import security


@pytest.fixture
def account(strategy: Strategy) -> PortfolioAccount:
    """Return an account with 100,000.00 in cash and 18.91 AAPL @ 528.57."""
    security("AAPL")
    opened = ledger.open_account(
        strategy_id=strategy.pk, provider="anthropic", initial_balance=dec(100_000), context=BY_HAND
    )
    hold(opened, "AAPL", Side.LONG, "18.91", "528.57")
    return opened
