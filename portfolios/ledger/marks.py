"""Marks to market: every open position of many accounts at new prices, and what each account is worth then.

No cash and no quantity moves, so nothing enters the ledger. A chunk of accounts is one transaction with a number of
queries that does not depend on how many accounts or positions it has.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Case, Value, When

from common.money import ZERO, quantize_cash
from portfolios.ledger.locks import lock_accounts
from portfolios.ledger.valuations import refresh_summaries, valuation_of
from portfolios.models import PortfolioAccount, Position, Valuation
from portfolios.models.fields import UnitField
from portfolios.selectors import books


@dataclass(frozen=True, slots=True)
class ValuationResult:
    """What one chunk came to. The accounts `left_out` have changed, or were valued, at `as_of` or after it."""

    accounts: int
    positions: int
    left_out: tuple[uuid.UUID, ...]


def mark_accounts(
    ids: Sequence[uuid.UUID], *, marks: Mapping[str, Decimal], as_of: datetime, now: datetime
) -> ValuationResult:
    """Mark the open positions of these accounts at `marks` (price per unit by symbol) and value each account.

    A symbol without a mark keeps its last one. `as_of` is the time of the marks and of the valuations: what an
    account held then is only known where nothing was booked since, so an account with a later ledger entry is left
    out; so is one that has a valuation of that time or a later one. Summaries are refreshed.
    Must not be called inside a transaction.
    """
    with transaction.atomic(durable=True):
        accounts = lock_accounts(ids)
        done = books.changed_since(ids, as_of) | books.valued_since(ids, as_of)
        valued = [account for account in accounts if account.pk not in done]
        positions = books.open_positions_of([account.pk for account in valued])
        _mark(positions, marks, as_of=as_of)
        _value(valued, positions, as_of=as_of, now=now)
    refresh_summaries(ids, now=now)
    left_out = tuple(account.pk for account in accounts if account.pk in done)
    return ValuationResult(len(valued), sum(item.security_id in marks for item in positions), left_out)


def _mark(positions: Sequence[Position], marks: Mapping[str, Decimal], *, as_of: datetime) -> None:
    marked = [position for position in positions if position.security_id in marks]
    if not marked:
        return
    for position in marked:
        position.mark_price, position.marked_at = marks[position.security_id], as_of
    symbols = sorted({position.security_id for position in marked})
    prices = [When(security_id=symbol, then=Value(marks[symbol], UnitField())) for symbol in symbols]
    rows = Position.objects.filter(
        account_id__in={position.account_id for position in marked},
        status=Position.Status.OPEN,
        security_id__in=symbols,
    )
    rows.update(mark_price=Case(*prices, output_field=UnitField()), marked_at=as_of)


def _value(
    accounts: Sequence[PortfolioAccount], positions: Sequence[Position], *, as_of: datetime, now: datetime
) -> None:
    equity: dict[uuid.UUID, Decimal] = {}
    for position in positions:
        equity[position.account_id] = equity.get(position.account_id, ZERO) + position.as_holding().market_value
    for account in accounts:
        account.equity_value, account.updated_at = quantize_cash(equity.get(account.pk, ZERO)), now
    PortfolioAccount.objects.bulk_update(accounts, ["equity_value", "updated_at"])
    flows = books.external_flows([account.pk for account in accounts])
    Valuation.objects.bulk_create(
        valuation_of(account, as_of=as_of, external_flow=flows.get(account.pk, ZERO)) for account in accounts
    )
