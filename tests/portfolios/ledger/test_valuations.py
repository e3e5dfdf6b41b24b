"""Valuations and summaries are written together, and never over what somebody else has written meanwhile."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from portfolios import ledger
from portfolios.ledger import valuations
from portfolios.models import AccountSummary, PortfolioAccount, Strategy, Valuation
from portfolios.valuation.summaries import summaries_of
from tests.portfolios.ledger.by_hand import BY_HAND, dec
from tests.scenes import NOW

HOUR = timedelta(hours=1)


@pytest.fixture
def valued(strategy: Strategy) -> list[PortfolioAccount]:
    """Return three accounts with a valuation and a summary."""
    with transaction.atomic():
        accounts = [
            ledger.open_account(
                strategy_id=strategy.pk, provider=provider, initial_balance=dec(1000), context=BY_HAND
            )
            for provider in ("anthropic", "openai", "gemini")
        ]
        for account in accounts:
            ledger.value_account(account, now=NOW)
    return accounts


@pytest.mark.django_db(transaction=True)
def test_a_valuation_says_what_came_in_from_outside_since_the_last_one(valued: list[PortfolioAccount]):
    account = valued[0]
    with transaction.atomic():
        ledger.deposit(account, amount=dec(50), context=BY_HAND)
        ledger.withdraw(account, amount=dec(20), context=BY_HAND)
        ledger.value_account(account, now=NOW + HOUR)
    newest = Valuation.objects.filter(account=account).latest("pk")
    assert (newest.total, newest.external_flow, newest.book_version) == (1030, 30, 3)
    assert AccountSummary.objects.get(account=account).total == 1030


@pytest.mark.django_db(transaction=True)
def test_summaries_that_were_lost_are_made_again(valued: list[PortfolioAccount]):
    AccountSummary.objects.all().delete()
    assert ledger.refresh_summaries([account.pk for account in valued], now=NOW + HOUR) == 3
    assert set(AccountSummary.objects.values_list("total", flat=True)) == {Decimal(1000)}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("books", [True, False])
def test_an_account_that_somebody_changes_meanwhile_keeps_their_summary(
    valued: list[PortfolioAccount], monkeypatch: pytest.MonkeyPatch, books: bool
):
    """The other party: a deposit by hand, or a mark that books nothing, between the look and the lock."""
    other, work_out = valued[1], summaries_of

    def meanwhile(accounts: Sequence[PortfolioAccount], sources: dict[uuid.UUID, Any], **more: Any) -> Any:
        made = work_out(accounts, sources, **more)
        monkeypatch.setattr(valuations, "summaries_of", work_out)
        with transaction.atomic():
            (locked,) = ledger.lock_accounts([other.pk])
            if books:
                ledger.deposit(locked, amount=dec(5), context=BY_HAND)
            ledger.value_account(locked, now=NOW + HOUR)
        return made

    monkeypatch.setattr(valuations, "summaries_of", meanwhile)
    assert ledger.refresh_summaries([account.pk for account in valued], now=NOW + 2 * HOUR) == 2
    stored = AccountSummary.objects.get(account=other)
    assert (stored.total, stored.as_of, stored.refreshed_at) == (1005 if books else 1000, NOW + HOUR, NOW + HOUR)


@pytest.mark.django_db(transaction=True)
def test_the_number_of_queries_does_not_depend_on_the_number_of_accounts(valued: list[PortfolioAccount]):
    counts = []
    for accounts in (valued[:1], valued):
        with CaptureQueriesContext(connection) as asked:
            ledger.refresh_summaries([account.pk for account in accounts], now=NOW + HOUR)
        counts.append(len(asked))
    assert counts[0] == counts[1]
