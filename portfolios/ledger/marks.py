"""Marks to market: every open position of many accounts at new prices, and what each account is worth then.

No cash and no quantity moves, so nothing enters the ledger. A chunk of accounts is one transaction with a number of
queries that does not depend on how many accounts or positions it has.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Case, Value, When

from common.money import ZERO, AmountOutOfRangeError, quantize_cash
from portfolios.ledger.locks import lock_accounts
from portfolios.ledger.valuations import refresh_summaries, valuation_of, write_summaries
from portfolios.models import PortfolioAccount, Position, Valuation
from portfolios.models.fields import UnitField
from portfolios.selectors import books


@dataclass(frozen=True, slots=True)
class ValuationResult:
    """What one chunk came to. The accounts `left_out` have changed, or were valued, at `as_of` or after it.

    `out_of_range` says by account whose values at these marks are larger than the books hold, with its name and the
    number: nothing of it was written, and it keeps its last marks.
    """

    accounts: int
    positions: int
    left_out: tuple[uuid.UUID, ...] = ()
    out_of_range: Mapping[uuid.UUID, str] = field(default_factory=dict)


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
        due = [account for account in accounts if account.pk not in done]
        _, result = _mark_and_value(due, marks, as_of=as_of, now=now)
    refresh_summaries(ids, now=now)
    return replace(result, left_out=tuple(account.pk for account in accounts if account.pk in done))


def mark_symbol(symbol: str, *, price: Decimal, now: datetime) -> ValuationResult:
    """Mark every open position in `symbol` at `price` per unit, and value its accounts with their summaries.

    Takes the locks of these accounts; wants an open transaction, in which it is all done or not at all.
    """
    accounts = lock_accounts(books.accounts_holding(symbol))
    valued, result = _mark_and_value(accounts, {symbol: price}, as_of=now, now=now)
    write_summaries(valued, now=now)
    return result


def _mark_and_value(
    accounts: Sequence[PortfolioAccount], marks: Mapping[str, Decimal], *, as_of: datetime, now: datetime
) -> tuple[list[PortfolioAccount], ValuationResult]:
    """Mark and value locked accounts, but for those that the books could not hold then. Returns those it valued."""
    held: dict[uuid.UUID, list[Position]] = {account.pk: [] for account in accounts}
    for position in books.open_positions_of(held):
        held[position.account_id].append(position)
    problems = {account.pk: _range_problem(account, held[account.pk], marks) for account in accounts}
    valued = [account for account in accounts if problems[account.pk] is None]
    positions = [position for account in valued for position in held[account.pk]]
    _mark(positions, marks, as_of=as_of)
    _value(valued, positions, as_of=as_of, now=now)
    return valued, ValuationResult(
        accounts=len(valued),
        positions=sum(item.security_id in marks for item in positions),
        out_of_range={key: problem for key, problem in problems.items() if problem is not None},
    )


def _range_problem(
    account: PortfolioAccount, positions: Sequence[Position], marks: Mapping[str, Decimal]
) -> str | None:
    """Return what of the account's values at `marks` is larger than the books hold, None where they hold it all."""
    try:
        found = books.snapshot(
            cash_balance=account.cash_balance,
            positions=positions,
            marks=marks,
            book_version=account.book_version,
        )
        for value in (found.gross_exposure, found.total_value):
            quantize_cash(value)
    except AmountOutOfRangeError as error:
        return f"{account}: {error}"
    return None


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
