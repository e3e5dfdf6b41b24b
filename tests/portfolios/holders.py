"""Accounts that a corporate action meets at every door: a long, a short, one that a person has to look at."""

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from portfolios import ledger
from portfolios.domain.accounting import Side
from portfolios.ledger import AuditContext
from portfolios.models import LedgerEntry, PortfolioAccount, Strategy
from tests.portfolios.ledger.by_hand import BY_HAND, hold, typed
from tests.scenes import NOW, security

EX_DAY = "2026-01-06"  # the day after NOW's


@dataclass(frozen=True)
class Holders:
    """A long and a short of 33 MSFT @ 300, and one whose holding a person has stated after the day."""

    long: PortfolioAccount
    short: PortfolioAccount
    stated: PortfolioAccount

    def standing(self) -> list[tuple[Any, ...]]:
        """Return of each account the signed units and the cost of MSFT, the cash, and what is owed."""
        return [standing(account) for account in (self.long, self.short, self.stated)]


def standing(account: PortfolioAccount) -> tuple[Any, ...]:
    """Return signed units and cost of MSFT, cash, and what is owed; the books are right."""
    account.refresh_from_db()
    assert ledger.check_books(account) == []
    held = account.positions.filter(security_id="MSFT", status="open").first()
    units = f"{held.as_holding().signed_quantity.normalize():f}" if held else "0"
    return units, held.cost_basis if held else Decimal(0), account.cash_balance, account.payable


def holders(strategy: Strategy) -> Holders:
    """Open the three accounts; MSFT is traded in whole units."""
    security("MSFT", step="1")
    long, short, stated = (account(strategy, name) for name in ("anthropic", "openai", "gemini"))
    trade(long, "BUY 33 MSFT @ 300")
    trade(short, "SELL_SHORT 33 MSFT @ 300")
    trade(stated, "BUY 10 MSFT @ 300")
    hold(stated, "MSFT", Side.LONG, "12", "300", now=NOW + timedelta(days=2))
    return Holders(long, short, stated)


def account(strategy: Strategy, provider: str, cash: str = "20000") -> PortfolioAccount:
    """Open an account."""
    return ledger.open_account(
        strategy_id=strategy.pk, provider=provider, initial_balance=Decimal(cash), context=BY_HAND
    )


def trade(row: PortfolioAccount, text: str, *, on: int = 0) -> None:
    """Book `BUY 10 MSFT @ 100` on a day, counted from NOW's."""
    row.refresh_from_db()
    context = replace(BY_HAND, now=NOW + timedelta(days=on))
    ledger.record_order(row, typed=typed(text), fee=Decimal(0), context=context)


def in_debt(strategy: Strategy) -> PortfolioAccount:
    """Return an account whose short had to pay 528 and had 299: it owes 229."""
    security("MSFT")
    row = account(strategy, "anthropic", "200")
    trade(row, "SELL_SHORT 33 MSFT @ 3")
    context = AuditContext(actor="bob", now=NOW + timedelta(days=1), reason="notice of the company")
    ledger.record_dividend(
        symbol="MSFT", per_share=Decimal(16), on=(NOW + timedelta(days=1)).date(), context=context
    )
    row.refresh_from_db()
    return row


def kinds_of(row: PortfolioAccount) -> list[str]:
    """Return the kinds of an account's entries, in order."""
    return list(LedgerEntry.objects.filter(account=row).order_by("sequence").values_list("kind", flat=True))
