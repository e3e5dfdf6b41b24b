"""Writes what accounts are worth, and the summaries of them, which `portfolios.valuation` works out."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from common.money import ZERO
from portfolios.ledger.locks import lock_accounts
from portfolios.models import AccountSummary, PortfolioAccount, Valuation
from portfolios.selectors import books as queries
from portfolios.valuation.summaries import SummarySource, read_sources, summaries_of

_COLUMNS = [column.name for column in AccountSummary._meta.concrete_fields if column.name not in ("id", "account")]


def value_account(account: PortfolioAccount, *, now: datetime) -> None:
    """Write what the locked account is worth at its marks, what came in from outside since the last time, and the
    summary that pages show of it.
    """
    flow = queries.external_flows([account.pk]).get(account.pk, ZERO)
    valuation_of(account, as_of=now, external_flow=flow).save(force_insert=True)
    write_summaries([account], now=now)


def write_summaries(accounts: Sequence[PortfolioAccount], *, now: datetime) -> None:
    """Work out and write what pages show of these locked accounts, in the open transaction."""
    _write_summaries(summaries_of(accounts, read_sources([account.pk for account in accounts]), now=now))


def value_accounts(accounts: Sequence[PortfolioAccount], *, now: datetime) -> None:
    """Do the same for several locked accounts, with a number of statements that does not depend on how many."""
    ids = [account.pk for account in accounts]
    flows = queries.external_flows(ids)
    Valuation.objects.bulk_create(
        valuation_of(account, as_of=now, external_flow=flows.get(account.pk, ZERO)) for account in accounts
    )
    _write_summaries(summaries_of(accounts, read_sources(ids), now=now))


def valuation_of(account: PortfolioAccount, *, as_of: datetime, external_flow: Decimal) -> Valuation:
    """Return a valuation of the account as it stands, which is still to be written."""
    return Valuation(
        account=account,
        as_of=as_of,
        cash=account.cash_balance,
        equity=account.equity_value,
        total=account.total_value,
        external_flow=external_flow,
        book_version=account.book_version,
    )


def refresh_summaries(ids: Iterable[uuid.UUID], *, now: datetime) -> int:
    """Work out the summaries of these accounts anew and return how many were written.

    Reading and arithmetic need no lock, so no run waits for them; an account that a run, a mark or a person changed
    meanwhile is left to them, who write its summary too. Six queries to read and four to write, however many
    accounts. Must not be called inside a transaction.
    """
    wanted = list(ids)
    with queries.one_snapshot():
        accounts = list(PortfolioAccount.objects.filter(pk__in=wanted))
        sources = read_sources(wanted)
    made = summaries_of(accounts, sources, now=now)
    with transaction.atomic(durable=True):
        unchanged = _unchanged(accounts, sources)
        kept = [summary for summary in made if summary.account_id in unchanged]
        _write_summaries(kept)
    return len(kept)


def _unchanged(accounts: Sequence[PortfolioAccount], sources: dict[uuid.UUID, SummarySource]) -> set[uuid.UUID]:
    """Lock the accounts and return those that nobody has booked on or valued since they were read."""
    versions = {locked.pk: locked.book_version for locked in lock_accounts([account.pk for account in accounts])}
    newest = queries.last_valuations(versions)
    return {
        account.pk
        for account in accounts
        if versions.get(account.pk) == account.book_version
        and newest.get(account.pk) == sources.get(account.pk, SummarySource()).version
    }


def _write_summaries(summaries: Sequence[AccountSummary]) -> None:
    if summaries:
        AccountSummary.objects.bulk_create(
            summaries, update_conflicts=True, unique_fields=["account"], update_fields=_COLUMNS
        )
