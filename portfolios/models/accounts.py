"""Portfolio accounts and their values over time."""

import uuid
from decimal import Decimal
from typing import TypeAlias

from django.db import models
from django.db.models import F, Q

from portfolios.domain import vocabulary
from portfolios.models.fields import CashField
from portfolios.models.strategies import Strategy


class PortfolioAccount(models.Model):
    """The books of one strategy as one provider trades it.

    Cash and holdings change through `portfolios.ledger` only.
    """

    TradingState: TypeAlias = vocabulary.TradingState

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    strategy = models.ForeignKey(Strategy, on_delete=models.PROTECT, related_name="accounts")
    provider = models.CharField(max_length=16, choices=vocabulary.Provider.choices)
    cash_balance = CashField(default=0, help_text="Cash in USD; never below zero.")
    equity_value = CashField(
        default=0, help_text="Signed market value of the open positions at their last marks, shorts negative."
    )
    payable = CashField(
        default=0,
        help_text="Cash that the account owes because its balance did not suffice: the dividend of a short.",
    )
    book_version = models.PositiveBigIntegerField(
        default=0, help_text="Sequence number of the last ledger entry: equal versions mean equal books."
    )
    trading_state = models.CharField(max_length=16, choices=TradingState.choices, default=TradingState.ACTIVE.value)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["strategy", "provider"]
        constraints = [
            models.UniqueConstraint(name="account_one_per_strategy_and_provider", fields=["strategy", "provider"]),
            models.CheckConstraint(name="account_cash_not_negative", condition=Q(cash_balance__gte=0)),
            models.CheckConstraint(name="account_payable_not_negative", condition=Q(payable__gte=0)),
            models.CheckConstraint(
                name="account_provider_known", condition=Q(provider__in=vocabulary.Provider.values)
            ),
            models.CheckConstraint(
                name="account_trading_state_known", condition=Q(trading_state__in=vocabulary.TradingState.values)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.strategy} / {self.get_provider_display()}"

    @property
    def total_value(self) -> Decimal:
        """Cash plus equity, less what is owed."""
        total: Decimal = self.cash_balance + self.equity_value - self.payable
        return total


class TradingStateChange(models.Model):
    """Who halted, limited or freed an account, when and why. Written with the change, never edited."""

    account = models.ForeignKey(PortfolioAccount, on_delete=models.PROTECT, related_name="trading_state_changes")
    before = models.CharField(max_length=16, choices=vocabulary.TradingState.choices)
    after = models.CharField(max_length=16, choices=vocabulary.TradingState.choices)
    actor = models.CharField(max_length=150)
    reason = models.TextField()
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["-changed_at", "-id"]
        constraints = [
            models.CheckConstraint(
                name="trading_state_change_known",
                condition=Q(before__in=vocabulary.TradingState.values, after__in=vocabulary.TradingState.values),
            ),
            models.CheckConstraint(name="trading_state_change_changes", condition=~Q(before=F("after"))),
            models.CheckConstraint(name="trading_state_change_explained", condition=~Q(actor="") & ~Q(reason="")),
        ]
        indexes = [models.Index(name="trading_state_by_account", fields=["account", "-changed_at"])]

    def __str__(self) -> str:
        return f"{self.before} -> {self.after}"


class Valuation(models.Model):
    """What an account was worth at one time, and what deposits and withdrawals moved since the time before."""

    account = models.ForeignKey(PortfolioAccount, on_delete=models.PROTECT, related_name="valuations")
    as_of = models.DateTimeField()
    cash = CashField()
    equity = CashField(help_text="Signed market value of the open positions.")
    total = CashField(help_text="Cash plus equity.")
    external_flow = CashField(default=0, help_text="Deposits minus withdrawals since the last valuation.")
    book_version = models.PositiveBigIntegerField(help_text="Ledger entries behind the valuation.")

    class Meta:
        ordering = ["-as_of"]
        indexes = [
            models.Index(name="valuation_by_account", fields=["account", "-as_of"]),
            models.Index(name="valuation_by_time", fields=["-as_of"]),
        ]

    def __str__(self) -> str:
        return f"{self.total} on {self.as_of:%Y-%m-%d %H:%M}"
