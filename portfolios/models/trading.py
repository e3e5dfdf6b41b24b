"""Orders and the positions they make."""

import uuid
from decimal import Decimal
from typing import TypeAlias

from django.db import models
from django.db.models import Q

from common.money import notional, plain
from portfolios.domain import accounting, order_states
from portfolios.models.accounts import PortfolioAccount
from portfolios.models.fields import CashField, UnitField
from portfolios.models.securities import Security


class Order(models.Model):
    """An instruction to trade, positive in quantity; its action says which way."""

    Action: TypeAlias = accounting.Action
    Status: TypeAlias = order_states.OrderStatus

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    account = models.ForeignKey(PortfolioAccount, on_delete=models.PROTECT, related_name="orders")
    security = models.ForeignKey(
        Security, on_delete=models.PROTECT, related_name="orders", to_field="symbol", db_column="symbol"
    )
    action = models.CharField(max_length=16, choices=Action.choices)
    quantity = UnitField()
    limit_price = UnitField(help_text="Reference price per unit at which the order was sized.")
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.PENDING.value)
    filled_quantity = UnitField(default=0)
    average_fill_price = UnitField(null=True, blank=True)
    fee = CashField(default=0)
    client_order_id = models.CharField(max_length=64, unique=True)
    is_simulated = models.BooleanField(default=False, help_text="Whether a default price was used, not a market's.")
    placed_at = models.DateTimeField()
    filled_at = models.DateTimeField(null=True, blank=True)
    metadata = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["-placed_at", "client_order_id"]
        constraints = [
            models.CheckConstraint(name="order_quantity_positive", condition=Q(quantity__gt=0)),
            models.CheckConstraint(name="order_limit_price_positive", condition=Q(limit_price__gt=0)),
            models.CheckConstraint(name="order_fee_not_negative", condition=Q(fee__gte=0)),
            models.CheckConstraint(
                name="order_action_known",
                condition=Q(action__in=accounting.Action.values),
            ),
            models.CheckConstraint(
                name="order_status_known",
                condition=Q(status__in=order_states.OrderStatus.values),
            ),
            models.CheckConstraint(
                name="order_filled_exactly_when_it_says_so",
                condition=Q(
                    status__in=["filled", "partially_filled"],
                    filled_quantity__gt=0,
                    average_fill_price__gt=0,
                    filled_at__isnull=False,
                )
                | Q(
                    status__in=["pending", "canceled", "rejected", "failed"],
                    filled_quantity=0,
                    average_fill_price=None,
                    filled_at=None,
                ),
            ),
        ]
        indexes = [
            models.Index(name="order_by_account", fields=["account", "-placed_at"]),
            models.Index(name="order_by_symbol", fields=["security", "-placed_at"]),
            models.Index(name="order_by_time", fields=["-placed_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.action} {plain(self.quantity)} {self.security_id} @ {plain(self.limit_price)}"

    @property
    def notional(self) -> Decimal:
        """Quantity times limit price in cents."""
        return notional(quantity=self.quantity, price=self.limit_price)


class Position(models.Model):
    """What an account holds, or held, of one security; at most one open row per account and security."""

    Side: TypeAlias = accounting.Side

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        CLOSED = "closed", "Closed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    account = models.ForeignKey(PortfolioAccount, on_delete=models.PROTECT, related_name="positions")
    security = models.ForeignKey(
        Security, on_delete=models.PROTECT, related_name="positions", to_field="symbol", db_column="symbol"
    )
    side = models.CharField(max_length=8, choices=Side.choices)
    status = models.CharField(max_length=8, choices=Status, default=Status.OPEN)
    quantity = UnitField(help_text="Units held; zero once closed.")
    average_price = UnitField(help_text="Price per unit of the opening fills, weighted by quantity.")
    cost_basis = CashField(help_text="Cash total of what is held: paid for a long, received for a short.")
    realized_pnl = CashField(default=0, help_text="Realized profit after fees.")
    mark_price = UnitField(help_text="Price per unit of the last valuation.")
    marked_at = models.DateTimeField()
    book_version = models.PositiveBigIntegerField(
        default=0, help_text="Sequence of the ledger entry that changed the position last."
    )
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["account", "security", "-opened_at"]
        constraints = [
            models.UniqueConstraint(
                name="position_one_open_per_account_and_security",
                fields=["account", "security"],
                condition=Q(status="open"),
            ),
            models.CheckConstraint(
                name="position_closed_exactly_when_empty",
                condition=Q(status="open", quantity__gt=0, closed_at=None)
                | Q(status="closed", quantity=0, cost_basis=0, closed_at__isnull=False),
            ),
            models.CheckConstraint(name="position_side_known", condition=Q(side__in=accounting.Side.values)),
            models.CheckConstraint(
                name="position_prices_positive", condition=Q(average_price__gt=0, mark_price__gt=0)
            ),
            models.CheckConstraint(name="position_cost_not_negative", condition=Q(cost_basis__gte=0)),
        ]
        indexes = [
            models.Index(name="position_by_account", fields=["account", "status"]),
            models.Index(name="position_by_time", fields=["-opened_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.side} {plain(self.quantity)} {self.security_id}"

    def as_holding(self) -> accounting.Holding:
        """Return the position as the pure arithmetic knows it."""
        return accounting.Holding(
            symbol=self.security_id,
            side=accounting.Side(self.side),
            quantity=self.quantity,
            average_price=self.average_price,
            cost_basis=self.cost_basis,
            realized_pnl=self.realized_pnl,
            mark_price=self.mark_price,
        )
