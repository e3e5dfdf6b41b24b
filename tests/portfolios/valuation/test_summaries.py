"""The summary of an account: what it holds, of which books it is, and that it follows from them."""

from datetime import datetime, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command

from portfolios import ledger
from portfolios.domain.performance import ValuePoint
from portfolios.ledger import AuditContext, mark_accounts, refresh_summaries
from portfolios.models import AccountSummary, PortfolioAccount
from portfolios.valuation.summaries import SummarySource, summary_values
from tests.scenes import NOW, Desk, line

DAY = timedelta(days=1)


def summary(desk: Desk) -> AccountSummary:
    """Return the summary of the desk's account."""
    return AccountSummary.objects.get(account=desk.account)


def mark(desk: Desk, price: str, time: datetime) -> None:
    """Mark MSFT at a price."""
    mark_accounts([desk.account.pk], marks={"MSFT": Decimal(price)}, as_of=time, now=time)


@pytest.mark.django_db
def test_a_run_leaves_the_summary_of_what_it_made(desk: Desk):
    desk.run([line("MSFT", "BUY", 10)], prices="450")
    found = summary(desk)
    assert (found.total, found.gross_exposure, found.net_exposure) == (100_000, 9_999, 9_999)
    assert (found.open_positions, found.closed_positions, found.book_version) == (1, 0, desk.account.book_version)


@pytest.mark.django_db
def test_what_cannot_be_told_yet_is_empty_and_not_zero(desk: Desk):
    desk.run([line("MSFT", "BUY", 10)], prices="450")
    found = summary(desk)
    assert (found.change, found.sharpe_ratio, found.hit_rate) == (None, None, None)
    assert found.time_weighted_return == 0


@pytest.mark.django_db
def test_a_sale_with_profit_counts_as_a_hit(desk: Desk):
    desk.run([line("MSFT", "BUY", 10)], prices="450")
    desk.run([line("MSFT", "SELL")], prices="460", now=NOW + DAY)
    found = summary(desk)
    assert (found.closed_positions, found.hit_rate) == (1, 1)
    assert found.change == Decimal("222.20")
    assert found.time_weighted_return == Decimal("0.002222")


@pytest.mark.django_db(transaction=True)
def test_a_mark_to_market_refreshes_the_summary(desk: Desk):
    desk.run([line("MSFT", "BUY", 10)], prices="450")
    mark(desk, "400", NOW + DAY)
    found = summary(desk)
    assert (found.total, found.change) == (Decimal(98_889), Decimal(-1_111))
    assert found.max_drawdown == Decimal("-0.01111")
    assert (found.valuation_days, found.oldest_mark_at) == (2, NOW + DAY)


@pytest.mark.django_db
def test_a_deposit_is_no_gain(desk: Desk):
    desk.run([line("MSFT", "BUY", 10)], prices="450")
    context = AuditContext(actor="bob", now=NOW + DAY, reason="more")
    account = desk.account
    ledger.deposit(account, amount=Decimal(50_000), context=context)
    assert summary(desk).book_version < desk.account.book_version
    ledger.value_account(account, now=NOW + DAY)
    found = summary(desk)
    assert (found.total, found.change, found.time_weighted_return) == (150_000, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_the_command_makes_the_same_summaries_again(desk: Desk):
    desk.run([line("MSFT", "BUY", 10)], prices="450")
    mark(desk, "460", NOW + DAY)
    names = [
        field.name for field in AccountSummary._meta.concrete_fields if field.name not in ("id", "refreshed_at")
    ]
    before = list(AccountSummary.objects.values(*names))
    AccountSummary.objects.all().delete()
    out = StringIO()
    call_command("refresh_summaries", stdout=out)
    assert out.getvalue() == "Summaries refreshed: 1 of 1 account\n"
    assert list(AccountSummary.objects.values(*names)) == before


@pytest.mark.django_db(transaction=True)
def test_an_account_without_a_valuation_has_no_summary(desk: Desk):
    PortfolioAccount.objects.create(strategy=desk.strategy, provider="anthropic")
    assert refresh_summaries([desk.account.pk], now=NOW) == 0
    call_command("refresh_summaries", stdout=StringIO())
    assert not AccountSummary.objects.exists()


@pytest.mark.parametrize(("total", "stored"), [("9999999.99", "999999998"), ("10000000.01", None)])
def test_a_ratio_that_is_larger_than_its_column_is_left_empty(total: str, stored: str | None):
    cent = Decimal("0.01")
    points = [ValuePoint(NOW, cent, cent), ValuePoint(NOW + DAY, Decimal(total))]
    found = summary_values(SummarySource(points=points), cash_balance=Decimal(total))["time_weighted_return"]
    assert found == (None if stored is None else Decimal(stored))
