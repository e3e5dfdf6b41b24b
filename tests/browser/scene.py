"""Rows for pages that are looked at: every table has some, and the longest values that people meet."""

from datetime import timedelta
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from execution.models import ExecutionRun
from portfolios import ledger
from portfolios.domain.accounting import Action
from portfolios.ledger import AuditContext, TypedOrder, record_dividend
from portfolios.models import RiskPolicy, Security, Strategy
from tests.scenes import Desk, Inbox, line


def fill(inbox: Inbox) -> Desk:
    """Write research, runs, orders by hand and corrections, and return the desk."""
    strategy = Strategy.objects.create(name="Quality compounders, global large caps")
    Strategy.objects.create(name="Momentum", status="draft")
    RiskPolicy.objects.create(strategy=strategy, allow_short=True, max_position_percent=15)
    desk = Desk(inbox, strategy)
    now = timezone.now() - timedelta(hours=2)
    prices = {"MSFT": "528.5701", "BRK.B": "748320.25", "KO": "71.2", "NVDA": "181.46", "XOM": "0.001234"}
    desk.run(
        [line("MSFT", "BUY", 10, rationale="cheap"), line("BRK.B", "BUY", 40), line("NVDA", "SELL_SHORT", 5),
         line("KO", "PANIC", 3), line("AAPL", "HOLD", 6), line("XOM", "BUY", 1)],
        prices=prices, initial_balance=Decimal("12345678901.25"), now=now,
    )  # fmt: skip
    context = AuditContext(
        actor="olivia.operator", now=now + timedelta(minutes=5), reason="As the custodian's report says"
    )
    with transaction.atomic():
        ledger.correct_cash(desk.account, balance=Decimal("12345000000.10"), context=context)
        typed = TypedOrder(action=Action.BUY, symbol="KO", quantity=Decimal("1234567.25"), price=Decimal("71.2"))
        Security.objects.get_or_create(symbol="KO")
        order = ledger.record_order(desk.account, typed=typed, fee=Decimal("12.5"), context=context)
        ledger.reverse_order(desk.account, order=order, context=context)
        ledger.place_order(desk.account, typed=typed, context=context)
    record_dividend(symbol="MSFT", per_share=Decimal("0.75"), on=now.date(), context=context)
    ExecutionRun.objects.create(
        request=ExecutionRun.objects.earliest("started_at").request, strategy=strategy, provider="openai",
        status="failed", task_id=strategy.pk, digest="0" * 64, actor="scheduler", source="worker", started_at=now,
        finished_at=now, error="OperationalError: the disk is full",
    )  # fmt: skip
    return desk
